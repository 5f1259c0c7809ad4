"""Adoption of task instances that a dead scheduler left, with or without a known job."""

from __future__ import annotations

from dataclasses import replace

from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.deadlines import with_time_to_start
from aws_exec.lifecycle.launch import (
    Attempts,
    Container,
    Detached,
    Doubt,
    Launch,
    NamedByRow,
    Owned,
    Starting,
    State,
    Stopping,
    Submission,
    earliest,
)
from aws_exec.lifecycle.stopping import SUPERSEDED
from aws_exec.lifecycle.store import Transaction
from aws_exec.lifecycle.values import Job


def adopted(transaction: Transaction, event: on.Adopted, now: float) -> None:
    """Adopt a task instance of a dead scheduler, unless a launch here reports its key already."""
    if transaction.owner_of(event.key) is not None:
        return
    known = transaction.get(event.launch_id)
    if known is not None:
        if known.stopping is None:
            adopt_back(transaction, known, event, now)
        return
    job = adoptable_job(transaction, event.job)
    launch_by = transaction.policy.launch_by(now) if event.workload is not None else None
    state: State = Submission(doubt=Doubt.SEARCH)
    due: float | None = now
    if job is not None:
        start_by = transaction.policy.start_by(now)
        state, due = Container(job, Starting(event.origin, start_by)), earliest(launch_by, start_by)
    # In one piece: thousands are adopted at once while the scheduler waits, and a copy takes as long as the rest.
    launch = Launch(
        event.launch_id,
        event.key,
        state=state,
        work=_work_of(event),
        ownership=Owned(stalls=transaction.state.stalls),
        location=event.location or (job.location if job else ""),
        attempts=Attempts(containers=0 if job is None else 1),
        launch_by=launch_by,
        due=due,
    )
    transaction.put(launch if job is not None else wait_for_listing(transaction, launch, now))


def adopt_back(transaction: Transaction, launch: Launch, event: on.Adopted, now: float) -> None:
    """Report a launch again that another scheduler had adopted, and that was only followed here since."""
    work = launch.work if launch.work is not None else _work_of(event)
    back = replace(launch, ownership=Owned(stalls=transaction.state.stalls), work=work)
    if back.job is not None and not back.started:
        back = with_time_to_start(transaction.policy, back, now)
    transaction.put(back)


def adoptable_job(transaction: Transaction, job: Job | None) -> Job | None:
    """Return the job that a row names, unless an earlier launch left it: Airflow does not clear it for the next one."""
    holder = transaction.of_job(job) if job else None
    if holder is None:
        return job
    if not holder.detached or holder.stopping is not None:
        return None
    transaction.drop(holder)  # it only followed the job that is reported from now on
    return job


def reject_job(transaction: Transaction, launch: Launch, now: float) -> None:
    """Search for a launch's own container: the row names that of an earlier launch, or one that AWS does not know.

    A launch that must end searches, too, to stop its own container.
    """
    lost = replace(
        launch,
        state=Submission(doubt=Doubt.SEARCH),
        stopping=None if launch.stopping is None else Stopping(launch.stopping.reason),
        attempts=replace(launch.attempts, containers=0),
        retries=replace(launch.retries, failures=0),
        due=now,
    )
    if launch.superseded:
        # Whether that job has started does not show whether its own container has.
        lost = replace(lost, ownership=Detached(), stopping=Stopping(SUPERSEDED))
    transaction.put(wait_for_listing(transaction, lost, now))


def wait_for_listing(transaction: Transaction, launch: Launch, now: float) -> Launch:
    """Return an adopted launch that is submitted only after a listing of the fleet shows no earlier container of it.

    Its scheduler may have been killed between freeing the key and stopping the container. Airflow then queues the same
    task instance again, and would let that container run it.
    """
    if launch.work is None or transaction.policy.orphan_interval is None:
        return launch
    transaction.state = replace(transaction.state, listing=replace(transaction.state.listing, due=now))
    return replace(launch, unlisted_since=now)


def _work_of(event: on.Adopted) -> NamedByRow | None:
    return None if event.workload is None else NamedByRow(event.workload)
