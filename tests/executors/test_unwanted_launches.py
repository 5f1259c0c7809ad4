"""A task that is marked failed while its container waits for room never starts: its row is checked, it is stopped."""

from __future__ import annotations

import json

import pytest
from airflow.models.log import Log
from airflow.utils.session import create_session
from sqlalchemy import delete

from tests.executors.harness import Scheduler, task
from tests.executors.rows import ALIVE, RUN
from tests.executors.services import over_both
from tests.scripted.services import BY_HAND


@pytest.fixture
def waiting(started, rows, aws):
    """A task whose container waits for room: its scheduler and its key."""
    aws.set_plan(BY_HAND)
    scheduler = Scheduler(started(check_interval=0.05))
    workload = task("load", run_id=RUN)
    rows.add(
        "load",
        id=rows._as_id(workload.ti.id),
        external_id=getattr(workload.ti, "external_executor_id", None),
        queued_by_job_id=ALIVE,
    )
    key = scheduler.queue(workload)
    scheduler.until(lambda: scheduler.executor.machine.store.watched)
    yield scheduler, key
    with create_session() as session:
        session.execute(delete(Log))


@over_both
def test_what_is_marked_failed_while_it_waits_is_stopped_and_its_event_log_says_who_did_that(waiting, rows):
    scheduler, key = waiting
    with create_session() as session:
        entry = Log(event="patch_task_instance", owner="anna", extra=json.dumps({"new_state": "failed"}))
        entry.dag_id, entry.run_id, entry.task_id = "etl", RUN, "load"
        session.add(entry)
    rows.set("load", state="failed")
    scheduler.until(lambda: not scheduler.executor.machine.store.launches)
    assert key not in scheduler.executor.running
    said = [text.splitlines()[0] for text in scheduler.entries_of(key)]
    assert said == ["Airflow no longer wanted it: marked failed by anna"]


@over_both
def test_what_still_waits_in_airflow_too_is_left_alone(waiting):
    scheduler, key = waiting
    checks = scheduler.executor.machine.store.state.check.due
    scheduler.until(lambda: scheduler.executor.machine.store.state.check.due > checks + 0.2)
    assert key in scheduler.executor.running
    assert scheduler.executor.machine.owns(key)
