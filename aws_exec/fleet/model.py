"""One job of the fleet, of either service. Frozen values, without secrets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from aws_exec.fleet.task_state import UNKNOWN, TaskState
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.values import Job, Termination
from aws_exec.redaction import redact
from aws_exec.settings.common.prices import Size


class State(StrEnum):
    """The state of a job, the same for both services."""

    WAITING = "waiting"  #: accepted, and waits for capacity: ECS PROVISIONING; Batch SUBMITTED, PENDING, RUNNABLE
    STARTING = "starting"  #: its image is pulled, its containers are started
    RUNNING = "running"  #: the Airflow container has been started
    STOPPING = "stopping"  #: it is being stopped
    SUCCEEDED = "succeeded"  #: the Airflow container exited 0
    FAILED = "failed"  #: it has ended, and did not


#: An unknown size.
_UNKNOWN = Size()

#: The states of a job that has not ended.
ACTIVE = frozenset({State.WAITING, State.STARTING, State.RUNNING, State.STOPPING})


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One step of a job's lifecycle.

    Attributes:
        at: seconds since the epoch.
        what: `queued`, `network attached`, `image pull began`, ...
    """

    at: float
    what: str


@dataclass(frozen=True, slots=True)
class FleetJob:
    """An Airflow job at AWS.

    Attributes:
        service: `"ecs"` or `"batch"`.
        job: its ARN, and the cluster or job queue that it is in.
        identity: the task instance or callback; without token and deployment if the Amazon provider launched it.
        state: for both services the same.
        status: the service's own.
        definition: `family:revision` of its task or job definition.
        size: its resources.
        timeline: its steps so far, in order.
        created, started, stopped: seconds since the epoch; None until then.
        stop: how the Airflow container ended; None until then.
        waiting: AWS's reason why it does not start; empty if there is none.
        stopping: AWS's reason why it is being stopped; empty if there is none, or if it is not.
        container: the name of the Airflow container; empty if it has none.
        task_state: how its task ended, as far as the exit code says.
    """

    service: str
    job: Job
    identity: Identity
    state: State
    status: str
    definition: str = ""
    size: Size = _UNKNOWN
    timeline: tuple[TimelineEntry, ...] = ()
    created: float | None = None
    started: float | None = None
    stopped: float | None = None
    stop: Termination | None = None
    waiting: str = ""
    stopping: str = ""
    container: str = ""
    task_state: TaskState = UNKNOWN

    @property
    def id(self) -> str:
        """The ID at the end of its ARN."""
        return self.job.arn.rpartition("/")[2]

    @property
    def region(self) -> str:
        """The Region that it runs in."""
        return self.job.arn.split(":")[3]

    @property
    def is_active(self) -> bool:
        """Whether it runs, or will."""
        return self.state in ACTIVE

    @property
    def exit_code(self) -> int | None:
        """The Airflow container's exit code; None if it has none."""
        return self.stop.exit_code if self.stop else None

    @property
    def task(self) -> str:
        """`task`, or `task[3]` if it is mapped; a callback's id."""
        who = self.identity
        if who.callback_id:
            return f"callback {who.callback_id}"
        return f"{who.task_id}[{who.map_index}]" if who.map_index not in ("", "-1") else who.task_id

    @property
    def address(self) -> str:
        """`dag/task[map]@run`; of a callback, the ARN."""
        who = self.identity
        return self.job.arn if who.callback_id or not who.dag_id else f"{who.dag_id}/{self.task}@{who.run_id}"

    @property
    def stopping_since(self) -> float | None:
        """When it began to stop, seconds since the epoch; None if it has not, or on Batch, which does not say."""
        return next((entry.at for entry in self.timeline if entry.what == STOPPING), None)

    def age(self, now: float) -> float:
        """Return the seconds from its creation until it stopped."""
        return max(0.0, (self.stopped or now) - (self.created or now))

    def duration(self, now: float) -> float | None:
        """Return the seconds from its start until its containers exited; None if it has not started."""
        if self.started is None:
            return None
        exited = next((entry.at for entry in self.timeline if entry.what == EXITED), None)
        return max(0.0, (exited or self.stopped or now) - self.started)

    def billed(self, now: float) -> float:
        """Return the billed seconds: from the pull of its image, or its start, until it stopped (Fargate's pricing)."""
        pulled = next((entry.at for entry in self.timeline if entry.what == PULL), None)
        since = pulled if pulled is not None else self.started
        return 0.0 if since is None else max(0.0, (self.stopped or now) - since)


#: Billing begins with it (AWS Fargate pricing: "from the time you start to download your container image").
PULL = "image pull began"
#: Whether or not the image is there.
PULLED = "image pull ended"
#: The stop begins with it.
STOPPING = "stopping"
#: The network and the sidecars of a task on ECS may outlive its containers.
EXITED = "containers exited"


def cleaned(stop: Termination | None) -> Termination | None:
    """Return how a job ended, with AWS's texts redacted."""
    if stop is None:
        return None
    reason, own = redact(stop.reason), redact(stop.container_reason)
    return replace(stop, reason=reason, container_reason=own, sidecars=tuple(map(redact, stop.sidecars)))


def number(text: str) -> int | None:
    """Return the integer that a text is; None if it is none."""
    return int(text) if text.lstrip("-").isdecimal() else None


def iso(seconds: float | None) -> str | None:
    """Return a time in ISO 8601, UTC; None stays None."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def plain_task_state(task: TaskState) -> dict[str, Any]:
    """Return the state of a job's task as members of JSON."""
    source = None if task.source is None else str(task.source)
    return {"task_state": task.state or None, "task_state_source": source, "outcome": task.outcome or None}


def plain(job: FleetJob, now: float, cost: float | None) -> dict[str, Any]:
    """Return a job as `-o json` prints it: the documented members, in this order (docs/cli.md)."""
    who, size, duration = job.identity, job.size, job.duration(now)
    return {
        "service": job.service,
        "arn": job.job.arn,
        "id": job.id,
        "place": job.job.location,
        "state": str(job.state),
        "status": job.status,
        "deployment": who.deployment or None,
        "dag_id": who.dag_id or None,
        "task_id": who.task_id or None,
        "run_id": who.run_id or None,
        "map_index": number(who.map_index),
        "try_number": number(who.try_number),
        "callback_id": who.callback_id or None,
        "token": who.token or None,
        "definition": job.definition,
        "vcpu": size.vcpu,
        "memory_mib": size.memory_mib,
        "gpu": size.gpu,
        "spot": size.spot,
        "created_at": iso(job.created),
        "started_at": iso(job.started),
        "stopped_at": iso(job.stopped),
        "age_seconds": round(job.age(now)),
        "duration_seconds": None if duration is None else round(duration),
        "exit_code": job.exit_code,
        **plain_task_state(job.task_state),
        "reason": (job.stop.reason if job.stop else job.waiting or job.stopping) or None,
        "cost_usd": None if cost is None else round(cost, 6),
    }
