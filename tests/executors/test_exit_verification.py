"""A rescheduled sensor that is SCHEDULED again when its old container's end is seen: Airflow must not be told of it.

`SchedulerJobRunner.process_executor_events` (Airflow 3.3.2) takes the end of a try whose row is SCHEDULED or QUEUED for
an external kill, unless the task was deferred (`next_method`), and fails the task instance.
"""

from __future__ import annotations

from uuid import uuid4

import pytest
from airflow.jobs.scheduler_job_runner import SchedulerJobRunner
from airflow.models.dagbag import DBDagBag
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import select

from aws_exec.container.outcome import Outcome
from aws_exec.executors.airflow_db import awaited
from tests.executors.harness import Scheduler, task
from tests.executors.rows import ALIVE, DEAD, RUN, counted
from tests.executors.services import over_both
from tests.executors.versions import needs_launch_ids
from tests.scripted.services import FOR_EVER

ARN = "arn:aws:ecs:eu-central-1:123456789012:task/fleet/0123456789abcdef0123456789abcdef"
LAUNCH = "11111111-1111-4111-8111-111111111111"


class AirflowsScheduler(Scheduler):
    """Hands what an executor says to Airflow's own reading of it."""

    def listen(self):
        with create_session() as session:
            SchedulerJobRunner.process_executor_events(self.executor, ALIVE, DBDagBag(), session)


def state_of(name):
    with create_session() as session:
        return session.scalar(select(TaskInstance.state).where(TaskInstance.task_id == name))


@pytest.fixture
def sensor(started, rows, aws):
    """A sensor whose container runs; its scheduler, its key and its ARN."""
    aws.set_plan(FOR_EVER)
    scheduler = AirflowsScheduler(started())
    workload = task("sensor", run_id=RUN)
    launch_id = getattr(workload.ti, "external_executor_id", None)  # Airflow 3.1 and 3.2: none
    rows.add("sensor", external_id=launch_id, queued_by_job_id=ALIVE)
    key = scheduler.queue(workload)
    scheduler.until(aws.launches)
    rows.set("sensor", state="running")
    arn = aws.launches()[0].arn
    scheduler.until(lambda: scheduler.executor.machine.store.by_arn.get(arn))
    return scheduler, key, arn


@over_both
@pytest.mark.parametrize(("state", "exit_code"), [("scheduled", 0), ("up_for_reschedule", 0), ("scheduled", 143)])
def test_its_old_container_frees_the_key_and_fails_nothing(sensor, aws, rows, state, exit_code):
    scheduler, key, arn = sensor
    rows.set("sensor", state=state)
    aws.exit(arn, exit_code)
    scheduler.until(lambda: key not in scheduler.executor.running)
    scheduler.rest(0.1)
    assert state_of("sensor") == state
    aws.end(arn)
    scheduler.until(lambda: not scheduler.executor.machine.store.launches)


@over_both
@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.RESULT_NOT_DELIVERED, Outcome.REFUSED])
@pytest.mark.parametrize("state", ["success", "failed", "skipped", "up_for_retry", "scheduled", "deferred"])
def test_an_outcome_is_never_reported_over_what_airflow_was_told(sensor, aws, rows, state, outcome):
    scheduler, key, arn = sensor
    rows.set("sensor", state=state)
    aws.exit(arn, int(outcome))
    scheduler.until(lambda: key not in scheduler.executor.running)
    scheduler.rest(0.1)
    assert state_of("sensor") == state


@over_both
def test_one_that_exits_without_having_told_its_result_is_failed(sensor, aws):
    scheduler, key, arn = sensor
    aws.exit(arn)
    scheduler.until(lambda: state_of("sensor") != "running")
    assert state_of("sensor") == "failed"  # Airflow, which finds no DAG here, takes what it was told
    assert key not in scheduler.executor.running


@over_both
def test_a_container_that_never_told_airflow_that_it_ran_fails_its_task(sensor, aws, rows):
    scheduler, key, arn = sensor
    rows.set("sensor", state="queued", external_executor_id=arn)
    aws.exit(arn)
    scheduler.until(lambda: state_of("sensor") != "queued")
    assert key not in scheduler.executor.running


@over_both
def test_an_end_waits_until_the_database_answers(sensor, aws, rows):
    scheduler, key, arn = sensor
    with create_session() as session:
        session.connection().exec_driver_sql("ALTER TABLE task_instance RENAME TO hidden")
    try:
        aws.exit(arn)
        QuietScheduler(scheduler.executor).rest(0.3)
        assert key in scheduler.executor.running
    finally:
        with create_session() as session:
            session.connection().exec_driver_sql("ALTER TABLE hidden RENAME TO task_instance")
    rows.set("sensor", state="up_for_reschedule")
    scheduler.until(lambda: key not in scheduler.executor.running)
    assert state_of("sensor") == "up_for_reschedule"


class QuietScheduler(Scheduler):
    """Reads no events: its database is away."""

    def listen(self):
        """Nothing."""


def is_awaited(rows, **fields):
    rows.add("load", **{"queued_by_job_id": ALIVE, "external_id": LAUNCH, **fields})
    return LAUNCH in awaited([(LAUNCH, task("load", run_id=RUN).key)], ALIVE)


@pytest.mark.parametrize("state", ["running", "restarting", "success", "failed", "skipped", "up_for_retry", None])
def test_an_end_is_told_where_airflow_waits_for_it_or_will_not_mind(rows, state):
    assert is_awaited(rows, state=state)


@pytest.mark.parametrize("state", ["scheduled", "up_for_reschedule", "deferred"])
def test_an_end_is_not_told_to_a_row_that_waits_for_the_next_container_of_its_try(rows, state):
    assert not is_awaited(rows, state=state)


@pytest.mark.parametrize("state", ["scheduled", "up_for_reschedule", "deferred", "queued"])
def test_a_row_of_another_try_is_another_matter(rows, state):
    assert is_awaited(rows, state=state, try_number=2)


@pytest.mark.parametrize("external_id", [LAUNCH, ARN, None])
def test_a_row_queued_for_this_launch_waits_for_its_end(rows, external_id):
    assert is_awaited(rows, state="queued", external_id=external_id)


@pytest.mark.parametrize("state", ["queued", "running"])
@pytest.mark.parametrize(
    "fields", [{"queued_by_job_id": DEAD}, pytest.param({"external_id": str(uuid4())}, marks=needs_launch_ids)]
)
def test_a_row_of_another_scheduler_or_launch_does_not(rows, state, fields):
    assert not is_awaited(rows, state=state, **fields)


def test_a_row_that_is_gone_and_a_callback_are_told(airflow_db):
    ends = [("gone", task("gone").key), ("callback", "a-key-of-its-own")]
    assert awaited(ends, ALIVE) == {"gone": False, "callback": False}


@pytest.mark.parametrize(("state", "runs"), [("running", True), ("success", False), ("failed", False), (None, False)])
def test_a_row_that_still_runs_says_so(rows, state, runs):
    rows.add("load", queued_by_job_id=ALIVE, external_id=LAUNCH, state=state)
    assert awaited([(LAUNCH, task("load", run_id=RUN).key)], ALIVE) == {LAUNCH: runs}


def test_five_thousand_ends_are_ten_statements(airflow_db):
    ends = [(f"L{number}", task(f"task-{number}").key) for number in range(5000)]
    with create_session() as session, counted(session) as statements:
        assert len(awaited(ends, ALIVE)) == 5000
    assert len(statements) == 10
