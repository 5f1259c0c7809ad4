"""Drives a machine by hand: a clock that is a number, events in, all effects out, the store checked each time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import fields

from aws_exec.lifecycle import Machine, Policy
from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.launch import Launch
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.store import LaunchStore
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job, Observation, Status, Termination

JOB = Job("arn:job-1", "c1")
JOB2 = Job("arn:job-2", "c1")
EXITED_0 = Termination("ecs", exit_code=0, started=True)
EXITED_1 = Termination("ecs", exit_code=1, started=True)
NEVER_STARTED = Termination("ecs", code="TaskFailedToStart", reason="no route to the registry")
HOST_LOST = Termination("ecs", started=True, reason="Host EC2 instance terminated")


def steps_of(action: Callable[[], object]) -> int:
    """Lines that an action runs through, each round of a loop anew: how much it does, on any machine."""
    count = 0

    def trace(*_: object) -> object:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    return count


def fault(kind: FailureKind, code: str = "Code") -> CallFailure:
    """A fault of one kind."""
    return CallFailure(kind, "RunTask", code)


def starting(job: Job = JOB, token: str = "L1-1") -> Observation:
    """A job that was accepted and has not started."""
    return Observation(job, Status.STARTING, token=token)


def running(job: Job = JOB, token: str = "L1-1", *, single_container: bool = False) -> Observation:
    """A job whose user code runs."""
    return Observation(job, Status.RUNNING, started=True, token=token, single_container=single_container)


def over(stop: Termination, job: Job = JOB, token: str = "L1-1") -> Observation:
    """A job whose Airflow container has ended while the rest of it still runs."""
    return Observation(job, Status.RUNNING, started=True, token=token, stop=stop)


def stopped(stop: Termination | None, job: Job = JOB, token: str = "L1-1") -> Observation:
    """A job that has ended."""
    return Observation(job, Status.STOPPED, started=bool(stop and stop.started), token=token, stop=stop)


class Life:
    """A machine and its clock."""

    def __init__(self, **policy: object) -> None:
        # The tests of the gap set one; elsewhere a clock that leaps is only a clock that leaps.
        self.machine = Machine(Policy(**{"stall_after": 1e9, **policy}))
        #: What the rows say of every end, at once: Airflow waits for it. None: they say nothing yet.
        self.awaited: bool | None = True
        #: The rows of what was adopted say at once that it is ours, and what it runs. False: they say nothing yet.
        self.reads = True
        self.now = 0.0
        self._asked = 0

    @property
    def store(self) -> LaunchStore:
        """What it remembers."""
        return self.machine.store

    def feed(self, event: on.Event, after: float = 0.0) -> list[do.Effect]:
        """Hand one event over, `after` seconds later; every effect it has."""
        self.now += after
        effects = self.machine.handle(event, self.now)
        self.machine.store.outbox.clear()
        check(self.machine.store)
        self._check_asks(effects)
        return [told for effect in effects for told in self._ask_rows(effect)]

    def _check_asks(self, effects: list[do.Effect]) -> None:
        """Each question has a number that none has had before: its answer can be told from every other."""
        asked = [
            effect.request_id for effect in effects if hasattr(effect, "ask") and not isinstance(effect, do.Withdraw)
        ]
        assert sorted(set(asked)) == sorted(asked)
        assert all(request_id > self._asked for request_id in asked)
        self._asked = max([self._asked, *asked])

    def _ask_rows(self, effect: do.Effect) -> list[do.Effect]:
        """An effect; instead of a question that the rows answer at once, what the answer leads to."""
        if isinstance(effect, do.VerifyExit) and self.awaited is not None:
            return self.feed(
                on.ExitVerified(request_id=effect.request_id, launch_id=effect.launch_id, awaited=self.awaited)
            )
        if isinstance(effect, do.VerifyOwnership) and effect.read and self.reads:
            return self.feed(self.read(effect))
        return [effect]

    def read(self, confirm: do.VerifyOwnership) -> on.OwnershipVerified:
        """The answer that all are ours, and what they run."""
        ids = tuple(launch_id for launch_id, _ in confirm.launches)
        workloads = {launch_id: f"row of {launch_id}" for launch_id in confirm.read}
        return on.OwnershipVerified(
            request_id=confirm.request_id, launch_ids=ids, ours=frozenset(ids), workloads=workloads, read_at=self.now
        )

    def tick(self, after: float = 0.0) -> list[do.Effect]:
        """A heartbeat."""
        return self.feed(on.Tick(), after)

    def take(self, launch_id: str = "L1", key: str = "K1") -> list[do.Effect]:
        """Airflow hands a workload over."""
        return self.feed(on.WorkloadQueued(launch_id=launch_id, key=key, workload=f"work of {launch_id}"))

    def launch(self, launch_id: str = "L1") -> Launch:
        """One launch."""
        return self.store.launches[launch_id]

    def launching(self, launch_id: str = "L1", key: str = "K1") -> int:
        """Bring a launch to the point where its Submit is out; the ask."""
        self.take(launch_id, key)
        return self.submit_of(self.tick()).request_id

    def active(self, launch_id: str = "L1", key: str = "K1", job: Job = JOB) -> None:
        """Bring a launch to the point where AWS accepted its job."""
        request_id = self.launching(launch_id, key)
        self.feed(on.Accepted(request_id=request_id, launch_id=launch_id, seen=starting(job, f"{launch_id}-1")))

    def started(self, launch_id: str = "L1", key: str = "K1", job: Job = JOB) -> None:
        """Bring a launch to the point where its user code runs."""
        self.active(launch_id, key, job)
        self.see(running(job, f"{launch_id}-1"))

    def see(self, *seen: Observation) -> list[do.Effect]:
        """A state change is pushed."""
        return self.feed(on.Described(request_id=None, seen=seen))

    def sweep(self, after: float = 5.0, *, missing: Sequence[Job] = (), seen: Sequence[Observation] = ()) -> list:
        """A heartbeat that asks how the jobs are, and the answer; the effects of the answer."""
        observe = next(effect for effect in self.tick(after) if isinstance(effect, do.Describe))
        return self.feed(on.Described(request_id=observe.request_id, seen=tuple(seen), missing=tuple(missing)))

    def submits(self, after: float = 0.0) -> list[str]:
        """Who is launched by a heartbeat."""
        return [effect.launch_id for effect in self.tick(after) if isinstance(effect, do.Submit)]

    @staticmethod
    def submit_of(effects: list[do.Effect]) -> do.Submit:
        """The only Submit among effects."""
        (submit,) = [effect for effect in effects if isinstance(effect, do.Submit)]
        return submit


def check(store: LaunchStore) -> None:
    """Every index says what the records say, and every record can still get on."""
    arns = {launch.job.arn: launch.launch_id for launch in store.launches.values() if launch.job}
    assert store.by_arn == arns, "by_arn disagrees with the records"
    watched = {launch.launch_id: launch.job for launch in store.launches.values() if launch.job}
    assert store.watched == watched, "watched disagrees with the records"
    unstarted = {each.launch_id: each.key for each in store.launches.values() if not (each.started or each.detached)}
    assert store.unstarted == unstarted, "unstarted disagrees with the records"
    unlisted_since = {
        each.launch_id: each.unlisted_since for each in store.launches.values() if each.unlisted_since is not None
    }
    assert store.unlisted_since == unlisted_since, "unseen disagrees with the records"
    by_key: dict[object, set[str]] = {}
    for launch in store.launches.values():
        by_key.setdefault(launch.key, set()).add(launch.launch_id)
    assert {key: set(ids) for key, ids in store.by_key.items()} == by_key, "by_key disagrees with the records"
    assert all(len(set(ids)) == len(ids) for ids in store.by_key.values()), "by_key names a launch twice"
    heap = set(store._due)
    check_types(store.state)
    for launch in store.launches.values():
        for part in (launch, launch.state, launch.ownership, launch.attempts, launch.retries):
            check_types(part)
        check_launch(launch)
        assert launch.due is None or (launch.due, launch.launch_id) in heap, f"{launch} is due and never looked at"
    assert store._unapplied is None
    assert not store.unexpected, "a change that the tables of transitions do not have"


def check_launch(launch: Launch) -> None:
    """What the types of its parts leave open: a launch is consistent in itself."""
    check_waiting(launch)
    if launch.reading is not None:
        assert launch.must_be_read, "what its row said is kept, and needed by no launch"
        assert launch.phase in (Phase.WAITING, Phase.UNCERTAIN, Phase.LAUNCHING), f"{launch.phase}, by an old row"
    if launch.started:
        assert launch.work is None, "a workload is kept that will never be needed again"
    if launch.superseded:
        assert launch.phase is Phase.STARTING, "it is asked whether it has started, and that is known"
    if launch.started or launch.detached or launch.stopping is not None:
        assert launch.deadline is None, "there is nothing left that it could be late for"


def check_waiting(launch: Launch) -> None:
    """It waits for an answer, or for a time, and for the one that its phase says."""
    if launch.phase is Phase.WAITING:
        assert launch.work is not None, "it waits to be launched, and cannot be"
        assert launch.stopping is None
    if launch.phase is Phase.STOPPING:
        assert launch.due is not None or launch.request_id is not None, "a stop that is neither out nor due"
    if launch.phase is Phase.ENDED:
        assert launch.due is None, "nothing is left of it to be looked at"
        asked = launch.unverified_exit is not None and launch.unverified_exit.request_id
        assert not launch.detached or asked, "nothing is left of it to be done or reported"


def check_types(whole: object) -> None:
    """What has a default that is no None is of its type: nothing is None that says yes or no, or counts."""
    for each in fields(whole):
        if isinstance(each.default, bool | int | float | str):
            value = getattr(whole, each.name)
            wanted = (int, float) if isinstance(each.default, float) else type(each.default)
            assert isinstance(value, wanted), f"{each.name} is {value!r}"
