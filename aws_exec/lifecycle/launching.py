"""Until there is a job: asking for it, not knowing whether it was launched, looking before asking again.

One of the four files that decide; the rules are in `machine.py`.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.policy import BACKOFF
from aws_exec.lifecycle.store import Launch, Reading, Transaction, earliest
from aws_exec.lifecycle.sweeping import Handlers, chunks
from aws_exec.lifecycle.values import SILENT, CallFailure, FailureKind, LaunchId, Observation, sequence_of
from aws_exec.lifecycle.values import launch_of as launch_of_token
from aws_exec.lifecycle.watching import TERMINATED, Following

#: Troubles the task's event log is told of: the others pass by themselves, or stop everything and are logged once.
_WORTH_A_NOTE = frozenset({FailureKind.NO_CAPACITY, FailureKind.REFUSED})


class Launching(Following):
    """A launch from its first Submit to its job."""

    def _submit(self, transaction: Transaction, launch: Launch) -> None:
        request_id = transaction.new_request_id()
        reading = launch.reading
        transaction.put(replace(launch, phase=Phase.LAUNCHING, request_id=request_id, due=launch.launch_by))
        transaction.want(
            do.Submit(
                request_id=request_id,
                launch_id=launch.launch_id,
                key=launch.key,
                token=launch.token,
                workload=launch.workload if reading is None else reading.workload,
                request=launch.request,
                location=launch.location,
                not_after=launch.launch_by,
                read_at=None if reading is None else reading.at,
            ),
        )

    def _accepted(self, transaction: Transaction, event: on.Accepted, now: float) -> None:
        launch = self._awaiting(transaction, event.launch_id, Phase.LAUNCHING, event.request_id)
        if launch is not None:
            self._got_job(transaction, launch, event.seen, now)

    def _got_job(self, transaction: Transaction, launch: Launch, seen: Observation, now: float) -> None:
        holder = self._of_job(transaction, seen.job)
        if holder is not None and holder.launch_id != launch.launch_id:
            if launch.detached:
                transaction.drop(launch)  # the one that reports follows it already
                return
            transaction.drop(holder)
        launch = replace(launch.with_job(seen.job), location=seen.job.location or launch.location)
        launch = transaction.put(self._timed(launch, now))
        if not launch.detached:
            transaction.want(do.Launched(key=launch.key, job=seen.job))
        if launch.stop_reason:
            launch = self._stop(transaction, launch, seen.job)
        self._see(transaction, launch, seen, now)

    def _timed(self, launch: Launch, now: float) -> Launch:
        """A record whose job has just been accepted, or adopted: from now on it has a time to start.

        Not if it is only followed: whoever owns the container says how long it may take.
        """
        start_by = None if launch.started or launch.detached or launch.stop_reason else self._start_by(now)
        return replace(launch, start_by=start_by, due=earliest(launch.launch_by, start_by))

    def _start_by(self, now: float) -> float | None:
        """When a job that is accepted or adopted now must have started; None: whenever."""
        return now + self.policy.start_timeout if self.policy.start_timeout else None

    def _unaccepted(self, transaction: Transaction, event: on.Unaccepted, now: float) -> None:
        launch = self._awaiting(transaction, event.launch_id, Phase.LAUNCHING, event.request_id)
        if launch is None:
            return
        fault = event.fault
        submit_in_doubt = fault.trouble is FailureKind.NO_ANSWER or (launch.submit_in_doubt and fault.trouble in SILENT)
        launch = replace(
            launch,
            phase=Phase.UNCERTAIN if submit_in_doubt else Phase.WAITING,
            submit_in_doubt=submit_in_doubt,
            request=(event.request or launch.request) if submit_in_doubt else None,
            location=(event.location or launch.location) if submit_in_doubt else launch.location,
            ownership_unverified=launch.ownership_unverified
            or (fault.trouble is FailureKind.HELD and not event.outdated),
            reading=None,
            request_id=None,
        )
        if not submit_in_doubt and not launch.detached:
            # Withdrawn by terminating: nothing is there to be stopped, and its row is still to be launched by another.
            launch = replace(launch, stop_reason="")
        if launch.stop_reason and not submit_in_doubt:
            self._end(transaction, launch, now)
        elif fault.trouble is FailureKind.INVALID and not submit_in_doubt:
            self._report(transaction, launch, success=False, fault=fault)
            self._end(transaction, launch, now)
        else:
            if fault.trouble is FailureKind.NO_CAPACITY:
                # The refusal was answered, and may be replayed for its token: ask with the next one.
                launch = replace(launch, token_sequence=launch.token_sequence + 1)
            self._back_off(transaction, launch, fault, now)

    def _back_off(self, transaction: Transaction, launch: Launch, fault: CallFailure, now: float) -> None:
        if fault.trouble is FailureKind.HELD:
            # Nobody failed: it was not sent. Its row is checked first, at once.
            transaction.put(replace(launch, due=now))
            return
        failures = launch.failures + 1
        due = now + BACKOFF[fault.trouble].after(failures, launch.token)
        launch = replace(launch, failures=failures, fault=fault, due=launch.in_time(due))
        if fault.trouble in _WORTH_A_NOTE and not launch.detached:
            launch = self._note(transaction, launch, "Waiting to be launched", fault=fault)
        transaction.put(launch)

    def _note(self, transaction: Transaction, launch: Launch, text: str, *, fault: CallFailure) -> Launch:
        """Say why a launch waits; the same reason is said once."""
        if launch.last_note == fault.code:
            return launch
        transaction.want(do.Note(key=launch.key, text=text, fault=fault))
        return replace(launch, last_note=fault.code)

    # -- looking ------------------------------------------------------------------------------------------------------

    def _find(self, transaction: Transaction, launches: list[Launch]) -> None:
        if not launches:
            return
        request_id = transaction.new_request_id()
        for launch in launches:
            # What its row said is old when the search is over.
            transaction.put(replace(launch, phase=Phase.LOCATING, reading=None, request_id=request_id, due=None))
        locations = tuple(dict.fromkeys(launch.location for launch in launches))
        launch_ids = tuple(launch.launch_id for launch in launches)
        transaction.want(
            do.FindByLaunchId(
                request_id=request_id,
                launch_ids=launch_ids,
                token_bases=tuple(launch.token_base for launch in launches),
                locations=locations,
            )
        )

    def _must_be_found(self, launch: Launch) -> bool:
        """Whether a look comes before the next request."""
        return launch.submit_in_doubt and (launch.must_search or not self.policy.idempotent_submit)

    def _found(self, transaction: Transaction, event: on.FoundByLaunchId, now: float) -> None:
        newest: dict[LaunchId, Observation] = {}
        for seen in sorted(event.seen, key=lambda seen: sequence_of(seen.token or "")):
            newest[launch_of_token(seen.token or "")] = seen
        for launch_id in event.launch_ids:
            launch = self._awaiting(transaction, launch_id, Phase.LOCATING, event.request_id)
            if launch is None:
                continue
            if launch.token_base in newest:
                self._got_job(transaction, launch, newest[launch.token_base], now)
            else:
                self._not_found(transaction, replace(launch, phase=Phase.UNCERTAIN, request_id=None), now)

    def _not_found(self, transaction: Transaction, launch: Launch, now: float) -> None:
        launch = replace(launch, absences=launch.absences + 1)
        launchable = launch.workload is not None and not launch.stop_reason
        # Where a request with a token already used is refused, one look is enough before asking.
        searches = 1 if launchable and self.policy.idempotent_submit else self.policy.searches
        if launch.absences < searches:
            transaction.put(replace(launch, due=launch.in_time(now + self.policy.search_grace)))
        elif launchable:
            waiting = replace(
                launch, phase=Phase.WAITING, must_search=False, submit_in_doubt=False, absences=0, due=now
            )
            if self.policy.idempotent_submit:
                waiting = replace(waiting, phase=Phase.UNCERTAIN, submit_in_doubt=True)
            transaction.put(waiting)
        else:
            if launch.stop_reason and not launch.detached:
                self._report(
                    transaction, launch, success=False, text=f"{launch.stop_reason}; no container of it was found"
                )
            elif not launch.detached:
                # Its container may live where we may not look. Airflow's heartbeat timeout decides, and burns no try
                # of a task that runs.
                transaction.want(
                    do.Note(key=launch.key, text="Adopted, but no container of it was found: its heartbeat decides")
                )
                transaction.want(do.Release(key=launch.key))
            self._end(transaction, launch, now)

    def _find_failed(self, transaction: Transaction, event: on.FindByLaunchIdFailed, now: float) -> None:
        for launch_id in event.launch_ids:
            launch = self._awaiting(transaction, launch_id, Phase.LOCATING, event.request_id)
            if launch is not None:
                self._back_off(transaction, replace(launch, phase=Phase.UNCERTAIN, request_id=None), event.fault, now)

    def _is_doubtful(self, transaction: Transaction, launch: Launch) -> bool:
        """Whether another scheduler may have had it: its row is to be asked before anything is launched."""
        return launch.ownership_unverified or (launch.workload is not None and launch.stalls < transaction.state.stalls)

    def _confirm(self, transaction: Transaction, doubtful: list[Launch]) -> None:
        for chunk in chunks(doubtful, self.policy.observe_batch):
            request_id = transaction.new_request_id()
            for launch in chunk:
                transaction.put(replace(launch, phase=Phase.CONFIRMING, reading=None, request_id=request_id, due=None))
            launches = tuple((launch.launch_id, launch.key) for launch in chunk)
            transaction.want(
                do.VerifyOwnership(
                    request_id=request_id,
                    launches=launches,
                    read=frozenset(each.launch_id for each in chunk if each.must_be_read),
                )
            )

    def _confirmed(self, transaction: Transaction, event: on.OwnershipVerified, now: float) -> None:
        for launch_id in event.launch_ids:
            launch = self._awaiting(transaction, launch_id, Phase.CONFIRMING, event.request_id)
            if launch is None:
                continue
            if event.request_id <= transaction.state.stalled_at_request:
                phase = Phase.UNCERTAIN if launch.submit_in_doubt else Phase.WAITING
                transaction.put(replace(launch, phase=phase, request_id=None, due=now))
                continue
            if launch_id in event.ours:
                self._still_ours(transaction, launch, event, now)
                continue
            if launch.predecessor is not None and not launch.detached:
                self._inherit(transaction, launch, launch.predecessor, now)
                continue
            transaction.want(do.Release(key=launch.key))
            if launch.submit_in_doubt:
                # An unanswered request of ours may have made a container; it may be why the row is no longer QUEUED.
                transaction.put(
                    replace(
                        launch,
                        phase=Phase.UNCERTAIN,
                        workload=None,
                        must_search=True,
                        detached=True,
                        request_id=None,
                        due=now,
                        launch_by=None,
                        absences=0,
                        ownership_unverified=False,
                    ),
                )
            else:
                self._end(transaction, launch, now)

    def _still_ours(self, transaction: Transaction, launch: Launch, event: on.OwnershipVerified, now: float) -> None:
        """Go on with a launch that no other scheduler has: by what its row says that it runs, if that was read."""
        # In a gap another scheduler may have launched it and given it back: look, or ask with the same token.
        submit_in_doubt = launch.submit_in_doubt or self._is_doubtful(transaction, launch)
        confirmed = replace(
            launch,
            submit_in_doubt=submit_in_doubt,
            ownership_unverified=False,
            stalls=transaction.state.stalls,
            predecessor=None,
        )
        if launch.launch_id in event.workloads and not self._must_be_found(confirmed):
            reading = Reading(event.workloads[launch.launch_id], event.read_at)
            confirmed = replace(confirmed, reading=reading)
        phase = Phase.UNCERTAIN if submit_in_doubt else Phase.WAITING
        confirmed = transaction.put(replace(confirmed, phase=phase, request_id=None, due=now))
        if submit_in_doubt and transaction.state.terminating:
            self._doom(transaction, confirmed, TERMINATED, now)

    def _confirm_failed(self, transaction: Transaction, event: on.VerifyOwnershipFailed, now: float) -> None:
        for launch_id in event.launch_ids:
            launch = self._awaiting(transaction, launch_id, Phase.CONFIRMING, event.request_id)
            if launch is not None:
                phase = Phase.UNCERTAIN if launch.submit_in_doubt else Phase.WAITING
                self._back_off(transaction, replace(launch, phase=phase, request_id=None), event.fault, now)

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
