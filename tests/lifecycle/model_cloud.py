"""A cloud for the stateful test: containers that live and die, with AWS's memory and AWS's lapses of memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from aws_exec.lifecycle.values import (
    Job,
    LaunchId,
    Observation,
    Origin,
    Status,
    Termination,
    Token,
    launch_of,
)

#: A job that was just made is not listed for up to this long; less than `Policy.find_grace`.
LISTING_LAG = 15.0
#: A transient MISSING lasts at most this long; less than `Policy.missing_grace`.
FORGETFUL = 40.0


@dataclass
class Container:
    """One container.

    `started` is when user code began, and stays true; `ended` is its end, once the Airflow container has one.
    """

    job: Job
    token: Token
    request: object
    born: float
    status: Status = Status.STARTING
    started: bool = False
    ended: Termination | None = None
    listed_from: float = 0.0
    forgotten_until: float = 0.0
    stop_asked: bool = False

    @property
    def live(self) -> bool:
        """Something of it may still run."""
        return self.status is not Status.STOPPED

    @property
    def user_code_runs(self) -> bool:
        """Its Airflow container runs now."""
        return self.status is Status.RUNNING and self.ended is None

    def seen(self) -> Observation:
        """As an answer shows it."""
        origin = Origin(launch_of(self.token))  # the rows of the model have a try for each launch
        return Observation(self.job, self.status, self.started, self.token, self.ended, origin=origin)


@dataclass
class ModelCloud:
    """ECS if `idempotent`, else Batch."""

    idempotent: bool
    containers: list[Container] = field(default_factory=list)
    #: Tokens whose request was refused for lack of capacity: the refusal is replayed.
    refused: set[Token] = field(default_factory=set)

    def submit(self, token: Token, request: object, now: float, lag: float) -> Container:
        """Make a container, or name the one that the token already has."""
        if self.idempotent:
            for container in self.containers:
                if container.token == token:
                    return container
        number = len(self.containers) + 1
        made = Container(Job(f"arn:{number}", "c"), token, request, now, listed_from=now + lag)
        self.containers.append(made)
        return made

    def get(self, job: Job) -> Container:
        """The container of a job."""
        return next(container for container in self.containers if container.job == job)

    def find(self, token_bases: tuple[LaunchId, ...], now: float) -> tuple[Observation, ...]:
        """Every listed container of some families; a lapse of memory about one job does not reach the listing."""
        return tuple(
            container.seen()
            for container in self.containers
            if launch_of(container.token) in token_bases
            and container.listed_from <= now
            and container.forgotten_until != inf
        )

    def observe(self, jobs: tuple[Job, ...], now: float) -> tuple[tuple[Observation, ...], tuple[Job, ...]]:
        """What is known of jobs, and which are unknown."""
        known = [job for job in jobs if now >= self.get(job).forgotten_until]
        return (
            tuple(self.get(job).seen() for job in known),
            tuple(job for job in jobs if job not in known),
        )

    def unlisted(self, jobs: tuple[Job, ...], now: float) -> tuple[Job, ...]:
        """Which jobs a listing of what runs does not have: one whose Airflow container ended may still be in it."""
        return tuple(
            job for job in jobs if self.get(job).status is not Status.RUNNING or now < self.get(job).forgotten_until
        )

    def live_of(self, launch_id: LaunchId) -> list[Container]:
        """The containers of a launch of which something may still run."""
        return [c for c in self.containers if c.live and launch_of(c.token) == launch_id]

    # -- what befalls a container --------------------------------------------------------------------------------------

    @staticmethod
    def start(container: Container) -> None:
        """User code begins."""
        container.status = Status.RUNNING
        container.started = True

    @staticmethod
    def exit(container: Container, code: int, *, lingers: bool) -> None:
        """The Airflow container exits; the rest of the job may linger."""
        container.ended = Termination("ecs", exit_code=code, started=True, code="EssentialContainerExited")
        container.status = Status.RUNNING if lingers else Status.STOPPED

    @staticmethod
    def die(container: Container, *, user_initiated: bool = False, reason: str = "") -> None:
        """It stops as a whole, without an exit code unless it had one."""
        container.status = Status.STOPPED
        lost = Termination("ecs", started=container.started, reason=reason, user_initiated=user_initiated)
        if container.ended is None or container.ended.exit_code is None:
            container.ended = lost

    def kill(self, container: Container) -> None:
        """A stop that was asked for takes effect."""
        if container.ended is None and container.started:
            container.ended = Termination("ecs", exit_code=143, started=True, code="UserInitiated", user_initiated=True)
        self.die(container, user_initiated=True, reason="stopped")
