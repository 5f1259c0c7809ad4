"""What the end of a job means: report it, replace a container that never started, free the key.

The end of a started container is verified against its row before it is reported (`docs/adr/0009`).
"""

from __future__ import annotations

from dataclasses import replace

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.policy import REPLACE, Replacement
from aws_exec.lifecycle.store import Launch, Transaction
from aws_exec.lifecycle.values import (
    CallFailure,
    Termination,
)

#: What was said last of a launch whose container died of what may happen any number of times: it is said once.
_FREE = "free"

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


def job_stopped(transaction: Transaction, launch: Launch, stop: Termination, now: float) -> None:
    """Nothing of the job runs any more."""
    if launch.detached:
        if not launch.container_exited:
            remember_predecessor(transaction, launch, stop)
        end(transaction, launch, now)
    elif stop.exit_code is not None or launch.started:
        verify_exit(
            transaction, transaction.put(replace(launch, container_exited=True, job_stopped=True, due=None)), stop
        )
    else:
        never_started(transaction, launch, stop, now)


def never_started(transaction: Transaction, launch: Launch, stop: Termination, now: float) -> None:
    """Replace a container that ended before it started, or report it."""
    judged = transaction.policy.judge(stop)
    attempt = launch.attempt + (1 if judged is Replacement.YES else 0)
    final = bool(launch.stop_reason) or stop.user_initiated or judged is Replacement.NO or launch.workload is None
    if final or attempt > transaction.policy.max_attempts:
        text = "" if final else f"{launch.attempt} containers died before they started"
        if launch.waiting and launch.waiting not in stop.reason:
            text = "; ".join(filter(None, (text, f"It had been waiting: {launch.waiting}")))
        report(transaction, launch, success=False, stop=stop, text=text)
        end(transaction, launch, now)
        return
    failed_starts = launch.failed_starts + 1
    if judged is Replacement.YES or launch.last_note != _FREE:
        text = (
            f"Its container never started; launching another (attempt {attempt} of {transaction.policy.max_attempts})"
        )
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


def verify_exit(transaction: Transaction, launch: Launch, stop: Termination) -> None:
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


def exit_verified(transaction: Transaction, event: on.ExitVerified, now: float) -> None:
    """Report the end of a started container, if its row waits for that."""
    launch = awaiting_exit(transaction, event)
    if launch is None:
        return
    stop = launch.end
    if stop is not None and not launch.detached:
        if event.awaited:
            report_exit(transaction, launch, stop, event)
        else:
            if stop.exit_code != 0:
                text = "Its container did not end well, after the task had been deferred or rescheduled"
                transaction.want(do.Note(key=launch.key, text=text, job=launch.job, stop=stop))
            transaction.want(do.Release(key=launch.key))
    leave_verified(transaction, replace(launch, detached=True, end=None, verifying_exit=0), now)


def report_exit(transaction: Transaction, launch: Launch, stop: Termination, event: on.ExitVerified) -> None:
    """Report how a container ended that its row waits for."""
    if event.unreported and stop.exit_code == 0:
        report(transaction, launch, success=False, text=UNREPORTED)
    elif event.unwanted and stop.exit_code == REFUSED:
        report(transaction, launch, success=False, text=f"{UNWANTED}: {event.unwanted}")
    else:
        report(transaction, launch, success=stop.exit_code == 0, stop=stop)


def verify_exit_failed(transaction: Transaction, event: on.VerifyExitFailed, now: float) -> None:
    """Leave the question to the next sweep, which sees the end again."""
    launch = awaiting_exit(transaction, event)
    if launch is not None:
        leave_verified(transaction, replace(launch, verifying_exit=0), now)


def awaiting_exit(transaction: Transaction, event: on.ExitVerified | on.VerifyExitFailed) -> Launch | None:
    """Return the launch whose end an answer is about; None if it is late or doubled."""
    launch = transaction.get(event.launch_id)
    return launch if launch is not None and launch.verifying_exit == event.request_id else None


def leave_verified(transaction: Transaction, launch: Launch, now: float) -> None:
    """Write a launch; it is over once its job has stopped and nothing is left to report."""
    transaction.put(launch)
    if launch.detached and launch.job_stopped:
        end(transaction, launch, now)


def remember_predecessor(transaction: Transaction, launch: Launch, stop: Termination) -> None:
    """What was to be stopped had started by then: perhaps Airflow let it run what now waits for its end."""
    if launch.job is None or not (launch.stop_reason and launch.started):
        return
    owner = transaction.owner_of(launch.key)
    if owner is not None and owner.job is None:
        transaction.put(replace(owner, predecessor=(launch.job, stop)))


def report(
    transaction: Transaction,
    launch: Launch,
    *,
    success: bool,
    stop: Termination | None = None,
    fault: CallFailure | None = None,
    text: str = "",
) -> None:
    """Report a launch to Airflow, the one time that it is reported."""
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


def end(transaction: Transaction, launch: Launch, now: float) -> None:
    """The launch is over; what waited for that may go on."""
    transaction.drop(launch)
    wake_others(transaction, launch, now)


def wake_others(transaction: Transaction, launch: Launch, now: float) -> None:
    """Look at the other launches of a key now, if they wait for this one."""
    for other in transaction.of_key(launch.key):
        if other.launch_id != launch.launch_id:
            wake_parked(transaction, other, now)


def park(transaction: Transaction, launch: Launch) -> None:
    """Look at a launch when something happens, not before: only its deadline does not wait for that."""
    transaction.put(replace(launch, due=launch.launch_by))


def wake_parked(transaction: Transaction, launch: Launch, now: float) -> None:
    """Look at a launch now, if it waits for something to happen and not for a time of its own."""
    if launch.phase in (Phase.WAITING, Phase.UNCERTAIN) and launch.due in (None, launch.launch_by):
        transaction.put(replace(launch, due=now))
