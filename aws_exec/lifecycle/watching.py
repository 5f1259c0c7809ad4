"""From the job on: watching it, replacing it if it never started, reporting its end, stopping it.

One of the four files that decide; the rules are in `machine.py`.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import ClassVar

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.policy import BACKOFF, REPLACE, Replacement
from aws_exec.lifecycle.store import Launch, Transaction
from aws_exec.lifecycle.sweeping import Handlers, Sweeping
from aws_exec.lifecycle.values import CallFailure, Job, Key, LaunchId, Observation, Status, Termination, sequence_of
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

    def _observed(self, transaction: Transaction, event: on.Described, now: float) -> None:
        state = transaction.state
        if event.request_id is not None and event.request_id not in state.sweeping:
            return
        for seen in event.seen:
            launch = self._of_job(transaction, seen.job)
            if launch is not None:
                self._see(transaction, launch, seen, now)
                self._look_at_passed_over(transaction, launch.launch_id, event.request_id, now)
        for job in event.missing:
            launch = self._of_job(transaction, job)
            if launch is not None:
                self._missed(transaction, launch, state.sweep_from, now)
        if event.request_id is not None:
            self._swept(transaction, event.request_id, now)

    def _see(self, transaction: Transaction, launch: Launch, seen: Observation, now: float) -> None:
        expected_origin = launch.expected_origin
        if launch.absences or expected_origin is not None:
            launch = transaction.put(replace(launch, absences=0, expected_origin=None))
        if expected_origin is not None and seen.origin is not None and not expected_origin.fits(seen.origin):
            self._disown(transaction, launch, now)
            return
        if seen.token and seen.token != launch.token:
            launch = transaction.put(self._of_token(launch, launch_of_token(seen.token), sequence_of(seen.token)))
        self._take_in(transaction, launch, seen, now)

    def _take_in(self, transaction: Transaction, launch: Launch, seen: Observation, now: float) -> None:
        """What is seen of a job that is the record's."""
        if (seen.started or (seen.stop is not None and seen.stop.started)) and not launch.started:
            due = launch.due if launch.phase is Phase.STOPPING or launch.container_exited else None
            launch = transaction.put(
                replace(
                    launch,
                    started=True,
                    single_container=seen.single_container,
                    workload=None,
                    launch_by=None,
                    start_by=None,
                    fault=None,
                    due=due,
                ),
            )
        elif seen.waiting and seen.waiting != launch.waiting and not launch.detached:
            launch = transaction.put(replace(launch, waiting=seen.waiting))
            why = Termination(self.policy.service, reason=seen.waiting)
            transaction.want(do.Note(key=launch.key, text="Its job does not start", job=launch.job, stop=why))
        if seen.status is Status.STOPPED:
            self._stopped(
                transaction, launch, seen.stop or Termination(self.policy.service, started=launch.started), now
            )
        elif seen.stop is not None and seen.stop.exit_code is not None:
            if not launch.container_exited:
                due = launch.due if launch.phase is Phase.STOPPING else now + self.policy.stop_grace
                launch = transaction.put(replace(launch, container_exited=True, due=due))
                if launch.stop_reason:
                    self._pass_on(transaction, launch, seen.stop)
                    self._wake_others(transaction, launch, now)
            self._settle(transaction, launch, seen.stop)

    def _disown(self, transaction: Transaction, launch: Launch, now: float) -> None:
        """The row names the container of an earlier launch, or one that nobody knows: its own is looked for.

        A launch that must end looks for its own container, too, to stop it.
        """
        lost = replace(
            launch,
            phase=Phase.UNCERTAIN,
            job=None,
            expected_origin=None,
            containers=0,
            must_search=True,
            submit_in_doubt=True,
        )
        lost = replace(lost, absences=0, failures=0, request_id=None, start_by=None, due=now)
        if launch.superseded:
            # Whether that job has started says nothing about its own container.
            lost = replace(lost, superseded=0, stop_reason=SUPERSEDED)
        transaction.put(self._wait_for_survey(transaction, lost, now))

    def _of_token(self, launch: Launch, token_base: LaunchId, number: int) -> Launch:
        """A record that goes on from its job's token; of its own launch it may have used a later one already."""
        if token_base == launch.token_base:
            return replace(launch, token_sequence=max(number, launch.token_sequence))
        # Launched by a dead scheduler: a replacement must bear the next token of that launch, not one of its own.
        return replace(launch, token_base=token_base, token_sequence=number)

    def _stopped(self, transaction: Transaction, launch: Launch, stop: Termination, now: float) -> None:
        """Nothing of the job runs any more."""
        if launch.detached:
            if not launch.container_exited:
                self._pass_on(transaction, launch, stop)
            self._end(transaction, launch, now)
        elif stop.exit_code is not None or launch.started:
            self._settle(
                transaction, transaction.put(replace(launch, container_exited=True, job_stopped=True, due=None)), stop
            )
        else:
            self._never_started(transaction, launch, stop, now)

    def _never_started(self, transaction: Transaction, launch: Launch, stop: Termination, now: float) -> None:
        judged = self.policy.judge(stop)
        attempt = launch.attempt + (1 if judged is Replacement.YES else 0)
        final = bool(launch.stop_reason) or stop.user_initiated or judged is Replacement.NO or launch.workload is None
        if final or attempt > self.policy.max_attempts:
            text = "" if final else f"{launch.attempt} containers died before they started"
            if launch.waiting and launch.waiting not in stop.reason:
                text = "; ".join(filter(None, (text, f"It had been waiting: {launch.waiting}")))
            self._report(transaction, launch, success=False, stop=stop, text=text)
            self._end(transaction, launch, now)
            return
        failed_starts = launch.failed_starts + 1
        if judged is Replacement.YES or launch.last_note != _FREE:
            text = f"Its container never started; launching another (attempt {attempt} of {self.policy.max_attempts})"
            transaction.want(do.Note(key=launch.key, text=text, stop=stop))
        transaction.put(
            replace(
                launch,
                phase=Phase.WAITING,
                token_sequence=launch.token_sequence + 1,
                attempt=attempt,
                failed_starts=failed_starts,
                last_note=_FREE if judged is Replacement.FREE else launch.last_note,
                job=None,
                start_by=None,
                waiting="",
                absences=0,
                due=launch.in_time(now + REPLACE.after(failed_starts, launch.token)),
            ),
        )

    def _missed(self, transaction: Transaction, launch: Launch, asked: float, now: float) -> None:
        # An answer is as old as its question: it may have waited here while the scheduler stalled.
        since = launch.absent_since if launch.absences else now
        launch = transaction.put(replace(launch, absences=launch.absences + 1, absent_since=since))
        policy = self.policy
        if launch.absences >= policy.missing_answers and asked - since >= policy.missing_grace:
            if launch.expected_origin is not None:
                self._disown(transaction, launch, now)
                return
            reason = "MISSING: AWS no longer knows the job"
            self._stopped(transaction, launch, Termination(policy.service, started=launch.started, reason=reason), now)

    # -- ending -------------------------------------------------------------------------------------------------------

    def _settle(self, transaction: Transaction, launch: Launch, stop: Termination) -> None:
        """Ask what the end of a started container means; asked again by the next sweep if nobody answers."""
        if launch.detached or launch.verifying_exit:
            return
        request_id = transaction.new_request_id()
        transaction.put(replace(launch, end=launch.end or stop, verifying_exit=request_id))
        transaction.want(
            do.VerifyExit(
                request_id=request_id,
                launch_id=launch.launch_id,
                key=launch.key,
                failed=(launch.end or stop).exit_code == REFUSED,
            )
        )

    def _settled(self, transaction: Transaction, event: on.ExitVerified, now: float) -> None:
        launch = self._settling(transaction, event)
        if launch is None:
            return
        stop = launch.end
        if stop is not None and not launch.detached:
            if event.awaited:
                self._report_end(transaction, launch, stop, event)
            else:
                if stop.exit_code != 0:
                    text = "Its container did not end well, after the task had been deferred or rescheduled"
                    transaction.want(do.Note(key=launch.key, text=text, job=launch.job, stop=stop))
                transaction.want(do.Release(key=launch.key))
        self._leave_settled(transaction, replace(launch, detached=True, end=None, verifying_exit=0), now)

    def _report_end(self, transaction: Transaction, launch: Launch, stop: Termination, event: on.ExitVerified) -> None:
        if event.unreported and stop.exit_code == 0:
            self._report(transaction, launch, success=False, text=UNREPORTED)
        elif event.unwanted and stop.exit_code == REFUSED:
            self._report(transaction, launch, success=False, text=f"{UNWANTED}: {event.unwanted}")
        else:
            self._report(transaction, launch, success=stop.exit_code == 0, stop=stop)

    def _settle_failed(self, transaction: Transaction, event: on.VerifyExitFailed, now: float) -> None:
        launch = self._settling(transaction, event)
        if launch is not None:
            self._leave_settled(transaction, replace(launch, verifying_exit=0), now)

    def _settling(self, transaction: Transaction, event: on.ExitVerified | on.VerifyExitFailed) -> Launch | None:
        launch = transaction.get(event.launch_id)
        return launch if launch is not None and launch.verifying_exit == event.request_id else None

    def _leave_settled(self, transaction: Transaction, launch: Launch, now: float) -> None:
        transaction.put(launch)
        if launch.detached and launch.job_stopped:
            self._end(transaction, launch, now)

    def _supersede(self, transaction: Transaction, older: Launch, now: float) -> None:
        """A newer launch owns the key. What had started finishes on its own; what had not must not start now."""
        older = transaction.put(replace(older, detached=True))
        if older.started or older.stop_reason:
            return
        if older.job is None:
            self._doom(transaction, older, SUPERSEDED, now)
            return
        # It has most likely run and deferred since it was last seen: look now, the newer launch waits for the answer.
        request_id = self._next_of_sweep(transaction)
        transaction.put(replace(older, superseded=request_id, launch_by=None, start_by=None, due=None))
        transaction.want(do.Describe(request_id=request_id, location=older.job.location, jobs=(older.job,)))

    def _pass_on(self, transaction: Transaction, launch: Launch, stop: Termination) -> None:
        """What was to be stopped had started by then: perhaps Airflow let it run what now waits for its end."""
        if launch.job is None or not (launch.stop_reason and launch.started):
            return
        owner = self._owner(transaction, launch.key)
        if owner is not None and owner.job is None:
            transaction.put(replace(owner, predecessor=(launch.job, stop)))

    def _inherit(
        self, transaction: Transaction, launch: Launch, predecessor: tuple[Job, Termination], now: float
    ) -> None:
        """The row is not QUEUED any more: the earlier container has run this launch; it is told of its end."""
        job, stop = predecessor
        holder = self._of_job(transaction, job)
        if holder is not None:
            transaction.drop(holder)
        successor = replace(
            launch.with_job(job),
            workload=None,
            predecessor=None,
            started=True,
            container_exited=True,
            job_stopped=holder is None,
            due=None if holder is None else now + self.policy.stop_grace,
            launch_by=None,
            fault=None,
        )
        transaction.put(successor)
        transaction.want(do.Launched(key=launch.key, job=job))
        self._settle(transaction, successor, stop)

    def _look_at_passed_over(
        self, transaction: Transaction, launch_id: LaunchId, request_id: int | None, now: float
    ) -> None:
        """Let a superseded container finish if it has started, stop it if it has not; an old answer does not tell."""
        launch = transaction.get(launch_id)
        if launch is None or not launch.superseded:
            return
        if launch.started:
            transaction.put(replace(launch, superseded=0))
            self._wake_others(transaction, launch, now)
        elif request_id is not None and request_id >= launch.superseded:
            self._doom(transaction, launch, SUPERSEDED, now)

    def _doom(self, transaction: Transaction, launch: Launch, why: str, now: float, *, withdraw: bool = True) -> None:
        """Put a launch on its way to its end."""
        if launch.job_stopped:
            if launch.detached:
                self._end(transaction, launch, now)
            return
        launch = transaction.put(
            replace(
                launch, stop_reason=launch.stop_reason or why, superseded=0, reading=None, launch_by=None, start_by=None
            ),
        )
        if launch.job is not None:
            if launch.phase is not Phase.STOPPING:
                self._stop(transaction, launch, launch.job)
        elif launch.phase is Phase.LAUNCHING:
            transaction.put(replace(launch, due=None))
            if withdraw:
                self._withdraw(transaction, launch)
        elif launch.phase is Phase.LOCATING:
            return  # what the look that is out finds will be stopped
        elif launch.submit_in_doubt:
            # A look that found nothing is repeated after its grace, not sooner: listings lag.
            due = launch.due if launch.absences and launch.due is not None else now
            transaction.put(replace(launch, phase=Phase.UNCERTAIN, request_id=None, due=due))
        else:
            self._end(transaction, launch, now)

    def _withdraw(self, transaction: Transaction, launch: Launch) -> None:
        """Take a Submit back that is out, if there is one: it may not have been sent yet."""
        if launch.phase is Phase.LAUNCHING and launch.request_id is not None:
            transaction.want(do.Withdraw(request_id=launch.request_id))

    def _stop(self, transaction: Transaction, launch: Launch, job: Job) -> Launch:
        request_id = transaction.new_request_id()
        transaction.want(
            do.StopJob(request_id=request_id, launch_id=launch.launch_id, job=job, reason=launch.stop_reason)
        )
        return transaction.put(replace(launch, phase=Phase.STOPPING, request_id=request_id, due=None))

    def _stop_answered(self, transaction: Transaction, event: on.StopAnswered, now: float) -> None:
        launch = self._awaiting(transaction, event.launch_id, Phase.STOPPING, event.request_id)
        if launch is None:
            return
        if event.fault is None or launch.job_stopped:
            due = None if launch.job_stopped else now + self.policy.restop_after
            transaction.put(replace(launch, request_id=None, failures=0, due=due))
            return
        failures = launch.failures + 1
        due = now + BACKOFF[event.fault.trouble].after(failures, launch.token)
        transaction.put(replace(launch, request_id=None, failures=failures, due=due))

    def _report(
        self,
        transaction: Transaction,
        launch: Launch,
        *,
        success: bool,
        stop: Termination | None = None,
        fault: CallFailure | None = None,
        text: str = "",
    ) -> None:
        transaction.want(
            do.Report(
                key=launch.key,
                success=success,
                job=launch.own_job,
                stop=stop,
                fault=fault,
                text=text,
                containers=launch.containers,
            )
        )

    def _end(self, transaction: Transaction, launch: Launch, now: float) -> None:
        """The launch is over; what waited for that may go on."""
        transaction.drop(launch)
        self._wake_others(transaction, launch, now)

    def _wake_others(self, transaction: Transaction, launch: Launch, now: float) -> None:
        for other in transaction.of_key(launch.key):
            if other.launch_id != launch.launch_id:
                self._wake_parked(transaction, other, now)

    def _park(self, transaction: Transaction, launch: Launch) -> None:
        """Look at a launch when something happens, not before: only its deadline does not wait for that."""
        transaction.put(replace(launch, due=launch.launch_by))

    def _wake_parked(self, transaction: Transaction, launch: Launch, now: float) -> None:
        """Look at a launch now, if it waits for something to happen and not for a time of its own."""
        if launch.phase in (Phase.WAITING, Phase.UNCERTAIN) and launch.due in (None, launch.launch_by):
            transaction.put(replace(launch, due=now))

    # -- reading ------------------------------------------------------------------------------------------------------

    def _owner(self, transaction: Transaction, key: Key) -> Launch | None:
        """The record that speaks for a key; None if none does."""
        # A loop: of a generator that is left early, Python ignores what a signal raises while it closes it.
        for launch in reversed(transaction.of_key(key)):
            if not launch.detached:
                return launch
        return None

    def _awaiting(self, transaction: Transaction, launch_id: LaunchId, phase: Phase, request_id: int) -> Launch | None:
        """The record that waits for just this completion; None if it is late or doubled."""
        launch = transaction.get(launch_id)
        return launch if launch is not None and launch.phase is phase and launch.request_id == request_id else None

    HANDLERS: ClassVar[Handlers] = MappingProxyType(
        {
            **Sweeping.HANDLERS,
            on.Described: _observed,
            on.StopAnswered: _stop_answered,
            on.ExitVerified: _settled,
            on.VerifyExitFailed: _settle_failed,
        },
    )
