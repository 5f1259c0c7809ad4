"""The fault matrix as data: each operation (`scenarios`) times each fault, and which pairs make no sense, and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from aws_exec.lifecycle.values import launch_of
from tests.faults import malformed_answers
from tests.faults.scenarios import SCENARIOS, Role, Scenario
from tests.faults.world import KEYS, World
from tests.scripted.services import (
    THROTTLES,
    Trick,
    altered,
    cut_short,
    error,
    expired,
    held,
    invalid,
    reset,
    server_error,
    unsigned,
)

#: Seconds that an outage lasts: longer than the shorter backoffs.
OUTAGE = 45
#: Seconds for which credentials do not work; their renewal goes by real time, so they are played slowly.
LOCKED_OUT = 12
#: Seconds until somebody mends what only a person can: longer than the longest backoff.
MENDING = 200
#: Calls that a passing fault meets.
CALLS = 3

_NO_PLACE = "names no cluster or job queue"
_GONE_WITH_IT = "a queue that is gone has no jobs, and takes none"
_LOST_WITH_IT = "what ran there is lost by then"
_UNLISTED = "without the right to list nothing is found (docs/degradation.md)"
_EMPTY_THEN = "a cluster that was gone comes back empty"
_NOT_OF_ONE = "does not tell of single tasks or jobs"
_NO_LIST = "its answer has no list"
_DESCRIBED_THEN = "what cannot be listed is described: nothing waits that could be revoked"

#: How a fault comes over a world; what undoes it.
Strike: TypeAlias = Callable[[World, Scenario], Callable[[], object]]


@dataclass(frozen=True)
class Fault:
    """One way in which an operation goes wrong.

    Attributes:
        name: of it.
        kind: the row of the table that users read (`table.py`).
        strike: plays it; what it returns ends it.
        lasts: seconds until it is ended; 0: it ends by itself.
        not_for: the roles for which it makes no sense, with the reason.
        said: what a launch that waits for it says once in its task event log: part of the text.
        revoked: whether what waits is revoked meanwhile.
    """

    name: str
    kind: str
    strike: Strike
    lasts: float = 0
    not_for: Mapping[Role, str] = field(default_factory=dict)
    said: str = ""
    revoked: bool = False


def _plays(trick: Trick | Callable[[Scenario], Trick], times: int | None = CALLS) -> Strike:
    def strike(world: World, scenario: Scenario) -> Callable[[], object]:
        played = trick if isinstance(trick, Trick) else trick(scenario)
        world.aws.goes_wrong(played, scenario.operation, times=times)
        return world.aws.goes_right

    return strike


def _in_turn(*tricks: Trick) -> Strike:
    """Each is played once."""

    def strike(world: World, scenario: Scenario) -> Callable[[], object]:
        for trick in tricks:
            world.aws.goes_wrong(trick, scenario.operation, times=1)
        return world.aws.goes_right

    return strike


def _stale(world: World, scenario: Scenario) -> Callable[[], object]:
    world.aws.goes_wrong(altered(malformed_answers.stale()), scenario.operation, times=12)
    return world.aws.goes_right


def _refused(world: World, _: Scenario) -> Callable[[], object]:
    world.aws.down()
    return world.aws.up


def _no_credentials(world: World, scenario: Scenario) -> Callable[[], object]:
    """The ones in use expire, and there are no others."""
    world.aws.goes_wrong(expired(), scenario.operation, times=1)
    for name in KEYS:
        world.patch.delenv(name)

    def come_back() -> None:
        for name, value in KEYS.items():
            world.patch.setenv(name, value)

    return come_back


def _gone_for_good(world: World, scenario: Scenario) -> Callable[[], object]:
    """The host of the first is lost, and the service forgets it."""
    first, *_ = world.aws.launches()
    world.aws.exit(first.arn, None)
    world.aws.end(first.arn)
    world.aws.forget(first.arn)
    next(s for s in world.stories if s.launch_id == launch_of(first.token)).reason = "AWS no longer knows the job"
    del scenario
    return lambda: None


def _place_gone(world: World, scenario: Scenario) -> Callable[[], object]:
    """With all that ran there."""
    world.aws.goes_wrong(scenario.service.no_place, scenario.operation)
    for story, launch in zip(world.stories, world.aws.launches(), strict=False):
        if scenario.role in (Role.WATCH, Role.LOOK):
            world.aws.exit(launch.arn, None)
            world.aws.end(launch.arn)
        if scenario.role is Role.WATCH:
            story.reason = "AWS no longer knows the job"
    return world.aws.goes_right


def _denied(scenario: Scenario) -> Trick:
    return scenario.service.denied(scenario.operation)


def _no_place(scenario: Scenario) -> Trick:
    return scenario.service.no_place


#: By kind, service and role.
_SENSELESS = {
    ("access denied", "ecs", Role.LOOK): _UNLISTED,
    ("place gone", "batch", Role.LOOK): _GONE_WITH_IT,
    ("place gone", "batch", Role.ADOPT): _GONE_WITH_IT,
    ("place gone", "batch", Role.WATCH): _NO_PLACE,
    ("place gone", "batch", Role.STOP): _NO_PLACE,
    ("place gone", "batch", Role.STOP_MANY): _NO_PLACE,
}
_ONLY_WATCHING = dict.fromkeys(set(Role) - {Role.WATCH, Role.LIST}, _NOT_OF_ONE)
_ONLY_LISTS = dict.fromkeys((Role.STOP,), _NO_LIST)

FAULTS = (
    Fault("500", "server error", _plays(server_error())),
    Fault("500 although it acted", "server error", _plays(server_error(acts=True))),
    Fault("connection refused", "unreachable", _refused, lasts=OUTAGE),
    Fault("reset before it acted", "answer lost", _plays(reset())),
    Fault("reset after it acted", "answer lost", _plays(reset(acts=True))),
    Fault("read timeout before it acted", "answer lost", _plays(held(math.inf, acts=False))),
    Fault("read timeout after it acted", "answer lost", _plays(held(math.inf))),
    *(Fault(f"throttle {trick.body['__type']} {trick.status}", "throttled", _plays(trick)) for trick in THROTTLES),
    Fault("expired credentials", "credentials", _plays(expired()), lasts=LOCKED_OUT),
    Fault("invalid credentials", "credentials", _plays(invalid()), lasts=LOCKED_OUT),
    Fault("unsigned", "credentials", _plays(unsigned()), lasts=LOCKED_OUT),
    Fault("no credentials", "credentials", _no_credentials, lasts=LOCKED_OUT),
    Fault("access denied", "access denied", _plays(_denied, None), lasts=MENDING, said="AccessDenied"),
    Fault(
        "access denied and revoked",
        "access denied",
        _plays(_denied, None),
        lasts=MENDING,
        said="AccessDenied",
        revoked=True,
        not_for={Role.LIST: _DESCRIBED_THEN},
    ),
    Fault("place gone for a moment", "place gone", _plays(_no_place), not_for={Role.LOOK: _EMPTY_THEN}),
    Fault("place gone", "place gone", _place_gone, lasts=MENDING, said="not found"),
    Fault(
        "place gone and revoked",
        "place gone",
        _place_gone,
        lasts=MENDING,
        said="not found",
        revoked=True,
        not_for={Role.WATCH: _LOST_WITH_IT, Role.LIST: _DESCRIBED_THEN},
    ),
    Fault("nobody knows this error", "unknown error", _plays(error("BrandNewException", "what is this"))),
    Fault("not JSON", "malformed", _plays(altered(malformed_answers.says(b"<html>Service is busy</html>")))),
    Fault("truncated JSON", "malformed", _plays(altered(lambda body: body[: len(body) // 2]))),
    Fault("cut off", "malformed", _plays(cut_short())),
    Fault("empty body", "malformed", _plays(altered(malformed_answers.says(b"")))),
    Fault("empty object", "malformed", _plays(altered(malformed_answers.says(b"{}")))),
    Fault("null", "malformed", _plays(altered(malformed_answers.says(b"null")))),
    Fault("a list", "malformed", _plays(altered(malformed_answers.says(b"[1, 2]")))),
    Fault("members of another type", "malformed", _plays(altered(malformed_answers.nonsense))),
    Fault("items without members", "malformed", _plays(altered(malformed_answers.hollow))),
    Fault("MISSING once", "MISSING", _plays(altered(malformed_answers.unknown), 1), not_for=_ONLY_WATCHING),
    Fault("MISSING for a while", "MISSING", _plays(altered(malformed_answers.unknown), 8), not_for=_ONLY_WATCHING),
    Fault("MISSING for ever", "MISSING for ever", _gone_for_good, not_for=_ONLY_WATCHING),
    Fault("a minute late", "late", _plays(held(60))),
    Fault("a minute late, and lost then", "late", _plays(held(60, acts=False))),
    Fault(
        "everything said twice",
        "twice, disordered",
        _plays(altered(malformed_answers.doubled), 20),
        not_for=_ONLY_LISTS,
    ),
    Fault(
        "in the contrary order",
        "twice, disordered",
        _plays(altered(malformed_answers.backwards), 20),
        not_for=_ONLY_LISTS,
    ),
    Fault("the first answer comes last", "twice, disordered", _in_turn(held(9), held(6), held(3))),
    Fault("answers of before", "twice, disordered", _stale, not_for=_ONLY_WATCHING),
)


@dataclass(frozen=True)
class Case:
    """One cell."""

    scenario: Scenario
    fault: Fault

    def __str__(self) -> str:
        return f"{self.scenario.operation}, {self.scenario.role.value}: {self.fault.name}"


def cases() -> Iterator[Case]:
    """All that make sense."""
    for scenario in SCENARIOS:
        for fault in FAULTS:
            if not why_not(scenario, fault):
                yield Case(scenario, fault)


def why_not(scenario: Scenario, fault: Fault) -> str:
    """Why a fault makes no sense for an operation; empty if it does."""
    senseless = _SENSELESS.get((fault.kind, scenario.service.name, scenario.role), "")
    return senseless or fault.not_for.get(scenario.role, "")
