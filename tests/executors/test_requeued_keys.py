"""The same key again while its old container still lives: deferral, reschedule, revocation, giving up (wrong 3)."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from airflow.utils.state import TaskInstanceState

from tests.executors.harness import FastClock, Scheduler, again, task
from tests.executors.rows import ALIVE
from tests.executors.services import over_both
from tests.executors.versions import queued_tasks
from tests.scripted.services import BY_HAND, FOR_EVER, Plan, server_error

pytestmark = over_both

#: Leaves by itself: exits and takes its time to be STOPPED.
LINGERS = Plan(run=None, stop=None, sigterm=0.3)


def ti_of(workload):
    return SimpleNamespace(key=workload.key, id=workload.ti.id)


def running(scheduler, workload):
    """Queue it; its ARN."""
    key = scheduler.queue(workload)
    before = scheduler.arn(key)
    scheduler.until(lambda: scheduler.arn(key) not in (None, before))
    return scheduler.arn(key)


@pytest.mark.parametrize("second_exit", [0, 1])
def test_a_deferred_task_comes_back_while_its_container_stops_and_each_is_credited_right(scheduler, aws, second_exit):
    """Wrong 3: a success is credited to the wrong run, the right one ends FAILED, the old ARN is leaked."""
    aws.set_plan(LINGERS)
    first = task()
    old = running(scheduler, first)
    second = again(first)
    scheduler.queue(second)  # the triggerer was faster than the container's end
    scheduler.until(lambda: len(aws.launches()) == 2)
    new = aws.launches()[1].arn
    aws.exit(old, 0)
    scheduler.rest(0.3)
    assert scheduler.outcomes(first.key) == []
    assert scheduler.arn(first.key) == new
    assert first.key in scheduler.executor.running
    aws.end(old)
    aws.exit(new, second_exit)
    scheduler.until_over(first.key)
    aws.end(new)
    scheduler.until(lambda: not scheduler.executor.machine.store.launches)
    assert scheduler.outcomes(first.key) == ["failed" if second_exit else "success"]
    assert new in scheduler.info(first.key)
    assert aws.stops() == []


def test_a_rescheduled_sensor_is_over_as_soon_as_its_container_has_exited(scheduler, aws):
    """It fails if the end of the whole task is waited for."""
    aws.set_plan(LINGERS)
    first = task("sensor")
    old = running(scheduler, first)
    aws.exit(old, 0)
    scheduler.until_over(first.key)
    assert old in aws.running()
    second = again(first)
    new = running(scheduler, second)
    aws.end(old)
    scheduler.rest(0.2)
    assert scheduler.outcomes(first.key) == ["success"]
    aws.exit(new, 1)
    scheduler.until(lambda: scheduler.outcomes(first.key) == ["success", "failed"])


def test_revoking_frees_the_key_stops_the_container_reports_nothing_and_says_why_it_had_not_run(scheduler, aws):
    """Wrong 15: `revoke_task` is missing: tasks stuck in queued are never freed."""
    aws.set_plan(BY_HAND)
    workload = task()
    arn = running(scheduler, workload)
    told = len(scheduler.told[workload.key])
    scheduler.executor.revoke_task(ti=ti_of(workload))
    assert workload.key not in scheduler.executor.running
    scheduler.until(lambda: not scheduler.executor.machine.store.launches)
    assert [stopped for stopped, _ in aws.stops()] == [arn]
    assert len(scheduler.told[workload.key]) == told
    assert "Revoked" in scheduler.notes_of(workload.key)
    assert arn in scheduler.notes_of(workload.key)


def test_what_is_revoked_before_it_was_launched_never_is(started, aws, service):
    scheduler = Scheduler(started(clock=FastClock(20)))
    aws.goes_wrong(server_error(), service.launch, times=1)
    workload = task()
    key = scheduler.queue(workload)
    scheduler.until(lambda: aws.calls()[service.launch])
    scheduler.executor.revoke_task(ti=ti_of(workload))
    scheduler.until(lambda: not scheduler.executor.machine.store.launches)
    assert aws.launches() == []
    assert key not in scheduler.executor.running


def test_what_is_revoked_while_still_in_airflows_queue_leaves_it(started, aws):
    executor = started()
    workload = task()
    executor.queue_workload(workload, session=None)
    executor.revoke_task(ti=ti_of(workload))
    assert queued_tasks(executor) == {}
    Scheduler(executor).rest(0.1)
    assert aws.launches() == []


def test_a_revoked_tasks_new_launch_waits_until_the_old_container_has_ended(scheduler, aws):
    """`/run` would let both in: the same id is QUEUED again."""
    aws.set_plan(Plan(start=None, sigterm=0.5))
    workload = task()
    old = running(scheduler, workload)
    scheduler.executor.revoke_task(ti=ti_of(workload))
    aws.set_plan(FOR_EVER)
    scheduler.queue(again(workload))
    scheduler.until(lambda: len(aws.launches()) == 2)
    assert old not in aws.running()
    assert aws.launches()[1].at >= aws.launches()[0].at + 0.5


@pytest.mark.parametrize("how", ["change_state", "fail"])
def test_a_task_that_airflow_gives_up_is_stopped_and_not_reported_again(scheduler, aws, how):
    """A heartbeat timeout, or stuck in queued."""
    aws.set_plan(FOR_EVER)
    workload = task()
    arn = running(scheduler, workload)
    if how == "fail":
        scheduler.executor.fail(workload.key)
    else:
        scheduler.executor.change_state(workload.key, TaskInstanceState.FAILED, remove_running=True)
    assert workload.key not in scheduler.executor.running
    scheduler.listen()
    assert scheduler.outcomes(workload.key) == ["failed"]
    scheduler.until(lambda: not scheduler.executor.machine.store.launches)
    scheduler.rest(0.1)
    assert scheduler.outcomes(workload.key) == ["failed"]
    assert [stopped for stopped, _ in aws.stops()] == [arn]


def test_a_given_up_key_may_be_queued_again(scheduler, aws, rows):
    aws.set_plan(FOR_EVER)
    workload = task()
    running(scheduler, workload)
    scheduler.executor.fail(workload.key)
    aws.set_plan(Plan())
    scheduler.listen()
    queued_anew(scheduler, rows, workload)
    scheduler.until(lambda: scheduler.outcomes(workload.key) == ["failed", "success"])


def queued_anew(scheduler, rows, workload):
    """As Airflow does it: a new launch id in the row, then a new workload."""
    anew = again(workload)
    rows.add("load", external_id=anew.ti.external_executor_id, queued_by_job_id=ALIVE)
    scheduler.queue(anew)


@pytest.fixture
def too_late(scheduler, aws, service, rows):
    """A task is revoked and queued anew; its container starts, since the calls that stop it do not come through yet."""
    aws.set_plan(BY_HAND)
    workload = task()
    old = running(scheduler, workload)
    for operation in service.stops:
        aws.goes_wrong(server_error(), operation)
    scheduler.executor.revoke_task(ti=ti_of(workload))
    queued_anew(scheduler, rows, workload)
    aws.start(old)
    scheduler.rest(0.3)
    aws.set_plan(Plan())
    return workload.key, old


def test_a_container_that_starts_after_its_task_was_revoked_and_is_refused_runs_nothing(scheduler, aws, too_late):
    """Its row is still QUEUED when it has ended."""
    key, old = too_late
    aws.goes_right()
    aws.exit(old, 1)
    aws.end(old)
    scheduler.until_over(key)
    assert scheduler.outcomes(key) == ["success"]
    assert len(aws.launches()) == 2


@pytest.mark.parametrize(("exit_code", "state"), [(0, "success"), (143, "failed")])
def test_if_airflow_let_it_in_that_was_the_run_and_there_is_no_other(scheduler, aws, rows, too_late, exit_code, state):  # noqa: PLR0917 - fixtures
    """Airflow guards a state, not a launch."""
    key, old = too_late
    rows.set("load", state="running")
    aws.goes_right()
    if exit_code == 0:
        rows.set("load", state="success")
    aws.exit(old, exit_code)
    aws.end(old)
    scheduler.until_over(key)
    scheduler.rest(0.3)
    assert scheduler.outcomes(key) == [state]
    assert old in scheduler.info(key)
    assert len(aws.launches()) == 1
    assert scheduler.executor.running == set()
