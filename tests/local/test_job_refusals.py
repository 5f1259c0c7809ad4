"""What Batch refuses, in its own words if they are known, and scripted failures."""

import pytest
from botocore.exceptions import ClientError

from tests.local.helpers import FOREVER, job_of, several_of

ARN = "arn:aws:batch:us-east-1:123456789012:job-definition/"

REFUSED = {
    "no name": ({"jobName": ""}, "Job name should match valid pattern"),
    "a name that begins with a hyphen": ({"jobName": "-x"}, "Job name should match valid pattern"),
    "a name with a dot": ({"jobName": "a.b"}, "Job name should match valid pattern"),
    "a name too long": ({"jobName": "n" * 129}, "Job name should match valid pattern"),
    "no such queue": ({"jobQueue": "nowhere"}, "JobQueue nowhere not found."),
    "no such definition": (
        {"jobDefinition": "nothing"},
        "JobDefinition name nothing does not exist or is not in ACTIVE status",
    ),
    "no such revision": (
        {"jobDefinition": "awsexec-job:9"},
        "JobDefinition name awsexec-job:9 does not exist or is not in ACTIVE status",
    ),
    "no such definition's ARN": ({"jobDefinition": f"{ARN}gone:1"}, f"JobDefinition {ARN}gone:1 not found."),
    "a revision that is no number": (
        {"jobDefinition": "awsexec-job:latest"},
        "Provided name awsexec-job:latest is not supported pattern[a-zA-Z_0-9-]{1,128}",
    ),
    "a parameter that there is not": (
        {"containerOverrides": {"command": ["Ref::what"]}},
        "Unable to substitute value. No parameter found for reference what",
    ),
    "a protected variable": (
        {"containerOverrides": {"environment": [{"name": "AWS_BATCH_MINE", "value": "x"}]}},
        'Environment variables cannot start with "AWS_BATCH".',
    ),
    "overrides for several containers": ({"ecsPropertiesOverride": {"taskProperties": [{}]}}, "ecsPropertiesOverride"),
    "too many attempts": ({"retryStrategy": {"attempts": 11}}, "between 1 and 10"),
    "too many rules": ({"retryStrategy": {"evaluateOnExit": [{"action": "EXIT"}] * 6}}, "at most 5"),
    "too short a timeout": ({"timeout": {"attemptDurationSeconds": 59}}, "at least 60"),
    "too many tags": ({"tags": {str(n): "" for n in range(51)}}, "at most 50"),
    "a dependency that there is not": ({"dependsOn": [{"jobId": "none"}]}, "none"),
    "an array": ({"arrayProperties": {"size": 2}}, "arrayProperties"),
    "too large a request": ({"parameters": {"p": "x" * 30 * 1024}}, "30 KiB"),
}


@pytest.mark.parametrize(("change", "words"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_request_is_refused_with_what_is_wrong(aws, batch, change, words):
    before = len(aws.ledger())

    with pytest.raises(ClientError) as caught:
        batch.submit_job(**job_of(aws, **change))

    error = caught.value.response["Error"]
    assert error["Code"] == "ClientException"
    assert words in error["Message"]
    assert len(aws.ledger()) == before


def test_a_name_may_have_128_characters(submit, job):
    assert job(submit(jobName="n" * 128))["jobName"] == "n" * 128


@pytest.mark.parametrize("spelling", ["awsexec-job", "awsexec-job:1", f"{ARN}awsexec-job", f"{ARN}awsexec-job:1"])
def test_a_definition_may_be_named_in_four_ways(submit, job, spelling):
    assert job(submit(jobDefinition=spelling))["jobDefinition"] == f"{ARN}awsexec-job:1"


def test_a_name_means_the_latest_revision_that_is_active(batch, submit, job):
    definition = {
        "type": "container",
        "platformCapabilities": ["FARGATE"],
        "containerProperties": {"image": "any", "vcpus": 1, "memory": 512},
    }
    arns = [
        batch.register_job_definition(jobDefinitionName="revised", **definition)["jobDefinitionArn"] for _ in range(3)
    ]
    batch.deregister_job_definition(jobDefinition=arns[2])

    assert job(submit(jobDefinition="revised"))["jobDefinition"] == arns[1]
    with pytest.raises(ClientError, match="not in ACTIVE status"):
        submit(jobDefinition="revised:3")


def test_a_definition_for_ec2_does_not_run_on_fargate(aws, batch):
    batch.register_job_definition(
        jobDefinitionName="for-ec2",
        type="container",
        containerProperties={"image": "any", "vcpus": 1, "memory": 512},
    )

    with pytest.raises(ClientError, match="can not run Jobs with capability EC2"):
        batch.submit_job(**job_of(aws, jobDefinition="for-ec2"))


def test_a_queue_that_is_disabled_takes_no_jobs(aws, batch):
    order = [{"order": 1, "computeEnvironment": aws.names.compute_environment}]
    batch.create_job_queue(jobQueueName="closed", state="DISABLED", priority=1, computeEnvironmentOrder=order)

    with pytest.raises(ClientError, match="closed"):
        batch.submit_job(**job_of(aws, jobQueue="closed"))


@pytest.mark.parametrize("change", [{"containerOverrides": {"command": ["true"]}}, "no-such-container"])
def test_overrides_must_fit_a_definition_of_several_containers(aws, batch, change):
    other = {"name": change, "command": ["true"]} if isinstance(change, str) else {"name": "sidecar"}
    request = several_of(aws, "", other) | ({} if isinstance(change, str) else change)

    with pytest.raises(ClientError) as caught:
        batch.submit_job(**request)

    assert caught.value.response["Error"]["Code"] == "ClientException"


def test_definitions_of_several_containers_are_described_and_revised(aws, batch):
    (definition,) = batch.describe_job_definitions(jobDefinitionName=aws.names.multi_definition)["jobDefinitions"]
    containers = definition["ecsProperties"]["taskProperties"][0]["containers"]
    assert [one["name"] for one in containers] == ["airflow", "sidecar"]

    again = {"jobDefinitionName": "several", "type": "container", "ecsProperties": definition["ecsProperties"]}
    revisions = [batch.register_job_definition(**again)["revision"] for _ in range(2)]

    assert revisions == [1, 2]
    with pytest.raises(ClientError, match="taskProperties"):
        batch.register_job_definition(**{**again, "ecsProperties": {"taskProperties": []}})


def test_overrides_too_long_for_ecs_are_taken_and_the_job_fails(aws, submit, job):
    arn = submit(["true", "x" * 8192])

    line = aws.wait_for_status(arn, "FAILED")

    assert (line.started, line.stopped_reason) == (False, "Container Overrides length must be at most 8192")
    assert "startedAt" not in job(arn)


def test_the_next_job_can_be_kept_from_starting(aws, submit, job):
    reason = "CannotPullContainerError: pull image manifest has been retried 5 time(s): not found"
    aws.faults.fail_next_start(reason)
    arn = submit()

    line = aws.wait_for_status(arn, "FAILED")

    told = job(arn)
    assert not line.started
    assert (told["statusReason"], told["container"]["reason"]) == (reason, reason)
    assert "exitCode" not in told["container"]
    assert "startedAt" not in told


def test_a_program_that_does_not_exist_never_starts(aws, submit, job):
    arn = submit(["no-such-program"])

    aws.wait_for_status(arn, "FAILED")

    told = job(arn)
    assert told["statusReason"] == "Task failed to start"
    assert told["container"]["reason"].startswith("CannotStartContainerError:")
    assert "startedAt" not in told


def test_the_next_job_can_be_stuck_runnable_for_a_reason_until_it_is_released(aws, batch, submit, job):
    reason = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement cannot be fulfilled."
    aws.faults.hold_next(reason)
    arn = submit(FOREVER)
    aws.wait_for_status(arn, "RUNNABLE")
    assert (job(arn)["status"], job(arn)["statusReason"]) == ("RUNNABLE", reason)

    aws.faults.release()

    aws.wait_for_status(arn, "RUNNING")
    assert "statusReason" not in job(arn)


def test_a_stuck_job_does_not_keep_others_from_running_and_can_be_ended(aws, batch, submit, job):
    aws.faults.hold_next("CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - Service cannot fulfill the capacity requested")
    stuck, other = submit(FOREVER), submit()
    aws.wait_for_status(other, "SUCCEEDED")

    batch.terminate_job(jobId=stuck, reason="waited long enough")
    aws.faults.release()

    told = job(stuck)
    assert (told["status"], told["statusReason"], told["attempts"]) == ("FAILED", "waited long enough", [])


def test_the_next_call_can_be_answered_with_an_error(aws, batch):
    aws.faults.raise_next("SubmitJob", "TooManyRequestsException", "Too Many Requests", status=429)
    before = len(aws.ledger())

    with pytest.raises(ClientError, match="Too Many Requests") as caught:
        batch.submit_job(**job_of(aws))

    told = caught.value.response
    assert (told["Error"]["Code"], told["ResponseMetadata"]["HTTPStatusCode"]) == ("TooManyRequestsException", 429)
    assert len(aws.ledger()) == before
