"""Waiting for jobs to start or to stop: all are described, a hundred at a time, until each has reached the goal."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from aws_exec.chunked import chunked
from aws_exec.fleet.errors import UnknownJobError
from aws_exec.fleet.model import FleetJob, State
from aws_exec.fleet.retries import NO_RETRY, NoRetry
from aws_exec.fleet.service import Service

#: Seconds between two polls of a few jobs.
POLL_SECONDS = 2.0
#: After so many polls in a row without it, a job is forgotten: by ECS an hour after its end, by Batch after a week.
#: Right after its launch a job may be missing too, but only for seconds: this is at least a minute.
UNSEEN_POLLS = 30
_PAGE = 100


class Until(StrEnum):
    """The goal of a wait."""

    STOPPED = "stopped"
    RUNNING = "running"
    EXITED = "exited"  #: its Airflow container has exited; sidecars and network may still be taken down


def has_reached(job: FleetJob, until: Until) -> bool:
    """Return whether a job has reached the goal. A job that ended will not run any more, so it has, too."""
    if until is Until.EXITED:
        return not job.is_active or job.stop is not None
    return not job.is_active or (until is Until.RUNNING and job.state in (State.RUNNING, State.STOPPING))


def is_well(job: FleetJob, until: Until, *, of_container: bool = False) -> bool:
    """Return whether a job that has reached the goal did so successfully.

    Args:
        job: with the state of its task, as far as it is known.
        until: the goal.
        of_container: whether the end of the container counts, even if that of its task is known.
    """
    if until is Until.RUNNING:
        return job.started is not None or (job.stop is not None and job.stop.started)
    if of_container or job.task_state.has_failed is None:
        return job.state is State.SUCCEEDED
    return not job.task_state.has_failed


def wait(
    services: Mapping[str, Service],
    jobs: Sequence[FleetJob],
    until: Until,
    *,
    stop: threading.Event | None = None,
    retries: NoRetry = NO_RETRY,
) -> Iterator[FleetJob]:
    """Yield each job once it has reached the goal, as it is then. Has no limit of its own: see `deadline.within`.

    Args:
        services: by name.
        jobs: in their last known state.
        until: the goal.
        stop: ends the wait.
        retries: `RetryUntilDeadline` continues while AWS is unreachable.

    Raises:
        UnknownJobError: AWS has forgotten some of them; raised once the others have reached the goal.
        CloudError: a call failed.
    """
    stop = stop or threading.Event()
    left = {job.job.arn: job for job in jobs}
    unseen: dict[str, int] = {}
    forgotten: list[str] = []

    def poll() -> list[FleetJob]:
        return list(describe_again(services, list(left.values())))

    while True:
        for job in list(left.values()):
            if has_reached(job, until):
                del left[job.job.arn]
                yield job
        if not left or stop.wait(max(POLL_SECONDS, len(left) / _PAGE)):
            break
        seen = {job.job.arn: job for job in retries.run(poll)}
        left |= seen
        unseen = {arn: unseen.get(arn, 0) + 1 for arn in left if arn not in seen}
        forgotten += [left.pop(arn).id for arn, polls in unseen.items() if polls >= UNSEEN_POLLS]
    if forgotten:
        raise unknown_end(forgotten)


def unknown_end(ids: Sequence[str]) -> UnknownJobError:
    """Return the error for jobs that AWS has forgotten before it was seen how they ended."""
    return UnknownJobError(f"AWS no longer knows {', '.join(ids)}: how it ended is unknown")


def describe_again(services: Mapping[str, Service], jobs: Sequence[FleetJob]) -> Iterator[FleetJob]:
    """Yield jobs in their current state, except those that AWS no longer knows; raises CloudError."""
    by_location: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for job in jobs:
        by_location[job.service, job.job.location].append(job.job.arn)
    for (service, location), arns in by_location.items():
        for part in chunked(arns, _PAGE):
            yield from services[service].describe(location, part)
