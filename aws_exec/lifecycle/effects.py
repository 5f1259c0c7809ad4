"""Effects: what the machine requests.

* I/O effects go to the dispatcher, which answers each with exactly one completion event that repeats its `request_id`.
* Withdrawals go to the dispatcher, too, and have no completion: each Submit that they withdraw has one.
* Inline effects are carried out by the executor: they are dictionary operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from aws_exec.lifecycle.orphans import FleetMember, Orphan
from aws_exec.lifecycle.values import CallFailure, Job, Key, LaunchId, Termination, Token


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """Launch one container. Completed by Accepted or Unaccepted.

    Attributes:
        token: at most one container may ever exist for it.
        request: what an earlier, unanswered Submit of this token sent: send it again byte for byte; None: compose.
        location: where that request went.
        not_after: do not send it later than this (the clock of the events); None: whenever.
        read_at: when the row was read that says what it runs; None if no row does. One that was read longer ago than
            the lease is not sent: somebody may have changed the row since.
    """

    request_id: int
    launch_id: LaunchId
    key: Key
    token: Token
    workload: object | None
    request: object | None = None
    location: str = ""
    not_after: float | None = None
    read_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindByLaunchId:
    """Search for the containers of launches without a known job. Completed by FoundByLaunchId or FindByLaunchIdFailed.

    Attributes:
        launch_ids: whose; repeated in the completion.
        token_bases: what their tokens begin with, in the same order.
        locations: where they may be (ECS clusters; empty: the default).
    """

    request_id: int
    launch_ids: tuple[LaunchId, ...]
    token_bases: tuple[LaunchId, ...]
    locations: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Describe:
    """Describe jobs of one location. Completed by Described or DescribeFailed."""

    request_id: int
    location: str
    jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRunning:
    """List the running jobs of a location; describe those of these jobs that are no longer listed, if one call does.

    Completed by Described if the unlisted ones were described at once, so that an end is known a heartbeat earlier; by
    RunningListed if there are none, or more than one call describes; or by DescribeFailed.

    Attributes:
        jobs: all known to run.
        at_once: jobs that one call describes.
    """

    request_id: int
    location: str
    jobs: tuple[Job, ...]
    at_once: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StopJob:
    """Stop a job. Completed by StopAnswered."""

    request_id: int
    launch_id: LaunchId
    job: Job
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOwnership:
    """Ask Airflow's database whether these launches are still ours.

    Completed by OwnershipVerified or VerifyOwnershipFailed.

    Attributes:
        read: those whose workload is read from the same rows: adoption knows only their key.
    """

    request_id: int
    launches: tuple[tuple[LaunchId, Key], ...]
    read: frozenset[LaunchId] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyExit:
    """Ask Airflow's database whether the row of a started container waits for its exit to be reported.

    Completed by ExitVerified or VerifyExitFailed.

    It does not if the task was deferred or rescheduled: the row then waits for another container of the same try, and
    reporting the exit of this one would fail the task (`docs/adr/0009`).

    Attributes:
        failed: the container exited as one does that Airflow refuses: also ask whether Airflow still wanted it.
    """

    request_id: int
    launch_id: LaunchId
    key: Key
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckWanted:
    """Ask Airflow's database which of these launches, none of which has started, it no longer wants.

    Completed by WantedChecked.
    """

    request_id: int
    launches: tuple[tuple[LaunchId, Key], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFleet:
    """List all running containers of this deployment. Completed by FleetListed or ListFleetFailed.

    Attributes:
        ended_of: launches of which ended containers are listed, too. The database lane fills them in: the unfinished
            callbacks, by Airflow's database.
    """

    request_id: int
    ended_of: tuple[LaunchId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FindOwners:
    """Ask Airflow's database who owns these containers. Completed by OwnersFound or ListFleetFailed."""

    request_id: int
    members: tuple[FleetMember, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdraw:
    """Do not send this Submit if it has not been sent. Has no completion of its own: the Submit has one."""

    request_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawAll:
    """Do not send any Submit that has not been sent. Has no completion of its own: each Submit has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """Report the job to Airflow: its ARN becomes the external executor id. The key counts as running."""

    key: Key
    job: Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Report to Airflow that a workload is over; the last report of a launch.

    Attributes:
        job: its last container; None if there never was one.
        stop: how that container ended; None if it is not known to have ended.
        failure: the last call that failed, if that is the reason.
        text: a reason that is not AWS's (a deadline passed, attempts used up); empty if there is none.
        containers: how many containers it took.
    """

    key: Key
    success: bool
    job: Job | None = None
    stop: Termination | None = None
    failure: CallFailure | None = None
    text: str = ""
    containers: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Write into the task's event log: why it waits, why its container is replaced."""

    key: Key
    text: str
    job: Job | None = None
    stop: Termination | None = None
    failure: CallFailure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Free the key without reporting anything."""

    key: Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphans:
    """Report the orphans, after each listing of the fleet; also if there are none (any more).

    Attributes:
        found: those that nobody owned in two listings far enough apart.
        stopped: whether they are being stopped.
    """

    found: tuple[Orphan, ...]
    stopped: bool


#: Queries of Airflow's database.
RowEffect: TypeAlias = VerifyOwnership | VerifyExit | FindOwners | CheckWanted
IoEffect: TypeAlias = Submit | FindByLaunchId | Describe | ListRunning | StopJob | ListFleet | RowEffect
InlineEffect: TypeAlias = Launched | Report | Note | Release | Orphans
#: What keeps Submits from being sent.
Withdrawal: TypeAlias = Withdraw | WithdrawAll
Effect: TypeAlias = IoEffect | Withdrawal | InlineEffect
