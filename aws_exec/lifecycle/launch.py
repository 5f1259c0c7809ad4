"""A launch: one frozen value, made of parts that are each consistent in themselves.

`Launch.state` is a `Submission` until a container is known, and a `Container` from then on. Its phase is computed from
the parts (`Launch.phase`), never written: a launch cannot be in a phase that its parts contradict.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import Literal, TypeAlias

from aws_exec.lifecycle.phases import Phase, Standing
from aws_exec.lifecycle.values import CallFailure, Job, Key, LaunchId, Origin, Termination, Token, token_of

# -- what it runs -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A workload that Airflow handed over."""

    #: What a request is composed from.
    workload: object


@dataclass(frozen=True, slots=True)
class Reading:
    """What a task instance runs, as read from its row."""

    workload: object
    #: When it was read (the clock of the events).
    at: float


@dataclass(frozen=True, slots=True)
class NamedByRow:
    """An adopted workload: only the key of its row is known; the row is read before each Submit."""

    workload: object
    #: What was read, for the next Submit only: thousands may wait for the rate, or for their container to start, and
    #: each workload is kilobytes.
    reading: Reading | None = None


# -- its progress -----------------------------------------------------------------------------------------------------


class Doubt(Enum):
    """Whether a container may exist that is not known here."""

    NONE = "none"  #: none can
    SUBMIT = "submit"  #: a request may have arrived unanswered: the same token again makes no second container (ECS)
    SEARCH = "search"  #: one may: search before anything is submitted


@dataclass(frozen=True, slots=True)
class Pending:
    """A pending request: nothing else happens to the launch before its completion."""

    phase: Literal[Phase.VERIFYING, Phase.LAUNCHING, Phase.SEARCHING]
    request_id: int


@dataclass(frozen=True, slots=True)
class Predecessor:
    """The container of an earlier launch of the key that started despite a stop request, and how it ended.

    It may have run this launch's task; the row shows that.
    """

    job: Job
    stop: Termination


@dataclass(frozen=True, slots=True)
class Submission:
    """A launch without a known container: what was submitted, and whether that is in doubt."""

    #: None: it waits until it is due.
    pending: Pending | None = None
    doubt: Doubt = Doubt.NONE
    #: What an unanswered Submit sent, to be repeated byte for byte; None: compose it.
    request: object | None = None
    #: Searches in a row that found nothing.
    empty_searches: int = 0
    predecessor: Predecessor | None = None


@dataclass(frozen=True, slots=True)
class Starting:
    """User code has not run."""

    #: The origin in the row when the job was adopted; None once the job has been seen, or if the row had none.
    expected_origin: Origin | None = None
    #: By when it must have started; None: whenever.
    start_by: float | None = None
    #: Why it does not start, in AWS's words; empty if AWS gives no reason.
    waiting: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    """User code may have run."""

    #: As of `Observation`, when it was first seen to have started.
    single_container: bool = False


@dataclass(frozen=True, slots=True)
class UnverifiedExit:
    """How the Airflow container ended, until its row shows whether that is to be reported."""

    stop: Termination
    #: Of the pending VerifyExit; 0: none is pending, and the next sweep sends one.
    request_id: int = 0


@dataclass(frozen=True, slots=True)
class Exited:
    """The Airflow container has ended."""

    #: None if there is nothing (more) to report.
    unverified: UnverifiedExit | None = None
    #: Nothing of the job runs any more.
    job_stopped: bool = False


@dataclass(frozen=True, slots=True)
class Absence:
    """AWS does not know the job."""

    #: Answers in a row.
    count: int
    #: When the first of them came.
    since: float


@dataclass(frozen=True, slots=True)
class Container:
    """The container of a launch, and its progress."""

    job: Job
    progress: Starting | Running | Exited = Starting()
    #: None: AWS knew it in the last answer.
    absence: Absence | None = None

    @property
    def started(self) -> bool:
        """Whether user code may have run."""
        return not isinstance(self.progress, Starting)


# -- its owner, and the rest ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Owned:
    """This executor reports it."""

    #: Another scheduler may have adopted it: verify its row before anything is submitted.
    unverified: bool = False
    #: The number of stalls (`MachineState.stalls`) when its row was last known to be ours: verify the row if there were
    #: more since.
    stalls: int = 0


@dataclass(frozen=True, slots=True)
class Detached:
    """It is followed to its end, and nothing (more) is reported."""

    #: A newer launch of the key took over before this one was known to have started: the first request id whose answer
    #: shows whether it has; 0 if that is not so (any more).
    superseded: int = 0


@dataclass(frozen=True, slots=True)
class Stopping:
    """It must end."""

    reason: str
    #: Of the pending StopJob; None if none is pending.
    request_id: int | None = None


@dataclass(frozen=True, slots=True)
class Attempts:
    """How many containers the launch has taken."""

    #: The number of this attempt, from 1; `Policy.max_attempts` limits it.
    attempt: int = 1
    containers: int = 0
    #: Containers in a row that died before they started, for the backoff.
    failed_starts: int = 0


@dataclass(frozen=True, slots=True)
class Retries:
    """Calls that failed, for the backoff and for the reports."""

    #: In a row.
    failures: int = 0
    #: The last of them; None once the container has started.
    last_failure: CallFailure | None = None
    #: What was last noted in the task's event log: the same is noted once.
    last_note: str = ""


State: TypeAlias = Submission | Container


@dataclass(frozen=True, slots=True)
class Launch:
    """One launch: one queueing of a task instance or callback, and the containers that it took."""

    #: Never changes.
    launch_id: LaunchId
    #: The workload that it runs; the newest launch of a key that is not detached owns it.
    key: Key
    state: State = Submission()
    #: What it runs; None once it may not be launched again.
    work: HandedOver | NamedByRow | None = None
    ownership: Owned | Detached = Owned()
    #: None while it need not end.
    stopping: Stopping | None = None
    #: Where its requests go (ECS cluster, Batch job queue); empty: the default.
    location: str = ""
    #: The launch id that its tokens are made from: its own, unless it adopted another launch's container.
    token_base: LaunchId = ""
    #: Of the current token, from 1.
    token_sequence: int = 1
    attempts: Attempts = Attempts()
    retries: Retries = Retries()
    #: When it was adopted, or last searched for: until a listing of the fleet that began later is answered, an unknown
    #: container of an earlier launch may run. None after that listing, or if the launch needs none.
    unlisted_since: float | None = None
    #: User code must have started by then; None: whenever.
    launch_by: float | None = None
    #: When a Tick wakes it; None: an event does.
    due: float | None = None

    def __post_init__(self) -> None:
        if not self.token_base:
            object.__setattr__(self, "token_base", self.launch_id)

    # -- the parts ----------------------------------------------------------------------------------------------------

    @property
    def submission(self) -> Submission:
        """What was submitted.

        Raises:
            TypeError: it has a container.
        """
        if isinstance(self.state, Submission):
            return self.state
        raise TypeError(f"{self.launch_id} has a container")

    @property
    def container(self) -> Container:
        """Its container.

        Raises:
            TypeError: none is known.
        """
        if isinstance(self.state, Container):
            return self.state
        raise TypeError(f"{self.launch_id} has no container")

    @property
    def phase(self) -> Phase:
        """Its phase, computed from the parts."""
        state = self.state
        if isinstance(state, Submission):
            if state.pending is not None:
                return state.pending.phase
            return Phase.WAITING if state.doubt is Doubt.NONE else Phase.UNCERTAIN
        progress = state.progress
        if isinstance(progress, Exited) and progress.job_stopped:
            return Phase.ENDED
        if self.stopping is not None:
            return Phase.STOPPING
        if isinstance(progress, Starting):
            return Phase.STARTING
        return Phase.RUNNING if isinstance(progress, Running) else Phase.EXITED

    @property
    def standing(self) -> Standing:
        """Its standing: whether this executor reports it."""
        if isinstance(self.ownership, Owned):
            return Standing.OWNED
        return Standing.SUPERSEDED if self.ownership.superseded else Standing.DETACHED

    @property
    def request_id(self) -> int | None:
        """Of the completion that it waits for; None while it waits for none."""
        if isinstance(self.state, Submission):
            return None if self.state.pending is None else self.state.pending.request_id
        return None if self.stopping is None else self.stopping.request_id

    # -- what it runs -------------------------------------------------------------------------------------------------

    @property
    def workload(self) -> object | None:
        """What a request is composed from; None once it may not be launched again."""
        return None if self.work is None else self.work.workload

    @property
    def reading(self) -> Reading | None:
        """What was read from its row; None if it was not read, or need not be."""
        return self.work.reading if isinstance(self.work, NamedByRow) else None

    @property
    def must_be_read(self) -> bool:
        """Whether its row must be read before a Submit; an unanswered request is repeated as it was."""
        return isinstance(self.work, NamedByRow) and self.submission.request is None

    # -- its container ------------------------------------------------------------------------------------------------

    @property
    def submit_in_doubt(self) -> bool:
        """Whether a container may exist that is not known here."""
        return isinstance(self.state, Submission) and self.state.doubt is not Doubt.NONE

    @property
    def job(self) -> Job | None:
        """Its job; None before one is known."""
        return self.state.job if isinstance(self.state, Container) else None

    @property
    def own_job(self) -> Job | None:
        """Its job, once that is known to be this launch's; None before, and if it has none."""
        return None if self.expected_origin is not None else self.job

    @property
    def expected_origin(self) -> Origin | None:
        """The origin that its row gives for a job that has not been seen; None otherwise."""
        return self._starting.expected_origin

    @property
    def waiting(self) -> str:
        """Why its job does not start; empty if AWS gives no reason."""
        return self._starting.waiting

    @property
    def start_by(self) -> float | None:
        """By when its job must have started; None: whenever."""
        return self._starting.start_by

    @property
    def _starting(self) -> Starting:
        state = self.state
        return state.progress if isinstance(state, Container) and isinstance(state.progress, Starting) else _NOTHING

    @property
    def started(self) -> bool:
        """Whether user code may have run."""
        return isinstance(self.state, Container) and self.state.started

    @property
    def container_exited(self) -> bool:
        """Whether its Airflow container has ended."""
        return isinstance(self.state, Container) and isinstance(self.state.progress, Exited)

    @property
    def unverified_exit(self) -> UnverifiedExit | None:
        """How its Airflow container ended, while that is neither reported nor known to need no report."""
        progress = self.state.progress if isinstance(self.state, Container) else None
        return progress.unverified if isinstance(progress, Exited) else None

    @property
    def verifying_exit(self) -> int:
        """The request id of the pending VerifyExit; 0 if none is pending."""
        return 0 if self.unverified_exit is None else self.unverified_exit.request_id

    # -- its owner ----------------------------------------------------------------------------------------------------

    @property
    def detached(self) -> bool:
        """Whether it reports nothing (more)."""
        return isinstance(self.ownership, Detached)

    @property
    def superseded(self) -> int:
        """The first request id whose answer shows whether it started before a newer launch took over; 0: none does."""
        return self.ownership.superseded if isinstance(self.ownership, Detached) else 0

    @property
    def stop_reason(self) -> str:
        """Why it must end; empty while it need not."""
        return "" if self.stopping is None else self.stopping.reason

    # -- times and tokens ---------------------------------------------------------------------------------------------

    @property
    def deadline(self) -> float | None:
        """When it is too late for it to start; None if it never is."""
        return earliest(self.launch_by, self.start_by)

    def in_time(self, due: float) -> float:
        """Return a due time, or `launch_by` if that is earlier: a late launch is reported on time."""
        return due if self.launch_by is None else min(due, self.launch_by)

    @property
    def token(self) -> Token:
        """The token of the current request."""
        return token_of(self.token_base, self.token_sequence)

    # -- copies -------------------------------------------------------------------------------------------------------

    def detach(self) -> Launch:
        """Return a copy that reports nothing (more)."""
        return replace(self, ownership=Detached())

    def idle(self) -> Launch:
        """Return a copy without a pending request."""
        return replace(self, state=replace(self.submission, pending=None))

    def without_reading(self) -> Launch:
        """Return a copy without what was read from its row."""
        return self if self.reading is None else replace(self, work=NamedByRow(self.workload))

    def with_container(self, container: Container) -> Launch:
        """Return a copy with a container, and without what only a submission needs."""
        return replace(
            self.without_reading(),
            state=container,
            attempts=replace(self.attempts, containers=self.attempts.containers + 1),
            retries=replace(self.retries, failures=0),
        )

    def with_progress(self, progress: Starting | Running | Exited) -> Launch:
        """Return a copy whose container has this progress."""
        return replace(self, state=replace(self.container, progress=progress))


#: Of a launch that has no container, or one that has started.
_NOTHING = Starting()


def earliest(*times: float | None) -> float | None:
    """Return the earliest time that is not None; None if all are."""
    return min([time for time in times if time is not None], default=None)
