"""The one list of metrics: one that is not in here cannot be told of, one that is in here is emitted and documented.

The full name is `awsexec.<service>.<name>`, and, where a metric has a `by`, the value of that tag after it: plain
StatsD knows no tags, and would add apples to pears. Every metric carries the tags `executor_class_name` and, where
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
        by: the tag that tells its series apart, and whose value ends the name; empty if there is one series.
        tags: further tags, which are not in the name.
    """

    name: str
    kind: Kind
    meaning: str
    by: str = ""
    tags: tuple[str, ...] = ()


TAKEN: Final = Metric("workloads.taken", Kind.COUNTER, "Workloads that Airflow handed in.")
ADOPTED: Final = Metric(
    "workloads.adopted", Kind.COUNTER, "Task instances adopted from a scheduler that is gone, or that came back."
)
REQUESTS: Final = Metric(
    "requests",
    Kind.COUNTER,
    "Launch requests, by what came of them: `accepted`, or what stood in the way: `throttled`, `unreached`, "
    "`no_answer`, `no_capacity`, `credentials`, `refused`, `invalid`, `held` (not sent).",
    by="outcome",
)
LAUNCHES: Final = Metric(
    "launches",
    Kind.COUNTER,
    "Launches that are over for Airflow: `succeeded`, `failed`, or `released` (taken back: revoked, given up, or "
    "another scheduler's by now; nothing is reported of those).",
    by="outcome",
)
REPLACED: Final = Metric(
    "containers.replaced", Kind.COUNTER, "Containers that died before they started and were replaced by another."
)
QUEUED_TO_ACCEPTED: Final = Metric(
    "latency.queued_to_accepted", Kind.TIMER, "From the hand-over by Airflow to the first job that AWS accepted for it."
)
ACCEPTED_TO_RUNNING: Final = Metric(
    "latency.accepted_to_running",
    Kind.TIMER,
    "From the acceptance of a job to the first look that saw its Airflow container started: as much as `poll_interval` "
    "later than it did.",
)
QUEUED_TO_RUNNING: Final = Metric(
    "latency.queued_to_running", Kind.TIMER, "From the hand-over by Airflow to the same moment, replacements included."
)
PENDING: Final = Metric("pending", Kind.GAUGE, "Launches without a job: they wait, or are being asked for.")
ACTIVE: Final = Metric("active", Kind.GAUGE, "Launches with a job that is starting, running or being stopped.")
OUTSTANDING: Final = Metric(
    "outstanding", Kind.GAUGE, "Calls of AWS or of Airflow's database that are queued or under way."
)
OLDEST_REQUEST: Final = Metric(
    "oldest_request_seconds",
    Kind.GAUGE,
    "Seconds that the oldest call in `outstanding` has waited for its answer; 0 if there is none. Launches that wait "
    "for `launch_rate`, and calls that wait for credentials, count.",
)
ADOPTION: Final = Metric(
    "adoption_duration",
    Kind.TIMER,
    "One `try_adopt_task_instances()` (the Amazon provider's `ecs_executor.adopt_task_instances.duration`).",
)
SYNC: Final = Metric("sync_duration", Kind.TIMER, "One `sync()`: what a beat of the scheduler spends in the executor.")
API_CALLS: Final = Metric("api_calls", Kind.COUNTER, "Calls of the AWS API, failed ones included.", by="operation")
API_ERRORS: Final = Metric(
    "api_errors",
    Kind.COUNTER,
    "Calls of the AWS API that failed. `trouble` says what it was taken for: the words of `requests`.",
    by="operation",
    tags=("trouble",),
)
API_TIME: Final = Metric("api_duration", Kind.TIMER, "One call of the AWS API, answered or not.", by="operation")
THROTTLES: Final = Metric(
    "throttles",
    Kind.COUNTER,
    "Answers that said `too fast`, refusals of single tasks included; each slows the executor down.",
    by="operation",
)
ORPHANS: Final = Metric(
    "orphans", Kind.GAUGE, "Containers of this deployment that nobody owns, as of the last listing of the fleet."
)
HEALTHY: Final = Metric(
    "healthy",
    Kind.GAUGE,
    "1; or 0 after every call of some operation since the last flush was refused, unanswered, without credentials or "
    "did not get through (throttles and invalid requests do not count), until one of that operation succeeds, or "
    "nobody has tried for three minutes.",
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
