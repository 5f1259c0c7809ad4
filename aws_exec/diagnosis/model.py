"""The diagnosis and the rules that recognise one. The rules themselves are tables in the other modules."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from aws_exec.lifecycle.policy import Replacement
from aws_exec.lifecycle.values import CallFailure, FailureKind, Termination


class Blame(Enum):
    """Who has to act."""

    TASK = "the task"  #: what runs in the container, or the size it asked for
    DEPLOYMENT = "the deployment"  #: image, roles, network, capacity, quotas, configuration
    AWS = "AWS"  #: the platform; only waiting or trying again helps
    PERSON = "a person"  #: a user, or another program, stopped it deliberately
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What happened, and what to do.

    Attributes:
        rule: the id of the rule that recognised it (kebab-case, stable: safe to alert on).
        cause: one sentence.
        blame: who has to act.
        replaceable: whether a new container with the same request can succeed.
        remedy: what to do, in the imperative.
        page: the AWS page that documents it.
        said: AWS's text, verbatim except for credentials; empty if there is none.
    """

    rule: str
    cause: str
    blame: Blame
    replaceable: bool
    remedy: str
    page: str
    said: str = ""


#: Characters at the beginning and at the end that are searched for sentences: what is between them echoes a request.
_READ: Final = 2000


def ends_of(message: str) -> str:
    """Return a message without the middle of a very long one."""
    return message if len(message) <= 2 * _READ else message[:_READ] + message[-_READ:]


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    # DOTALL: the rules search a reason of several fields or lines as one text.
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


def _found(pattern: str, text: str) -> bool:
    return not pattern or _compiled(pattern).search(text) is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One way to fail; the subclasses add how it is recognised.

    Attributes:
        id, cause, blame, remedy, page: see `Diagnosis`.
        replacement: whether a new container can help a job that never started.
        general: ids of less specific rules for the same failure, further down in the table. AWS cuts texts off
            anywhere; the rest is recognised by this rule, by one of those (or of theirs), or not at all.
    """

    id: str
    cause: str
    blame: Blame
    remedy: str
    page: str
    replacement: Replacement = Replacement.YES
    general: tuple[str, ...] = ()

    def diagnosis(self, said: str) -> Diagnosis:
        """Return the diagnosis of a text that this rule recognised."""
        replaceable = self.replacement is not Replacement.NO
        return Diagnosis(self.id, self.cause, self.blame, replaceable, self.remedy, self.page, said)


def text_of_termination(stop: Termination) -> str:
    """Return stop code, reason and the container's own reason, one per line, without duplicates."""
    return "\n".join(dict.fromkeys(part for part in (stop.code, stop.reason, stop.container_reason) if part))


def text_of_call_failure(failure: CallFailure) -> str:
    """Return code and message, one per line."""
    return "\n".join(dict.fromkeys(part for part in (failure.code, failure.message) if part))


@dataclass(frozen=True, kw_only=True, slots=True)
class TerminationRule(Rule):
    """Recognises an ended job. Every condition that is given must hold; none given matches everything.

    Attributes:
        when: a regular expression searched, ignoring case, in AWS's text (`text_of_termination`).
        codes: ECS stop codes.
        exits: exit codes of the Airflow container.
        service: `"ecs"` or `"batch"`.
        started: whether the Airflow container ever ran.
        exited: whether it has an exit code.
        user_initiated: whether a user stopped it.
        sidecars: whether another container failed.
        no_reason: whether AWS gave no reason.
    """

    when: str = ""
    codes: frozenset[str] = frozenset()
    exits: frozenset[int] = frozenset()
    service: str = ""
    started: bool | None = None
    exited: bool | None = None
    user_initiated: bool | None = None
    sidecars: bool | None = None
    no_reason: bool | None = None

    def matches(self, stop: Termination, text: str) -> bool:
        """Return whether this rule recognises a job's end; `text` is `text_of_termination(stop)`."""
        flags = (
            (self.started, stop.started),
            (self.exited, stop.exit_code is not None),
            (self.user_initiated, stop.user_initiated),
            (self.sidecars, bool(stop.sidecars)),
            (self.no_reason, not text),
        )
        return (
            all(expected is None or expected is actual for expected, actual in flags)
            and (not self.service or self.service == stop.service)
            and (not self.codes or stop.code in self.codes)
            and (not self.exits or stop.exit_code in self.exits)
            and _found(self.when, text)
        )


class About(Enum):
    """What a sentence of AWS is about, in the order in which sentences are tried, and the kind of failure it means."""

    #: It quotes a name or a text that a task's author chose.
    NAMED_THING = 1, FailureKind.INVALID
    #: A queue can be repaired, or become visible, while the task waits. The sentence is about what it names first.
    JOB_QUEUE = 2, FailureKind.REFUSED
    DEFINITION = 3, FailureKind.INVALID
    #: This and the next concern every task: whole phrases only.
    THROTTLE = 4, FailureKind.THROTTLED
    CREDENTIALS = 5, FailureKind.CREDENTIALS
    #: From here on, one task or one cluster.
    CAPACITY = 6, FailureKind.NO_CAPACITY
    #: Roles can be corrected while the task waits.
    PERMISSION = 7, FailureKind.REFUSED
    REQUEST = 8, FailureKind.INVALID

    @property
    def kind(self) -> FailureKind:
        """Return the kind of failure that such a sentence means."""
        return self.value[1]


class Sentence(NamedTuple):
    """A sentence of AWS that alone means a kind of failure, whatever AWS's error code."""

    about: About
    pattern: str  #: a regular expression, searched in the code or the message, ignoring case


@dataclass(frozen=True, kw_only=True, slots=True)
class CallFailureRule(Rule):
    """Recognises a failed call of one of the kinds in `kinds` by `when` or by one of its sentences.

    Attributes:
        when: a regular expression searched, ignoring case, in code and message (`text_of_call_failure`).
        sentences: AWS's sentences that mean this failure; `call_failures.kind_of_message` reads them too.
        kinds: the kinds of failure that it can recognise; empty: all.
        rest: whether it recognises every failure of these kinds that no rule before it does.
    """

    when: str = ""
    sentences: tuple[Sentence, ...] = ()
    kinds: frozenset[FailureKind] = frozenset()
    rest: bool = False

    def matches(self, failure: CallFailure, text: str) -> bool:
        """Return whether this rule recognises a failure; `text` is `text_of_call_failure(failure)`."""
        if self.kinds and failure.kind not in self.kinds:
            return False
        return self.rest or (self.when != "" and _found(self.when, text)) or self._has_sentence_in(failure)

    def _has_sentence_in(self, failure: CallFailure) -> bool:
        texts = [ends_of(text) for text in (failure.code, failure.message)]
        return any(_found(sentence.pattern, text) for sentence in self.sentences for text in texts)


AnyRule = TypeVar("AnyRule", TerminationRule, CallFailureRule)


def unique(rules: Iterable[AnyRule]) -> tuple[AnyRule, ...]:
    """Return the rules as one table.

    Raises:
        ValueError: two of them share an id, or a more general rule is unknown or would be tried first.
    """
    table = tuple(rules)
    ids = [rule.id for rule in table]
    duplicates = {name for name in ids if ids.count(name) > 1}
    if duplicates:
        raise ValueError(f"rule ids must be unique: {sorted(duplicates)}")
    for position, rule in enumerate(table):
        if not set(rule.general) <= set(ids[position + 1 :]):
            raise ValueError(f"the rules more general than {rule.id} must come after it: {rule.general}")
    return table
