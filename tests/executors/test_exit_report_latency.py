"""An exit is reported in the heartbeat that sees it, although its row is read first: the next may be a second away."""

from __future__ import annotations

import threading

import pytest

from aws_exec.executors.airflow_db import AirflowDatabase
from aws_exec.testing import FakeClock
from tests.executors.harness import Scheduler, task, with_part
from tests.executors.services import over_both
from tests.scripted.services import BY_HAND

pytestmark = over_both


@pytest.fixture
def running(started, service, aws):
    """Start such an executor with a running container: its scheduler, its clock, the task's key and its ARN."""

    def running(polls, database=AirflowDatabase):
        clock = FakeClock()  # it stands still during a heartbeat: there is always time left
        scheduler = Scheduler(started(with_part(service.executor, "_database", database), clock=clock))
        scheduler.executor._heartbeat.EXIT_POLLS = polls
        aws.set_plan(BY_HAND)
        key = scheduler.queue(task())
        scheduler.until(lambda: clock.advance(1) and scheduler.arn(key))
        return scheduler, clock, key, scheduler.arn(key)

    return running


def is_asking(scheduler):
    return any(launch.verifying_exit for launch in scheduler.executor.machine.store.launches.values())


def test_no_heartbeat_leaves_a_question_to_the_next(running, aws):
    scheduler, clock, key, arn = running(5000)
    aws.exit(arn, 0)
    asked = []
    scheduler.until(lambda: asked.append(is_asking(scheduler)) or (clock.advance(1) and scheduler.outcomes(key)))
    assert scheduler.outcomes(key) == ["success"]
    assert not any(asked)


def test_a_database_that_hangs_holds_up_no_heartbeat(running, aws):
    answer = threading.Event()

    class Hangs(AirflowDatabase):
        def verify_exits(self, launches):
            answer.wait(30)
            return {launch_id: False for launch_id, _ in launches}

    scheduler, clock, key, arn = running(3, Hangs)
    aws.exit(arn, 0)
    scheduler.until(lambda: clock.advance(1) and is_asking(scheduler))
    scheduler.heartbeat()
    assert scheduler.outcomes(key) == []
    answer.set()
    scheduler.until(lambda: clock.advance(1) and scheduler.outcomes(key))
