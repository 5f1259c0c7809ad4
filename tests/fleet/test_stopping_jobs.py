"""Jobs that are being stopped, as both services describe them: their state, the reason, the time that is left."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from botocore.stub import Stubber

from aws_exec.fleet import FleetJob, State
from aws_exec.fleet.batch import BatchFleet
from aws_exec.fleet.ecs import EcsFleet
from aws_exec.fleet.retries import Retries
from aws_exec.lifecycle.values import Termination
from awsexec_cli.exit_codes import Exit
from awsexec_cli.termination import ended_in_words
from tests.clouds.batch_answers import ARN, detail, environment, several
from tests.clouds.http_adapters import client
from tests.fleet.fleet import FOREVER, Fleet, identity
from tests.fleet.test_screens import job as known

REASON = "anna: wrong source (awsexec terminate)"
TASK = "arn:aws:ecs:eu-central-1:123456789012:task/fleet/0123456789abcdef0123456789abcdef"
ECS = ["RUNNING", "PENDING", "PROVISIONING"]
STARTED = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


class Answers:
    """A service's client with scripted responses."""

    def __init__(self, name):
        self._client = client(name, region_name="eu-central-1")
        self._stub = Stubber(self._client)
        self._stub.activate()

    def add(self, operation, answer):
        self._stub.add_response(operation, answer)

    def __call__(self, *_):
        return self._client


@pytest.fixture
def ecs():
    return Answers("ecs")


@pytest.fixture
def batch():
    return Answers("batch")


def task(answers, **more) -> FleetJob:
    pairs = environment()
    shown = {
        "taskArn": TASK,
        "clusterArn": "arn:aws:ecs:eu-central-1:123456789012:cluster/fleet",
        "taskDefinitionArn": "arn:aws:ecs:eu-central-1:123456789012:task-definition/etl:7",
        "containers": [{"name": "airflow", "lastStatus": "RUNNING"}],
        "overrides": {"containerOverrides": [{"name": "airflow", "environment": pairs}]},
        **more,
    }
    answers.add("describe_tasks", {"tasks": [shown]})
    [found] = EcsFleet(answers, Retries()).describe("fleet", [TASK])
    return found


def job(answers, shown) -> FleetJob:
    answers.add("describe_jobs", {"jobs": [shown]})
    [found] = BatchFleet(answers, Retries()).describe("ours", [ARN])
    return found


@pytest.mark.parametrize("status", ECS)
def test_a_task_is_stopping_from_the_request_on_whatever_its_last_status(ecs, status):
    found = task(ecs, lastStatus=status, desiredStatus="STOPPED", stoppedReason=REASON, stoppingAt=STARTED)

    assert (found.state, found.stopping, found.status) == (State.STOPPING, REASON, status)
    assert (found.stopping_since, found.stop) == (STARTED.timestamp(), None)


def test_a_running_task_is_not_stopping(ecs):
    found = task(ecs, lastStatus="RUNNING", desiredStatus="RUNNING")

    assert (found.state, found.stopping, found.stopping_since) == (State.RUNNING, "", None)


@pytest.mark.parametrize("status", ["STARTING", "RUNNING"])
def test_a_terminated_job_is_stopping_until_its_container_has_exited(batch, status):
    found = job(batch, detail(status, isTerminated=True, statusReason=REASON))

    assert (found.state, found.stopping, found.status) == (State.STOPPING, REASON, status)
    assert found.stopping_since is None


def test_a_job_that_has_ended_is_not_stopping(batch):
    found = job(batch, detail("FAILED", isTerminated=True, statusReason=REASON))

    assert (found.state, found.stopping) == (State.FAILED, "")


@pytest.mark.parametrize(("of_definition", "seconds"), [({"stopTimeout": 90}, 90), ({}, 30)])
def test_a_task_has_the_stop_timeout_of_its_definition_or_30_seconds(ecs, of_definition, seconds):
    found = task(ecs, lastStatus="RUNNING")
    definitions = [{"name": "sidecar", "stopTimeout": 2}, {"name": "airflow", **of_definition}]
    ecs.add("describe_task_definition", {"taskDefinition": {"containerDefinitions": definitions}})

    assert EcsFleet(ecs, Retries()).stop_timeout(found) == seconds


@pytest.mark.parametrize(
    ("shown", "seconds"),
    [
        (detail(), 30),
        (several({"name": "airflow", "environment": environment(), "stopTimeout": 90}, {"name": "sidecar"}), 90),
    ],
)
def test_a_job_has_the_stop_timeout_of_its_container_or_30_seconds(batch, shown, seconds):
    found = job(batch, shown)
    batch.add("describe_jobs", {"jobs": [shown]})

    assert BatchFleet(batch, Retries()).stop_timeout(found) == seconds


def test_a_job_that_never_started_is_not_said_to_have_had_a_container_that_exited(aws, shell):
    aws.faults.occupy()
    try:
        arn = Fleet(aws).job(identity("waits"), FOREVER)
        done = shell("terminate", arn, "--yes", "--wait", "--include-foreign", **aws.environment())
    finally:
        aws.faults.vacate()

    assert done.code == Exit.OK
    assert re.fullmatch(r"The job ended after \d+s; its container never started\.", done.err.splitlines()[-1])
    assert "exited" not in done.err


def test_of_several_jobs_those_that_never_started_are_counted():
    ran, other, never = (
        replace(
            known(number, "load", "failed", age=1), stop=Termination("ecs", exit_code=code, started=code is not None)
        )
        for number, code in enumerate((143, 0, None), 1)
    )

    assert ended_in_words([ran, other], "3s") == "All 2 containers exited with 0, 143 after 3s."
    assert ended_in_words([ran], "3s") == "The container exited with 143 after 3s."
    assert (
        ended_in_words([ran, never], "3s") == "All 2 jobs ended after 3s; 1 never started, the others exited with 143."
    )
