"""The log of a job's Airflow container in CloudWatch Logs, redacted; followed until the job ends.

API Reference, GetLogEvents: pages of 10,000 events or 1 MiB; the last page's `nextForwardToken` is the one it was asked
with. 25 calls a second in most Regions, 10 in some.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from aws_exec.clouds.errors import CloudError, failure_of
from aws_exec.fleet.errors import FleetError, NoLogError
from aws_exec.fleet.model import FleetJob
from aws_exec.fleet.retries import NO_RETRY, NoRetry
from aws_exec.fleet.service import Clients, LogLocation, Service
from aws_exec.redaction import redact

#: Seconds between two polls of a followed log: CloudWatch has a line a second or two after it was printed.
FOLLOW_SECONDS = 1.0
#: The maximum of one page.
PAGE = 10_000


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log.

    Attributes:
        at: seconds since the epoch, as the driver stamped it.
        text: redacted.
    """

    at: float
    text: str


def location_of(service: Service, job: FleetJob) -> LogLocation:
    """Return the log of a job.

    Raises:
        NoLogError: it has none: it has not started, or never did.
        FleetError: its log cannot be read here; the message names where it is.
        CloudError: a call failed.
    """
    location = service.log_location(job)
    if location is None:
        raise FleetError(f"{job.definition} has no logConfiguration: its output is on the host, if anywhere")
    if location.driver != "awslogs":
        raise FleetError(f"{job.definition} logs to {location.driver}, not to CloudWatch (awslogs): look there")
    if not location.stream:
        raise NoLogError(f"{job.id} has no log{' yet' if job.is_active else ''}: it is {job.state} ({job.status})")
    return location


def location_once_begun(
    service: Service,
    job: FleetJob,
    *,
    stop: threading.Event | None = None,
    retries: NoRetry = NO_RETRY,
) -> LogLocation:
    """Return the log of a job; wait for its start, until it ends.

    Args:
        service: of the job.
        job: in its last known state.
        stop: ends the wait.
        retries: `RetryUntilDeadline` continues while AWS is unreachable.

    Raises:
        NoLogError: it ended without a log; or the wait was ended.
        FleetError: as `location_of`.
        CloudError: a call failed.
    """
    stop = stop or threading.Event()
    seen = job
    while True:
        [seen] = retries.run(partial(service.describe, job.job.location, [job.job.arn])) or [seen]
        try:
            return retries.run(partial(location_of, service, seen))
        except NoLogError:
            if not seen.is_active or stop.wait(FOLLOW_SECONDS):
                raise


def read(
    clients: Clients, location: LogLocation, *, tail: int | None = None, since: float | None = None
) -> Iterator[Line]:
    """Yield the lines of a log, from its beginning or its end.

    Args:
        clients: returns a boto3 client of a service in a Region.
        location: of the log.
        tail: only the last lines.
        since: seconds since the epoch: only later lines.

    Raises:
        NoLogError: it does not exist, or not yet.
        CloudError: it cannot be read.
    """
    if tail == 0:
        return
    if tail is not None:
        last: list[Line] = []
        for lines in _Reading(clients, location, since, from_head=False, limit=min(tail, PAGE)).pages():
            last = [*lines, *last]
            if len(last) >= tail or not lines:
                break
        yield from last[-tail:]
        return
    for lines in _Reading(clients, location, since).pages():
        yield from lines


def follow(
    clients: Clients,
    location: LogLocation,
    *,
    is_over: Callable[[], bool],
    since: float | None = None,
    tail: int | None = None,
    stop: threading.Event | None = None,
    retries: NoRetry = NO_RETRY,
    clock: Callable[[], float] = time.time,
) -> Iterator[Line]:
    """Yield the lines of a growing log, until the job has ended and its log is complete.

    Args:
        clients: as for `read`.
        location: as for `read`.
        is_over: returns whether the job has ended; called before each poll.
        since: as for `read`.
        tail: begin with so many lines; 0: with the lines printed from now on.
        stop: ends it.
        retries: `RetryUntilDeadline` continues while AWS is unreachable.
        clock: seconds since the epoch.

    Raises:
        NoLogError: the job has ended without a log.
        CloudError: a call failed.
    """
    stop = stop or threading.Event()
    start = clock() if tail == 0 else since
    if tail:
        last = retries.run(lambda: list(_or_nothing(read(clients, location, tail=tail, since=since))))
        yield from last
        start = last[-1].at + 0.001 if last else since
    reading, token, over = _Reading(clients, location, start), "", False
    while True:
        over = over or retries.run(is_over)
        try:
            lines, following = retries.run(partial(reading.page, token))
        except NoLogError:
            if over:
                raise
            lines, following = [], ""
        yield from lines
        rests = not lines and following == token
        if (over and rests) or stop.wait(FOLLOW_SECONDS if rests else 0):
            return
        token = following


def _or_nothing(lines: Iterator[Line]) -> Iterator[Line]:
    """Yield the lines of a log; none if it does not exist yet."""
    with suppress(NoLogError):
        yield from lines


@dataclass(frozen=True, slots=True)
class _Reading:
    """The pages of a log, from its head forward or from its end backward; the rest is as for `read`."""

    clients: Clients
    location: LogLocation
    since: float | None
    from_head: bool = True
    limit: int = PAGE

    def pages(self) -> Iterator[list[Line]]:
        """Yield all pages up to the current end."""
        token, following = None, ""
        while following != token:
            token = following
            lines, following = self.page(token)
            yield lines

    def page(self, token: str) -> tuple[list[Line], str]:
        """Return one page and the token of the next: the same if there is none; the first page's is empty.

        Raises:
            NoLogError: the log does not exist, or not yet.
            CloudError: it cannot be read.
        """
        location = self.location
        names = {"logGroupName": location.group, "logStreamName": location.stream, "startFromHead": self.from_head}
        start = {} if self.since is None else {"startTime": round(self.since * 1000)}
        next_page = {"nextToken": token} if token else {}
        try:
            logs = self.clients("logs", location.region)
            answer = logs.get_log_events(**names, limit=self.limit, **start, **next_page)
        except CloudError:
            raise
        except Exception as error:
            failure = failure_of(error, "GetLogEvents")
            if failure.code == "ResourceNotFoundException":
                raise NoLogError(f"there is no log {location.stream} in {location.group}: {failure.message}") from error
            raise CloudError(failure) from error
        following = answer.get("nextForwardToken" if self.from_head else "nextBackwardToken")
        return [_line(event) for event in answer.get("events") or ()], str(following or token)


def _line(event: dict[str, Any]) -> Line:
    text = str(event.get("message", ""))
    return Line(event.get("timestamp", 0) / 1000, redact(text.rstrip("\n"), longest=len(text) + 1))
