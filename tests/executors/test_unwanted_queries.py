"""Which launches Airflow no longer wants, by their rows, and who ended them, by Airflow's audit log."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from airflow.models.log import Log
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import delete, event, select, text

from aws_exec.executors import compat
from aws_exec.executors.airflow_db import unwanted
from tests.executors.harness import task
from tests.executors.rows import RUN
from tests.executors.versions import of_34

QUEUED = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def audit():
    """Writes entries as the API server does."""

    def write(event, owner="admin", task_id=None, run_id=RUN, at=QUEUED + timedelta(minutes=1), **extra):
        with create_session() as session:
            log = Log(event=event, owner=owner, extra=json.dumps(extra))
            log.dttm = at
            log.dag_id, log.run_id, log.task_id = "etl", run_id, task_id
            session.add(log)

    yield write
    with create_session() as session:
        session.execute(delete(Log))


@pytest.fixture
def past_tries(rows):
    """Clears a task instance as Airflow before 3.4 does, and counts its next try."""

    def clear(name, counted=True, **fields):
        rows.add(name, state="queued", queued_dttm=QUEUED, **fields)
        with create_session() as session:
            session.scalar(select(TaskInstance)).prepare_db_for_next_try(session)
        rows.set(name, state=None, **({"try_number": 2} if counted else {}))

    yield clear
    with create_session() as session:
        session.execute(text("delete from task_instance_history"))


def said(name="load"):
    workload = task(name, run_id=RUN)
    return unwanted([("L1", workload.key)], lambda _: workload.ti.key).get("L1")


@pytest.mark.parametrize("state", ["queued", "scheduled", "running", "restarting", "deferred", "up_for_retry", None])
def test_what_waits_or_runs_is_wanted(rows, state):
    rows.add("load", state=state, queued_dttm=QUEUED)
    assert said() is None


@pytest.mark.parametrize("state", ["failed", "success", "skipped", "removed", "upstream_failed"])
def test_what_has_ended_without_a_container_is_not(rows, state):
    rows.add("load", state=state, queued_dttm=QUEUED)
    assert said() == f"its task instance is {state}"


@pytest.mark.parametrize("seconds", [-20, 5])
def test_what_a_container_of_its_own_has_ended_is_left_alone(rows, seconds):
    """The API server's clock may be behind the scheduler's."""
    rows.add("load", state="success", queued_dttm=QUEUED, last_heartbeat_at=QUEUED + timedelta(seconds=seconds))
    assert said() is None


def test_a_container_before_a_deferral_is_not_one_of_its_own(rows):
    rows.add("load", state="failed", queued_dttm=QUEUED, last_heartbeat_at=QUEUED - timedelta(minutes=5))
    assert said() == "its task instance is failed"


def test_what_is_gone_is_not_wanted(rows, audit):
    assert said() == "its task instance was deleted"
    audit("delete_dag_run", method="DELETE")
    assert said() == "its run was deleted by admin"


def test_who_marked_it_is_named(rows, audit):
    rows.add("load", state="failed", queued_dttm=QUEUED)
    audit("patch_task_instance", owner="anna", task_id="load", new_state="failed")
    assert said() == "marked failed by anna"


def test_who_marked_its_run_is_named(rows, audit):
    rows.add("load", state="skipped", queued_dttm=QUEUED)
    audit("patch_dag_run", state="failed")
    assert said() == "its run was marked failed by admin"


@pytest.mark.parametrize(
    "entry",
    [
        {"event": "patch_task_instance", "task_id": "load", "note": "look at this"},
        {"event": "patch_task_instance", "task_id": "load", "new_state": "success"},
        {"event": "patch_task_instance", "task_id": "other", "new_state": "failed"},
        {"event": "patch_dag_run", "run_id": "another", "state": "failed"},
        {"event": "clear_dag_run", "state": "failed"},
    ],
)
def test_nobody_is_named_for_what_somebody_else_was_changed_by(rows, audit, entry):
    rows.add("load", state="failed", queued_dttm=QUEUED)
    audit(**entry)
    assert said() == "its task instance is failed"


@pytest.mark.parametrize(
    "entry",
    [
        {"event": "patch_task_instance", "task_id": "load", "new_state": "failed"},
        {"event": "patch_dag_run", "state": "failed"},
    ],
)
def test_nobody_is_named_for_what_they_did_before_it_was_queued(rows, audit, entry):
    """It was cleared since, and something else failed it now; the API server's clock may be behind the scheduler's."""
    rows.add("load", state="failed", queued_dttm=QUEUED)
    audit(**entry, at=QUEUED - timedelta(hours=1))
    assert said() == "its task instance is failed"
    audit(**entry, at=QUEUED - timedelta(seconds=20))
    assert said().endswith("marked failed by admin")


def test_a_thousand_runs_that_are_deleted_at_once_are_few_questions(rows, audit):
    """One for each would take the database lane longer than it waits for an answer: it would never be done."""
    workloads = {f"run-{number}": task("load", run_id=f"run-{number}") for number in range(1000)}
    for run_id in ("run-0", "run-999"):
        audit("delete_dag_run", owner=f"who deleted {run_id}", run_id=run_id)
    sent = []

    def note(_conn, _cursor, statement, *_):
        sent.append(statement)

    with create_session() as session:
        bind = session.get_bind()
    event.listen(bind, "before_cursor_execute", note)
    try:
        found = unwanted(
            [(run_id, each.key) for run_id, each in workloads.items()],
            {each.key: each.ti.key for each in workloads.values()}.get,
        )
    finally:
        event.remove(bind, "before_cursor_execute", note)
    assert len(sent) == 4
    assert set(found) == set(workloads)
    assert {run_id: why for run_id, why in found.items() if "task instance" not in why} == {
        run_id: f"its run was deleted by who deleted {run_id}" for run_id in ("run-0", "run-999")
    }


@of_34
@pytest.mark.parametrize("state", ["queued", "failed"])
def test_what_was_cleared_while_it_waited_is_not(rows, state):
    """Airflow has replaced its row by another."""
    rows.add("load", state=state, queued_dttm=QUEUED, working_set=None, archived_reason="superseded")
    assert said() == "its task instance was cleared"


@of_34
def test_a_container_that_ended_before_a_retry_is_left_alone(rows):
    earlier = {"working_set": None, "archived_reason": "retry", "last_heartbeat_at": QUEUED}
    rows.add("load", state="failed", queued_dttm=QUEUED, **earlier)
    rows.add("load", state="queued", try_number=2)
    assert said() is None


before_34 = pytest.mark.skipif(compat.TaskInstanceUuid is not None, reason="this Airflow keeps the row of every try")


@before_34
def test_another_try_is_neither_gone_nor_judged(rows):
    rows.add("load", state="failed", queued_dttm=QUEUED, try_number=2)
    assert said() is None


@before_34
@pytest.mark.parametrize(
    ("started", "expected"),
    [(None, "its task instance was cleared"), (QUEUED, None)],
    ids=["while it waited", "after it had started"],
)
def test_what_was_cleared_is_not_wanted_unless_it_had_started(rows, past_tries, started, expected):
    """Its row is that of the next try now."""
    past_tries("load", start_date=started)
    assert said() == expected


@before_34
def test_what_is_scheduled_again_under_its_own_try_is_wanted(rows, past_tries):
    """It was cleared, and the next try is not counted yet: the executor would be asked to take back its only launch."""
    past_tries("load", counted=False)
    assert said() is None
