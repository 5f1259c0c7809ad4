"""Where in a launch's life each operation is called: what leads up to it, and what calls it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from tests.executors.rows import Rows
from tests.executors.services import BATCH, ECS, Service, environment_of
from tests.faults.world import World
from tests.scripted.services import Plan, reset


class Role(Enum):
    """What the executor calls an operation for."""

    LAUNCH = "launching"
    CLUSTER = "choosing a launch type"
    WATCH = "watching"
    LIST = "watching by listing"
    LOOK = "looking for a launch"
    ADOPT = "adopting"
    STOP = "stopping"
    STOP_MANY = "stopping many"


def plan_by_name(request) -> Plan:
    """Tasks named `fails...` exit with 1, `stays...` run until they are stopped; all take three seconds to stop."""
    name = environment_of(request)["AWSEXEC_TASK_ID"]
    if name.startswith("stays"):
        return Plan(start=2, run=None, sigterm=3)
    return Plan(start=2, run=30, stop=1, exit_code=int(name.startswith("fails")), sigterm=3)


def _nothing(_: World) -> None:
    pass


def _queue(world: World) -> None:
    world.queue("ends-1", "ends-2", "fails")


def _run(world: World, *names: str) -> None:
    world.queue(*names)
    world.until(lambda: len(world.aws.running()) == len(names))
    world.pass_time(8)  # the executor has seen them start


def _run_three(world: World) -> None:
    _run(world, "ends-1", "ends-2", "fails")


def _run_five(world: World) -> None:
    _run(world, "ends-1", "ends-2", "ends-3", "ends-4", "fails")


def _lose_answers(world: World) -> None:
    """Where a token names its task, only a launch that is not wanted any more is looked for."""
    world.aws.goes_wrong(reset(acts=True), world.service.launch, times=3)
    if world.service is ECS:
        world.queue("stays-1", "stays-2", "stays-3")
        world.until(lambda: len(world.aws.launches()) == len(world.stories))


def _look(world: World) -> None:
    if world.service is BATCH:
        _queue(world)
        return
    world.scheduler.heartbeat()  # it hears that no answer came
    for story in world.stories:
        world.revoke(story)
    world.queue("ends")


def _killed(world: World) -> None:
    """The scheduler is killed: two launches are not answered, two are not made. The next one searches, and lists."""
    world.aws.goes_wrong(reset(acts=True), world.service.launch, times=2)
    world.queue("ends-1", "ends-2")
    world.scheduler.heartbeat()
    while len(world.aws.launches()) < 2:
        world.settle()
    world.queue("ends-3", "fails")
    world.restart(dead_for=1)


def _run_some_that_stay(world: World) -> None:
    _run(world, "stays-1", "stays-2", "stays-3", "ends")


def _take_back(world: World) -> None:
    """One after the other, so that no two are stopped by one call."""
    world.revoke(world.stories[0])
    world.pass_time(7)
    world.give_up(world.stories[1])
    world.pass_time(7)
    world.revoke(world.stories[2])


def _run_many(world: World) -> None:
    _run(world, *(f"stays-{number}" for number in range(12)))


def _take_all_back(world: World) -> None:
    """While the first stops are on their way the rest gather, and go together."""
    world.aws.set_latency(1)
    for story in world.stories:
        world.revoke(story)


@dataclass(frozen=True)
class Scenario:
    """One operation of one service.

    Attributes:
        service: whose.
        operation: as the service names it.
        role: what for.
        before: what leads up to it, with nothing wrong.
        act: what calls it.
        options: of the executor.
        describes: jobs per describe call at most; 0: as many as the executor does. Where more run, they are listed.
        kills: whether a scheduler is killed before.
    """

    service: Service
    operation: str
    role: Role
    before: Callable[[World], None]
    act: Callable[[World], None]
    options: Mapping[str, object] = field(default_factory=dict)
    describes: int = 0
    kills: bool = False

    def world(self, seed: int = 0) -> World:
        """A world in which it can be played."""
        rows = Rows() if self.kills else None
        world = World(self.service, seed=seed, describes=self.describes, rows=rows, **self.options)
        world.aws.set_plan(plan_by_name)
        return world


#: The only other thing that lists by itself is the listing of the fleet.
_NO_LISTING = {"orphan_interval": 0}

SCENARIOS = (
    Scenario(ECS, "RunTask", Role.LAUNCH, _nothing, _queue),
    Scenario(ECS, "DescribeClusters", Role.CLUSTER, _nothing, _queue, {"launch_type": None}),
    Scenario(ECS, "DescribeTasks", Role.WATCH, _run_three, _nothing),
    Scenario(ECS, "ListTasks", Role.LOOK, _lose_answers, _look),
    Scenario(ECS, "StopTask", Role.STOP, _run_some_that_stay, _take_back),
    Scenario(BATCH, "SubmitJob", Role.LAUNCH, _nothing, _queue),
    Scenario(BATCH, "DescribeJobs", Role.WATCH, _run_three, _nothing),
    Scenario(BATCH, "ListJobs", Role.LOOK, _lose_answers, _look),
    Scenario(BATCH, "TerminateJob", Role.STOP, _run_some_that_stay, _take_back),
    Scenario(BATCH, "TerminateJobs", Role.STOP_MANY, _run_many, _take_all_back),
    Scenario(ECS, "ListTasks", Role.LIST, _run_five, _nothing, _NO_LISTING, describes=2),
    Scenario(BATCH, "ListJobs", Role.LIST, _run_five, _nothing, _NO_LISTING, describes=2),
    Scenario(ECS, "ListTasks", Role.ADOPT, _killed, _nothing, kills=True),
    Scenario(BATCH, "ListJobs", Role.ADOPT, _killed, _nothing, kills=True),
)
