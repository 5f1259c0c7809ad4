"""From the job on: watching it, replacing it if it never started, reporting its end, stopping it.

One of the four files that decide; the rules are in `machine.py`.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.book import Record, Transaction
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.policy import BACKOFF, REPLACE, Replacement
from aws_exec.lifecycle.sweeping import Handlers, Sweeping
from aws_exec.lifecycle.values import CallFailure, Job, Key, LaunchId, Observation, Status, Termination, number_of
from aws_exec.lifecycle.values import launch_of as launch_of_token

#: What was said last of a launch whose container died of what may happen any number of times: it is said once.
_FREE = "free"

SUPERSEDED = "A newer launch of the task took over"
TERMINATED = "The executor was terminated"

#: Airflow's runner exits with 0 whatever became of the task's own process, and the API server decides about retries: of
#: a process that was killed while retries are left nobody tells it anything.
UNREPORTED = (
    "The task never reported its result, although its container exited with 0. Its process was most likely killed, out "
    "of memory first: compare the container's memory use with its limit"
)
#: The exit code of Airflow's runner where the API server does not let the task start, and of other failures of its own.
REFUSED = 1
#: What became of a launch that Airflow did not want any more, before why.
UNWANTED = "Airflow no longer wanted it"


class Following(Sweeping):
    """A launch from its job to its end."""

    def _observed(self, draft: Transaction, event: on.Described, now: float) -> None:
        state = draft.state
        if event.request_id is not None and event.request_id not in state.sweeping:
            return
        for seen in event.seen:
            record = self._of_job(draft, seen.job)
            if record is not None:
                self._see(draft, record, seen, now)
                self._look_at_passed_over(draft, record.launch_id, event.request_id, now)
        for job in event.missing:
            record = self._of_job(draft, job)
            if record is not None:
                self._missed(draft, record, state.sweep_from, now)
        if event.request_id is not None:
            self._swept(draft, event.request_id, now)

    def _see(self, draft: Transaction, record: Record, seen: Observation, now: float) -> None:
        claim = record.claim
        if record.misses or claim is not None:
            record = draft.put(replace(record, misses=0, claim=None))
        if claim is not None and seen.origin is not None and not claim.fits(seen.origin):
            self._disown(draft, record, now)
            return
        if seen.token and seen.token != record.token:
            record = draft.put(self._of_token(record, launch_of_token(seen.token), number_of(seen.token)))
        self._take_in(draft, record, seen, now)

    def _take_in(self, draft: Transaction, record: Record, seen: Observation, now: float) -> None:
        """What is seen of a job that is the record's."""
        if (seen.started or (seen.stop is not None and seen.stop.started)) and not record.started:
            due = record.due if record.phase is Phase.STOPPING or record.over else None
            record = draft.put(
                replace(
                    record,
                    started=True,
                    alone=seen.alone,
                    workload=None,
                    launch_by=None,
                    start_by=None,
                    fault=None,
                    due=due,
                ),
            )
        elif seen.waiting and seen.waiting != record.waiting and not record.silent:
            record = draft.put(replace(record, waiting=seen.waiting))
            why = Termination(self.policy.service, reason=seen.waiting)
            draft.want(do.Note(key=record.key, text="Its job does not start", job=record.job, stop=why))
        if seen.status is Status.STOPPED:
            self._stopped(draft, record, seen.stop or Termination(self.policy.service, started=record.started), now)
        elif seen.stop is not None and seen.stop.exit_code is not None:
            if not record.over:
                due = record.due if record.phase is Phase.STOPPING else now + self.policy.stop_grace
                record = draft.put(replace(record, over=True, due=due))
                if record.doomed:
                    self._pass_on(draft, record, seen.stop)
                    self._wake_others(draft, record, now)
            self._settle(draft, record, seen.stop)

    def _disown(self, draft: Transaction, record: Record, now: float) -> None:
        """The row names the container of an earlier launch, or one that nobody knows: its own is looked for.

        A launch that must end looks for its own container, too, to stop it.
        """
        lost = replace(record, phase=Phase.UNCERTAIN, job=None, claim=None, containers=0, look=True, maybe=True)
        lost = replace(lost, misses=0, faults=0, request_id=None, start_by=None, due=now)
        if record.passed_over:
            # Whether that job has started says nothing about its own container.
            lost = replace(lost, passed_over=0, doomed=SUPERSEDED)
        draft.put(self._wait_for_survey(draft, lost, now))

    def _of_token(self, record: Record, family: LaunchId, number: int) -> Record:
        """A record that goes on from its job's token; of its own launch it may have used a later one already."""
        if family == record.family:
            return replace(record, number=max(number, record.number))
        # Launched by a dead scheduler: a replacement must bear the next token of that launch, not one of its own.
        return replace(record, family=family, number=number)

    def _stopped(self, draft: Transaction, record: Record, stop: Termination, now: float) -> None:
        """Nothing of the job runs any more."""
        if record.silent:
            if not record.over:
                self._pass_on(draft, record, stop)
            self._end(draft, record, now)
        elif stop.exit_code is not None or record.started:
            self._settle(draft, draft.put(replace(record, over=True, gone=True, due=None)), stop)
        else:
            self._never_started(draft, record, stop, now)

    def _never_started(self, draft: Transaction, record: Record, stop: Termination, now: float) -> None:
        judged = self.policy.judge(stop)
        attempt = record.attempt + (1 if judged is Replacement.YES else 0)
        final = bool(record.doomed) or stop.user_initiated or judged is Replacement.NO or record.workload is None
        if final or attempt > self.policy.max_attempts:
            text = "" if final else f"{record.attempt} containers died before they started"
            if record.waiting and record.waiting not in stop.reason:
                text = "; ".join(filter(None, (text, f"It had been waiting: {record.waiting}")))
            self._report(draft, record, success=False, stop=stop, text=text)
            self._end(draft, record, now)
            return
        deaths = record.deaths + 1
        if judged is Replacement.YES or record.noted != _FREE:
            text = f"Its container never started; launching another (attempt {attempt} of {self.policy.max_attempts})"
            draft.want(do.Note(key=record.key, text=text, stop=stop))
        draft.put(
            replace(
                record,
                phase=Phase.WAITING,
                number=record.number + 1,
                attempt=attempt,
                deaths=deaths,
                noted=_FREE if judged is Replacement.FREE else record.noted,
                job=None,
                start_by=None,
                waiting="",
                misses=0,
                due=record.in_time(now + REPLACE.after(deaths, record.token)),
            ),
        )

    def _missed(self, draft: Transaction, record: Record, asked: float, now: float) -> None:
        # An answer is as old as its question: it may have waited here while the scheduler stalled.
        since = record.missing_since if record.misses else now
        record = draft.put(replace(record, misses=record.misses + 1, missing_since=since))
        policy = self.policy
        if record.misses >= policy.missing_sightings and asked - since >= policy.missing_grace:
            if record.claim is not None:
                self._disown(draft, record, now)
                return
            reason = "MISSING: AWS no longer knows the job"
            self._stopped(draft, record, Termination(policy.service, started=record.started, reason=reason), now)

    # -- ending -------------------------------------------------------------------------------------------------------

    def _settle(self, draft: Transaction, record: Record, stop: Termination) -> None:
        """Ask what the end of a started container means; asked again by the next sweep if nobody answers."""
        if record.silent or record.settling:
            return
        request_id = draft.new_request_id()
        draft.put(replace(record, end=record.end or stop, settling=request_id))
        draft.want(
            do.VerifyExit(
                request_id=request_id,
                launch_id=record.launch_id,
                key=record.key,
                failed=(record.end or stop).exit_code == REFUSED,
            )
        )

    def _settled(self, draft: Transaction, event: on.ExitVerified, now: float) -> None:
        record = self._settling(draft, event)
        if record is None:
            return
        stop = record.end
        if stop is not None and not record.silent:
            if event.awaited:
                self._report_end(draft, record, stop, event)
            else:
                if stop.exit_code != 0:
                    text = "Its container did not end well, after the task had been deferred or rescheduled"
                    draft.want(do.Note(key=record.key, text=text, job=record.job, stop=stop))
                draft.want(do.Release(key=record.key))
        self._leave_settled(draft, replace(record, silent=True, end=None, settling=0), now)

    def _report_end(self, draft: Transaction, record: Record, stop: Termination, event: on.ExitVerified) -> None:
        if event.unreported and stop.exit_code == 0:
            self._report(draft, record, success=False, text=UNREPORTED)
        elif event.unwanted and stop.exit_code == REFUSED:
            self._report(draft, record, success=False, text=f"{UNWANTED}: {event.unwanted}")
        else:
            self._report(draft, record, success=stop.exit_code == 0, stop=stop)

    def _settle_failed(self, draft: Transaction, event: on.VerifyExitFailed, now: float) -> None:
        record = self._settling(draft, event)
        if record is not None:
            self._leave_settled(draft, replace(record, settling=0), now)

    def _settling(self, draft: Transaction, event: on.ExitVerified | on.VerifyExitFailed) -> Record | None:
        record = draft.get(event.launch_id)
        return record if record is not None and record.settling == event.request_id else None

    def _leave_settled(self, draft: Transaction, record: Record, now: float) -> None:
        draft.put(record)
        if record.silent and record.gone:
            self._end(draft, record, now)

    def _supersede(self, draft: Transaction, older: Record, now: float) -> None:
        """A newer launch owns the key. What had started finishes on its own; what had not must not start now."""
        older = draft.put(replace(older, silent=True))
        if older.started or older.doomed:
            return
        if older.job is None:
            self._doom(draft, older, SUPERSEDED, now)
            return
        # It has most likely run and deferred since it was last seen: look now, the newer launch waits for the answer.
        request_id = self._next_of_sweep(draft)
        draft.put(replace(older, passed_over=request_id, launch_by=None, start_by=None, due=None))
        draft.want(do.Describe(request_id=request_id, location=older.job.location, jobs=(older.job,)))

    def _pass_on(self, draft: Transaction, record: Record, stop: Termination) -> None:
        """What was to be stopped had started by then: perhaps Airflow let it run what now waits for its end."""
        if record.job is None or not (record.doomed and record.started):
            return
        owner = self._owner(draft, record.key)
        if owner is not None and owner.job is None:
            draft.put(replace(owner, forerun=(record.job, stop)))

    def _inherit(self, draft: Transaction, record: Record, forerun: tuple[Job, Termination], now: float) -> None:
        """The row is not QUEUED any more: the earlier container has run this launch; it is told of its end."""
        job, stop = forerun
        holder = self._of_job(draft, job)
        if holder is not None:
            draft.drop(holder)
        heir = replace(
            record.with_job(job),
            workload=None,
            forerun=None,
            started=True,
            over=True,
            gone=holder is None,
            due=None if holder is None else now + self.policy.stop_grace,
            launch_by=None,
            fault=None,
        )
        draft.put(heir)
        draft.want(do.Launched(key=record.key, job=job))
        self._settle(draft, heir, stop)

    def _look_at_passed_over(self, draft: Transaction, launch_id: LaunchId, request_id: int | None, now: float) -> None:
        """Let a superseded container finish if it has started, stop it if it has not; an old answer does not tell."""
        record = draft.get(launch_id)
        if record is None or not record.passed_over:
            return
        if record.started:
            draft.put(replace(record, passed_over=0))
            self._wake_others(draft, record, now)
        elif request_id is not None and request_id >= record.passed_over:
            self._doom(draft, record, SUPERSEDED, now)

    def _doom(self, draft: Transaction, record: Record, why: str, now: float, *, withdraw: bool = True) -> None:
        """Put a launch on its way to its end."""
        if record.gone:
            if record.silent:
                self._end(draft, record, now)
            return
        record = draft.put(
            replace(record, doomed=record.doomed or why, passed_over=0, reading=None, launch_by=None, start_by=None),
        )
        if record.job is not None:
            if record.phase is not Phase.STOPPING:
                self._stop(draft, record, record.job)
        elif record.phase is Phase.LAUNCHING:
            draft.put(replace(record, due=None))
            if withdraw:
                self._withdraw(draft, record)
        elif record.phase is Phase.LOCATING:
            return  # what the look that is out finds will be stopped
        elif record.maybe:
            # A look that found nothing is repeated after its grace, not sooner: listings lag.
            due = record.due if record.misses and record.due is not None else now
            draft.put(replace(record, phase=Phase.UNCERTAIN, request_id=None, due=due))
        else:
            self._end(draft, record, now)

    def _withdraw(self, draft: Transaction, record: Record) -> None:
        """Take a Submit back that is out, if there is one: it may not have been sent yet."""
        if record.phase is Phase.LAUNCHING and record.request_id is not None:
            draft.want(do.Withdraw(request_id=record.request_id))

    def _stop(self, draft: Transaction, record: Record, job: Job) -> Record:
        request_id = draft.new_request_id()
        draft.want(do.StopJob(request_id=request_id, launch_id=record.launch_id, job=job, reason=record.doomed))
        return draft.put(replace(record, phase=Phase.STOPPING, request_id=request_id, due=None))

    def _stop_answered(self, draft: Transaction, event: on.StopAnswered, now: float) -> None:
        record = self._awaiting(draft, event.launch_id, Phase.STOPPING, event.request_id)
        if record is None:
            return
        if event.fault is None or record.gone:
            due = None if record.gone else now + self.policy.restop_after
            draft.put(replace(record, request_id=None, faults=0, due=due))
            return
        faults = record.faults + 1
        due = now + BACKOFF[event.fault.trouble].after(faults, record.token)
        draft.put(replace(record, request_id=None, faults=faults, due=due))

    def _report(
        self,
        draft: Transaction,
        record: Record,
        *,
        success: bool,
        stop: Termination | None = None,
        fault: CallFailure | None = None,
        text: str = "",
    ) -> None:
        draft.want(
            do.Report(
                key=record.key,
                success=success,
                job=record.own_job,
                stop=stop,
                fault=fault,
                text=text,
                containers=record.containers,
            )
        )

    def _end(self, draft: Transaction, record: Record, now: float) -> None:
        """The launch is over; what waited for that may go on."""
        draft.drop(record)
        self._wake_others(draft, record, now)

    def _wake_others(self, draft: Transaction, record: Record, now: float) -> None:
        for other in draft.of_key(record.key):
            if other.launch_id != record.launch_id:
                self._wake_parked(draft, other, now)

    def _park(self, draft: Transaction, record: Record) -> None:
        """Look at a launch when something happens, not before: only its deadline does not wait for that."""
        draft.put(replace(record, due=record.launch_by))

    def _wake_parked(self, draft: Transaction, record: Record, now: float) -> None:
        """Look at a launch now, if it waits for something to happen and not for a time of its own."""
        if record.phase in (Phase.WAITING, Phase.UNCERTAIN) and record.due in (None, record.launch_by):
            draft.put(replace(record, due=now))

    # -- reading ------------------------------------------------------------------------------------------------------

    def _owner(self, draft: Transaction, key: Key) -> Record | None:
        """The record that speaks for a key; None if none does."""
        # A loop: of a generator that is left early, Python ignores what a signal raises while it closes it.
        for record in reversed(draft.of_key(key)):
            if not record.silent:
                return record
        return None

    def _awaiting(self, draft: Transaction, launch_id: LaunchId, phase: Phase, request_id: int) -> Record | None:
        """The record that waits for just this completion; None if it is late or doubled."""
        record = draft.get(launch_id)
        return record if record is not None and record.phase is phase and record.request_id == request_id else None

    HANDLERS: ClassVar[Handlers] = MappingProxyType(
        {
            **Sweeping.HANDLERS,
            on.Described: _observed,
            on.StopAnswered: _stop_answered,
            on.ExitVerified: _settled,
            on.VerifyExitFailed: _settle_failed,
        },
    )
