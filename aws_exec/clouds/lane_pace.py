"""How fast a lane may call: the token bucket of `aws_exec.lifecycle.rate` behind a lock that callers wait at.

Who takes from it: the dispatcher, before each launch and each stop (both are one API call, and what must hold at the
moment of sending is checked *after* the wait); an adapter, before each API call of a read (`before_read`), because only
it knows how many pages there are. Who tells it of throttles: the dispatcher, for both.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from aws_exec.lifecycle.rate import Bucket


class Pacer:
    """A shared budget of calls. Thread-safe; nobody waits busily.

    Args:
        rate: calls per second; more than 0.
        burst: calls that may be saved up; at least 1.
        clock: seconds, monotonic.
    """

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition(threading.Lock())
        self._bucket = Bucket.full(rate, burst, clock())
        self._urgent = 0
        self._closed = False
        self._slowed_at: float | None = None

    @property
    def share(self) -> float:
        """The part of the configured rate in force, after throttles: between 1/32 and 1."""
        with self._changed:
            return self._bucket.refilled(self._clock()).share

    def take(self, *, urgent: bool = False) -> bool:
        """Wait until one call is allowed, and count it; while an urgent caller waits, the others stand back.

        Returns:
            False if the pacer was closed instead: do not call.
        """
        with self._changed:
            self._urgent += urgent
            try:
                while not self._closed:
                    wait = self._bucket.wait(self._clock()) if urgent or not self._urgent else None
                    if wait == 0.0:
                        self._bucket = self._bucket.take(self._clock())
                        return True
                    self._changed.wait(wait)
                return False
            finally:
                if urgent:
                    self._urgent -= 1
                    self._changed.notify_all()

    def give_back(self) -> None:
        """A call that was taken was not made after all."""
        with self._changed:
            bucket = self._bucket
            self._bucket = replace(bucket, level=min(bucket.burst, bucket.level + 1.0))
            self._changed.notify_all()

    def throttled(self, sent_at: float) -> None:
        """AWS said "too fast" to a call sent at `sent_at`: halve the rate, once for all calls sent before that."""
        with self._changed:
            if self._slowed_at is None or sent_at > self._slowed_at:
                self._slowed_at = self._clock()
                self._bucket = self._bucket.throttled(self._slowed_at)

    def close(self) -> None:
        """Let go of everybody who waits, now and later."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
