"""A task in the shape in which DescribeTasks, RunTask and StopTask answer it (API Reference, `Task`, `Container`)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_exec.local.ecs.task import ContainerRecord, EcsTask

_TIMES = (
    "createdAt",
    "connectivityAt",
    "pullStartedAt",
    "pullStoppedAt",
    "startedAt",
    "stoppingAt",
    "executionStoppedAt",
    "stoppedAt",
)


def describe(task: EcsTask, *, tags: bool) -> dict[str, Any]:
    """The task as AWS shows it.

    Args:
        task: which.
        tags: whether to show its tags (`include=["TAGS"]`).

    Returns:
        A `Task`; what is not known yet is absent, as in AWS's own answers.
    """
    shown: dict[str, Any] = {
        **task.request.facts,
        "taskArn": task.request.arn,
        "clusterArn": task.request.cluster_arn,
        "lastStatus": task.status,
        "desiredStatus": task.desired,
        "version": task.version,
        "containers": [_container(task, container) for container in task.containers],
        "connectivity": "CONNECTED",
        "healthStatus": "UNKNOWN",
        "tags": [dict(tag) for tag in task.tags] if tags else [],
    }
    shown |= {name: datetime.fromtimestamp(task.times[name], UTC) for name in _TIMES if name in task.times}
    if task.request.started_by:
        shown["startedBy"] = task.request.started_by
    if task.stop_code:
        shown |= {"stopCode": task.stop_code, "stoppedReason": task.stopped_reason}
    return shown


def _container(task: EcsTask, container: ContainerRecord) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "containerArn": container.arn,
        "taskArn": task.request.arn,
        "name": container.name,
        "image": container.image,
        "lastStatus": container.status,
        "networkInterfaces": [],
        "healthStatus": "UNKNOWN",
    }
    if container.runtime_id:
        shown["runtimeId"] = container.runtime_id
    if container.exit_code is not None:
        shown["exitCode"] = container.exit_code
    if reason := container.reason or task.waiting:
        shown["reason"] = reason
    return shown
