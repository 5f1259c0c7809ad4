"""A response without its required members is an error, not an empty result."""

from __future__ import annotations

import pytest

from aws_exec.clouds.errors import CloudError
from aws_exec.lifecycle.values import FailureKind, Job
from tests.clouds.http_adapters import batch_cloud, ecs_cloud
from tests.scripted.services import ScriptedBatch, ScriptedEcs, altered

LAUNCH = "0f3e1a52-0000-4000-8000-000000000001"
ECS_JOB = Job("arn:aws:ecs:eu-central-1:123456789012:task/fleet/" + "1" * 32)
BATCH_JOB = Job("arn:aws:batch:eu-central-1:123456789012:job/" + LAUNCH)

ODD = {
    "HTML": b"<html>Service is busy</html>",
    "empty": b"",
    "an empty object": b"{}",
    "half an object": b'{"jobs": [{"jobId": "0f3e1a5',
    "items without members": b'{"tasks": [{}], "taskArns": [], "jobs": [{}], "jobSummaryList": [{}]}',
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
@pytest.mark.parametrize(
    ("scripted", "cloud", "job"), [(ScriptedEcs, ecs_cloud, ECS_JOB), (ScriptedBatch, batch_cloud, BATCH_JOB)]
)
def test_no_job_is_missing_for_it(scripted, cloud, job, body):
    with scripted() as aws:
        aws.goes_wrong(altered(lambda _: body))
        with pytest.raises(CloudError) as raised:
            cloud(aws).describe("", [job])
    assert raised.value.failure.kind is FailureKind.NO_ANSWER


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
@pytest.mark.parametrize("operation", ["ListJobs", "DescribeJobs"])
def test_no_launch_is_believed_unlaunched_for_it(operation, body):
    """Where nothing keeps a second request from making a second job."""
    with ScriptedBatch() as aws:
        aws.goes_wrong(altered(lambda _: body), operation)
        with pytest.raises(CloudError) as raised:
            batch_cloud(aws).find([LAUNCH], [""])
    assert raised.value.failure.kind is FailureKind.NO_ANSWER


@pytest.mark.parametrize("body", [body for name, body in ODD.items() if not name.startswith("items")])
def test_no_task_is_believed_gone_for_it(body):
    with ScriptedEcs() as aws:
        aws.goes_wrong(altered(lambda _: body), "ListTasks")
        with pytest.raises(CloudError) as raised:
            ecs_cloud(aws).find([LAUNCH], [""])
    assert raised.value.failure.kind is FailureKind.NO_ANSWER
