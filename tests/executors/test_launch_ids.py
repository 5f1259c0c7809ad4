"""The launch id: the UUID that the scheduler committed with the QUEUED state, if it is one that was never used."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from tests.executors.harness import again, task
from tests.executors.services import ECS, over_both
from tests.executors.versions import needs_launch_ids
from tests.scripted.services import Plan

pytestmark = over_both


def launch_ids(aws):
    return [launch.token.rpartition("-")[0] for launch in aws.launches()]


@needs_launch_ids
def test_a_pre_assigned_uuid_is_the_launch_id(scheduler, aws):
    workload = task()
    scheduler.until_over(scheduler.queue(workload))
    assert launch_ids(aws) == [workload.ti.external_executor_id]
    (launch,) = aws.launches()
    assert launch.environment["AWSEXEC_TOKEN"] == launch.token
    assert launch.tags["awsexec:token"] == launch.token


@pytest.mark.parametrize(
    "stale",
    [
        "arn:aws:ecs:eu-central-1:123456789012:task/fleet/0123456789abcdef0123456789abcdef",
        "arn:aws:batch:eu-central-1:123456789012:job/01234567-89ab-cdef-0123-456789abcdef",
        "b2a5c3f0e1d24c6f8a7b9c0d1e2f3a4b",
        "celery-task-17",
        "",
        None,
    ],
)
def test_anything_else_is_not(scheduler, aws, stale):
    scheduler.until_over(scheduler.queue(task(launch_id=stale)))
    (launch_id,) = launch_ids(aws)
    assert launch_id != stale
    assert UUID(launch_id).version == 4


@needs_launch_ids
def test_a_uuid_that_comes_back_with_a_deferral_is_not_taken_twice(scheduler, aws):
    """With several executors the scheduler can leave the value from before in the column."""
    aws.set_plan(Plan(run=0.05))
    first = task()
    scheduler.until_over(scheduler.queue(first))
    scheduler.told.clear()
    scheduler.until_over(scheduler.queue(first))
    before, after = launch_ids(aws)
    assert before == first.ti.external_executor_id
    assert after != before


def test_nor_is_one_that_another_task_has(scheduler, aws):
    shared = str(uuid4())
    scheduler.queue(task("one", launch_id=shared), task("two", launch_id=shared))
    scheduler.until(lambda: len(aws.launches()) == 2)
    assert len(set(launch_ids(aws))) == 2


@needs_launch_ids
def test_the_same_task_instance_queued_anew_gets_its_new_one(scheduler, aws):
    aws.set_plan(Plan(run=0.05))
    first = task()
    scheduler.until_over(scheduler.queue(first))
    second = again(first)
    scheduler.queue(second)
    scheduler.until(lambda: len(scheduler.outcomes(first.key)) == 2)
    assert launch_ids(aws) == [first.ti.external_executor_id, second.ti.external_executor_id]


def test_the_container_says_whose_it_is(scheduler, aws, service):
    workload = task("transform", number=2, map_index=5)
    scheduler.until_over(scheduler.queue(workload))
    (launch,) = aws.launches()
    expected = {
        "AWSEXEC_DAG_ID": "etl",
        "AWSEXEC_TASK_ID": "transform",
        "AWSEXEC_RUN_ID": workload.ti.run_id,
        "AWSEXEC_MAP_INDEX": "5",
        "AWSEXEC_TRY_NUMBER": "2",
        "AIRFLOW_IS_EXECUTOR_CONTAINER": "true",
    }
    assert expected.items() <= launch.environment.items()
    if service is ECS:
        assert launch.request["startedBy"].startswith("awsexec/")
    else:
        assert launch.request["jobName"] == f"airflow-{launch.token}-etl-transform"
    assert launch.tags["awsexec:task-id"] == "transform"
