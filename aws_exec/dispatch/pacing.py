"""Thread-safe rate limit of a lane: a token bucket behind a lock.

The dispatcher takes a token before each launch and each stop: both are one API call, and lease and deadline are checked
*after* the wait. An adapter takes one before each API call of a read (`before_read`), because only it knows the number
of pages. The dispatcher reports throttles to both.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from aws_exec.dispatch.token_bucket import Bucket

#: Seconds that others wait for an urgent caller after its turn: it may have died.
URGENT_SECONDS = 1.0


class Pacer:
    """A shared rate limit. Thread-safe, without busy waiting.

    Args:
        rate: calls per second; more than 0.
        burst: calls that may be saved up; at least 1.
        clock: seconds, monotonic.
    """

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # `with` takes the lock itself, not the condition: releasing a lock is one step that nothing interrupts.
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._bucket = Bucket.full(rate, burst, clock())
        #: Callers that are not urgent wait until then. A time, not a number of callers: one that dies while it waits
        #: would leave that number too high for ever.
        self._urgent_until = clock()
        self._closed = False
        self._slowed_at: float | None = None

    @property
    def rate_factor(self) -> float:
        """The part of the configured rate that is used after throttles: between 1/32 and 1."""
        with self._lock:
            return self._bucket.refilled(self._clock()).rate_factor

    def take(self, *, urgent: bool = False) -> bool:
        """Wait until one call is allowed, and count it. Urgent callers go first.

        Returns:
            False if the pacer was closed instead: do not call.
        """
        with self._lock:
            while not self._closed:
                now = self._clock()
                wait = self._bucket.wait(now)
                if not urgent:
                    wait = max(wait, self._urgent_until - now)
                elif wait:
                    self._urgent_until = now + wait + URGENT_SECONDS
                if wait <= 0.0:
                    self._bucket = self._bucket.take(now)
                    if urgent:
                        self._urgent_until = now
                        self._changed.notify_all()
                    return True
                self._changed.wait(wait)
            return False

    def give_back(self) -> None:
        """Return a token whose call was not made."""
        with self._lock:
            bucket = self._bucket
            self._bucket = replace(bucket, level=min(bucket.burst, bucket.level + 1.0))
            self._changed.notify_all()

    def throttled(self, sent_at: float) -> None:
        """Halve the rate: AWS throttled a call sent at `sent_at`. Only once for all calls in flight."""
        with self._lock:
            if self._slowed_at is None or sent_at > self._slowed_at:
                self._slowed_at = self._clock()
                self._bucket = self._bucket.throttled(self._slowed_at)

    def close(self) -> None:
        """Release all waiting callers, and all later ones."""
        with self._lock:
            self._closed = True
            self._changed.notify_all()
