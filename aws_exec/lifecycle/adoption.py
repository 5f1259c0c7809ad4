"""Adopting task instances of dead schedulers, with their job or without."""

from __future__ import annotations

from dataclasses import replace

from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.deadlines import with_time_to_start
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.stopping import SUPERSEDED
from aws_exec.lifecycle.store import Launch, Transaction, earliest


def adopted(transaction: Transaction, event: on.Adopted, now: float) -> None:
    """Take over a task instance of a dead scheduler, unless a launch here speaks for it already."""
    if transaction.owner_of(event.key) is not None:
        return
    mine = transaction.get(event.launch_id)
    if mine is not None and not mine.stop_reason:
        # It was lost to another scheduler, only followed since, and has come back: it reports again.
        back = replace(mine, detached=False, stalls=transaction.state.stalls)
        if mine.workload is None:
            back = replace(back, workload=event.workload, read_from_row=event.workload is not None)
        if back.job and not back.started:
            back = with_time_to_start(transaction.policy, back, now)
        transaction.put(back)
        return
    if mine is not None:
        return
    job = event.job
    holder = transaction.of_job(job) if job else None
    if holder is not None and holder.detached and not holder.stop_reason:
        transaction.drop(holder)  # it only followed what is now to be reported (again)
    elif holder is not None:
        job = None  # left in the row by another launch: Airflow does not clear it for the next try
    start_by = transaction.policy.start_by(now) if job else None
    launch_by = transaction.policy.launch_by(now) if event.workload is not None else None
    launch = Launch(
        event.launch_id,
        event.key,
        workload=event.workload,
        read_from_row=event.workload is not None,
        location=event.location or (job.location if job else ""),
        stalls=transaction.state.stalls,
        job=job,
        expected_origin=event.origin if job else None,
        phase=Phase.ACTIVE if job else Phase.UNCERTAIN,
        containers=1 if job else 0,
        must_search=job is None,
        submit_in_doubt=job is None,
        launch_by=launch_by,
        start_by=start_by,
        due=earliest(launch_by, start_by) if job else now,
    )
    transaction.put(launch if job else wait_for_listing(transaction, launch, now))


def reject_job(transaction: Transaction, launch: Launch, now: float) -> None:
    """The row names the container of an earlier launch, or one that nobody knows: its own is looked for.

    A launch that must end looks for its own container, too, to stop it.
    """
    lost = replace(
        launch,
        phase=Phase.UNCERTAIN,
        job=None,
        expected_origin=None,
        containers=0,
        must_search=True,
        submit_in_doubt=True,
    )
    lost = replace(lost, absences=0, failures=0, request_id=None, start_by=None, due=now)
    if launch.superseded:
        # Whether that job has started says nothing about its own container.
        lost = replace(lost, superseded=0, stop_reason=SUPERSEDED)
    transaction.put(wait_for_listing(transaction, lost, now))


def wait_for_listing(transaction: Transaction, launch: Launch, now: float) -> Launch:
    """An adopted launch that may be launched, once a survey has shown that no earlier container of it lives.

    Its scheduler may have been killed between freeing the key and stopping the container: Airflow then queues the
    same task instance again, and would let that container run it.
    """
    if launch.workload is None or transaction.policy.orphan_interval is None:
        return launch
    transaction.state = replace(transaction.state, survey=replace(transaction.state.survey, due=now))
    return replace(launch, unlisted_since=now)
