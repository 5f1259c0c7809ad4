"""A lane: a queue, and threads that process it in order, as fast as its pacer allows.

One worker at a time leads: it waits for the pacer *before* it takes the head of the queue. So an effect stays in the
queue, in order and withdrawable, until the moment it may be sent. A lane starts with one thread, on the
scheduler's thread. A worker that leaves a backlog starts another, up to the limit; so does `put` if all are busy, which
the dispatcher's router and workers of other lanes call.

No exception ends a lane. A worker keeps the effects that it has taken until they are done. An exception of its work is
passed to `lost` together with the effects in progress, and the worker continues. A thread that dies all the same, or
that hangs and is abandoned, is replaced, and its effects in progress are passed to `lost`, too.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, TypeVar

from aws_exec.dispatch.log import emit
from aws_exec.dispatch.pacing import Pacer

log = logging.getLogger(__name__)

T = TypeVar("T")


class ThreadDiedError(Exception):
    """Reason of a lost effect: the thread that carried it out died."""


@dataclass(frozen=True, slots=True)
class Workers:
    """Threads at most, by lane.

    Attributes:
        launches: 300 launches a second at 60 ms each keep 18 busy; the rest is for slower answers.
        reads: one sweep and one search at a time; more threads would not parse their answers faster.
        stops: the rate limits a terminated fleet, not the threads.
        database: Airflow's database is queried by one thread at a time.
    """

    launches: int = 32
    reads: int = 2
    stops: int = 4
    database: int = 1


class Worker(threading.Thread, Generic[T]):
    """One thread of a lane.

    Attributes:
        in_progress: by request id, the effects that it has taken out of the queue and not finished.
        busy: it is not waiting for an effect.
        since: seconds of the lane's clock when it took what is in progress.
        dismissed: it must take nothing more, and its effects in progress are lost.
    """

    def __init__(self, run: Callable[[Worker[T]], None], name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._process = run
        self.in_progress: dict[int, T] = {}
        self.busy = False
        self.since = 0.0
        self.dismissed = False

    def run(self) -> None:
        """Process the lane."""
        self._process(self)


def is_abandoned() -> bool:
    """Return whether the calling thread was abandoned: nothing waits for its work."""
    me = threading.current_thread()
    return isinstance(me, Worker) and me.dismissed


class Lane(Generic[T]):
    """Effects of one kind, by their request id.

    Args:
        name: of its threads.
        work: carries one out. Returns whether it used the call that was taken from the pacer.
        lost: completes effects that a worker (the second argument) could not finish, for the reason in the third; it
            ignores those that are completed, or that another worker carries out. Returns as `work`.
        claim: whether this worker may carry out an effect; False: another does, or it is done already.
        limit: threads at most.
        pacer: what to wait for before each; None: nothing.
        urgent: this lane goes before others of the same pacer.
        paused: whether to hold everything; `wake()` when that changes.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[T], bool],
        limit: int,
        *,
        lost: Callable[[Sequence[T], object, BaseException], bool],
        claim: Callable[[int, object], bool],
        pacer: Pacer | None = None,
        urgent: bool = False,
        paused: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._work = work
        self._lost = lost
        self._claim = claim
        self._limit = limit
        self._pacer = pacer
        self._urgent = urgent
        self._paused = paused
        self._clock = clock
        # `with` takes the lock itself, not the condition: releasing a lock is one step that nothing interrupts.
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        #: By request id, oldest first: an ordered queue from which anything can be withdrawn.
        self._queue: OrderedDict[int, T] = OrderedDict()
        self._workers: list[Worker[T]] = []
        self._leader: Worker[T] | None = None
        #: Threads that hung when they were abandoned, and may still.
        self._abandoned: list[Worker[T]] = []
        self._numbers = 0
        self._closed = False

    def start(self) -> None:
        """Start the first thread."""
        # No other thread uses the lane yet. And a signal could leave a lock locked that the scheduler's thread takes.
        self._start_worker()

    def put(self, request_id: int, effect: T) -> bool:
        """Queue an effect; False if the lane is closed."""
        with self._lock:
            if self._closed:
                return False
            self._queue[request_id] = effect
            self._changed.notify()
            # A leader checks this itself when it takes the effect.
            if self._workers and self._leader is None:
                self._grow()
            return True

    def remove(self, request_id: int) -> None:
        """Remove an effect, if it is queued."""
        with self._lock:
            self._queue.pop(request_id, None)

    def take_more(self, fits: Callable[[T], bool], at_most: int) -> list[T]:
        """Take more effects, oldest first: for a worker whose call can carry out several."""
        me = threading.current_thread()
        with self._lock:
            if not isinstance(me, Worker) or me.dismissed:
                return []
            request_ids = list(
                islice((request_id for request_id, effect in self._queue.items() if fits(effect)), at_most)
            )
            return [effect for request_id in request_ids if (effect := self._start(me, request_id)) is not None]

    def wake(self) -> None:
        """Check again whether the lane is paused."""
        with self._lock:
            self._changed.notify_all()

    def close(self) -> list[T]:
        """Accept no more effects; return those still queued, which are not carried out."""
        with self._lock:
            self._closed = True
            self._changed.notify_all()
            return list(self._queue.values())

    # -- threads that die or hang -------------------------------------------------------------------------------------

    def replace_dead_threads(self) -> None:
        """Replace the threads that have died; called by the router."""
        with self._lock:
            gone = [worker for worker in self._workers if worker.dismissed or not worker.is_alive()]
            if self._closed:  # the others have ended; one that died in its work has effects in progress
                gone = [worker for worker in gone if worker.in_progress]
        for worker in gone:
            self._dismiss(worker, ThreadDiedError())
        with self._lock:
            if not self._workers and not self._closed:
                self._start_worker()
            if self._queue:
                # The worker that was woken for it may have died before it took it.
                self._changed.notify()

    def abandon(self, longer_than: float, error: BaseException, at_most: int) -> None:
        """Replace the threads whose effects have been in progress for too long; these effects are lost.

        Such a thread may hang for ever. If it returns, it ends, and its completions are ignored.

        Args:
            longer_than: seconds.
            error: becomes the failure of the effects.
            at_most: threads that may be abandoned and hang at a time; further hung threads are not replaced.
        """
        now = self._clock()
        with self._lock:
            self._abandoned = [worker for worker in self._abandoned if worker.is_alive()]
            hung = [worker for worker in self._workers if worker.in_progress and now - worker.since > longer_than]
            hung = hung[: max(0, at_most - len(self._abandoned))]
            for worker in hung:
                worker.dismissed = True
                self._abandoned.append(worker)
        for worker in hung:
            self._dismiss(worker, error)
            emit(
                log,
                logging.WARNING,
                "The %s lane got no answer for %g s; another thread continues",
                self._name,
                longer_than,
            )

    def _dismiss(self, worker: Worker[T], error: BaseException) -> None:
        """Replace a thread that has died or hangs. May be repeated if it was interrupted."""
        self._lost(tuple(worker.in_progress.values()), worker, error)
        with self._lock:
            if worker in self._workers:
                self._workers.remove(worker)
            self._stop_leading(worker)
            if not self._closed:
                self._start_worker()

    def _grow(self) -> None:
        """Start another thread if all are busy. Call it with the lock."""
        if len(self._workers) < self._limit and all(worker.busy for worker in self._workers):
            self._start_worker()

    def _start_worker(self) -> None:
        self._numbers += 1
        worker = Worker(self._run, f"awsexec-{self._name}-{self._numbers}")
        self._workers.append(worker)
        try:
            worker.start()
        except RuntimeError:
            # The process is out of threads: the existing ones continue.
            self._workers.remove(worker)
            emit(
                log, logging.WARNING, "Cannot start a thread of the %s lane; it has %d", self._name, len(self._workers)
            )

    # -- a worker -----------------------------------------------------------------------------------------------------

    def _run(self, me: Worker[T]) -> None:
        while not self._is_over(me):
            try:
                self._process(me)
            except BaseException as error:  # noqa: BLE001 -- exactly one completion, and a lane that goes on
                self._recover(me, error)

    def _process(self, me: Worker[T]) -> None:
        while (effect := self._next(me)) is not None:
            self._done(me, used=self._work(effect))

    def _recover(self, me: Worker[T], error: BaseException) -> None:
        """Continue after an exception."""
        with self._lock:
            self._stop_leading(me)
        # If nothing is in progress it is not known whether a call was taken; one less does no harm.
        self._done(me, used=self._lost(tuple(me.in_progress.values()), me, error) or not me.in_progress)

    def _done(self, me: Worker[T], *, used: bool) -> None:
        me.in_progress.clear()
        if self._pacer is not None and not used:
            self._pacer.give_back()

    def _is_over(self, me: Worker[T]) -> bool:
        return self._closed or me.dismissed

    def _next(self, me: Worker[T]) -> T | None:
        """Wait for the next effect that may be sent; return None if this worker gets no more."""
        while self._lead(me):
            allowed = self._pacer is None or self._pacer.take(urgent=self._urgent)
            effect = self._take(me, allowed=allowed)
            if effect is not None:
                return effect
            if allowed and self._pacer is not None:
                self._pacer.give_back()
            if not allowed:
                return None
        return None

    def _lead(self, me: Worker[T]) -> bool:
        """Wait until an effect is queued and no other worker leads; return False if this worker must end."""
        with self._lock:
            me.busy = False
            while not self._is_over(me) and (self._leader is not None or not self._queue or self._paused()):
                self._changed.wait()
            me.busy = True
            if not self._is_over(me):
                self._leader = me
            return self._leader is me

    def _stop_leading(self, me: Worker[T]) -> None:
        """Let another worker lead. Call it with the lock."""
        if self._leader is me:
            self._leader = None
        self._changed.notify()

    def _take(self, me: Worker[T], *, allowed: bool) -> T | None:
        """Stop leading; take the head of the queue, unless it was removed or the lane is paused now."""
        with self._lock:
            effect = None
            while allowed and effect is None and self._queue and not self._is_over(me) and not self._paused():
                effect = self._start(me, next(iter(self._queue)))
            if effect is not None and self._queue:
                self._grow()
            self._stop_leading(me)
            return effect

    def _start(self, me: Worker[T], request_id: int) -> T | None:
        """Take one effect out of the queue; return None if it must not be carried out. Call it with the lock.

        An interruption leaves it in both queue and `in_progress`, never in neither: `claim` admits it only once.
        """
        effect = self._queue[request_id]
        me.since = self._clock()
        me.in_progress[request_id] = effect
        del self._queue[request_id]
        if self._claim(request_id, me):
            return effect
        del me.in_progress[request_id]
        return None
