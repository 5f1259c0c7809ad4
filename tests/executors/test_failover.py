"""A failover: what a thousand adopted launches ask of Airflow's database, whose pool is the scheduler's."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from uuid import uuid4

import pytest
from airflow.utils.session import create_session
from sqlalchemy import event, text

from aws_exec.executors.airflow_db import read_workloads
from aws_exec.executors.workload import UnreadableRow
from tests.executors.harness import FastClock, Scheduler, task
from tests.executors.rows import ALIVE, DEAD, RUN, adopt, counted
from tests.executors.services import over_both
from tests.executors.versions import needs_sentry_integrations
from tests.scripted.services import FOR_EVER


class Database:
    """What the executor's threads have of it; the scheduler's own thread, which is the test's, does not count."""

    def __init__(self):
        self._scheduler = threading.get_ident()
        self._out = set()
        self.most = 0
        self.threads = set()
        self.statements = []

    def took(self, _connection, record, _proxy):
        """A connection has left the pool."""
        if threading.get_ident() != self._scheduler:
            self._out.add(id(record))
            self.most = max(self.most, len(self._out))

    def gave_back(self, _connection, record):
        """It is there again."""
        self._out.discard(id(record))

    def asked(self, _connection, _cursor, statement, *_):
        """A statement was sent."""
        if threading.get_ident() != self._scheduler:
            self.threads.add(threading.current_thread().name.rpartition("-")[0])
            self.statements.append(statement)


@contextmanager
def observed():
    """Airflow's database, and what is asked of it meanwhile."""
    database = Database()
    with create_session() as session:
        engine = session.get_bind()
    hooks = [("checkout", database.took), ("checkin", database.gave_back), ("before_cursor_execute", database.asked)]
    for name, hook in hooks:
        event.listen(engine, name, hook)
    try:
        yield database
    finally:
        for name, hook in hooks:
            event.remove(engine, name, hook)


def key_of(name, **fields):
    return task(name, run_id=RUN, **fields).key


@over_both
@pytest.mark.usefixtures("no_old_garbage")
def test_a_thousand_adopted_launches_take_one_connection_and_a_few_selects(started, aws, rows):
    """Each launch read its row on a thread of its own, up to 32 at once: Airflow's pool has 5 connections and 10."""
    aws.set_plan(FOR_EVER)
    scheduler = Scheduler(started(clock=FastClock(4), launch_rate=100_000, launch_burst=100_000))
    scheduler.executor.job_id = ALIVE
    names = [f"task-{number}" for number in range(1000)]
    rows.add(*names, external_id=lambda _: str(uuid4()))
    adopt(scheduler.executor)
    with observed() as database:
        scheduler.until(lambda: all(scheduler.arn(key_of(name)) for name in names), deadline=120)
    reading = [statement for statement in database.statements if "executor_config" in statement]
    print(  # noqa: T201 - measured
        f"\n1,000 adopted launches: {len(reading)} SELECTs of rows, {len(database.statements)} statements in all, "
        f"{database.most} connection"
    )
    assert database.most == 1
    assert database.threads == {"awsexec-database"}
    assert len(reading) <= 15
    assert len(aws.launches()) == 1000


@pytest.mark.parametrize(
    "fields",
    [{"queued_by_job_id": DEAD}, {"state": "running"}, {"state": "scheduled"}, {"try_number": 2}, {"map_index": 3}],
)
def test_a_row_that_is_not_ours_is_not_read(rows, fields):
    rows.add("load", **{"queued_by_job_id": ALIVE, **fields})
    assert read_workloads([("launch", key_of("load"))], ALIVE) == {}


def test_a_row_says_what_its_try_runs(rows):
    config = {"cluster": "odd"}
    (ti_id,) = rows.add("load", queued_by_job_id=ALIVE, queue="big", executor_config=config, try_number=2, map_index=5)
    key = key_of("load", number=2, map_index=5)
    (workload,) = read_workloads([("launch", key)], ALIVE).values()
    assert (workload.key, workload.queue, workload.executor_config) == (key, "big", config)
    (command,) = workload.command
    assert str(command.ti.id) == str(ti_id)
    assert str(command.dag_rel_path) == "etl.py"


@over_both
@needs_sentry_integrations
@pytest.mark.parametrize(("integration", "told"), [("our.sentry.Integration", "our.sentry.Integration"), (None, "")])
def test_what_is_adopted_runs_with_the_sentry_integration_of_its_executor(started, aws, rows, integration, told):
    """As the scheduler passes it; what is no text it ignores."""
    scheduler = Scheduler(started(clock=FastClock(20)))
    scheduler.executor.job_id = ALIVE
    scheduler.executor.sentry_integration = integration
    rows.add("load", external_id=str(uuid4()))
    adopt(scheduler.executor)
    scheduler.until(aws.launches)
    (launch,) = aws.launches()
    assert launch.workload["sentry_integration"] == told


def test_five_hundred_rows_are_one_select(rows):
    names = [f"task-{number}" for number in range(500)]
    rows.add(*names, queued_by_job_id=ALIVE)
    launches = [(name, key_of(name)) for name in names]
    with create_session() as session, counted(session) as statements:
        found = read_workloads(launches, ALIVE)
    assert len(found) == 500
    assert len(statements) == 1


def test_a_row_that_cannot_be_unpickled_refuses_its_own_launch_and_no_other(rows):
    rows.add("bad", "good", queued_by_job_id=ALIVE)
    with create_session() as session:
        session.execute(text("UPDATE task_instance SET executor_config = :junk WHERE task_id = 'bad'"), {"junk": b"?"})
    found = read_workloads([(name, key_of(name)) for name in ("bad", "good")], ALIVE)
    assert found["bad"] == UnreadableRow(key_of("bad"), "UnpicklingError")
    assert not isinstance(found["good"], UnreadableRow)


def test_what_cannot_be_read_is_told_and_waits(started, aws, rows):
    scheduler = Scheduler(started())
    scheduler.executor.job_id = ALIVE
    rows.add("bad", external_id=str(uuid4()))
    with create_session() as session:
        session.execute(text("UPDATE task_instance SET executor_config = :junk"), {"junk": b"?"})
    assert adopt(scheduler.executor).reset == []
    scheduler.until(lambda: "cannot be read" in scheduler.notes_of(key_of("bad")))
    assert key_of("bad") in scheduler.executor.running
    assert aws.launches() == []
