"""The log of a job's Airflow container in CloudWatch Logs, redacted.

API Reference, GetLogEvents: pages of 10,000 events or 1 MiB, or without any; the last page's token is the one it was
asked with. 25 calls a second in most Regions, 10 in some.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from aws_exec.clouds.errors import CloudError, failure_of
from aws_exec.fleet.errors import FleetError, NoLogError
from aws_exec.fleet.model import FleetJob
from aws_exec.fleet.service import Clients, LogLocation, Service
from aws_exec.redaction import redact_line

#: Seconds between two polls of a growing log: CloudWatch has a line a second or two after it was printed.
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
    if job.stop is not None and not job.stop.started:
        raise NoLogError(f"{job.id} never started, so it has no log", hint=f"awsexec explain {job.id}")
    location = service.log_location(job)
    if location is None:
        raise FleetError(f"{job.definition} has no logConfiguration: its output is on the host, if anywhere")
    if location.driver != "awslogs":
        raise FleetError(f"{job.definition} logs to {location.driver}, not to CloudWatch (awslogs): look there")
    if not location.stream:
        raise NoLogError(f"{job.id} has no log{' yet' if job.is_active else ''}: it is {job.state} ({job.status})")
    return location


def read(
    clients: Clients,
    location: LogLocation,
    *,
    tail: int | None = None,
    since: float | None = None,
    enough: float = math.inf,
) -> Iterator[Line]:
    """Yield the lines of a log, from its beginning or its end.

    Args:
        clients: returns a boto3 client of a service in a Region.
        location: of the log.
        tail: only so many lines, the last.
        since: seconds since the epoch: only later lines.
        enough: characters after which no further page is read for `tail`: lines may have 256 KiB and more.

    Raises:
        NoLogError: it does not exist, or not yet.
        CloudError: it cannot be read.
    """
    if tail == 0:
        return
    if tail is not None:
        yield from read_last(clients, location, tail, since=since, enough=enough)[0]
        return
    for page in LogPages(clients, location, since).pages():
        yield from page.lines


def read_last(
    clients: Clients, location: LogLocation, tail: int, *, since: float | None = None, enough: float = math.inf
) -> tuple[list[Line], str]:
    """Return the last lines of a log, one at least, and the token of the page that follows them; else as `read`."""
    last: deque[Line] = deque()
    end = ""
    for page in LogPages(clients, location, since, from_head=False, limit=min(tail, PAGE)).pages():
        end = end or page.forward
        last.extendleft(reversed(page.lines))
        enough -= sum(len(line.text) for line in page.lines)
        if len(last) >= tail or enough <= 0:
            break
    return list(islice(last, max(0, len(last) - tail), None)), end


class LogPage(NamedTuple):
    """One page of a log."""

    lines: list[Line]
    #: The token of the page after it, and of the page before it; that of this page if there is none.
    forward: str
    backward: str


@dataclass(frozen=True, slots=True)
class LogPages:
    """The pages of a log, from its head forward or from its end backward; the rest is as for `read`."""

    clients: Clients
    location: LogLocation
    since: float | None
    from_head: bool = True
    limit: int = PAGE

    def pages(self) -> Iterator[LogPage]:
        """Yield all pages up to the current end."""
        token, following = None, ""
        while following != token:
            token = following
            page = self.page(token)
            following = page.forward if self.from_head else page.backward
            yield page

    def page(self, token: str) -> LogPage:
        """Return one page; the token of the first is empty.

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
        forward, backward = (str(answer.get(f"next{way}Token") or token) for way in ("Forward", "Backward"))
        return LogPage([_line(event) for event in answer.get("events") or ()], forward, backward)


def _line(event: dict[str, Any]) -> Line:
    text = str(event.get("message", ""))
    return Line(event.get("timestamp", 0) / 1000, redact_line(text.rstrip("\n")))
