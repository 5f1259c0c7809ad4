"""What there is to say of one job of the fleet, whichever service runs it. Frozen values, without secrets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.values import Job, Termination
from aws_exec.redaction import redact
from aws_exec.settings.common.prices import Size


class State(StrEnum):
    """How far a job is, in the words of both services."""

    WAITING = "waiting"  #: accepted, and has no location yet: ECS PROVISIONING; Batch SUBMITTED, PENDING, RUNNABLE
    STARTING = "starting"  #: its image is pulled, its containers are started
    RUNNING = "running"  #: the Airflow container has been started
    STOPPING = "stopping"  #: it is being taken down
    SUCCEEDED = "succeeded"  #: the Airflow container exited 0
    FAILED = "failed"  #: it is over, and did not


#: A size of which nothing is said.
_UNKNOWN = Size()

#: The states of a job that is not over.
ACTIVE = frozenset({State.WAITING, State.STARTING, State.RUNNING, State.STOPPING})


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One step of a job's life.

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
        identity: whom it runs for; without a token if the amazon provider launched it, without a deployment likewise.
        state: how far it is.
        status: the same in the service's own word.
        definition: `family:revision` of its task or job definition.
        size: what it was given.
        timeline: its life so far, in order.
        created, started, stopped: seconds since the epoch; None while it has not.
        stop: how the Airflow container ended; None while it has not.
        waiting: why it does not start, as AWS says it; empty if it says nothing.
        container: the name of the Airflow container; empty if there is one without a name.
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
    container: str = ""

    @property
    def id(self) -> str:
        """The id at the end of its ARN."""
        return self.job.arn.rpartition("/")[2]

    @property
    def region(self) -> str:
        """The Region that it runs in."""
        return self.job.arn.split(":")[3]

    @property
    def is_active(self) -> bool:
        """Whether anything of it runs, or will."""
        return self.state in ACTIVE

    @property
    def exit_code(self) -> int | None:
        """Of the Airflow container; None if it has none."""
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
        """`dag/task[map]@run`: what a person calls it; the ARN of a callback."""
        who = self.identity
        return self.job.arn if who.callback_id or not who.dag_id else f"{who.dag_id}/{self.task}@{who.run_id}"

    def age(self, now: float) -> float:
        """Seconds since it was accepted, until it stopped."""
        return max(0.0, (self.stopped or now) - (self.created or now))

    def billed(self, now: float) -> float:
        """Seconds that are paid for: from the pull of its image, or its start, until it stopped (Fargate's pricing)."""
        pulled = next((entry.at for entry in self.timeline if entry.what == PULL), None)
        since = pulled if pulled is not None else self.started
        return 0.0 if since is None else max(0.0, (self.stopped or now) - since)


#: What is paid for begins with it (AWS Fargate pricing: "from the time you start to download your container image").
PULL = "image pull began"


def cleaned(stop: Termination | None) -> Termination | None:
    """How a job ended, with what AWS says of it redacted."""
    if stop is None:
        return None
    said, own = redact(stop.reason), redact(stop.container_reason)
    return replace(stop, reason=said, container_reason=own, sidecars=tuple(map(redact, stop.sidecars)))


def number(text: str) -> int | None:
    """A whole number in a text; None if it is none."""
    return int(text) if text.lstrip("-").isdecimal() else None


def iso(seconds: float | None) -> str | None:
    """A time in ISO 8601, UTC; None stays None."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def plain(job: FleetJob, now: float, cost: float | None) -> dict[str, Any]:
    """A job as `-o json` shows it: the documented members, in this order (docs/cli.md)."""
    who, size = job.identity, job.size
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
        "exit_code": job.exit_code,
        "reason": (job.stop.reason if job.stop else job.waiting) or None,
        "cost_usd": None if cost is None else round(cost, 6),
    }
