"""The one list of metrics: all of them are emitted and documented, and no others.

The full name is `awsexec.<service>.<name>`, and, where a metric has a `by`, the value of that tag after it: plain
StatsD has no tags, and would add up different things. Every metric carries the tags `executor_class_name` and, where
Airflow has teams, `team_name`, which are Airflow's own spellings (`executor.open_slots` in its metrics registry).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

#: What all names begin with, before the service.
PREFIX: Final = "awsexec"


class Kind(Enum):
    """What is done with a metric's values; the names are StatsD's."""

    COUNTER = "counter"  #: added up
    GAUGE = "gauge"  #: the last one counts
    TIMER = "timer"  #: milliseconds; the backend makes a distribution of them


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric.

    Attributes:
        name: after `awsexec.<service>.`.
        kind: of it.
        meaning: what it counts or measures, for the documentation.
        by: the tag that distinguishes its series, and whose value ends the name; empty if there is one series.
        tags: further tags, which are not in the name.
    """

    name: str
    kind: Kind
    meaning: str
    by: str = ""
    tags: tuple[str, ...] = ()


TAKEN: Final = Metric("workloads.taken", Kind.COUNTER, "Workloads that Airflow queued here.")
ADOPTED: Final = Metric(
    "workloads.adopted", Kind.COUNTER, "Task instances adopted from a dead scheduler, or adopted again."
)
REQUESTS: Final = Metric(
    "requests",
    Kind.COUNTER,
    "Launch requests by outcome: `accepted`, or the kind of failure: `throttled`, `unreached`, "
    "`no_answer`, `no_capacity`, `credentials`, `refused`, `invalid`, `held` (not sent).",
    by="outcome",
)
LAUNCHES: Final = Metric(
    "launches",
    Kind.COUNTER,
    "Launches that are over for Airflow: `succeeded`, `failed`, or `released` (not reported: revoked, failed by "
    "Airflow, or adopted by another scheduler).",
    by="outcome",
)
REPLACED: Final = Metric(
    "containers.replaced", Kind.COUNTER, "Containers that died before they started and were replaced by another."
)
QUEUED_TO_ACCEPTED: Final = Metric(
    "latency.queued_to_accepted",
    Kind.TIMER,
    "From the queueing of a workload to the first job that AWS accepted for it.",
)
ACCEPTED_TO_RUNNING: Final = Metric(
    "latency.accepted_to_running",
    Kind.TIMER,
    "From the acceptance of a job until its Airflow container was first seen to have started: up to `poll_interval` "
    "late.",
)
QUEUED_TO_RUNNING: Final = Metric(
    "latency.queued_to_running",
    Kind.TIMER,
    "From the queueing of a workload to the same moment, replacements included.",
)
PENDING: Final = Metric("pending", Kind.GAUGE, "Launches without a job: waiting, or with a pending request.")
ACTIVE: Final = Metric("active", Kind.GAUGE, "Launches with a job that is starting, running or being stopped.")
OUTSTANDING: Final = Metric(
    "outstanding", Kind.GAUGE, "Calls to AWS and queries of Airflow's database that are queued or in progress."
)
OLDEST_REQUEST: Final = Metric(
    "oldest_request_seconds",
    Kind.GAUGE,
    "Seconds that the oldest call in `outstanding` has waited for its answer; 0 if there is none. Includes launches "
    "that wait for `launch_rate`, and calls that wait for credentials.",
)
ADOPTION: Final = Metric(
    "adoption_duration",
    Kind.TIMER,
    "One `try_adopt_task_instances()` (the Amazon provider's `ecs_executor.adopt_task_instances.duration`).",
)
SYNC: Final = Metric(
    "sync_duration", Kind.TIMER, "One `sync()`: the time of the executor in a heartbeat of the scheduler."
)
API_CALLS: Final = Metric("api_calls", Kind.COUNTER, "AWS API calls, failed ones included.", by="operation")
API_ERRORS: Final = Metric(
    "api_errors",
    Kind.COUNTER,
    "AWS API calls that failed. `trouble` is the kind of failure, as in `requests`.",
    by="operation",
    tags=("trouble",),
)
API_TIME: Final = Metric("api_duration", Kind.TIMER, "One AWS API call, answered or not.", by="operation")
THROTTLES: Final = Metric(
    "throttles",
    Kind.COUNTER,
    "Throttled calls, refusals of single tasks included; each slows the executor down.",
    by="operation",
)
ORPHANS: Final = Metric(
    "orphans", Kind.GAUGE, "Containers of this deployment without an owner, as of the last fleet listing."
)
HEALTHY: Final = Metric(
    "healthy",
    Kind.GAUGE,
    "1; or 0 after all calls of some operation since the last flush failed (refused, unanswered, unreached or without "
    "credentials; throttled and invalid calls do not count), until a call of that operation succeeds, or none was "
    "tried for three minutes.",
)

METRICS: Final = (
    TAKEN,
    ADOPTED,
    REQUESTS,
    LAUNCHES,
    REPLACED,
    QUEUED_TO_ACCEPTED,
    ACCEPTED_TO_RUNNING,
    QUEUED_TO_RUNNING,
    PENDING,
    ACTIVE,
    OUTSTANDING,
    OLDEST_REQUEST,
    ADOPTION,
    SYNC,
    API_CALLS,
    API_ERRORS,
    API_TIME,
    THROTTLES,
    ORPHANS,
    HEALTHY,
)
