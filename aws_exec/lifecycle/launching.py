"""Launching, from the queued workload to its job: submit, back off, search before submitting again.

A request that got no answer may have made a container. The launch is then in doubt (`UNCERTAIN`): it is searched for,
or submitted again with the same token, until that is known. `machine.py` has the rules of all handlers.
"""

from __future__ import annotations

from dataclasses import replace

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.deadlines import with_time_to_start
from aws_exec.lifecycle.exits import end, report
from aws_exec.lifecycle.launch import Container, Detached, Doubt, HandedOver, Launch, Owned, Pending, Starting
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.policy import BACKOFF, Policy
from aws_exec.lifecycle.stopping import SUPERSEDED, stop_job, stop_launch
from aws_exec.lifecycle.store import Transaction
from aws_exec.lifecycle.values import INCONCLUSIVE, CallFailure, FailureKind, LaunchId, Observation, sequence_of
from aws_exec.lifecycle.values import launch_of as launch_of_token
from aws_exec.lifecycle.watching import next_of_sweep, see

#: Failures that are noted in the task's event log. Others pass by themselves, or stop everything and are logged once.
_WORTH_A_NOTE = frozenset({FailureKind.NO_CAPACITY, FailureKind.REFUSED})

# -- the intake -------------------------------------------------------------------------------------------------------


def workload_queued(transaction: Transaction, event: on.WorkloadQueued, now: float) -> None:
    """Store a new launch, due now; supersede earlier launches of its key."""
    if transaction.get(event.launch_id) is not None:
        return
    for older in transaction.of_key(event.key):
        supersede(transaction, older, now)
    transaction.put(
        Launch(
            event.launch_id,
            event.key,
            work=HandedOver(event.workload),
            ownership=Owned(stalls=transaction.state.stalls),
            launch_by=transaction.policy.launch_by(now),
            due=now,
        )
    )


def supersede(transaction: Transaction, older: Launch, now: float) -> None:
    """Detach an earlier launch of a key: let it finish if it had started, else keep it from starting."""
    if older.started or older.stopping is not None:
        transaction.put(older.detach())
        return
    if older.job is None:
        stop_launch(transaction, older.detach(), SUPERSEDED, now)
        return
    # It has most likely run and deferred since it was last seen. Describe it now: the newer launch waits for that.
    request_id = next_of_sweep(transaction)
    progress = Starting(older.expected_origin, waiting=older.waiting)
    superseded = replace(older.with_progress(progress), ownership=Detached(request_id), launch_by=None, due=None)
    transaction.put(superseded)
    transaction.add_effect(do.Describe(request_id=request_id, location=older.job.location, jobs=(older.job,)))


# -- submitting -------------------------------------------------------------------------------------------------------


def submit(transaction: Transaction, launch: Launch) -> None:
    """Mark the launch LAUNCHING and add its Submit."""
    request_id = transaction.new_request_id()
    submission, reading = launch.submission, launch.reading
    pending = Pending(Phase.LAUNCHING, request_id)
    transaction.put(replace(launch, state=replace(submission, pending=pending), due=launch.launch_by))
    transaction.add_effect(
        do.Submit(
            request_id=request_id,
            launch_id=launch.launch_id,
            key=launch.key,
            token=launch.token,
            workload=launch.workload if reading is None else reading.workload,
            request=submission.request,
            location=launch.location,
            not_after=launch.launch_by,
            read_at=None if reading is None else reading.at,
        ),
    )


def accepted(transaction: Transaction, event: on.Accepted, now: float) -> None:
    """Attach the job that a Submit made."""
    launch = transaction.awaiting(event.launch_id, Phase.LAUNCHING, event.request_id)
    if launch is not None:
        attach_job(transaction, launch, event.seen, now)


def attach_job(transaction: Transaction, launch: Launch, seen: Observation, now: float) -> None:
    """Attach a job to its launch, and follow it from now on."""
    holder = transaction.of_job(seen.job)
    if holder is not None and holder.launch_id != launch.launch_id:
        if launch.detached:
            transaction.drop(launch)  # the one that reports follows it already
            return
        transaction.drop(holder)
    launch = replace(launch.with_container(Container(seen.job)), location=seen.job.location or launch.location)
    launch = transaction.put(with_time_to_start(transaction.policy, launch, now))
    if not launch.detached:
        transaction.add_effect(do.Launched(key=launch.key, job=seen.job))
    if launch.stopping is not None:
        launch = stop_job(transaction, launch, seen.job)
    see(transaction, launch, seen, now)


def unaccepted(transaction: Transaction, event: on.Unaccepted, now: float) -> None:
    """Back off and submit again, or end the launch, depending on the failure."""
    launch = transaction.awaiting(event.launch_id, Phase.LAUNCHING, event.request_id)
    if launch is None:
        return
    kind, submission, ownership = event.failure.kind, launch.submission, launch.ownership
    in_doubt = kind is FailureKind.NO_ANSWER or (launch.submit_in_doubt and kind in INCONCLUSIVE)
    if kind is FailureKind.HELD and not event.outdated and isinstance(ownership, Owned):
        ownership = replace(ownership, unverified=True)
    launch = replace(launch.without_reading(), ownership=ownership)
    if in_doubt:
        request = event.request or submission.request
        state = replace(submission, pending=None, doubt=Doubt.SUBMIT, request=request)
        launch = replace(launch, state=state, location=event.location or launch.location)
    else:
        launch = replace(launch, state=replace(submission, pending=None, doubt=Doubt.NONE, request=None))
        if not launch.detached:
            # Withdrawn by Terminating: there is nothing to stop, and another scheduler may still launch its row.
            launch = replace(launch, stopping=None)
    if launch.stopping is not None and not in_doubt:
        end(transaction, launch, now)
    elif kind is FailureKind.INVALID and not in_doubt:
        report(transaction, launch, success=False, failure=event.failure)
        end(transaction, launch, now)
    else:
        if kind is FailureKind.NO_CAPACITY:
            # The refusal was answered, and may be replayed for its token: submit with the next one.
            launch = replace(launch, token_sequence=launch.token_sequence + 1)
        back_off(transaction, launch, event.failure, now)


def back_off(transaction: Transaction, launch: Launch, failure: CallFailure, now: float) -> None:
    """Wait before the next try, longer after each failure."""
    if failure.kind is FailureKind.HELD:
        # Not sent, so no failure: verify its row first, at once.
        transaction.put(replace(launch, due=now))
        return
    failures = launch.retries.failures + 1
    due = now + BACKOFF[failure.kind].after(failures, launch.token)
    retries = replace(launch.retries, failures=failures, last_failure=failure)
    if failure.kind in _WORTH_A_NOTE and not launch.detached and retries.last_note != failure.code:
        transaction.add_effect(do.Note(key=launch.key, text="Waiting to be launched", failure=failure))
        retries = replace(retries, last_note=failure.code)
    transaction.put(replace(launch, retries=retries, due=launch.in_time(due)))


# -- searching --------------------------------------------------------------------------------------------------------


def must_search_first(policy: Policy, launch: Launch) -> bool:
    """Return whether a search comes before the next Submit."""
    doubt = launch.submission.doubt
    return doubt is Doubt.SEARCH or (doubt is Doubt.SUBMIT and not policy.idempotent_submit)


def search(transaction: Transaction, launches: list[Launch]) -> None:
    """Search for the containers of launches that may have one."""
    if not launches:
        return
    request_id = transaction.new_request_id()
    for launch in launches:
        state = replace(launch.submission, pending=Pending(Phase.SEARCHING, request_id))
        # The row may have changed by the end of the search.
        transaction.put(replace(launch.without_reading(), state=state, due=None))
    transaction.add_effect(
        do.FindByLaunchId(
            request_id=request_id,
            launch_ids=tuple(launch.launch_id for launch in launches),
            token_bases=tuple(launch.token_base for launch in launches),
            locations=tuple(dict.fromkeys(launch.location for launch in launches)),
        )
    )


def found(transaction: Transaction, event: on.FoundByLaunchId, now: float) -> None:
    """Attach the newest container of each launch that was searched for."""
    newest: dict[LaunchId, Observation] = {}
    for seen in sorted(event.seen, key=lambda seen: sequence_of(seen.token or "")):
        newest[launch_of_token(seen.token or "")] = seen
    for launch_id in event.launch_ids:
        launch = transaction.awaiting(launch_id, Phase.SEARCHING, event.request_id)
        if launch is None:
            continue
        if launch.token_base in newest:
            attach_job(transaction, launch, newest[launch.token_base], now)
        else:
            not_found(transaction, launch, now)


def not_found(transaction: Transaction, launch: Launch, now: float) -> None:
    """Search again, submit, or end a launch of which no container was found."""
    policy = transaction.policy
    empty_searches = launch.submission.empty_searches + 1
    state = replace(launch.submission, pending=None, empty_searches=empty_searches)
    launchable = launch.work is not None and launch.stopping is None
    # Where a request with a token already used is refused, one search is enough before submitting.
    searches = 1 if launchable and policy.idempotent_submit else policy.searches
    if empty_searches < searches:
        transaction.put(replace(launch, state=state, due=launch.in_time(now + policy.search_grace)))
    elif launchable:
        doubt = Doubt.SUBMIT if policy.idempotent_submit else Doubt.NONE
        transaction.put(replace(launch, state=replace(state, doubt=doubt, empty_searches=0), due=now))
    else:
        if launch.stopping is not None and not launch.detached:
            report(transaction, launch, success=False, text=f"{launch.stop_reason}; no container of it was found")
        elif not launch.detached:
            # Its container may run where listing is denied. Airflow's heartbeat timeout decides, and costs a task that
            # runs no try.
            text = "Adopted, but no container of it was found: its heartbeat decides"
            transaction.add_effect(do.Note(key=launch.key, text=text))
            transaction.add_effect(do.Release(key=launch.key))
        end(transaction, launch, now)


def find_failed(transaction: Transaction, event: on.FindByLaunchIdFailed, now: float) -> None:
    """Search again, a little later."""
    for launch_id in event.launch_ids:
        launch = transaction.awaiting(launch_id, Phase.SEARCHING, event.request_id)
        if launch is not None:
            back_off(transaction, launch.idle(), event.failure, now)
