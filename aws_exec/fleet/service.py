"""What the fleet's library asks of a service, as one small protocol; `ecs` and `batch` are its implementations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aws_exec.fleet.model import FleetJob
from aws_exec.lifecycle.values import CallFailure


@dataclass(frozen=True, slots=True)
class FleetQuery:
    """Which jobs a survey looks for; what a service can filter by itself, it does.

    Attributes:
        deployment: only of this one; empty: of every one, and those of none.
        ended_since: also those that ended after this time (seconds since the epoch); None: only what is not over.
    """

    deployment: str = ""
    ended_since: float | None = None

    def includes(self, job: FleetJob) -> bool:
        """Whether a job is wanted that was listed; not every service lists by the time of the end."""
        return job.stopped is None or self.ended_since is None or job.stopped >= self.ended_since


class Clients(Protocol):
    """A boto3 client of a service in a Region; empty: where the executor of that service is, else boto3's."""

    def __call__(self, service: str, region: str = "") -> Any:
        """The client; raises CloudError."""
        ...


@dataclass(frozen=True, slots=True)
class LogLocation:
    """Where a container logs.

    Attributes:
        group, stream: in CloudWatch Logs; the stream is empty while nothing was started, both are with another driver.
        region: of the group.
        driver: the log driver, `kubernetes` for a pod; only what `awslogs` writes can be read here.
    """

    group: str
    stream: str
    region: str
    driver: str = "awslogs"


@dataclass(frozen=True, slots=True)
class ContextLine:
    """One line of what surrounds a job: `compute environment fargate: VALID, 12 of 256 vCPUs`.

    Attributes:
        about: what it is about.
        said: what there is to say.
        bad: whether it is a reason for a job not to start.
    """

    about: str
    said: str
    bad: bool = False


class Service(Protocol):
    """A service whose jobs are to be operated. Thread-safe; every call may block; reads are paced.

    Every method raises CloudError where the service does not say.
    """

    @property
    def name(self) -> str:
        """`"ecs"` or `"batch"`."""
        ...

    @property
    def stop_batch(self) -> int:
        """Jobs that one call can stop."""
        ...

    def locations(self) -> Sequence[str]:
        """The clusters, or job queues, that are looked at."""
        ...

    def pages(self, location: str, query: FleetQuery) -> Iterator[list[str]]:
        """The ids of what may be wanted, in lists of at most 100; a job that moves on meanwhile may be told twice."""
        ...

    def describe(self, location: str, ids: Sequence[str]) -> list[FleetJob]:
        """Look at at most 100 jobs; what is not known, or not Airflow's, is left out."""
        ...

    def document(self, job: FleetJob) -> dict[str, Any]:
        """All that the service says of a job, redacted; empty if it does not know it any more."""
        ...

    def log_location(self, job: FleetJob) -> LogLocation | None:
        """Where its Airflow container logs, by the task or job definition; None if it logs nowhere that is known."""
        ...

    def context(self, job: FleetJob) -> list[ContextLine]:
        """What may keep a job from starting: queue, compute environment, cluster, capacity, quotas."""
        ...

    def stop(self, jobs: Sequence[FleetJob], reason: str) -> Sequence[CallFailure | None]:
        """Stop at most `stop_batch` jobs in one call; None for each that is stopped, or was gone."""
        ...
