"""Stopping launches, and their jobs.

A launch with a `stop_reason` is followed until AWS confirms its end; no newer launch of its key starts before that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.exits import end, why_it_waits
from aws_exec.lifecycle.launch import Container, Launch, Starting, Stopping, Submission
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.policy import BACKOFF
from aws_exec.lifecycle.store import Transaction
from aws_exec.lifecycle.values import (
    Job,
    Key,
    LaunchId,
)

SUPERSEDED = "A newer launch of the task took over"
TERMINATED = "The executor was terminated"


# -- one launch -------------------------------------------------------------------------------------------------------


def stop_launch(transaction: Transaction, launch: Launch, why: str, now: float, *, withdraw: bool = True) -> None:
    """Stop a launch: its job, if it has one; else search for one if it may, or end it."""
    if launch.phase is Phase.ENDED:
        if launch.detached:
            end(transaction, launch, now)
        return
    launch = without_deadline(launch.without_reading())
    if isinstance(launch.state, Container):
        stop_container(transaction, launch, launch.state, why)
    else:
        stop_submission(transaction, launch, launch.state, why, now, withdraw=withdraw)


def without_deadline(launch: Launch) -> Launch:
    """Return a copy without deadlines; whether a superseded launch has started is no longer of interest."""
    if launch.detached:
        launch = launch.detach()
    if launch.start_by is not None:
        launch = launch.with_progress(Starting(launch.expected_origin, waiting=launch.waiting))
    return replace(launch, launch_by=None)


def stop_container(transaction: Transaction, launch: Launch, container: Container, why: str) -> None:
    """Stop the job, unless a stop is pending or accepted."""
    if launch.stopping is None:
        stop_job(transaction, replace(launch, stopping=Stopping(why)), container.job)
    else:
        transaction.put(launch)


def stop_submission(
    transaction: Transaction, launch: Launch, submission: Submission, why: str, now: float, *, withdraw: bool
) -> None:
    """End a launch without a known container; if one may exist, search for it, to stop it."""
    launch = transaction.put(replace(launch, stopping=launch.stopping or Stopping(why)))
    pending = submission.pending
    if pending is not None and pending.phase is Phase.LAUNCHING:
        transaction.put(replace(launch, due=None))
        if withdraw:
            # It may not have been sent yet.
            transaction.add_effect(do.Withdraw(request_id=pending.request_id))
    elif pending is not None and pending.phase is Phase.SEARCHING:
        return  # what the pending search finds will be stopped
    elif launch.submit_in_doubt:
        # Repeat a search that found nothing after `search_grace`, not sooner: listings lag.
        due = launch.due if submission.empty_searches and launch.due is not None else now
        transaction.put(replace(launch.idle(), due=due))
    else:
        end(transaction, launch, now)


def stop_job(transaction: Transaction, launch: Launch, job: Job) -> Launch:
    """Ask AWS to stop the job of a launch."""
    request_id, reason = transaction.new_request_id(), launch.stop_reason
    transaction.add_effect(do.StopJob(request_id=request_id, launch_id=launch.launch_id, job=job, reason=reason))
    return transaction.put(replace(launch, stopping=Stopping(reason, request_id), due=None))


def stop_answered(transaction: Transaction, event: on.StopAnswered, now: float) -> None:
    """Set when to stop again: soon if AWS refused; much later, in case the stop has no effect, if it accepted."""
    launch = transaction.awaiting(event.launch_id, Phase.STOPPING, event.request_id)
    if launch is None:
        return
    failures, wait = 0, transaction.policy.restop_after
    if event.failure is not None:
        failures = launch.retries.failures + 1
        wait = BACKOFF[event.failure.kind].after(failures, launch.token)
    retries = replace(launch.retries, failures=failures)
    transaction.put(replace(launch, stopping=Stopping(launch.stop_reason), retries=retries, due=now + wait))


# -- revoked and failed by Airflow ------------------------------------------------------------------------------------


def revoked(transaction: Transaction, event: on.Revoked, now: float) -> None:
    """Stop a launch that Airflow revoked."""
    take_back(transaction, event.key, "Airflow revoked the task", now, note=True)


def failed_by_airflow(transaction: Transaction, event: on.FailedByAirflow, now: float) -> None:
    """Stop a launch that Airflow declared failed."""
    take_back(transaction, event.key, "Airflow gave the task up", now, note=False)


def take_back(transaction: Transaction, key: Key, why: str, now: float, *, note: bool) -> None:
    """Free the key of a launch, and stop it."""
    launch = transaction.owner_of(key)
    if launch is None:
        return
    if note:
        doing = "it ran" if launch.started else "its job was starting" if launch.job else launch.phase.value
        stop, failure = why_it_waits(transaction, launch), launch.retries.last_failure
        text = f"Revoked by Airflow while {doing}"
        transaction.add_effect(do.Note(key=key, text=text, job=launch.own_job, stop=stop, failure=failure))
    transaction.add_effect(do.Release(key=key))
    stop_launch(transaction, launch.detach(), why, now)


# -- the end of the executor ------------------------------------------------------------------------------------------


def draining(transaction: Transaction, _: on.Draining, _now: float) -> None:
    """Launch, replace and stop nothing more."""
    drain(transaction)


def terminating(transaction: Transaction, _: on.Terminating, now: float) -> None:
    """Launch nothing more, and stop every job; the next Ticks do the rest if there are many."""
    drain(transaction)
    transaction.state = replace(transaction.state, terminating=True)
    transaction.do_in_steps(terminate, list(transaction.store.launches), now)


def terminate(transaction: Transaction, launch_ids: Sequence[LaunchId], now: float) -> None:
    """Stop those of these launches that may have a job."""
    for launch in filter(None, map(transaction.get, launch_ids)):
        if may_have_job(launch):
            stop_launch(transaction, launch, TERMINATED, now, withdraw=False)


def drain(transaction: Transaction) -> None:
    """Launch nothing more."""
    transaction.state = replace(transaction.state, draining=True)
    withdraw_all(transaction)


def withdraw_all(transaction: Transaction) -> None:
    """Withdraw every pending Submit that has not been sent yet."""
    launches = transaction.store.launches.values()
    if any(isinstance(each.state, Submission) and each.phase is Phase.LAUNCHING for each in launches):
        transaction.add_effect(do.WithdrawAll())


def may_have_job(launch: Launch) -> bool:
    """Return whether it has a job, or one of its requests may have made one."""
    return launch.job is not None or launch.submit_in_doubt or launch.phase is Phase.LAUNCHING
