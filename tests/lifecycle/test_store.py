"""What the machine remembers: nothing is overwritten, nothing forgotten, nothing kept for ever."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_exec.lifecycle import Machine, Policy
from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.launch import HandedOver, Launch
from aws_exec.lifecycle.store import LaunchStore, Transaction
from aws_exec.lifecycle.values import FailureKind
from tests.lifecycle.driver import Life, check, fault


def written(store: LaunchStore, *launches: Launch) -> None:
    """Commit launches."""
    transaction = Transaction(store, Policy())
    for launch in launches:
        transaction.put(launch)
    store.commit(transaction.change(on.Tick(), 0.0))


def test_what_is_to_be_done_stays_in_the_outbox_until_it_is_carried_out():
    machine = Machine(Policy())
    for number in range(6):
        machine.handle(on.WorkloadQueued(launch_id=f"L{number}", key=f"K{number}", workload="work"), 0.0)
        if number % 2:
            machine.handle(on.Tick(), 0.0)
    numbers, effects = zip(*machine.store.outbox.items(), strict=True)
    assert [effect.launch_id for effect in effects if isinstance(effect, do.Submit)] == [f"L{i}" for i in range(6)]
    assert sorted(numbers) == list(numbers), "whoever carries them out takes a number that does not grow for a repeat"


@given(st.lists(st.integers(0, 30), max_size=40), st.integers(1, 40), st.integers(0, 30))
def test_what_is_due_is_found_the_longest_overdue_first_and_so_many_at_most(times, limit, now):
    store = LaunchStore()
    written(store, *(Launch(f"L{number:02}", f"K{number}", due=float(due)) for number, due in enumerate(times)))
    due = sorted((due, f"L{number:02}") for number, due in enumerate(times) if due <= now)
    assert store.due_by(now, limit) == [launch_id for _, launch_id in due[:limit]]


def test_a_due_time_that_is_put_off_again_and_again_leaves_no_trail_and_is_not_lost():
    store = LaunchStore()
    for time in range(1000):
        waiting = Launch("L1", "K1", work=HandedOver("work"), due=float(time))
        written(store, waiting, Launch("L2", "K2", work=HandedOver("work")))
        check(store)
    assert len(store._due) < 200
    assert store.due_by(999, 10) == ["L1"]


@pytest.mark.parametrize("first", [None, 0.0], ids=["at-the-head", "below-the-head"])
def test_due_times_that_are_put_off_for_many_launches_at_once_are_looked_at_once(first):
    store = LaunchStore()
    head = Launch("head", "head", due=first)
    many = [Launch(f"L{number:03}", f"K{number}", due=1.0) for number in range(150)]
    written(store, head, *many)
    written(store, *(replace(launch, due=50.0) for launch in many))
    assert store.due_by(10.0, 200) == (["head"] if first is not None else [])
    assert len(store._due) == 150 + (first is not None)
    assert store.next_due() == (50.0 if first is None else first)


def test_an_event_sees_what_it_has_written_of_a_key_and_of_no_other():
    store = LaunchStore()
    old, new, other = Launch("L1", "K1"), Launch("L2", "K1"), Launch("L3", "K3")
    written(store, old)
    transaction = Transaction(store, Policy())
    transaction.put(new)
    transaction.put(other)
    assert transaction.of_key("K1") == [old, new]
    assert transaction.of_key("K3") == [other]


def test_a_launch_that_waits_for_days_leaves_no_trail_of_due_times():
    life = Life(launch_timeout=10 * 86400.0)
    request_id = life.launching()
    for _ in range(2000):
        life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.THROTTLED)))
        request_id = life.submit_of(life.tick(31)).request_id
    assert len(life.store._due) < 200


def test_nothing_is_left_of_a_thousand_launches_that_are_over():
    life = Life(launch_timeout=86400.0)
    for number in range(1000):
        life.machine.handle(on.WorkloadQueued(launch_id=f"L{number}", key="K", workload="work"), float(number))
    life.now = 1000.0
    life.feed(on.Revoked(key="K"))
    store = life.store
    assert (store.launches, store.by_key, store.by_arn, store.watched) == ({}, {}, {}, {})
    assert len(store._due) < 200
