"""Ownership: whether a launch is still this executor's, according to Airflow's database.

After a stall between two heartbeats another scheduler may have adopted the launches that wait here, so each row is
verified before its launch is submitted. In between, a query finds launches that Airflow no longer wants.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aws_exec.chunked import chunked
from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.exits import UNWANTED, end, verify_exit
from aws_exec.lifecycle.launch import (
    Container,
    Detached,
    Doubt,
    Exited,
    Launch,
    NamedByRow,
    Owned,
    Pending,
    Predecessor,
    Reading,
)
from aws_exec.lifecycle.launching import back_off, must_search_first
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.stopping import TERMINATED, stop_launch, withdraw_all
from aws_exec.lifecycle.store import Check, Transaction
from aws_exec.lifecycle.values import LaunchId

# -- is it still ours? ------------------------------------------------------------------------------------------------


def is_unverified(transaction: Transaction, launch: Launch) -> bool:
    """Return whether another scheduler may have adopted it: then verify its row before anything is submitted."""
    owned = launch.ownership
    if not isinstance(owned, Owned):
        return False
    return owned.unverified or (launch.work is not None and owned.stalls < transaction.state.stalls)


def record_stall(transaction: Transaction) -> None:
    """Record a stall: each launch that may still be submitted is verified when it is due (`is_unverified`).

    An answer to an earlier request may be older than the stall: `take_in_owners` asks again.
    """
    state = transaction.state
    transaction.state = replace(state, stalls=state.stalls + 1, stalled_at_request=state.last_request_id)
    # Pending Submits may still wait in their lane, where the lease is valid again.
    withdraw_all(transaction)


def verify(transaction: Transaction, launches: list[Launch]) -> None:
    """Ask Airflow's database whether launches are still this executor's."""
    for chunk in chunked(launches, transaction.policy.observe_batch):
        request_id = transaction.new_request_id()
        for launch in chunk:
            state = replace(launch.submission, pending=Pending(Phase.VERIFYING, request_id))
            transaction.put(replace(launch.without_reading(), state=state, due=None))
        transaction.add_effect(
            do.VerifyOwnership(
                request_id=request_id,
                launches=tuple((launch.launch_id, launch.key) for launch in chunk),
                read=frozenset(each.launch_id for each in chunk if each.must_be_read),
            )
        )


def take_in_owners(transaction: Transaction, event: on.OwnershipVerified, now: float) -> None:
    """Continue with the launches that are still ours, and release the others."""
    for launch_id in event.launch_ids:
        launch = transaction.awaiting(launch_id, Phase.VERIFYING, event.request_id)
        if launch is None:
            continue
        launch = launch.idle()
        if event.request_id <= transaction.state.stalled_at_request:
            transaction.put(replace(launch, due=now))
        elif launch_id in event.ours:
            still_ours(transaction, launch, event, now)
        elif (predecessor := launch.submission.predecessor) is not None:
            take_over(transaction, launch, predecessor, now)
        else:
            not_ours(transaction, launch, now)


def still_ours(transaction: Transaction, launch: Launch, event: on.OwnershipVerified, now: float) -> None:
    """Continue with a launch that no other scheduler has; keep what was read from its row, if it was."""
    state = replace(launch.submission, predecessor=None)
    if state.doubt is Doubt.NONE and is_unverified(transaction, launch):
        # During the stall another scheduler may have submitted and lost it: search, or submit with the same token.
        state = replace(state, doubt=Doubt.SUBMIT)
    launch = replace(launch, state=state, ownership=Owned(stalls=transaction.state.stalls), due=now)
    workload = event.workloads.get(launch.launch_id)
    if workload is not None and not must_search_first(transaction.policy, launch):
        launch = replace(launch, work=NamedByRow(launch.workload, Reading(workload, event.read_at)))
    transaction.put(launch)
    if launch.submit_in_doubt and transaction.state.terminating:
        stop_launch(transaction, launch, TERMINATED, now)


def take_over(transaction: Transaction, launch: Launch, predecessor: Predecessor, now: float) -> None:
    """Take over the predecessor: the row is not QUEUED any more, so it ran this launch; report its exit for it."""
    holder = transaction.of_job(predecessor.job)
    if holder is not None:
        transaction.drop(holder)
    taken = launch.with_container(Container(predecessor.job, Exited(job_stopped=holder is None)))
    taken = replace(
        taken,
        work=None,
        retries=replace(taken.retries, last_failure=None),
        launch_by=None,
        due=None if holder is None else now + transaction.policy.stop_grace,
    )
    transaction.put(taken)
    transaction.add_effect(do.Launched(key=launch.key, job=predecessor.job))
    verify_exit(transaction, taken, predecessor.stop)


def not_ours(transaction: Transaction, launch: Launch, now: float) -> None:
    """Free the key of a launch that another scheduler has adopted."""
    transaction.add_effect(do.Release(key=launch.key))
    if not launch.submit_in_doubt:
        end(transaction, launch, now)
        return
    # An unanswered request of ours may have made a container; it may be why the row is no longer QUEUED.
    state = replace(launch.submission, doubt=Doubt.SEARCH, empty_searches=0)
    transaction.put(replace(launch, state=state, work=None, ownership=Detached(), launch_by=None, due=now))


def verify_failed(transaction: Transaction, event: on.VerifyOwnershipFailed, now: float) -> None:
    """Verify again, after a backoff."""
    for launch_id in event.launch_ids:
        launch = transaction.awaiting(launch_id, Phase.VERIFYING, event.request_id)
        if launch is not None:
            back_off(transaction, launch.idle(), event.failure, now)


# -- is it still wanted? ----------------------------------------------------------------------------------------------


def check_is_due(transaction: Transaction, now: float) -> bool:
    """Return whether it is time to check which launches Airflow still wants."""
    check = transaction.state.check
    due = transaction.policy.check_interval is not None and not check.request_id and now >= check.due
    return due and bool(transaction.store.unstarted) and not transaction.state.draining


def check_wanted(transaction: Transaction, now: float) -> None:
    """Check whether Airflow still wants the launches that have not started."""
    request_id = transaction.new_request_id()
    transaction.add_effect(do.CheckWanted(request_id=request_id, launches=tuple(transaction.store.unstarted.items())))
    transaction.state = replace(
        transaction.state, check=Check(now + (transaction.policy.check_interval or 0.0), request_id)
    )


def wanted_checked(transaction: Transaction, event: on.WantedChecked, now: float) -> None:
    """Drop the launches that Airflow no longer wants; the next Ticks do the rest if there are many."""
    check = transaction.state.check
    if event.request_id == check.request_id:
        transaction.state = replace(transaction.state, check=replace(check, request_id=0))
        transaction.do_in_steps(drop_unwanted, event.unwanted, now)


def drop_unwanted(transaction: Transaction, unwanted: Sequence[tuple[LaunchId, str]], now: float) -> None:
    """Free the keys of launches that Airflow no longer wants, and stop them before they start."""
    for launch_id, why in unwanted:
        launch = transaction.get(launch_id)
        if launch is None or launch.detached or launch.started or launch.stopping is not None:
            continue
        text = f"{UNWANTED}: {why}"
        transaction.add_effect(do.Note(key=launch.key, text=text, job=launch.own_job))
        transaction.add_effect(do.Release(key=launch.key))
        stop_launch(transaction, launch.detach(), text, now)
