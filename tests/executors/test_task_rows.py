"""The rows of containers' task instances, whatever their state."""

import pytest

from aws_exec.executors.airflow_db import task_rows
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.orphans import TaskRow
from tests.executors.rows import RUN
from tests.executors.versions import of_34


def identity(task="load", **more):
    return Identity("test", "L1-1", "etl", task, RUN, "-1", "1", **more)


@pytest.mark.parametrize("state", ["running", "queued", "success", "up_for_retry", None])
def test_a_row_has_its_state_its_try_its_retries_and_the_container_that_it_names(rows, state):
    rows.add("load", state=state, external_id="arn:1", try_number=2)

    assert task_rows([identity()]) == [TaskRow(state or "", 2, 3, "arn:1")]


def test_what_has_no_row_has_none(rows):
    rows.add("load", state="running")

    found = task_rows([identity("gone"), identity(callback_id="c-1"), identity()])

    assert found == [None, None, TaskRow("running", 1, 3, "")]
    assert task_rows([]) == []


@of_34
def test_an_archived_row_has_the_reason_as_its_state(rows):
    (ti_id,) = rows.add("load", state="running", working_set=None, archived_reason="superseded")

    assert task_rows([identity(task_instance=str(ti_id))]) == [TaskRow("superseded", 1, 3, "")]
