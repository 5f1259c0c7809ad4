"""Where everything that changes by itself happens: one lock, one thread, one list of what is due.

Requests take the lock, change what they change and go; what comes later (a container's exit, a status after its delay)
is work on the loop's thread, under the same lock. So every state has one writer at a time, and whoever waits for a
state is woken by the change itself, never by a clock.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from typing import TypeAlias, TypeVar

_LOG = logging.getLogger(__name__)

Work: TypeAlias = Callable[[], None]
Found = TypeVar("Found")

#: Long enough for a loaded machine to start a Python process; whoever waits longer says so.
DEFAULT_PATIENCE = 30.0


class Timer:
    """Work that is due at a time, unless it is cancelled first."""

    def __init__(self, work: Work) -> None:
        self._work: Work | None = work

    def cancel(self) -> None:
        """Never do it; without effect once it was done."""
        self._work = None

    def fire(self) -> None:
        """Do it, once."""
        work, self._work = self._work, None
        if work is not None:
            work()


class Loop:
    """The embedded AWS's own thread.

    Attributes:
        changed: the lock over all state (reentrant), and the condition notified after each change.
    """

    def __init__(self) -> None:
        self.changed = threading.Condition(threading.RLock())
        self._due: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._closed = False
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="awsexec-local", daemon=True)

    def start(self) -> None:
        """Begin doing what is due."""
        self._thread.start()

    def post(self, work: Work) -> Timer:
        """Do it on the loop's thread, after what is already due."""
        return self.later(0.0, work)

    def later(self, seconds: float, work: Work) -> Timer:
        """Do it on the loop's thread, not before so many seconds have passed."""
        timer = Timer(work)
        with self.changed:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._order), timer))
            self.changed.notify_all()
        return timer

    def wait_until(self, predicate: Callable[[], Found | None], timeout: float = DEFAULT_PATIENCE) -> Found:
        """Wait until the predicate, evaluated under the lock at every change, is true; returns what it returned.

        Args:
            predicate: must be quick and must not call the embedded AWS over HTTP.
            timeout: seconds.

        Raises:
            TimeoutError: it did not come true in time.
            RuntimeError: work on the loop's thread failed; the cause is chained.
        """
        deadline = time.monotonic() + timeout
        with self.changed:
            while not (found := predicate()):
                self.raise_failure()
                left = deadline - time.monotonic()
                if left <= 0 or self._closed:
                    raise TimeoutError(f"not so within {timeout:g} seconds")
                self.changed.wait(left)
            return found

    def raise_failure(self) -> None:
        """Raise what went wrong on the loop's thread, if anything did."""
        if self._failure is not None:
            raise RuntimeError("the embedded AWS failed inside") from self._failure

    def close(self) -> None:
        """Do nothing any more; returns when the thread has ended."""
        with self.changed:
            self._closed = True
            self._due.clear()
            self.changed.notify_all()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        with self.changed:
            while not self._closed:
                if not self._due:
                    self.changed.wait()
                elif (left := self._due[0][0] - time.monotonic()) > 0:
                    self.changed.wait(left)
                else:
                    self._fire(heapq.heappop(self._due)[2])

    def _fire(self, timer: Timer) -> None:
        try:
            timer.fire()
        except Exception as error:  # noqa: BLE001 - see below
            # One task's failure must not stop the others; whoever waits is told.
            _LOG.exception("work failed")
            self._failure = self._failure or error
        self.changed.notify_all()
