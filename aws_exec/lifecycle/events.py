"""The events: everything that the machine takes in.

The first group comes from Airflow through the executor, the second from the dispatcher: one completion for each I/O
effect, naming the effect's `request_id`. A completion whose request id is not the one awaited is late or doubled, and
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
    """Airflow handed a workload over. `workload` is opaque here; it is kept until its container has started."""

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
        origin: what its row says: a job that does not fit is of an earlier launch, for Airflow does not clear the ARN
            for the next one; None: whatever job it names is the one.
    """

    launch_id: LaunchId
    key: Key
    job: Job | None = None
    workload: object | None = None
    location: str = ""
    origin: Origin | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """Airflow takes a workload back: free the key, stop the container, report nothing."""

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
        request: what was sent, to be sent again byte for byte if the failure leaves it open whether it arrived.
        location: where it was sent to.
        outdated: it was not sent, for no other reason than that its row had been read too long ago.
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
    """Jobs were seen, or are unknown to AWS. `request_id` is None if nobody asked (a pushed state change)."""

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
        ours: those whose row still says QUEUED, by this scheduler, for this launch.
        workloads: what those of them run that the VerifyOwnership was to read.
        read_at: when the database was asked (the clock of the events).
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
        unreported: the row still says that user code runs: nobody has reported its result.
        unwanted: of one that failed, why Airflow did not let it in: as of `WantedChecked`; empty if that was not so.
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
    """A CheckWanted was answered, or not: then nothing is unwanted, and the next check asks again.

    Attributes:
        unwanted: launches whose task instance has ended without them, or is gone, each with how: "marked failed by
            admin".
    """

    request_id: int
    unwanted: tuple[tuple[LaunchId, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetListed:
    """A ListFleet was answered: all that runs of this deployment, as far as it may be listed."""

    request_id: int
    members: tuple[FleetMember, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnersFound:
    """A FindOwners was answered: one owner for each container, in their order.

    The rest is worked out where the event is made, on a thread of the database's lane: for ten thousand containers it
    would block the scheduler's thread too long.

    Attributes:
        alive: what a row may call the containers of the listing.
        newest_first: containers with their owners; of one launch, the container that came last before the others.
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
