"""Whether a launch is still this executor's, as Airflow's rows say it.

After a stall between two heartbeats another scheduler may have adopted what waits here, so its row is verified before
it is submitted. In between, the rows are asked which launches Airflow no longer wants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.exits import UNWANTED, end, verify_exit
from aws_exec.lifecycle.launching import back_off, must_search_first
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.stopping import TERMINATED, stop_launch, withdraw_all
from aws_exec.lifecycle.store import Check, Launch, Reading, Transaction
from aws_exec.lifecycle.values import (
    Job,
    LaunchId,
    Termination,
)
from aws_exec.lifecycle.watching import chunks


def is_unverified(transaction: Transaction, launch: Launch) -> bool:
    """Whether another scheduler may have had it: its row is to be asked before anything is launched."""
    return launch.ownership_unverified or (launch.workload is not None and launch.stalls < transaction.state.stalls)


def verify(transaction: Transaction, doubtful: list[Launch]) -> None:
    """Ask Airflow's database whether launches are still this executor's."""
    for chunk in chunks(doubtful, transaction.policy.observe_batch):
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


def take_in_owners(transaction: Transaction, event: on.OwnershipVerified, now: float) -> None:
    """Go on with launches that are still ours, and let the others go."""
    for launch_id in event.launch_ids:
        launch = transaction.awaiting(launch_id, Phase.CONFIRMING, event.request_id)
        if launch is None:
            continue
        if event.request_id <= transaction.state.stalled_at_request:
            phase = Phase.UNCERTAIN if launch.submit_in_doubt else Phase.WAITING
            transaction.put(replace(launch, phase=phase, request_id=None, due=now))
            continue
        if launch_id in event.ours:
            still_ours(transaction, launch, event, now)
            continue
        if launch.predecessor is not None and not launch.detached:
            take_over(transaction, launch, launch.predecessor, now)
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
            end(transaction, launch, now)


def still_ours(transaction: Transaction, launch: Launch, event: on.OwnershipVerified, now: float) -> None:
    """Go on with a launch that no other scheduler has: by what its row says that it runs, if that was read."""
    # In a gap another scheduler may have launched it and given it back: look, or ask with the same token.
    submit_in_doubt = launch.submit_in_doubt or is_unverified(transaction, launch)
    confirmed = replace(
        launch,
        submit_in_doubt=submit_in_doubt,
        ownership_unverified=False,
        stalls=transaction.state.stalls,
        predecessor=None,
    )
    if launch.launch_id in event.workloads and not must_search_first(transaction.policy, confirmed):
        reading = Reading(event.workloads[launch.launch_id], event.read_at)
        confirmed = replace(confirmed, reading=reading)
    phase = Phase.UNCERTAIN if submit_in_doubt else Phase.WAITING
    confirmed = transaction.put(replace(confirmed, phase=phase, request_id=None, due=now))
    if submit_in_doubt and transaction.state.terminating:
        stop_launch(transaction, confirmed, TERMINATED, now)


def verify_failed(transaction: Transaction, event: on.VerifyOwnershipFailed, now: float) -> None:
    """Ask again, a little later."""
    for launch_id in event.launch_ids:
        launch = transaction.awaiting(launch_id, Phase.CONFIRMING, event.request_id)
        if launch is not None:
            phase = Phase.UNCERTAIN if launch.submit_in_doubt else Phase.WAITING
            back_off(transaction, replace(launch, phase=phase, request_id=None), event.fault, now)


def take_over(transaction: Transaction, launch: Launch, predecessor: tuple[Job, Termination], now: float) -> None:
    """The row is not QUEUED any more: the earlier container has run this launch; it is told of its end."""
    job, stop = predecessor
    holder = transaction.of_job(job)
    if holder is not None:
        transaction.drop(holder)
    successor = replace(
        launch.with_job(job),
        workload=None,
        predecessor=None,
        started=True,
        container_exited=True,
        job_stopped=holder is None,
        due=None if holder is None else now + transaction.policy.stop_grace,
        launch_by=None,
        fault=None,
    )
    transaction.put(successor)
    transaction.want(do.Launched(key=launch.key, job=job))
    verify_exit(transaction, successor, stop)


def distrust_rows(transaction: Transaction) -> None:
    """Doubt all that may still be launched, or launched again: each when its turn comes (`is_unverified`).

    What the rows answer to an earlier request may be older than the gap: `ownership_verified` asks again.
    """
    state = transaction.state
    transaction.state = replace(state, stalls=state.stalls + 1, stalled_at_request=state.last_request_id)
    # What is out may still wait in its lane, where the lease is whole again by now.
    withdraw_all(transaction)


def check_is_due(transaction: Transaction, now: float) -> bool:
    """Whether it is time to check what Airflow still wants."""
    check = transaction.state.check
    due = transaction.policy.check_interval is not None and not check.request_id and now >= check.due
    return due and bool(transaction.store.unstarted) and not transaction.state.draining


def check_wanted(transaction: Transaction, now: float) -> None:
    """Ask whether Airflow still wants what has not started."""
    request_id = transaction.new_request_id()
    transaction.want(do.CheckWanted(request_id=request_id, launches=tuple(transaction.store.unstarted.items())))
    transaction.state = replace(
        transaction.state, check=Check(now + (transaction.policy.check_interval or 0.0), request_id)
    )


def wanted_checked(transaction: Transaction, event: on.WantedChecked, now: float) -> None:
    """Drop the launches that Airflow no longer wants; many are left to the next ticks."""
    check = transaction.state.check
    if event.request_id == check.request_id:
        transaction.state = replace(transaction.state, check=replace(check, request_id=0))
        transaction.leave(drop_unwanted, event.unwanted, now)


def drop_unwanted(transaction: Transaction, unwanted: Sequence[tuple[LaunchId, str]], now: float) -> None:
    """Free the keys of what Airflow no longer wants, and stop it before it starts."""
    for launch_id, why in unwanted:
        launch = transaction.get(launch_id)
        if launch is None or launch.detached or launch.started or launch.stop_reason:
            continue
        text = f"{UNWANTED}: {why}"
        transaction.want(do.Note(key=launch.key, text=text, job=launch.own_job))
        transaction.want(do.Release(key=launch.key))
        stop_launch(transaction, replace(launch, detached=True), text, now)
