"""What tests tell the embedded AWS to do wrong, and what it tells them afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_exec.local.errors import AwsError

#: What ECS says of an image of Docker Hub that does not exist (see `aws_exec.diagnosis.ecs_pull`).
_NOT_FOUND = (
    "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: {image}: "
    "not found"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A RunTask that is answered with `failures` and starts nothing.

    Attributes:
        reason: as in the API: `RESOURCE:MEMORY`, `AGENT`, `Capacity is unavailable at this time ...`.
        detail: more words; empty for none.
        remembered: the refusal is the answer for its `clientToken` from then on. Whether AWS does so is not
            documented; a client must get along with both.
    """

    reason: str
    detail: str = ""
    remembered: bool = False


@dataclass(frozen=True, slots=True)
class Launch:
    """One task or job that was ever made, for a checker to read.

    Attributes:
        service: `ecs` or `batch`.
        arn: the task's or job's ARN.
        token: the `clientToken` of its request; of a job, which has none, the `AWSEXEC_TOKEN` in its environment.
        started_by: its `startedBy`; empty if it had none, and for jobs.
        container: the container that is told of below: the one with an `AWSEXEC_TOKEN`, else the first.
        identity: that container's `AWSEXEC_*` environment.
        status: the task's `lastStatus`, or the job's `status`.
        created_at: epoch seconds.
        started: whether the container's process ever ran.
        ended_at: when the container ended, epoch seconds; None while it has not, or never ran.
        exit_code: of the container; None while it has none.
        stop_code, stopped_reason: of the task; empty while it is not stopped. A job has no stop code, and its
            `statusReason` as the reason.
        name: the `jobName`; empty for tasks.
        attempts: how many containers were made of it: 1 for a task, the attempts so far for a job, of which the last
            is the one told of.
    """

    service: str
    arn: str
    token: str
    started_by: str
    container: str
    identity: Mapping[str, str]
    status: str
    created_at: float
    started: bool
    ended_at: float | None
    exit_code: int | None
    stop_code: str
    stopped_reason: str
    name: str = ""
    attempts: int = 1

    @property
    def over(self) -> bool:
        """Whether its status is a last one."""
        return self.status in {"STOPPED", "SUCCEEDED", "FAILED"}


@dataclass
class Script:
    """Faults to come. Each is used up in order; when there is none, all is well. Guarded by the loop's lock.

    Attributes:
        refusals: for RunTask.
        failed_starts: why the next tasks, or attempts of jobs, never start.
        missing_images: images that no registry has: what names one never starts.
        holds: why the next jobs stay RUNNABLE.
        errors: by operation, answered instead of doing anything.
        lag: how long after SubmitJob a job is in no answer, seconds.
    """

    refusals: list[Refusal] = field(default_factory=list)
    failed_starts: list[str] = field(default_factory=list)
    missing_images: set[str] = field(default_factory=set)
    holds: list[str] = field(default_factory=list)
    errors: dict[str, list[AwsError]] = field(default_factory=dict)
    lag: float = 0.0

    def next_refusal(self) -> Refusal | None:
        """The refusal for the RunTask at hand; None for none."""
        return self.refusals.pop(0) if self.refusals else None

    def next_failed_start(self, containers: Iterable[Mapping[str, Any]]) -> str | None:
        """The reason why the task at hand, with containers of these definitions, cannot start; None if it can."""
        for image in (container.get("image", "") for container in containers):
            if image in self.missing_images:
                return _NOT_FOUND.format(image=f"docker.io/{image}")
        return self.failed_starts.pop(0) if self.failed_starts else None

    def next_hold(self) -> str:
        """Why the job at hand stays RUNNABLE; empty if it does not."""
        return self.holds.pop(0) if self.holds else ""

    def raise_next(self, operation: str) -> None:
        """Raise the error scripted for an operation (`DescribeTasks`), if there is one."""
        if scripted := self.errors.get(operation):
            raise scripted.pop(0)
