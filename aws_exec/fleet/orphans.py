"""The orphans of this deployment: running jobs without a live task instance (`aws_exec.lifecycle.orphans`).

The executor stops an orphan only if two checks 15 minutes apart agree. This is one check, so a container whose task has
just ended or is being rescheduled is left out: it is shutting down. So is a job that ended before the database
answered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aws_exec.fleet import airflow_side
from aws_exec.fleet.listing import Filter, Problem, list_fleet
from aws_exec.fleet.model import FleetJob, State
from aws_exec.fleet.opening import Fleet
from aws_exec.fleet.service import FleetQuery
from aws_exec.fleet.waiting import describe_again
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.orphans import FleetMember, Owner, alive_in, is_owned
from aws_exec.lifecycle.values import Observation, Status

#: A container outlives its task: the supervisor notices a task that was marked failed at its next heartbeat (seconds),
#: gives it `[core] killed_task_cleanup_time` (60 s) to end, and uploads its log.
SHUTDOWN_SECONDS = 120.0

Owners = Callable[[Sequence[Identity]], Sequence[Owner]]
LastChanges = Callable[[Sequence[Identity]], Sequence[float | None]]


def find_orphans(
    fleet: Fleet,
    filters: Filter,
    now: float,
    owners: Owners = airflow_side.owners,
    last_changes: LastChanges = airflow_side.last_changes,
) -> tuple[list[FleetJob], list[Problem]]:
    """Return the orphans that match, and the parts of the fleet that could not be listed.

    Args:
        fleet: to search.
        filters: which of them to return; its deployment, or ours, is the one of the database.
        now: seconds since the epoch.
        owners: queries the database; called after the listing, so that no job is younger than its answer, and not at
            all if nothing runs: importing Airflow takes seconds.
        last_changes: when the tasks of unowned jobs last changed: within `SHUTDOWN_SECONDS`, a job is no orphan.

    Raises:
        CloudError: AWS did not answer which of them still run.
        FleetError: Airflow's database cannot be reached.
        MisusedError: the name of our deployment is unknown.
    """
    seen: list[FleetJob] = []
    problems: list[Problem] = []
    for page in list_fleet(fleet.services.values(), FleetQuery()):
        if isinstance(page, Problem):
            problems.append(page)
        else:
            seen += [job for job in page if job.identity.token and job.is_active]
    ours = fleet.deployments_of(seen, filters.deployment)
    jobs = [job for job in seen if job.identity.deployment == ours[job.service]]
    unowned = _settled(_unowned(jobs, owners), last_changes, now) if jobs else []
    left = [job for job in describe_again(fleet.services, unowned) if job.is_active and job.state is not State.STOPPING]
    return [job for job in left if filters.fits(job, now)], problems


def _unowned(jobs: Sequence[FleetJob], owners: Owners) -> list[FleetJob]:
    members = [FleetMember(Observation(job.job, Status.RUNNING), job.identity) for job in jobs]
    alive = alive_in(members)
    found = owners([job.identity for job in jobs])
    return [job for job, member, owner in zip(jobs, members, found, strict=True) if not is_owned(member, owner, alive)]


def _settled(jobs: Sequence[FleetJob], last_changes: LastChanges, now: float) -> list[FleetJob]:
    """Return the jobs whose tasks did not change in the last seconds."""
    changes = last_changes([job.identity for job in jobs]) if jobs else []
    return [
        job for job, changed in zip(jobs, changes, strict=True) if changed is None or changed <= now - SHUTDOWN_SECONDS
    ]
