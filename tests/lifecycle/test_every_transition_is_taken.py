"""The table of transitions is what the machine does: here each of its ways is taken; that there is no other is asserted
after every event of every test (`driver.check`), of the drawn ones (`test_everything.py`) too."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.orphans import FleetMember, Owner
from aws_exec.lifecycle.phases import TRANSITIONS, Phase
from aws_exec.lifecycle.store import Change, Launch, LaunchStore, MachineState
from aws_exec.lifecycle.values import FailureKind, Origin
from tests.lifecycle.driver import EXITED_0, JOB, NEVER_STARTED, Life, fault, running, starting, stopped

W, C, L, U = Phase.WAITING, Phase.CONFIRMING, Phase.LAUNCHING, Phase.UNCERTAIN
O, A, S, NONE = Phase.LOCATING, Phase.ACTIVE, Phase.STOPPING, None  # noqa: E741 - the table is read by these letters

GAP = {"stall_after": 20.0}
BATCH = {"idempotent_submit": False}
SURVEYED = {"orphan_interval": 900.0}
RUNS = Owner(waits=True, task="K1", runs=True)


class WatchedLife(Life):
    """A life whose every change of a phase is written down."""

    def __init__(self, **policy):
        super().__init__(**policy)
        self.turns = set()

    def phases(self):
        return {launch_id: launch.phase for launch_id, launch in self.store.launches.items()}

    def tell(self, event, after=0.0):
        before = self.phases()
        effects = super().tell(event, after)
        now = self.phases()
        self.turns |= {(before.get(one), now.get(one)) for one in before | now}
        return effects

    def answer(self, event, **fields):
        """Answer what the launch waits for."""
        return self.tell(event(request_id=self.launch().request_id, **fields))


def confirming(life):
    """Its row is being checked: a beat was missed before it was launched."""
    life.tick()
    life.take()
    life.tick(after=30)


def unanswered(life):
    life.tick()
    request_id = life.launching()
    life.tell(on.Unaccepted(request_id=request_id, launch_id="L1", fault=fault(FailureKind.NO_ANSWER)))


def locating(life):
    unanswered(life)
    life.tick(after=1.5)


def adopted_and_nowhere(life):
    life.tell(on.Adopted(launch_id="L1", key="K1"))
    for _ in range(2):
        life.tick(after=30)
        life.answer(on.FoundByLaunchId, launch_ids=("L1",), seen=())


def revoke(life):
    life.tell(on.Revoked(key="K1"))


def refused(life, trouble):
    life.tell(on.Unaccepted(request_id=life.launching(), launch_id="L1", fault=fault(trouble)))


def not_found(life, times):
    locating(life)
    for _ in range(times - 1):
        life.answer(on.FoundByLaunchId, launch_ids=("L1",), seen=())
        life.tick(after=30)
    life.answer(on.FoundByLaunchId, launch_ids=("L1",), seen=())


def found(life):
    life.answer(on.FoundByLaunchId, launch_ids=("L1",), seen=(starting(),))


def accepted_when_doomed(life):
    request_id = life.launching()
    revoke(life)
    life.tell(on.Accepted(request_id=request_id, launch_id="L1", seen=starting()))


def confirmed(life, ours):
    confirming(life)
    life.answer(on.OwnershipVerified, launch_ids=("L1",), ours=frozenset(ours))


def adopted_beside_another(life, looks, owner):
    """It is found nowhere, so often, and a survey sees a container of an earlier launch."""
    life.tell(on.Adopted(launch_id="L1", key="K1", workload="work"))
    for _ in range(looks):
        life.tick(after=30)
        life.answer(on.FoundByLaunchId, launch_ids=("L1",), seen=())
    seen = running(JOB, "L0-1")
    sightings = (FleetMember(seen, Identity("", seen.token)),)
    life.tell(on.FleetListed(request_id=life.store.state.fleet_request, sightings=sightings))
    life.tell(on.OwnersFound(request_id=life.store.state.fleet_request, sightings=sightings, owners=(owner,)))


def adopted_with_an_earlier_one(life):
    life.tell(on.Adopted(launch_id="L1", key="K1", job=JOB, origin=Origin("2")))
    life.see(replace(running(), origin=Origin("1")))


def terminated_with_an_earlier_one(life):
    life.tell(on.Adopted(launch_id="L1", key="K1", job=JOB, origin=Origin("2")))
    life.tell(on.Terminating())
    life.see(replace(running(), origin=Origin("1")))


def read(life):
    life.tell(on.Adopted(launch_id="L1", key="K1", job=JOB, workload="work"))
    life.see(stopped(NEVER_STARTED))
    life.tick(after=30)


def outrun(life):
    """Another container starts although it is being stopped, and Airflow lets it in."""
    life.awaited = None
    life.active("L0")
    revoke(life)
    life.take()
    life.see(running(JOB, "L0-1"))
    life.see(stopped(EXITED_0, JOB, "L0-1"))
    life.tick()
    life.answer(on.OwnershipVerified, launch_ids=("L1",), ours=frozenset())


#: How each is taken: of which policy, and by what.
WAYS = {
    (NONE, W): ({}, lambda life: life.take()),
    (NONE, A): ({}, lambda life: life.tell(on.Adopted(launch_id="L1", key="K1", job=JOB))),
    (NONE, U): ({}, lambda life: life.tell(on.Adopted(launch_id="L1", key="K1"))),
    (NONE, S): (SURVEYED, lambda life: adopted_beside_another(life, 1, Owner(waits=True, task="K1"))),
    (W, L): ({}, lambda life: life.launching()),
    (W, A): (BATCH | SURVEYED, lambda life: adopted_beside_another(life, 2, RUNS)),
    (W, C): (GAP, confirming),
    (W, NONE): ({}, lambda life: (life.take(), revoke(life))),
    (C, U): (GAP, lambda life: confirmed(life, {"L1"})),
    (C, W): (
        GAP,
        lambda life: (
            confirming(life),
            life.answer(on.VerifyOwnershipFailed, launch_ids=("L1",), fault=fault(FailureKind.UNREACHED)),
        ),
    ),
    (C, L): ({}, read),
    (C, A): ({}, outrun),
    (C, NONE): (GAP, lambda life: confirmed(life, ())),
    (L, A): ({}, lambda life: life.active()),
    (L, S): ({}, accepted_when_doomed),
    (L, U): ({}, unanswered),
    (L, W): ({}, lambda life: refused(life, FailureKind.THROTTLED)),
    (L, NONE): ({}, lambda life: refused(life, FailureKind.INVALID)),
    (U, L): ({}, lambda life: (unanswered(life), life.tick(after=1.5))),
    (U, O): (BATCH, locating),
    (U, A): (SURVEYED, lambda life: adopted_beside_another(life, 1, RUNS)),
    (U, C): (GAP, lambda life: (unanswered(life), life.tick(after=30))),
    (O, A): (BATCH, lambda life: (locating(life), found(life))),
    (O, S): (BATCH, lambda life: (locating(life), revoke(life), found(life))),
    (O, U): (BATCH, lambda life: not_found(life, 1)),
    (O, W): (BATCH, lambda life: not_found(life, 2)),
    (O, NONE): ({}, adopted_and_nowhere),
    (A, S): ({}, lambda life: (life.active(), revoke(life))),
    (A, U): ({}, adopted_with_an_earlier_one),
    (A, W): ({}, lambda life: (life.active(), life.see(stopped(NEVER_STARTED)))),
    (A, NONE): ({}, lambda life: (life.started(), life.see(stopped(EXITED_0)))),
    (S, U): ({}, terminated_with_an_earlier_one),
    (S, NONE): ({}, lambda life: (life.active(), revoke(life), life.see(stopped(NEVER_STARTED)))),
}


@pytest.mark.parametrize("way", [(each.before, each.after) for each in TRANSITIONS], ids=str)
def test_a_transition_of_the_table_is_taken(way):
    policy, take = WAYS[way]
    life = WatchedLife(**policy)
    take(life)
    assert way in life.turns


def test_every_way_is_in_the_table_once_and_every_phase_has_a_way_in_and_a_way_out():
    ways = [(each.before, each.after) for each in TRANSITIONS]
    assert len(ways) == len(set(ways))
    assert set(WAYS) == set(ways)
    assert {before for before, _ in ways} == {after for _, after in ways} == {*Phase, None}


def test_what_the_table_does_not_have_is_noted_and_happens_all_the_same():
    """The store is no location to raise: an event that cannot be taken in would be handed in again for ever."""
    life = Life()
    life.active()
    launch = life.launch()
    back = Launch(launch.launch_id, launch.key, workload="again", phase=Phase.WAITING, due=0.0)
    life.store.commit(Change({"L1": None}, MachineState(), {}))
    assert life.store.unforeseen == set()
    life.store.commit(Change({"L1": back}, MachineState(), {}))
    lost = Launch("L1", launch.key, phase=Phase.STOPPING, job=JOB)
    life.store.commit(Change({"L1": lost}, MachineState(), {}))
    assert life.store.unforeseen == {(Phase.WAITING, Phase.STOPPING)}
    assert life.launch() is lost


def test_a_change_that_a_signal_interrupted_is_noted_when_it_is_repeated():
    store = LaunchStore()
    stray = Launch("L1", "K1", phase=Phase.LOCATING, request_id=1)
    store._unapplied = Change({"L1": stray}, MachineState(), {})
    store.recover()
    assert store.unforeseen == {(None, Phase.LOCATING)}
