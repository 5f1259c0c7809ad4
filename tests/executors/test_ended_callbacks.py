"""A listing looks for the ends of callbacks that nobody here will tell; that is to list all that has ended."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from airflow.utils.session import create_session
from sqlalchemy import delete, insert

from aws_exec import AwsEcsExecutor
from aws_exec.executors.fleet_listing import FleetLister
from tests.executors.harness import Scheduler, callback, with_part
from tests.executors.versions import Callback, needs_callbacks
from tests.scripted.services import FOR_EVER

pytestmark = needs_callbacks


@pytest.fixture
def given(airflow_db):
    """Say that some executor was given these callbacks."""

    def given(*ids):
        rows = [
            {
                "id": UUID(each),
                "type": "executor",
                "fetch_method": "import_path",
                "data": {},
                "state": "queued",
                "priority_weight": 1,
                "created_at": datetime.now(tz=UTC),
            }
            for each in ids
        ]
        with create_session() as session:
            session.execute(insert(Callback.__table__), rows)

    yield given
    with create_session() as session:
        session.execute(delete(Callback))


@pytest.fixture
def asked():
    """The launches whose end was looked for, by listing."""
    return []


@pytest.fixture
def executor(started, asked, aws):
    class Recording(FleetLister):
        def list_fleet(self, ended_of):
            asked.append(list(ended_of))
            return super().list_fleet(ended_of)

    aws.set_plan(FOR_EVER)
    return started(with_part(AwsEcsExecutor, "_fleet_lister", Recording), orphan_interval="900")


def test_what_runs_or_waits_here_is_not_looked_for(executor, given, asked):
    mine, waiting, lost = callback(), callback(), str(uuid4())
    given(mine.callback.id, waiting.callback.id, lost)
    executor.execute_async(mine.key, [mine])
    executor.queue_workload(waiting, session=None)
    executor.sync()
    Scheduler(executor).until(lambda: asked)
    assert asked == [[lost]]


def test_where_there_is_no_other_nothing_that_ended_is_listed(executor, given, asked, aws):
    mine = callback()
    given(mine.callback.id)
    scheduler = Scheduler(executor)
    scheduler.queue(mine)
    scheduler.until(lambda: scheduler.arn(mine.key) and asked)
    assert asked == [[]]
    assert aws.calls()["ListTasks"] == 1
