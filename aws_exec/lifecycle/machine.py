"""What happens to a job next is decided here: this file and the three that it names below, and by no other.

Rules of these files: events in, effects out, `now` is an argument. No clock, thread, log, randomness or I/O. `handle`
is total: an event that does not fit the state of its launch is late or doubled, and changes nothing. A record is
replaced, never patched; everything an event leads to is committed in one step (`aws_exec.lifecycle.book`).

A launch that reports does so once (`_report`), and is silent from then on. A launch that is `doomed` is on its way to
being stopped and followed until the cloud confirms its end; no newer launch of its key starts before that.

This file: what Airflow says, and the beat. `launching.py`: until there is a job. `following.py`: from the job on.
`surveying.py`: what a survey of the fleet shows. When jobs are looked at is in `sweeping.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import inf
from types import MappingProxyType
from typing import ClassVar

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.book import Kind, LaunchStore, Record, Transaction, earliest
from aws_exec.lifecycle.following import TERMINATED, UNWANTED
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.policy import Policy
from aws_exec.lifecycle.surveying import Surveying
from aws_exec.lifecycle.sweeping import Handlers, Workers
from aws_exec.lifecycle.values import Key, LaunchId, Termination


class Machine(Surveying):
    """Every launch of one executor, from intake to end."""

    def __init__(self, policy: Policy | None = None) -> None:
        super().__init__(policy or Policy(), LaunchStore())

    def handle(self, event: on.Event, now: float) -> list[do.Effect]:
        """Take one event in; what is to be done about it is returned, and in the book's outbox until carried out."""
        self.book.recover()
        draft = Transaction(self.book)
        self.HANDLERS[type(event)](self, draft, event, now)
        self.book.commit(draft.change())
        return list(draft.effects.values())

    def due(self, now: float) -> bool:
        """Whether another Tick at `now` would find something to do: one Tick looks at so many launches at most."""
        first = self.book.next_due()
        return bool(self.book.state.backlog) or (first is not None and first <= now)

    def unfinished(self, by: float = inf) -> int:
        """How many launches an ending executor still waits for, of those where something can happen until then.

        After `Terminating`: every job that has not ended, and every request that may become one. Else only what no
        other scheduler could finish: a request whose answer is out, and a stop that is decided and that AWS has not
        accepted. A job that runs is adopted; the end of one is verified again by whoever adopts it.

        Args:
            by: when the executor stops waiting; later retries are not counted.
        """
        if self.book.state.terminating:
            # Not only what is doomed: Ticks doom thousands, a few at a time.
            return sum(bool(record.doomed) or _may_have_job(record) for record in self.book.records.values())
        return sum(_is_unfinished(record, by) for record in self.book.records.values())

    def owns(self, key: Key) -> bool:
        """Whether a launch speaks for this key."""
        records = (self.book.records[launch_id] for launch_id in self.book.by_key.get(key, ()))
        return any(not record.silent for record in records)

    def settles(self, launch_id: LaunchId) -> bool:
        """Whether it is being asked what the end of this launch means."""
        record = self.book.records.get(launch_id)
        return record is not None and bool(record.settling)

    # -- from Airflow -------------------------------------------------------------------------------------------------

    def _taken(self, draft: Transaction, event: on.WorkloadQueued, now: float) -> None:
        if draft.get(event.launch_id) is not None:
            return
        for older in draft.of_key(event.key):
            self._supersede(draft, older, now)
        gaps = draft.state.gaps
        record = Record(event.launch_id, event.key, workload=event.workload, gaps=gaps, due=now)
        draft.put(replace(record, launch_by=self._launch_by(now)))

    def _launch_by(self, now: float) -> float | None:
        """When a launch that is taken in now must have started; None: whenever."""
        return now + self.policy.launch_timeout if self.policy.launch_timeout else None

    def _adopted(self, draft: Transaction, event: on.Adopted, now: float) -> None:
        if self._owner(draft, event.key) is not None:
            return
        mine = draft.get(event.launch_id)
        if mine is not None and not mine.doomed:
            # It was lost to another scheduler, only followed since, and has come back: it reports again.
            back = replace(mine, silent=False, gaps=draft.state.gaps)
            if mine.workload is None:
                back = replace(back, workload=event.workload, by_row=event.workload is not None)
            if back.job and not back.started:
                back = self._timed(back, now)
            draft.put(back)
            return
        if mine is not None:
            return
        job = event.job
        holder = self._of_job(draft, job) if job else None
        if holder is not None and holder.silent and not holder.doomed:
            draft.drop(holder)  # it only followed what is now to be reported (again)
        elif holder is not None:
            job = None  # left in the row by another launch: Airflow does not clear it for the next try
        start_by = self._start_by(now) if job else None
        launch_by = self._launch_by(now) if event.workload is not None else None
        record = Record(
            event.launch_id,
            event.key,
            workload=event.workload,
            by_row=event.workload is not None,
            location=event.location or (job.location if job else ""),
            gaps=draft.state.gaps,
            job=job,
            claim=event.origin if job else None,
            phase=Phase.ACTIVE if job else Phase.UNCERTAIN,
            containers=1 if job else 0,
            look=job is None,
            maybe=job is None,
            launch_by=launch_by,
            start_by=start_by,
            due=earliest(launch_by, start_by) if job else now,
        )
        draft.put(record if job else self._wait_for_survey(draft, record, now))

    def _revoked(self, draft: Transaction, event: on.Revoked, now: float) -> None:
        self._take_back(draft, event.key, "Airflow revoked the task", now, say=True)

    def _given_up(self, draft: Transaction, event: on.FailedByAirflow, now: float) -> None:
        self._take_back(draft, event.key, "Airflow gave the task up", now, say=False)

    def _take_back(self, draft: Transaction, key: Key, why: str, now: float, *, say: bool) -> None:
        record = self._owner(draft, key)
        if record is None:
            return
        if say:
            doing = "it ran" if record.started else "its job was starting" if record.job else record.phase.value
            stop = Termination(self.policy.service, reason=record.waiting) if record.waiting else None
            text = f"Revoked by Airflow while {doing}"
            draft.want(do.Note(key=key, text=text, job=record.own_job, stop=stop, fault=record.fault))
        draft.want(do.Release(key=key))
        self._doom(draft, replace(record, silent=True), why, now)

    def _wanted_checked(self, draft: Transaction, event: on.WantedChecked, now: float) -> None:
        check = draft.state.check
        if event.request_id == check.request_id:
            draft.state = replace(draft.state, check=replace(check, request_id=0))
            self._leave(draft, Kind.UNWANTED, event.unwanted, now)

    def _drop_unwanted(self, draft: Transaction, unwanted: Sequence[tuple[LaunchId, str]], now: float) -> None:
        """Free the keys of what Airflow no longer wants, and stop it before it starts."""
        for launch_id, why in unwanted:
            record = draft.get(launch_id)
            if record is None or record.silent or record.started or record.doomed:
                continue
            text = f"{UNWANTED}: {why}"
            draft.want(do.Note(key=record.key, text=text, job=record.own_job))
            draft.want(do.Release(key=record.key))
            self._doom(draft, replace(record, silent=True), text, now)

    def _draining(self, draft: Transaction, _: on.Draining, _now: float) -> None:
        self._drain(draft)

    def _terminating(self, draft: Transaction, _: on.Terminating, now: float) -> None:
        self._drain(draft)
        draft.state = replace(draft.state, terminating=True)
        self._leave(draft, Kind.TERMINATE, list(self.book.records), now)

    def _terminate(self, draft: Transaction, launch_ids: Sequence[LaunchId], now: float) -> None:
        for record in filter(None, map(draft.get, launch_ids)):
            if _may_have_job(record):
                self._doom(draft, record, TERMINATED, now, withdraw=False)

    def _drain(self, draft: Transaction) -> None:
        draft.state = replace(draft.state, draining=True)
        self._withdraw_all(draft)

    def _withdraw_all(self, draft: Transaction) -> None:
        """Take back every Submit that is out: none of them may have been sent yet."""
        if any(record.phase is Phase.LAUNCHING for record in self.book.records.values()):
            draft.want(do.WithdrawAll())

    # -- the beat -----------------------------------------------------------------------------------------------------

    def _tick(self, draft: Transaction, _: on.Tick, now: float) -> None:
        last = draft.state.last_beat
        draft.state = replace(draft.state, last_beat=now)
        if last is not None and now - last > self.policy.gap:
            self._doubt_everything(draft)
        if draft.state.backlog:
            self._go_on(draft, now)
        else:
            if due := self.book.due_by(now, self.policy.wakes):
                # Each is read when its turn comes: one before it may have changed it.
                self._wake_each(draft, filter(None, map(draft.get, due)), now)
            if self._sweep_is_due(now):
                self._sweep(draft, now)
            elif self._check_is_due(draft, now):
                self._check_wanted(draft, now)
        self._survey(draft, now)

    def _confirmed(self, draft: Transaction, event: on.OwnershipVerified, now: float) -> None:
        """Launch at once what was read of rows: it would grow old behind thousands that are due."""
        super()._confirmed(draft, event, now)
        read = (record for record in map(draft.get, event.launch_ids) if record is not None and record.reading)
        self._wake_each(draft, (record for record in read if record.phase in (Phase.WAITING, Phase.UNCERTAIN)), now)

    def _wake_each(self, draft: Transaction, records: Iterable[Record], now: float) -> None:
        to_find: list[Record] = []
        to_confirm: list[Record] = []
        for record in records:
            self._wake(draft, record, now, to_find, to_confirm)
        self._find(draft, to_find)
        self._confirm(draft, to_confirm)

    def _doubt_everything(self, draft: Transaction) -> None:
        """Doubt all that may still be launched, or launched again: each when its turn comes (`_is_doubtful`).

        What the rows answer to an earlier request may be older than the gap: `_confirmed` asks again.
        """
        state = draft.state
        draft.state = replace(state, gaps=state.gaps + 1, doubted=state.last_request_id)
        # What is out may still wait in its lane, where the lease is whole again by now.
        self._withdraw_all(draft)

    def _wake(
        self,
        draft: Transaction,
        record: Record,
        now: float,
        to_find: list[Record],
        to_confirm: list[Record],
    ) -> None:
        draining = draft.state.draining
        if self._is_late(record, now) and not draining:
            self._too_late(draft, record, now)
        elif record.phase is Phase.STOPPING and record.job is not None:
            self._stop(draft, record, record.job)
        elif record.phase is Phase.ACTIVE:
            # Its Airflow container ended a while ago, and the rest of it still runs.
            if draining:
                draft.put(replace(record, due=None))
            else:
                self._doom(draft, record, "Its Airflow container ended", now)
        elif record.doomed:
            to_find.append(record)
        elif draining:
            draft.put(replace(record, due=None))
        elif self._is_blocked(draft, record):
            self._park(draft, record)
        elif record.forerun is not None or self._is_doubtful(draft, record):
            to_confirm.append(record)
        elif self._must_be_found(record):
            to_find.append(record)
        else:
            self._launch(draft, record, to_confirm)

    def _launch(self, draft: Transaction, record: Record, to_confirm: list[Record]) -> None:
        if record.unseen is not None:
            self._park(draft, record)  # the answer to the survey wakes it
        elif record.must_be_read and record.reading is None:
            to_confirm.append(record)
        else:
            self._submit(draft, record)

    def _is_late(self, record: Record, now: float) -> bool:
        return record.deadline is not None and now >= record.deadline

    def _too_late(self, draft: Transaction, record: Record, now: float) -> None:
        if record.launch_by is not None and now >= record.launch_by:
            text = f"User code had not started within launch_timeout ({self.policy.launch_timeout:g} s)"
        else:
            text = f"Its job had not started {self.policy.start_timeout:g} s after it was accepted"
        why = Termination(self.policy.service, reason=record.waiting) if record.waiting else None
        self._report(draft, record, success=False, text=text, stop=why, fault=record.fault)
        self._doom(draft, replace(record, silent=True), text, now)

    def _is_blocked(self, draft: Transaction, record: Record) -> bool:
        """Another container of the task instance may still start user code: that must not meet this launch."""
        return any(
            (other.doomed or other.passed_over) and not other.over
            for other in draft.of_key(record.key)
            if other.launch_id != record.launch_id
        )

    HANDLERS: ClassVar[Handlers] = MappingProxyType(
        {
            **Surveying.HANDLERS,
            on.WorkloadQueued: _taken,
            on.Adopted: _adopted,
            on.Revoked: _revoked,
            on.FailedByAirflow: _given_up,
            on.OwnershipVerified: _confirmed,
            on.WantedChecked: _wanted_checked,
            on.Tick: _tick,
            on.Draining: _draining,
            on.Terminating: _terminating,
        },
    )
    WORKERS: ClassVar[Workers] = MappingProxyType(
        {**Surveying.WORKERS, Kind.TERMINATE: _terminate, Kind.UNWANTED: _drop_unwanted}
    )


def _may_have_job(record: Record) -> bool:
    """Whether it has a job, or a request of it may have made one."""
    return record.job is not None or record.maybe or record.phase is Phase.LAUNCHING


def _is_unfinished(record: Record, by: float) -> bool:
    """Whether an answer is out that nobody else would get, or a stop that nobody else would send."""
    if record.phase is Phase.LAUNCHING:
        return True
    if not record.doomed or record.gone:
        return False
    if record.request_id is not None:
        return True
    # A stop that AWS has accepted is due again (`restop_after`), too, but only in case it had no effect.
    refused = record.phase is not Phase.STOPPING or record.faults > 0
    return refused and record.due is not None and record.due <= by
