"""The end: nothing new is launched, nothing is stopped that need not be, and it does not take longer than it may."""

from __future__ import annotations

import time

import pytest

from tests.executors.harness import PATIENCE, FastClock, Scheduler, task
from tests.executors.services import over_both
from tests.scripted.services import FOR_EVER, held, server_error

pytestmark = over_both


@pytest.fixture
def busy(started, aws):
    """A scheduler with three running tasks; options as given."""

    def busy(plan=FOR_EVER, **options):
        aws.set_plan(plan)
        scheduler = Scheduler(started(**options))
        workloads = [task(f"task-{number}") for number in range(3)]
        scheduler.queue(*workloads)
        scheduler.until(lambda: all(scheduler.arn(workload.key) for workload in workloads))
        return scheduler

    return busy


def seconds(call, *arguments):
    begin = time.monotonic()
    call(*arguments)
    return time.monotonic() - begin


def test_end_launches_nothing_that_is_pending_and_stops_nothing_that_runs(started, aws):
    """Wrong 18: `end()` launches what is pending although documented not to, and can loop for ever."""
    scheduler = Scheduler(started(launch_rate="0.5", launch_burst="1", shutdown_timeout="0.3"))
    aws.set_plan(FOR_EVER)
    workloads = [task(f"task-{number}") for number in range(20)]
    scheduler.queue(*workloads)
    scheduler.until(lambda: len(aws.launches()) == 1)
    took = seconds(scheduler.executor.end)
    launched = len(aws.launches())
    scheduler.rest(0.2)
    assert launched == len(aws.launches()) <= 2
    assert aws.stops() == []
    assert len(aws.running()) == launched
    assert took < 5


def test_a_shutdown_timeout_of_zero_leaves_at_once(busy, aws):
    scheduler = busy(shutdown_timeout="0")
    assert seconds(scheduler.executor.end) < 1
    assert len(aws.running()) == 3


def test_end_does_not_wait_for_running_jobs(busy, aws):
    scheduler = busy(shutdown_timeout="600")
    assert seconds(scheduler.executor.end) < 10
    assert len(aws.running()) == 3
    assert aws.stops() == []


def test_end_waits_for_the_answer_to_a_launch(busy, aws, caplog):
    scheduler = busy(shutdown_timeout="600")
    aws.set_latency(0.5)
    scheduler.queue(task("on-its-way"))
    scheduler.until(lambda: len(aws.launches()) == 4)
    with caplog.at_level("INFO", "aws_exec.executor"):
        scheduler.executor.end()
    assert "Leaving 4 jobs to be adopted by the next scheduler" in caplog.text


def test_end_gives_up_after_the_shutdown_timeout(busy, aws, service, caplog):
    scheduler = busy(shutdown_timeout="0.5")
    aws.goes_wrong(held(60), service.launch)
    scheduler.queue(task("late"))
    scheduler.until(lambda: aws.calls()[service.launch] == 4)
    assert 0.4 < seconds(scheduler.executor.end) < 3
    assert "AWS has not answered 1 launches and stops" in caplog.text


def revoke(scheduler, *workloads):
    """Airflow takes tasks back, as its scheduler does with those that are stuck in queued."""
    for workload in workloads:
        scheduler.executor.revoke_task(ti=workload.ti)


def test_end_sends_the_stops_that_are_decided(started, aws):
    """Nobody adopts a task that Airflow has taken back: its container would run on with no owner."""
    aws.set_plan(FOR_EVER)
    scheduler = Scheduler(started(shutdown_timeout="600"))
    workloads = [task(f"task-{number}") for number in range(20)]
    scheduler.queue(*workloads)
    scheduler.until(lambda: all(scheduler.arn(workload.key) for workload in workloads))
    revoke(scheduler, *workloads[:15])
    took = seconds(scheduler.executor.end)
    assert len({arn for arn, _ in aws.stops()}) == 15
    assert len(aws.running()) == 5
    assert took < 10


def test_end_sends_a_stop_again_that_failed(busy, aws, service):
    scheduler = busy(shutdown_timeout="600", clock=FastClock(20))
    for operation in service.stops:
        aws.goes_wrong(server_error(), operation, times=1)
    revoke(scheduler, task("task-0"))
    scheduler.executor.end()
    assert len(aws.running()) == 2


def test_a_thousand_running_jobs_do_not_hold_the_end_up(started, aws):
    aws.set_plan(FOR_EVER)
    scheduler = Scheduler(started(shutdown_timeout=None, poll_interval="1"))
    workloads = [task(f"task-{number}") for number in range(1000)]
    scheduler.queue(*workloads)
    scheduler.until(lambda: len(scheduler.executor.machine.store.watched) == 1000, deadline=120)
    took = seconds(scheduler.executor.end)
    assert took < 2
    assert aws.stops() == []
    assert len(aws.running()) == 1000


def test_a_hung_api_does_not_hold_the_end_up(busy, aws):
    scheduler = busy(shutdown_timeout="0.5")
    aws.goes_wrong(held(60))
    scheduler.queue(task("late"))
    scheduler.rest(0.2)
    assert seconds(scheduler.executor.end) < 5


def test_ending_twice_and_heartbeats_afterwards_do_nothing(busy, aws):
    scheduler = busy()
    scheduler.executor.end()
    scheduler.executor.end()
    scheduler.queue(task("late"))
    scheduler.rest(0.2)
    assert len(aws.launches()) == 3


def test_terminate_stops_every_task_and_one_failing_stop_spares_none(busy, aws, service):
    """Wrong 18: `terminate()` stops at the first error."""
    scheduler = busy(clock=FastClock(5))
    for operation in service.stops:
        aws.goes_wrong(server_error(), operation, times=1)
    assert seconds(scheduler.executor.terminate) < PATIENCE
    assert aws.running() == []
    assert len({arn for arn, _ in aws.stops()}) == 3


def test_terminate_is_bounded_when_no_stop_is_answered(busy, aws, service):
    scheduler = busy(clock=FastClock(20))
    for operation in service.stops:
        aws.goes_wrong(held(60, acts=False), operation)
    assert seconds(scheduler.executor.terminate) < 15


def test_terminate_stops_what_is_launched_while_it_runs(busy, aws):
    """A RunTask on its way when it was called: its container must not survive."""
    scheduler = busy(clock=FastClock(5))
    aws.set_latency(0.3)
    scheduler.queue(task("on-its-way"))
    scheduler.until(lambda: len(aws.launches()) == 4)
    aws.set_latency(0)
    scheduler.executor.terminate()
    assert aws.running() == []
