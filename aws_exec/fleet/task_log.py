"""The end of the log of a job that has ended, and the state of its task by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from aws_exec.clouds.errors import CloudError
from aws_exec.fleet import logs
from aws_exec.fleet.errors import FleetError
from aws_exec.fleet.model import FleetJob
from aws_exec.fleet.service import Clients, Service

#: Lines that are read, with one call: the error of a task, and what follows it.
LAST_LINES = 200
#: Characters of them after which no further page is read: redacting a million takes a second.
ENOUGH = 500_000


def last_lines(service: Service, clients: Clients, job: FleetJob) -> tuple[Sequence[str], str]:
    """Return the last lines of a job's log, and why it cannot be read; a job that never started has none."""
    if job.stop is None or not job.stop.started:
        return (), ""
    try:
        location = logs.location_of(service, job)
        return [line.text for line in logs.read(clients, location, tail=LAST_LINES, enough=ENOUGH)], ""
    except FleetError as error:
        return (), str(error)
    except CloudError as error:
        return (), str(error.failure)


def with_task_state(service: Service, clients: Clients, job: FleetJob) -> tuple[FleetJob, str]:
    """Return a job with the state of its task, and why that is unknown.

    Reads the end of the log, once, if the container's exit code does not say it. There is no reason for a job whose
    container has not ended, or never started.
    """
    if job.stop is None or not job.stop.started:
        return job, ""
    known = job.task_state
    if known.may_be_in_log:
        lines, unread = last_lines(service, clients, job)
        known = known.with_log(lines)
        unknown = unread or "its log does not show it"
    else:
        unknown = f"the container's outcome is {known.outcome}"
    return replace(job, task_state=known), "" if known.state else unknown
