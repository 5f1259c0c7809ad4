"""A scheduler is killed between freeing a key and stopping its container; Airflow has queued the task instance anew.

Airflow guards a state, not a launch: whatever container of the task instance asks first while its row is QUEUED is let
in. So the next scheduler stops the old one, and launches when that has ended.
"""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.executors.harness import FastClock, Scheduler, killed, task
from tests.executors.rows import ALIVE, RUN, adopt
from tests.executors.services import over_both
from tests.executors.versions import needs_launch_ids
from tests.scripted.services import BY_HAND, FOR_EVER, Plan

pytestmark = [over_both, needs_launch_ids]


@pytest.fixture
def old(started, aws):
    """The container that a scheduler launched and, revoking the task, did not stop before it was killed."""
    aws.set_plan(BY_HAND)
    workload = task("load", run_id=RUN)
    (arn,) = killed(Scheduler(started(deployment="test", orphan_interval="0")), workload)
    return workload.key, arn


@pytest.fixture
def successor(started):
    scheduler = Scheduler(started(clock=FastClock(30), deployment="test"))
    scheduler.executor.job_id = ALIVE
    return scheduler


def test_the_old_container_is_stopped_and_has_ended_before_there_is_another(successor, aws, rows, old):
    key, arn = old
    launch_id = str(uuid4())
    rows.add("load", external_id=launch_id)
    aws.set_plan(Plan(run=0.05))
    assert adopt(successor.executor).reset == []
    successor.until(lambda: len(aws.launches()) == 2)
    assert [stopped for stopped, _ in aws.stops()] == [arn]
    assert arn not in aws.running()
    assert aws.launches()[1].token == f"{launch_id}-1"
    successor.until_over(key)
    assert successor.outcomes(key) == ["success"]


def test_one_that_airflow_has_let_in_meanwhile_is_followed_and_nothing_is_launched(successor, aws, rows, old):
    key, arn = old
    rows.add("load", external_id=str(uuid4()))
    assert adopt(successor.executor).reset == []
    aws.start(arn)
    rows.set("load", state="running")
    successor.until(lambda: successor.arn(key))
    assert successor.arn(key) == arn
    rows.set("load", state="success")
    aws.exit(arn)
    aws.end(arn)
    successor.until_over(key)
    assert successor.outcomes(key) == ["success"]
    assert len(aws.launches()) == 1
    assert aws.stops() == []


def test_one_that_runs_what_is_none_of_ours_stays(successor, aws, rows, old):
    """The row of another task instance names the same DAG."""
    key, arn = old
    aws.set_plan(FOR_EVER)
    rows.add("load", external_id=arn, state="running", queued_by_job_id=ALIVE)
    rows.add("other", external_id=str(uuid4()))
    assert adopt(successor.executor).reset == []
    other = task("other", run_id=RUN).key
    successor.until(lambda: successor.arn(other))
    successor.rest(0.3)
    assert aws.stops() == []
    assert not successor.outcomes(key)
