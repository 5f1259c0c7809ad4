"""The scheduler is killed at any time, on the wire: the next one adopts, and everything ends once and as it should.

`tests/crash` does this to a real Airflow; here it costs milliseconds, so that the soak can mix it with every fault.
"""

from __future__ import annotations

import pytest

from aws_exec import AwsEcsExecutor
from tests.executors.rows import Rows
from tests.executors.services import BATCH, ECS
from tests.faults.scenarios import plan_by_name
from tests.faults.world import World
from tests.scripted.services import reset


class Forgets(AwsEcsExecutor):
    """Says that it has adopted what it then does not follow."""

    def try_adopt_task_instances(self, tis):
        return []


def killed(world: World, after: float, *, unheard: bool = False, dead_for: int = 30) -> list[str]:
    """What is wrong in the end."""
    world.aws.set_plan(plan_by_name)
    world.aws.goes_wrong(reset(acts=True), world.service.launch, times=2)
    world.queue("ends-1", "ends-2", "ends-3", "fails")
    world.pass_time(after)
    world.restart(dead_for, unheard=unheard)
    world.until_over()
    world.pass_time(10)
    return world.violations()


@pytest.mark.parametrize("service", [ECS, BATCH], ids=str)
@pytest.mark.parametrize("unheard", [False, True], ids=["heard", "unheard"])
@pytest.mark.parametrize("after", [1, 20, 33])
def test_killed_at_any_time_it_loses_nothing_and_does_nothing_twice(service, after, unheard):
    with World(service, rows=Rows()) as world:
        assert killed(world, after, unheard=unheard) == []
        assert len(world.aws.launches()) == len(world.stories)


@pytest.mark.parametrize("service", [ECS, BATCH], ids=str)
@pytest.mark.parametrize("dead_for", [29, 30, 31])
def test_adopted_while_it_ends_it_is_reported_as_it_ended(service, dead_for):
    with World(service, rows=Rows()) as world:
        assert killed(world, 2, dead_for=dead_for) == []


def test_the_checker_sees_a_successor_that_follows_nothing():
    with World(ECS, Forgets, rows=Rows()) as world:
        assert "reports: ends-1 was reported [], not ['success']" in killed(world, 20)


def test_the_checker_sees_a_container_that_the_successor_does_not_follow_at_once():
    with World(ECS, Forgets, rows=Rows()) as world:
        world.aws.set_plan(plan_by_name)
        world.queue("stays")
        world.pass_time(10)
        world.restart(dead_for=1)
        with pytest.raises(AssertionError, match="untracked"):
            world.step()
