"""Without capacity, launches wait as ECS and Batch report it; running containers continue."""

import pytest

from tests.local.helpers import FOREVER, job_of, request_of


@pytest.fixture
def occupied(aws):
    aws.faults.occupy()
    yield
    aws.faults.vacate()


def test_what_is_launched_starts_when_there_is_room_again(aws, ecs, batch, run):
    running = run(FOREVER)
    aws.wait_for_output(running, "up")
    aws.faults.occupy()

    task = ecs.run_task(**request_of(aws))["tasks"][0]["taskArn"]
    job = batch.submit_job(**job_of(aws))["jobArn"]
    aws.wait_until(lambda: aws.history(job)[-1] == "RUNNABLE")
    assert aws.history(task) == ["PROVISIONING"]
    assert aws.history(running)[-1] == "RUNNING"

    aws.faults.vacate()
    assert aws.wait_for_exit(task).exit_code == aws.wait_for_exit(job).exit_code == 0


def test_what_waits_for_room_says_so_until_it_is_stopped(aws, ecs, batch, occupied):
    task = ecs.run_task(**request_of(aws))["tasks"][0]["taskArn"]
    job = batch.submit_job(**job_of(aws))
    aws.wait_until(lambda: aws.history(job["jobArn"])[-1] == "RUNNABLE")
    described = {"cluster": aws.names.cluster, "tasks": [task]}

    [container] = ecs.describe_tasks(**described)["tasks"][0]["containers"]
    assert container["reason"] == "4 of 4 container slots are busy"
    [detail] = batch.describe_jobs(jobs=[job["jobId"]])["jobs"]
    assert (detail["container"]["reason"], "statusReason" in detail) == ("4 of 4 container slots are busy", False)

    ecs.stop_task(cluster=aws.names.cluster, task=task)
    [container] = ecs.describe_tasks(**described)["tasks"][0]["containers"]
    assert "reason" not in container


def test_what_waits_for_room_can_be_stopped(aws, ecs, occupied):
    task = ecs.run_task(**request_of(aws))["tasks"][0]["taskArn"]

    ecs.stop_task(cluster=aws.names.cluster, task=task)

    assert not aws.wait_for_status(task, "STOPPED").started
