"""Value types of the core: jobs, observations, terminations, failures.

All are immutable. Adapters make them from AWS's answers (`aws_exec.clouds`), the machine decides on them,
`aws_exec.diagnosis` explains them to users. Only the adapters and the diagnosis read AWS's code strings; the core reads
enums, flags and exit codes.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from aws_exec.container.outcome import Outcome, outcome_of

#: Airflow's key of a workload (`TaskInstanceKey`, `TaskInstanceUuid` or `CallbackKey`): opaque to the core, hashable.
Key: TypeAlias = Hashable

#: A UUID as text: one per queueing of a task instance (docs/adr/0001).
LaunchId: TypeAlias = str

#: `<launch id>-<n>`: the n-th request for a container of one launch. At most one container ever exists per token.
Token: TypeAlias = str

#: Seconds that AWS's clock may be behind Airflow's. A container of an earlier queueing is older than that: it had to be
#: placed, and to run and end, before Airflow queued its task instance again.
CLOCKS_APART = 30.0


def token_of(launch_id: LaunchId, number: int) -> Token:
    """Return the token of the `number`-th request (from 1) of a launch."""
    return f"{launch_id}-{number}"


def launch_of(token: Token) -> LaunchId:
    """Return the launch id in a token."""
    return token.rpartition("-")[0]


def sequence_of(token: Token) -> int:
    """Return the request number in a token; 0 if it has none."""
    number = token.rpartition("-")[2]
    return int(number) if number.isdecimal() else 0


@dataclass(frozen=True, slots=True)
class Job:
    """A container job at AWS.

    Attributes:
        arn: AWS's name; Airflow's external executor id.
        location: where to describe it: the ECS cluster (name or ARN); empty if the service needs none.
    """

    arn: str
    location: str = ""


class Status(Enum):
    """The progress of a job, the same for all services."""

    STARTING = "starting"  #: accepted: provisioning, pending, pulling, runnable
    RUNNING = "running"  #: the Airflow container has been started
    STOPPED = "stopped"  #: nothing of it runs any more


@dataclass(frozen=True, slots=True)
class Termination:
    """How a job ended, in AWS's words, for the diagnosis.

    Attributes:
        service: `"ecs"` or `"batch"`: the service whose vocabulary the strings below are.
        exit_code: of the Airflow container; None if it has none (it never ran, or its host was lost).
        started: whether the Airflow container ever ran.
        code: ECS `stopCode`; empty if there is none.
        reason: ECS `stoppedReason`, Batch `statusReason`; empty if there is none.
        container_reason: the Airflow container's own `reason`; empty if there is none.
        user_initiated: a person or another program stopped it (ECS `UserInitiated`, Batch `isTerminated`).
        sidecars: `name: exit code or reason` of other containers that failed: reported, without effect on the result.
    """

    service: str
    exit_code: int | None = None
    started: bool = False
    code: str = ""
    reason: str = ""
    container_reason: str = ""
    user_initiated: bool = False
    sidecars: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome | None:
        """How the task ended, as `aws_exec.container` reports it; None where the container did not run that."""
        return outcome_of(self.exit_code)


@dataclass(frozen=True, slots=True)
class Origin:
    """The try of a container, and the earliest time at which it can exist; from a row, or from the container itself.

    Attributes:
        try_number: of the task instance; empty if unknown.
        since: seconds since the epoch: when the row was queued, or AWS accepted the job; None if unknown.
    """

    try_number: str = ""
    since: float | None = None

    def fits(self, seen: Origin) -> bool:
        """Return whether a container with the origin `seen` may be the one that a row with this origin waits for."""
        if self.try_number and seen.try_number and self.try_number != seen.try_number:
            return False
        return self.since is None or seen.since is None or seen.since >= self.since - CLOCKS_APART


@dataclass(frozen=True, slots=True)
class Observation:
    """One job in one answer of the cloud. Answers may be late, duplicate or out of order.

    Attributes:
        job: which one.
        status: its progress.
        started: whether the Airflow container has ever been started.
        token: the launch token it carries; None if it carries none (the Amazon provider launched it).
        stop: how the Airflow container ended; None while it has not. With a status other than STOPPED the rest of
            the job (sidecars, the network) is still being taken down.
        waiting: why it does not start, in AWS's words; empty if AWS gives no reason.
        single_container: whether the Airflow container is the only one it has: the job ends with it, and not later.
        origin: from its identity; None if that was not read (it is read where the token was not known before).
    """

    job: Job
    status: Status
    started: bool = False
    token: Token | None = None
    stop: Termination | None = None
    waiting: str = ""
    single_container: bool = False
    origin: Origin | None = None


class FailureKind(Enum):
    """What an unanswered, refused or failed call means for the next step (`policy.BACKOFF`, `launching.unaccepted`)."""

    THROTTLED = "throttled"  #: too fast; nothing happened
    UNREACHED = "unreached"  #: the request never left: connection refused, DNS
    NO_ANSWER = "no answer"  #: it was sent, and may have acted: a lost answer, a 5xx
    NO_CAPACITY = "no capacity"  #: an answered refusal that may pass: no room, no Spot, a quota
    CREDENTIALS = "credentials"  #: missing, expired or invalid; nothing happened
    REFUSED = "refused"  #: access denied, no such cluster, an unknown client error; nothing happened
    INVALID = "invalid"  #: the request itself is wrong and will stay so
    HELD = "held"  #: this process did not send it: withdrawn, the lease lapsed, the lanes are closed


#: Failures on the way to the service, not of the request itself: the same request may succeed later.
TRANSIENT = frozenset({FailureKind.THROTTLED, FailureKind.UNREACHED, FailureKind.NO_ANSWER})

#: Failures that do not show whether an *earlier* unanswered request acted: that stays in doubt.
INCONCLUSIVE = frozenset(
    {
        FailureKind.THROTTLED,
        FailureKind.UNREACHED,
        FailureKind.NO_ANSWER,
        FailureKind.CREDENTIALS,
        FailureKind.REFUSED,
        FailureKind.HELD,
    },
)


@dataclass(frozen=True, slots=True)
class CallFailure:
    """A failed call.

    Attributes:
        kind: what it means.
        operation: the API operation (`RunTask`), or what was tried.
        code: AWS's error code or failure reason; the exception's class name if AWS did not answer.
        message: the rest of the answer, verbatim; never a credential or a task token.
    """

    kind: FailureKind
    operation: str
    code: str = ""
    message: str = ""

    def __str__(self) -> str:
        """`RunTask: RESOURCE:MEMORY: no container instance ...`, with what there is."""
        return ": ".join(part for part in (self.operation, self.code, self.message) if part)
