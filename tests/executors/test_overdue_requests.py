"""A request to AWS or the database that has had no answer for long is a metric, and one warning."""

from __future__ import annotations

import logging

from aws_exec.executors.heartbeat import OVERDUE
from aws_exec.executors.metrics import FLUSH_SECONDS
from aws_exec.metrics import catalogue
from aws_exec.testing import FakeClock
from tests.executors.harness import Scheduler, task
from tests.executors.services import over_both
from tests.scripted.services import FOR_EVER

pytestmark = over_both


def test_a_request_without_an_answer_for_two_minutes_is_warned_of_once(started, aws, caplog):
    aws.set_plan(FOR_EVER)
    clock = FakeClock()
    scheduler = Scheduler(started(clock=clock, launch_rate="0.001", launch_burst="1", check_health_on_startup="False"))
    executor = scheduler.executor
    scheduler.queue(task("first"), task("late"))
    scheduler.until(lambda: executor.machine.store.watched and executor._heartbeat.dispatcher.outstanding == 1)
    assert executor._heartbeat.levels()[catalogue.OLDEST_REQUEST] == 0

    def overdue():
        scheduler.heartbeat()
        return [record.message for record in caplog.records if "has had no answer" in record.message]

    clock.advance(OVERDUE)
    assert overdue() == []
    assert executor._heartbeat.levels()[catalogue.OLDEST_REQUEST] == OVERDUE
    expected = f"A Submit request has had no answer for {OVERDUE + FLUSH_SECONDS:.0f} s: "
    for _ in range(3):
        clock.advance(FLUSH_SECONDS)
        assert [message.startswith(expected) for message in overdue()] == [True]


class BrokenFilter(logging.Filter):
    """Raises whatever is warned of."""

    def filter(self, record):
        if record.levelno == logging.WARNING:
            raise RuntimeError("a filter of somebody's")
        return True


def test_a_warning_that_cannot_be_logged_costs_the_scheduler_nothing(started, aws):
    aws.set_plan(FOR_EVER)
    clock = FakeClock()
    scheduler = Scheduler(started(clock=clock, launch_rate="0.001", launch_burst="1", check_health_on_startup="False"))
    executor = scheduler.executor
    key = scheduler.queue(task("first"), task("late"))
    scheduler.until(lambda: executor.machine.store.watched and executor._heartbeat.dispatcher.outstanding == 1)
    broken = BrokenFilter()
    executor.log.addFilter(broken)
    clock.advance(OVERDUE + FLUSH_SECONDS)
    scheduler.heartbeat()
    executor.log.removeFilter(broken)
    assert key in executor.running
