"""The read-only calls of the checks, and their outcomes; a missing permission skips a check, and never fails it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from botocore import xform_name

from aws_exec.clouds.errors import failure_of, is_denied
from aws_exec.lifecycle.values import TRANSIENT, CallFailure, FailureKind

_NETWORK = "Check --region, --endpoint-url and the network"
#: What to do about a call without an answer, by kind of failure.
_HINTS = {
    FailureKind.UNREACHED: _NETWORK,
    FailureKind.NO_ANSWER: _NETWORK,
    FailureKind.THROTTLED: "AWS throttles the calls: check again in a minute",
}
#: What to do about a refused call, by operation: what the request names does not exist, or is not usable.
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
_ELSE = "Read AWS's message: the name, the Region or the account may be wrong"

#: Paths outside the request: the options that name the Airflow container and the workload store.
CONTAINER = ("container_name",)
STORE = ("workload_store",)


class Status(StrEnum):
    """The result of one check."""

    PASS = "PASS"  # noqa: S105 - no password
    WARN = "WARN"
    FAIL = "FAIL"
    SKIP = "SKIP"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one check.

    Attributes:
        status: its result.
        call: service and operation as in an IAM policy: `ecs:DescribeClusters`.
        subject: the checked resource: `cluster fleet`.
        message: the finding.
        hint: what to do; empty if nothing.
        rule: the id of the rule that it violates if it fails (`aws_exec.settings.rules.catalogue`).
        path: the checked member of the request, or `CONTAINER` or `STORE`; empty: the complete request.
        failure_kind: why there is no answer; None if there is one.
    """

    status: Status
    call: str
    subject: str
    message: str
    hint: str = ""
    rule: str = ""
    path: tuple[str, ...] = ()
    failure_kind: FailureKind | None = None

    @property
    def unanswered(self) -> bool:
        """Whether the call failed in a way that may pass: the check has no result yet."""
        return self.failure_kind in TRANSIENT


class CredentialsError(Exception):
    """AWS accepts no credentials: no call is possible."""


class CallFailed(Exception):  # noqa: N818 - an outcome, on its way
    """A call failed.

    Attributes:
        outcome: why, for people.
        failure: the same as a value.
    """

    def __init__(self, outcome: Outcome, failure: CallFailure) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.failure = failure


@dataclass(frozen=True, slots=True)
class CachedCalls:
    """Makes the calls, each once.

    Attributes:
        client: returns the client of a boto3 service; may raise CloudError.
    """

    client: Callable[[str], Any]
    _answers: dict[str, Mapping[str, Any] | CallFailed] = field(default_factory=dict)

    def call(self, service: str, operation: str, subject: str, **arguments: Any) -> Mapping[str, Any]:
        """Return the answer to one call.

        Args:
            service: boto3's name.
            operation: in AWS's spelling.
            subject: the checked resource.
            arguments: of the call.

        Raises:
            CallFailed: with the outcome.
            CredentialsError: AWS accepts no credentials.
        """
        key = f"{service} {operation} {arguments}"
        if key not in self._answers:
            self._answers[key] = self._answer(service, operation, subject, arguments)
        answer = self._answers[key]
        if isinstance(answer, CallFailed):
            raise answer
        return answer

    def _answer(
        self, service: str, operation: str, subject: str, arguments: Mapping[str, Any]
    ) -> Mapping[str, Any] | CallFailed:
        call = f"{service.replace('-', '')}:{operation}"  # as IAM spells the action
        try:
            answer: Mapping[str, Any] = getattr(self.client(service), xform_name(operation))(**arguments)
        except Exception as error:
            failure = failure_of(error, operation)
            if failure.kind is FailureKind.CREDENTIALS:
                raise CredentialsError(str(failure)) from error
            return CallFailed(_failed(call, subject, failure), failure)
        return answer


def _failed(call: str, subject: str, failure: CallFailure) -> Outcome:
    """Return the outcome of a failed call: a denied or unanswered call proves nothing about the subject."""
    kind = failure.kind
    if is_denied(failure):
        hint = f"Allow {call} to have it checked"
        return Outcome(Status.SKIP, call, subject, f"not allowed ({failure.code})", hint, failure_kind=kind)
    status = Status.FAIL if kind in (FailureKind.REFUSED, FailureKind.INVALID) else Status.SKIP
    hint = _HINTS.get(kind) or _NAMES.get(failure.operation, _ELSE)
    return Outcome(status, call, subject, str(failure), hint, failure_kind=kind)


def outcomes(*checks: Iterator[Outcome]) -> Iterator[Outcome]:
    """Yield the outcomes of checks; a failed call ends its own check, not the others."""
    for check in checks:
        try:
            yield from check
        except CallFailed as failed:
            yield failed.outcome


def attributed(rule: str, path: tuple[str, ...], check: Iterator[Outcome]) -> Iterator[Outcome]:
    """Yield the outcomes of a check; those without a rule or a path get these."""
    for outcome in outcomes(check):
        yield replace(outcome, rule=outcome.rule or rule, path=outcome.path or path)


def log_groups(
    calls: CachedCalls, configuration: Mapping[str, Any], subject: str, default: str | None
) -> Iterator[Outcome]:
    """Check that a log driver is configured and that its log group exists (`awslogs` only)."""
    driver = configuration.get("logDriver")
    options = configuration.get("options") or {}
    group = options.get("awslogs-group") or default
    call = "logs:DescribeLogGroups"
    if not driver and default is None:
        hint = "Add a logConfiguration: without one, a container that dies before Airflow starts leaves no log"
        yield Outcome(Status.WARN, call, subject, "has no log driver", hint, rule="live-log-driver")
        return
    if (driver or "awslogs") != "awslogs" or not group:
        return
    found = calls.call("logs", "DescribeLogGroups", f"log group {group}", logGroupNamePrefix=group)
    if any(each["logGroupName"] == group for each in found.get("logGroups", ())):
        yield Outcome(Status.PASS, call, f"log group {group}", "exists")
    elif options.get("awslogs-create-group") == "true" or default == group:
        yield Outcome(Status.PASS, call, f"log group {group}", "is created on first use")
    else:
        yield Outcome(Status.FAIL, call, f"log group {group}", "does not exist", "Create it: containers cannot start")


def roles(calls: CachedCalls, named: Mapping[str | None, tuple[str, ...]]) -> Iterator[Outcome]:
    """Check that IAM roles exist, each independently of the others.

    Args:
        calls: makes the calls.
        named: ARN or name of each role, and the member of the request that names it; None: no role.
    """
    for arn, path in named.items():
        if arn:
            yield from attributed("live-role", path, _role(calls, arn))


def _role(calls: CachedCalls, arn: str) -> Iterator[Outcome]:
    name = arn.rpartition("/")[2]
    calls.call("iam", "GetRole", f"role {name}", RoleName=name)
    yield Outcome(Status.PASS, "iam:GetRole", f"role {name}", "exists")
