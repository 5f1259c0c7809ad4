"""The tables of transitions are what the machine does: here each of their ways is taken; that there is no other is
asserted after every event of every test (`driver.check`), of the drawn ones (`test_everything.py`) too."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest

from aws_exec.lifecycle import Machine, Policy, phases
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.launch import Container, Detached, HandedOver, Launch, Pending, Stopping, Submission
from aws_exec.lifecycle.orphans import FleetMember, Owner
from aws_exec.lifecycle.phases import PHASES, STANDINGS, Phase, Standing
from aws_exec.lifecycle.store import LaunchStore, Transaction
from aws_exec.lifecycle.values import FailureKind, Origin
from tests.lifecycle.driver import (
    EXITED_0,
    JOB,
    NEVER_STARTED,
    Life,
    fault,
    over,
    running,
    starting,
    stopped,
)

NONE = None
WAITING, VERIFYING, LAUNCHING, UNCERTAIN, SEARCHING, STARTING, RUNNING, EXITED, STOPPING, ENDED = Phase
OWNED, SUPERSEDED, DETACHED = Standing

GAP = {"stall_after": 20.0}
BATCH = {"idempotent_submit": False}
LISTED = {"orphan_interval": 900.0}
RUNS = Owner(waits=True, task="K1", runs=True)
#: How a job is seen that is in a phase; nobody has reported its end.
SEEN = {
    STARTING: starting,
    RUNNING: running,
    EXITED: lambda *job: over(EXITED_0, *job),
    ENDED: lambda *job: stopped(EXITED_0, *job),
}


class WatchedMachine(Machine):
    """A machine whose every change of a phase or a standing is written down."""

    def __init__(self, policy):
        super().__init__(policy)
        self.turns = set()

    def places(self):
        return {launch_id: (launch.phase, launch.standing) for launch_id, launch in self.store.launches.items()}

    def handle(self, event, now):
        before = self.places()
        effects = super().handle(event, now)
        after, nowhere = self.places(), (None, None)
        for one in before | after:
            self.turns.update(zip(before.get(one, nowhere), after.get(one, nowhere), strict=True))
        return effects


class WatchedLife(Life):
    """A life of such a machine, in which rows say nothing of an end by themselves."""

    def __init__(self, **policy):
        super().__init__(**policy)
        self.machine = WatchedMachine(self.machine.policy)
        self.awaited = None

    def answer(self, event, **fields):
        """Answer what the launch waits for."""
        return self.feed(event(request_id=self.launch().request_id, **fields))


def verifying(life):
    """Its row is being checked: a heartbeat was missed before it was launched."""
    life.tick()
    life.take()
    life.tick(after=30)


def unanswered(life):
    life.tick()
    request_id = life.launching()
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER)))


def searching(life):
    unanswered(life)
    life.tick(after=1.5)


def adopted_and_nowhere(life):
    life.feed(on.Adopted(launch_id="L1", key="K1"))
    for _ in range(2):
        life.tick(after=30)
        life.answer(on.FoundByLaunchId, launch_ids=("L1",), seen=())


def revoke(life):
    life.feed(on.Revoked(key="K1"))


def refused(life, kind):
    life.feed(on.Unaccepted(request_id=life.launching(), launch_id="L1", failure=fault(kind)))


def not_found(life, times):
    searching(life)
    for _ in range(times - 1):
        life.answer(on.FoundByLaunchId, launch_ids=("L1",), seen=())
        life.tick(after=30)
    life.answer(on.FoundByLaunchId, launch_ids=("L1",), seen=())


def found(life, seen):
    life.answer(on.FoundByLaunchId, launch_ids=("L1",), seen=(seen,))


def accepted(life, seen):
    life.feed(on.Accepted(request_id=life.launching(), launch_id="L1", seen=seen))


def accepted_when_it_must_end(life):
    request_id = life.launching()
    revoke(life)
    life.feed(on.Accepted(request_id=request_id, launch_id="L1", seen=starting()))


def confirmed(life, ours):
    verifying(life)
    life.answer(on.OwnershipVerified, launch_ids=("L1",), ours=frozenset(ours))


def adopted_and_searched_for(life, searches):
    life.feed(on.Adopted(launch_id="L1", key="K1", workload="work"))
    for _ in range(searches):
        life.tick(after=30)
        life.answer(on.FoundByLaunchId, launch_ids=("L1",), seen=())


def listed(life, seen, owner):
    """A listing of the fleet has a container of another launch."""
    members = (FleetMember(seen, Identity("", seen.token)),)
    life.feed(on.FleetListed(request_id=life.store.state.fleet_request, members=members))
    life.feed(on.OwnersFound(request_id=life.store.state.fleet_request, members=members, owners=(owner,)))


def adopted_beside_another(life, searches, owner, phase=RUNNING):
    """It is found nowhere, so often, and a listing of the fleet has a container of an earlier launch."""
    adopted_and_searched_for(life, searches)
    listed(life, SEEN[phase](JOB, "L0-1"), owner)


def confirmed_beside_another(life, phase):
    life.reads = False
    adopted_and_searched_for(life, 1)
    life.tick(after=30)
    listed(life, SEEN[phase](JOB, "L0-1"), RUNS)


def followed_callback(life, phase):
    life.tick()
    listed(life, SEEN[phase](JOB, "L0-1"), Owner(waits=True, key="callback"))


def adopted_with_an_earlier_one(life):
    life.feed(on.Adopted(launch_id="L1", key="K1", job=JOB, origin=Origin("2")))
    life.see(replace(running(), origin=Origin("1")))


def terminated_with_an_earlier_one(life):
    life.feed(on.Adopted(launch_id="L1", key="K1", job=JOB, origin=Origin("2")))
    life.feed(on.Terminating())
    life.see(replace(running(), origin=Origin("1")))


def lost_and_back(life):
    """A launch that was not answered is another scheduler's, and comes back."""
    unanswered(life)
    life.tick(after=30)
    life.answer(on.OwnershipVerified, launch_ids=("L1",), ours=frozenset())
    life.feed(on.Adopted(launch_id="L1", key="K1", workload="work"))


def read(life):
    life.feed(on.Adopted(launch_id="L1", key="K1", job=JOB, workload="work"))
    life.see(stopped(NEVER_STARTED))
    life.tick(after=30)


def outrun(life, phase):
    """Another container starts although it is being stopped, and Airflow lets it in."""
    life.active("L0")
    revoke(life)
    life.take()
    life.see(running(JOB, "L0-1"))
    life.see(SEEN[phase](JOB, "L0-1"))
    life.tick()
    life.answer(on.OwnershipVerified, launch_ids=("L1",), ours=frozenset())


def seen_as(life, *phases):
    """Its job is accepted, and then seen so."""
    life.active()
    for phase in phases:
        life.see(SEEN[phase]())


def detached(life, *phases):
    """A newer launch of the key takes over, after its job was seen so."""
    seen_as(life, *phases)
    life.take("L2", "K1")


def superseded(life):
    detached(life)


def superseded_and_back(life):
    superseded(life)
    revoke(life)
    life.feed(on.Adopted(launch_id="L1", key="K1", job=JOB))


def terminated(life):
    seen_as(life, RUNNING)
    life.feed(on.Terminating())


def verified(life):
    seen_as(life, RUNNING, ENDED)
    life.feed(on.ExitVerified(request_id=life.launch().verifying_exit, launch_id="L1", awaited=True))


#: How each is taken: of which policy, and by what.
WAYS = {
    (NONE, WAITING): ({}, lambda life: life.take()),
    (NONE, UNCERTAIN): ({}, lambda life: life.feed(on.Adopted(launch_id="L1", key="K1"))),
    (NONE, STARTING): ({}, lambda life: life.feed(on.Adopted(launch_id="L1", key="K1", job=JOB))),
    **{
        (NONE, phase): (LISTED, lambda life, phase=phase: followed_callback(life, phase))
        for phase in (RUNNING, EXITED, ENDED)
    },
    (NONE, STOPPING): (LISTED, lambda life: adopted_beside_another(life, 1, Owner(waits=True, task="K1"))),
    (WAITING, LAUNCHING): ({}, lambda life: life.launching()),
    (WAITING, VERIFYING): (GAP, verifying),
    **{
        (WAITING, phase): (BATCH | LISTED, lambda life, phase=phase: adopted_beside_another(life, 2, RUNS, phase))
        for phase in phases.RUNS
    },
    (WAITING, NONE): ({}, lambda life: (life.take(), revoke(life))),
    (VERIFYING, UNCERTAIN): (GAP, lambda life: confirmed(life, {"L1"})),
    (VERIFYING, WAITING): (
        GAP,
        lambda life: (
            verifying(life),
            life.answer(on.VerifyOwnershipFailed, launch_ids=("L1",), failure=fault(FailureKind.UNREACHED)),
        ),
    ),
    (VERIFYING, LAUNCHING): ({}, read),
    **{
        (VERIFYING, phase): (GAP | LISTED, lambda life, phase=phase: confirmed_beside_another(life, phase))
        for phase in phases.RUNS
    },
    (VERIFYING, ENDED): ({}, lambda life: outrun(life, ENDED)),
    (VERIFYING, NONE): (GAP, lambda life: confirmed(life, ())),
    **{(LAUNCHING, phase): ({}, lambda life, seen=seen: accepted(life, seen())) for phase, seen in SEEN.items()},
    (LAUNCHING, STOPPING): ({}, accepted_when_it_must_end),
    (LAUNCHING, UNCERTAIN): ({}, unanswered),
    (LAUNCHING, WAITING): ({}, lambda life: refused(life, FailureKind.THROTTLED)),
    (LAUNCHING, NONE): ({}, lambda life: refused(life, FailureKind.INVALID)),
    (UNCERTAIN, LAUNCHING): ({}, lambda life: (unanswered(life), life.tick(after=1.5))),
    (UNCERTAIN, SEARCHING): (BATCH, searching),
    (UNCERTAIN, VERIFYING): (GAP, lambda life: (unanswered(life), life.tick(after=30))),
    **{
        (UNCERTAIN, phase): (LISTED, lambda life, phase=phase: adopted_beside_another(life, 1, RUNS, phase))
        for phase in phases.RUNS
    },
    **{
        (SEARCHING, phase): (BATCH, lambda life, seen=seen: (searching(life), found(life, seen())))
        for phase, seen in SEEN.items()
    },
    (SEARCHING, STOPPING): (BATCH, lambda life: (searching(life), revoke(life), found(life, starting()))),
    (SEARCHING, UNCERTAIN): (BATCH, lambda life: not_found(life, 1)),
    (SEARCHING, WAITING): (BATCH, lambda life: not_found(life, 2)),
    (SEARCHING, NONE): ({}, adopted_and_nowhere),
    (STARTING, RUNNING): ({}, lambda life: seen_as(life, RUNNING)),
    (STARTING, EXITED): ({}, lambda life: seen_as(life, EXITED)),
    (STARTING, WAITING): ({}, lambda life: (seen_as(life), life.see(stopped(NEVER_STARTED)))),
    (STARTING, UNCERTAIN): ({}, adopted_with_an_earlier_one),
    (STARTING, ENDED): ({}, lambda life: seen_as(life, ENDED)),
    (STARTING, STOPPING): ({}, lambda life: (seen_as(life), revoke(life))),
    (STARTING, NONE): ({}, lambda life: (detached(life), life.see(stopped(NEVER_STARTED)))),
    (RUNNING, EXITED): ({}, lambda life: seen_as(life, RUNNING, EXITED)),
    (RUNNING, ENDED): ({}, lambda life: seen_as(life, RUNNING, ENDED)),
    (RUNNING, STOPPING): ({}, lambda life: (seen_as(life, RUNNING), revoke(life))),
    (RUNNING, NONE): ({}, lambda life: (detached(life, RUNNING), life.see(stopped(EXITED_0)))),
    (EXITED, ENDED): ({}, lambda life: seen_as(life, RUNNING, EXITED, ENDED)),
    (EXITED, STOPPING): ({}, lambda life: (seen_as(life, RUNNING, EXITED), life.tick(after=121))),
    (EXITED, NONE): ({}, lambda life: (detached(life, RUNNING, EXITED), life.see(stopped(EXITED_0)))),
    (STOPPING, ENDED): ({}, lambda life: (terminated(life), life.see(stopped(EXITED_0)))),
    (STOPPING, UNCERTAIN): ({}, terminated_with_an_earlier_one),
    (STOPPING, NONE): ({}, lambda life: (seen_as(life), revoke(life), life.see(stopped(NEVER_STARTED)))),
    (ENDED, NONE): ({}, verified),
    (NONE, OWNED): ({}, lambda life: life.take()),
    (NONE, DETACHED): (LISTED, lambda life: adopted_beside_another(life, 1, Owner(waits=True, task="K1"))),
    (OWNED, SUPERSEDED): ({}, superseded),
    (OWNED, DETACHED): ({}, lambda life: detached(life, RUNNING)),
    (OWNED, NONE): ({}, lambda life: refused(life, FailureKind.INVALID)),
    (SUPERSEDED, DETACHED): ({}, lambda life: (superseded(life), life.see(running()))),
    (SUPERSEDED, OWNED): ({}, superseded_and_back),
    (SUPERSEDED, NONE): ({}, lambda life: (superseded(life), life.see(stopped(NEVER_STARTED)))),
    (DETACHED, OWNED): (GAP, lost_and_back),
    (DETACHED, NONE): ({}, lambda life: (detached(life, RUNNING), life.see(stopped(EXITED_0)))),
}
TABLE = [way for each in (*PHASES, *STANDINGS) for way in product(each.before, each.after)]


@pytest.mark.parametrize("way", TABLE, ids=str)
def test_a_transition_of_the_tables_is_taken(way):
    policy, take = WAYS[way]
    life = WatchedLife(**policy)
    take(life)
    assert way in life.machine.turns


def test_every_way_is_in_the_tables_once_and_every_phase_and_standing_has_a_way_in_and_a_way_out():
    assert len(TABLE) == len(set(TABLE))
    assert set(WAYS) == set(TABLE)
    assert {before for before, _ in TABLE} == {after for _, after in TABLE} == {*Phase, *Standing, None}


def changed(store, launch):
    """What an event that writes a launch comes to."""
    transaction = Transaction(store, Policy())
    transaction.put(launch)
    return transaction.change(on.Tick(), 0.0)


def test_what_the_tables_do_not_have_is_noted_and_happens_all_the_same():
    """The store is no place to raise: an event that cannot be taken in would be handed in again for ever."""
    store = LaunchStore()
    store.commit(changed(store, Launch("L1", "K1", work=HandedOver("again"), due=0.0)))
    assert store.unexpected == set()
    lost = Launch("L1", "K1", state=Container(JOB), stopping=Stopping("lost"), ownership=Detached(1))
    store.commit(changed(store, lost))
    assert store.unexpected == {("K1", WAITING, STOPPING)}
    assert store.launches["L1"] is lost
    store.commit(changed(store, replace(lost, ownership=Detached())))
    store.unexpected.clear()
    store.commit(changed(store, lost))
    assert store.unexpected == {("K1", DETACHED, SUPERSEDED)}


def test_a_change_that_a_signal_interrupted_is_noted_when_it_is_repeated():
    store = LaunchStore()
    store._unapplied = changed(store, Launch("L1", "K1", state=Submission(pending=Pending(SEARCHING, 1))))
    store.recover()
    assert store.unexpected == {("K1", None, SEARCHING)}
