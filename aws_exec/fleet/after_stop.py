"""What Airflow will do with the task of a job once it is stopped, by the task's row in Airflow's database.

The executor reports a stopped job as failed, and the scheduler then retries or fails the task (Airflow's
`TaskInstance.handle_failure`), if its row still waits for this job's try.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import compress

from aws_exec.fleet import airflow_side
from aws_exec.fleet.deadline import within
from aws_exec.fleet.errors import FleetError
from aws_exec.fleet.model import FleetJob
from aws_exec.fleet.opening import Fleet
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.orphans import TaskRow
from aws_exec.settings.file.discovery import airflow_home

#: Seconds for the query: somebody waits to stop jobs.
LIMIT_SECONDS = 15.0
#: What is said of a job whose row does not tell.
NOT_KNOWN = "not known"

#: States of a row that waits for its container.
_WAIT_FOR_A_CONTAINER = frozenset({"queued", "running", "restarting"})

TaskRows = Callable[[Sequence[Identity]], Sequence[TaskRow | None]]


def after_stop(
    fleet: Fleet,
    jobs: Sequence[FleetJob],
    task_rows: TaskRows = airflow_side.task_rows,
    limit: float = LIMIT_SECONDS,
) -> list[str]:
    """Return what Airflow will do with each job's task: `fail`, `retry 2 of 3`, `nothing: success`, `not known`.

    Args:
        fleet: whose deployment is the one of the database: of other deployments' jobs it knows nothing.
        jobs: to be stopped, in this order.
        task_rows: queries the database.
        limit: of the query in seconds; importing Airflow takes 2 to 5 more.

    Raises:
        FleetError: Airflow's database is not configured here, cannot be read, or did not answer in time.
    """
    if not _has_database(fleet):
        raise FleetError("Airflow's database is not configured in this shell")
    try:
        deployments = fleet.deployments_of(jobs)
        is_ours = [_is_task_of(job, deployments[job.service]) for job in jobs]
        identities = [job.identity for job in compress(jobs, is_ours)]
        # Airflow is imported here: it redirects standard output meanwhile, and the thread of a query may be given up.
        task_rows([])
        rows = within(limit, lambda: task_rows(identities), lambda: "")
        return [_reaction(job, next(rows)) if ours else NOT_KNOWN for job, ours in zip(jobs, is_ours, strict=True)]
    except TimeoutError as error:
        raise FleetError(f"Airflow's database did not answer within {limit:.0f}s") from error
    except FleetError as error:
        raise FleetError(f"Airflow's database cannot be read ({type(error.__cause__ or error).__name__})") from error


def _has_database(fleet: Fleet) -> bool:
    """Return whether Airflow's database is configured, without importing Airflow; SQLite's default file counts."""
    options = (f"sql_alchemy_conn{suffix}" for suffix in ("", "_cmd", "_secret"))
    configured = any(fleet.configured.configuration.airflow_value("database", option) for option in options)
    return configured or (airflow_home(os.environ) / "airflow.db").is_file()


def _is_task_of(job: FleetJob, deployment: str) -> bool:
    who = job.identity
    return bool(who.token) and not who.callback_id and who.deployment == deployment


def _reaction(job: FleetJob, row: TaskRow | None) -> str:
    who = job.identity
    if row is None:
        return "nothing: deleted"
    if str(row.try_number) != who.try_number:
        return f"nothing: now try {row.try_number}"
    if row.state not in _WAIT_FOR_A_CONTAINER:
        return f"nothing: {row.state or 'cleared'}"
    if row.names not in ("", job.job.arn, job.id, who.launch_id):
        return NOT_KNOWN  # the row names another container of this try
    # Airflow's `is_eligible_to_retry`: what was cleared while it ran is always run again.
    is_retried = row.state == "restarting" or 0 < row.try_number <= row.max_tries
    return f"retry {row.try_number + 1} of {row.max_tries + 1}" if is_retried else "fail"
