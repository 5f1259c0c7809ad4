"""What a job's Airflow container has printed: CloudWatch Logs, redacted, followed until the job is over.

API Reference, GetLogEvents: pages of 10,000 events or 1 MiB; the last page's `nextForwardToken` is the one it was asked
with. 25 calls a second in most Regions, 10 in some.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from aws_exec.clouds.errors import CloudError, fault_of
from aws_exec.fleet.errors import FleetError, UnknownJobError
from aws_exec.fleet.model import FleetJob
from aws_exec.fleet.patience import Outlasting
from aws_exec.fleet.service import Clients, LogPlace, Service
from aws_exec.redaction import redact

T = TypeVar("T")

#: Seconds between two looks at a log that is followed: CloudWatch shows a line a second or two after it was printed.
FOLLOW_SECONDS = 1.0
#: The most that one page holds.
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


def place_of(service: Service, job: FleetJob) -> LogPlace:
    """Where a job logs.

    Raises:
        FleetError: nowhere that can be read here; which says where then.
        CloudError: AWS did not say.
    """
    place = service.log_place(job)
    if place is None:
        raise FleetError(f"{job.definition} has no logConfiguration: its output is on the host, if anywhere")
    if place.driver != "awslogs":
        raise FleetError(f"{job.definition} logs to {place.driver}, not to CloudWatch (awslogs): look there")
    if not place.stream:
        raise UnknownJobError(f"{job.id} has no log yet: it is {job.state} ({job.status})")
    return place


def read(clients: Clients, place: LogPlace, *, tail: int | None = None, since: float | None = None) -> Iterator[Line]:
    """A log from its beginning, or its end.

    Args:
        clients: a boto3 client of a service, in a Region.
        place: of the log.
        tail: the last lines only.
        since: seconds since the epoch: only what was printed later.

    Raises:
        CloudError: it cannot be read; there may be none yet (`ResourceNotFoundException`).
    """
    if tail is not None:
        last: list[Line] = []
        for lines, _ in _pages(clients, place, since, from_head=False, limit=min(tail, PAGE)):
            last = [*lines, *last]
            if len(last) >= tail or not lines:
                break
        yield from last[-tail:] if tail else ()
        return
    for lines, _ in _pages(clients, place, since, from_head=True):
        yield from lines


def follow(
    clients: Clients,
    place: LogPlace,
    *,
    is_over: Callable[[], bool],
    since: float | None = None,
    tail: int | None = None,
    stop: threading.Event | None = None,
    outlasting: Outlasting | None = None,
) -> Iterator[Line]:
    """A log as it grows, until the job is over and everything has been told.

    Args:
        clients: as of `read`.
        place: as of `read`.
        is_over: whether the job is; asked before each look.
        since: as of `read`.
        tail: begin with so many lines.
        stop: ends it.
        outlasting: goes on where AWS is not there; None: nothing does.

    Raises:
        CloudError: AWS did not say.
    """
    stop = stop or threading.Event()
    ask = outlasting.ask if outlasting else _once
    start = since
    if tail is not None:
        lines = ask(lambda: list(_or_nothing(read(clients, place, tail=tail, since=since))))
        yield from lines
        start = lines[-1].at + 0.001 if lines else since
    token = ""
    while True:
        over = ask(is_over)
        pages = _pages(clients, place, start, from_head=True, token=token)
        told = False
        try:
            for lines, token in pages:  # noqa: B007 - the last one is where to go on
                told = told or bool(lines)
                yield from lines
        except CloudError as error:
            if error.fault.code != "ResourceNotFoundException":
                if outlasting is None:
                    raise
                outlasting.bear(error)
                continue
        if over and not told:
            return
        if stop.wait(0 if told else FOLLOW_SECONDS):
            return


def _once(work: Callable[[], T]) -> T:
    return work()


def _or_nothing(lines: Iterator[Line]) -> Iterator[Line]:
    """Lines; none of a log that does not exist yet."""
    try:
        yield from lines
    except CloudError as error:
        if error.fault.code != "ResourceNotFoundException":
            raise


def _pages(
    clients: Clients, place: LogPlace, since: float | None, *, from_head: bool, limit: int = PAGE, token: str = ""
) -> Iterator[tuple[list[Line], str]]:
    """Pages, and the token to go on with: forward from the head, backward from the end."""
    arguments: dict[str, Any] = {
        "logGroupName": place.group,
        "logStreamName": place.stream,
        "startFromHead": from_head,
        "limit": limit,
    }
    if since is not None:
        arguments["startTime"] = round(since * 1000)
    while True:
        given = {**arguments, **({"nextToken": token} if token else {})}
        try:
            answer = clients("logs", place.region).get_log_events(**given)
        except CloudError:
            raise
        except Exception as error:
            raise CloudError(fault_of(error, "GetLogEvents")) from error
        lines = [_line(event) for event in answer.get("events") or ()]
        following = str(answer.get("nextForwardToken" if from_head else "nextBackwardToken") or "")
        yield lines, following or token
        if not following or following == token:
            return
        token = following


def _line(event: dict[str, Any]) -> Line:
    text = str(event.get("message", ""))
    return Line(event.get("timestamp", 0) / 1000, redact(text.rstrip("\n"), longest=len(text) + 1))
