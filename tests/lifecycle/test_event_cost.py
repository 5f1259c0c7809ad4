"""No event takes long, however many launches there are: what is too much for one step is left to the next Ticks.

Lines are counted, not timed: a step of so many takes less than 5 ms, a quarter of what a heartbeat may take.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from functools import partial
from itertools import count
from typing import ClassVar

import pytest

from aws_exec.lifecycle import Machine, Policy
from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.orphans import FleetMember, Owner
from aws_exec.lifecycle.values import FailureKind, Job
from tests.lifecycle.driver import EXITED_0, NEVER_STARTED, check, fault, running, starting, steps_of, stopped

MANY = 10_000
#: At 25 million lines a second, less than 5 ms.
STEPS = 120_000
#: Each is carried out in the same heartbeat, in a few microseconds.
EFFECTS = 200

IDS = [f"L{number}" for number in range(MANY)]
KEYS = [f"K{number}" for number in range(MANY)]
JOBS = [Job(f"arn:{number}", "c") for number in range(MANY)]
POLICY = Policy(deployment="ours", orphan_interval=900.0, orphan_age=0.0, reap_orphans=True, stall_after=20.0)


def handle(machine, event, now):
    effects = machine.handle(event, now)
    machine.store.outbox.clear()
    return effects


def ticks(machine, now):
    """Everything that is due now, and what was asked for."""
    effects = handle(machine, on.Tick(), now)
    while machine.due(now):
        effects += handle(machine, on.Tick(), now)
    return effects


def of_type(kind, effects):
    return [effect for effect in effects if isinstance(effect, kind)]


def twin(machine):
    """A machine that goes on from where another is; that one stays as it is."""
    other = Machine(machine.policy)
    other.store = copy(machine.store)
    for name in (
        "launches",
        "by_key",
        "by_arn",
        "watched",
        "unstarted",
        "unlisted_since",
        "outbox",
        "unexpected",
        "history",
        "_due",
    ):
        setattr(other.store, name, copy(getattr(machine.store, name)))
    return other


def read(confirm):
    """Its answer: all are ours, and their rows say what they run."""
    ids = tuple(launch_id for launch_id, _ in confirm.launches)
    return on.OwnershipVerified(
        request_id=confirm.request_id,
        launch_ids=ids,
        ours=frozenset(ids),
        workloads=dict.fromkeys(confirm.read, "row"),
        read_at=1.0,
    )


def members(prefix="arn:", launches="L", seen=running):
    """One container of each launch."""
    found = []
    for number in range(MANY):
        token = f"{launches}{number}-1"
        found.append(FleetMember(seen(Job(f"{prefix}{number}", "c"), token), Identity("ours", token)))
    return tuple(found)


@pytest.fixture(scope="module")
def fleet():
    """Jobs that were seen to run; a sweep and a listing are due at 1000."""
    machine = Machine(replace(POLICY, stall_after=1e9))
    for launch_id, key, job in zip(IDS, KEYS, JOBS, strict=True):
        handle(machine, on.Adopted(launch_id=launch_id, key=key, job=job), 0.0)
    effects = ticks(machine, 0.0)
    for observe in of_type(do.Describe, effects):
        seen = tuple(running(job, f"L{job.arn[4:]}-1") for job in observe.jobs)
        handle(machine, on.Described(request_id=observe.request_id, seen=seen), 0.0)
    handle(
        machine,
        on.ListFleetFailed(
            request_id=of_type(do.ListFleet, effects)[0].request_id, failure=fault(FailureKind.UNREACHED)
        ),
        0.0,
    )
    return machine


@pytest.fixture(scope="module")
def out():
    """Launches whose Submit is out."""
    machine = Machine(replace(POLICY, orphan_interval=None))
    for launch_id, key in zip(IDS, KEYS, strict=True):
        handle(machine, on.WorkloadQueued(launch_id=launch_id, key=key, workload="work"), 0.0)
    assert len(of_type(do.Submit, ticks(machine, 0.0))) == MANY
    return machine


@pytest.fixture(scope="module")
def waiting():
    """Launches that were adopted, are found nowhere, and wait for the listing that is out."""
    machine = Machine(POLICY)
    for launch_id, key in zip(IDS, KEYS, strict=True):
        handle(machine, on.Adopted(launch_id=launch_id, key=key, workload="work"), 0.0)
    for find in of_type(do.FindByLaunchId, ticks(machine, 0.0)):
        handle(machine, on.FoundByLaunchId(request_id=find.request_id, launch_ids=find.launch_ids, seen=()), 0.0)
    assert of_type(do.Submit, ticks(machine, 0.0)) == []
    return machine


@pytest.fixture(autouse=True)
def consistent():
    """Every machine that a test has measured is consistent in the end: to check it takes longer than most tests."""
    Costs.all.clear()
    yield
    for costs in Costs.all:
        check(costs.machine.store)


class Costs:
    """A machine whose steps are measured: each but most of many Ticks that follow each other."""

    all: ClassVar[list[Costs]] = []

    def __init__(self, machine):
        self.machine = twin(machine)
        self.all.append(self)

    def feed(self, event, now):
        """An event, and the Ticks that work off what it leaves; all effects."""
        effects = self.step(event, now)
        for number in count():
            if not self.machine.due(now):
                break
            left = sum(len(work.items) - work.done for work in self.machine.store.state.backlog)
            step = (
                self.step if number % 20 == 0 or 0 < left <= POLICY.launches_per_tick else partial(handle, self.machine)
            )
            effects += step(on.Tick(), now)
        return effects

    def step(self, event, now):
        told = []
        steps = steps_of(lambda: told.extend(handle(self.machine, event, now)))
        assert steps < STEPS, f"{type(event).__name__} takes {steps} steps, for {len(told)} effects"
        assert len(told) < EFFECTS, f"{type(event).__name__} has {len(told)} effects"
        return told

    def listing(self, seen, owners, now):
        """The answer to the listing that is out, and whose the containers are."""
        (question,) = self.feed(on.FleetListed(request_id=self.machine.store.state.fleet_request, members=seen), now)
        told = self.feed(
            on.OwnersFound(request_id=question.request_id, members=question.members, owners=tuple(owners)), now
        )
        assert self.machine.store.state.listing.findings is None
        return told


def swept(fleet):
    """A sweep of the fleet is out."""
    costs = Costs(fleet)
    effects = costs.feed(on.Tick(), 1000.0)
    return costs, of_type(do.ListRunning, effects)[0], of_type(do.Describe, effects)


def test_a_sweep_and_a_listing_that_has_nobody(fleet):
    costs, watch, observes = swept(fleet)
    assert len(watch.jobs) + sum(len(observe.jobs) for observe in observes) == MANY
    (*observes,) = costs.feed(on.RunningListed(request_id=watch.request_id, location="c", unlisted=watch.jobs), 1000.0)
    assert sum(len(observe.jobs) for observe in observes) == len(watch.jobs)
    costs.feed(on.DescribeFailed(request_id=observes[0].request_id, failure=fault(FailureKind.UNREACHED)), 1000.0)


@pytest.mark.parametrize(
    "seen", [running, lambda *job: stopped(EXITED_0, *job), lambda *job: stopped(NEVER_STARTED, *job)]
)
def test_what_one_call_describes(fleet, seen):
    costs, _, observes = swept(fleet)
    observe = observes[0]
    told = costs.feed(
        on.Described(request_id=observe.request_id, seen=tuple(seen(job, f"L{job.arn[4:]}-1") for job in observe.jobs)),
        1000.0,
    )
    for settle in of_type(do.VerifyExit, told)[:2]:
        costs.feed(on.ExitVerified(request_id=settle.request_id, launch_id=settle.launch_id, awaited=True), 1000.0)
    for settle in of_type(do.VerifyExit, told)[2:4]:
        costs.feed(
            on.VerifyExitFailed(
                request_id=settle.request_id, launch_id=settle.launch_id, failure=fault(FailureKind.UNREACHED)
            ),
            1000.0,
        )


def test_jobs_that_are_missing(fleet):
    costs, _, observes = swept(fleet)
    for at in (900.0, 901.0, 1000.0):
        verifies_exit = costs.feed(on.Described(request_id=None, seen=(), missing=observes[0].jobs), at)
    assert len(of_type(do.VerifyExit, verifies_exit)) == len(observes[0].jobs)


def listed(machine, now=1000.0):
    """A listing is out."""
    costs = Costs(machine)
    if not machine.store.state.fleet_request:
        costs.feed(on.Tick(), now)
    return costs


def test_a_listing_of_what_is_followed(fleet):
    owners = [Owner(waits=True, names=job.arn, task=key, runs=True) for job, key in zip(JOBS, KEYS, strict=True)]
    assert listed(fleet).listing(members(), owners, 1000.0) == [do.Orphans(found=(), stopped=True)]


def test_a_listing_of_orphans():
    told = listed(Machine(POLICY)).listing(members(), [Owner()] * MANY, 1000.0)
    assert len(of_type(do.Orphans, told)[0].found) == MANY
    assert len({stop.job for stop in of_type(do.StopJob, told)}) == MANY


def test_a_listing_of_callbacks_of_a_dead_scheduler():
    owners = [Owner(waits=True, key=f"C{number}") for number in range(MANY)]
    told = listed(Machine(POLICY)).listing(members(), owners, 1000.0)
    assert {launched.key for launched in of_type(do.Launched, told)} == {owner.key for owner in owners}


def test_a_listing_that_what_was_adopted_waited_for(waiting):
    costs = listed(waiting)
    confirms = of_type(do.VerifyOwnership, costs.listing((), (), 1.0))
    submits = [submit for confirm in confirms for submit in of_type(do.Submit, costs.feed(read(confirm), 1.0))]
    assert {submit.launch_id for submit in submits} == set(IDS)


def test_a_listing_of_earlier_containers_of_what_was_adopted(waiting):
    seen = members("arn:earlier-", "E", seen=starting)
    owners = [Owner(waits=True, names=launch_id, task=key) for launch_id, key in zip(IDS, KEYS, strict=True)]
    told = listed(waiting).listing(seen, owners, 1.0)
    assert len({stop.job for stop in of_type(do.StopJob, told)}) == MANY
    assert of_type(do.Submit, told) == []


def test_a_listing_that_fails(fleet):
    costs = listed(fleet)
    costs.feed(
        on.ListFleetFailed(request_id=costs.machine.store.state.fleet_request, failure=fault(FailureKind.UNREACHED)),
        1000.0,
    )


def test_launches_that_airflow_no_longer_wants(out):
    machine = twin(out)
    machine.policy = replace(POLICY, orphan_interval=None, check_interval=5.0)
    costs = Costs(machine)
    (check,) = of_type(do.CheckWanted, costs.feed(on.Tick(), 10.0))
    assert len(check.launches) == MANY
    told = costs.feed(
        on.WantedChecked(request_id=check.request_id, unwanted=tuple((each, "gone") for each in IDS)), 10.0
    )
    assert len(of_type(do.Release, told)) == MANY


def test_one_launch_among_many(fleet):
    costs = Costs(fleet)
    (submit,) = of_type(do.Submit, costs.feed(on.WorkloadQueued(launch_id="new", key="new", workload="work"), 1.0))
    costs.feed(on.Unaccepted(request_id=submit.request_id, launch_id="new", failure=fault(FailureKind.REFUSED)), 1.0)
    (submit,) = of_type(do.Submit, costs.feed(on.Tick(), 100.0))
    costs.feed(
        on.Accepted(request_id=submit.request_id, launch_id="new", seen=starting(Job("arn:new", "c"), "new-1")), 100.0
    )
    costs.feed(on.Adopted(launch_id="newer", key="newer", job=Job("arn:newer", "c")), 100.0)
    (stop,) = of_type(do.StopJob, costs.feed(on.Revoked(key="new"), 100.0))
    costs.feed(on.StopAnswered(request_id=stop.request_id, launch_id="new"), 100.0)
    costs.feed(on.FailedByAirflow(key="newer"), 100.0)


def test_a_gap_between_heartbeats_while_many_launches_are_out(out):
    costs = Costs(out)
    assert costs.feed(on.Tick(), 30.0) == [do.WithdrawAll()]


def test_launches_that_are_doubted_after_a_gap(out):
    machine = twin(out)
    handle(machine, on.Tick(), 30.0)
    for launch in list(machine.store.launches.values()):
        handle(
            machine,
            on.Unaccepted(request_id=launch.request_id, launch_id=launch.launch_id, failure=fault(FailureKind.HELD)),
            30.0,
        )
    costs = Costs(machine)
    confirms = of_type(do.VerifyOwnership, costs.feed(on.Tick(), 31.0))
    assert sum(len(confirm.launches) for confirm in confirms) == MANY
    costs.feed(on.Tick(), 60.0)
    again = []
    for confirm in confirms[:3]:
        ids = tuple(launch_id for launch_id, _ in confirm.launches)
        again += of_type(
            do.VerifyOwnership,
            costs.feed(on.OwnershipVerified(request_id=confirm.request_id, launch_ids=ids, ours=frozenset(ids)), 60.0),
        )
    ours, theirs, unread = (
        {"request_id": verify.request_id, "launch_ids": tuple(each for each, _ in verify.launches)} for verify in again
    )
    costs.feed(on.OwnershipVerified(**ours, ours=frozenset(ours["launch_ids"])), 60.0)
    costs.feed(on.OwnershipVerified(**theirs, ours=frozenset()), 60.0)
    costs.feed(on.VerifyOwnershipFailed(**unread, failure=fault(FailureKind.UNREACHED)), 60.0)


def test_launches_that_are_looked_for(waiting):
    machine = Machine(POLICY)
    for launch_id, key in zip(IDS, KEYS, strict=True):
        handle(machine, on.Adopted(launch_id=launch_id, key=key), 0.0)
    costs = Costs(machine)
    one, other, *_ = of_type(do.FindByLaunchId, costs.feed(on.Tick(), 0.0))
    seen = tuple(running(Job(f"arn:{each}", "c"), f"{each}-1") for each in one.token_bases)
    costs.feed(on.FoundByLaunchId(request_id=one.request_id, launch_ids=one.launch_ids, seen=seen), 1.0)
    costs.feed(
        on.FindByLaunchIdFailed(
            request_id=other.request_id, launch_ids=other.launch_ids, failure=fault(FailureKind.UNREACHED)
        ),
        1.0,
    )


@pytest.mark.parametrize("state", ["fleet", "out", "waiting"])
@pytest.mark.parametrize("event", [on.Draining(), on.Terminating()])
def test_the_end(request, state, event):
    costs = Costs(request.getfixturevalue(state))
    told = costs.feed(event, 1.0)
    if state == "fleet" and isinstance(event, on.Terminating):
        assert {stop.job for stop in of_type(do.StopJob, told)} == set(JOBS)


def test_times_at_which_nothing_is_due_any_more():
    """Jobs that have started leave their times to start behind; one launch that is due sooner hides them."""
    machine = Machine(replace(POLICY, orphan_interval=None, launch_timeout=600.0, start_timeout=300.0))
    handle(machine, on.WorkloadQueued(launch_id="first", key="first", workload="work"), 0.0)
    for launch_id, key in zip(IDS, KEYS, strict=True):
        handle(machine, on.WorkloadQueued(launch_id=launch_id, key=key, workload="work"), 400.0)
    for submit in of_type(do.Submit, ticks(machine, 400.0)):
        job = Job(f"arn:{submit.launch_id}", "c")
        handle(
            machine,
            on.Accepted(request_id=submit.request_id, launch_id=submit.launch_id, seen=starting(job, submit.token)),
            400.0,
        )
        if submit.launch_id != "first":
            handle(machine, on.Described(request_id=None, seen=(running(job, submit.token),)), 400.0)
    assert machine.store.next_due() == 600.0
    assert steps_of(lambda: twin(machine).store.due_by(1000.0, POLICY.launches_per_tick)) < 3 * MANY
    handle(machine, on.Described(request_id=None, seen=(running(Job("arn:first", "c"), "first-1"),)), 400.0)
    assert steps_of(machine.store.next_due) < 3 * MANY
    assert machine.store.next_due() is None
