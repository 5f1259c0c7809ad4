"""Ticks: which launches are due, and the next step of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.deadlines import is_late, too_late
from aws_exec.lifecycle.exits import wait_for_event
from aws_exec.lifecycle.fleet import list_fleet
from aws_exec.lifecycle.launch import Container, Launch
from aws_exec.lifecycle.launching import must_search_first, search, submit
from aws_exec.lifecycle.ownership import (
    check_is_due,
    check_wanted,
    is_unverified,
    record_stall,
    take_in_owners,
    verify,
)
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.stopping import stop_job, stop_launch
from aws_exec.lifecycle.store import Transaction
from aws_exec.lifecycle.watching import sweep, sweep_is_due


def tick(transaction: Transaction, _: on.Tick, now: float) -> None:
    """Handle a heartbeat: at most `launches_per_tick` launches."""
    last = transaction.state.last_tick
    transaction.state = replace(transaction.state, last_tick=now)
    if last is not None and now - last > transaction.policy.stall_after:
        record_stall(transaction)
    if transaction.state.backlog:
        transaction.continue_backlog(now)
    else:
        if due := transaction.store.due_by(now, transaction.policy.launches_per_tick):
            # Read each in turn: an earlier one may have changed it.
            wake_each(transaction, filter(None, map(transaction.get, due)), now)
        if sweep_is_due(transaction, now):
            sweep(transaction, now)
        elif check_is_due(transaction, now):
            check_wanted(transaction, now)
    list_fleet(transaction, now)


def ownership_verified(transaction: Transaction, event: on.OwnershipVerified, now: float) -> None:
    """Submit launches whose rows were just read, before the reading expires."""
    take_in_owners(transaction, event, now)
    read = (launch for launch in map(transaction.get, event.launch_ids) if launch is not None and launch.reading)
    wake_each(transaction, (launch for launch in read if launch.phase in (Phase.WAITING, Phase.UNCERTAIN)), now)


def wake_each(transaction: Transaction, launches: Iterable[Launch], now: float) -> None:
    """Do the next step of each launch; searches and verifications of many are one request."""
    to_search: list[Launch] = []
    to_verify: list[Launch] = []
    for launch in launches:
        if is_late(launch, now) and not transaction.state.draining:
            too_late(transaction, launch, now)
        elif isinstance(launch.state, Container):
            wake_container(transaction, launch, launch.state, now)
        else:
            wake_submission(transaction, launch, to_search, to_verify)
    search(transaction, to_search)
    verify(transaction, to_verify)


def wake_container(transaction: Transaction, launch: Launch, container: Container, now: float) -> None:
    """Stop a job again, or one whose Airflow container exited more than `stop_grace` ago while other containers run."""
    if launch.stopping is not None:
        stop_job(transaction, launch, container.job)
    elif transaction.state.draining:
        transaction.put(replace(launch, due=None))
    else:
        stop_launch(transaction, launch, "Its Airflow container ended", now)


def wake_submission(transaction: Transaction, launch: Launch, to_search: list[Launch], to_verify: list[Launch]) -> None:
    """Submit a launch, unless something else comes first."""
    if launch.stopping is not None:
        to_search.append(launch)
    elif transaction.state.draining:
        transaction.put(replace(launch, due=None))
    elif is_blocked(transaction, launch):
        wait_for_event(transaction, launch)
    elif launch.submission.predecessor is not None or is_unverified(transaction, launch):
        to_verify.append(launch)
    elif must_search_first(transaction.policy, launch):
        to_search.append(launch)
    elif launch.unlisted_since is not None:
        wait_for_event(transaction, launch)  # the answer to the listing wakes it
    elif launch.must_be_read and launch.reading is None:
        to_verify.append(launch)
    else:
        submit(transaction, launch)


def is_blocked(transaction: Transaction, launch: Launch) -> bool:
    """Return whether an earlier container may still start user code; the two must not overlap."""
    return any(
        (other.stopping is not None or other.superseded) and not other.container_exited
        for other in transaction.of_key(launch.key)
        if other.launch_id != launch.launch_id
    )
