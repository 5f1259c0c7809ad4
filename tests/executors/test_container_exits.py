"""What the end of a container means, and which one is replaced."""

from __future__ import annotations

import pytest

from tests.executors.harness import FastClock, Scheduler, task
from tests.executors.services import ECS, over_both
from tests.executors.versions import queued_tasks
from tests.scripted.services import BY_HAND, FOR_EVER, Plan

pytestmark = over_both

#: Ends of containers that never started, which a new one may cure, and may not.
PASSES = "Timeout waiting for network interface provisioning to complete."
STAYS = "CannotPullContainerError: failed to resolve ref airflow:nope: not found"

#: Seconds at five times the speed.
HASTE = 5


@pytest.fixture
def scheduler(started):
    return Scheduler(started(clock=FastClock(HASTE), missing_grace="2"))


def launched(scheduler, aws, plan=BY_HAND):
    aws.set_plan(plan)
    key = scheduler.queue(task())
    scheduler.until(lambda: scheduler.arn(key))
    return key, scheduler.arn(key)


@pytest.mark.parametrize(("airflow", "sidecar", "expected"), [(0, 143, "success"), (1, 0, "failed")])
def test_only_the_airflow_container_decides_and_sidecars_are_told(scheduler, aws, airflow, sidecar, expected):
    """Wrong 7: Airflow 0 + sidecar 143 gives three launches and FAILED."""
    key = scheduler.queue(task())
    aws.set_plan(Plan(run=0.05, exit_code=airflow, sidecars={"log-router": sidecar}))
    scheduler.until_over(key)
    assert scheduler.outcomes(key) == [expected]
    assert ("log-router: 143" in scheduler.info(key)) == bool(sidecar)
    assert len(aws.launches()) == 1


def test_a_started_task_that_is_stopped_without_an_exit_code_has_failed(scheduler, aws):
    """Wrong 8: STOPPED with one container lacking an exit code counts as running for ever."""
    key, _ = launched(scheduler, aws, Plan(run=0.1, exit_code=None, reason="Host EC2 (instance i-1) terminated."))
    scheduler.until_over(key)
    assert scheduler.outcomes(key) == ["failed"]
    assert "terminated" in scheduler.info(key)
    assert len(aws.launches()) == 1


def test_one_missing_is_ignored(scheduler, aws):
    """Wrong 9: one transient MISSING launches a second container beside the first."""
    key, arn = launched(scheduler, aws, FOR_EVER)
    aws.forget(arn, times=1)
    scheduler.rest(1)
    assert scheduler.outcomes(key) == []
    assert len(aws.launches()) == 1
    aws.exit(arn)
    scheduler.until_over(key)
    assert scheduler.outcomes(key) == ["success"]


def test_a_task_that_stays_unknown_after_it_started_has_failed(scheduler, aws):
    key, arn = launched(scheduler, aws, FOR_EVER)
    scheduler.rest(0.2)
    aws.forget(arn)
    scheduler.until_over(key)
    assert scheduler.outcomes(key) == ["failed"]
    assert "MISSING" in scheduler.info(key)
    assert len(aws.launches()) == 1


def test_a_container_that_started_and_died_is_not_launched_again(scheduler, aws):
    """Wrong 10: 50 tasks whose container exits 1 cost 150 containers and 31 s before anything is reported."""
    aws.set_plan(Plan(run=0.05, exit_code=1))
    keys = [scheduler.queue(task(f"task-{number}")) for number in range(50)]
    scheduler.until_over(*keys)
    assert all(scheduler.outcomes(key) == ["failed"] for key in keys)
    assert len(aws.launches()) == 50


def test_a_container_that_never_started_is_replaced_up_to_the_configured_number(scheduler, aws):
    aws.set_plan(Plan(fails=PASSES))
    key = scheduler.queue(task())
    scheduler.until_over(key)
    assert len(aws.launches()) == 3
    assert [launch.token.rpartition("-")[2] for launch in aws.launches()] == ["1", "2", "3"]
    assert scheduler.outcomes(key) == ["failed"]
    assert scheduler.notes_of(key).count("never started") >= 2
    assert "network interface" in scheduler.info(key)


def test_a_subclass_may_say_how_many(started, aws, service):
    mine = {service.attempts.upper(): 2, service.batch_size: 5}
    Stubborn = type("Stubborn", (service.executor,), mine)  # noqa: N806 - a class
    scheduler = Scheduler(started(Stubborn, clock=FastClock(HASTE)))
    aws.set_plan(Plan(fails=PASSES))
    scheduler.until_over(scheduler.queue(task()))
    assert len(aws.launches()) == 2
    assert scheduler.executor.machine.policy.observe_batch == 5


def test_a_reason_that_will_not_pass_is_not_tried_again(scheduler, aws, service):
    aws.set_plan(Plan(fails=STAYS if service is ECS else "Task failed to start", container_reason=STAYS))
    key = scheduler.queue(task())
    scheduler.until_over(key)
    assert len(aws.launches()) == 1
    assert "CannotPullContainerError" in scheduler.info(key)


@pytest.mark.parametrize("plan", [BY_HAND, FOR_EVER], ids=["not started", "started"])
def test_what_somebody_stopped_on_purpose_is_not_replaced(scheduler, aws, plan):
    key, arn = launched(scheduler, aws, plan)
    scheduler.rest(0.1)
    aws.stop(arn, "Task stopped by jane@example.org")
    scheduler.until_over(key)
    assert scheduler.outcomes(key) == ["failed"]
    assert "jane@example.org" in scheduler.info(key)
    assert len(aws.launches()) == 1


def test_a_task_that_outlives_its_airflow_container_is_stopped(started, aws):
    scheduler = Scheduler(started(clock=FastClock(HASTE), stop_grace="2"))
    key, arn = launched(scheduler, aws, Plan(run=0.05, stop=None))
    scheduler.until_over(key)
    assert scheduler.outcomes(key) == ["success"]
    assert aws.stops() == []
    scheduler.until(lambda: [stopped for stopped, _ in aws.stops()] == [arn])
    scheduler.until(lambda: not scheduler.executor.machine.store.launches)
    assert scheduler.outcomes(key) == ["success"]


def test_finished_tasks_leave_nothing_in_memory(scheduler, aws):
    executor = scheduler.executor
    for batch in range(3):
        scheduler.until_over(*[scheduler.queue(task(f"task-{batch}-{number}")) for number in range(50)])
    scheduler.until(lambda: not executor.machine.store.launches and executor._heartbeat.dispatcher.idle())
    store, dispatcher = executor.machine.store, executor._heartbeat.dispatcher
    left = {
        "running": executor.running,
        "queued": queued_tasks(executor),
        "events": executor.event_buffer,
        "entries": executor._reporter._entries,
        "by key": store.by_key,
        "by arn": store.by_arn,
        "watched": store.watched,
        "outbox": store.outbox,
        "due": store._due if store.next_due() is not None else (),
        "open": dispatcher._requests._open,
        "oldest": [dispatcher._requests.oldest] if dispatcher._requests.oldest else (),
    }
    assert {name: len(kept) for name, kept in left.items() if kept} == {}


@pytest.mark.parametrize(("sidecar", "told"), [(143, False), (137, False), (1, True)])
def test_a_sidecar_that_was_stopped_after_a_success_is_no_news(scheduler, aws, sidecar, told):
    key = scheduler.queue(task())
    aws.set_plan(Plan(run=0.05, exit_code=0, sidecars={"log-router": sidecar}))
    scheduler.until_over(key)
    assert bool(scheduler.notes_of(key)) == told
