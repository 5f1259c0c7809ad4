"""Mistakes in the configuration as values: all are collected, and reported together.

Two kinds of authors, two exceptions: operators write options (`OptionsError`, at start), DAG authors write an
`executor_config` (`InvalidExecutorConfig`, fails that one task). No message carries a command (it holds
the workload's token) or the value of an environment variable: paths and expected types only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aws_exec.redaction import MASK, is_secret_name, may_hold_secret

#: A longer value is cut in a message: it must be recognised, not read.
SHOWN = 80

#: No path of a real request is this long; an invented key may be.
PATH_SHOWN = 160


@dataclass(frozen=True, slots=True)
class Problem:
    """One option that cannot be used.

    Attributes:
        section: of Airflow's configuration, without the team.
        option: its name there.
        value: the given value, masked if it may be secret and cut if long; None if not set.
        message: what is wrong.
        variable: the environment variable that sets it.
        remedy: what to do.
        where: `file:line:column` if it is from awsexec.yaml; else empty.
        rule: the id of a rule of `aws_exec.settings.rules`.
        path: the member of the request that is wrong, dotted; empty for the option itself.
    """

    section: str
    option: str
    value: str | None
    message: str
    variable: str
    remedy: str
    where: str = ""
    rule: str = "option-value"
    path: str = ""

    def __str__(self) -> str:
        """Return one line with everything that is known."""
        given = "not set" if self.value is None else f"value {self.value!r}"
        source = f"{self.where}; {self.variable}" if self.where else self.variable
        return f"[{self.section}] {self.option} ({given}): {self.message}. {self.remedy} ({source})"


class OptionsError(ValueError):
    """The options of an executor cannot be used; everything that is wrong with them at once.

    Attributes:
        problems: at least one.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        """Return one line per problem."""
        if len(self.problems) == 1:
            return str(self.problems[0])
        lines = "\n".join(f"  - {problem}" for problem in self.problems)
        return f"{len(self.problems)} options cannot be used:\n{lines}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake in a document.

    Attributes:
        path: dotted (`overrides.containerOverrides[0].memory`); empty for the document itself.
        message: what is wrong; never the value itself.
        remedy: what to do; empty if the message says it.
        rule: of `aws_exec.settings.rules`.
    """

    path: str
    message: str
    remedy: str = ""
    rule: str = "request-invalid"

    def __str__(self) -> str:
        """`path: message. remedy`."""
        path = self.path[:PATH_SHOWN]
        text = f"{path}: {self.message}" if path else self.message
        return f"{text}. {self.remedy}" if self.remedy else text


class InvalidExecutorConfig(ValueError):  # noqa: N818 - DAG authors know it by this name
    """One task's request cannot be sent: its `executor_config` is wrong. Fails that task, and no other.

    Attributes:
        findings: at least one.
    """

    subject = "executor_config"

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings: tuple[Finding, ...] = tuple(findings)
        super().__init__(self.findings)

    def __str__(self) -> str:
        """All findings in one line: it ends up in a task's event log."""
        return f"{self.subject}: " + "; ".join(str(finding) for finding in self.findings)


class RequestTooLarge(InvalidExecutorConfig):
    """The request, or its overrides, are longer than AWS takes."""

    subject = "request"


#: What is wrong with a value, by the type of pydantic's error; other errors say it in pydantic's words.
_MESSAGES = {
    "string_type": "is not text",
    "int_type": "is not a whole number",
    "int_parsing": "is not a whole number",
    "int_from_float": "is not a whole number",
    "float_type": "is not a number",
    "float_parsing": "is not a number",
    "finite_number": "is not a finite number",
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "literal_error": "must be {expected}",
}


def message_of(entry: Any) -> str:
    """Return what is wrong with a value, from one of the `errors()` of a pydantic `ValidationError`."""
    about = entry.get("ctx", {})
    message = str(about["error"]) if entry["type"] == "value_error" else entry["msg"]
    return _MESSAGES.get(entry["type"], "{message}").format(message=message[:1].lower() + message[1:], **about)


def variable_of(section: str, option: str, team: str | None = None) -> str:
    """The environment variable of an option; Airflow 3.3 writes a team as `AIRFLOW__TEAM___SECTION__OPTION`."""
    scope = f"{team.upper()}___" if team else ""
    return f"AIRFLOW__{scope}{section.replace('.', '_').upper()}__{option.upper()}"


def section_of(section: str, team: str | None = None) -> str:
    """The section of airflow.cfg; Airflow 3.3 writes a team's as `[team=section]`."""
    return f"{team}={section}" if team else section


def masked(option: str, value: object) -> str | None:
    """Return a value for a message: `***` if it may be secret, cut if long; None if there is none."""
    if value is None:
        return None
    text = value if isinstance(value, str) else repr(value)
    if is_secret_name(option) or may_hold_secret(text):
        return MASK
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}... ({len(text)} characters)"
