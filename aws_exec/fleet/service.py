"""The `Service` protocol, which `ecs` and `batch` implement, and its values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aws_exec.fleet.model import FleetJob
from aws_exec.lifecycle.values import CallFailure


@dataclass(frozen=True, slots=True)
class FleetQuery:
    """Which jobs to list; services filter as far as they can.

    Attributes:
        deployment: only of this one; empty: of all, and without one.
        ended_since: also those that ended after this time (seconds since the epoch); None: only active jobs.
        stopping: also ECS tasks that are stopping, which ECS lists with those that stopped in the last hour: the
            larger that number, the longer it takes.
    """

    deployment: str = ""
    ended_since: float | None = None
    stopping: bool = False

    def includes(self, job: FleetJob) -> bool:
        """Return whether a listed job matches; not every service lists by end time."""
        if job.is_active:
            return True
        return self.ended_since is not None and (job.stopped is None or job.stopped >= self.ended_since)


class Clients(Protocol):
    """Returns a boto3 client of a service in a Region; empty: the executor's Region, or boto3's."""

    def __call__(self, service: str, region: str = "") -> Any:
        """Return the client; raises CloudError."""
        ...


@dataclass(frozen=True, slots=True)
class LogLocation:
    """The log of a container.

    Attributes:
        group, stream: in CloudWatch Logs; the stream is empty before the start; both are empty with another driver.
        region: of the group.
        driver: the log driver, `kubernetes` for a pod; only logs of `awslogs` can be read here.
    """

    group: str
    stream: str
    region: str
    driver: str = "awslogs"


@dataclass(frozen=True, slots=True)
class ContextLine:
    """One line about the context of a job: `compute environment fargate: VALID, 12 of 256 vCPUs`.

    Attributes:
        about: the resource.
        said: its state.
        bad: whether it can keep a job from starting.
    """

    about: str
    said: str
    bad: bool = False


#: Where no `stopTimeout` is set (ECS API Reference, ContainerDefinition; AWS Batch API Reference,
#: TaskContainerProperties). The agent of an EC2 instance may have another default (ECS_CONTAINER_STOP_TIMEOUT).
STOP_TIMEOUT_SECONDS = 30


def stop_timeout_of(containers: Sequence[Mapping[str, Any]], name: str) -> int:
    """Return `stopTimeout` of the container of this name, or of the only one; the default if it sets none."""
    named = [each for each in containers if each.get("name") == name] or containers
    return int((named[0].get("stopTimeout") if len(named) == 1 else None) or STOP_TIMEOUT_SECONDS)


class Service(Protocol):
    """A service that runs jobs. Thread-safe; every call may block; reads are paced.

    Every method raises CloudError if a call fails.
    """

    @property
    def name(self) -> str:
        """`"ecs"` or `"batch"`."""
        ...

    @property
    def stop_batch(self) -> int:
        """The number of jobs that one call can stop."""
        ...

    @property
    def region(self) -> str:
        """The Region that is searched."""
        ...

    def locations(self) -> Sequence[str]:
        """Return the clusters or job queues that are searched."""
        ...

    def all_locations(self) -> Sequence[str]:
        """Return the names of all clusters or job queues of the account in the Region."""
        ...

    def pages(self, location: str, query: FleetQuery) -> Iterator[list[str]]:
        """Yield IDs of candidates, at most 100 at a time; a job that changes its state meanwhile may occur twice."""
        ...

    def describe(self, location: str, ids: Sequence[str]) -> list[FleetJob]:
        """Return at most 100 jobs; unknown jobs and jobs that are not Airflow's are left out."""
        ...

    def document(self, job: FleetJob) -> dict[str, Any]:
        """Return the service's complete description of a job, redacted; empty if it no longer knows the job."""
        ...

    def log_location(self, job: FleetJob) -> LogLocation | None:
        """Return the log of its Airflow container, by the task or job definition; None if unknown."""
        ...

    def context(self, job: FleetJob) -> list[ContextLine]:
        """Return what may keep a job from starting: queue, compute environment, cluster, capacity, quotas."""
        ...

    def stop_timeout(self, job: FleetJob) -> int:
        """Return the seconds that its Airflow container has to exit, from SIGTERM to SIGKILL."""
        ...

    def stop(self, jobs: Sequence[FleetJob], reason: str) -> Sequence[CallFailure | None]:
        """Stop at most `stop_batch` jobs in one call; return None for each that was stopped or had ended."""
        ...
