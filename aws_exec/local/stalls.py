"""Calls that are kept waiting on request: before anything is done, or after it was done and before the answer."""

from __future__ import annotations

from collections import Counter

from aws_exec.local.loop import Loop


class Stalls:
    """Which calls wait. Every method takes the loop's lock; whoever waits for `waiting` is woken by each change."""

    def __init__(self, loop: Loop) -> None:
        """Stall nothing yet."""
        self._loop = loop
        #: How many of the next calls of an operation are to wait: before (False) or after (True) they are carried out.
        self._next: Counter[tuple[str, bool]] = Counter()
        self._waiting: Counter[str] = Counter()
        self._turn = 0
        self._closed = False

    @property
    def waiting(self) -> dict[str, int]:
        """How many calls wait now, by operation; those that none waits for are absent."""
        with self._loop.changed:
            return dict(+self._waiting)

    def stall_next(self, operation: str, *, acted: bool, times: int) -> None:
        """Keep the next calls waiting; see `Faults.stall_next`."""
        with self._loop.changed:
            self._next[operation, acted] += times

    def let_go(self) -> None:
        """Let all go on that wait, and stall no more."""
        with self._loop.changed:
            self._turn += 1
            self._next.clear()
            self._loop.changed.notify_all()

    def close(self) -> None:
        """Let go for good."""
        self._closed = True
        self.let_go()

    def wait(self, operation: str, *, acted: bool) -> None:
        """Wait, on the thread of a request, if that was asked for."""
        with self._loop.changed:
            if self._closed or self._next[operation, acted] <= 0:
                return
            self._next[operation, acted] -= 1
            self._waiting[operation] += 1
            turn = self._turn
            self._loop.changed.notify_all()
            self._loop.changed.wait_for(lambda: self._turn != turn)
            self._waiting[operation] -= 1
            self._loop.changed.notify_all()
