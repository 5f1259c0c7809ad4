"""Clients and requests for the local AWS emulator, and programs for its containers."""

import os
import textwrap
from typing import Any

import boto3
from botocore.config import Config

from aws_exec.local import EmbeddedAws

FOREVER = "import threading; print('up'); threading.Event().wait()"


def client_of(aws: EmbeddedAws, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=aws.endpoint_url,
        region_name=aws.names.region,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 1}),
    )


def request_of(aws: EmbeddedAws, program: str | list[str] = "", **more: Any) -> dict[str, Any]:
    """A RunTask request for a Python program (or a command); `more` replaces whole arguments."""
    command = command_of(program)
    network = {"awsvpcConfiguration": {"subnets": [aws.names.subnet]}}
    return {
        "cluster": aws.names.cluster,
        "taskDefinition": aws.names.task_definition,
        "launchType": "FARGATE",
        "networkConfiguration": network,
        "overrides": {"containerOverrides": [{"name": aws.names.container, "command": command}]},
        **more,
    }


def command_of(program: str | list[str]) -> list[str]:
    return program if isinstance(program, list) else ["python", "-u", "-c", textwrap.dedent(program)]


def job_of(aws: EmbeddedAws, program: str | list[str] = "", **more: Any) -> dict[str, Any]:
    """A SubmitJob request for a Python program (or a command); `more` replaces whole arguments."""
    return {
        "jobName": "a-job",
        "jobQueue": aws.names.job_queue,
        "jobDefinition": aws.names.job_definition,
        "containerOverrides": {"command": command_of(program)},
        **more,
    }


def several_of(aws: EmbeddedAws, program: str | list[str] = "", *others: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A SubmitJob request for the definition of several containers, the Airflow container's program given."""
    containers = [{"name": aws.names.container, "command": command_of(program)}, *others]
    request = job_of(aws, jobDefinition=aws.names.multi_definition, **more)
    del request["containerOverrides"]
    return {**request, "ecsPropertiesOverride": {"taskProperties": [{"containers": containers}]}}


def register(ecs: Any, family: str, *containers: dict[str, Any]) -> str:
    """Register a task definition of containers that log to a group named after it; returns its ARN."""
    options = {"awslogs-group": family, "awslogs-stream-prefix": "x"}
    common = {"image": "any", "memory": 64, "logConfiguration": {"logDriver": "awslogs", "options": options}}
    answer = ecs.register_task_definition(
        family=family,
        containerDefinitions=[{**common, **container} for container in containers],
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
    )
    return answer["taskDefinition"]["taskDefinitionArn"]


def is_gone(pid: int) -> bool:
    """Whether there is no such process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
