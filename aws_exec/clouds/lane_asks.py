"""What was asked for and is not answered yet, and the answers that nobody has taken in: one answer for each ask.

The lanes' threads open, withdraw and complete under a lock. The scheduler's thread only peeks, pops and counts, which
takes none: a signal handler's `SystemExit` can leave nothing locked.
"""

from __future__ import annotations

import threading
from collections import deque

from aws_exec.lifecycle import events as on


class Asks:
    """The open asks of one dispatcher, and its inbox."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Asks that were routed and are not completed; those of them that are not to be sent any more.
        self._open: set[int] = set()
        self._withdrawn: set[int] = set()
        self._settled = threading.Event()
        self._settled.set()
        self._inbox: deque[on.Completion] = deque()

    def open(self, ask: int) -> None:
        """From now on an answer is owed."""
        with self._lock:
            self._open.add(ask)
            self._settled.clear()

    def withdraw(self, ask: int) -> None:
        """It is not to be sent any more; nothing, if it is answered already."""
        with self._lock:
            if ask in self._open:
                self._withdrawn.add(ask)

    def is_withdrawn(self, ask: int) -> bool:
        """Whether it is not to be sent any more."""
        return ask in self._withdrawn

    def complete(self, ask: int, event: on.Completion) -> None:
        """Answer an ask; nothing, if it is answered already."""
        with self._lock:
            if ask not in self._open:
                return
            self._open.remove(ask)
            self._withdrawn.discard(ask)
            self._inbox.append(event)
            if not self._open:
                self._settled.set()

    @property
    def outstanding(self) -> int:
        """Asks that are not answered."""
        return len(self._open)

    def peek(self) -> on.Completion | None:
        """The oldest answer that was not popped; None if there is none."""
        return self._inbox[0] if self._inbox else None

    def pop(self) -> None:
        """Forget the oldest answer."""
        self._inbox.popleft()

    def wait_until_settled(self, timeout: float) -> bool:
        """Whether every ask is answered, within this many seconds."""
        return self._settled.wait(timeout)
