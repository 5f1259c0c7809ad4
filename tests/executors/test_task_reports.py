"""The happy path, and what Airflow is told of it."""

from __future__ import annotations

from tests.executors.harness import task
from tests.executors.services import over_both
from tests.executors.versions import queued_tasks
from tests.scripted.services import BY_HAND, Plan

pytestmark = over_both


def test_a_task_runs_and_is_reported_once_each_as_running_and_successful(scheduler, aws):
    aws.set_plan(Plan(start=0.05, run=0.2, stop=0.1))
    workload = task()
    key = scheduler.queue(workload)
    scheduler.until_over(key)
    scheduler.rest(0.3)
    (launch,) = aws.launches()
    assert launch.token.endswith("-1")
    assert scheduler.told[key] == [("running", launch.arn), ("success", f"Succeeded in {launch.arn}")]
    assert scheduler.executor.running == set()
    assert queued_tasks(scheduler.executor) == {}
    assert not scheduler.executor.machine.store.launches


def test_a_failed_container_is_reported_with_everything_that_is_known_in_the_event_and_in_the_tasks_log(
    scheduler, aws, service
):
    """Wrong 19: the reason a container died is nowhere in Airflow."""
    aws.set_plan(Plan(run=0.05, exit_code=137, container_reason="OutOfMemoryError: container killed"))
    workload = task()
    key = scheduler.queue(workload)
    scheduler.until_over(key)
    (launch,) = aws.launches()
    for told in (scheduler.info(key), scheduler.notes_of(key)):
        assert "137" in told
        assert launch.arn in told
        assert service.ended in told
        assert "OutOfMemoryError" in told
        assert "memory" in told.lower()
    assert scheduler.outcomes(key) == ["failed"]


def test_a_task_counts_as_running_from_the_heartbeat_that_takes_it_in(scheduler, aws):
    aws.set_plan(BY_HAND)
    key = scheduler.queue(task())
    scheduler.heartbeat()
    assert scheduler.executor.running == {key}
    assert key not in queued_tasks(scheduler.executor)
