"""Plays one case of the matrix, and checks it."""

from __future__ import annotations

from tests.faults.matrix import Case
from tests.faults.scenarios import Role
from tests.faults.world import World

#: Whose refusals are said in the task's event log: what keeps a task from being launched.
_SAID = frozenset({("ecs", Role.LAUNCH), ("batch", Role.LAUNCH), ("batch", Role.LOOK), ("batch", Role.ADOPT)})


def play(case: Case) -> None:
    """Let it happen; raises AssertionError if anything is not as it should be."""
    scenario, fault = case.scenario, case.fault
    with scenario.world() as world:
        scenario.before(world)
        played, called = (told()[scenario.operation] for told in (world.aws.played, world.aws.calls))
        lift = fault.strike(world, scenario)
        scenario.act(world)
        if fault.lasts:
            _wait_for_it(world, case)
            lift()
        world.until_over()
        world.pass_time(10)
        assert not (wrong := world.violations()), "\n".join(wrong)
        assert world.aws.calls()[scenario.operation] > called, "the operation was never called"
        if fault.name not in ("connection refused", "MISSING for ever"):
            assert world.aws.played()[scenario.operation] > played, "the fault never came up"


def _wait_for_it(world: World, case: Case) -> None:
    """Until it is lifted; what waits is revoked meanwhile, if that is the case."""
    fault, scenario = case.fault, case.scenario
    if fault.revoked:
        world.pass_time(fault.lasts / 2)
        for story in world.stories:
            if not story.taken_back and not world.scheduler.outcomes(story.key):
                world.revoke(story)
        assert not world.executor.running
        world.pass_time(fault.lasts / 2)
    else:
        world.pass_time(fault.lasts)
    if fault.said and (scenario.service.name, scenario.role) in _SAID:
        for story in world.stories:
            story.said = fault.said
