"""The store of the machine: one immutable value per launch, and the indexes over them.

A signal handler may raise `SystemExit` between any two bytecodes of the scheduler's main thread. So a handler works on
a `Transaction` beside the store, which is committed by one assignment (`LaunchStore.commit`). The steps after that
assignment only copy it into the indexes, and are repeated in full before the next event is handled. So an event and its
effects are committed together or not at all.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from aws_exec.lifecycle.effects import Effect
from aws_exec.lifecycle.history import KEPT, STEPS, CauseRow, Row
from aws_exec.lifecycle.launch import Launch
from aws_exec.lifecycle.orphans import Orphan
from aws_exec.lifecycle.phases import ALLOWED, Phase, Standing
from aws_exec.lifecycle.policy import Policy
from aws_exec.lifecycle.values import Job, Key, LaunchId

#: Void entries that the heap of due times may have, beside as many as there are launches, before it is rebuilt: rarely
#: enough to cost nothing, and a launch that is over does not stay until its former deadline. Also the most that one
#: look-up drops: ten thousand, one by one, would take a whole heartbeat.
_VOID_ENTRIES = 100


#: Processes some of the items of a `Work`: a function `(transaction, items, now)`.
Action: TypeAlias = "Callable[[Transaction, Any, float], None]"


@dataclass(frozen=True, slots=True)
class Work:
    """The rest of a large event: each step processes `Policy.launches_per_tick` items, so that none takes long."""

    #: Processes some of them.
    do: Action
    items: tuple[Any, ...]
    #: How many of them, from the first, are done.
    done: int = 0


@dataclass(frozen=True, slots=True)
class Findings:
    """The results of the current fleet listing so far.

    Attributes:
        alive: the ARNs and the launch ids of all containers in the listing.
        followed: the launch ids of this executor's launches when the owners became known.
        callbacks: keys of callbacks of dead schedulers that were seen; the container that is judged first counts.
        suspects: as in `FleetListing`, for this listing.
        orphans: containers without an owner for long enough, by ARN.
    """

    alive: frozenset[str] = frozenset()
    followed: frozenset[LaunchId] = frozenset()
    callbacks: frozenset[Key] = frozenset()
    suspects: Mapping[str, float] = field(default_factory=dict)
    orphans: Mapping[str, Orphan] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FleetListing:
    """State of the fleet listings.

    Attributes:
        due: when the next one may begin.
        began: when the current one did.
        failures: how many in a row failed.
        findings: of the current one, while its containers are being judged; else None.
        suspects: ARNs of containers without an owner in the last listing, each with the time when the first such
            listing began.
    """

    due: float = 0.0
    began: float = 0.0
    failures: int = 0
    findings: Findings | None = None
    suspects: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """State of the checks whether Airflow still wants the launches that have not started.

    Attributes:
        due: when the next may begin.
        request_id: of the pending query; 0 if none is.
    """

    due: float = 0.0
    request_id: int = 0


@dataclass(frozen=True, slots=True)
class MachineState:
    """State of the machine beside the launches.

    Attributes:
        last_request_id: the last request id used.
        last_tick: when the last Tick was; None before the first.
        stalls: the number of pauses between two heartbeats so long that another scheduler may have taken over.
        stalled_at_request: the last request id before the last such pause: answers to it from Airflow's rows may be
            out of date.
        backlog: the rest of events that are too large for one step, oldest first.
        next_sweep: when the next sweep over the running jobs may begin.
        sweep_from: when the current one began.
        sweeps: how many have begun.
        sweeping: request ids of the current sweep that are not answered yet.
        fleet_request: the request id of the current listing that is not answered yet; 0 if none is.
        listing: other state of the fleet listings.
        check: state of the checks of launches that have not started.
        draining: launch, replace and stop nothing more.
        terminating: stop every job.
    """

    last_request_id: int = 0
    last_tick: float | None = None
    stalls: int = 0
    stalled_at_request: int = 0
    backlog: tuple[Work, ...] = ()
    next_sweep: float = 0.0
    sweep_from: float = 0.0
    sweeps: int = 0
    sweeping: frozenset[int] = frozenset()
    fleet_request: int = 0
    listing: FleetListing = field(default_factory=FleetListing)
    check: Check = Check()
    draining: bool = False
    terminating: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """All changes of one event."""

    #: A launch of None has left the store.
    launches: Mapping[LaunchId, Launch | None]
    state: MachineState
    #: Numbered for ever.
    effects: Mapping[int, Effect]
    #: The event, for the history.
    cause: CauseRow
    #: The number of the step of the first of its launches.
    first_step: int


class LaunchStore:
    """The launches and their indexes. Read them directly; the only write is `commit`."""

    def __init__(self) -> None:
        self.state = MachineState()
        self.launches: dict[LaunchId, Launch] = {}
        #: Launches of one key, oldest first.
        self.by_key: dict[Key, tuple[LaunchId, ...]] = {}
        self.by_arn: dict[str, LaunchId] = {}
        #: Launches whose job is watched, in the order in which they were accepted.
        self.watched: dict[LaunchId, Job] = {}
        #: Launches that report, and whose user code is not known to have run.
        self.unstarted: dict[LaunchId, Key] = {}
        #: Launches that wait for a fleet listing, and since when (`Launch.unlisted_since`).
        self.unlisted_since: dict[LaunchId, float] = {}
        #: Effects that are committed and not yet carried out, by number; the executor removes them.
        self.outbox: dict[int, Effect] = {}
        #: Changes that the tables of transitions do not allow, each with its key: a bug of ours; the reader empties it.
        self.unexpected: set[tuple[Key, Phase | Standing | None, Phase | Standing | None]] = set()
        #: The last steps of all launches, each at its number modulo `STEPS`; None: not used yet.
        self.history: list[Row | None] = [None] * STEPS
        self.next_step = 0
        self._last_effect = 0
        #: (due, launch id); an entry is void unless the launch still says the same.
        self._due: list[tuple[float, LaunchId]] = []
        self._unapplied: Change | None = None

    def commit(self, change: Change) -> None:
        """Commit a change."""
        self._unapplied = change  # the one assignment
        self.recover()
        if len(self._due) > 2 * len(self.launches) + _VOID_ENTRIES:
            self._drop_void_entries()

    def _drop_void_entries(self) -> None:
        due = [(launch.due, launch.launch_id) for launch in self.launches.values() if launch.due is not None]
        heapq.heapify(due)
        self._due = due

    def recover(self) -> None:
        """Finish a change that a signal interrupted. Repeating any part of it changes nothing."""
        change = self._unapplied
        if change is None:
            return
        for number, (launch_id, new) in enumerate(change.launches.items(), change.first_step):
            old = self.launches.get(launch_id)
            self._remember(number, change.cause, old, new)
            self._index(launch_id, old, new)
        self.state = change.state
        self.next_step = change.first_step + len(change.launches)
        if change.effects:
            self.outbox.update(change.effects)
            self._last_effect = max(change.effects)
        self._unapplied = None

    def effect_numbers(self) -> Iterator[int]:
        """Return numbers for the effects of the next change.

        Not a generator: Python ignores what a signal raises while it closes one.
        """
        return itertools.count(self._last_effect + 1)

    def next_due(self) -> float | None:
        """Return the earliest time at which a launch is due; None if none is."""
        dropped = 0
        while self._due:
            if self._is_valid(self._due[0]):
                return self._due[0][0]
            heapq.heappop(self._due)
            dropped += 1
            if dropped == _VOID_ENTRIES:
                self._drop_void_entries()
        return None

    def _is_valid(self, entry: tuple[float, LaunchId]) -> bool:
        """Return whether an entry of the heap is still the due time of its launch."""
        launch = self.launches.get(entry[1])
        return launch is not None and launch.due == entry[0]

    def due_by(self, now: float, limit: int) -> list[LaunchId]:
        """Return up to `limit` launches that are due, longest overdue first. They stay due until they are changed."""
        if self.next_due() is None:
            return []
        # The heap is walked, not popped: a signal between a pop and a push would lose a launch for ever.
        found: dict[LaunchId, None] = {}
        void = 0
        edge = [(self._due[0], 0)]
        while edge and len(found) < limit:
            entry, at = heapq.heappop(edge)
            if entry[0] > now:
                break
            if self._is_valid(entry):
                found[entry[1]] = None
            else:
                void += 1
                if void == _VOID_ENTRIES:
                    self._drop_void_entries()
                    return self.due_by(now, limit)
            for child in range(2 * at + 1, min(2 * at + 3, len(self._due))):
                heapq.heappush(edge, (self._due[child], child))
        return list(found)

    def _index(self, launch_id: LaunchId, old: Launch | None, new: Launch | None) -> None:
        # Each index is written before `launches`, so that an interrupted change is seen as not yet applied.
        job = new.job if new is not None else None
        if old is not None and old.job is not None and old.job != job:
            if self.by_arn.get(old.job.arn) == launch_id:
                self.by_arn.pop(old.job.arn)
            self.watched.pop(launch_id, None)
        if job is not None:
            self.by_arn[job.arn] = launch_id
            self.watched[launch_id] = job
        if new is not None and new.unlisted_since is not None:
            self.unlisted_since[launch_id] = new.unlisted_since
        else:
            self.unlisted_since.pop(launch_id, None)
        if new is not None and not (new.started or new.detached):
            self.unstarted[launch_id] = new.key
        else:
            self.unstarted.pop(launch_id, None)
        if new is None:
            self._forget(launch_id, old)
            self.launches.pop(launch_id, None)
            return
        if launch_id not in (owners := self.by_key.get(new.key, ())):
            self.by_key[new.key] = (*owners, launch_id)
        if new.due is not None and (old is None or old.due != new.due):
            heapq.heappush(self._due, (new.due, launch_id))
        self.launches[launch_id] = new

    def _remember(self, number: int, cause: CauseRow, old: Launch | None, new: Launch | None) -> None:
        """Add a step to the history, and compare it with the tables of transitions."""
        which = new or old
        if which is None:
            return  # added and removed by one event; or its last step has been written, and this is a repetition
        phase, standing = (None, None) if new is None else (new.phase, new.standing)
        was, stood = (None, None) if old is None else (old.phase, old.standing)
        if was is not phase and (was, phase) not in ALLOWED:
            self.unexpected.add((which.key, was, phase))
        if stood is not standing and (stood, standing) not in ALLOWED:
            self.unexpected.add((which.key, stood, standing))
        due, base, sequence = None if new is None else new.due, which.token_base, which.token_sequence
        row = (number, cause, which.launch_id, which.key, phase, standing, base, sequence, due)
        self.history[number % STEPS] = row

    def _forget(self, launch_id: LaunchId, old: Launch | None) -> None:
        if old is None:
            return
        rest = tuple(other for other in self.by_key.get(old.key, ()) if other != launch_id)
        if rest:
            self.by_key[old.key] = rest
        else:
            self.by_key.pop(old.key, None)


class Transaction:
    """The changes of one event: reads see its own writes, the store sees nothing before `commit`."""

    def __init__(self, store: LaunchStore, policy: Policy) -> None:
        #: The committed state: read it only where this transaction cannot have changed it yet.
        self.store = store
        self.policy = policy
        self._launches: dict[LaunchId, Launch | None] = {}
        #: Launches that this transaction has put in, by their key.
        self._new: dict[Key, dict[LaunchId, None]] = {}
        self._numbers = store.effect_numbers()
        self.state = store.state
        self.effects: dict[int, Effect] = {}

    def get(self, launch_id: LaunchId) -> Launch | None:
        """Return the launch as of this transaction; None if there is none."""
        if launch_id in self._launches:
            return self._launches[launch_id]
        return self.store.launches.get(launch_id)

    def of_key(self, key: Key) -> list[Launch]:
        """Return the launches of a key, oldest first; those added by this transaction last."""
        ids = dict.fromkeys(self.store.by_key.get(key, ()))
        ids.update(self._new.get(key, {}))
        return [launch for i in ids if (launch := self.get(i)) is not None]

    def owner_of(self, key: Key) -> Launch | None:
        """Return the launch of a key that this executor reports; None if there is none."""
        # A loop: of a generator that is left early, Python ignores what a signal raises while it closes it.
        for launch in reversed(self.of_key(key)):
            if not launch.detached:
                return launch
        return None

    def awaiting(self, launch_id: LaunchId, phase: Phase, request_id: int) -> Launch | None:
        """Return the launch that waits for this completion; None if the completion is late or a duplicate."""
        launch = self.get(launch_id)
        return launch if launch is not None and launch.phase is phase and launch.request_id == request_id else None

    def of_job(self, job: Job) -> Launch | None:
        """Return the launch whose job this is; None if there is none."""
        # By the ARN only: a pushed state change may have another name for its location.
        launch_id = self.store.by_arn.get(job.arn)
        launch = self.get(launch_id) if launch_id is not None else None
        return launch if launch is not None and launch.job is not None and launch.job.arn == job.arn else None

    def put(self, launch: Launch) -> Launch:
        """Store a launch, new or changed."""
        self._launches[launch.launch_id] = launch
        if launch.launch_id not in self.store.launches:
            self._new.setdefault(launch.key, {})[launch.launch_id] = None
        return launch

    def drop(self, launch: Launch) -> None:
        """Remove a launch."""
        self._launches[launch.launch_id] = None

    def new_request_id(self) -> int:
        """Return a new request id."""
        self.state = replace(self.state, last_request_id=self.state.last_request_id + 1)
        return self.state.last_request_id

    def add_effect(self, effect: Effect) -> None:
        """Add an effect."""
        self.effects[next(self._numbers)] = effect

    def do_in_steps(self, do: Action, items: Sequence[Any], now: float) -> None:
        """Process items now if they are few and no backlog exists; else one step in each Tick."""
        at_once = not self.state.backlog and len(items) <= self.policy.launches_per_tick
        self.state = replace(self.state, backlog=(*self.state.backlog, Work(do, tuple(items))))
        if at_once:
            self.continue_backlog(now)

    def continue_backlog(self, now: float) -> None:
        """Process one step of the oldest work in the backlog."""
        work, *others = self.state.backlog
        done = work.done + self.policy.launches_per_tick
        rest = others if done >= len(work.items) else [replace(work, done=done), *others]
        self.state = replace(self.state, backlog=tuple(rest))
        work.do(self, work.items[work.done : done], now)

    def change(self, event: object, now: float) -> Change:
        """Return all changes of this event."""
        kept = tuple([effect for effect in self.effects.values() if type(effect) in KEPT])
        cause = (now, type(event), getattr(event, "failure", None), kept)
        return Change(self._launches, self.state, self.effects, cause, self.store.next_step)
