"""SIGTERM is a SystemExit between any two bytecodes: an event is in the store with its effects, or not at all."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from aws_exec.lifecycle import Machine, Policy
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.orphans import FleetMember, Owner
from aws_exec.lifecycle.values import FailureKind
from tests.lifecycle.driver import (
    EXITED_0,
    JOB,
    JOB2,
    NEVER_STARTED,
    check,
    fault,
    over,
    running,
    starting,
    stopped,
)

TICK = on.Tick()
TAKEN = on.WorkloadQueued(launch_id="L1", key="K1", workload="work")
ACCEPTED = on.Accepted(request_id=1, launch_id="L1", seen=starting())
ACTIVE = [(0, TAKEN), (0, TICK), (1, ACCEPTED)]
STARTED = [*ACTIVE, (2, on.Described(request_id=None, seen=(running(),)))]
ENDED = [*STARTED, (3, on.Described(request_id=None, seen=(stopped(EXITED_0),)))]
TWO = [(0, TAKEN), (0, on.WorkloadQueued(launch_id="L2", key="K2", workload="work"))]

SEEN = (FleetMember(running(token="L9-1"), Identity("", "L9-1")),)
LISTED_ONCE = [(0, TICK), (1, on.FleetListed(request_id=1, members=SEEN))]
LISTED_TWICE = [
    *LISTED_ONCE,
    (1, on.OwnersFound(request_id=2, members=SEEN, owners=(Owner(),))),
    (901, TICK),
    (901, on.FleetListed(request_id=3, members=SEEN)),
]

#: What happened before; the event that is interrupted, and what follows it. Each with its time.
STORIES: dict[str, tuple[list[tuple[float, on.Event]], tuple[float, on.Event], list[tuple[float, on.Event]]]] = {
    "taken": ([], (0, TAKEN), [(0, TICK)]),
    "launched": (TWO, (0, TICK), [(1, ACCEPTED)]),
    "launched a few at a time": (
        [*TWO, (0, on.WorkloadQueued(launch_id="L3", key="K3", workload="work"))],
        (0, TICK),
        [(0, TICK)],
    ),
    "accepted": (ACTIVE[:2], (1, ACCEPTED), [(2, TICK)]),
    "unaccepted": (
        ACTIVE[:2],
        (1, on.Unaccepted(request_id=1, launch_id="L1", failure=fault(FailureKind.NO_ANSWER), request="r")),
        [(9, TICK)],
    ),
    "swept": (ACTIVE, (2, TICK), [(3, on.Described(request_id=2, seen=(running(),)))]),
    "replaced": (ACTIVE, (2, on.Described(request_id=None, seen=(stopped(NEVER_STARTED),))), [(99, TICK)]),
    "over": (STARTED, (3, on.Described(request_id=None, seen=(over(EXITED_0),))), [(200, TICK)]),
    "ended": (
        STARTED,
        (3, on.Described(request_id=None, seen=(stopped(EXITED_0),))),
        [(4, on.WorkloadQueued(launch_id="L1", key="K1", workload="again"))],
    ),
    "settled": (
        ENDED,
        (4, on.ExitVerified(request_id=2, launch_id="L1", awaited=True)),
        [(5, on.WorkloadQueued(launch_id="L1", key="K1", workload="again"))],
    ),
    "settled as nothing new": (
        ENDED,
        (4, on.ExitVerified(request_id=2, launch_id="L1", awaited=False)),
        [(5, on.WorkloadQueued(launch_id="L1", key="K1", workload="again"))],
    ),
    "listed": ([(0, TICK)], (1, on.FleetListed(request_id=1, members=SEEN)), [(2, TICK)]),
    "an orphan": (
        LISTED_TWICE,
        (902, on.OwnersFound(request_id=4, members=SEEN, owners=(Owner(),))),
        [(1800, TICK)],
    ),
    "a lost callback": (
        LISTED_ONCE,
        (1, on.OwnersFound(request_id=2, members=SEEN, owners=(Owner(key="CB"),))),
        [(2, TICK)],
    ),
    "superseded": (ACTIVE, (2, on.WorkloadQueued(launch_id="L2", key="K1", workload="work")), [(3, TICK)]),
    "unblocked": (
        [*ACTIVE, (2, on.WorkloadQueued(launch_id="L2", key="K1", workload="work")), (3, TICK)],
        (4, on.Described(request_id=None, seen=(stopped(NEVER_STARTED),))),
        [(5, TICK)],
    ),
    "revoked": (STARTED, (3, on.Revoked(key="K1")), [(3, TICK)]),
    "taken over": (
        [*STARTED, (3, on.WorkloadQueued(launch_id="L2", key="K1", workload="work")), (3, on.Revoked(key="K1"))],
        (4, on.Adopted(launch_id="L3", key="K1", job=JOB)),
        [(5, on.Described(request_id=None, seen=(stopped(EXITED_0),)))],
    ),
    "found": (
        [
            (0, on.Adopted(launch_id="L1", key="K1", job=None, workload="work")),
            (0, on.Adopted(launch_id="L2", key="K2")),
            (0, TICK),
            (0, TICK),
        ],
        (1, on.FoundByLaunchId(request_id=1, launch_ids=("L1", "L2"), seen=(starting(JOB2),))),
        [(2, TICK)],
    ),
    "doubted": (TWO, (99, TICK), [(99, TICK)]),
    "draining": (TWO, (1, on.Draining()), [(2, TICK)]),
    "terminating": (STARTED, (3, on.Terminating()), [(3, TICK)]),
}
#: A Tick looks at so many launches: fewer than some stories have.
POLICY = Policy(launches_per_tick=2)
#: In these the fleet is listed.
LISTING = dict.fromkeys(
    ("listed", "an orphan", "a lost callback"), Policy(orphan_interval=900.0, orphan_age=899.0, reap_orphans=True)
)


class InterruptionError(SystemExit):
    """What the signal handler raises."""


def after(past: list[tuple[float, on.Event]], story: str) -> Machine:
    """A machine with a past."""
    machine = Machine(LISTING.get(story, POLICY))
    for now, event in past:
        machine.handle(event, now)
    return machine


def snapshot(machine: Machine) -> dict[str, Any]:
    """Everything a store remembers; of the heap what is not void."""
    store = machine.store
    due = {(due, i) for due, i in store._due if i in store.launches and store.launches[i].due == due}
    return {
        "records": dict(store.launches),
        "clockwork": store.state,
        "by_key": dict(store.by_key),
        "by_arn": dict(store.by_arn),
        "watched": list(store.watched.items()),
        "due": due,
        "outbox": dict(store.outbox),
        "history": list(store.history),
    }


def interrupted(machine: Machine, event: on.Event, now: float, at: int) -> bool:
    """Handle an event, with a signal at the `at`-th bytecode inside the lifecycle; whether it came to that."""
    count = 0

    def trace(frame: FrameType, what: str, _: object) -> Callable[..., Any] | None:
        nonlocal count
        if "/lifecycle/" not in frame.f_code.co_filename or "/tests/" in frame.f_code.co_filename:
            return None
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        if what == "opcode":
            count += 1
            if count == at:
                sys.settrace(None)
                raise InterruptionError
        return trace

    before = sys.gettrace()
    # Python 3.12 has opcodes to trace only if some frame asked for them before `settrace`.
    sys._getframe().f_trace_opcodes = True
    sys.settrace(trace)
    try:
        machine.handle(event, now)
    except InterruptionError:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.parametrize("story", STORIES)
def test_an_event_that_a_signal_interrupts_is_taken_in_with_its_effects_or_not_at_all(story):
    past, (now, event), _ = STORIES[story]
    untouched, done = snapshot(after(past, story)), snapshot(after([*past, (now, event)], story))
    at = 1
    while interrupted(machine := after(past, story), event, now, at):
        machine.store.recover()
        check(machine.store)
        assert snapshot(machine) in (untouched, done), f"half done at bytecode {at}"
        at += 1
    assert snapshot(machine) == done
    assert at > 50


@pytest.mark.parametrize("story", STORIES)
def test_an_event_that_is_handled_again_after_a_signal_leads_to_the_same_end(story):
    past, (now, event), following = STORIES[story]
    untouched, at = snapshot(after(past, story)), 1
    once = snapshot(after([*past, (now, event), *following], story))
    twice = snapshot(after([*past, (now, event), (now, event), *following], story))
    while interrupted(machine := after(past, story), event, now, at):
        machine.store.recover()
        expected = once if snapshot(machine) == untouched else twice
        for when, what in [(now, event), *following]:
            machine.handle(what, when)
        assert snapshot(machine) == expected, f"interrupted at bytecode {at}"
        at += 3
