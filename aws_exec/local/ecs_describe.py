"""A task in the shape in which DescribeTasks, RunTask and StopTask answer it (API Reference, `Task`, `Container`)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_exec.local.ecs_task import ContainerRecord, EcsTask
from aws_exec.local.script import Launch

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
    if container.reason:
        shown["reason"] = container.reason
    return shown


def launch(task: EcsTask) -> Launch:
    """The task as a line of the ledger."""
    record = next(
        (c for c in task.containers if "AWSEXEC_TOKEN" in task.request.specs[c.name].environment),
        task.containers[0],
    )
    environment = task.request.specs[record.name].environment
    return Launch(
        service="ecs",
        arn=task.request.arn,
        token=task.request.token,
        started_by=task.request.started_by,
        container=record.name,
        identity={name: value for name, value in environment.items() if name.startswith("AWSEXEC_")},
        status=task.status,
        created_at=task.times["createdAt"],
        started=bool(record.runtime_id),
        ended_at=record.ended_at,
        exit_code=record.exit_code,
        stop_code=task.stop_code,
        stopped_reason=task.stopped_reason,
    )
