"""How fast a lane may call: the token bucket of `aws_exec.dispatch.token_bucket` behind a lock that callers wait at.

Who takes from it: the dispatcher, before each launch and each stop (both are one API call, and what must hold at the
moment of sending is checked *after* the wait); an adapter, before each API call of a read (`before_read`), because only
it knows how many pages there are. The dispatcher reports throttles to both.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from aws_exec.dispatch.token_bucket import Bucket

#: An urgent caller that should have gone by now, and has not, is waited for as long as this: it may have died.
URGENT_SECONDS = 1.0


class Pacer:
    """A shared budget of calls. Thread-safe; nobody waits busily.

    Args:
        rate: calls per second; more than 0.
        burst: calls that may be saved up; at least 1.
        clock: seconds, monotonic.
    """

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # `with` takes the lock itself, not the condition: to let a lock go is one step that nothing interrupts.
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._bucket = Bucket.full(rate, burst, clock())
        #: Until then callers that are not urgent stand back. A time, not a number of callers, which one that dies
        #: while it waits would leave too high for ever.
        self._urgent_until = clock()
        self._closed = False
        self._slowed_at: float | None = None

    @property
    def rate_factor(self) -> float:
        """The part of the configured rate in force, after throttles: between 1/32 and 1."""
        with self._lock:
            return self._bucket.refilled(self._clock()).rate_factor

    def take(self, *, urgent: bool = False) -> bool:
        """Wait until one call is allowed, and count it; while an urgent caller waits, the others stand back.

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
        """A call that was taken was not made after all."""
        with self._lock:
            bucket = self._bucket
            self._bucket = replace(bucket, level=min(bucket.burst, bucket.level + 1.0))
            self._changed.notify_all()

    def throttled(self, sent_at: float) -> None:
        """AWS throttled a call sent at `sent_at`: halve the rate, once for all calls sent before that."""
        with self._lock:
            if self._slowed_at is None or sent_at > self._slowed_at:
                self._slowed_at = self._clock()
                self._bucket = self._bucket.throttled(self._slowed_at)

    def close(self) -> None:
        """Let go of everybody who waits, now and later."""
        with self._lock:
            self._closed = True
            self._changed.notify_all()
