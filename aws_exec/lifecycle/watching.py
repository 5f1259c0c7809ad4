"""Watching jobs: when to list and describe them, and what a result means.

A sweep describes every job, in calls of bounded size. Where more jobs of a location run than one call describes, the
running ones are listed instead, at a twentieth of the cost, and those that are no longer listed are described. A
non-essential Airflow container can exit while its task runs on, which no listing shows. So each sweep also describes a
share of multi-container jobs, all of them within `describe_interval`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from aws_exec.chunked import chunked
from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.adoption import reject_job
from aws_exec.lifecycle.exits import job_stopped, remember_predecessor, verify_exit, wake_others, why_it_waits
from aws_exec.lifecycle.launch import Absence, Container, Exited, Launch, Running, Starting, State, Stopping
from aws_exec.lifecycle.stopping import SUPERSEDED, stop_launch
from aws_exec.lifecycle.store import Transaction
from aws_exec.lifecycle.values import (
    Job,
    LaunchId,
    Observation,
    Status,
    Termination,
    sequence_of,
)
from aws_exec.lifecycle.values import launch_of as launch_of_token

#: The largest part of a poll_interval by which a sweep begins early: a long sweep must not double the calls.
_EARLIEST = 0.25


def sweep_is_due(transaction: Transaction, now: float) -> bool:
    """Return whether the next sweep over the jobs may begin."""
    state = transaction.store.state
    return bool(transaction.store.watched) and not state.sweeping and now >= state.next_sweep


def sweep(transaction: Transaction, now: float) -> None:
    """Begin a sweep: list or describe every job."""
    number = transaction.state.sweeps
    transaction.state = replace(transaction.state, sweeps=number + 1, sweep_from=now)
    for location, (single_container, multi_container, others) in by_location(transaction).items():
        if len(single_container) + len(multi_container) > transaction.policy.observe_batch:
            rounds = transaction.policy.describe_rounds
            looked_at = multi_container[number % rounds :: rounds]
            del multi_container[number % rounds :: rounds]
            list_running(transaction, location, single_container + multi_container)
        else:
            looked_at = single_container + multi_container
        describe(transaction, location, others + looked_at)


def by_location(transaction: Transaction) -> dict[str, tuple[list[Job], list[Job], list[Job]]]:
    """Return the jobs of each location, in the groups of `_group`."""
    locations: defaultdict[str, tuple[list[Job], list[Job], list[Job]]] = defaultdict(lambda: ([], [], []))
    watched = transaction.store.watched
    launches = map(transaction.store.launches.__getitem__, watched)
    for job, launch in zip(watched.values(), launches, strict=True):
        locations[job.location][_group(launch.state, launch.stopping)].append(job)
    return locations


def _group(state: State, stopping: Stopping | None) -> int:
    """Return 0 if a listing shows the end of a job, 1 if it may not, 2 if a listing does not show the next change."""
    if isinstance(state, Container) and isinstance(state.progress, Running) and not (stopping or state.absence):
        return 0 if state.progress.single_container else 1
    return 2


def list_running(transaction: Transaction, location: str, jobs: list[Job]) -> None:
    """List the running jobs of a location."""
    if jobs:
        transaction.add_effect(
            do.ListRunning(
                request_id=next_of_sweep(transaction),
                location=location,
                jobs=tuple(jobs),
                at_once=transaction.policy.observe_batch,
            )
        )


def describe(transaction: Transaction, location: str, jobs: list[Job]) -> None:
    """Describe jobs of a location, in calls of bounded size."""
    for chunk in chunked(jobs, transaction.policy.observe_batch):
        transaction.add_effect(do.Describe(request_id=next_of_sweep(transaction), location=location, jobs=tuple(chunk)))


def next_of_sweep(transaction: Transaction) -> int:
    """Return a new request id that the sweep waits for."""
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
        # The results of the next sweep come as long after its beginning: begin it that much earlier.
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
    """Handle descriptions of jobs; ignore a late answer."""
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
    """Handle one description, if the job is the launch's own."""
    container, expected_origin = launch.container, launch.expected_origin
    if container.absence is not None or expected_origin is not None:
        progress = container.progress
        if isinstance(progress, Starting):
            progress = replace(progress, expected_origin=None)
        launch = transaction.put(replace(launch, state=Container(container.job, progress)))
    if expected_origin is not None and seen.origin is not None and not expected_origin.fits(seen.origin):
        reject_job(transaction, launch, now)
        return
    if seen.token and seen.token != launch.token:
        launch = transaction.put(with_token(launch, launch_of_token(seen.token), sequence_of(seen.token)))
    take_in(transaction, launch, seen, now)


def take_in(transaction: Transaction, launch: Launch, seen: Observation, now: float) -> None:
    """Handle one description of the launch's own job: its start, why it waits, its exit."""
    if not launch.started:
        if seen.started or (seen.stop is not None and seen.stop.started):
            launch = take_in_start(transaction, launch, seen)
        elif seen.waiting and seen.waiting != launch.waiting and not launch.detached:
            progress = Starting(launch.expected_origin, launch.start_by, seen.waiting)
            launch = transaction.put(launch.with_progress(progress))
            stop = why_it_waits(transaction, launch)
            transaction.add_effect(do.Note(key=launch.key, text="Its job does not start", job=launch.job, stop=stop))
    if seen.status is Status.STOPPED:
        stop = seen.stop or Termination(transaction.policy.service, started=launch.started)
        job_stopped(transaction, launch, stop, now)
    elif seen.stop is not None and seen.stop.exit_code is not None:
        if not launch.container_exited:
            launch = take_in_exit(transaction, launch, seen.stop, now)
        verify_exit(transaction, launch, seen.stop)


def take_in_start(transaction: Transaction, launch: Launch, seen: Observation) -> Launch:
    """Record that user code runs: no further container, no deadline any more."""
    started = replace(
        launch.with_progress(Running(seen.single_container)),
        work=None,
        retries=replace(launch.retries, last_failure=None),
        launch_by=None,
        due=None if launch.stopping is None else launch.due,
    )
    return transaction.put(started)


def take_in_exit(transaction: Transaction, launch: Launch, stop: Termination, now: float) -> Launch:
    """Record that the Airflow container has exited while other containers still run."""
    due = now + transaction.policy.stop_grace if launch.stopping is None else launch.due
    launch = transaction.put(replace(launch.with_progress(Exited()), due=due))
    if launch.stopping is not None:
        remember_predecessor(transaction, launch, stop)
        wake_others(transaction, launch, now)
    return launch


def with_token(launch: Launch, token_base: LaunchId, sequence: int) -> Launch:
    """Return the launch with its job's token; of its own launch id it may have used a later token already."""
    if token_base == launch.token_base:
        return replace(launch, token_sequence=max(sequence, launch.token_sequence))
    # Launched by a dead scheduler: a replacement must have the next token of that launch, not one of its own.
    return replace(launch, token_base=token_base, token_sequence=sequence)


def missed(transaction: Transaction, launch: Launch, asked: float, now: float) -> None:
    """Count an answer in which AWS does not know a job; after enough of them the job is lost."""
    before, policy = launch.container.absence, transaction.policy
    # An answer is as old as its request: it may have waited here while the scheduler stalled.
    absence = Absence(1, now) if before is None else Absence(before.count + 1, before.since)
    launch = transaction.put(replace(launch, state=replace(launch.container, absence=absence)))
    if absence.count < policy.missing_answers or asked - absence.since < policy.missing_grace:
        return
    if launch.expected_origin is not None:
        reject_job(transaction, launch, now)
        return
    reason = "MISSING: AWS no longer knows the job"
    job_stopped(transaction, launch, Termination(policy.service, started=launch.started, reason=reason), now)


def decide_superseded(transaction: Transaction, launch_id: LaunchId, request_id: int | None, now: float) -> None:
    """Let a superseded container finish if it has started, stop it if it has not; ignore an answer that is too old."""
    launch = transaction.get(launch_id)
    if launch is None or not launch.superseded:
        return
    if launch.started:
        transaction.put(launch.detach())
        wake_others(transaction, launch, now)
    elif request_id is not None and request_id >= launch.superseded:
        stop_launch(transaction, launch, SUPERSEDED, now)
