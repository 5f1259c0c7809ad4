"""One local AWS emulator for each module; clients; a launcher of small Python programs."""

from collections.abc import Iterator
from typing import Any, Protocol

import pytest

from aws_exec.local import EmbeddedAws
from tests.local.helpers import client_of, job_of, request_of


class Run(Protocol):
    def __call__(self, program: str | list[str] = "", **more: Any) -> str: ...


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws(
        container_environment={"GIVEN": "to all", "SHADE": "starter"},
        max_containers=4,
        start_delay=0,
        stop_delay=0.04,
        stop_timeout=10,
    ) as aws:
        yield aws


@pytest.fixture(scope="module")
def ecs(aws: EmbeddedAws) -> Any:
    return client_of(aws, "ecs")


@pytest.fixture(scope="module")
def batch(aws: EmbeddedAws) -> Any:
    return client_of(aws, "batch")


@pytest.fixture(scope="module")
def logs(aws: EmbeddedAws) -> Any:
    return client_of(aws, "logs")


@pytest.fixture
def run(aws: EmbeddedAws, ecs: Any) -> Iterator[Run]:
    """Launches a program and returns its task's ARN; what still runs after the test is stopped."""
    launched = []

    def run(program: str | list[str] = "", **more: Any) -> str:
        answer = ecs.run_task(**request_of(aws, program, **more))
        assert answer["failures"] == []
        launched.append(answer["tasks"][0]["taskArn"])
        return launched[-1]

    yield run
    for arn in launched:
        if "STOPPED" not in aws.history(arn):
            aws.faults.lose(arn)


@pytest.fixture
def described(aws: EmbeddedAws, ecs: Any) -> Any:
    def described(arn: str) -> dict[str, Any]:
        cluster = arn.split("/")[-2]
        return ecs.describe_tasks(cluster=cluster, tasks=[arn], include=["TAGS"])["tasks"][0]

    return described


@pytest.fixture
def submit(aws: EmbeddedAws, batch: Any) -> Iterator[Run]:
    """Submits a program and returns its job's ARN; what is not over after the test is ended."""
    submitted = []

    def submit(program: str | list[str] = "", **more: Any) -> str:
        submitted.append(batch.submit_job(**job_of(aws, program, **more))["jobArn"])
        return submitted[-1]

    yield submit
    for arn in submitted:
        batch.terminate_job(jobId=arn, reason="the test is over")
        if "SUCCEEDED" not in aws.history(arn):
            aws.faults.lose(arn)


@pytest.fixture
def job(batch: Any) -> Any:
    """What DescribeJobs says of a job."""

    def job(arn: str) -> dict[str, Any]:
        (found,) = batch.describe_jobs(jobs=[arn])["jobs"]
        return found

    return job
