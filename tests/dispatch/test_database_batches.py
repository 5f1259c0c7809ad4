"""Thousands of questions to the Airflow database are few queries, and each gets its own answer."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from aws_exec.dispatch.database import DatabaseQueries
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.effects import CheckWanted, VerifyExit, VerifyOwnership
from aws_exec.lifecycle.values import CallFailure, FailureKind
from tests.dispatch.harness import PATIENCE, confirm, rig, timeless, until


def settle(request_id):
    return VerifyExit(request_id=request_id, launch_id=f"launch{request_id}", key=("key", request_id))


class Database:
    """Answers when it is let; what it was asked."""

    def __init__(self, error=None):
        self.asked = []
        self.error = error
        self.busy = threading.Event()
        self.let = threading.Event()

    def __call__(self, launches):
        self.asked.append([launch_id for launch_id, _ in launches])
        self.busy.set()
        assert self.let.wait(PATIENCE)
        if self.error:
            raise self.error
        return {launch_id: key[1] % 5 == 0 for launch_id, key in launches if key[1] % 2}


def ask_in_a_rush(database, count, **options):
    """One question, and while it is answered all the others; the completions."""
    with rig(queries=DatabaseQueries(verify_exits=database), **options) as it:
        it.dispatch(settle(1))
        assert database.busy.wait(PATIENCE)
        it.dispatch(*(settle(request_id) for request_id in range(2, count + 1)), confirm(count + 1, "a"))
        until(lambda: len(it.dispatcher._queries._queue) == count)
        database.let.set()
        return it.settle()


def test_those_that_wait_are_asked_five_hundred_at_a_time():
    database = Database()
    events = ask_in_a_rush(database, 1200)
    assert [len(asked) for asked in database.asked] == [1, 500, 500, 199]
    assert events[:-1] == [
        on.ExitVerified(
            request_id=request_id,
            launch_id=f"launch{request_id}",
            awaited=bool(request_id % 2),
            unreported=request_id % 10 == 5,
        )
        for request_id in range(1, 1201)
    ]
    assert timeless(events[-1]) == on.OwnershipVerified(request_id=1201, launch_ids=("a",), ours=frozenset({"a"}))


@pytest.mark.parametrize("error", [RuntimeError("postgres://user:password@db"), SystemExit(1)])
def test_a_database_that_does_not_answer_fails_each_of_them(error, caplog):
    events = ask_in_a_rush(Database(error), 3)
    fault = CallFailure(FailureKind.UNREACHED, "VerifyExit", type(error).__name__)
    assert events[:-1] == [
        on.VerifyExitFailed(request_id=request_id, launch_id=f"launch{request_id}", failure=fault)
        for request_id in (1, 2, 3)
    ]
    assert isinstance(events[-1], on.OwnershipVerified)
    assert "password" not in caplog.text


def test_where_nobody_can_be_asked_every_end_is_told():
    with rig() as it:
        it.dispatch(settle(1))
        assert it.one() == on.ExitVerified(request_id=1, launch_id="launch1", awaited=True)


class Register:
    """Says of each launch that it is ours, and what those to be read run; when it is let."""

    def __init__(self):
        self.asked = []
        self.busy = threading.Event()
        self.let = threading.Event()

    def __call__(self, launches, read):
        self.asked.append((len(launches), len(read)))
        self.busy.set()
        assert self.let.wait(PATIENCE)
        return {launch_id: f"row of {launch_id}" if launch_id in read else None for launch_id, _ in launches}


def confirm_many(request_id, count, *, read):
    launches = tuple((f"{request_id}-{number}", number) for number in range(count))
    return VerifyOwnership(
        request_id=request_id,
        launches=launches,
        read=frozenset(launch_id for launch_id, _ in launches) if read else frozenset(),
    )


def test_launches_that_wait_to_be_confirmed_are_asked_about_together_and_read_with_that():
    register = Register()
    with rig(queries=DatabaseQueries(verify_ownership=register), clock=lambda: 7.0) as it:
        it.dispatch(confirm_many(1, 99, read=True))
        assert register.busy.wait(PATIENCE)
        it.dispatch(*(confirm_many(request_id, 99, read=request_id % 2) for request_id in range(2, 12)))
        until(lambda: len(it.dispatcher._queries._queue) == 10)
        register.let.set()
        events = it.settle()
    assert register.asked == [(99, 99), (495, 198), (495, 297)]
    for event in events:
        ids = tuple(f"{event.request_id}-{number}" for number in range(99))
        read = {launch_id: f"row of {launch_id}" for launch_id in ids} if event.request_id % 2 else {}
        assert event == on.OwnershipVerified(
            request_id=event.request_id, launch_ids=ids, ours=frozenset(ids), workloads=read, read_at=7.0
        )


def test_what_is_not_ours_is_not_read_whatever_the_database_says():
    with rig(
        queries=DatabaseQueries(verify_ownership=lambda _launches, _read: {"1-0": "row"}), clock=lambda: 7.0
    ) as it:
        it.dispatch(confirm_many(1, 2, read=True))
        assert it.one() == on.OwnershipVerified(
            request_id=1, launch_ids=("1-0", "1-1"), ours=frozenset({"1-0"}), workloads={"1-0": "row"}, read_at=7.0
        )


def test_of_those_that_failed_it_is_asked_with_them_whether_airflow_refused_them():
    asked = []

    def unwanted(launches):
        asked.append(launches)
        return {"launch2": "marked failed by admin"}

    with rig(queries=DatabaseQueries(find_unwanted=unwanted)) as it:
        it.dispatch(settle(1))
        it.dispatch(replace(settle(2), failed=True))
        why = "marked failed by admin"
        refused = on.ExitVerified(request_id=2, launch_id="launch2", awaited=True, unwanted=why)
        assert it.take(2) == [on.ExitVerified(request_id=1, launch_id="launch1", awaited=True), refused]
    assert asked == [(("launch2", ("key", 2)),)]


def test_whether_airflow_still_wants_what_waits_is_asked_and_a_database_that_hangs_up_says_nothing():
    def unwanted(launches):
        if launches == (("b", "K2"),):
            raise OSError
        return {"a": "its run was deleted"}

    with rig(queries=DatabaseQueries(find_unwanted=unwanted)) as it:
        it.dispatch(
            CheckWanted(request_id=1, launches=(("a", "K1"), ("b", "K2"))),
            CheckWanted(request_id=2, launches=(("b", "K2"),)),
        )
        assert it.take(2) == [
            on.WantedChecked(request_id=1, unwanted=(("a", "its run was deleted"),)),
            on.WantedChecked(request_id=2),
        ]
