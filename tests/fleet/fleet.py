"""A running fleet on the local AWS emulator: jobs of this deployment, of another, and of the Amazon provider."""

from __future__ import annotations

import json
import textwrap
from uuid import uuid4

import boto3

from aws_exec.lifecycle.identity import Identity, started_by
from aws_exec.lifecycle.job_name import job_name
from aws_exec.local import EmbeddedAws

#: Whoever finds one of these in an output has found a leak.
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJzZWNyZXQifQ.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
PASSWORD = "hunter2-the-password"
SECRETS = (JWT, JWT[:30], PASSWORD)

OURS = "ours"
FOREVER = f"import threading; print('up and running', flush=True); print('token={JWT}'); threading.Event().wait()"
FAILS = "print('before the end'); print('it went wrong'); raise SystemExit(3)"


def client_of(aws: EmbeddedAws, service: str):
    return boto3.client(
        service,
        endpoint_url=aws.endpoint_url,
        region_name=aws.names.region,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


def identity(
    task: str, *, deployment: str = OURS, dag: str = "etl", map_index: str = "-1", run: str = "r1"
) -> Identity:
    return Identity(deployment, f"{uuid4()}-1", dag, task, run, map_index, "1")


def workload(task: str, program: str = "") -> list[str]:
    """The command line of the amazon provider's executors; without a program it only shows what it looks like."""
    ti = {"id": str(uuid4()), "dag_id": "legacy", "task_id": task, "run_id": "r9", "try_number": 2, "map_index": 4}
    said = json.dumps({"token": JWT, "ti": ti, "type": "ExecuteTask"})
    return ["python", "-u", "-c", program or FOREVER, "--json-string", said]


class Fleet:
    """Launches into an embedded AWS."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self.aws = aws
        self.ecs = client_of(aws, "ecs")
        self.batch = client_of(aws, "batch")

    def container(self, who: Identity | None, program: str = FOREVER) -> dict:
        pairs = {**(who.environment() if who else {}), "DB_PASSWORD": PASSWORD, "PLAIN": "to be seen"}
        return {
            "command": ["python", "-u", "-c", textwrap.dedent(program), "--json-string", json.dumps({"token": JWT})],
            "environment": [{"name": name, "value": value} for name, value in pairs.items()],
        }

    def task(self, who: Identity | None, program: str = FOREVER, command: list[str] | None = None) -> str:
        """An ECS task; its ARN."""
        names = self.aws.names
        container = {"name": names.container, **self.container(who, program)}
        if command:
            container["command"] = command
        more = {"startedBy": started_by(who.deployment), "clientToken": who.token} if who else {}
        answer = self.ecs.run_task(
            cluster=names.cluster,
            taskDefinition=names.task_definition,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": [names.subnet]}},
            overrides={"containerOverrides": [container]},
            **more,
        )
        return answer["tasks"][0]["taskArn"]

    def job(self, who: Identity | None, program: str = FOREVER, command: list[str] | None = None) -> str:
        """A Batch job; its ARN."""
        container = self.container(who, program)
        if command:
            container["command"] = command
        name = job_name("awsexec", who.token, who.dag_id, who.task_id) if who else "a-job"
        answer = self.batch.submit_job(
            jobName=name,
            jobQueue=self.aws.names.job_queue,
            jobDefinition=self.aws.names.job_definition,
            containerOverrides=container,
        )
        return answer["jobArn"]
