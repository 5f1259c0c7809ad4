"""A row that is adopted may name the container of an earlier launch: Airflow does not clear it for the next one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.identity import Identity, origin_of
from aws_exec.lifecycle.values import CLOCKS_APART, FailureKind, Observation, Origin
from tests.lifecycle.driver import (
    EXITED_0,
    EXITED_1,
    JOB,
    JOB2,
    NEVER_STARTED,
    Life,
    fault,
    over,
    running,
    starting,
    stopped,
)

QUEUED_AT = 1000.0
ROW = Origin("2", QUEUED_AT)
EARLIER_TRY = Origin("1", QUEUED_AT + 1)
EARLIER_RUN = Origin("2", QUEUED_AT - CLOCKS_APART - 1)
ITS_OWN = (Origin("2", QUEUED_AT + 1), Origin("2", QUEUED_AT - CLOCKS_APART), Origin("", QUEUED_AT), Origin("2"), None)


def adopted(workload: object | None = "work", **policy) -> Life:
    """L2's row names a job, and is adopted."""
    life = Life(**{"poll_interval": 5.0, **policy})
    life.feed(on.Adopted(launch_id="L2", key="K1", job=JOB, workload=workload, location="c1", origin=ROW))
    return life


def of(origin: Origin | None, seen: Observation) -> Observation:
    return replace(seen, origin=origin)


def asked(effects: list[do.Effect]) -> list[type]:
    return [type(effect) for effect in effects if not isinstance(effect, do.Describe)]


@pytest.mark.parametrize("origin", [EARLIER_TRY, EARLIER_RUN], ids=["an earlier try", "before a reschedule"])
@pytest.mark.parametrize(
    "seen", [stopped(EXITED_1), stopped(EXITED_0), stopped(NEVER_STARTED), over(EXITED_1), running(), starting()]
)
def test_a_container_of_an_earlier_launch_is_not_its_own_however_it_stands(origin, seen):
    life = adopted()
    assert life.see(of(origin, seen)) == []
    (find,) = life.tick()
    assert find == do.FindByLaunchId(
        request_id=find.request_id, launch_ids=("L2",), token_bases=("L2",), locations=("c1",)
    )
    assert life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L2",), seen=())) == []
    submit = life.submit_of(life.tick())
    assert (submit.token, submit.workload) == ("L2-1", "row of L2")
    life.feed(on.Accepted(request_id=submit.request_id, launch_id="L2", seen=running(JOB2, "L2-1")))
    told = life.see(stopped(EXITED_0, JOB2, "L2-1"))
    assert told == [do.Report(key="K1", success=True, job=JOB2, stop=EXITED_0, containers=1)]


@pytest.mark.parametrize("origin", ITS_OWN)
def test_what_may_be_its_own_is(origin):
    life = adopted()
    assert life.see(of(origin, stopped(EXITED_1))) == [do.Report(key="K1", success=False, job=JOB, stop=EXITED_1)]
    assert life.store.launches == {}


def test_a_task_that_runs_is_not_failed_for_the_end_of_its_earlier_try():
    """Its own container lives where nothing says: Airflow's heartbeat knows."""
    life = adopted(workload=None)
    assert life.see(of(EARLIER_TRY, stopped(EXITED_1))) == []
    for _ in range(2):
        (find,) = life.tick(20)
        told = life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L2",), seen=()))
    assert told == [
        do.Note(key="K1", text="Adopted, but no container of it was found: its heartbeat decides"),
        do.Release(key="K1"),
    ]


def test_a_job_that_aws_has_forgotten_and_nobody_has_seen_says_nothing_either():
    life = adopted(missing_answers=1, missing_grace=0.0, start_timeout=600.0, idempotent_submit=False)
    assert life.sweep(missing=[JOB]) == []
    for _ in range(2):
        (find,) = [effect for effect in life.tick(20) if isinstance(effect, do.FindByLaunchId)]
        assert life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L2",), seen=())) == []
    assert life.submits() == ["L2"], "it is looked for as often as any"


def test_it_is_launched_when_a_listing_has_shown_that_it_is_alone():
    life = adopted(orphan_interval=900.0, poll_interval=1e9)
    listing = next(effect for effect in life.tick() if isinstance(effect, do.ListFleet))
    life.now += 1
    life.see(of(EARLIER_TRY, stopped(EXITED_1)))
    life.feed(
        on.FoundByLaunchId(
            request_id=next(one.request_id for one in life.tick(1) if isinstance(one, do.FindByLaunchId)),
            launch_ids=("L2",),
            seen=(),
        )
    )
    life.feed(on.FleetListed(request_id=listing.request_id, members=()))
    assert life.submits() == [], "that listing began before"
    life.feed(on.OwnersFound(request_id=life.store.state.fleet_request, members=(), owners=()))
    life.tick()
    life.feed(on.FleetListed(request_id=life.store.state.fleet_request, members=()))
    life.feed(on.OwnersFound(request_id=life.store.state.fleet_request, members=(), owners=()))
    assert life.submits() == ["L2"]


def test_once_it_has_been_seen_it_is_its_own():
    life = adopted()
    life.see(of(ITS_OWN[0], running()))
    assert life.see(of(EARLIER_TRY, stopped(EXITED_0))) == [do.Report(key="K1", success=True, job=JOB, stop=EXITED_0)]


@pytest.mark.parametrize(
    "seen", [stopped(EXITED_1), stopped(EXITED_0), stopped(NEVER_STARTED), over(EXITED_1), running(), starting(), None]
)
def test_a_terminated_launch_is_not_ended_by_a_container_of_an_earlier_launch(seen):
    life = adopted(missing_answers=1, missing_grace=0.0)
    life.feed(on.Draining())
    assert asked(life.feed(on.Terminating())) == [do.StopJob]
    assert (life.see(of(EARLIER_TRY, seen)) if seen else life.sweep(missing=[JOB])) == []
    for _ in range(2):
        (find,) = [effect for effect in life.tick(20) if isinstance(effect, do.FindByLaunchId)]
        told = life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L2",), seen=()))
    text = "The executor was terminated; no container of it was found"
    assert told == [do.Report(key="K1", success=False, text=text, containers=0)]
    assert life.store.launches == {}


def test_a_revoked_launch_stops_its_own_container_too_before_the_next_one_starts():
    """A dead scheduler may have launched it and not lived to write that into the row."""
    life = adopted()
    (_, _, stop) = life.feed(on.Revoked(key="K1"))
    life.take("L3")
    assert life.see(of(EARLIER_TRY, stopped(EXITED_1))) == []
    (find,) = life.tick()
    assert (
        life.feed(on.StopAnswered(request_id=stop.request_id, launch_id="L2", failure=fault(FailureKind.THROTTLED)))
        == []
    )
    (stop,) = life.feed(
        on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L2",), seen=(starting(JOB2, "L2-1"),))
    )
    assert (type(stop), stop.job) == (do.StopJob, JOB2)
    assert life.submits() == []
    assert life.see(stopped(NEVER_STARTED, JOB2, "L2-1")) == []
    assert life.submits() == ["L3"]


def test_a_superseded_launch_is_not_launched_when_its_row_named_an_earlier_container():
    life = adopted()
    assert [type(effect) for effect in life.take("L3")] == [do.Describe]
    assert life.see(of(EARLIER_TRY, stopped(EXITED_1))) == []
    for _ in range(2):
        assert life.submits() == []
        assert life.feed(on.FoundByLaunchId(request_id=life.launch("L2").request_id, launch_ids=("L2",), seen=())) == []
        life.now += 20
    assert life.submits() == ["L3"]


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (on.Tick(), "User code had not started within launch_timeout (60 s)"),
        (on.Revoked(key="K1"), "Revoked by Airflow while its job was starting"),
        (
            on.WantedChecked(request_id=0, unwanted=(("L2", "marked failed"),)),
            "Airflow no longer wanted it: marked failed",
        ),
    ],
    ids=["too late", "revoked", "unwanted"],
)
def test_a_job_that_nobody_has_seen_yet_is_not_named_as_its_own(event, text):
    life = adopted(launch_timeout=60.0, poll_interval=1e9, check_interval=5.0)
    life.tick()
    life.tick()
    if isinstance(event, on.WantedChecked):
        event = replace(event, request_id=life.store.state.check.request_id)
    told = life.feed(event, after=60.0)
    (said,) = [effect for effect in told if isinstance(effect, do.Report | do.Note)]
    assert (said.job, said.text) == (None, text)
    life.see(of(EARLIER_TRY, stopped(EXITED_1)))
    assert [type(effect) for effect in life.tick()] == [do.FindByLaunchId], "its own is looked for, to be stopped"


def test_a_launch_that_is_adopted_has_its_time_to_start_from_then_on():
    life = Life(launch_timeout=60.0, poll_interval=1e9)
    life.feed(on.Adopted(launch_id="L2", key="K1", job=JOB, workload="work"))
    life.feed(on.Adopted(launch_id="L3", key="K3", job=JOB2, workload=None))
    life.tick()
    assert life.tick(59) == []
    report, stop = life.tick(1)
    assert (asked([report, stop]), report.key, stop.launch_id) == ([do.Report, do.StopJob], "K1", "L2")
    assert life.launch("L3").deadline is None, "its row is RUNNING"


@pytest.mark.parametrize(
    ("try_number", "since", "origin"),
    [
        ("2", 7.0, Origin("2", 7.0)),
        ("2", None, Origin("2")),
        ("", 0.0, Origin("", 0.0)),
        ("", None, None),
    ],
)
def test_a_container_says_of_itself_what_there_is_to_say(try_number, since, origin):
    assert origin_of(Identity("ours", "L1-1", try_number=try_number), since) == origin
    assert origin_of(None, since) == (None if since is None else Origin("", since))
