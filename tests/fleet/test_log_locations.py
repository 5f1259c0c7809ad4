"""The location of a log is what AWS reports: no stream is guessed, and none exists for another log driver."""

import pytest
from botocore.stub import Stubber

from aws_exec.fleet import FleetError, FleetJob, LogLocation, State, logs
from aws_exec.fleet.batch import BatchFleet
from aws_exec.fleet.ecs import EcsFleet
from aws_exec.fleet.explanation import explain
from aws_exec.fleet.retries import Retries
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.values import Job
from awsexec_cli.commands import describe
from tests.clouds.batch_answers import ARN, detail, environment
from tests.clouds.http_adapters import client

TASK = "arn:aws:ecs:eu-central-1:123456789012:task/fleet/0a1b"
DOCKER = "5f2b4c1d7e9a" * 5
GROUP = {"awslogs-group": "/airflow", "awslogs-region": "us-west-2"}
WHO = Identity("test", "11111111-1111-4111-8111-111111111111-1", "dag", "task", "run", "-1", "1")


class Scripted:
    """A service whose client answers as scripted."""

    def __init__(self, name):
        made = client(name, region_name="eu-central-1")
        self.stub = Stubber(made)
        self.stub.activate()
        self.clients = lambda service, region="": made
        self.fleet = {"ecs": EcsFleet, "batch": BatchFleet}[name](self.clients, Retries(), container_name="airflow")

    def answers(self, operation, **answer):
        self.stub.add_response(operation, answer)
        return self


def ecs(driver="awslogs", *, containers=None, **options):
    """ECS with a definition of this log driver, asked for the task too where containers are given (None: unknown)."""
    log = {"logDriver": driver, "options": {name.replace("_", "-"): value for name, value in options.items()}}
    definition = {"containerDefinitions": [{"name": "airflow", "logConfiguration": log}, {"name": "proxy"}]}
    scripted = Scripted("ecs").answers("describe_task_definition", taskDefinition=definition)
    if containers is not None:
        scripted.answers("describe_tasks", tasks=[{"taskArn": TASK, "containers": each} for each in containers])
    job = FleetJob("ecs", Job(TASK, "fleet"), WHO, State.RUNNING, "RUNNING", "airflow:1", container="airflow")
    location = scripted.fleet.log_location(job)
    scripted.stub.assert_no_pending_responses()
    return location


def test_with_a_stream_prefix_the_stream_is_named_after_prefix_container_and_task():
    location = ecs(**GROUP, awslogs_stream_prefix="jobs")
    assert location == LogLocation("/airflow", "jobs/airflow/0a1b", "us-west-2")


def test_without_a_stream_prefix_the_stream_is_the_id_that_docker_gave_the_container():
    containers = [{"name": "proxy", "runtimeId": "another"}, {"name": "airflow", "runtimeId": DOCKER}]
    assert ecs(**GROUP, containers=[containers]) == LogLocation("/airflow", DOCKER, "us-west-2")


@pytest.mark.parametrize("containers", [[[{"name": "airflow"}]], [[]], []], ids=["not created", "none", "forgotten"])
def test_without_a_stream_prefix_there_is_no_stream_before_the_container_has_an_id(containers):
    assert ecs(**GROUP, containers=containers) == LogLocation("/airflow", "", "us-west-2")


@pytest.mark.parametrize("driver", ["awsfirelens", "splunk"])
def test_what_another_driver_writes_has_no_group_and_no_stream(driver):
    assert ecs(driver, Name="datadog") == LogLocation("", "", "eu-central-1", driver)


def test_describe_names_the_other_driver_and_shows_no_stream():
    assert describe._log(LogLocation("", "", "eu-central-1", "awsfirelens")) == "awsfirelens (not in CloudWatch Logs)"
    assert describe._log(LogLocation("/airflow", "", "eu-central-1")) == "/airflow (not begun)"


def batch(job):
    scripted = Scripted("batch").answers("describe_jobs", jobs=[job])
    [found] = scripted.fleet.describe("ours", [ARN])
    return scripted.answers("describe_jobs", jobs=[job]), found


def test_a_batch_job_with_another_driver_has_no_group_and_no_stream():
    log = {"logDriver": "splunk", "options": {}}
    container = {"environment": environment(), "logConfiguration": log, "logStreamName": "d/default/1"}
    scripted, found = batch(detail(container=container))
    assert scripted.fleet.log_location(found) == LogLocation("", "", "us-east-1", "splunk")


#: A job on Amazon EKS: its container ran out of memory, beside an init container that ended well.
POD = {
    "container": {},
    "eksProperties": {"podProperties": {"containers": [{"name": "main", "env": environment(), "exitCode": 137}]}},
    "eksAttempts": [
        {
            "startedAt": 1_000,
            "stoppedAt": 61_000,
            "containers": [{"name": "main", "exitCode": 137, "reason": "OOMKilled"}],
            "initContainers": [{"name": "init", "exitCode": 0, "reason": "Completed"}],
            "statusReason": "Essential container in task exited",
        }
    ],
    "startedAt": 1_000,
    "stoppedAt": 61_000,
    "statusReason": "Essential container in task exited",
}


def test_a_job_on_kubernetes_is_explained_by_how_its_container_ended():
    scripted, found = batch(detail("FAILED", **POD))
    assert (found.stop.exit_code, found.stop.container_reason, found.stop.sidecars) == (137, "OOMKilled", ())
    said = explain(scripted.fleet, scripted.clients, found, 100.0)
    assert (said.headline, said.diagnosis.rule) == ("The container exited with 137 after 1m00s.", "out-of-memory")
    assert said.unread == "d logs to kubernetes, not to CloudWatch (awslogs): look there"


def test_a_log_of_another_driver_is_not_looked_for_in_cloudwatch():
    scripted, found = batch(detail("RUNNING", **{**POD, "eksAttempts": [], "startedAt": 1_000}))
    with pytest.raises(FleetError, match="logs to kubernetes, not to CloudWatch"):
        logs.location_of(scripted.fleet, found)
