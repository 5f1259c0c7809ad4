"""Stopping a launch: why, and how its job is stopped.

A launch with a `stop_reason` is followed until AWS confirms its end; no newer launch of its key starts before that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.exits import end
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.policy import BACKOFF
from aws_exec.lifecycle.store import Launch, Transaction
from aws_exec.lifecycle.values import (
    Job,
    Key,
    LaunchId,
    Termination,
)

SUPERSEDED = "A newer launch of the task took over"
TERMINATED = "The executor was terminated"


def stop_launch(transaction: Transaction, launch: Launch, why: str, now: float, *, withdraw: bool = True) -> None:
    """Put a launch on its way to its end."""
    if launch.job_stopped:
        if launch.detached:
            end(transaction, launch, now)
        return
    launch = transaction.put(
        replace(
            launch, stop_reason=launch.stop_reason or why, superseded=0, reading=None, launch_by=None, start_by=None
        ),
    )
    if launch.job is not None:
        if launch.phase is not Phase.STOPPING:
            stop_job(transaction, launch, launch.job)
    elif launch.phase is Phase.LAUNCHING:
        transaction.put(replace(launch, due=None))
        if withdraw:
            withdraw_submit(transaction, launch)
    elif launch.phase is Phase.LOCATING:
        return  # what the look that is out finds will be stopped
    elif launch.submit_in_doubt:
        # A look that found nothing is repeated after its grace, not sooner: listings lag.
        due = launch.due if launch.absences and launch.due is not None else now
        transaction.put(replace(launch, phase=Phase.UNCERTAIN, request_id=None, due=due))
    else:
        end(transaction, launch, now)


def withdraw_submit(transaction: Transaction, launch: Launch) -> None:
    """Take a Submit back that is out, if there is one: it may not have been sent yet."""
    if launch.phase is Phase.LAUNCHING and launch.request_id is not None:
        transaction.want(do.Withdraw(request_id=launch.request_id))


def stop_job(transaction: Transaction, launch: Launch, job: Job) -> Launch:
    """Ask AWS to stop the job of a launch."""
    request_id = transaction.new_request_id()
    transaction.want(do.StopJob(request_id=request_id, launch_id=launch.launch_id, job=job, reason=launch.stop_reason))
    return transaction.put(replace(launch, phase=Phase.STOPPING, request_id=request_id, due=None))


def stop_answered(transaction: Transaction, event: on.StopAnswered, now: float) -> None:
    """Stop again later: at once a little later if AWS refused, else in case the stop has no effect."""
    launch = transaction.awaiting(event.launch_id, Phase.STOPPING, event.request_id)
    if launch is None:
        return
    if event.fault is None or launch.job_stopped:
        due = None if launch.job_stopped else now + transaction.policy.restop_after
        transaction.put(replace(launch, request_id=None, failures=0, due=due))
        return
    failures = launch.failures + 1
    due = now + BACKOFF[event.fault.trouble].after(failures, launch.token)
    transaction.put(replace(launch, request_id=None, failures=failures, due=due))


def revoked(transaction: Transaction, event: on.Revoked, now: float) -> None:
    """Stop a launch that Airflow takes back."""
    take_back(transaction, event.key, "Airflow revoked the task", now, say=True)


def failed_by_airflow(transaction: Transaction, event: on.FailedByAirflow, now: float) -> None:
    """Stop a launch that Airflow has declared failed."""
    take_back(transaction, event.key, "Airflow gave the task up", now, say=False)


def take_back(transaction: Transaction, key: Key, why: str, now: float, *, say: bool) -> None:
    """Free the key of a launch, and stop it."""
    launch = transaction.owner_of(key)
    if launch is None:
        return
    if say:
        doing = "it ran" if launch.started else "its job was starting" if launch.job else launch.phase.value
        stop = Termination(transaction.policy.service, reason=launch.waiting) if launch.waiting else None
        text = f"Revoked by Airflow while {doing}"
        transaction.want(do.Note(key=key, text=text, job=launch.own_job, stop=stop, fault=launch.fault))
    transaction.want(do.Release(key=key))
    stop_launch(transaction, replace(launch, detached=True), why, now)


def draining(transaction: Transaction, _: on.Draining, _now: float) -> None:
    """Launch, replace and stop nothing more."""
    drain(transaction)


def terminating(transaction: Transaction, _: on.Terminating, now: float) -> None:
    """Launch nothing more, and stop every job; many are left to the next ticks."""
    drain(transaction)
    transaction.state = replace(transaction.state, terminating=True)
    transaction.leave(terminate, list(transaction.store.launches), now)


def terminate(transaction: Transaction, launch_ids: Sequence[LaunchId], now: float) -> None:
    """Stop those of some launches that may have a job."""
    for launch in filter(None, map(transaction.get, launch_ids)):
        if may_have_job(launch):
            stop_launch(transaction, launch, TERMINATED, now, withdraw=False)


def drain(transaction: Transaction) -> None:
    """Launch nothing more."""
    transaction.state = replace(transaction.state, draining=True)
    withdraw_all(transaction)


def withdraw_all(transaction: Transaction) -> None:
    """Take back every Submit that is out: none of them may have been sent yet."""
    if any(launch.phase is Phase.LAUNCHING for launch in transaction.store.launches.values()):
        transaction.want(do.WithdrawAll())


def may_have_job(launch: Launch) -> bool:
    """Whether it has a job, or a request of it may have made one."""
    return launch.job is not None or launch.submit_in_doubt or launch.phase is Phase.LAUNCHING
