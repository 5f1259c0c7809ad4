"""Time that passes when the harness says so, for the executor and the scripted service alike."""

from __future__ import annotations

import heapq
import itertools
import math
import threading
from collections.abc import Callable

from aws_exec.testing import FakeClock


class Timeline(FakeClock):
    """A clock, and what is to happen when it gets there. Thread-safe."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._count = itertools.count()
        self._coming: list[tuple[float, int, Callable[[], None]]] = []

    def later(self, delay: float, act: Callable[[], None]) -> None:
        """Act when so many seconds have passed; infinitely many: never."""
        if delay == math.inf:
            return
        with self._lock:
            heapq.heappush(self._coming, (self() + delay, next(self._count), act))

    def advance(self, seconds: float) -> float:
        """Let time pass, and happen what is due."""
        with self._lock:
            now = super().advance(seconds)
            due = []
            while self._coming and self._coming[0][0] <= now:
                due.append(heapq.heappop(self._coming))
        for _, _, act in due:
            act()
        return now

    @property
    def waiting(self) -> int:
        """How much is still to happen."""
        with self._lock:
            return len(self._coming)
