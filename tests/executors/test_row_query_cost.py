"""The rows of launches of many DAGs and many runs are asked for with as little work as those of one."""

from __future__ import annotations

import sys
from uuid import uuid4

import pytest
from airflow.utils.session import create_session
from sqlalchemy import event

from aws_exec.executors.airflow_db import awaited, still_ours
from tests.executors.harness import task
from tests.executors.rows import ALIVE, RUN


def launches(count):
    """Each of a DAG and a run of its own."""
    return [(str(uuid4()), task("load", dag_id=f"dag-{n}", run_id=f"run-{n}").key) for n in range(count)]


def calls_of(function, *arguments):
    """How many Python functions it calls, on this thread."""
    count = 0

    def note(_frame, what, _argument):
        nonlocal count
        count += what == "call"

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        function(*arguments)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("ask", [still_ours, awaited])
def test_five_times_the_dags_and_runs_are_five_times_the_work(rows, ask):
    """Pairing each DAG with each run, as Airflow's own condition does, is 25 times: 500 ends took 1.5 s of the GIL."""
    few, many = launches(100), launches(500)
    ask(few, ALIVE)  # what is compiled once
    assert calls_of(ask, many, ALIVE) <= 6 * calls_of(ask, few, ALIVE)


def test_they_are_one_statement_with_four_parameters_each_at_most(rows):
    sent = []

    def note(_conn, _cursor, statement, parameters, *_):
        if "task_instance" in statement:
            sent.append(len(parameters))

    with create_session() as session:
        bind = session.get_bind()
    event.listen(bind, "before_cursor_execute", note)
    try:
        still_ours(launches(500), ALIVE)
    finally:
        event.remove(bind, "before_cursor_execute", note)
    (parameters,) = sent
    assert parameters <= 4 * 500 + 1


def test_a_row_is_that_of_its_own_dag_run_map_index_and_try(rows):
    rows.add("load", "store", queued_by_job_id=ALIVE)
    rows.add("load", queued_by_job_id=ALIVE, map_index=1, try_number=2)
    mine = {
        name: (str(uuid4()), task(task_id, **{"run_id": RUN, **fields}).key)
        for name, (task_id, fields) in {
            "load": ("load", {}),
            "store": ("store", {}),
            "mapped": ("load", {"map_index": 1, "number": 2}),
            "another map index": ("store", {"map_index": 1}),
            "another run": ("load", {"run_id": "other"}),
            "another try": ("load", {"map_index": 1}),
            "another DAG": ("load", {"dag_id": "other"}),
            "nothing": ("drop", {}),
        }.items()
    }
    ours = still_ours(mine.values(), ALIVE)
    assert {name for name, (launch_id, _) in mine.items() if launch_id in ours} == {"load", "store", "mapped"}
