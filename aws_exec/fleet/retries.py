"""Calls of a person at a shell: paced, and patient with throttles, which the scheduler's own calls may cause."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from aws_exec.clouds.calls import Calls
from aws_exec.clouds.errors import CloudError
from aws_exec.dispatch.pacing import Pacer
from aws_exec.lifecycle.values import PASSING, CallFailure, FailureKind
from aws_exec.metrics.meter import NoMeter

#: Half of what ECS grants an account and Region (ECS API Reference, "Request throttling quotas": 20/s after a burst of
#: 100 for DescribeTasks and ListTasks; AWS publishes none for Batch): the scheduler reads from the same bucket.
READS_PER_SECOND, READ_BURST = 10.0, 50.0
#: Half of the 40/s after 100 that StopTask and RunTask share, likewise.
STOPS_PER_SECOND, STOP_BURST = 20.0, 50.0

#: Calls in all, where one is throttled or the service fails.
TRIES = 5
#: Seconds before the second call; doubled before each further one: 3 s in all.
FIRST_PAUSE_SECONDS = 0.2

#: Seconds until what waits for a job asks again, where AWS is not there.
PAUSE_SECONDS = 2.0

T = TypeVar("T")

#: Where nobody is reached, an address may be wrong: whoever looks once wants to know it at once.
_PASSES = frozenset({FailureKind.THROTTLED, FailureKind.NO_ANSWER})


class Retries:
    """The rate of one service's calls, and the end of it all.

    Attributes:
        reads, stops: the pacers.
    """

    def __init__(self) -> None:
        self.reads = Pacer(READS_PER_SECOND, READ_BURST)
        self.stops = Pacer(STOPS_PER_SECOND, STOP_BURST)
        self._over = threading.Event()

    def close(self) -> None:
        """Let go of everybody who waits: nothing more is asked for."""
        self._over.set()
        self.reads.close()
        self.stops.close()

    @property
    def is_over(self) -> bool:
        """Whether it was closed."""
        return self._over.is_set()

    def pause(self, seconds: float) -> None:
        """Wait, unless it is over."""
        self._over.wait(seconds)

    def retrying(
        self, retry: Callable[[RetryCallState], bool], at_last: Callable[[RetryCallState], Any] | None = None
    ) -> Retrying:
        """Make a call up to five times, with pauses that grow.

        Args:
            retry: whether what a call returned or raised is worth another one.
            at_last: what to return where the last call was worth another one, too; without it, its exception is raised.
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
    """Reads that are made up to five times while AWS throttles or fails; so is each page of a listing."""

    def __init__(self, client: Callable[[], Any], retries: Retries) -> None:
        super().__init__(client, retries.reads.take, tagging="", meter=NoMeter())
        self._retries = retries

    def _retrying(self, tries: int) -> Retrying:  # noqa: ARG002 - few suffice where a thread asks again by itself
        return self._retries.retrying(retry_if_exception(_passes))

    def _read_once(self, operation: str, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        sent_at = time.monotonic()
        try:
            return super()._read_once(operation, method, arguments)
        except CloudError as error:
            if error.fault.trouble is FailureKind.THROTTLED:
                self._retries.reads.throttled(sent_at)
            raise


def _passes(error: BaseException) -> bool:
    return isinstance(error, CloudError) and error.fault.trouble in _PASSES


class NoRetry:
    """Asks once: whatever is met is raised. For who does not want to wait; `RetryUntilDeadline` is for who does."""

    def run(self, work: Callable[[], T]) -> T:
        """What the work gives; raises CloudError."""
        return work()


#: Keeps nothing: one is enough for all.
NO_RETRY = NoRetry()


class RetryUntilDeadline(NoRetry):
    """Asks again as long as AWS is not reached, does not answer, or is asked too often: all of that passes.

    Args:
        tell: is told the first such fault, and no other.
        stop: ends it: what is met then is raised.
    """

    def __init__(self, tell: Callable[[CallFailure], None], stop: threading.Event) -> None:
        self._tell = tell
        self._stop = stop
        self._results = False

    def run(self, work: Callable[[], T]) -> T:
        """What the work gives, once it does.

        Raises:
            CloudError: what does not pass.
        """
        while True:
            try:
                return work()
            except CloudError as error:
                self._bear(error)

    def _bear(self, error: CloudError) -> None:
        """Wait a little after what passes; raise what does not."""
        if error.fault.trouble not in PASSING:
            raise error
        if not self._results:
            self._results = True
            self._tell(error.fault)
        if self._stop.wait(PAUSE_SECONDS):
            raise error
