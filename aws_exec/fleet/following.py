"""The growing logs of several jobs, until the jobs have ended and their logs are complete.

One thread polls the logs in turn. In a round, each job is described and each log is read, ten pages at most. A round
takes a second at least, and a tenth of a second for each call of GetLogEvents: some Regions grant 10 calls a second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from aws_exec.clouds.errors import CloudError, is_denied
from aws_exec.fleet.errors import FleetError, NoLogError
from aws_exec.fleet.logs import FOLLOW_SECONDS, Line, LogPages, location_of, read_last
from aws_exec.fleet.model import FleetJob, State
from aws_exec.fleet.retries import NO_RETRY, NoRetry
from aws_exec.fleet.service import Clients, LogLocation, Service
from aws_exec.fleet.waiting import describe_again
from aws_exec.lifecycle.values import CallFailure

CALLS_PER_SECOND = 10.0
#: Pages of one log in a round, so that a long log does not hold the others up.
PAGES = 10
#: Rounds between two calls of `more`.
MORE_ROUNDS = 5
#: After so many rounds without it, a job is forgotten, as by `waiting`: right after its launch it may be missing, too.
UNSEEN_ROUNDS = 60


@dataclass(frozen=True, slots=True)
class LogEnd:
    """The end of one log.

    Attributes:
        job: as it ended; still active if AWS no longer knows it.
        problem: why it has no log; empty if it has.
        hint: what to do about that; empty if the problem says it.
        denied: why its log may not be read, though others perhaps may; None if it may be.
    """

    job: FleetJob
    problem: str = ""
    hint: str = ""
    denied: CallFailure | None = None


@dataclass(slots=True)
class _Followed:
    """A job that is followed: its last known state, how far its log was read, and for how many rounds AWS misses it."""

    job: FleetJob
    since: float | None = None
    tail: int | None = None
    location: LogLocation | None = None
    token: str = ""
    unseen: int = 0

    @property
    def has_ended(self) -> bool:
        return not self.job.is_active or self.unseen >= UNSEEN_ROUNDS


class LogFollower:
    """Follows the logs of jobs.

    Args:
        services: of the jobs, by name.
        clients: returns a boto3 client of a service in a Region.
        since: seconds since the epoch: only later lines.
        tail: begin with so many lines of each log; 0: with the lines printed from now on.
        more: returns further jobs, some of them perhaps known; their logs are read from the beginning.
        stop: ends it.
        retries: `RetryUntilDeadline` continues while AWS is unreachable.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        services: Mapping[str, Service],
        clients: Clients,
        *,
        since: float | None = None,
        tail: int | None = None,
        more: Callable[[], Iterable[FleetJob]] | None = None,
        stop: threading.Event | None = None,
        retries: NoRetry = NO_RETRY,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._services = services
        self._clients = clients
        self._since = clock() if tail == 0 else since
        self._tail = tail
        self._more = more
        self._stop = stop or threading.Event()
        self._retries = retries
        self._calls = 0
        self._followed: dict[str, _Followed] = {}
        self._known: set[str] = set()

    def follow(self, jobs: Sequence[FleetJob]) -> Iterator[tuple[FleetJob, Line] | LogEnd]:
        """Yield the lines of the jobs' logs, each with its job, and the end of each log.

        With `more` it ends only when it is stopped.

        Raises:
            CloudError: a call failed, of several logs not only because one must not be read.
        """
        self._add(_Followed(job, self._since, self._tail) for job in jobs)
        rounds = 0
        while self._followed or self._more is not None:
            if self._more is not None and rounds % MORE_ROUNDS == MORE_ROUNDS - 1:
                self._add(map(_Followed, self._retries.run(self._more)))
            self._calls = 0
            self._describe()
            for each in list(self._followed.values()):
                yield from self._lines(each)
            rounds += 1
            is_last = not self._followed and self._more is None
            if not is_last and self._stop.wait(max(FOLLOW_SECONDS, self._calls / CALLS_PER_SECOND)):
                return

    def _add(self, jobs: Iterable[_Followed]) -> None:
        new = {each.job.job.arn: each for each in jobs if each.job.job.arn not in self._known}
        self._followed |= new
        self._known |= new.keys()

    def _describe(self) -> None:
        """Update the jobs that had not ended: a log is complete only if its job had ended before it was read."""
        left = [each.job for each in self._followed.values() if not each.has_ended]
        seen = {job.job.arn: job for job in self._retries.run(lambda: list(describe_again(self._services, left)))}
        for job in left:
            each = self._followed[job.job.arn]
            each.job = seen.get(job.job.arn, job)
            each.unseen = 0 if job.job.arn in seen else each.unseen + 1

    def _lines(self, each: _Followed) -> Iterator[tuple[FleetJob, Line] | LogEnd]:
        """Yield the new lines of a log; its end, if that is all."""
        if each.job.state in (State.WAITING, State.STARTING) and not each.has_ended:
            return
        try:
            rests = yield from self._pages(each)
        except FleetError as error:
            if each.has_ended or not isinstance(error, NoLogError):
                del self._followed[each.job.job.arn]
                yield LogEnd(each.job, str(error), error.hint)
            return
        except CloudError as error:
            if not is_denied(error.failure) or (len(self._known) == 1 and self._more is None):
                raise
            del self._followed[each.job.job.arn]
            yield LogEnd(each.job, denied=error.failure)
            return
        if rests and each.has_ended:
            del self._followed[each.job.job.arn]
            yield LogEnd(each.job)

    def _pages(self, each: _Followed) -> Generator[tuple[FleetJob, Line], None, bool]:
        """Yield the lines of the next pages; return whether that is all for now."""
        if each.location is None:
            each.location = self._retries.run(partial(location_of, self._services[each.job.service], each.job))
        if each.tail:
            self._calls += 1
            read = partial(read_last, self._clients, each.location, each.tail, since=each.since)
            last, each.token = self._retries.run(read)
            each.tail = None
            yield from ((each.job, line) for line in last)
        pages = LogPages(self._clients, each.location, each.since)
        for _ in range(PAGES):
            self._calls += 1
            page = self._retries.run(partial(pages.page, each.token))
            rests, each.token = not page.lines and page.forward == each.token, page.forward
            yield from ((each.job, line) for line in page.lines)
            if rests:
                return True
        return False
