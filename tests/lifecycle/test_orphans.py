"""The listing of the fleet: whose each container is, what becomes of those that are nobody's, and of lost callbacks."""

from __future__ import annotations

import pytest

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.fleet import REAPED
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.orphans import FleetMember, Orphan, Owner, alive_in, is_owned
from aws_exec.lifecycle.policy import BACKOFF
from aws_exec.lifecycle.values import FailureKind, Job
from tests.lifecycle.driver import EXITED_0, EXITED_1, JOB, JOB2, Life, fault, over, running, starting, stopped

OURS = "ours"


def member(job=JOB, launch_id="L7", deployment=OURS, **identity):
    token = f"{launch_id}-1"
    return FleetMember(running(job, token), Identity(deployment, token, **identity))


@pytest.fixture
def life():
    return fleet_request()


def fleet_request(**policy):
    """A machine that lists the fleet every 900 s, and sweeps hardly ever."""
    return Life(**{"deployment": OURS, "orphan_interval": 900.0, "poll_interval": 1e9, **policy})


def listing(life, after, members, owners):
    """One listing from the heartbeat that asks for it; what came of it."""
    (request_id,) = [effect for effect in life.tick(after) if isinstance(effect, do.ListFleet)]
    (question,) = life.feed(on.FleetListed(request_id=request_id.request_id, members=tuple(members)))
    assert isinstance(question, do.FindOwners)
    return life.feed(on.OwnersFound(request_id=question.request_id, members=question.members, owners=tuple(owners)))


NONE = do.Orphans(found=(), stopped=False)
UNOWNED = Owner()


def test_the_fleet_is_listed_at_the_first_heartbeat_and_at_the_interval(life):
    assert listing(life, 0, [], []) == [NONE]
    assert life.tick(899) == []
    assert listing(life, 1, [], []) == [NONE]


def test_without_an_interval_nothing_is_listed():
    assert Life().tick(10_000) == []


def test_one_listing_at_a_time_and_none_while_the_executor_ends(life):
    assert life.tick() == [do.ListFleet(request_id=1)]
    assert life.tick(10_000) == []
    life.feed(on.ListFleetFailed(request_id=1, failure=fault(FailureKind.UNREACHED)))
    life.feed(on.Draining())
    assert life.tick(10_000) == []


def test_what_nobody_owned_in_two_listings_far_enough_apart_is_an_orphan(life):
    seen = member()
    assert listing(life, 0, [seen], [UNOWNED]) == [NONE]
    assert listing(life, 900, [seen], [UNOWNED]) == [do.Orphans(found=(Orphan(seen, 900),), stopped=False)]
    assert listing(life, 900, [seen], [UNOWNED]) == [do.Orphans(found=(Orphan(seen, 1800),), stopped=False)]


def test_what_is_followed_hides_no_orphan_behind_it(life):
    life.feed(on.Adopted(launch_id="L1", key="K1", job=JOB))
    mine, seen = member(JOB, "L1"), member(JOB2)
    for _ in range(2):
        told = listing(life, 900, [mine, seen], [UNOWNED, UNOWNED])
    assert told == [do.Orphans(found=(Orphan(seen, 900),), stopped=False)]


def test_listings_that_come_sooner_make_nobody_an_orphan_sooner():
    life = fleet_request(orphan_interval=300.0)
    seen = member()
    assert [listing(life, 300, [seen], [UNOWNED]) for _ in range(3)] == [[NONE]] * 3
    assert listing(life, 300, [seen], [UNOWNED]) == [do.Orphans(found=(Orphan(seen, 900),), stopped=False)]


@pytest.mark.parametrize("between", [[Owner(waits=True)], None], ids=["owned", "not seen"])
def test_what_was_somebodys_in_between_is_suspected_anew(life, between):
    seen = member()
    listing(life, 0, [seen], [UNOWNED])
    assert listing(life, 900, [seen] if between else [], between or []) == [NONE]
    assert listing(life, 900, [seen], [UNOWNED]) == [NONE]


def test_orphans_are_stopped_if_that_is_asked_for_and_again_while_they_live():
    life = fleet_request(reap_orphans=True)
    seen = member()
    assert listing(life, 0, [seen], [UNOWNED]) == [do.Orphans(found=(), stopped=True)]
    told, stop = listing(life, 900, [seen], [UNOWNED])
    assert told == do.Orphans(found=(Orphan(seen, 900),), stopped=True)
    assert stop == do.StopJob(request_id=stop.request_id, launch_id="L7", job=JOB, reason=REAPED)
    assert (
        life.feed(on.StopAnswered(request_id=stop.request_id, launch_id="L7", failure=fault(FailureKind.THROTTLED)))
        == []
    )
    assert [type(effect) for effect in listing(life, 900, [seen], [UNOWNED])] == [do.Orphans, do.StopJob]


def test_the_containers_of_another_deployment_are_none_of_ours(life):
    life.tick()
    theirs, mine = member(deployment="theirs"), member(JOB2)
    assert life.feed(on.FleetListed(request_id=1, members=(theirs, mine))) == [
        do.FindOwners(request_id=2, members=(mine,))
    ]


def test_one_container_that_two_places_list_is_one(life):
    life.tick()
    seen = member()
    assert life.feed(on.FleetListed(request_id=1, members=(seen, seen))) == [
        do.FindOwners(request_id=2, members=(seen,))
    ]


@pytest.mark.parametrize("job", [JOB, JOB2], ids=["its job", "another job of its launch"])
def test_what_this_executor_follows_is_no_orphan_whatever_the_rows_say(job):
    life = fleet_request(reap_orphans=True)
    listing(life, 0, [], [])
    life.feed(on.Adopted(launch_id="L7", key="K1", job=JOB))
    for _ in range(3):
        assert listing(life, 900, [member(job)], [UNOWNED]) == [do.Orphans(found=(), stopped=True)]


def test_a_job_that_was_adopted_under_another_launch_is_followed_too():
    life = fleet_request(reap_orphans=True)
    life.feed(on.Adopted(launch_id="L9", key="K1", job=JOB))
    for _ in range(3):
        assert listing(life, 900, [member(JOB, "L7")], [UNOWNED]) == [do.Orphans(found=(), stopped=True)]


def test_what_may_have_been_launched_for_one_of_ours_is_no_orphan():
    life = fleet_request(reap_orphans=True)
    request_id = life.launching("L7")
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L7", failure=fault(FailureKind.NO_ANSWER)))
    life.feed(on.FleetListed(request_id=life.store.state.fleet_request, members=(member(),)))
    question = life.store.state.fleet_request
    assert life.feed(on.OwnersFound(request_id=question, members=(member(),), owners=(UNOWNED,))) == [
        do.Orphans(found=(), stopped=True)
    ]
    assert life.store.state.listing.suspects == {}


@pytest.mark.parametrize(
    "late",
    [
        on.FleetListed(request_id=7, members=()),
        on.OwnersFound(request_id=7, members=(), owners=()),
        on.ListFleetFailed(request_id=7, failure=fault(FailureKind.HELD)),
    ],
)
def test_a_late_or_doubled_answer_changes_nothing(life, late):
    life.tick()
    before = life.store.state
    assert life.feed(late) == []
    assert life.store.state == before


def test_a_listing_that_nobody_answers_is_made_again_soon_and_forgets_nobody(life):
    seen = member()
    listing(life, 0, [seen], [UNOWNED])
    (request_id,) = life.tick(900)
    life.feed(on.ListFleetFailed(request_id=request_id.request_id, failure=fault(FailureKind.THROTTLED)))
    assert listing(life, 1, [seen], [UNOWNED]) == [do.Orphans(found=(Orphan(seen, 901),), stopped=False)]


def test_rows_that_nobody_could_read_make_no_orphan(life):
    life.tick()
    (question,) = life.feed(on.FleetListed(request_id=1, members=(member(),)))
    assert life.feed(on.ListFleetFailed(request_id=question.request_id, failure=fault(FailureKind.UNREACHED))) == []
    assert life.store.state.listing.suspects == {}


# -- whose a container is ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("owner", "owned"),
    [
        (Owner(), False),
        (Owner(waits=True, names=JOB.arn), True),
        (Owner(waits=True, names="L7"), True),
        (Owner(waits=True), True),
        (Owner(waits=True, names="arn:long-gone"), True),
        (Owner(waits=True, names=JOB2.arn), False),
        (Owner(waits=True, names="L8"), False),
    ],
    ids=["nobody", "its ARN", "its launch", "no name", "one that nobody saw", "another that lives", "another launch"],
)
def test_a_row_owns_its_container_unless_it_names_another_that_lives(owner, owned):
    mine, other = member(), member(JOB2, "L8")
    assert is_owned(mine, owner, alive_in([mine, other])) is owned


# -- callbacks of dead schedulers -------------------------------------------------------------------------------------

LOST = Owner(waits=True, key="CB")


def test_a_callback_of_a_dead_scheduler_is_followed_to_its_end_and_reported(life):
    assert listing(life, 0, [member(callback_id="L7")], [LOST]) == [do.Launched(key="CB", job=JOB), NONE]
    assert life.machine.owns("CB")
    assert life.see(stopped(EXITED_0, token="L7-1")) == [do.Report(key="CB", success=True, job=JOB, stop=EXITED_0)]
    assert life.store.launches == {}


def test_it_is_followed_once(life):
    seen = member(callback_id="L7")
    listing(life, 0, [seen], [LOST])
    assert listing(life, 900, [seen], [LOST]) == [NONE]


def test_one_that_dies_before_it_starts_is_not_replaced(life):
    seen = FleetMember(starting(JOB, "L7-1"), Identity(OURS, "L7-1", callback_id="L7"))
    listing(life, 0, [seen], [LOST])
    (report,) = life.see(stopped(None, token="L7-1"))
    assert isinstance(report, do.Report)
    assert not report.success


@pytest.mark.parametrize(("stop", "success"), [(EXITED_0, True), (EXITED_1, False), (None, False)])
def test_one_that_ended_before_anybody_saw_it_is_reported(life, stop, success):
    seen = FleetMember(stopped(stop, token="L7-1"), Identity(OURS, "L7-1", callback_id="L7"))
    launched, *reports = listing(life, 0, [seen], [LOST])
    assert launched == do.Launched(key="CB", job=JOB)
    assert [each.success for each in reports if isinstance(each, do.Report)] == [success]
    assert life.store.launches == {}


def test_of_several_that_ended_the_last_one_counts(life):
    first = FleetMember(stopped(None, JOB, "L7-1"), Identity(OURS, "L7-1", callback_id="L7"))
    second = FleetMember(stopped(EXITED_0, JOB2, "L7-2"), Identity(OURS, "L7-2", callback_id="L7"))
    told = listing(life, 0, [second, first], [LOST, LOST])
    assert [each for each in told if isinstance(each, do.Report)] == [
        do.Report(key="CB", success=True, job=JOB2, stop=EXITED_0)
    ]


@pytest.mark.parametrize("owner", [Owner(), Owner(waits=True)], ids=["it is over", "its scheduler lives"])
def test_an_end_that_nobody_waits_for_here_is_neither_reported_nor_an_orphan(life, owner):
    seen = FleetMember(stopped(EXITED_0, token="L7-1"), Identity(OURS, "L7-1", callback_id="L7"))
    for _ in range(3):
        assert listing(life, 900, [seen], [owner]) == [NONE]


def test_one_whose_scheduler_lives_is_left_to_it(life):
    seen = member(callback_id="L7")
    for _ in range(3):
        assert listing(life, 900, [seen], [Owner(waits=True)]) == [NONE]
    assert life.store.launches == {}


def test_a_second_container_of_a_callback_that_is_followed_is_an_orphan_of_nobody(life):
    first, second = member(Job("arn:1"), callback_id="L7"), member(Job("arn:2"), callback_id="L7")
    effects = listing(life, 0, [first, second], [LOST, LOST])
    assert [type(effect) for effect in effects] == [do.Launched, do.Orphans]
    assert set(life.store.launches) == {"L7"}


def test_an_ending_executor_follows_no_callback_of_a_dead_scheduler(life):
    (request_id,) = life.tick(900)
    seen = member(callback_id="C1")
    (question,) = life.feed(on.FleetListed(request_id=request_id.request_id, members=(seen,)))
    life.feed(on.Draining())
    told = life.feed(
        on.OwnersFound(request_id=question.request_id, members=question.members, owners=(Owner(waits=True, key="C1"),))
    )
    assert [type(effect) for effect in told] == [do.Orphans]
    assert life.store.launches == {}


def test_a_callback_that_a_launch_speaks_for_is_not_followed_beside_it(life):
    life.take("L2", "CB")
    assert listing(life, 0, [member(callback_id="L7")], [LOST]) == [NONE]
    assert set(life.store.launches) == {"L2"}


def test_a_callback_whose_container_has_just_ended_is_reported_and_its_rest_stopped_in_time(life):
    life.awaited = None
    seen = FleetMember(over(EXITED_0, JOB, "L7-1"), Identity(OURS, "L7-1", callback_id="L7"))
    told = listing(life, 0, [seen], [LOST])
    assert [type(effect) for effect in told] == [do.Launched, do.VerifyExit, do.Orphans]
    assert life.launch("L7").due == life.now + life.machine.policy.stop_grace


def test_a_listing_that_fails_is_tried_again_each_time_later(life):
    request_id = life.tick(0)[0].request_id
    for count in (1, 2, 3):
        assert life.feed(on.ListFleetFailed(request_id=request_id, failure=fault(FailureKind.UNREACHED))) == []
        wait = BACKOFF[FailureKind.UNREACHED].after(count, "listing")
        assert life.tick(wait * 0.99) == []
        (again,) = life.tick(wait * 0.02)
        assert again == do.ListFleet(request_id=again.request_id)
        request_id = again.request_id


def test_a_listing_that_fails_is_not_tried_later_than_the_next_would_be():
    life = fleet_request(orphan_interval=0.1)
    request_id = life.tick(0)[0].request_id
    life.feed(on.ListFleetFailed(request_id=request_id, failure=fault(FailureKind.UNREACHED)))
    assert life.tick(0.09) == []
    assert [type(effect) for effect in life.tick(0.02)] == [do.ListFleet]


def test_a_callback_that_is_followed_has_its_place_and_its_time_to_start():
    life = fleet_request(start_timeout=100)
    seen = FleetMember(starting(JOB, "L7-1"), Identity(OURS, "L7-1", callback_id="L7"))
    listing(life, 0, [seen], [LOST])
    assert (life.launch("L7").location, life.launch("L7").start_by) == ("c1", life.now + 100)


def test_a_listing_that_is_answered_begins_the_pauses_anew(life):
    for _ in range(2):
        request_id = next(effect for effect in life.tick(900) if isinstance(effect, do.ListFleet)).request_id
        life.feed(on.ListFleetFailed(request_id=request_id, failure=fault(FailureKind.UNREACHED)))
    listing(life, 900, [], [])
    assert life.store.state.listing.failures == 0
