"""The running jobs of both services: list, find, describe, explain, read logs, wait and stop.

The library under the command line; it can be used without it:

    with open_fleet(FleetOptions(), os.environ) as fleet:
        for page in list_fleet(fleet.services.values(), FleetQuery()):
            ...

Importing it imports boto3 and no Airflow. Nothing that it returns holds a secret (`aws_exec.redaction`).
"""

from __future__ import annotations

from aws_exec.clouds.errors import CloudError, is_denied
from aws_exec.fleet.address import locate, parse
from aws_exec.fleet.after_stop import after_stop
from aws_exec.fleet.deadline import within
from aws_exec.fleet.errors import AmbiguousError, FleetError, MisusedError, UnknownJobError, is_missing
from aws_exec.fleet.explanation import Explanation, explain
from aws_exec.fleet.listing import Filter, Problem, UnlistedError, list_fleet
from aws_exec.fleet.model import ACTIVE, FleetJob, State, TimelineEntry, plain
from aws_exec.fleet.opening import Fleet, FleetOptions, Scope, open_fleet
from aws_exec.fleet.retries import RetryUntilDeadline
from aws_exec.fleet.service import ContextLine, FleetQuery, LogLocation, Service
from aws_exec.fleet.stopping import Stopping, check_ours, foreign_hint, stop_timeout
from aws_exec.fleet.task_log import with_task_state
from aws_exec.fleet.waiting import Until, is_well, wait
from aws_exec.settings.common.prices import Size

__all__ = [
    "ACTIVE",
    "AmbiguousError",
    "CloudError",
    "ContextLine",
    "Explanation",
    "Filter",
    "Fleet",
    "FleetError",
    "FleetJob",
    "FleetOptions",
    "FleetQuery",
    "LogLocation",
    "MisusedError",
    "Problem",
    "RetryUntilDeadline",
    "Scope",
    "Service",
    "Size",
    "State",
    "Stopping",
    "TimelineEntry",
    "UnknownJobError",
    "UnlistedError",
    "Until",
    "after_stop",
    "check_ours",
    "explain",
    "foreign_hint",
    "is_denied",
    "is_missing",
    "is_well",
    "list_fleet",
    "locate",
    "open_fleet",
    "parse",
    "plain",
    "stop_timeout",
    "wait",
    "with_task_state",
    "within",
]
