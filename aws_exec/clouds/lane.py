"""One lane: a queue, and threads that work it off in order, as fast as its pacer allows.

One worker at a time leads: it waits for the pacer *before* it takes the head of the queue. So what is queued stays
in the queue, in order and withdrawable, until the moment it may be sent. A lane starts with one thread; a worker that
leaves a backlog behind starts the next, up to the limit, and so does whoever puts something where all are at work (the
dispatcher's router, a worker of another lane): the scheduler's thread never starts one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from aws_exec.clouds.lane_pace import Pacer

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Workers:
    """Threads at most, by lane.

    Attributes:
        launches: 300 launches a second at 60 ms each keep 18 busy; the rest is for slower answers.
        reads: one sweep and one search at a time; parsing their answers costs CPU, which more threads would not add.
        stops: a terminated fleet is bounded by the rate, not by threads.
        rows: Airflow's database is asked by one at a time.
    """

    launches: int = 32
    reads: int = 2
    stops: int = 4
    rows: int = 1


class Lane(Generic[T]):
    """Effects of one kind, by their ask.

    Args:
        name: of its threads.
        work: carries one out; must not raise. Returns whether it used the call that was taken from the pacer.
        limit: threads at most.
        pacer: what to wait for before each; None: nothing.
        urgent: this lane goes before others of the same pacer.
        paused: whether to hold everything; `wake()` when that changes.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[T], bool],
        limit: int,
        *,
        pacer: Pacer | None = None,
        urgent: bool = False,
        paused: Callable[[], bool] = lambda: False,
    ) -> None:
        self._name = name
        self._work = work
        self._limit = limit
        self._pacer = pacer
        self._urgent = urgent
        self._paused = paused
        self._changed = threading.Condition(threading.Lock())
        #: By ask, oldest first: a dict is an ordered queue from which anything can be withdrawn.
        self._queue: dict[int, T] = {}
        self._leading = False
        self._idle = 0
        self._threads = 0
        #: Threads that were started, and have not looked at the queue yet: they need no help of another.
        self._starting = 0
        self._closed = False

    def start(self) -> None:
        """Start the first thread."""
        # Nobody else has it yet. A lock taken here, on the scheduler's thread, is one that a signal could leave locked.
        self._threads += 1
        self._starting += 1
        self._start_thread()

    def put(self, ask: int, effect: T) -> bool:
        """Queue an effect; False if the lane is closed."""
        with self._changed:
            if self._closed:
                return False
            self._queue[ask] = effect
            self._changed.notify()
            # Whoever leads will look for itself, when it takes this.
            grow = self._threads > 0 and not self._leading and self._grow()
        if grow:
            self._start_thread()
        return True

    def remove(self, ask: int) -> T | None:
        """Take an effect back out; None if it is no longer queued."""
        with self._changed:
            return self._queue.pop(ask, None)

    def take_along(self, fits: Callable[[T], bool], at_most: int) -> list[T]:
        """Take more out of the queue, oldest first: for a worker whose one call can do several."""
        with self._changed:
            asks = list(islice((ask for ask, effect in self._queue.items() if fits(effect)), at_most))
            return [self._queue.pop(ask) for ask in asks]

    def wake(self) -> None:
        """Look again at what held the lane up."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> list[T]:
        """Take nothing more on; what was still queued is returned."""
        with self._changed:
            self._closed = True
            rest = list(self._queue.values())
            self._queue.clear()
            self._changed.notify_all()
            return rest

    def _grow(self) -> bool:
        """Whether to start another thread, which is counted then. To be called with the lock."""
        grow = not self._idle and not self._starting and self._threads < self._limit
        self._threads += grow
        self._starting += grow
        return grow

    def _start_thread(self) -> None:
        try:
            number = self._threads
            threading.Thread(target=self._run, name=f"awsexec-{self._name}-{number}", daemon=True).start()
        except RuntimeError:
            # The process is out of threads: those that there are go on.
            log.warning("Cannot start thread %d of the %s lane", self._threads, self._name)
            with self._changed:
                self._threads -= 1
                self._starting -= 1

    def _run(self) -> None:
        with self._changed:
            self._starting -= 1
        while True:
            effect = self._next()
            if effect is None:
                return
            used = self._work(effect)
            if self._pacer is not None and not used:
                self._pacer.give_back()

    def _next(self) -> T | None:
        """Wait for the next effect that may be sent; None when the lane has closed."""
        while self._lead():
            allowed = self._pacer is None or self._pacer.take(urgent=self._urgent)
            effect, grow = self._take(allowed=allowed)
            if grow:
                self._start_thread()
            if effect is not None:
                return effect
            if allowed and self._pacer is not None:
                self._pacer.give_back()
            if not allowed:
                return None
        return None

    def _lead(self) -> bool:
        """Wait until there is something to send and nobody else leads; False when the lane has closed."""
        with self._changed:
            self._idle += 1
            try:
                while not self._closed and (self._leading or not self._queue or self._paused()):
                    self._changed.wait()
                self._leading = not self._closed
                return self._leading
            finally:
                self._idle -= 1

    def _take(self, *, allowed: bool) -> tuple[T | None, bool]:
        """Stop leading; take the head of the queue, unless what was there is gone or held by now."""
        with self._changed:
            self._leading = False
            effect = None
            if allowed and self._queue and not self._closed and not self._paused():
                effect = self._queue.pop(next(iter(self._queue)))
            grow = bool(effect is not None and self._queue) and self._grow()
            self._changed.notify()
            return effect, grow
