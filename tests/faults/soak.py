"""The long run: hundreds of tasks on both executors while everything goes wrong at random; `make soak`.

    python -m tests.faults.soak --seconds 300 --seed 7

Rounds of one executor and its tasks follow each other until the time is up. Each has a seed of its own, counted up from
the first, and is said on stderr; what one of them violates ends the run with exit code 1, and the seed to begin at. Now
and then some tasks are revoked or given up, the service cannot be reached, and the scheduler is killed: the executor is
dropped as it stands, and another one adopts what the rows say.
"""

from __future__ import annotations

import argparse
import logging
import random
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice

import tests.conftest  # noqa: F401 - Airflow's home, before anything imports Airflow
from tests.executors.rows import Rows
from tests.executors.services import BATCH, ECS
from tests.faults.matrix import FAULTS, Fault
from tests.faults.scenarios import SCENARIOS
from tests.faults.world import World
from tests.scripted.services import Plan

TASKS = 100
#: Tasks that are queued at a time.
WAVE = 6
#: Jobs per describe call: where more run, they are listed.
DESCRIBES = 10
#: The share of the faults under which the scheduler is killed; seconds of the clock until there is another.
KILLED, DEAD_FOR = 0.25, (1, 60)
#: Kinds of faults that may strike any call at any time, and pass: with them each task must end by its own exit code.
PASSING = frozenset(
    {"server error", "unreachable", "answer lost", "throttled", "credentials", "malformed", "late", "twice, disordered"}
)
#: Of those, what means something else at another time: an empty answer of before says that a launch was never made.
MISLEADING = frozenset({"answers of before"})
#: Seconds of the clock between two faults, and that a round goes on having them.
PAUSE, STRIKES = (2, 20), 400


def _plan(draw: random.Random) -> Callable[[object], Plan]:
    def plan(_: object) -> Plan:
        code = 1 if draw.random() < 0.1 else 0
        return Plan(draw.uniform(0, 20), draw.uniform(0, 120), draw.uniform(0, 10), exit_code=code, sigterm=5)

    return plan


def _strikes(service, draw: random.Random) -> Iterator[tuple]:
    """Faults with the operations they come over, without end."""
    scenarios = [scenario for scenario in SCENARIOS if scenario.service is service]
    faults = [fault for fault in FAULTS if fault.kind in PASSING and fault.name not in MISLEADING]
    while True:
        yield draw.choice(faults), draw.choice(scenarios)


def _round(service, seed: int, counts: Counter[str]) -> list[str]:
    """One executor after the other, and their tasks; what is not as it should be in the end."""
    draw = random.Random(seed)
    # A start that asks for the service's health is refused by what only passes.
    options = {"check_health_on_startup": False}
    with World(service, seed=seed, rows=Rows(), describes=DESCRIBES, **options) as world:
        world.aws.set_plan(_plan(draw))
        names = iter(f"task-{number}" for number in range(TASKS))
        end = world.timeline() + STRIKES
        for fault, scenario in _strikes(service, draw):
            if world.timeline() >= end:
                break
            world.queue(*islice(names, WAVE))
            _strike(world, draw, fault, scenario)
        world.aws.goes_right()
        world.until_over()
        world.until(lambda: not world.aws.running())
        world.pass_time(10)
        counts += Counter(
            tasks=len(world.stories),
            faults=world.aws.played().total(),
            restarts=world.restarts,
            taken_back=sum(story.taken_back for story in world.stories),
        )
        return world.violations()


def _strike(world: World, draw: random.Random, fault: Fault, scenario) -> None:
    lift = fault.strike(world, scenario)
    world.pass_time(draw.uniform(*PAUSE))
    if draw.random() < KILLED:
        world.restart(draw.randint(*DEAD_FOR), unheard=draw.random() < 1 / 2)
        world.pass_time(draw.uniform(*PAUSE))
    lift()
    for _ in range(draw.randrange(3)):
        story = draw.choice(world.stories)
        if not story.taken_back and story.key in world.executor.running:
            draw.choice((world.revoke, world.give_up))(story)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=300.0, help="how long to go on (300)")
    parser.add_argument("--seed", type=int, default=None, help="of the first round (a random one)")
    parser.add_argument("--rounds", type=int, default=None, help="at most so many rounds")
    asked = parser.parse_args()
    seed = secrets.randbelow(1_000_000) if asked.seed is None else asked.seed
    logging.disable(logging.WARNING)
    from airflow.utils.db import initdb  # noqa: PLC0415 - not before the environment is set

    initdb()
    counts = Counter[str]()
    begin, played = time.monotonic(), 0
    while time.monotonic() - begin < asked.seconds and played != asked.rounds:
        service = (ECS, BATCH)[seed % 2]
        try:
            wrong = _round(service, seed, counts)
        except AssertionError as error:
            wrong = str(error).splitlines()
        played += 1
        passed = time.monotonic() - begin
        so_far = ", ".join(f"{count} {what}" for what, count in counts.items())
        _say(f"{passed:4.0f} s  seed {seed}  {service}: {len(wrong)} violations; so far {so_far}")
        if wrong:
            _say("\n".join(wrong[:20]))
            _say(f"to see it again: python -m tests.faults.soak --rounds 1 --seed {seed}")
            return 1
        seed += 1
    _say(f"{played} rounds: nothing lost, nothing twice")
    return 0


if __name__ == "__main__":
    sys.exit(main())
