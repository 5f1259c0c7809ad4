"""A location is listed while something of ours may run there, and no longer."""

from __future__ import annotations

import pytest

from aws_exec.clouds.errors import CloudError
from aws_exec.executors.locations import AT_MOST, LINGER_SECONDS, Locations
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.orphans import FleetMember
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job, Observation, Status
from aws_exec.testing import FakeClock
from tests.executors.harness import FastClock, Scheduler, task
from tests.executors.services import over_both
from tests.scripted.services import FOR_EVER


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def locations(clock):
    return Locations(["fleet"], clock)


def listed(locations, *seen):
    """Where a listing looks that sees containers in these locations."""
    asked = []

    def look(locations):
        asked.extend(locations)
        return [
            FleetMember(Observation(Job(f"arn:{each}", each), Status.RUNNING), Identity("us", "L1-1")) for each in seen
        ]

    locations.list_all(look)
    return asked


def test_a_location_is_listed_until_long_after_its_last_use(locations, clock):
    locations.use("run-1")
    clock.advance(LINGER_SECONDS)
    assert listed(locations) == ["fleet", "run-1"]
    clock.advance(1)
    assert listed(locations) == ["fleet", "run-1"], "the last look there"
    assert listed(locations) == ["fleet"]


def test_a_location_where_something_of_ours_is_seen_is_listed_again(locations, clock):
    locations.use("run-1")
    for _ in range(3):
        clock.advance(LINGER_SECONDS + 1)
        assert listed(locations, "run-1") == ["fleet", "run-1"]


def test_a_listing_that_begins_while_a_location_is_used_again_looks_there():
    """Else what is adopted there would be launched beside an earlier container that no listing saw."""
    asked = []

    def clock():
        asked.extend(listed(locations) if armed.pop() else [])
        return 0.0

    locations, armed = Locations((), clock), [False, True, False]
    locations.use("run-1")
    locations.use("run-1")
    assert asked == ["run-1"]


def test_a_listing_that_fails_forgets_no_location(locations, clock):
    locations.use("run-1")
    clock.advance(10 * LINGER_SECONDS)

    def look(_):
        raise CloudError(CallFailure(FailureKind.UNREACHED, "ListTasks"))

    with pytest.raises(CloudError):
        locations.list_all(look)
    assert listed(locations) == ["fleet", "run-1"]


def test_a_location_of_which_too_many_are_newer_is_forgotten(locations):
    for number in range(AT_MOST + 1):
        locations.use(f"run-{number}")
    asked = listed(locations)
    assert len(asked) <= AT_MOST + 1
    assert asked[0] == "fleet"
    assert asked[-1] == f"run-{AT_MOST}"
    assert "run-0" not in asked


@over_both
def test_a_location_is_listed_as_long_as_a_job_of_ours_is_known_there(started, aws, service):
    """Hours pass; no listing is allowed that would show the job to a listing."""
    aws.set_plan(FOR_EVER)
    aws.goes_wrong(service.denied(service.list), service.list)
    clock = FastClock(1800)
    scheduler = Scheduler(started(clock=clock, orphan_interval="600", poll_interval="60"))
    key = scheduler.queue(task(executor_config=service.elsewhere))
    scheduler.until(lambda: scheduler.arn(key))
    end = clock() + 4 * LINGER_SECONDS
    scheduler.until(lambda: clock() > end)
    assert "elsewhere" in scheduler.executor._fleet_lister.locations._used
