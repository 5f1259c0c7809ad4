"""AWS Batch keeps a job it cannot place in RUNNABLE for ever: that is said, and ends if somebody set an end."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.executors.harness import FastClock, Scheduler, task
from tests.executors.services import over_batch
from tests.scripted.services import BY_HAND, Plan

pytestmark = over_batch

WHY = "MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirement (vCPU/memory/GPU) is higher than that"
STUCK = Plan(start=None, waiting=WHY)


def stuck(scheduler, aws, plan=STUCK):
    """One that does not start, whose reason has been told."""
    aws.set_plan(plan)
    workload = task()
    key = scheduler.queue(workload)
    scheduler.until(lambda: WHY in scheduler.notes_of(key))
    return workload, key


def test_the_reason_is_told_once_to_the_tasks_event_log(scheduler, aws):
    """Wrong 15: Batch RUNNABLE for ever is invisible."""
    _, key = stuck(scheduler, aws)
    scheduler.rest(0.5)
    assert scheduler.notes_of(key).count(WHY) == 1
    assert aws.launches()[0].arn in scheduler.notes_of(key)
    assert scheduler.outcomes(key) == []
    assert key in scheduler.executor.running


def test_the_reason_is_part_of_a_later_failure(scheduler, aws):
    _, key = stuck(scheduler, aws)
    aws.stop(aws.launches()[0].arn, "Terminated by jane@example.org")
    scheduler.until_over(key)
    assert scheduler.outcomes(key) == ["failed"]
    assert WHY in scheduler.info(key)
    assert "jane@example.org" in scheduler.info(key)
    assert len(aws.launches()) == 1


def test_a_queues_own_time_limit_is_not_somebodys_purpose(scheduler, aws):
    """`jobStateTimeLimitActions` cancels the job, and repeats why it was stuck: a reason that will not pass."""
    _, key = stuck(scheduler, aws)
    aws.stop(aws.launches()[0].arn, f"Canceled by JobStateTimeLimitAction due to reason: {WHY}")
    scheduler.until_over(key)
    assert scheduler.outcomes(key) == ["failed"]
    assert WHY in scheduler.info(key)


def test_the_reason_is_told_when_the_task_is_revoked(scheduler, aws):
    workload, key = stuck(scheduler, aws)
    scheduler.executor.revoke_task(ti=SimpleNamespace(key=key, id=workload.ti.id))
    scheduler.until(lambda: not scheduler.executor.machine.store.launches)
    last = scheduler.entries_of(key)[-1]
    assert "Revoked" in last
    assert WHY in last
    assert [arn for arn, _ in aws.stops()] == [aws.launches()[0].arn]


@pytest.mark.parametrize(("seconds", "expected"), [("3", ["failed"]), ("0", []), (None, [])])
def test_max_runnable_seconds_fails_such_a_job_with_the_reason(started, aws, seconds, expected):
    scheduler = Scheduler(started(clock=FastClock(5), max_runnable_seconds=seconds))
    _, key = stuck(scheduler, aws)
    if expected:
        scheduler.until_over(key)
        assert WHY in scheduler.info(key)
        assert scheduler.info(key).startswith("Its job had not started 3 s after it was accepted\n")
        scheduler.until(lambda: not aws.running())
    else:
        scheduler.rest(1.5)
    assert scheduler.outcomes(key) == expected
    assert len(aws.launches()) == 1


def test_a_job_that_starts_in_time_may_run_as_long_as_it_wants(started, aws):
    scheduler = Scheduler(started(clock=FastClock(5), max_runnable_seconds="2"))
    aws.set_plan(BY_HAND)
    key = scheduler.queue(task())
    scheduler.until(lambda: scheduler.arn(key))
    aws.start(scheduler.arn(key))
    scheduler.rest(1)
    assert scheduler.outcomes(key) == []
    aws.exit(scheduler.arn(key))
    aws.end(scheduler.arn(key))
    scheduler.until_over(key)
    assert scheduler.outcomes(key) == ["success"]
