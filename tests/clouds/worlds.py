"""The worlds that the conformance suite runs over: a fake one, and ECS on the embedded AWS."""

import itertools
import os
import shutil
import tempfile
import uuid
from pathlib import Path

import boto3

from aws_exec.clouds.cloud import Request
from aws_exec.clouds.ecs import EcsCloud
from aws_exec.clouds.session import client_config
from aws_exec.lifecycle.values import Job, Token, Trouble
from aws_exec.local import EmbeddedAws
from aws_exec.testing import FakeCloud
from aws_exec.testing.conformance import World

STARTED_BY = "awsexec/ours"
_clusters = itertools.count(1)


class FakeWorld(World):
    def __init__(self, **options):
        self.cloud: FakeCloud = FakeCloud(**options)

    def request(self, token: Token) -> Request:
        return Request(token, self.place, {"token": "one"})

    def other_request(self, token: Token) -> Request:
        return Request(token, self.place, {"token": "two"})

    def start(self, job: Job) -> None:
        self.cloud.start(job)

    def finish(self, job: Job, exit_code: int) -> None:
        self.cloud.finish(job, exit_code)

    def wait_until_stopped(self, job: Job) -> None:
        pass

    def refuse_next(self) -> None:
        self.cloud.fail("submit", Trouble.NO_CAPACITY)

    def launch_foreign(self, token: Token | None) -> Job:
        return self.cloud.add(token)

    def unknown_job(self) -> Job:
        return Job(f"arn:aws:ecs:us-east-1:123456789012:task/fake/{uuid.uuid4().hex}")

    def unhealthy(self) -> FakeCloud:
        cloud = FakeCloud()
        cloud.fail("check", Trouble.REFUSED)
        return cloud

    def containers(self) -> int:
        return len(self.cloud.jobs())


def client_of(aws: EmbeddedAws):
    session = boto3.session.Session(aws_access_key_id="testing", aws_secret_access_key="testing")
    return session.client("ecs", region_name=aws.names.region, endpoint_url=aws.endpoint_url, config=client_config())


class EcsWorld(World):
    """A cluster of its own in a shared embedded AWS; each container waits for its exit code at a named pipe."""

    def __init__(self, aws: EmbeddedAws, client):
        self.aws = aws
        self.client = client
        self.place = f"suite-{next(_clusters)}"
        client.create_cluster(clusterName=self.place)
        self.cloud: EcsCloud = self.cloud_of(self.place)
        self._pipes = Path(tempfile.mkdtemp())

    def cloud_of(self, cluster: str, **options) -> EcsCloud:
        given = {"container_name": self.aws.names.container, "started_by": STARTED_BY} | options
        return EcsCloud(lambda: self.client, cluster=cluster, **given)

    def arguments(self, token: Token, **more) -> dict:
        pipe = self._pipes / token
        if not pipe.exists():
            os.mkfifo(pipe)
        container = {
            "name": self.aws.names.container,
            "command": ["sh", "-c", f"exit $(cat {pipe})"],
            "environment": [{"name": "AWSEXEC_TOKEN", "value": token}, {"name": "AWSEXEC_DEPLOYMENT", "value": "ours"}],
        }
        return {
            "cluster": self.place,
            "taskDefinition": self.aws.names.task_definition,
            "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": [self.aws.names.subnet]}},
            "count": 1,
            "startedBy": STARTED_BY,
            "clientToken": token,
            "overrides": {"containerOverrides": [container]},
        } | more

    def request(self, token: Token) -> Request:
        return Request(token, self.place, self.arguments(token))

    def other_request(self, token: Token) -> Request:
        return Request(token, self.place, self.arguments(token, group="another"))

    def start(self, job: Job) -> None:
        self.aws.wait_for_status(job.arn, "RUNNING", 10)

    def finish(self, job: Job, exit_code: int) -> None:
        token = next(line.token for line in self.aws.ledger() if line.arn == job.arn)
        (self._pipes / token).write_text(str(exit_code))
        self.wait_until_stopped(job)

    def wait_until_stopped(self, job: Job) -> None:
        self.aws.wait_for_status(job.arn, "STOPPED", 10)

    def refuse_next(self) -> None:
        self.aws.faults.refuse_next("RESOURCE:MEMORY")

    def launch_foreign(self, token: Token | None) -> Job:
        arguments = self.arguments(token or f"{uuid.uuid4()}-1", startedBy="somebody-else")
        if token is None:
            arguments["overrides"]["containerOverrides"][0].pop("environment")
        arn = self.client.run_task(**arguments)["tasks"][0]["taskArn"]
        return Job(arn, self.place)

    def unknown_job(self) -> Job:
        names = self.aws.names
        return Job(f"arn:aws:ecs:{names.region}:{names.account}:task/{self.place}/{uuid.uuid4().hex}", self.place)

    def unhealthy(self) -> EcsCloud:
        return self.cloud_of("no-such-cluster")

    def containers(self) -> int:
        return sum(1 for line in self.aws.ledger() if f"task/{self.place}/" in line.arn)

    def close(self) -> None:
        """Make room for the next world's containers."""
        jobs = [seen.job for seen in self.cloud.survey([self.place])]
        self.cloud.stop(jobs, "the test is over")
        for line in self.aws.ledger():
            if f"task/{self.place}/" in line.arn:
                self.aws.faults.lose(line.arn)
        shutil.rmtree(self._pipes)
