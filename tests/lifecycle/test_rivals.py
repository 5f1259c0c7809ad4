"""A dead scheduler freed a key and did not stop its container: what is adopted is launched when that one has ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.orphans import FleetMember, Owner
from aws_exec.lifecycle.values import FailureKind, Observation
from tests.lifecycle.driver import EXITED_0, JOB, JOB2, NEVER_STARTED, Life, fault, running, starting, stopped

OURS = "ours"
NEWER = "A newer launch of the task took over"
QUEUED = Owner(waits=True, names="L2", task="K1")
RUNNING = Owner(waits=True, names="L2", task="K1", runs=True)


def adopted(*, reads=True, **policy) -> Life:
    """L2 is adopted, and found nowhere."""
    life = Life(**{"deployment": OURS, "orphan_interval": 900.0, "poll_interval": 1e9, **policy})
    life.reads = reads
    life.feed(on.Adopted(launch_id="L2", key="K1", workload="work"))
    find = next(effect for effect in life.tick() if isinstance(effect, do.FindByLaunchId))
    life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L2",), seen=()))
    return life


def listed(life: Life, *seen: Observation, owner: Owner = QUEUED) -> list[do.Effect]:
    """The answers to the listing that is out; what came of it but the telling of orphans."""
    members = tuple(FleetMember(each, Identity(OURS, each.token)) for each in seen)
    life.feed(on.FleetListed(request_id=life.store.state.fleet_request, members=members))
    told = life.feed(
        on.OwnersFound(request_id=life.store.state.fleet_request, members=members, owners=(owner,) * len(seen))
    )
    return [effect for effect in told if not isinstance(effect, do.Orphans)]


def test_it_is_launched_when_a_listing_has_shown_that_it_is_alone():
    life = adopted()
    assert life.submits(1) == []
    assert listed(life) == []
    assert life.submits(1) == ["L2"]


def test_a_job_that_was_found_needs_no_listing():
    life = Life(deployment=OURS, orphan_interval=900.0)
    life.feed(on.Adopted(launch_id="L2", key="K1", workload="work"))
    find = next(effect for effect in life.tick() if isinstance(effect, do.FindByLaunchId))
    assert life.feed(
        on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L2",), seen=(starting(JOB, "L2-1"),))
    ) == [do.Launched(key="K1", job=JOB)]


def test_where_the_fleet_is_not_listed_it_is_launched_at_once():
    assert adopted(orphan_interval=None).submits(1) == ["L2"]


@pytest.mark.parametrize("seen", [starting(), running()], ids=["starting", "about to ask Airflow"])
def test_an_earlier_container_is_stopped_first(seen):
    life = adopted()
    (stop,) = listed(life, seen)
    assert stop == do.StopJob(request_id=stop.request_id, launch_id="L1", job=JOB, reason=NEWER)
    assert life.submits(1) == []
    assert life.feed(on.StopAnswered(request_id=stop.request_id, launch_id="L1")) == []
    assert life.submits(1) == []


def test_one_that_never_started_has_run_nothing():
    life = adopted()
    listed(life, starting())
    assert life.see(stopped(NEVER_STARTED)) == []
    assert life.submits(1) == ["L2"]


def test_one_that_has_started_may_have_run_it_so_the_row_is_asked():
    life = adopted(reads=False)
    listed(life, running())
    assert life.see(stopped(EXITED_0)) == []
    (question,) = life.tick()
    assert question == do.VerifyOwnership(
        request_id=question.request_id, launches=(("L2", "K1"),), read=frozenset({"L2"})
    )
    told = life.feed(on.OwnershipVerified(request_id=question.request_id, launch_ids=("L2",), ours=frozenset()))
    assert told == [do.Launched(key="K1", job=JOB), do.Report(key="K1", success=True, job=JOB, stop=EXITED_0)]
    assert life.store.launches == {}


def test_one_that_airflow_has_let_in_is_the_run_of_what_was_adopted():
    life = adopted()
    assert listed(life, running(), owner=RUNNING) == [do.Launched(key="K1", job=JOB)]
    assert life.submits(1) == []
    assert life.see(stopped(EXITED_0)) == [do.Report(key="K1", success=True, job=JOB, stop=EXITED_0)]
    assert life.store.launches == {}


def test_while_a_look_for_its_own_container_is_out_another_listing_is_awaited():
    life = Life(deployment=OURS, orphan_interval=900.0, poll_interval=1e9)
    life.feed(on.Adopted(launch_id="L2", key="K1", workload="work"))
    find = next(effect for effect in life.tick() if isinstance(effect, do.FindByLaunchId))
    life.now += 1
    assert listed(life, running(), owner=RUNNING) == []
    assert [type(effect) for effect in life.tick(1)] == [do.ListFleet]
    life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L2",), seen=()))
    assert life.submits(1) == []
    assert listed(life, running(), owner=RUNNING) == [do.Launched(key="K1", job=JOB)]


def test_it_is_not_if_the_launch_has_a_container_of_its_own():
    """A task that was deferred comes back while its old container shuts down."""
    life = adopted()
    assert listed(life, running(), running(JOB2, "L2-1"), owner=RUNNING) == []
    assert life.launch("L2").job is None


def test_the_containers_of_other_task_instances_are_no_rivals():
    life = adopted()
    assert listed(life, running(), owner=Owner(waits=True, names=JOB.arn, task="K9")) == []
    assert life.submits(1) == ["L2"]


def test_what_airflow_handed_in_here_knows_its_earlier_containers_and_stops_none_for_a_listing():
    life = Life(deployment=OURS, orphan_interval=900.0, poll_interval=1e9)
    life.take("L2")
    life.tick()
    assert listed(life, running()) == []
    assert set(life.store.launches) == {"L2"}


@pytest.mark.parametrize("names", [JOB.arn, "L1"])
@pytest.mark.parametrize("runs", [False, True])
def test_one_that_the_row_names_is_the_rows_own_and_the_row_is_asked_before_anything_is_launched(names, runs):
    """Another scheduler adopted and launched it anew, while this one stalled."""
    life = adopted(reads=False)
    assert listed(life, running(), owner=Owner(waits=True, names=names, task="K1", runs=runs)) == []
    assert [type(effect) for effect in life.tick(1)] == [do.VerifyOwnership]


@pytest.mark.parametrize("ends", [on.Draining(), on.Terminating()])
def test_an_executor_that_ends_stops_nothing_for_a_listing_and_takes_nothing_on(ends):
    for owner in (QUEUED, RUNNING):
        life = adopted()
        life.feed(ends)
        before = life.launch("L2")
        assert listed(life, running(), owner=owner) == []
        assert life.launch("L2") == replace(before, unlisted_since=None)


def test_it_is_not_looked_at_until_the_listing_is_answered():
    life = adopted()
    life.tick()
    assert life.store.next_due() is None


def test_a_listing_that_nobody_answers_is_made_again_before_it_is_launched():
    life = adopted()
    life.feed(on.ListFleetFailed(request_id=life.store.state.fleet_request, failure=fault(FailureKind.THROTTLED)))
    assert [type(effect) for effect in life.tick(2)] == [do.ListFleet]
    listed(life)
    assert life.submits(1) == ["L2"]


def test_a_listing_that_began_before_the_adoption_says_nothing_of_it():
    life = Life(deployment=OURS, orphan_interval=900.0, poll_interval=1e9)
    life.tick()
    life.now += 1
    life.feed(on.Adopted(launch_id="L2", key="K1", workload="work"))
    find = next(effect for effect in life.tick() if isinstance(effect, do.FindByLaunchId))
    life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L2",), seen=()))
    listed(life)
    assert [type(effect) for effect in life.tick()] == [do.ListFleet]
    listed(life)
    assert life.submits(1) == ["L2"]


@pytest.mark.parametrize(
    "owner",
    [QUEUED, RUNNING, Owner(waits=True, names="L1", task="K1")],
    ids=["the row waited", "the row ran", "the row named it"],
)
def test_rows_that_were_read_before_the_adoption_judge_no_rival(owner):
    """The row was RUNNING in that container, was rescheduled, and was queued by a scheduler that died since."""
    life = Life(deployment=OURS, orphan_interval=900.0, orphan_age=0.0, poll_interval=1e9)
    life.tick()
    members = (FleetMember(running(), Identity(OURS, "L1-1")),)
    life.feed(on.FleetListed(request_id=life.store.state.fleet_request, members=members))
    life.now += 1
    life.feed(on.Adopted(launch_id="L2", key="K1", workload="work"))
    find = next(effect for effect in life.tick() if isinstance(effect, do.FindByLaunchId))
    life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L2",), seen=()))
    before = life.launch("L2")
    told = life.feed(on.OwnersFound(request_id=life.store.state.fleet_request, members=members, owners=(owner,)))
    assert told == [do.Orphans(found=(), stopped=False)]
    assert life.store.launches == {"L2": before}
    assert [type(effect) for effect in life.tick()] == [do.ListFleet]


def test_a_running_row_is_followed_without_a_listing():
    life = Life(deployment=OURS, orphan_interval=900.0)
    life.feed(on.Adopted(launch_id="L2", key="K1"))
    assert life.launch("L2").unlisted_since is None


def test_one_that_was_seen_to_run_and_is_gone_unseen_may_have_run_it_too():
    life = adopted(reads=False, missing_answers=1, missing_grace=0.0, poll_interval=5.0)
    listed(life, running())
    observe = next(effect for effect in life.tick(5) if isinstance(effect, do.Describe))
    life.feed(on.Described(request_id=observe.request_id, seen=(), missing=(JOB,)))
    assert [type(effect) for effect in life.tick()] == [do.VerifyOwnership]


def test_one_that_airflow_has_let_in_is_followed_as_any_other_from_then_on():
    life = adopted(start_timeout=100.0)
    listed(life, running(), owner=RUNNING)
    assert (life.launch("L2").unlisted_since, life.launch("L2").start_by, life.launch("L2").due) == (None, None, None)


@pytest.mark.parametrize(
    "owner",
    [QUEUED, RUNNING, Owner(waits=True, names="L1", task="K1")],
    ids=["to be stopped", "it runs what was adopted", "the row names it"],
)
def test_a_rival_is_nobodys_orphan_and_hides_none(owner):
    life = adopted(orphan_age=0.0)
    members = (
        FleetMember(running(), Identity(OURS, "L1-1")),
        FleetMember(running(JOB2, "L9-1"), Identity(OURS, "L9-1")),
    )
    # That the row of L2 names L9 makes every other container of its task nobody's.
    owner = replace(owner, names="L9") if owner.names == "L2" else owner
    life.feed(on.FleetListed(request_id=life.store.state.fleet_request, members=members))
    told = life.feed(
        on.OwnersFound(request_id=life.store.state.fleet_request, members=members, owners=(owner, Owner()))
    )
    (orphans,) = [effect.found for effect in told if isinstance(effect, do.Orphans)]
    assert [orphan.member.seen.job for orphan in orphans] == [JOB2]
