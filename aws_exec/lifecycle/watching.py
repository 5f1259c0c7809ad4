"""When the jobs are looked at, and how: listed where many run, described where something may have happened.

A sweep describes every job, in calls of bounded size. Where more jobs of a location run than one call describes, those
that are known to run are listed instead, at a twentieth of the cost, and what the listing no longer has is described.
An Airflow container that is not essential ends under a task that goes on, and no listing tells that: so of those with
more containers each sweep describes some all the same, and all of them within `look_interval`.

When the fleet is surveyed is here, too, and when it is asked whether Airflow still wants what has not started. What an
answer means for a job is decided in `watching.py`, what a survey shows in `fleet.py`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TypeVar

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.adoption import reject_job
from aws_exec.lifecycle.exits import job_stopped, remember_predecessor, verify_exit, wake_others
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.stopping import SUPERSEDED, stop_launch
from aws_exec.lifecycle.store import Launch, Transaction
from aws_exec.lifecycle.values import (
    Job,
    LaunchId,
    Observation,
    Status,
    Termination,
    sequence_of,
)
from aws_exec.lifecycle.values import launch_of as launch_of_token

T = TypeVar("T")

#: A sweep begins so much of a poll_interval before it is due, at most: one that takes long must not double the calls.
_EARLIEST = 0.25


def sweep_is_due(transaction: Transaction, now: float) -> bool:
    """Whether the next sweep over the jobs may begin."""
    state = transaction.store.state
    return bool(transaction.store.watched) and not state.sweeping and now >= state.next_sweep


def sweep(transaction: Transaction, now: float) -> None:
    """Begin a sweep: list or describe every job."""
    number = transaction.state.sweeps
    transaction.state = replace(transaction.state, sweeps=number + 1, sweep_from=now)
    for location, (alone, crowded, others) in by_location(transaction).items():
        if len(alone) + len(crowded) > transaction.policy.observe_batch:
            rounds = transaction.policy.describe_rounds
            looked_at = crowded[number % rounds :: rounds]
            del crowded[number % rounds :: rounds]
            list_running(transaction, location, alone + crowded)
        else:
            looked_at = alone + crowded
        describe(transaction, location, others + looked_at)


def by_location(transaction: Transaction) -> dict[str, tuple[list[Job], list[Job], list[Job]]]:
    """The jobs of each location: those that a listing tells the end of, those that it may not, and the others."""
    locations: defaultdict[str, tuple[list[Job], list[Job], list[Job]]] = defaultdict(lambda: ([], [], []))
    launches = transaction.store.launches
    for launch_id, job in transaction.store.watched.items():
        launch = launches[launch_id]
        locations[job.location][(0 if launch.single_container else 1) if _is_settled(launch) else 2].append(job)
    return locations


def list_running(transaction: Transaction, location: str, jobs: list[Job]) -> None:
    """List the running jobs of a location."""
    if jobs:
        transaction.want(
            do.ListRunning(
                request_id=next_of_sweep(transaction),
                location=location,
                jobs=tuple(jobs),
                at_once=transaction.policy.observe_batch,
            )
        )


def describe(transaction: Transaction, location: str, jobs: list[Job]) -> None:
    """Describe jobs of a location, in calls of bounded size."""
    for chunk in chunks(jobs, transaction.policy.observe_batch):
        transaction.want(do.Describe(request_id=next_of_sweep(transaction), location=location, jobs=tuple(chunk)))


def next_of_sweep(transaction: Transaction) -> int:
    """A new request id that the sweep waits for."""
    request_id = transaction.new_request_id()
    transaction.state = replace(transaction.state, sweeping=transaction.state.sweeping | {request_id})
    return request_id


def answered(transaction: Transaction, request_id: int, now: float) -> None:
    """Count an answer to the current sweep; the last one ends it."""
    state = transaction.state
    if request_id not in state.sweeping:
        return
    rest = state.sweeping - {request_id}
    following = state.next_sweep
    if not rest:
        # What the next one finds is known as late after its beginning: it begins so much earlier.
        early = min(now - state.sweep_from, _EARLIEST * transaction.policy.poll_interval)
        following = max(now, state.sweep_from + transaction.policy.poll_interval - early)
    transaction.state = replace(state, sweeping=rest, next_sweep=following)


def running_listed(transaction: Transaction, event: on.RunningListed, now: float) -> None:
    """Describe the jobs that a listing no longer has."""
    if event.request_id not in transaction.state.sweeping:
        return
    describe(transaction, event.location, [job for job in event.unlisted if job.arn in transaction.store.by_arn])
    answered(transaction, event.request_id, now)


def describe_failed(transaction: Transaction, event: on.DescribeFailed, now: float) -> None:
    """Leave these jobs to the next sweep."""
    answered(transaction, event.request_id, now)


def described(transaction: Transaction, event: on.Described, now: float) -> None:
    """Take in how jobs are; a late answer is ignored."""
    state = transaction.state
    if event.request_id is not None and event.request_id not in state.sweeping:
        return
    for seen in event.seen:
        launch = transaction.of_job(seen.job)
        if launch is not None:
            see(transaction, launch, seen, now)
            decide_superseded(transaction, launch.launch_id, event.request_id, now)
    for job in event.missing:
        launch = transaction.of_job(job)
        if launch is not None:
            missed(transaction, launch, state.sweep_from, now)
    if event.request_id is not None:
        answered(transaction, event.request_id, now)


def see(transaction: Transaction, launch: Launch, seen: Observation, now: float) -> None:
    """Take in how a job is, if it is the launch's own."""
    expected_origin = launch.expected_origin
    if launch.absences or expected_origin is not None:
        launch = transaction.put(replace(launch, absences=0, expected_origin=None))
    if expected_origin is not None and seen.origin is not None and not expected_origin.fits(seen.origin):
        reject_job(transaction, launch, now)
        return
    if seen.token and seen.token != launch.token:
        launch = transaction.put(with_token(launch, launch_of_token(seen.token), sequence_of(seen.token)))
    take_in(transaction, launch, seen, now)


def take_in(transaction: Transaction, launch: Launch, seen: Observation, now: float) -> None:
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
        why = Termination(transaction.policy.service, reason=seen.waiting)
        transaction.want(do.Note(key=launch.key, text="Its job does not start", job=launch.job, stop=why))
    if seen.status is Status.STOPPED:
        job_stopped(
            transaction, launch, seen.stop or Termination(transaction.policy.service, started=launch.started), now
        )
    elif seen.stop is not None and seen.stop.exit_code is not None:
        if not launch.container_exited:
            due = launch.due if launch.phase is Phase.STOPPING else now + transaction.policy.stop_grace
            launch = transaction.put(replace(launch, container_exited=True, due=due))
            if launch.stop_reason:
                remember_predecessor(transaction, launch, seen.stop)
                wake_others(transaction, launch, now)
        verify_exit(transaction, launch, seen.stop)


def with_token(launch: Launch, token_base: LaunchId, number: int) -> Launch:
    """A record that goes on from its job's token; of its own launch it may have used a later one already."""
    if token_base == launch.token_base:
        return replace(launch, token_sequence=max(number, launch.token_sequence))
    # Launched by a dead scheduler: a replacement must bear the next token of that launch, not one of its own.
    return replace(launch, token_base=token_base, token_sequence=number)


def missed(transaction: Transaction, launch: Launch, asked: float, now: float) -> None:
    """Count an answer in which AWS does not know a job, and believe it lost after enough of them."""
    # An answer is as old as its question: it may have waited here while the scheduler stalled.
    since = launch.absent_since if launch.absences else now
    launch = transaction.put(replace(launch, absences=launch.absences + 1, absent_since=since))
    policy = transaction.policy
    if launch.absences >= policy.missing_answers and asked - since >= policy.missing_grace:
        if launch.expected_origin is not None:
            reject_job(transaction, launch, now)
            return
        reason = "MISSING: AWS no longer knows the job"
        job_stopped(transaction, launch, Termination(policy.service, started=launch.started, reason=reason), now)


def decide_superseded(transaction: Transaction, launch_id: LaunchId, request_id: int | None, now: float) -> None:
    """Let a superseded container finish if it has started, stop it if it has not; an old answer does not tell."""
    launch = transaction.get(launch_id)
    if launch is None or not launch.superseded:
        return
    if launch.started:
        transaction.put(replace(launch, superseded=0))
        wake_others(transaction, launch, now)
    elif request_id is not None and request_id >= launch.superseded:
        stop_launch(transaction, launch, SUPERSEDED, now)


def chunks(items: list[T], size: int) -> list[list[T]]:
    """The items in their order, in lists of at most `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def _is_settled(launch: Launch) -> bool:
    """Its Airflow container runs, and the next thing to happen to it is its end."""
    return launch.started and launch.phase is Phase.ACTIVE and not launch.container_exited and not launch.absences
