"""Asking AWS one thing at a time: every outcome says which call it is from; a missing right skips, and never fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from botocore import xform_name

from aws_exec.clouds.errors import fault_of, is_denied
from aws_exec.lifecycle.values import PASSING, CallFailure, FailureKind

_NETWORK = "Check --region, --endpoint-url and the network"
#: What to do about a call that was not answered, whatever was asked.
_HINTS = {
    FailureKind.UNREACHED: _NETWORK,
    FailureKind.NO_ANSWER: _NETWORK,
    FailureKind.THROTTLED: "AWS is asked too often: check again in a minute",
}
#: And about one that was refused: what is asked about is not there, or cannot be so.
_NAMES = {
    "DescribeClusters": "Name a cluster of this Region and account",
    "DescribeTaskDefinition": "Name an active revision of this Region and account",
    "DescribeSubnets": "Name subnets of this Region and account",
    "DescribeSecurityGroups": "Name security groups of this Region and account",
    "DescribeJobQueues": "Name a job queue of this Region and account",
    "DescribeComputeEnvironments": "Give the job queue compute environments of this Region and account",
    "DescribeJobDefinitions": "Name an active revision of this Region and account",
    "DescribeLogGroups": "Name a log group of this Region and account",
    "GetRole": "Create the role, or name another in the definition",
}
_ELSE = "See what AWS says: another name, Region or account may be meant"

#: The path of what is no member of a request: the option that names the Airflow container.
CONTAINER = ("container_name",)


class Status(StrEnum):
    """What came out of one check."""

    PASS = "PASS"  # noqa: S105 - no password
    WARN = "WARN"
    FAIL = "FAIL"
    SKIP = "SKIP"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One thing that AWS was asked.

    Attributes:
        status: how it came out.
        call: service and operation, `ecs:DescribeClusters`; a policy names it so.
        subject: what it is about: `cluster fleet`.
        message: what was found.
        hint: what to do; empty if nothing is.
        rule: that does not hold where it fails (`aws_exec.settings.rules.catalogue`).
        path: the member of the request that it is about, by name, or `CONTAINER`; empty: the request as a whole.
        trouble: why there is no answer; None if there is one.
    """

    status: Status
    call: str
    subject: str
    message: str
    hint: str = ""
    rule: str = ""
    path: tuple[str, ...] = ()
    trouble: FailureKind | None = None

    @property
    def unanswered(self) -> bool:
        """Whether AWS said nothing, neither yes nor no: it may be another thing in a minute."""
        return self.trouble in PASSING


class CredentialsError(Exception):
    """There are no credentials that AWS takes: nothing can be asked."""


class Unanswered(Exception):  # noqa: N818 - an outcome, on its way
    """A call was not answered.

    Attributes:
        outcome: why, for people.
        fault: the same as a value.
    """

    def __init__(self, outcome: Outcome, fault: CallFailure) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Asking:
    """Makes the calls, each once.

    Attributes:
        client: gives the client of a service, as boto3 calls it; may raise CloudError.
    """

    client: Callable[[str], Any]
    _answers: dict[str, Mapping[str, Any] | Unanswered] = field(default_factory=dict)

    def ask(self, service: str, operation: str, subject: str, **arguments: Any) -> Mapping[str, Any]:
        """The answer to one call.

        Args:
            service: as boto3 calls it.
            operation: in AWS's spelling.
            subject: what is asked about.
            arguments: of the call.

        Raises:
            Unanswered: with the outcome.
            CredentialsError: nothing can be asked.
        """
        key = f"{service} {operation} {arguments}"
        if key not in self._answers:
            self._answers[key] = self._answer(service, operation, subject, arguments)
        answer = self._answers[key]
        if isinstance(answer, Unanswered):
            raise answer
        return answer

    def _answer(
        self, service: str, operation: str, subject: str, arguments: Mapping[str, Any]
    ) -> Mapping[str, Any] | Unanswered:
        call = f"{service.replace('-', '')}:{operation}"  # as IAM spells the action
        try:
            answer: Mapping[str, Any] = getattr(self.client(service), xform_name(operation))(**arguments)
        except Exception as error:
            fault = fault_of(error, operation)
            if fault.trouble is FailureKind.CREDENTIALS:
                raise CredentialsError(f"{call}: {fault}") from error
            return Unanswered(_without_answer(call, subject, fault), fault)
        return answer


def _without_answer(call: str, subject: str, fault: CallFailure) -> Outcome:
    """What is known after a call that failed: a right that is missing, or a silent AWS, says nothing of the subject."""
    if is_denied(fault):
        hint = f"Allow {call} to have it checked"
        return Outcome(Status.SKIP, call, subject, f"not allowed ({fault.code})", hint, trouble=fault.trouble)
    status = Status.FAIL if fault.trouble in (FailureKind.REFUSED, FailureKind.INVALID) else Status.SKIP
    hint = _HINTS.get(fault.trouble) or _NAMES.get(fault.operation, _ELSE)
    return Outcome(status, call, subject, str(fault), hint, trouble=fault.trouble)


def outcomes(*checks: Iterator[Outcome]) -> Iterator[Outcome]:
    """The outcomes of checks one after the other; one that is not answered ends with that, and spares the rest."""
    for check in checks:
        try:
            yield from check
        except Unanswered as unanswered:
            yield unanswered.outcome


def concerning(rule: str, path: tuple[str, ...], check: Iterator[Outcome]) -> Iterator[Outcome]:
    """The outcomes of a check, as `outcomes`; what they do not say themselves of rule and path is this."""
    for outcome in outcomes(check):
        yield replace(outcome, rule=outcome.rule or rule, path=outcome.path or path)


def log_groups(asking: Asking, configuration: Mapping[str, Any], whose: str, default: str | None) -> Iterator[Outcome]:
    """Whether there is a log driver, and the log group that it writes to (`awslogs`; others are not known)."""
    driver = configuration.get("logDriver")
    options = configuration.get("options") or {}
    group = options.get("awslogs-group") or default
    call = "logs:DescribeLogGroups"
    if not driver and default is None:
        hint = "Add a logConfiguration, or a container that dies before Airflow starts leaves no word"
        yield Outcome(Status.WARN, call, whose, "has no log driver", hint, rule="live-log-driver")
        return
    if (driver or "awslogs") != "awslogs" or not group:
        return
    found = asking.ask("logs", "DescribeLogGroups", f"log group {group}", logGroupNamePrefix=group)
    if any(each["logGroupName"] == group for each in found.get("logGroups", ())):
        yield Outcome(Status.PASS, call, f"log group {group}", "exists")
    elif options.get("awslogs-create-group") == "true" or default == group:
        yield Outcome(Status.PASS, call, f"log group {group}", "will be made when first used")
    else:
        yield Outcome(Status.FAIL, call, f"log group {group}", "does not exist", "Create it: containers cannot start")


def roles(asking: Asking, named: Mapping[str | None, tuple[str, ...]]) -> Iterator[Outcome]:
    """Whether IAM roles exist; each is asked about, whatever becomes of the others.

    Args:
        asking: makes the calls.
        named: the ARN or the name of each role, and the member of the request that it is from; None is no role.
    """
    for arn, path in named.items():
        if arn:
            yield from concerning("live-role", path, _role(asking, arn))


def _role(asking: Asking, arn: str) -> Iterator[Outcome]:
    name = arn.rpartition("/")[2]
    asking.ask("iam", "GetRole", f"role {name}", RoleName=name)
    yield Outcome(Status.PASS, "iam:GetRole", f"role {name}", "exists")
