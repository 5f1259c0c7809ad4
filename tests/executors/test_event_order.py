"""Airflow learns which job a task runs as, however soon it is over: one event a key is all its buffer holds."""

from tests.executors.harness import task
from tests.scripted.services import Plan


def test_the_end_waits_until_the_job_has_been_read(scheduler, aws):
    key = scheduler.queue(task())
    aws.set_plan(Plan(run=0.05, exit_code=0))
    executor = scheduler.executor
    while key not in executor._reporter.waiting:  # nobody reads events meanwhile: the end waits
        executor.heartbeat()
    assert executor.event_buffer[key][0] == "running"
    assert key in executor.running
    scheduler.until_over(key)
    assert scheduler.arn(key).startswith("arn:")
    assert scheduler.outcomes(key) == ["success"]
    assert executor._reporter.waiting == {}
    assert executor.running == set()


def test_an_end_that_waits_is_not_the_next_launchs(scheduler, aws):
    first = task(launch_id="11111111-1111-4111-8111-111111111111")
    key = scheduler.queue(first)
    aws.set_plan(Plan(run=0.05, exit_code=0))
    executor = scheduler.executor
    while key not in executor._reporter.waiting:
        executor.heartbeat()
    executor.execute_async(key, ["true"])
    assert executor._reporter.waiting == {}
    assert key not in executor.event_buffer


def test_an_end_that_waits_is_not_said_after_airflow_gave_the_task_up(scheduler, aws):
    key = scheduler.queue(task())
    aws.set_plan(Plan(run=0.05, exit_code=0))
    executor = scheduler.executor
    while key not in executor._reporter.waiting:
        executor.heartbeat()
    executor.fail(key)
    executor.sync()
    assert executor.get_event_buffer()[key][0] == "failed"
    executor.sync()
    assert key not in executor.get_event_buffer()
