"""Job exits: report, replace a container that never started, or free the key.

The exit of a started container is verified against its row before it is reported (`docs/adr/0009`).
"""

from __future__ import annotations

from dataclasses import replace

from aws_exec.container.outcome import Outcome
from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.launch import Exited, Launch, Predecessor, Submission, UnverifiedExit
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.policy import REPLACE, Replacement
from aws_exec.lifecycle.store import Transaction
from aws_exec.lifecycle.values import (
    CallFailure,
    Termination,
)

#: `last_note` after a replacement that spends no attempt: noted once.
_FREE = "free"

#: Without awsexec in the image, Airflow's runner exits with 0 even if the task's own process failed, and the API server
#: decides about retries: nothing reports a process that was killed while retries are left.
UNREPORTED = (
    "The task never reported its result, although its container exited with 0. Its process was most likely killed, out "
    "of memory first: compare the container's memory use with its limit"
)
#: The reason of a launch that Airflow does not want any more; the details follow.
UNWANTED = "Airflow no longer wanted it"


# -- the end of a job -------------------------------------------------------------------------------------------------


def job_stopped(transaction: Transaction, launch: Launch, stop: Termination, now: float) -> None:
    """Handle a job of which nothing runs any more."""
    if launch.detached:
        if not launch.container_exited:
            remember_predecessor(transaction, launch, stop)
        end(transaction, launch, now)
    elif stop.exit_code is not None or launch.started:
        ended = launch.with_progress(Exited(launch.unverified_exit, job_stopped=True))
        verify_exit(transaction, transaction.put(replace(ended, due=None)), stop)
    else:
        never_started(transaction, launch, stop, now)


def never_started(transaction: Transaction, launch: Launch, stop: Termination, now: float) -> None:
    """Replace a container that ended before it started, or report it."""
    policy, attempts, retries = transaction.policy, launch.attempts, launch.retries
    judged = policy.judge(stop)
    attempt = attempts.attempt + (1 if judged is Replacement.YES else 0)
    is_final = launch.stopping is not None or stop.user_initiated or judged is Replacement.NO or launch.work is None
    if is_final or attempt > policy.max_attempts:
        text = "" if is_final else f"{attempts.attempt} containers died before they started"
        if launch.waiting and launch.waiting not in stop.reason:
            text = "; ".join(filter(None, (text, f"It had been waiting: {launch.waiting}")))
        report(transaction, launch, success=False, stop=stop, text=text)
        end(transaction, launch, now)
        return
    if judged is Replacement.YES or retries.last_note != _FREE:
        text = f"Its container never started; launching another (attempt {attempt} of {policy.max_attempts})"
        transaction.add_effect(do.Note(key=launch.key, text=text, stop=stop))
    failed_starts = attempts.failed_starts + 1
    transaction.put(
        replace(
            launch,
            state=Submission(),
            token_sequence=launch.token_sequence + 1,
            attempts=replace(attempts, attempt=attempt, failed_starts=failed_starts),
            retries=replace(retries, last_note=_FREE if judged is Replacement.FREE else retries.last_note),
            due=launch.in_time(now + REPLACE.after(failed_starts, launch.token)),
        ),
    )


def remember_predecessor(transaction: Transaction, launch: Launch, stop: Termination) -> None:
    """Remember a container that started despite a stop request: it may have run the launch that waits for its end."""
    if launch.stopping is None or not launch.started:
        return
    owner = transaction.owner_of(launch.key)
    if owner is not None and isinstance(owner.state, Submission):
        predecessor = Predecessor(launch.container.job, stop)
        transaction.put(replace(owner, state=replace(owner.state, predecessor=predecessor)))


# -- what an exit means, by its row -----------------------------------------------------------------------------------


def verify_exit(transaction: Transaction, launch: Launch, stop: Termination) -> None:
    """Verify the exit of a started container against its row; if that fails, the next sweep does it again."""
    known = launch.unverified_exit
    if launch.detached or (known is not None and known.request_id):
        return
    unverified = UnverifiedExit(stop if known is None else known.stop, transaction.new_request_id())
    transaction.put(launch.with_progress(Exited(unverified, job_stopped=launch.phase is Phase.ENDED)))
    transaction.add_effect(
        do.VerifyExit(
            request_id=unverified.request_id,
            launch_id=launch.launch_id,
            key=launch.key,
            failed=may_be_refused(unverified.stop),
        )
    )


def exit_verified(transaction: Transaction, event: on.ExitVerified, now: float) -> None:
    """Report the exit of a started container, if its row waits for that."""
    awaited = awaiting_exit(transaction, event)
    if awaited is None:
        return
    launch, stop = awaited
    if not launch.detached:
        if event.awaited:
            report_exit(transaction, launch, stop, event)
        else:
            if stop.exit_code != 0:
                text = "Its container did not end well, after the task was deferred, rescheduled or adopted elsewhere"
                transaction.add_effect(do.Note(key=launch.key, text=text, job=launch.job, stop=stop))
            transaction.add_effect(do.Release(key=launch.key))
    leave_verified(transaction, launch.detach(), None, now)


def report_exit(transaction: Transaction, launch: Launch, stop: Termination, event: on.ExitVerified) -> None:
    """Report the exit of a container that its row waits for."""
    if event.unreported and stop.exit_code == 0:
        report(transaction, launch, success=False, text=UNREPORTED)
    elif event.unwanted and may_be_refused(stop):
        report(transaction, launch, success=False, text=f"{UNWANTED}: {event.unwanted}")
    else:
        report(transaction, launch, success=stop.exit_code == 0, stop=stop)


def may_be_refused(stop: Termination) -> bool:
    """Return whether the Execution API may have refused to start the task.

    Without awsexec in the image, Airflow's runner exits with 1 then, and after other failures of its own.
    """
    return stop.exit_code == 1 or stop.outcome is Outcome.REFUSED


def verify_exit_failed(transaction: Transaction, event: on.VerifyExitFailed, now: float) -> None:
    """Leave it to the next sweep, which sees the exit again."""
    awaited = awaiting_exit(transaction, event)
    if awaited is not None:
        launch, stop = awaited
        leave_verified(transaction, launch, UnverifiedExit(stop), now)


def awaiting_exit(
    transaction: Transaction, event: on.ExitVerified | on.VerifyExitFailed
) -> tuple[Launch, Termination] | None:
    """Return the launch whose exit an answer is about, and that exit; None if the answer is late or a duplicate."""
    launch = transaction.get(event.launch_id)
    known = launch.unverified_exit if launch is not None else None
    if launch is None or known is None or known.request_id != event.request_id:
        return None
    return launch, known.stop


def leave_verified(transaction: Transaction, launch: Launch, unverified: UnverifiedExit | None, now: float) -> None:
    """Store a launch; it is over once its job has stopped and nothing is left to report."""
    job_stopped = launch.phase is Phase.ENDED
    launch = transaction.put(launch.with_progress(Exited(unverified, job_stopped=job_stopped)))
    if launch.detached and job_stopped:
        end(transaction, launch, now)


# -- the end of a launch ----------------------------------------------------------------------------------------------


def report(
    transaction: Transaction,
    launch: Launch,
    *,
    success: bool,
    stop: Termination | None = None,
    failure: CallFailure | None = None,
    text: str = "",
) -> None:
    """Report a launch to Airflow: at most once in its life."""
    transaction.add_effect(
        do.Report(
            key=launch.key,
            success=success,
            job=launch.own_job,
            stop=stop,
            failure=failure,
            text=text,
            containers=launch.attempts.containers,
        )
    )


def why_it_waits(transaction: Transaction, launch: Launch) -> Termination | None:
    """Return why the job of a launch does not start, for the diagnosis; None if AWS gives no reason."""
    return Termination(transaction.policy.service, reason=launch.waiting) if launch.waiting else None


def end(transaction: Transaction, launch: Launch, now: float) -> None:
    """Remove a launch that is over, and wake the launches that wait for that."""
    transaction.drop(launch)
    wake_others(transaction, launch, now)


def wake_others(transaction: Transaction, launch: Launch, now: float) -> None:
    """Wake the other launches of a key, if they wait for this one."""
    for other in transaction.of_key(launch.key):
        if other.launch_id != launch.launch_id:
            wake_waiting(transaction, other, now)


def wait_for_event(transaction: Transaction, launch: Launch) -> None:
    """Wake a launch only when something happens, or at its deadline."""
    transaction.put(replace(launch, due=launch.launch_by))


def wake_waiting(transaction: Transaction, launch: Launch, now: float) -> None:
    """Wake a launch now, if it waits for an event and not for a time of its own."""
    if launch.phase in (Phase.WAITING, Phase.UNCERTAIN) and launch.due in (None, launch.launch_by):
        transaction.put(replace(launch, due=now))
