"""This file decides what happens to a job next; no other does.

Rules of the file: events in, effects out, `now` is an argument. No clock, thread, log, randomness or I/O. `handle` is
total: an event that does not fit the state of its launch is late or doubled, and changes nothing. A record is replaced,
never patched; everything an event leads to is committed in one step (`aws_exec.lifecycle.book`).

A launch that reports does so once (`_report`), and is silent from then on. A launch that is `doomed` is on its way to
being stopped and followed until the cloud confirms its end; no newer launch of its key starts before that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, ClassVar

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.book import Book, Draft, Phase, Record
from aws_exec.lifecycle.policy import BACKOFF, REPLACE, Policy, Replacement
from aws_exec.lifecycle.values import (
    SILENT,
    Fault,
    Job,
    Key,
    LaunchId,
    Observation,
    Status,
    Stop,
    Trouble,
    number_of,
)
from aws_exec.lifecycle.values import launch_of as launch_of_token

#: Troubles the task's event log is told of: the others pass by themselves, or stop everything and are logged once.
_WORTH_A_NOTE = frozenset({Trouble.NO_CAPACITY, Trouble.REFUSED})


class Machine:
    """Every launch of one executor, from intake to end."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.book = Book()

    def handle(self, event: on.Event, now: float) -> list[do.Effect]:
        """Take one event in; what is to be done about it is returned, and in the book's outbox until carried out."""
        self.book.recover()
        draft = Draft(self.book)
        self._HANDLERS[type(event)](self, draft, event, now)
        self.book.commit(draft.change())
        return list(draft.effects.values())

    def due(self, now: float) -> bool:
        """Whether another Tick at `now` would find something to do: one Tick looks at so many launches at most."""
        first = self.book.next_due()
        return first is not None and first <= now

    def unfinished(self) -> int:
        """How many launches an ending executor still waits for: those whose end is not known yet."""
        terminating = self.book.clockwork.terminating
        return sum(
            (terminating and record.job is not None)
            or (not record.silent and (record.job is not None or record.phase is Phase.LAUNCHING))
            for record in self.book.records.values()
        )

    # -- from Airflow -------------------------------------------------------------------------------------------------

    def _taken(self, draft: Draft, event: on.Taken, now: float) -> None:
        if draft.get(event.launch_id) is not None:
            return
        for older in draft.of_key(event.key):
            self._supersede(draft, older, now)
        timeout = self.policy.launch_timeout
        deadline = now + timeout if timeout else None
        draft.put(Record(event.launch_id, event.key, workload=event.workload, due=now, launch_by=deadline))

    def _adopted(self, draft: Draft, event: on.Adopted, now: float) -> None:
        if draft.get(event.launch_id) is not None or self._owner(draft, event.key) is not None:
            return
        job = event.job
        holder = self._of_job(draft, job) if job else None
        if holder is not None and holder.silent and not holder.doomed:
            draft.drop(holder)  # it only followed what is now to be reported (again)
        elif holder is not None:
            job = None  # left in the row by another launch: Airflow does not clear it for the next try
        record = Record(
            event.launch_id,
            event.key,
            workload=event.workload,
            place=event.place or (job.place if job else ""),
            job=job,
            phase=Phase.ACTIVE if job else Phase.UNCERTAIN,
            containers=1 if job else 0,
            look=job is None,
            maybe=job is None,
            due=None if job else now,
        )
        draft.put(self._timed(record, now) if job else record)

    def _revoked(self, draft: Draft, event: on.Revoked, now: float) -> None:
        self._take_back(draft, event.key, "Airflow revoked the task", now, say=True)

    def _given_up(self, draft: Draft, event: on.GivenUp, now: float) -> None:
        self._take_back(draft, event.key, "Airflow gave the task up", now, say=False)

    def _take_back(self, draft: Draft, key: Key, why: str, now: float, *, say: bool) -> None:
        record = self._owner(draft, key)
        if record is None:
            return
        if say:
            text = "Revoked by Airflow while " + ("it ran" if record.started else record.phase.value)
            draft.want(do.Note(key, text, job=record.job, fault=record.fault))
        draft.want(do.Release(key))
        self._doom(draft, replace(record, silent=True), why, now)

    def _draining(self, draft: Draft, _: on.Draining, _now: float) -> None:
        draft.clockwork = replace(draft.clockwork, draining=True)
        for record in self.book.records.values():
            if record.phase is Phase.LAUNCHING and record.ask is not None:
                draft.want(do.Withdraw(record.ask))

    def _terminating(self, draft: Draft, _: on.Terminating, now: float) -> None:
        self._draining(draft, on.Draining(), now)
        draft.clockwork = replace(draft.clockwork, terminating=True)
        for record in self.book.records.values():
            if record.job is not None or record.maybe or record.phase is Phase.LAUNCHING:
                self._doom(draft, record, "The executor was terminated", now, withdraw=False)

    # -- the beat -----------------------------------------------------------------------------------------------------

    def _tick(self, draft: Draft, _: on.Tick, now: float) -> None:
        last = draft.clockwork.last_beat
        draft.clockwork = replace(draft.clockwork, last_beat=now)
        if last is not None and now - last > self.policy.gap:
            self._doubt_everything(draft, now)
        to_find: list[Record] = []
        to_confirm: list[Record] = []
        for launch_id in self.book.due_by(now, self.policy.wakes):
            record = draft.get(launch_id)
            if record is not None:
                self._wake(draft, record, now, to_find, to_confirm)
        self._find(draft, to_find)
        self._confirm(draft, to_confirm)
        if self._sweep_is_due(now):
            self._sweep(draft, now)

    def _doubt_everything(self, draft: Draft, now: float) -> None:
        """Doubt all that may still be launched, or launched again."""
        for record in self.book.records.values():
            if record.workload is None or record.silent:
                continue
            doubted = replace(record, doubtful=True)
            if record.phase is Phase.CONFIRMING:
                # Its answer may be older than the gap.
                doubted = replace(doubted, phase=Phase.UNCERTAIN if record.maybe else Phase.WAITING, ask=None, due=now)
            elif record.phase is Phase.LAUNCHING and record.ask is not None:
                # It may still wait in its lane, where the lease is whole again by now.
                draft.want(do.Withdraw(record.ask))
            draft.put(doubted)

    def _wake(
        self,
        draft: Draft,
        record: Record,
        now: float,
        to_find: list[Record],
        to_confirm: list[Record],
    ) -> None:
        draining = draft.clockwork.draining
        if self._is_late(record, now) and not draining:
            self._too_late(draft, record, now)
        elif record.phase is Phase.STOPPING:
            self._stop(draft, record)
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
            draft.put(replace(record, due=record.launch_by))
        elif record.doubtful:
            to_confirm.append(record)
        elif record.maybe and (record.look or not self.policy.idempotent_submit):
            to_find.append(record)
        else:
            self._submit(draft, record)

    def _is_late(self, record: Record, now: float) -> bool:
        return (
            record.deadline is not None
            and now >= record.deadline
            and not (record.started or record.silent or record.doomed)
        )

    def _too_late(self, draft: Draft, record: Record, now: float) -> None:
        if record.launch_by is not None and now >= record.launch_by:
            text = f"User code had not started within launch_timeout ({self.policy.launch_timeout:g} s)"
        else:
            text = f"Its job had not started {self.policy.start_timeout:g} s after it was accepted"
        why = Stop(self.policy.service, reason=record.waiting) if record.waiting else None
        self._report(draft, record, success=False, text=text, stop=why, fault=record.fault)
        self._doom(draft, replace(record, silent=True), text, now)

    def _is_blocked(self, draft: Draft, record: Record) -> bool:
        """A doomed container of the same task instance may still run: its user code must not meet this launch."""
        return any(other.doomed for other in draft.of_key(record.key) if other.launch_id != record.launch_id)

    # -- launching ----------------------------------------------------------------------------------------------------

    def _submit(self, draft: Draft, record: Record) -> None:
        ask = draft.ask()
        draft.put(replace(record, phase=Phase.LAUNCHING, ask=ask, due=record.launch_by))
        draft.want(
            do.Submit(
                ask,
                record.launch_id,
                record.key,
                record.token,
                record.workload,
                request=record.request,
                place=record.place,
                not_after=record.launch_by,
            ),
        )

    def _accepted(self, draft: Draft, event: on.Accepted, now: float) -> None:
        record = self._awaiting(draft, event.launch_id, Phase.LAUNCHING, event.ask)
        if record is not None:
            self._got_job(draft, record, event.seen, now)

    def _got_job(self, draft: Draft, record: Record, seen: Observation, now: float) -> None:
        number = number_of(seen.token) if seen.token and launch_of_token(seen.token) == record.launch_id else 0
        record = replace(
            record,
            phase=Phase.ACTIVE,
            number=max(number, record.number),
            job=seen.job,
            place=seen.job.place or record.place,
            containers=record.containers + 1,
            request=None,
            maybe=False,
            look=False,
            ask=None,
            faults=0,
            misses=0,
        )
        record = draft.put(self._timed(record, now))
        if not record.silent:
            draft.want(do.Launched(record.key, seen.job))
        if record.doomed:
            record = self._doom(draft, record, record.doomed, now) or record
        self._see(draft, record, seen, now)

    def _timed(self, record: Record, now: float) -> Record:
        """A record whose job has just been accepted, or adopted: from now on it has a time to start."""
        timeout = self.policy.start_timeout
        record = replace(record, start_by=now + timeout if timeout and not record.started else None)
        return replace(record, due=record.deadline)

    def _unaccepted(self, draft: Draft, event: on.Unaccepted, now: float) -> None:
        record = self._awaiting(draft, event.launch_id, Phase.LAUNCHING, event.ask)
        if record is None:
            return
        fault = event.fault
        maybe = fault.trouble is Trouble.NO_ANSWER or (record.maybe and fault.trouble in SILENT)
        record = replace(
            record,
            phase=Phase.UNCERTAIN if maybe else Phase.WAITING,
            maybe=maybe,
            request=(event.request or record.request) if maybe else None,
            place=(event.place or record.place) if maybe else record.place,
            doubtful=record.doubtful or fault.trouble is Trouble.HELD,
            ask=None,
        )
        if not maybe and not record.silent:
            # Withdrawn by terminating: nothing is there to be stopped, and its row is still to be launched by another.
            record = replace(record, doomed="")
        if record.doomed and not maybe:
            self._end(draft, record, now)
        elif fault.trouble is Trouble.INVALID and not maybe:
            self._report(draft, record, success=False, fault=fault)
            self._end(draft, record, now)
        else:
            if fault.trouble is Trouble.NO_CAPACITY:
                # The refusal was answered, and may be replayed for its token: ask with the next one.
                record = replace(record, number=record.number + 1)
            self._back_off(draft, record, fault, now)

    def _back_off(self, draft: Draft, record: Record, fault: Fault, now: float) -> None:
        if fault.trouble is Trouble.HELD:
            # Nobody failed: it was not sent. Its row is checked first, at once.
            draft.put(replace(record, due=now))
            return
        faults = record.faults + 1
        due = now + BACKOFF[fault.trouble].after(faults, record.token)
        record = replace(record, faults=faults, fault=fault, due=_in_time(record, due))
        if fault.trouble in _WORTH_A_NOTE and not record.silent:
            record = self._note(draft, record, "Waiting to be launched", fault=fault)
        draft.put(record)

    # -- looking ------------------------------------------------------------------------------------------------------

    def _find(self, draft: Draft, records: list[Record]) -> None:
        for chunk in _chunks(records, self.policy.observe_batch):
            ask = draft.ask()
            for record in chunk:
                draft.put(replace(record, phase=Phase.LOCATING, ask=ask, due=None))
            places = tuple(dict.fromkeys(record.place for record in chunk))
            launch_ids = tuple(record.launch_id for record in chunk)
            draft.want(do.Find(ask, launch_ids, tuple(record.family for record in chunk), places))

    def _found(self, draft: Draft, event: on.Found, now: float) -> None:
        newest: dict[LaunchId, Observation] = {}
        for seen in sorted(event.seen, key=lambda seen: number_of(seen.token or "")):
            newest[launch_of_token(seen.token or "")] = seen
        for launch_id in event.launch_ids:
            record = self._awaiting(draft, launch_id, Phase.LOCATING, event.ask)
            if record is None:
                continue
            if record.family in newest:
                self._got_job(draft, record, newest[record.family], now)
            else:
                self._not_found(draft, replace(record, phase=Phase.UNCERTAIN, ask=None), now)

    def _not_found(self, draft: Draft, record: Record, now: float) -> None:
        record = replace(record, misses=record.misses + 1)
        launchable = record.workload is not None and not record.doomed
        # Where a request with a token already used is refused, one look is enough before asking.
        looks = 1 if launchable and self.policy.idempotent_submit else self.policy.looks
        if record.misses < looks:
            draft.put(replace(record, due=_in_time(record, now + self.policy.find_grace)))
        elif launchable:
            waiting = replace(record, phase=Phase.WAITING, look=False, maybe=False, misses=0, due=now)
            if self.policy.idempotent_submit:
                waiting = replace(waiting, phase=Phase.UNCERTAIN, maybe=True)
            draft.put(waiting)
        else:
            if not record.silent:
                text = "No container of it was found, and it may not be launched again"
                self._report(draft, record, success=False, text=text)
            self._end(draft, record, now)

    def _find_failed(self, draft: Draft, event: on.FindFailed, now: float) -> None:
        for launch_id in event.launch_ids:
            record = self._awaiting(draft, launch_id, Phase.LOCATING, event.ask)
            if record is not None:
                self._back_off(draft, replace(record, phase=Phase.UNCERTAIN, ask=None), event.fault, now)

    def _confirm(self, draft: Draft, records: list[Record]) -> None:
        for chunk in _chunks(records, self.policy.observe_batch):
            ask = draft.ask()
            for record in chunk:
                draft.put(replace(record, phase=Phase.CONFIRMING, ask=ask, due=None))
            draft.want(do.Confirm(ask, tuple((record.launch_id, record.key) for record in chunk)))

    def _confirmed(self, draft: Draft, event: on.Confirmed, now: float) -> None:
        for launch_id in event.launch_ids:
            record = self._awaiting(draft, launch_id, Phase.CONFIRMING, event.ask)
            if record is None:
                continue
            if launch_id in event.ours:
                # Another scheduler may have launched it and given it back: look, or ask with the same token.
                draft.put(replace(record, phase=Phase.UNCERTAIN, maybe=True, doubtful=False, ask=None, due=now))
                continue
            draft.want(do.Release(record.key))
            if record.maybe:
                # An unanswered request of ours may have made a container; it may be why the row is no longer QUEUED.
                draft.put(
                    replace(
                        record,
                        phase=Phase.UNCERTAIN,
                        workload=None,
                        look=True,
                        silent=True,
                        ask=None,
                        due=now,
                        launch_by=None,
                        misses=0,
                        doubtful=False,
                    ),
                )
            else:
                self._end(draft, record, now)

    def _confirm_failed(self, draft: Draft, event: on.ConfirmFailed, now: float) -> None:
        for launch_id in event.launch_ids:
            record = self._awaiting(draft, launch_id, Phase.CONFIRMING, event.ask)
            if record is not None:
                phase = Phase.UNCERTAIN if record.maybe else Phase.WAITING
                self._back_off(draft, replace(record, phase=phase, ask=None), event.fault, now)

    # -- watching -----------------------------------------------------------------------------------------------------

    def _sweep_is_due(self, now: float) -> bool:
        clockwork = self.book.clockwork
        return bool(self.book.watched) and not clockwork.sweeping and now >= clockwork.next_sweep

    def _sweep(self, draft: Draft, now: float) -> None:
        places: defaultdict[str, list[Job]] = defaultdict(list)
        for job in self.book.watched.values():
            places[job.place].append(job)
        asks = []
        for place, jobs in places.items():
            for chunk in _chunks(jobs, self.policy.observe_batch):
                asks.append(draft.ask())
                draft.want(do.Observe(asks[-1], place, tuple(chunk)))
        draft.clockwork = replace(draft.clockwork, sweeping=frozenset(asks), sweep_from=now)

    def _swept(self, draft: Draft, ask: int, now: float) -> None:
        clockwork = draft.clockwork
        if ask not in clockwork.sweeping:
            return
        rest = clockwork.sweeping - {ask}
        following = clockwork.next_sweep if rest else max(now, clockwork.sweep_from + self.policy.poll_interval)
        draft.clockwork = replace(clockwork, sweeping=rest, next_sweep=following)

    def _observed(self, draft: Draft, event: on.Observed, now: float) -> None:
        clockwork = draft.clockwork
        if event.ask is not None and event.ask not in clockwork.sweeping:
            return
        for seen in event.seen:
            record = self._of_job(draft, seen.job)
            if record is not None:
                self._see(draft, record, seen, now)
        for job in event.missing:
            record = self._of_job(draft, job)
            if record is not None:
                self._missed(draft, record, clockwork.sweep_from, now)
        if event.ask is not None:
            self._swept(draft, event.ask, now)

    def _observe_failed(self, draft: Draft, event: on.ObserveFailed, now: float) -> None:
        self._swept(draft, event.ask, now)

    def _see(self, draft: Draft, record: Record, seen: Observation, now: float) -> None:
        if record.misses:
            record = draft.put(replace(record, misses=0))
        if seen.token and seen.token != record.token:
            # Launched by a dead scheduler: a replacement must bear the next token of that launch, not one of its own.
            record = draft.put(replace(record, family=launch_of_token(seen.token), number=number_of(seen.token)))
        if (seen.started or (seen.stop is not None and seen.stop.started)) and not record.started:
            due = record.due if record.phase is Phase.STOPPING or record.over else None
            record = draft.put(
                replace(record, started=True, workload=None, launch_by=None, start_by=None, fault=None, due=due),
            )
        elif seen.waiting and seen.waiting != record.waiting and not record.silent:
            record = draft.put(replace(record, waiting=seen.waiting))
            why = Stop(self.policy.service, reason=seen.waiting)
            draft.want(do.Note(record.key, "Its job does not start", job=record.job, stop=why))
        if seen.status is Status.STOPPED:
            self._stopped(draft, record, seen.stop or Stop(self.policy.service, started=record.started), now)
        elif seen.stop is not None and seen.stop.exit_code is not None and not record.over:
            if not record.silent:
                self._report(draft, record, success=seen.stop.exit_code == 0, stop=seen.stop)
            due = record.due if record.phase is Phase.STOPPING else now + self.policy.stop_grace
            draft.put(replace(record, over=True, silent=True, due=due))

    def _stopped(self, draft: Draft, record: Record, stop: Stop, now: float) -> None:
        """Nothing of the job runs any more."""
        if record.silent:
            self._end(draft, record, now)
        elif stop.exit_code is not None or record.started:
            self._report(draft, record, success=stop.exit_code == 0, stop=stop)
            self._end(draft, record, now)
        else:
            self._never_started(draft, record, stop, now)

    def _never_started(self, draft: Draft, record: Record, stop: Stop, now: float) -> None:
        judged = self.policy.judge(stop)
        attempt = record.attempt + (1 if judged is Replacement.YES else 0)
        final = bool(record.doomed) or stop.on_purpose or judged is Replacement.NO or record.workload is None
        if final or attempt > self.policy.max_attempts:
            text = "" if final else f"{record.attempt} containers died before they started"
            if record.waiting and record.waiting not in stop.reason:
                text = "; ".join(filter(None, (text, f"It had been waiting: {record.waiting}")))
            self._report(draft, record, success=False, stop=stop, text=text)
            self._end(draft, record, now)
            return
        faults = record.faults + 1
        record = replace(
            record,
            phase=Phase.WAITING,
            number=record.number + 1,
            attempt=attempt,
            faults=faults,
            job=None,
            start_by=None,
            waiting="",
            misses=0,
            due=_in_time(record, now + REPLACE.after(faults, record.token)),
        )
        text = f"Its container never started; launching another (attempt {attempt} of {self.policy.max_attempts})"
        draft.want(do.Note(record.key, text, stop=stop))
        draft.put(record)

    def _missed(self, draft: Draft, record: Record, asked: float, now: float) -> None:
        # An answer is as old as its question: it may have waited here while the scheduler stalled.
        since = record.missing_since if record.misses else now
        record = draft.put(replace(record, misses=record.misses + 1, missing_since=since))
        policy = self.policy
        if record.misses >= policy.missing_sightings and asked - since >= policy.missing_grace:
            reason = "MISSING: AWS no longer knows the job"
            self._stopped(draft, record, Stop(policy.service, started=record.started, reason=reason), now)

    # -- ending -------------------------------------------------------------------------------------------------------

    def _supersede(self, draft: Draft, older: Record, now: float) -> None:
        """A newer launch owns the key. What had started finishes on its own; what had not must not start now."""
        older = draft.put(replace(older, silent=True))
        if not older.started:
            self._doom(draft, older, "A newer launch of the task took over", now)

    def _doom(
        self,
        draft: Draft,
        record: Record,
        why: str,
        now: float,
        *,
        withdraw: bool = True,
    ) -> Record | None:
        """Put a launch on its way to its end; None if it is there already."""
        record = draft.put(replace(record, doomed=record.doomed or why, launch_by=None, start_by=None))
        if record.job is not None:
            if record.phase is not Phase.STOPPING:
                record = self._stop(draft, replace(record, phase=Phase.STOPPING))
        elif record.phase is Phase.LAUNCHING and record.ask is not None:
            record = draft.put(replace(record, due=None))
            if withdraw:
                draft.want(do.Withdraw(record.ask or 0))
        elif record.maybe:
            waits = record.phase is Phase.LOCATING
            phase = record.phase if waits else Phase.UNCERTAIN
            record = draft.put(replace(record, phase=phase, due=None if waits else now))
        else:
            self._end(draft, record, now)
            return None
        return record

    def _stop(self, draft: Draft, record: Record) -> Record:
        ask = draft.ask()
        if record.job is not None:
            draft.want(do.StopJob(ask, record.launch_id, record.job, record.doomed))
        return draft.put(replace(record, ask=ask, due=None))

    def _stop_answered(self, draft: Draft, event: on.StopAnswered, now: float) -> None:
        record = self._awaiting(draft, event.launch_id, Phase.STOPPING, event.ask)
        if record is None:
            return
        if event.fault is None:
            draft.put(replace(record, ask=None, faults=0, due=now + self.policy.restop_after))
            return
        faults = record.faults + 1
        due = now + BACKOFF[event.fault.trouble].after(faults, record.token)
        draft.put(replace(record, ask=None, faults=faults, due=due))

    def _report(
        self,
        draft: Draft,
        record: Record,
        *,
        success: bool,
        stop: Stop | None = None,
        fault: Fault | None = None,
        text: str = "",
    ) -> None:
        draft.want(do.Report(record.key, success, record.job, stop, fault, text, record.containers))

    def _note(self, draft: Draft, record: Record, text: str, *, fault: Fault) -> Record:
        """Say why a launch waits; the same reason is said once."""
        if record.noted == fault.code:
            return record
        draft.want(do.Note(record.key, text, fault=fault))
        return replace(record, noted=fault.code)

    def _end(self, draft: Draft, record: Record, now: float) -> None:
        """The launch is over; what waited for that may go on."""
        draft.drop(record)
        for other in draft.of_key(record.key):
            if other.phase in (Phase.WAITING, Phase.UNCERTAIN) and other.due in (None, other.launch_by):
                draft.put(replace(other, due=now))

    # -- reading ------------------------------------------------------------------------------------------------------

    def _owner(self, draft: Draft, key: Key) -> Record | None:
        """The record that speaks for a key; None if none does."""
        return next((record for record in reversed(draft.of_key(key)) if not record.silent), None)

    def _awaiting(self, draft: Draft, launch_id: LaunchId, phase: Phase, ask: int) -> Record | None:
        """The record that waits for just this completion; None if it is late or doubled."""
        record = draft.get(launch_id)
        return record if record is not None and record.phase is phase and record.ask == ask else None

    def _of_job(self, draft: Draft, job: Job) -> Record | None:
        # By the ARN alone: a pushed state change may name its place otherwise.
        record = draft.get(self.book.by_arn.get(job.arn, ""))
        return record if record is not None and record.job is not None and record.job.arn == job.arn else None

    _HANDLERS: ClassVar[Mapping[type, Callable[[Machine, Draft, Any, float], None]]] = MappingProxyType(
        {
            on.Taken: _taken,
            on.Adopted: _adopted,
            on.Revoked: _revoked,
            on.GivenUp: _given_up,
            on.Tick: _tick,
            on.Draining: _draining,
            on.Terminating: _terminating,
            on.Accepted: _accepted,
            on.Unaccepted: _unaccepted,
            on.Found: _found,
            on.FindFailed: _find_failed,
            on.Observed: _observed,
            on.ObserveFailed: _observe_failed,
            on.StopAnswered: _stop_answered,
            on.Confirmed: _confirmed,
            on.ConfirmFailed: _confirm_failed,
        },
    )


def _in_time(record: Record, due: float) -> float:
    """A due time, or the deadline if that is earlier: who is late is told so on time."""
    return due if record.launch_by is None else min(due, record.launch_by)


def _chunks(items: list[Any], size: int) -> list[list[Any]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
