"""The end of a first try and the job of the second become known in one heartbeat: Airflow must lose neither.

`SchedulerJobRunner.process_executor_events` takes one try of a task instance out of what an executor hands it, the one
that comes last, and drops the others.
"""

from __future__ import annotations

from uuid import uuid4

import pytest
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.dagbag import DBDagBag
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import select

from aws_exec.executors import compat
from tests.executors.harness import task
from tests.executors.rows import ALIVE, RUN

SECOND_JOB = "arn:aws:ecs:eu-central-1:123456789012:task/fleet/0123456789abcdef0123456789abcdef"


def keys():
    return [task("load", run_id=RUN, number=number).key for number in (1, 2)]


def read_by_the_scheduler(executor):
    """The row's external id after Airflow's scheduler has read the executor's events."""
    with create_session() as session:
        SchedulerJobRunner.process_executor_events(executor, ALIVE, DBDagBag(), session)
    with create_session() as session:
        return session.scalar(select(TaskInstance.external_executor_id).where(TaskInstance.task_id == "load"))


@pytest.mark.parametrize("first_to_be_told", ["the end of the first", "the job of the second"])
def test_the_second_trys_row_gets_its_job(rows, started, first_to_be_told):
    executor = started()
    first, second = keys()
    rows.add("load", try_number=2, queued_by_job_id=ALIVE, external_id=str(uuid4()))
    tell = [
        lambda: executor.change_state(first, compat.final_state(first, success=False), "exit code 1"),
        lambda: executor.running_state(second, SECOND_JOB),
    ]
    for say in tell if first_to_be_told == "the end of the first" else reversed(tell):
        say()

    assert read_by_the_scheduler(executor) == SECOND_JOB


@pytest.mark.skipif(compat.TaskInstanceUuid is not None, reason="this Airflow reads the events of every try")
def test_the_end_of_an_only_try_is_handed_over(started):
    executor = started()
    first, second = keys()
    other = task("other", number=1).key
    executor.change_state(second, compat.final_state(second, success=True))
    executor.change_state(other, compat.final_state(other, success=True))
    executor.change_state(first, compat.final_state(first, success=False))

    assert set(executor.get_event_buffer()) == {second, other}
    assert executor.get_event_buffer() == {}
