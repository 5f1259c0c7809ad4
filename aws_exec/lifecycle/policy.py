"""Durations and limits: the retry policy as values and pure functions.

The formula: the n-th consecutive failure waits `min(ceiling, first * 2**(n - 1))` seconds, multiplied by a jitter of
0.5 to 1, derived from token and n. Launches that failed together are not retried together, and the same launch waits
the same time in every test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from zlib import crc32

from aws_exec.lifecycle.values import FailureKind, Termination


class Replacement(Enum):
    """Whether a new container can help a launch whose container never started."""

    YES = "yes"  #: it can; the lost one spends an attempt
    FREE = "free"  #: it can, without spending an attempt: no capacity, Spot gone before the start
    NO = "no"  #: the reason will not pass: image not found, secret denied


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential, bounded, with jitter. `first` and `ceiling` are seconds."""

    first: float
    ceiling: float

    def after(self, count: int, salt: str) -> float:
        """Seconds to wait after the `count`-th failure in a row (from 1)."""
        full = min(self.ceiling, self.first * 2.0 ** min(count - 1, 30))
        share = crc32(f"{salt}:{count}".encode()) / 0xFFFFFFFF
        return full * (0.5 + 0.5 * share)


#: How long each kind of failure waits. The rate buckets already slow a throttled lane down, so a throttle waits little.
BACKOFF = MappingProxyType(
    {
        FailureKind.THROTTLED: Backoff(1, 30),
        FailureKind.UNREACHED: Backoff(1, 60),
        FailureKind.NO_ANSWER: Backoff(1, 60),
        FailureKind.NO_CAPACITY: Backoff(5, 120),
        FailureKind.CREDENTIALS: Backoff(5, 60),
        FailureKind.REFUSED: Backoff(5, 120),
        FailureKind.HELD: Backoff(1, 10),
        FailureKind.INVALID: Backoff(5, 120),
    },
)

#: A container that died before it started: the image or the host may need a moment.
REPLACE = Backoff(5, 60)


def always(_: Termination) -> Replacement:
    """The judge of a cloud without a diagnosis: a new container is always worth a try."""
    return Replacement.YES


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything the machine's decisions depend on beside the events. Times are seconds.

    Attributes:
        service: `"ecs"` or `"batch"`: for the diagnosis, where the machine itself finds that a job is lost.
        idempotent_submit: the cloud makes at most one container per token, so an unanswered request is sent again
            (ECS `clientToken`). Without it the job is searched for first, and once more after `search_grace` (Batch).
        max_attempts: containers that may die before they start.
        observe_batch: jobs per Describe.
        poll_interval: from the start of one sweep over the running jobs to the end of the next, where that takes less
            than a quarter of it; a sweep that takes longer than all of it is followed by the next at once.
        describe_interval: a multi-container job is described at least that often, even if it is listed as running: its
            Airflow container may have exited.
        launch_timeout: from the intake, or the adoption, to the start of user code; None: Airflow's
            task_queued_timeout decides alone.
        start_timeout: from a job's acceptance to the start of its container; None: unlimited (Batch
            `max_runnable_seconds`).
        check_interval: between two checks whether Airflow still wants the launches that have not started; None: no
            checks.
        stop_grace: how long a job may run after its Airflow container has exited, before it is stopped.
        missing_grace, missing_answers: a job that AWS does not know is believed lost after both.
        search_grace, searches: a launch that is found nowhere is believed unlaunched after `searches`, that far apart.
        restop_after: a job that was stopped and still runs is stopped again.
        stall_after: after a longer pause between two heartbeats another scheduler may have taken over. Not before
            `[scheduler] scheduler_health_check_threshold` has passed since Airflow's own heartbeat, which may be a few
            seconds older than ours: two thirds of it.
        deployment: whose fleet is listed; containers of others are ignored.
        orphan_interval: from one listing of the fleet to the next; None: it is not listed.
        orphan_age: a container that nobody owned in two listings that far apart is an orphan. Longer than any container
            that is no longer wanted takes to stop by itself (`stop_grace`, 120 s to shut down on Fargate).
        reap_orphans: stop them.
        launches_per_tick: launches woken in one Tick, and containers of a listing judged in one: limits the duration of
            a Tick. An earlier container of the same task takes longest, some 60 us.
        judge: whether a new container can help one that never started (`aws_exec.diagnosis`).
    """

    service: str = "ecs"
    idempotent_submit: bool = True
    max_attempts: int = 3
    observe_batch: int = 99
    poll_interval: float = 5.0
    describe_interval: float = 60.0
    launch_timeout: float | None = None
    start_timeout: float | None = None
    check_interval: float | None = None
    stop_grace: float = 120.0
    missing_grace: float = 60.0
    missing_answers: int = 3
    search_grace: float = 20.0
    searches: int = 2
    restop_after: float = 60.0
    stall_after: float = 20.0
    deployment: str = ""
    orphan_interval: float | None = None
    orphan_age: float = 900.0
    reap_orphans: bool = False
    launches_per_tick: int = 25
    judge: Callable[[Termination], Replacement] = always

    def launch_by(self, now: float) -> float | None:
        """Return when a launch that is queued or adopted now must have started; None: no deadline."""
        return now + self.launch_timeout if self.launch_timeout else None

    def start_by(self, now: float) -> float | None:
        """Return when a job that is accepted or adopted now must have started; None: no deadline."""
        return now + self.start_timeout if self.start_timeout else None

    @property
    def describe_rounds(self) -> int:
        """Sweeps within which each running multi-container job is described once."""
        return max(1, int(self.describe_interval / max(self.poll_interval, 0.01)))
