"""Events: what the machine handles.

The first group comes from Airflow through the executor, the second from the dispatcher: one completion for each I/O
effect, with the effect's `request_id`. A completion whose request id is not the one awaited is late or a duplicate, and
is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from aws_exec.lifecycle.orphans import FleetMember, Owner, alive_in
from aws_exec.lifecycle.values import CallFailure, Job, Key, LaunchId, Observation, Origin, sequence_of


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadQueued:
    """Airflow handed over a workload. It is opaque here, and kept until its container has started."""

    launch_id: LaunchId
    key: Key
    workload: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """A dead scheduler's task instance is ours now.

    Attributes:
        job: the container, where its ARN or id was saved; None if it must be searched for by launch id.
        workload: given only if it may still be launched (its row is QUEUED); None if it may only be followed. It only
            names the row: a VerifyOwnership reads before each launch what that is.
        location: where its container may be (ECS cluster).
        origin: from its row. A job that does not fit it is of an earlier launch: Airflow does not clear the ARN for the
            next one. None: any job that the row names is the right one.
    """

    launch_id: LaunchId
    key: Key
    job: Job | None = None
    workload: object | None = None
    location: str = ""
    origin: Origin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """Airflow revoked a workload: free the key, stop the container, report nothing."""

    key: Key


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedByAirflow:
    """Airflow itself declared the key terminal: stop the container, report nothing."""

    key: Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A heartbeat of the scheduler."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draining:
    """The executor ends: launch, replace and stop nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminating:
    """The executor terminates: as Draining, but stop every job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A Submit was answered with a job (perhaps one that an earlier request with this token already made)."""

    request_id: int
    launch_id: LaunchId
    seen: Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class Unaccepted:
    """A Submit made no job that we know of.

    Attributes:
        request: what was sent, to be sent again byte for byte if it is not known whether it arrived.
        location: where it was sent to.
        outdated: it was not sent, only because its row had been read too long ago.
    """

    request_id: int
    launch_id: LaunchId
    failure: CallFailure
    request: object | None = None
    location: str = ""
    outdated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundByLaunchId:
    """A FindByLaunchId was answered: `seen` has every container of these token bases that the cloud knows of."""

    request_id: int
    launch_ids: tuple[LaunchId, ...]
    seen: tuple[Observation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindByLaunchIdFailed:
    """A FindByLaunchId was not answered."""

    request_id: int
    launch_ids: tuple[LaunchId, ...]
    failure: CallFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """Jobs were seen, or are unknown to AWS. `request_id` is None if nothing requested it (a pushed state change)."""

    request_id: int | None
    seen: tuple[Observation, ...]
    missing: tuple[Job, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningListed:
    """A ListRunning was answered: all but these are listed as running."""

    request_id: int
    location: str
    unlisted: tuple[Job, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeFailed:
    """A Describe or a ListRunning was not answered."""

    request_id: int
    failure: CallFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAnswered:
    """A StopJob was answered; `failure` is None if AWS took it (or no longer knows the job)."""

    request_id: int
    launch_id: LaunchId
    failure: CallFailure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnershipVerified:
    """A VerifyOwnership was answered.

    Attributes:
        ours: those whose row is still QUEUED, by this scheduler, for this launch.
        workloads: what the launches in `VerifyOwnership.read` run.
        read_at: when the database was queried (the clock of the events).
    """

    request_id: int
    launch_ids: tuple[LaunchId, ...]
    ours: frozenset[LaunchId]
    workloads: Mapping[LaunchId, object] = field(default_factory=dict)
    read_at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOwnershipFailed:
    """Airflow's database did not answer a VerifyOwnership."""

    request_id: int
    launch_ids: tuple[LaunchId, ...]
    failure: CallFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitVerified:
    """A VerifyExit was answered.

    Attributes:
        awaited: False if the row waits for another container of the same try.
        unreported: the row is still RUNNING: nothing has reported the task's result.
        unwanted: for one that failed, why Airflow refused to start it, as in `WantedChecked`; empty if it did not.
    """

    request_id: int
    launch_id: LaunchId
    awaited: bool
    unreported: bool = False
    unwanted: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyExitFailed:
    """Airflow's database did not answer a VerifyExit."""

    request_id: int
    launch_id: LaunchId
    failure: CallFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedChecked:
    """A CheckWanted was answered, or failed: then nothing is unwanted, and the next check asks again.

    Attributes:
        unwanted: launches whose task instance has ended without them, or is gone, each with how: "marked failed by
            admin".
    """

    request_id: int
    unwanted: tuple[tuple[LaunchId, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetListed:
    """A ListFleet was answered: all running containers of this deployment that may be listed."""

    request_id: int
    members: tuple[FleetMember, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnersFound:
    """A FindOwners was answered: one owner for each container, in their order.

    `alive` and `newest_first` are computed where the event is made, on the database lane: for ten thousand containers
    that would block the scheduler's thread too long.

    Attributes:
        alive: the names that a row may have for the containers of the listing.
        newest_first: containers with their owners; the newest container of a launch before its others.
    """

    request_id: int
    members: tuple[FleetMember, ...]
    owners: tuple[Owner, ...]
    alive: frozenset[str] = field(init=False, repr=False)
    newest_first: tuple[tuple[FleetMember, Owner], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        pairs = zip(self.members, self.owners, strict=True)
        ordered = sorted(pairs, key=lambda pair: sequence_of(pair[0].identity.token), reverse=True)
        object.__setattr__(self, "alive", alive_in(self.members))
        object.__setattr__(self, "newest_first", tuple(ordered))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListFleetFailed:
    """A ListFleet or a FindOwners was not answered."""

    request_id: int
    failure: CallFailure


Completion: TypeAlias = (
    Accepted
    | Unaccepted
    | FoundByLaunchId
    | FindByLaunchIdFailed
    | Described
    | RunningListed
    | DescribeFailed
    | StopAnswered
    | OwnershipVerified
    | VerifyOwnershipFailed
    | ExitVerified
    | VerifyExitFailed
    | WantedChecked
    | FleetListed
    | OwnersFound
    | ListFleetFailed
)
Event: TypeAlias = WorkloadQueued | Adopted | Revoked | FailedByAirflow | Tick | Draining | Terminating | Completion
