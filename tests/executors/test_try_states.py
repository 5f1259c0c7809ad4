"""The state of a container's try in Airflow's database, with real rows."""

from __future__ import annotations

import pytest
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import event, select, text

from aws_exec.executors import compat
from aws_exec.executors.airflow_db import try_states
from aws_exec.lifecycle.identity import Identity
from tests.executors.rows import RUN


def container(task, number="1", index="-1", **more):
    return Identity("test", "L1-1", "etl", task, RUN, index, number, **more)


@pytest.fixture
def retried(rows):
    """A task whose first try failed, and whose second one runs."""
    rows.add("load", state="up_for_retry")
    if compat.TaskInstanceUuid is None:
        with create_session() as session:
            session.scalar(select(TaskInstance)).prepare_db_for_next_try(session)
        rows.set("load", try_number=2, state="running")
    else:
        rows.set("load", state="failed", working_set=None)
        rows.add("load", try_number=2, state="running")
    yield
    if compat.TaskInstanceUuid is None:
        with create_session() as session:
            session.execute(text("delete from task_instance_history"))


def test_the_state_is_that_of_the_row_with_the_try_and_the_map_index(rows):
    rows.add("load", state="success")
    rows.add("mapped", state="failed", map_index=0)
    rows.add("mapped", state="running", map_index=1)
    asked = [container("mapped", index="1"), container("load"), container("mapped", index="0"), container("other")]

    assert try_states(asked) == ["running", "success", "failed", ""]


def test_each_container_of_a_task_has_the_state_of_its_own_try(retried):
    assert try_states([container("load", number) for number in ("1", "2", "3", "")]) == ["failed", "running", "", ""]


def test_a_row_without_a_state_says_nothing(rows):
    rows.add("load", state=None)

    assert try_states([container("load")]) == [""]


def test_a_callback_has_no_state(rows):
    assert try_states([Identity("test", "L1-1", callback_id="c")]) == [""]


def test_many_containers_take_few_queries(rows):
    rows.add("load", state="running")
    queries = []

    def note(_, __, statement, *___):
        queries.append(statement)

    with create_session() as session:
        bind = session.get_bind()
    event.listen(bind, "before_cursor_execute", note)
    try:
        found = try_states([container("load"), *(container(f"t{number}") for number in range(499))])
    finally:
        event.remove(bind, "before_cursor_execute", note)

    assert found == ["running", *[""] * 499]
    assert len(queries) == (2 if compat.TaskInstanceUuid is None else 1)
