"""Listing the fleet: pages are listed and described in parallel, within the rates."""

from __future__ import annotations

import fnmatch
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from queue import SimpleQueue

from aws_exec.clouds.errors import CloudError
from aws_exec.fleet.errors import FleetError, is_missing
from aws_exec.fleet.model import FleetJob
from aws_exec.fleet.service import FleetQuery, Service
from aws_exec.lifecycle.values import CallFailure

#: Pages that are listed and described in parallel: enough to use up a burst while each answer takes 100 ms.
LISTERS, DESCRIBERS = 6, 8


@dataclass(frozen=True, slots=True)
class Problem:
    """A part of the fleet that could not be listed.

    Attributes:
        service: `"ecs"` or `"batch"`.
        location: the cluster or job queue; empty if these could not be listed.
        failure: why.
        region: in which it was looked for; empty if there is none.
        existing: if the location does not exist, the names of those that do, as far as AWS lists them.
    """

    service: str
    location: str
    failure: CallFailure
    region: str = ""
    existing: Sequence[str] = ()


class UnlistedError(CloudError):
    """A job cannot be looked for: a part of the fleet could not be listed.

    Attributes:
        problem: which part, and why.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.failure)
        self.problem = problem


def _problem(service: Service, location: str, failure: CallFailure) -> Problem:
    problem = Problem(service.name, location, failure)
    try:
        problem = replace(problem, region=service.region)
        return replace(problem, existing=service.all_locations()) if location and is_missing(failure) else problem
    except CloudError:  # of the client, or of the listing that only helps to find the right name
        return problem


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions on jobs; an empty one matches everything. Names are patterns (`*`, `?`).

    Attributes:
        dags, tasks, runs: DAG ids, task ids, run ids.
        states: of `State`, or the service's own, in any case.
        older_than: seconds since its creation.
        deployment: its name.
    """

    dags: Sequence[str] = ()
    tasks: Sequence[str] = ()
    runs: Sequence[str] = ()
    states: Collection[str] = ()
    older_than: float | None = None
    deployment: str = ""

    def fits(self, job: FleetJob, now: float) -> bool:
        """Return whether a job matches."""
        who = job.identity
        words = {str(job.state), job.status.lower()}
        return (
            _matches(who.dag_id, self.dags)
            and (_matches(who.task_id, self.tasks) or _matches(job.task, self.tasks))
            and _matches(who.run_id, self.runs)
            and (not self.states or any(state.lower() in words for state in self.states))
            and (self.older_than is None or job.age(now) >= self.older_than)
            and (not self.deployment or who.deployment == self.deployment)
        )


def list_fleet(services: Iterable[Service], query: FleetQuery) -> Iterator[list[FleetJob] | Problem]:
    """Yield all jobs, a page at a time, each job once; and the parts that could not be listed.

    The generator may be closed at any time: it then makes no further call.
    """
    seen: set[str] = set()
    for page in _Listing(services, query).run():
        if isinstance(page, Problem):
            yield page
            continue
        new = [job for job in page if job.job.arn not in seen]
        seen.update(job.job.arn for job in new)
        if new:
            yield new


class _Listing:
    def __init__(self, services: Iterable[Service], query: FleetQuery) -> None:
        self._services = list(services)
        self._query = query
        self._results: SimpleQueue[list[FleetJob] | Problem | BaseException | None] = SimpleQueue()
        self._open = 0
        self._lock = threading.Lock()
        self._listers = ThreadPoolExecutor(LISTERS, "awsexec-list")
        self._describers = ThreadPoolExecutor(DESCRIBERS, "awsexec-describe")

    def run(self) -> Iterator[list[FleetJob] | Problem]:
        try:
            self._begin(len(self._services))
            for service in self._services:
                self._listers.submit(self._do, service, "", self._list_locations, service)
            while self._services:
                result = self._results.get()
                if result is None:
                    return
                if isinstance(result, BaseException):
                    raise result
                yield result
        finally:
            self._listers.shutdown(wait=False, cancel_futures=True)
            self._describers.shutdown(wait=False, cancel_futures=True)

    def _begin(self, count: int) -> None:
        with self._lock:
            self._open += count

    def _do(self, service: Service, location: str, work: Callable[..., None], *arguments: object) -> None:
        try:
            work(*arguments)
        except CloudError as error:
            self._results.put(_problem(service, location, error.failure))
        except (FleetError, Exception) as error:  # noqa: BLE001 - raised by `run`
            self._results.put(error)
        finally:
            with self._lock:
                self._open -= 1
                if not self._open:
                    self._results.put(None)

    def _list_locations(self, service: Service) -> None:
        for location in service.locations():
            self._begin(1)
            self._listers.submit(self._do, service, location, self._list, service, location)

    def _list(self, service: Service, location: str) -> None:
        for ids in service.pages(location, self._query):
            if ids:
                self._begin(1)
                self._describers.submit(self._do, service, location, self._describe, service, location, ids)

    def _describe(self, service: Service, location: str, ids: list[str]) -> None:
        self._results.put([job for job in service.describe(location, ids) if self._query.includes(job)])


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatch.fnmatchcase(name, pattern) or name == pattern for pattern in patterns)
