"""A listing of the fleet queries the Airflow database first, in its lane, and AWS after that."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from aws_exec.dispatch.database import DatabaseQueries
from aws_exec.dispatch.lane import Workers
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.effects import ListFleet
from aws_exec.lifecycle.values import CallFailure, FailureKind
from tests.dispatch.harness import PATIENCE, confirm, observe, rig, timeless, until


class Database:
    """Tells of these callbacks when it is let."""

    def __init__(self, *callbacks, error=None):
        self.callbacks = callbacks
        self.error = error
        self.busy = threading.Event()
        self.let = threading.Event()

    def __call__(self):
        self.busy.set()
        assert self.let.wait(PATIENCE)
        if self.error:
            raise self.error
        return self.callbacks


@pytest.fixture
def listed():
    """What was asked of AWS, by which thread."""
    return []


@pytest.fixture
def listing(listed):
    """A dispatcher of one read thread, whose fleet is empty."""

    def listing(database, **options):
        def list_fleet(ended_of):
            listed.append((threading.current_thread().name.rpartition("-")[0], ended_of))
            return ()

        return rig(
            queries=DatabaseQueries(unfinished_callbacks=database),
            list_fleet=list_fleet,
            workers=Workers(reads=1),
            **options,
        )

    return listing


def test_the_rows_say_which_ends_are_looked_for_and_the_reads_look(listing, listed):
    database = Database("callback1", "callback2")
    with listing(database) as it:
        database.let.set()
        it.dispatch(ListFleet(request_id=1))
        assert it.settle() == [on.FleetListed(request_id=1, members=())]
    assert listed == [("awsexec-read", ("callback1", "callback2"))]


def test_a_slow_database_holds_up_no_read_and_is_asked_by_one(listing, listed):
    database = Database()
    with listing(database) as it:
        it.dispatch(ListFleet(request_id=1))
        assert database.busy.wait(PATIENCE)
        it.dispatch(confirm(2, "a"), observe(3))
        assert it.one() == on.Described(request_id=3, seen=(), missing=())
        assert listed == []
        database.let.set()
        assert [event.request_id for event in it.settle()] == [1, 2]


@pytest.mark.parametrize("error", [RuntimeError("postgres://user:password@db"), SystemExit(1)])
def test_a_database_that_does_not_answer_fails_the_listing_and_aws_is_not_asked(listing, listed, error, caplog):
    database = Database(error=error)
    with listing(database) as it:
        database.let.set()
        it.dispatch(ListFleet(request_id=1), confirm(2, "a"))
        fault = CallFailure(FailureKind.UNREACHED, "ListFleet", type(error).__name__)
        settled = [timeless(event) for event in it.settle()]
        assert settled == [
            on.ListFleetFailed(request_id=1, failure=fault),
            on.OwnershipVerified(request_id=2, launch_ids=("a",), ours=frozenset({"a"})),
        ]
    assert listed == []
    assert "password" not in caplog.text


def test_a_listing_that_the_end_meets_between_the_two_is_held(listing, listed):
    database = Database()
    with listing(database) as it:
        it.dispatch(ListFleet(request_id=1))
        assert database.busy.wait(PATIENCE)
        assert it.dispatcher.close(0)
        database.let.set()
        event = it.one()
    assert replace(event, failure=None) == on.ListFleetFailed(request_id=1, failure=None)
    assert (event.failure.kind, event.failure.code) == (FailureKind.HELD, "Closed")
    assert listed == []


def test_where_there_is_no_database_and_no_listing_nothing_runs():
    with rig() as it:
        it.dispatch(ListFleet(request_id=1))
        assert it.one() == on.FleetListed(request_id=1, members=())
        until(it.dispatcher.idle)
