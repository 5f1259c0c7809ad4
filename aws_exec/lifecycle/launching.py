"""From the intake of a workload to its job: submit, back off, search before submitting again.

A request that got no answer may have made a container: the launch is then in doubt (`UNCERTAIN`), and is searched for,
or submitted again with the same token, until that is known. The rules of all handlers are in `machine.py`.
"""

from __future__ import annotations

from dataclasses import replace

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.deadlines import with_time_to_start
from aws_exec.lifecycle.exits import end, report
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.policy import BACKOFF, Policy
from aws_exec.lifecycle.stopping import SUPERSEDED, stop_job, stop_launch
from aws_exec.lifecycle.store import Launch, Transaction
from aws_exec.lifecycle.values import (
    SILENT,
    CallFailure,
    FailureKind,
    LaunchId,
    Observation,
    sequence_of,
)
from aws_exec.lifecycle.values import launch_of as launch_of_token
from aws_exec.lifecycle.watching import next_of_sweep, see

#: Troubles the task's event log is told of: the others pass by themselves, or stop everything and are logged once.
_WORTH_A_NOTE = frozenset({FailureKind.NO_CAPACITY, FailureKind.REFUSED})


def workload_queued(transaction: Transaction, event: on.WorkloadQueued, now: float) -> None:
    """Take in a workload; what is left of earlier launches of its key is superseded."""
    if transaction.get(event.launch_id) is not None:
        return
    for older in transaction.of_key(event.key):
        supersede(transaction, older, now)
    stalls = transaction.state.stalls
    launch = Launch(event.launch_id, event.key, workload=event.workload, stalls=stalls, due=now)
    transaction.put(replace(launch, launch_by=transaction.policy.launch_by(now)))


def supersede(transaction: Transaction, older: Launch, now: float) -> None:
    """A newer launch owns the key. What had started finishes on its own; what had not must not start now."""
    older = transaction.put(replace(older, detached=True))
    if older.started or older.stop_reason:
        return
    if older.job is None:
        stop_launch(transaction, older, SUPERSEDED, now)
        return
    # It has most likely run and deferred since it was last seen: look now, the newer launch waits for the answer.
    request_id = next_of_sweep(transaction)
    transaction.put(replace(older, superseded=request_id, launch_by=None, start_by=None, due=None))
    transaction.want(do.Describe(request_id=request_id, location=older.job.location, jobs=(older.job,)))


def submit(transaction: Transaction, launch: Launch) -> None:
    """Send a request for a container."""
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


def accepted(transaction: Transaction, event: on.Accepted, now: float) -> None:
    """Follow the job that a Submit made."""
    launch = transaction.awaiting(event.launch_id, Phase.LAUNCHING, event.request_id)
    if launch is not None:
        got_job(transaction, launch, event.seen, now)


def got_job(transaction: Transaction, launch: Launch, seen: Observation, now: float) -> None:
    """Follow the job of a launch, which becomes known here."""
    holder = transaction.of_job(seen.job)
    if holder is not None and holder.launch_id != launch.launch_id:
        if launch.detached:
            transaction.drop(launch)  # the one that reports follows it already
            return
        transaction.drop(holder)
    launch = replace(launch.with_job(seen.job), location=seen.job.location or launch.location)
    launch = transaction.put(with_time_to_start(transaction.policy, launch, now))
    if not launch.detached:
        transaction.want(do.Launched(key=launch.key, job=seen.job))
    if launch.stop_reason:
        launch = stop_job(transaction, launch, seen.job)
    see(transaction, launch, seen, now)


def unaccepted(transaction: Transaction, event: on.Unaccepted, now: float) -> None:
    """Wait and submit again, or end the launch: by what the failure means."""
    launch = transaction.awaiting(event.launch_id, Phase.LAUNCHING, event.request_id)
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
        ownership_unverified=launch.ownership_unverified or (fault.trouble is FailureKind.HELD and not event.outdated),
        reading=None,
        request_id=None,
    )
    if not submit_in_doubt and not launch.detached:
        # Withdrawn by terminating: nothing is there to be stopped, and its row is still to be launched by another.
        launch = replace(launch, stop_reason="")
    if launch.stop_reason and not submit_in_doubt:
        end(transaction, launch, now)
    elif fault.trouble is FailureKind.INVALID and not submit_in_doubt:
        report(transaction, launch, success=False, fault=fault)
        end(transaction, launch, now)
    else:
        if fault.trouble is FailureKind.NO_CAPACITY:
            # The refusal was answered, and may be replayed for its token: ask with the next one.
            launch = replace(launch, token_sequence=launch.token_sequence + 1)
        back_off(transaction, launch, fault, now)


def back_off(transaction: Transaction, launch: Launch, fault: CallFailure, now: float) -> None:
    """Wait before the next try, longer after each failure."""
    if fault.trouble is FailureKind.HELD:
        # Nobody failed: it was not sent. Its row is checked first, at once.
        transaction.put(replace(launch, due=now))
        return
    failures = launch.failures + 1
    due = now + BACKOFF[fault.trouble].after(failures, launch.token)
    launch = replace(launch, failures=failures, fault=fault, due=launch.in_time(due))
    if fault.trouble in _WORTH_A_NOTE and not launch.detached:
        launch = note_wait(transaction, launch, "Waiting to be launched", fault=fault)
    transaction.put(launch)


def note_wait(transaction: Transaction, launch: Launch, text: str, *, fault: CallFailure) -> Launch:
    """Say why a launch waits; the same reason is said once."""
    if launch.last_note == fault.code:
        return launch
    transaction.want(do.Note(key=launch.key, text=text, fault=fault))
    return replace(launch, last_note=fault.code)


def search(transaction: Transaction, launches: list[Launch]) -> None:
    """Search for the containers of launches that may have one."""
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


def must_search_first(policy: Policy, launch: Launch) -> bool:
    """Whether a look comes before the next request."""
    return launch.submit_in_doubt and (launch.must_search or not policy.idempotent_submit)


def found(transaction: Transaction, event: on.FoundByLaunchId, now: float) -> None:
    """Follow the newest container of each launch that was searched for."""
    newest: dict[LaunchId, Observation] = {}
    for seen in sorted(event.seen, key=lambda seen: sequence_of(seen.token or "")):
        newest[launch_of_token(seen.token or "")] = seen
    for launch_id in event.launch_ids:
        launch = transaction.awaiting(launch_id, Phase.LOCATING, event.request_id)
        if launch is None:
            continue
        if launch.token_base in newest:
            got_job(transaction, launch, newest[launch.token_base], now)
        else:
            not_found(transaction, replace(launch, phase=Phase.UNCERTAIN, request_id=None), now)


def not_found(transaction: Transaction, launch: Launch, now: float) -> None:
    """Search again, submit, or end a launch of which no container was found."""
    launch = replace(launch, absences=launch.absences + 1)
    launchable = launch.workload is not None and not launch.stop_reason
    # Where a request with a token already used is refused, one look is enough before asking.
    searches = 1 if launchable and transaction.policy.idempotent_submit else transaction.policy.searches
    if launch.absences < searches:
        transaction.put(replace(launch, due=launch.in_time(now + transaction.policy.search_grace)))
    elif launchable:
        waiting = replace(launch, phase=Phase.WAITING, must_search=False, submit_in_doubt=False, absences=0, due=now)
        if transaction.policy.idempotent_submit:
            waiting = replace(waiting, phase=Phase.UNCERTAIN, submit_in_doubt=True)
        transaction.put(waiting)
    else:
        if launch.stop_reason and not launch.detached:
            report(transaction, launch, success=False, text=f"{launch.stop_reason}; no container of it was found")
        elif not launch.detached:
            # Its container may live where we may not look. Airflow's heartbeat timeout decides, and burns no try
            # of a task that runs.
            transaction.want(
                do.Note(key=launch.key, text="Adopted, but no container of it was found: its heartbeat decides")
            )
            transaction.want(do.Release(key=launch.key))
        end(transaction, launch, now)


def find_failed(transaction: Transaction, event: on.FindByLaunchIdFailed, now: float) -> None:
    """Search again, a little later."""
    for launch_id in event.launch_ids:
        launch = transaction.awaiting(launch_id, Phase.LOCATING, event.request_id)
        if launch is not None:
            back_off(transaction, replace(launch, phase=Phase.UNCERTAIN, request_id=None), event.fault, now)
