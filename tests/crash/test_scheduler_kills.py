"""kill -9 or SIGTERM of the scheduler, inside and outside of the executors, with work on both services."""

import pytest

from tests.crash import playing
from tests.crash.checker import Expected

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]

POINTS = {
    "queued, and not taken in": playing.at("taken"),
    "before the launch call": playing.at("composed"),
    "during the launch call": playing.call_under_way(acted=False),
    "AWS has acted, no answer yet": playing.call_under_way(acted=True),
    "answered, the event not drained": playing.at("answered"),
    "told to Airflow, the row not written": playing.at("told"),
    "while jobs start": playing.while_jobs_start,
    "while jobs run": playing.while_jobs_run,
    "while jobs end": playing.while_jobs_end,
    "their end told, the row not written": playing.at("ended"),
    "ended in order while jobs run": playing.ended_while_jobs_run,
    "ended in order, AWS has acted, no answer yet": playing.ended_during_the_launch_call,
    "during adoption": playing.while_adopting,
    "during adoption of what was never launched": playing.at("composed", "adopting"),
    "during the launch by adoption": playing.after_adoption_has_launched,
}


@pytest.mark.parametrize("point", POINTS)
def test_nothing_is_lost_and_nothing_is_done_twice(stage, point):
    POINTS[point](stage)

    assert stage.case.problems() == []


def test_a_container_that_dies_while_no_scheduler_looks_costs_the_one_try_it_ran(stage):
    """The executor is all that knows of its end: Airflow's own heartbeat timeout comes much later."""
    playing.at("ended")(stage, dies=True)

    assert stage.case.problems(Expected(tries=2)) == []
