"""Open requests and unread completions of one dispatcher.

A request is a record that is changed in single steps: a thread that any exception interrupts between two of them may
repeat all of them, or leave that to another thread. A request has one owner, the thread that carries it out, and its
first completion counts.

Threads of the dispatcher take the lock. The scheduler's thread only peeks, pops and counts, which takes none: a signal
handler's `SystemExit` can leave nothing locked.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass

from aws_exec.clouds.cloud import Request
from aws_exec.dispatch.feedback import Begun
from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on

NOT_BEGUN = Begun(0, 0.0)


@dataclass(slots=True, eq=False)
class Pending:
    """A request without a completion.

    Attributes:
        effect: the effect to carry out.
        since: seconds of the dispatcher's clock when it was dispatched.
        owner: the worker that carries it out; None while it waits.
        begun: when its owner began the present step.
        withdrawn: it must not be sent any more.
        sent: AWS may have received it.
        request: the request of a Submit that was sent.
        completion: the first one; None before.
        popped: the scheduler's thread has handled the completion.
    """

    effect: do.IoEffect
    since: float
    owner: object | None = None
    begun: Begun = NOT_BEGUN
    withdrawn: bool = False
    sent: bool = False
    request: Request | None = None
    completion: on.Completion | None = None
    popped: bool = False


class OpenRequests:
    """The open requests of one dispatcher, and its inbox."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: By number, oldest first. Ordered by links: a dict finds its first entry slowly after many were deleted there.
        self._open: OrderedDict[int, Pending] = OrderedDict()
        #: The open Submits and StopJobs.
        self._changing: set[int] = set()
        self._all_completed = threading.Event()
        self._all_completed.set()
        #: A request may be in it twice, after an interruption; `popped` marks the one that was handled.
        self._inbox: deque[Pending] = deque()
        #: The oldest open request, or one whose thread died after completing it and before finding the next.
        self._oldest: Pending | None = None

    def open(self, effect: do.IoEffect, since: float) -> None:
        """Register a request; it must get exactly one completion."""
        with self._lock:
            if isinstance(effect, (do.Submit, do.StopJob)):
                self._all_completed.clear()
                self._changing.add(effect.request_id)
            self._open[effect.request_id] = Pending(effect, since)
            self._find_oldest()

    def claim(self, request_id: int, owner: object, begun: Begun) -> bool:
        """Become the owner of a request that has none; False if it has another, or is completed."""
        with self._lock:
            pending = self._open.get(request_id)
            if pending is None or pending.owner is not None:
                return False
            pending.begun = begun
            pending.owner = owner
            return True

    def release(self, request_id: int) -> None:
        """Give up a request, so that another worker may claim it."""
        with self._lock:
            if (pending := self._open.get(request_id)) is not None:
                pending.owner = None

    def take_over(self, request_ids: Iterable[int], owner: object) -> list[Pending]:
        """Return those of these requests that this owner has; those without an owner become its own."""
        with self._lock:
            found = [pending for request_id in request_ids if (pending := self._open.get(request_id)) is not None]
            for pending in found:
                pending.owner = pending.owner or owner
            return [pending for pending in found if pending.owner is owner]

    def is_unclaimed(self, request_id: int) -> bool:
        """Return whether no worker has claimed it."""
        pending = self._open.get(request_id)
        return pending is not None and pending.owner is None

    def mark_sent(self, request_ids: Iterable[int], begun: Begun, request: Request | None = None) -> None:
        """Mark requests as sent: AWS may receive them from now on."""
        with self._lock:
            for request_id in request_ids:
                if (pending := self._open.get(request_id)) is not None:
                    pending.begun, pending.request, pending.sent = begun, request, True

    def withdraw(self, request_id: int) -> None:
        """Mark a request that must not be sent any more; ignored if it is completed."""
        with self._lock:
            if (pending := self._open.get(request_id)) is not None:
                pending.withdrawn = True

    def launches(self) -> list[int]:
        """Return the request ids of all Submits without a completion."""
        with self._lock:
            return [request_id for request_id, pending in self._open.items() if isinstance(pending.effect, do.Submit)]

    def is_withdrawn(self, request_id: int) -> bool:
        """Return whether it must not be sent any more."""
        pending = self._open.get(request_id)
        return pending is not None and pending.withdrawn

    def complete(self, request_id: int, event: on.Completion) -> None:
        """Complete a request; ignored if it is completed already."""
        with self._lock:
            pending = self._open.get(request_id)
            if pending is None:
                return
            pending.completion = pending.completion or event
            self._inbox.append(pending)
            self._changing.discard(request_id)
            if not self._changing:
                self._all_completed.set()
            del self._open[request_id]
            self._find_oldest()

    def _find_oldest(self) -> None:
        self._oldest = next(iter(self._open.values()), None)

    @property
    def oldest(self) -> Pending | None:
        """The request that has been open longest; None if none is open. Any thread may read it."""
        pending = self._oldest
        return pending if pending is not None and pending.completion is None else None

    @property
    def outstanding(self) -> int:
        """Requests that are not completed."""
        return len(self._open)

    def peek(self) -> on.Completion | None:
        """Return the oldest completion that was not popped; None if there is none."""
        while self._inbox:
            if not self._inbox[0].popped:
                return self._inbox[0].completion
            self._inbox.popleft()
        return None

    def pop(self) -> None:
        """Remove the oldest completion, which was peeked at."""
        self._inbox[0].popped = True
        self._inbox.popleft()

    def wait_until_completed(self, timeout: float) -> bool:
        """Wait until all Submits and StopJobs are completed; return whether that took at most `timeout` seconds."""
        return self._all_completed.wait(timeout)
