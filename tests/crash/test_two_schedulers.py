"""Two schedulers over one database: one sleeps past the health threshold and wakes, or is killed."""

from contextlib import suppress

import pytest

from tests.crash import playing

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]

FIRST, SECOND = "scheduler", "scheduler#2"


@pytest.fixture
def now(stage):
    """Nobody knows who lives afterwards: the next case has one scheduler, a new one."""
    yield stage
    with suppress(KeyError):  # it was never started
        stage.airflow.kill9(SECOND)
    stage.kill()


def stopped_while_jobs_run(stage):
    stage.begin(gated=True)
    stage.until_all_run()
    stage.airflow.pause(FIRST)


def stopped_before_the_launch_call(stage):
    """It wakes with composed requests in its hands, which the other has sent by then."""
    stage.arm("composed", stop=True)
    stage.begin(gated=True)
    stage.stops()


def stopped_before_the_answer(stage):
    """It wakes to answers about what the other has adopted by then."""
    playing.stall_launches(stage, acted=True)
    stage.begin(gated=True)
    playing.until_stalled(stage)
    stage.airflow.pause(FIRST)
    stage.aws.faults.let_go()


def stopped_before_the_row_is_written(stage):
    stage.arm("told", stop=True)
    stage.begin(gated=True)
    stage.stops()


STOPPED = {
    "while jobs run": stopped_while_jobs_run,
    "before the launch call": stopped_before_the_launch_call,
    "AWS has acted, no answer yet": stopped_before_the_answer,
    "told to Airflow, the row not written": stopped_before_the_row_is_written,
}


@pytest.mark.parametrize("point", STOPPED)
def test_a_scheduler_that_wakes_beside_its_successor_does_nothing_twice(now, database, point):
    STOPPED[point](now)
    (sleeper,) = now.case.owners()
    now.airflow.restart(SECOND)
    now.until_adopted()

    now.airflow.resume(FIRST)
    now.case.run.until(lambda: sleeper in database.schedulers(), "the first scheduler goes on")
    now.case.open_gate()

    assert now.case.problems() == []


def jobs_run(stage):
    stage.begin(gated=True)
    stage.until_all_run()


def launches_are_unanswered(stage):
    playing.stall_launches(stage, acted=True)
    stage.begin(gated=True)
    playing.until_stalled(stage)


def started(stage, database, name):
    """Start a scheduler; returns its job, once there is one."""
    known = database.scheduler_jobs()
    stage.airflow.restart(name)
    (job,) = stage.airflow.wait_until(lambda: database.scheduler_jobs() - known, 90, f"{name} has begun")
    return job


DYING = {"while jobs run": jobs_run, "AWS has acted, no answer yet": launches_are_unanswered}


@pytest.mark.parametrize("point", DYING)
def test_a_scheduler_that_was_there_all_along_takes_over(now, database, point):
    jobs = {name: started(now, database, name) for name in (FIRST, SECOND)}
    DYING[point](now)
    killed = next(name for name, job in jobs.items() if job in now.case.owners())

    now.airflow.kill9(killed)
    now.aws.faults.let_go()
    now.case.run.until(lambda: jobs[killed] not in now.case.owners(), "the other scheduler has adopted all tasks")
    now.case.open_gate()

    assert now.case.problems() == []
