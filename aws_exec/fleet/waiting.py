"""Waiting for jobs to start or to stop: they are described, a hundred at a time, until all are where they should be."""

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

#: Seconds between two looks at a handful of jobs.
POLL_SECONDS = 2.0
#: A job that so many looks in a row do not see is forgotten, which ECS does an hour after its end, Batch after a week.
#: Right after its launch a job may be unseen, too, but for seconds: this is a minute at least.
UNSEEN_POLLS = 30
_PAGE = 100


class Until(StrEnum):
    """What is waited for."""

    STOPPED = "stopped"
    RUNNING = "running"


def is_there(job: FleetJob, until: Until) -> bool:
    """Whether a job is where it is waited for. One that is over will not run any more: it is there, too."""
    return not job.is_active or (until is Until.RUNNING and job.state in (State.RUNNING, State.STOPPING))


def is_well(job: FleetJob, until: Until) -> bool:
    """Whether a job that is there is there as it should be."""
    started = job.started is not None or (job.stop is not None and job.stop.started)
    return started if until is Until.RUNNING else job.state is State.SUCCEEDED


def wait(
    services: Mapping[str, Service],
    jobs: Sequence[FleetJob],
    until: Until,
    *,
    stop: threading.Event | None = None,
    retries: NoRetry = NO_RETRY,
) -> Iterator[FleetJob]:
    """Each job once it is there, as it is then. It may take for ever: `deadline.within` gives it a time.

    Args:
        services: by name.
        jobs: as they were seen last.
        until: what is waited for.
        stop: ends it.
        retries: `RetryUntilDeadline` goes on where AWS is not there.

    Raises:
        UnknownJobError: AWS has forgotten some of them; raised when the others are there.
        CloudError: AWS did not say.
    """
    stop = stop or threading.Event()
    left = {job.job.arn: job for job in jobs}
    unseen: dict[str, int] = {}
    forgotten: list[str] = []

    def look() -> list[FleetJob]:
        return list(describe_again(services, list(left.values())))

    while True:
        for job in list(left.values()):
            if is_there(job, until):
                del left[job.job.arn]
                yield job
        if not left or stop.wait(max(POLL_SECONDS, len(left) / _PAGE)):
            break
        seen = {job.job.arn: job for job in retries.run(look)}
        left |= seen
        unseen = {arn: unseen.get(arn, 0) + 1 for arn in left if arn not in seen}
        forgotten += [left.pop(arn).id for arn, looks in unseen.items() if looks >= UNSEEN_POLLS]
    if forgotten:
        raise UnknownJobError(f"AWS does not know {', '.join(forgotten)} any more: how it ended cannot be told")


def describe_again(services: Mapping[str, Service], jobs: Sequence[FleetJob]) -> Iterator[FleetJob]:
    """Jobs as they are by now, those that are still known; raises CloudError."""
    by_location: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for job in jobs:
        by_location[job.service, job.job.location].append(job.job.arn)
    for (service, location), arns in by_location.items():
        for part in chunked(arns, _PAGE):
            yield from services[service].describe(location, part)
