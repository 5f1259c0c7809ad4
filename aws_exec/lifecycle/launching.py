"""Until there is a job: asking for it, not knowing whether it was launched, looking before asking again.

One of the four files that decide; the rules are in `machine.py`.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.book import Reading, Record, Transaction, earliest
from aws_exec.lifecycle.following import TERMINATED, Following
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.policy import BACKOFF
from aws_exec.lifecycle.sweeping import Handlers, chunks
from aws_exec.lifecycle.values import SILENT, CallFailure, FailureKind, LaunchId, Observation, number_of
from aws_exec.lifecycle.values import launch_of as launch_of_token

#: Troubles the task's event log is told of: the others pass by themselves, or stop everything and are logged once.
_WORTH_A_NOTE = frozenset({FailureKind.NO_CAPACITY, FailureKind.REFUSED})


class Launching(Following):
    """A launch from its first Submit to its job."""

    def _submit(self, draft: Transaction, record: Record) -> None:
        request_id = draft.new_request_id()
        reading = record.reading
        draft.put(replace(record, phase=Phase.LAUNCHING, request_id=request_id, due=record.launch_by))
        draft.want(
            do.Submit(
                request_id=request_id,
                launch_id=record.launch_id,
                key=record.key,
                token=record.token,
                workload=record.workload if reading is None else reading.workload,
                request=record.request,
                location=record.location,
                not_after=record.launch_by,
                read_at=None if reading is None else reading.at,
            ),
        )

    def _accepted(self, draft: Transaction, event: on.Accepted, now: float) -> None:
        record = self._awaiting(draft, event.launch_id, Phase.LAUNCHING, event.request_id)
        if record is not None:
            self._got_job(draft, record, event.seen, now)

    def _got_job(self, draft: Transaction, record: Record, seen: Observation, now: float) -> None:
        holder = self._of_job(draft, seen.job)
        if holder is not None and holder.launch_id != record.launch_id:
            if record.silent:
                draft.drop(record)  # the one that reports follows it already
                return
            draft.drop(holder)
        record = replace(record.with_job(seen.job), location=seen.job.location or record.location)
        record = draft.put(self._timed(record, now))
        if not record.silent:
            draft.want(do.Launched(key=record.key, job=seen.job))
        if record.doomed:
            record = self._stop(draft, record, seen.job)
        self._see(draft, record, seen, now)

    def _timed(self, record: Record, now: float) -> Record:
        """A record whose job has just been accepted, or adopted: from now on it has a time to start.

        Not if it is only followed: whoever owns the container says how long it may take.
        """
        start_by = None if record.started or record.silent or record.doomed else self._start_by(now)
        return replace(record, start_by=start_by, due=earliest(record.launch_by, start_by))

    def _start_by(self, now: float) -> float | None:
        """When a job that is accepted or adopted now must have started; None: whenever."""
        return now + self.policy.start_timeout if self.policy.start_timeout else None

    def _unaccepted(self, draft: Transaction, event: on.Unaccepted, now: float) -> None:
        record = self._awaiting(draft, event.launch_id, Phase.LAUNCHING, event.request_id)
        if record is None:
            return
        fault = event.fault
        maybe = fault.trouble is FailureKind.NO_ANSWER or (record.maybe and fault.trouble in SILENT)
        record = replace(
            record,
            phase=Phase.UNCERTAIN if maybe else Phase.WAITING,
            maybe=maybe,
            request=(event.request or record.request) if maybe else None,
            location=(event.location or record.location) if maybe else record.location,
            doubtful=record.doubtful or (fault.trouble is FailureKind.HELD and not event.outdated),
            reading=None,
            request_id=None,
        )
        if not maybe and not record.silent:
            # Withdrawn by terminating: nothing is there to be stopped, and its row is still to be launched by another.
            record = replace(record, doomed="")
        if record.doomed and not maybe:
            self._end(draft, record, now)
        elif fault.trouble is FailureKind.INVALID and not maybe:
            self._report(draft, record, success=False, fault=fault)
            self._end(draft, record, now)
        else:
            if fault.trouble is FailureKind.NO_CAPACITY:
                # The refusal was answered, and may be replayed for its token: ask with the next one.
                record = replace(record, number=record.number + 1)
            self._back_off(draft, record, fault, now)

    def _back_off(self, draft: Transaction, record: Record, fault: CallFailure, now: float) -> None:
        if fault.trouble is FailureKind.HELD:
            # Nobody failed: it was not sent. Its row is checked first, at once.
            draft.put(replace(record, due=now))
            return
        faults = record.faults + 1
        due = now + BACKOFF[fault.trouble].after(faults, record.token)
        record = replace(record, faults=faults, fault=fault, due=record.in_time(due))
        if fault.trouble in _WORTH_A_NOTE and not record.silent:
            record = self._note(draft, record, "Waiting to be launched", fault=fault)
        draft.put(record)

    def _note(self, draft: Transaction, record: Record, text: str, *, fault: CallFailure) -> Record:
        """Say why a launch waits; the same reason is said once."""
        if record.noted == fault.code:
            return record
        draft.want(do.Note(key=record.key, text=text, fault=fault))
        return replace(record, noted=fault.code)

    # -- looking ------------------------------------------------------------------------------------------------------

    def _find(self, draft: Transaction, records: list[Record]) -> None:
        if not records:
            return
        request_id = draft.new_request_id()
        for record in records:
            # What its row said is old when the search is over.
            draft.put(replace(record, phase=Phase.LOCATING, reading=None, request_id=request_id, due=None))
        locations = tuple(dict.fromkeys(record.location for record in records))
        launch_ids = tuple(record.launch_id for record in records)
        draft.want(
            do.FindByLaunchId(
                request_id=request_id,
                launch_ids=launch_ids,
                families=tuple(record.family for record in records),
                locations=locations,
            )
        )

    def _must_be_found(self, record: Record) -> bool:
        """Whether a look comes before the next request."""
        return record.maybe and (record.look or not self.policy.idempotent_submit)

    def _found(self, draft: Transaction, event: on.FoundByLaunchId, now: float) -> None:
        newest: dict[LaunchId, Observation] = {}
        for seen in sorted(event.seen, key=lambda seen: number_of(seen.token or "")):
            newest[launch_of_token(seen.token or "")] = seen
        for launch_id in event.launch_ids:
            record = self._awaiting(draft, launch_id, Phase.LOCATING, event.request_id)
            if record is None:
                continue
            if record.family in newest:
                self._got_job(draft, record, newest[record.family], now)
            else:
                self._not_found(draft, replace(record, phase=Phase.UNCERTAIN, request_id=None), now)

    def _not_found(self, draft: Transaction, record: Record, now: float) -> None:
        record = replace(record, misses=record.misses + 1)
        launchable = record.workload is not None and not record.doomed
        # Where a request with a token already used is refused, one look is enough before asking.
        looks = 1 if launchable and self.policy.idempotent_submit else self.policy.looks
        if record.misses < looks:
            draft.put(replace(record, due=record.in_time(now + self.policy.find_grace)))
        elif launchable:
            waiting = replace(record, phase=Phase.WAITING, look=False, maybe=False, misses=0, due=now)
            if self.policy.idempotent_submit:
                waiting = replace(waiting, phase=Phase.UNCERTAIN, maybe=True)
            draft.put(waiting)
        else:
            if record.doomed and not record.silent:
                self._report(draft, record, success=False, text=f"{record.doomed}; no container of it was found")
            elif not record.silent:
                # Its container may live where we may not look. Airflow's heartbeat timeout decides, and burns no try
                # of a task that runs.
                draft.want(
                    do.Note(key=record.key, text="Adopted, but no container of it was found: its heartbeat decides")
                )
                draft.want(do.Release(key=record.key))
            self._end(draft, record, now)

    def _find_failed(self, draft: Transaction, event: on.FindByLaunchIdFailed, now: float) -> None:
        for launch_id in event.launch_ids:
            record = self._awaiting(draft, launch_id, Phase.LOCATING, event.request_id)
            if record is not None:
                self._back_off(draft, replace(record, phase=Phase.UNCERTAIN, request_id=None), event.fault, now)

    def _is_doubtful(self, draft: Transaction, record: Record) -> bool:
        """Whether another scheduler may have had it: its row is to be asked before anything is launched."""
        return record.doubtful or (record.workload is not None and record.gaps < draft.state.gaps)

    def _confirm(self, draft: Transaction, records: list[Record]) -> None:
        for chunk in chunks(records, self.policy.observe_batch):
            request_id = draft.new_request_id()
            for record in chunk:
                draft.put(replace(record, phase=Phase.CONFIRMING, reading=None, request_id=request_id, due=None))
            launches = tuple((record.launch_id, record.key) for record in chunk)
            draft.want(
                do.VerifyOwnership(
                    request_id=request_id,
                    launches=launches,
                    read=frozenset(each.launch_id for each in chunk if each.must_be_read),
                )
            )

    def _confirmed(self, draft: Transaction, event: on.OwnershipVerified, now: float) -> None:
        for launch_id in event.launch_ids:
            record = self._awaiting(draft, launch_id, Phase.CONFIRMING, event.request_id)
            if record is None:
                continue
            if event.request_id <= draft.state.doubted:
                phase = Phase.UNCERTAIN if record.maybe else Phase.WAITING
                draft.put(replace(record, phase=phase, request_id=None, due=now))
                continue
            if launch_id in event.ours:
                self._still_ours(draft, record, event, now)
                continue
            if record.forerun is not None and not record.silent:
                self._inherit(draft, record, record.forerun, now)
                continue
            draft.want(do.Release(key=record.key))
            if record.maybe:
                # An unanswered request of ours may have made a container; it may be why the row is no longer QUEUED.
                draft.put(
                    replace(
                        record,
                        phase=Phase.UNCERTAIN,
                        workload=None,
                        look=True,
                        silent=True,
                        request_id=None,
                        due=now,
                        launch_by=None,
                        misses=0,
                        doubtful=False,
                    ),
                )
            else:
                self._end(draft, record, now)

    def _still_ours(self, draft: Transaction, record: Record, event: on.OwnershipVerified, now: float) -> None:
        """Go on with a launch that no other scheduler has: by what its row says that it runs, if that was read."""
        # In a gap another scheduler may have launched it and given it back: look, or ask with the same token.
        maybe = record.maybe or self._is_doubtful(draft, record)
        confirmed = replace(record, maybe=maybe, doubtful=False, gaps=draft.state.gaps, forerun=None)
        if record.launch_id in event.workloads and not self._must_be_found(confirmed):
            reading = Reading(event.workloads[record.launch_id], event.read_at)
            confirmed = replace(confirmed, reading=reading)
        phase = Phase.UNCERTAIN if maybe else Phase.WAITING
        confirmed = draft.put(replace(confirmed, phase=phase, request_id=None, due=now))
        if maybe and draft.state.terminating:
            self._doom(draft, confirmed, TERMINATED, now)

    def _confirm_failed(self, draft: Transaction, event: on.VerifyOwnershipFailed, now: float) -> None:
        for launch_id in event.launch_ids:
            record = self._awaiting(draft, launch_id, Phase.CONFIRMING, event.request_id)
            if record is not None:
                phase = Phase.UNCERTAIN if record.maybe else Phase.WAITING
                self._back_off(draft, replace(record, phase=phase, request_id=None), event.fault, now)

    HANDLERS: ClassVar[Handlers] = MappingProxyType(
        {
            **Following.HANDLERS,
            on.Accepted: _accepted,
            on.Unaccepted: _unaccepted,
            on.FoundByLaunchId: _found,
            on.FindByLaunchIdFailed: _find_failed,
            on.OwnershipVerified: _confirmed,
            on.VerifyOwnershipFailed: _confirm_failed,
        },
    )
