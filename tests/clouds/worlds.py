"""The worlds of the conformance suite: a fake cloud, and ECS and Batch on the local AWS emulator."""

import itertools
import os
import shutil
import tempfile
import uuid
from pathlib import Path

from aws_exec.clouds.batch.adapter import BatchCloud
from aws_exec.clouds.cloud import Request
from aws_exec.clouds.ecs.adapter import EcsCloud
from aws_exec.lifecycle.job_name import job_name
from aws_exec.lifecycle.values import FailureKind, Job, Token
from aws_exec.local import EmbeddedAws
from aws_exec.testing import FakeCloud
from aws_exec.testing.conformance import World
from aws_exec.testing.fakes import ARNS
from tests.clouds.http_adapters import client

STARTED_BY = "awsexec/ours"
PREFIX = "airflow"
_locations = itertools.count(1)


class FakeWorld(World):
    def __init__(self, **options):
        self.cloud: FakeCloud = FakeCloud(**options)

    def request(self, token: Token) -> Request:
        return Request(token, self.location, {"token": "one"})

    def other_request(self, token: Token) -> Request:
        return Request(token, self.location, {"token": "two"})

    def start(self, job: Job) -> None:
        self.cloud.start(job)

    def finish(self, job: Job, exit_code: int) -> None:
        self.cloud.finish(job, exit_code)

    def wait_until_stopped(self, job: Job) -> None:
        pass

    def refuse_next(self) -> None:
        self.cloud.fail("submit", FailureKind.NO_CAPACITY)

    def launch_foreign(self, token: Token | None) -> Job:
        return self.cloud.add(token)

    def unknown_job(self) -> Job:
        return Job(ARNS[self.cloud.capabilities.service].format(0))

    def unhealthy(self) -> FakeCloud:
        cloud = FakeCloud()
        cloud.fail("check", FailureKind.REFUSED)
        return cloud

    def containers(self) -> int:
        return len(self.cloud.jobs())


def client_of(aws: EmbeddedAws, service: str = "ecs"):
    return client(service, region_name=aws.names.region, endpoint_url=aws.endpoint_url)


class Processes:
    """What really runs: a command that waits for its exit code at a named pipe, in the form that requests have."""

    def __init__(self):
        self._pipes = Path(tempfile.mkdtemp())

    def container(self, token: Token, deployment: str = "ours") -> dict:
        pipe = self._pipes / token
        if not pipe.exists():
            os.mkfifo(pipe)
        identity = {"AWSEXEC_TOKEN": token, "AWSEXEC_DEPLOYMENT": deployment}
        return {
            "command": ["sh", "-c", f"exit $(cat {pipe})"],
            "environment": [{"name": name, "value": value} for name, value in identity.items()],
        }

    def exit(self, token: Token, code: int) -> None:
        (self._pipes / token).write_text(str(code))

    def close(self) -> None:
        shutil.rmtree(self._pipes)


class EmbeddedWorld(World):
    """A separate cluster or job queue in a shared emulator."""

    def __init__(self, aws: EmbeddedAws, client):
        self.aws = aws
        self.client = client
        self.location = f"suite-{next(_locations)}"
        self.processes = Processes()

    def start(self, job: Job) -> None:
        self.aws.wait_for_status(job.arn, "RUNNING", 10)

    def finish(self, job: Job, exit_code: int) -> None:
        [seen] = self.cloud.describe(self.location, [job]).seen
        self.processes.exit(str(seen.token), exit_code)
        self.wait_until_stopped(job)

    def wait_until_stopped(self, job: Job) -> None:
        self.aws.wait_until(lambda: set(self.aws.history(job.arn)) & {"STOPPED", "SUCCEEDED", "FAILED"}, 10)

    def mine(self) -> list[str]:
        """The ARNs of all that was ever launched here."""
        raise NotImplementedError

    def containers(self) -> int:
        return len(self.mine())

    def close(self) -> None:
        """Make room for the next world's containers."""
        jobs = [each.seen.job for each in self.cloud.list_fleet([self.location])]
        self.cloud.stop(jobs, "the test is over")
        for arn in self.mine():
            self.aws.faults.lose(arn)
        self.processes.close()


class EcsWorld(EmbeddedWorld):
    """A cluster."""

    def __init__(self, aws: EmbeddedAws, client):
        super().__init__(aws, client)
        client.create_cluster(clusterName=self.location)
        self.cloud: EcsCloud = self.cloud_of(self.location)

    def cloud_of(self, cluster: str, **options) -> EcsCloud:
        given = {"container_name": self.aws.names.container, "started_by": STARTED_BY} | options
        return EcsCloud(lambda: self.client, cluster=cluster, **given)

    def arguments(self, token: Token, **more) -> dict:
        container = {"name": self.aws.names.container, **self.processes.container(token)}
        return {
            "cluster": self.location,
            "taskDefinition": self.aws.names.task_definition,
            "launchType": "FARGATE",
            "networkConfiguration": {"awsvpcConfiguration": {"subnets": [self.aws.names.subnet]}},
            "count": 1,
            "startedBy": STARTED_BY,
            "clientToken": token,
            "overrides": {"containerOverrides": [container]},
        } | more

    def request(self, token: Token) -> Request:
        return Request(token, self.location, self.arguments(token))

    def other_request(self, token: Token) -> Request:
        return Request(token, self.location, self.arguments(token, group="another"))

    def refuse_next(self) -> None:
        self.aws.faults.refuse_next("RESOURCE:MEMORY")

    def launch_foreign(self, token: Token | None) -> Job:
        arguments = self.arguments(token or f"{uuid.uuid4()}-1", startedBy="somebody-else")
        if token is None:
            arguments["overrides"]["containerOverrides"][0].pop("environment")
        arn = self.client.run_task(**arguments)["tasks"][0]["taskArn"]
        return Job(arn, self.location)

    def unknown_job(self) -> Job:
        names = self.aws.names
        return Job(f"arn:aws:ecs:{names.region}:{names.account}:task/{self.location}/{uuid.uuid4().hex}", self.location)

    def unhealthy(self) -> EcsCloud:
        return self.cloud_of("no-such-cluster")

    def mine(self) -> list[str]:
        return [line.arn for line in self.aws.ledger() if f"task/{self.location}/" in line.arn]


class BatchWorld(EmbeddedWorld):
    """A job queue, for job definitions of one container or of several."""

    def __init__(self, aws: EmbeddedAws, client, *, several: bool = False):
        super().__init__(aws, client)
        self.several = several
        order = [{"order": 1, "computeEnvironment": aws.names.compute_environment}]
        client.create_job_queue(jobQueueName=self.location, state="ENABLED", priority=1, computeEnvironmentOrder=order)
        self.cloud: BatchCloud = self.cloud_of()

    def cloud_of(self, client=None, **options) -> BatchCloud:
        name = self.aws.names.container if self.several else ""
        given = {"name_prefix": PREFIX, "deployment": "ours", "container_name": name} | options
        return BatchCloud(lambda: client or self.client, job_queue=self.location, **given)

    def arguments(self, token: Token, deployment: str = "ours", **more) -> dict:
        container, names = self.processes.container(token, deployment), self.aws.names
        overrides = {"containerOverrides": container}
        if self.several:
            task = {"containers": [{"name": names.container, **container}]}
            overrides = {"ecsPropertiesOverride": {"taskProperties": [task]}}
        return {
            "jobName": job_name(PREFIX, token, "dag", "task"),
            "jobQueue": self.location,
            "jobDefinition": names.multi_definition if self.several else names.job_definition,
            **overrides,
        } | more

    def request(self, token: Token) -> Request:
        return Request(token, self.location, self.arguments(token))

    def other_request(self, token: Token) -> Request:
        return Request(token, self.location, self.arguments(token, parameters={"another": "one"}))

    def refuse_next(self) -> None:
        self.aws.faults.raise_next("SubmitJob", "ServiceQuotaExceededException")

    def launch_foreign(self, token: Token | None) -> Job:
        arguments = self.arguments(token or f"{uuid.uuid4()}-1", deployment="theirs")
        if token is None:
            arguments["jobName"] = PREFIX
            for container in self.overrides_in(arguments):
                container.pop("environment")
        return Job(self.client.submit_job(**arguments)["jobArn"], self.location)

    def overrides_in(self, arguments: dict) -> list[dict]:
        if self.several:
            return arguments["ecsPropertiesOverride"]["taskProperties"][0]["containers"]
        return [arguments["containerOverrides"]]

    def unknown_job(self) -> Job:
        names = self.aws.names
        return Job(f"arn:aws:batch:{names.region}:{names.account}:job/{uuid.uuid4()}", self.location)

    def unhealthy(self) -> BatchCloud:
        self.aws.faults.raise_next("DescribeJobs", "AccessDeniedException", "no batch:DescribeJobs", status=403)
        return self.cloud

    def mine(self) -> list[str]:
        listed = self.client.get_paginator("list_jobs")
        statuses = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED")
        pages = (page for each in statuses for page in listed.paginate(jobQueue=self.location, jobStatus=each))
        return [summary["jobArn"] for page in pages for summary in page["jobSummaryList"]]
