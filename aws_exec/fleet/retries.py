"""Rates and retries of the commands' calls. The scheduler's own calls may cause throttles."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from aws_exec.clouds.calls import Calls
from aws_exec.clouds.errors import CloudError
from aws_exec.dispatch.pacing import Pacer
from aws_exec.lifecycle.values import TRANSIENT, CallFailure, FailureKind
from aws_exec.metrics.meter import NoMeter

#: Half of what ECS grants an account and Region (ECS API Reference, "Request throttling quotas": 20/s after a burst of
#: 100 for DescribeTasks and ListTasks; AWS publishes none for Batch): the scheduler reads from the same bucket.
READS_PER_SECOND, READ_BURST = 10.0, 50.0
#: Half of the 40/s after 100 that StopTask and RunTask share, likewise.
STOPS_PER_SECOND, STOP_BURST = 20.0, 50.0

#: Calls in total, if they are throttled or the service fails.
TRIES = 5
#: Seconds before the second call; doubled before each further one: 3 s in total.
FIRST_PAUSE_SECONDS = 0.2

#: Seconds between two tries of a command that waits, while AWS is unreachable.
PAUSE_SECONDS = 2.0

T = TypeVar("T")

#: Not UNREACHED: the endpoint may be wrong, and a command that runs once must report that at once.
_PASSES = frozenset({FailureKind.THROTTLED, FailureKind.NO_ANSWER})


class Retries:
    """The rates and retries of one service's calls, until they are closed.

    Attributes:
        reads, stops: the pacers.
    """

    def __init__(self) -> None:
        self.reads = Pacer(READS_PER_SECOND, READ_BURST)
        self.stops = Pacer(STOPS_PER_SECOND, STOP_BURST)
        self._over = threading.Event()

    def close(self) -> None:
        """Wake all waiting threads; no further call is made."""
        self._over.set()
        self.reads.close()
        self.stops.close()

    def pause(self, seconds: float) -> None:
        """Wait, unless it is closed."""
        self._over.wait(seconds)

    def retrying(
        self, retry: Callable[[RetryCallState], bool], at_last: Callable[[RetryCallState], Any] | None = None
    ) -> Retrying:
        """Return a retrying that makes up to five calls, with growing pauses.

        Args:
            retry: whether to repeat a call, by what it returned or raised.
            at_last: what to return if even the last call should be repeated; without it, its exception is raised.
        """
        return Retrying(
            sleep=self.pause,
            stop=stop_after_attempt(TRIES),
            wait=wait_exponential(multiplier=FIRST_PAUSE_SECONDS),
            retry=retry,
            retry_error_callback=at_last,
            reraise=True,
        )


class RetryingCalls(Calls):
    """Reads with up to five tries while AWS throttles or fails; each page of a listing counts separately."""

    def __init__(self, client: Callable[[], Any], retries: Retries) -> None:
        super().__init__(client, retries.reads.take, tagging="", meter=NoMeter())
        self._retries = retries

    def _retrying(self, tries: int) -> Retrying:  # noqa: ARG002 - fewer suffice for the executors, which poll
        return self._retries.retrying(retry_if_exception(_passes))

    def _read_once(self, operation: str, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        sent_at = time.monotonic()
        try:
            return super()._read_once(operation, method, arguments)
        except CloudError as error:
            if error.failure.kind is FailureKind.THROTTLED:
                self._retries.reads.throttled(sent_at)
            raise


def _passes(error: BaseException) -> bool:
    return isinstance(error, CloudError) and error.failure.kind in _PASSES


class NoRetry:
    """Calls once and raises any failure; `RetryUntilDeadline` repeats."""

    def run(self, work: Callable[[], T]) -> T:
        """Return the result of the work; raises CloudError."""
        return work()


#: It has no state: one instance is enough.
NO_RETRY = NoRetry()


class RetryUntilDeadline(NoRetry):
    """Repeats while AWS is unreachable, does not answer, or throttles: all of these pass.

    Args:
        report: called with the first such failure only.
        stop: ends the retries: the next failure is raised.
    """

    def __init__(self, report: Callable[[CallFailure], None], stop: threading.Event) -> None:
        self._report = report
        self._stop = stop
        self._reported = False

    def run(self, work: Callable[[], T]) -> T:
        """Return the result of the work, once it succeeds.

        Raises:
            CloudError: a failure that does not pass.
        """
        while True:
            try:
                return work()
            except CloudError as error:
                self._wait_or_raise(error)

    def _wait_or_raise(self, error: CloudError) -> None:
        """Wait a little after a failure that passes; raise any other."""
        if error.failure.kind not in TRANSIENT:
            raise error
        if not self._reported:
            self._reported = True
            self._report(error.failure)
        if self._stop.wait(PAUSE_SECONDS):
            raise error
