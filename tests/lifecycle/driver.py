"""Drives a machine by hand: a clock that is a number, events in, all effects out, the book checked each time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import MISSING, fields

from aws_exec.lifecycle import Machine, Policy
from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.book import LaunchStore, MachineState, Record
from aws_exec.lifecycle.phases import Phase
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


def fault(trouble: FailureKind, code: str = "Code") -> CallFailure:
    """A fault of one kind."""
    return CallFailure(trouble, "RunTask", code)


def starting(job: Job = JOB, token: str = "L1-1") -> Observation:
    """A job that was accepted and has not started."""
    return Observation(job, Status.STARTING, token=token)


def running(job: Job = JOB, token: str = "L1-1", *, alone: bool = False) -> Observation:
    """A job whose user code runs."""
    return Observation(job, Status.RUNNING, started=True, token=token, alone=alone)


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
        self.machine = Machine(Policy(**{"gap": 1e9, **policy}))
        #: What the rows say of every end, at once: Airflow waits for it. None: they say nothing yet.
        self.awaited: bool | None = True
        #: The rows of what was adopted say at once that it is ours, and what it runs. False: they say nothing yet.
        self.reads = True
        self.now = 0.0
        self._asked = 0

    @property
    def book(self) -> LaunchStore:
        """What it remembers."""
        return self.machine.book

    def tell(self, event: on.Event, after: float = 0.0) -> list[do.Effect]:
        """Hand one event over, `after` seconds later; every effect it has."""
        self.now += after
        effects = self.machine.handle(event, self.now)
        self.machine.book.outbox.clear()
        check(self.machine.book)
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
            return self.tell(
                on.ExitVerified(request_id=effect.request_id, launch_id=effect.launch_id, awaited=self.awaited)
            )
        if isinstance(effect, do.VerifyOwnership) and effect.read and self.reads:
            return self.tell(self.read(effect))
        return [effect]

    def read(self, confirm: do.VerifyOwnership) -> on.OwnershipVerified:
        """The answer that all are ours, and what they run."""
        ids = tuple(launch_id for launch_id, _ in confirm.launches)
        workloads = {launch_id: f"row of {launch_id}" for launch_id in confirm.read}
        return on.OwnershipVerified(
            request_id=confirm.request_id, launch_ids=ids, ours=frozenset(ids), workloads=workloads, read_at=self.now
        )

    def tick(self, after: float = 0.0) -> list[do.Effect]:
        """A beat."""
        return self.tell(on.Tick(), after)

    def take(self, launch_id: str = "L1", key: str = "K1") -> list[do.Effect]:
        """Airflow hands a workload over."""
        return self.tell(on.WorkloadQueued(launch_id=launch_id, key=key, workload=f"work of {launch_id}"))

    def record(self, launch_id: str = "L1") -> Record:
        """One launch."""
        return self.book.records[launch_id]

    def launching(self, launch_id: str = "L1", key: str = "K1") -> int:
        """Bring a launch to the point where its Submit is out; the ask."""
        self.take(launch_id, key)
        return self.submit_of(self.tick()).request_id

    def active(self, launch_id: str = "L1", key: str = "K1", job: Job = JOB) -> None:
        """Bring a launch to the point where AWS accepted its job."""
        request_id = self.launching(launch_id, key)
        self.tell(on.Accepted(request_id=request_id, launch_id=launch_id, seen=starting(job, f"{launch_id}-1")))

    def started(self, launch_id: str = "L1", key: str = "K1", job: Job = JOB) -> None:
        """Bring a launch to the point where its user code runs."""
        self.active(launch_id, key, job)
        self.see(running(job, f"{launch_id}-1"))

    def see(self, *seen: Observation) -> list[do.Effect]:
        """A state change is pushed."""
        return self.tell(on.Described(request_id=None, seen=seen))

    def sweep(self, after: float = 5.0, *, missing: Sequence[Job] = (), seen: Sequence[Observation] = ()) -> list:
        """A beat that asks how the jobs are, and the answer; the effects of the answer."""
        observe = next(effect for effect in self.tick(after) if isinstance(effect, do.Describe))
        return self.tell(on.Described(request_id=observe.request_id, seen=tuple(seen), missing=tuple(missing)))

    def submits(self, after: float = 0.0) -> list[str]:
        """Who is launched by a beat."""
        return [effect.launch_id for effect in self.tick(after) if isinstance(effect, do.Submit)]

    @staticmethod
    def submit_of(effects: list[do.Effect]) -> do.Submit:
        """The only Submit among effects."""
        (submit,) = [effect for effect in effects if isinstance(effect, do.Submit)]
        return submit


def check(book: LaunchStore) -> None:
    """Every index says what the records say, and every record can still get on."""
    arns = {record.job.arn: record.launch_id for record in book.records.values() if record.job}
    assert book.by_arn == arns, "by_arn disagrees with the records"
    watched = {record.launch_id: record.job for record in book.records.values() if record.job}
    assert book.watched == watched, "watched disagrees with the records"
    unstarted = {each.launch_id: each.key for each in book.records.values() if not (each.started or each.silent)}
    assert book.unstarted == unstarted, "unstarted disagrees with the records"
    unseen = {each.launch_id: each.unseen for each in book.records.values() if each.unseen is not None}
    assert book.unseen == unseen, "unseen disagrees with the records"
    by_key: dict[object, set[str]] = {}
    for record in book.records.values():
        by_key.setdefault(record.key, set()).add(record.launch_id)
    assert {key: set(ids) for key, ids in book.by_key.items()} == by_key, "by_key disagrees with the records"
    assert all(len(set(ids)) == len(ids) for ids in book.by_key.values()), "by_key names a launch twice"
    heap = set(book._due)
    check_types(book.state)
    for record in book.records.values():
        check_types(record)
        check_record(record)
        assert record.due is None or (record.due, record.launch_id) in heap, f"{record} is due and never looked at"
    assert book._unapplied is None
    assert not book.unforeseen, "a way that the table of transitions does not have"


def check_record(record: Record) -> None:
    """A record is consistent in itself."""
    has_job = record.phase in (Phase.ACTIVE, Phase.STOPPING)
    assert has_job == (record.job is not None), f"{record.phase} and {record.job}"
    check_waiting(record)
    if record.job is not None:
        assert (record.phase is Phase.STOPPING) == bool(record.doomed), (
            "what is doomed is being stopped, nothing else is"
        )
        assert (record.request, record.maybe, record.look) == (None, False, False), "it is known what was launched"
        assert record.forerun is None, "it waits for nothing of an earlier container"
    if record.gone:
        assert record.over, "its job has stopped, its Airflow container has not"
        assert record.due is None, "nothing is left of it to be looked at"
        assert not record.silent or record.settling, "nothing is left of it to be done or told"
    assert record.claim is None or record.job is not None, "what the row says of a job, and there is none"
    assert record.end is None or record.over
    assert not record.settling or record.end is not None
    if record.started:
        assert record.workload is None, "a workload is kept that will never be needed again"
    if record.reading is not None:
        assert record.must_be_read, "what its row said is kept, and needed by no launch"
        assert record.phase in (Phase.WAITING, Phase.UNCERTAIN, Phase.LAUNCHING), f"{record.phase}, by an old row"
    assert record.started or not record.over, "it has ended without having started"
    if record.passed_over:
        assert record.silent, "who speaks for the key was not passed over"
        assert not record.started, "it is asked whether it has started, and that is known"
        assert not record.doomed, "it is asked whether to stop it, and it is to be stopped"
    assert record.start_by is None or record.job is not None, "a time to start, and no job"
    if record.started or record.silent or record.doomed:
        assert record.deadline is None, "there is nothing left that it could be late for"


def check_waiting(record: Record) -> None:
    """It waits for an answer, or for a time, and for the one that its phase says."""
    if record.phase in (Phase.LAUNCHING, Phase.LOCATING, Phase.CONFIRMING):
        assert record.request_id is not None, f"{record.phase} waits for nothing"
    if record.phase in (Phase.WAITING, Phase.UNCERTAIN, Phase.ACTIVE):
        assert record.request_id is None, f"{record.phase} waits for an answer"
    if record.phase is Phase.STOPPING:
        assert record.gone or record.due is not None or record.request_id is not None, (
            "a stop that is neither out nor due"
        )
    if record.phase is Phase.UNCERTAIN:
        assert record.maybe
    if record.phase is Phase.WAITING:
        assert record.workload is not None, "it waits to be launched, and cannot be"
        assert not record.maybe
        assert not record.doomed


def check_types(whole: Record | MachineState) -> None:
    """What has a default that is no None is of its type: nothing is None that says yes or no, or counts."""
    for each in fields(whole):
        if each.default not in (None, MISSING):
            value = getattr(whole, each.name)
            wanted = (int, float) if isinstance(each.default, float) else type(each.default)
            assert isinstance(value, wanted), f"{each.name} is {value!r}"
