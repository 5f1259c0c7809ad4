"""The state of each job's task in Airflow's database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from aws_exec.fleet import airflow_side
from aws_exec.fleet.model import FleetJob
from aws_exec.fleet.opening import Fleet
from aws_exec.fleet.task_state import Source, TaskState
from aws_exec.lifecycle.identity import Identity

States = Callable[[Sequence[Identity]], Sequence[str]]


def with_airflow_states(
    fleet: Fleet, jobs: Sequence[FleetJob], deployment: str = "", states: States = airflow_side.try_states
) -> list[FleetJob]:
    """Return jobs with the state of their try as the database has it now, where it has that try.

    Args:
        fleet: knows our deployment.
        jobs: those of other deployments are left as they are: a run of another Airflow may have the same ID.
        deployment: of the database; empty: ours.
        states: queries the database, once; not called without a job of the deployment: importing Airflow takes seconds.

    Raises:
        MisusedError: Airflow's database cannot be read, or the name of our deployment is unknown.
    """
    ours = fleet.deployments_of(jobs, deployment)
    asked = [job for job in jobs if job.identity.token and job.identity.deployment == ours[job.service]]
    found = zip(asked, states([job.identity for job in asked]), strict=True) if asked else ()
    known = {job.job.arn: TaskState(state, Source.AIRFLOW, job.task_state.outcome) for job, state in found if state}
    return [replace(job, task_state=known.get(job.job.arn, job.task_state)) for job in jobs]
