"""A job in the shapes in which DescribeJobs and ListJobs answer it (API Reference, `JobDetail`, `JobSummary`)."""

from __future__ import annotations

from typing import Any

from aws_exec.local.batch.job import BatchJob, Ended
from aws_exec.local.batch.request import ONLY_CONTAINER
from aws_exec.local.ecs.task import EcsTask
from aws_exec.local.logs import stream_of


def detail(job: BatchJob) -> dict[str, Any]:
    """The job as DescribeJobs shows it; what is not known yet is absent, as in AWS's own answers."""
    request = job.request
    shown: dict[str, Any] = {
        **request.facts,
        "jobArn": request.arn,
        "jobId": request.id,
        "jobName": request.name,
        "jobQueue": request.queue_arn,
        "status": job.status,
        "attempts": [_attempt(job, one) for one in job.ended],
        "tags": dict(job.tags),
        "isCancelled": job.cancelled,
        "isTerminated": job.terminated,
        **_times(job),
    }
    if request.multiple:
        containers = [{**one, **_told(job.current, one["name"])} for one in request.containers]
        task = {**request.task_properties, **_task_arn(job.current), "containers": containers}
        shown |= {"container": {}, "ecsProperties": {"taskProperties": [task]}}
    else:
        container = {**request.containers[0], **_told(job.current, ONLY_CONTAINER), **_task_arn(job.current)}
        container.pop("name")
        shown["container"] = {"networkInterfaces": [], **container}
    return shown


def summary(job: BatchJob) -> dict[str, Any]:
    """The job as ListJobs shows it."""
    request = job.request
    shown: dict[str, Any] = {
        "jobArn": request.arn,
        "jobId": request.id,
        "jobName": request.name,
        "jobDefinition": request.facts["jobDefinition"],
        "status": job.status,
        **_times(job),
    }
    if not request.multiple:
        told = _told(job.current, ONLY_CONTAINER)
        shown["container"] = {name: told[name] for name in ("exitCode", "reason") if name in told}
    return shown


def milliseconds(seconds: float) -> int:
    """A time as Batch has it."""
    return int(seconds * 1000)


def _times(job: BatchJob) -> dict[str, Any]:
    shown: dict[str, Any] = {"createdAt": milliseconds(job.created_at)}
    if job.started_at is not None:
        shown["startedAt"] = milliseconds(job.started_at)
    if job.stopped_at is not None:
        shown["stoppedAt"] = milliseconds(job.stopped_at)
    if job.status_reason:
        shown["statusReason"] = job.status_reason
    return shown


def _attempt(job: BatchJob, ended: Ended) -> dict[str, Any]:
    times = ended.task.times
    shown: dict[str, Any] = {"statusReason": ended.reason, "stoppedAt": milliseconds(times["stoppedAt"])}
    if "startedAt" in times:
        shown["startedAt"] = milliseconds(times["startedAt"])
    if job.request.multiple:
        containers = [{"name": one.name, **_told(ended.task, one.name)} for one in ended.task.containers]
        return {**shown, "container": {}, "taskProperties": [{**_task_arn(ended.task), "containers": containers}]}
    container = {**_told(ended.task, ONLY_CONTAINER), **_task_arn(ended.task)}
    return {**shown, "container": {"networkInterfaces": [], **container}}


def _task_arn(task: EcsTask) -> dict[str, str]:
    """An attempt "receives a task ARN" when it reaches STARTING (`ContainerDetail`)."""
    return {"taskArn": task.request.arn} if "connectivityAt" in task.times else {}


def _told(task: EcsTask, name: str) -> dict[str, Any]:
    """What is known of one container: exit code, reason, and, once it is RUNNING, its log stream."""
    record = next(one for one in task.containers if one.name == name)
    shown: dict[str, Any] = {}
    if record.exit_code is not None:
        shown["exitCode"] = record.exit_code
    if reason := record.reason or task.waiting:
        shown["reason"] = reason
    if "startedAt" in task.times:
        shown["logStreamName"] = stream_of(task, name)
    return shown
