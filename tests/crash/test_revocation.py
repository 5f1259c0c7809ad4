"""Airflow revokes tasks that do not start and fails silent ones; no earlier container runs a later try."""

import pytest

from tests.crash.case import TASKS
from tests.crash.checker import Expected

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]

#: Seconds until Airflow revokes: more than a container needs to start on a machine at work.
QUEUED_TIMEOUT = 45

STOPS = ("StopTask", "TerminateJob", "TerminateJobs")


def test_a_task_revoked_while_its_container_starts_runs_in_the_next_one_only(stage):
    """There is no room for containers; Airflow revokes, and queues anew: the same task instance, the same try."""
    stage.configure("scheduler", "task_queued_timeout", str(QUEUED_TIMEOUT))
    stage.aws.faults.occupy()
    case = stage.begin()

    case.run.until(lambda: len(case.run.launches) == 2 * len(TASKS), "all are launched anew", QUEUED_TIMEOUT + 60)
    first, second = case.run.launches[: len(TASKS)], case.run.launches[len(TASKS) :]
    assert [launch.over for launch in first] == [True] * len(first)
    stage.aws.faults.vacate()

    assert case.problems(Expected(vain=1)) == []
    assert {ran.token for ran in case.ran} == {launch.token for launch in second}


@pytest.mark.parametrize("killed", [False, True], ids=["its scheduler lives", "its scheduler is killed"])
def test_a_task_revoked_whose_container_starts_before_it_is_stopped_runs_once_in_either(stage, killed):
    """No call that stops it gets through; Airflow has queued the same try anew, and lets in whoever asks first."""
    stage.configure("scheduler", "task_queued_timeout", str(QUEUED_TIMEOUT))
    stage.aws.faults.occupy()
    for operation in STOPS:
        stage.aws.faults.stall_next(operation, times=1000)
    case = stage.begin()
    case.run.until(lambda: len(case.run.launches) == len(TASKS), "all are launched")
    before = case.names()

    case.run.until(lambda: case.is_queued_anew(before), "Airflow has queued them anew", QUEUED_TIMEOUT + 60)
    if killed:
        stage.kill()
        stage.restart()
        stage.until_adopted()
    stage.aws.faults.vacate()

    case.run.over()
    # What ran a task is known when its end has been looked into, which the end of the run does not wait for.
    case.run.until(case.names_its_containers, "Airflow knows what ran each task")
    assert case.problems(Expected(vain=1)) == []


def test_a_task_given_up_for_its_silence_runs_again_once_though_the_scheduler_dies_too(stage):
    """Its container's host stalls; the call that stops it is not answered before the scheduler dies, and never acts
    before the next try has begun. The old container wakes, is refused by Airflow, and ends."""
    case = stage.begin(gated=True)
    stage.until_all_run()
    silent = [launch.arn for launch in case.run.launches]
    for operation in STOPS:
        stage.aws.faults.stall_next(operation, times=len(TASKS))
    for arn in silent:
        stage.aws.faults.pause(arn)

    case.run.until(lambda: "running" not in case.run.states.values(), "Airflow gives them up", 120)
    stage.kill()
    stage.restart()
    case.run.until(lambda: len(case.ran) == 2 * len(TASKS), "the next tries run")
    for arn in silent:
        stage.aws.faults.resume(arn)
    case.open_gate()

    assert case.problems(Expected(tries=2)) == []
