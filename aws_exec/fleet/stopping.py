"""Stopping many jobs: in parallel within the rate, with an outcome for each, safe to interrupt."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from shlex import quote

from tenacity import retry_if_result

from aws_exec.chunked import chunked
from aws_exec.clouds.errors import CloudError
from aws_exec.fleet.errors import MisusedError
from aws_exec.fleet.model import FleetJob
from aws_exec.fleet.retries import Retries
from aws_exec.fleet.service import Service
from aws_exec.lifecycle.values import CallFailure, FailureKind

#: Parallel stops: at 100 ms an answer, as many as the rate allows.
STOPPERS = 6
#: Jobs of other deployments that an error lists.
_LISTED = 10
#: More task and job definitions than these are not read: it takes a call for each.
MOST_DEFINITIONS = 20

Outcome = tuple[FleetJob, CallFailure | None]


def check_ours(jobs: Sequence[FleetJob], deployments: Mapping[str, str], shell: str) -> None:
    """Refuse jobs that are not this deployment's.

    Args:
        jobs: to be stopped; all of them Airflow's.
        deployments: ours, by service.
        shell: for the message: `this shell is "ours"`.

    Raises:
        MisusedError: names those of other deployments.
    """
    foreign = [job for job in jobs if job.identity.deployment != deployments[job.service]]
    if not foreign:
        return
    hint = foreign_hint(foreign, are_all=len(foreign) == len(jobs))
    if len(jobs) == 1:
        raise MisusedError(f"the job belongs to {_deployment_in_words(foreign[0])}; {shell}", hint=hint)
    lines = [f"{job.id}  {job.address}  {_deployment_in_words(job)}" for job in foreign[:_LISTED]]
    more = [f"... and {len(foreign) - _LISTED} more"] if len(foreign) > _LISTED else []
    message = f"{len(foreign)} of {len(jobs)} jobs belong to another deployment; {shell}"
    raise MisusedError(message, [*lines, *more], hint)


def foreign_hint(foreign: Sequence[FleetJob], *, are_all: bool) -> str:
    """Return the option that also stops jobs of other deployments.

    Args:
        foreign: such jobs; at least one.
        are_all: whether they are all the jobs of the command.
    """
    (name, *others) = {job.identity.deployment for job in foreign}
    return f"--deployment {quote(name)}" if are_all and name and not others else "--include-foreign stops them, too"


def _deployment_in_words(job: FleetJob) -> str:
    name = job.identity.deployment
    return f'deployment "{name}"' if name else "no deployment: the Amazon provider launched it"


def stop_timeout(services: Mapping[str, Service], jobs: Sequence[FleetJob]) -> int | None:
    """Return the longest time in seconds that a container of these jobs has to exit; None if it cannot be read."""
    one_each = {(job.service, job.definition): job for job in jobs}
    if len(one_each) > MOST_DEFINITIONS:
        return None
    try:
        return max(services[job.service].stop_timeout(job) for job in one_each.values())
    except CloudError:
        return None


class Stopping:
    """The stops of a list of jobs; none begins before `start`.

    Args:
        services: by name.
        retries: their rates and retries, by name.
        jobs: to be stopped.
        reason: recorded by AWS.
    """

    def __init__(
        self,
        services: Mapping[str, Service],
        retries: Mapping[str, Retries],
        jobs: Sequence[FleetJob],
        reason: str,
    ) -> None:
        self._services = services
        self._retries = retries
        self._reason = reason
        self._halted = threading.Event()
        self._asked: set[str] = set()
        self._results: SimpleQueue[list[Outcome] | BaseException] = SimpleQueue()
        self._chunks = [chunk for name in services for chunk in self._chunked(name, jobs)]
        self._pool = ThreadPoolExecutor(STOPPERS, "awsexec-stop")
        self._futures: list[Future[None]] = []

    def start(self) -> None:
        """Begin; does nothing after `halt`."""
        self._futures = [self._pool.submit(self._stop, chunk) for chunk in self._chunks]

    def _chunked(self, name: str, jobs: Sequence[FleetJob]) -> Iterator[list[FleetJob]]:
        return chunked((job for job in jobs if job.service == name), self._services[name].stop_batch)

    @property
    def asked(self) -> Collection[str]:
        """The ARNs of the jobs whose stop was requested, answered or not."""
        return frozenset(self._asked.copy())

    def halt(self) -> None:
        """Begin no further stop; `outcomes` still yields those under way."""
        self._halted.set()
        for retries in self._retries.values():
            retries.stops.close()

    def outcomes(self) -> Iterator[Outcome]:
        """Yield each job with the failure of its stop or None, as answers arrive; stops that never began are left out.

        Can be iterated again after an interruption.
        """
        while any(not future.done() for future in self._futures) or not self._results.empty():
            try:
                result = self._results.get(timeout=0.2)
            except Exception:  # noqa: BLE001, S112 - queue.Empty: check again whether anything is under way
                continue
            if isinstance(result, BaseException):
                raise result
            yield from result
        self._pool.shutdown(wait=False)

    def _stop(self, jobs: list[FleetJob]) -> None:
        try:
            result = self._stopped(jobs)
        except BaseException as error:  # noqa: BLE001 - raised by `outcomes`
            self._results.put(error)
        else:
            if result:
                self._results.put(result)

    def _stopped(self, jobs: list[FleetJob]) -> list[Outcome]:
        """Stop jobs in one call; repeat it for those that are throttled."""
        service, retries = self._services[jobs[0].service], self._retries[jobs[0].service]
        result: list[Outcome] = []
        left: list[Outcome] = [(job, None) for job in jobs]

        def stop_what_is_left() -> bool:
            """Return whether some stops were throttled."""
            nonlocal left
            if self._halted.is_set() or not retries.stops.take():
                left = []
                return False
            sent_at = time.monotonic()
            self._asked.update(job.job.arn for job, _ in left)
            answers = _answers(service, [job for job, _ in left], self._reason)
            left = [answer for answer in answers if _is_throttled(answer)]
            result.extend(answer for answer in answers if not _is_throttled(answer))
            if left:
                retries.stops.throttled(sent_at)
            return bool(left)

        retries.retrying(retry_if_result(bool), at_last=lambda _: True)(stop_what_is_left)
        return result + left


def _is_throttled(outcome: Outcome) -> bool:
    failure = outcome[1]
    return failure is not None and failure.kind is FailureKind.THROTTLED


def _answers(service: Service, jobs: Sequence[FleetJob], reason: str) -> list[Outcome]:
    try:
        return list(zip(jobs, service.stop(jobs, reason), strict=True))
    except CloudError as error:
        return [(job, error.failure) for job in jobs]
