"""Revoked, given up, superseded: the key is free at once, the container is followed to its end, nothing is reported."""

from dataclasses import replace

import pytest

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.values import FailureKind, Termination
from tests.lifecycle.driver import (
    EXITED_0,
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

REVOKED = "Airflow revoked the task"
GIVEN_UP = "Airflow gave the task up"
NEWER = "A newer launch of the task took over"


@pytest.mark.parametrize("event", [on.Revoked(key="K1"), on.FailedByAirflow(key="K1")], ids=["revoked", "given up"])
def test_what_nobody_knows_cannot_be_taken_back(event):
    assert Life().feed(event) == []


def test_a_revoked_launch_that_waits_is_over():
    life = Life()
    life.take()
    assert life.feed(on.Revoked(key="K1")) == [
        do.Note(key="K1", text="Revoked by Airflow while waiting"),
        do.Release(key="K1"),
    ]
    assert life.store.launches == {}


def test_a_revoked_launch_that_is_out_is_withdrawn_and_over_when_it_was_not_sent():
    life = Life()
    request_id = life.launching()
    note = do.Note(key="K1", text="Revoked by Airflow while launching")
    assert life.feed(on.Revoked(key="K1")) == [note, do.Release(key="K1"), do.Withdraw(request_id=request_id)]
    assert life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.HELD))) == []
    assert life.store.launches == {}


def test_a_revoked_launch_that_was_sent_all_the_same_is_stopped():
    life = Life()
    request_id = life.launching()
    life.feed(on.Revoked(key="K1"))
    assert life.feed(on.Accepted(request_id=request_id, launch_id="L1", seen=starting())) == [
        do.StopJob(request_id=2, launch_id="L1", job=JOB, reason=REVOKED)
    ]
    assert life.see(stopped(NEVER_STARTED)) == []
    assert life.store.launches == {}


def test_a_revoked_job_is_stopped_again_until_it_has_ended():
    life = Life(poll_interval=1e9)
    life.started()
    life.tick()
    note = do.Note(key="K1", text="Revoked by Airflow while it ran", job=JOB)
    assert life.feed(on.Revoked(key="K1")) == [
        note,
        do.Release(key="K1"),
        do.StopJob(request_id=3, launch_id="L1", job=JOB, reason=REVOKED),
    ]
    assert life.feed(on.StopAnswered(request_id=3, launch_id="L1")) == []
    assert life.tick(59) == []
    assert life.tick(1) == [do.StopJob(request_id=4, launch_id="L1", job=JOB, reason=REVOKED)]
    assert life.feed(on.StopAnswered(request_id=4, launch_id="L1", failure=fault(FailureKind.THROTTLED))) == []
    assert life.tick(1) == [do.StopJob(request_id=5, launch_id="L1", job=JOB, reason=REVOKED)]
    assert life.see(stopped(EXITED_0)) == []
    assert life.store.launches == {}


def test_a_task_that_airflow_gave_up_is_released_without_a_note():
    life = Life()
    life.started()
    assert life.feed(on.FailedByAirflow(key="K1")) == [
        do.Release(key="K1"),
        do.StopJob(request_id=2, launch_id="L1", job=JOB, reason=GIVEN_UP),
    ]
    assert life.feed(on.FailedByAirflow(key="K1")) == []


def test_a_key_that_comes_back_waits_until_the_revoked_container_has_ended():
    life = Life(poll_interval=1e9)
    life.active()
    life.feed(on.Revoked(key="K1"))
    life.take("L2", "K1")
    assert [type(effect) for effect in life.tick()] == [do.Describe]
    assert life.tick(500) == []
    assert life.see(stopped(NEVER_STARTED)) == []
    assert life.tick() == [do.Submit(request_id=4, launch_id="L2", key="K1", token="L2-1", workload="work of L2")]


def test_a_key_that_comes_back_waits_for_a_withdrawn_launch_whose_answer_is_out():
    life = Life()
    request_id = life.launching()
    life.feed(on.Revoked(key="K1"))
    life.take("L2", "K1")
    assert life.tick() == []
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.HELD)))
    assert life.tick() == [do.Submit(request_id=2, launch_id="L2", key="K1", token="L2-1", workload="work of L2")]


def test_a_deferred_task_comes_back_beside_its_old_container_which_reports_nothing():
    life = Life(poll_interval=1e9)
    life.started()
    life.tick()
    assert life.take("L2", "K1") == []
    assert life.tick() == [do.Submit(request_id=3, launch_id="L2", key="K1", token="L2-1", workload="work of L2")]
    life.feed(on.Accepted(request_id=3, launch_id="L2", seen=running(JOB2, "L2-1")))
    assert life.see(stopped(EXITED_0)) == []
    assert set(life.store.launches) == {"L2"}
    ended = stopped(EXITED_0, JOB2, "L2-1")
    assert life.see(ended) == [do.Report(key="K1", success=True, job=JOB2, stop=EXITED_0)]


def test_the_old_container_of_a_deferred_task_is_stopped_when_it_outlives_its_airflow_container():
    life = Life(poll_interval=1e9)
    life.started()
    life.tick()
    life.take("L2", "K1")
    request_id = life.submit_of(life.tick()).request_id
    life.feed(on.Accepted(request_id=request_id, launch_id="L2", seen=running(JOB2, "L2-1")))
    assert life.see(over(EXITED_0)) == []
    assert life.tick(120) == [do.StopJob(request_id=4, launch_id="L1", job=JOB, reason="Its Airflow container ended")]


def test_a_superseded_launch_that_waits_is_over():
    life = Life()
    life.take()
    assert life.take("L2", "K1") == []
    assert life.tick() == [do.Submit(request_id=1, launch_id="L2", key="K1", token="L2-1", workload="work of L2")]


LOOK = do.Describe(request_id=2, location="c1", jobs=(JOB,))


def superseded() -> Life:
    """A launch that was not seen to start, and a newer one of its key."""
    life = Life(poll_interval=1e9)
    life.active()
    life.feed(on.Described(request_id=1, seen=(starting(),)))
    assert life.take("L2", "K1") == [LOOK]
    assert life.submits() == []
    return life


def test_a_superseded_launch_that_has_not_started_must_not_start_any_more():
    life = superseded()
    assert life.feed(on.Described(request_id=2, seen=(starting(),))) == [
        do.StopJob(request_id=3, launch_id="L1", job=JOB, reason=NEWER)
    ]
    assert life.submits() == []
    assert life.see(stopped(NEVER_STARTED)) == []
    assert life.submits() == ["L2"]


@pytest.mark.parametrize("seen", [running(), over(EXITED_0), stopped(EXITED_0)], ids=["runs", "exited", "stopped"])
def test_a_superseded_launch_that_started_since_it_was_seen_finishes_on_its_own(seen):
    life = superseded()
    assert life.feed(on.Described(request_id=2, seen=(seen,))) == []
    assert life.submits() == ["L2"]


def test_what_was_seen_before_it_was_superseded_does_not_stop_it():
    life = Life(poll_interval=10)
    life.active()
    assert [type(effect) for effect in life.tick()] == [do.Describe]
    assert life.take("L2", "K1") == [do.Describe(request_id=3, location="c1", jobs=(JOB,))]
    assert life.feed(on.Described(request_id=2, seen=(starting(),))) == []
    assert life.see(starting()) == []
    assert life.feed(on.Described(request_id=3, seen=(running(),))) == []
    assert life.submits() == ["L2"]


def test_a_look_that_fails_leaves_it_to_the_next_sweep():
    life = superseded()
    life.feed(on.DescribeFailed(request_id=2, failure=fault(FailureKind.THROTTLED)))
    sweep = next(effect for effect in life.tick(1e9) if isinstance(effect, do.Describe))
    assert life.submits() == []
    assert life.feed(on.Described(request_id=sweep.request_id, seen=(running(),))) == []
    assert life.submits() == ["L2"]


def test_a_revoke_means_the_newest_launch_of_the_key():
    life = Life()
    life.started()
    life.take("L2", "K1")
    assert life.feed(on.Revoked(key="K1")) == [
        do.Note(key="K1", text="Revoked by Airflow while waiting"),
        do.Release(key="K1"),
    ]
    assert life.launch("L1").phase is Phase.RUNNING
    assert not life.launch("L1").stop_reason


def test_a_launch_whose_row_is_being_checked_can_be_revoked():
    life = Life()
    request_id = life.launching()
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.HELD)))
    life.tick()
    assert life.feed(on.Revoked(key="K1")) == [
        do.Note(key="K1", text="Revoked by Airflow while verifying"),
        do.Release(key="K1"),
    ]
    assert life.feed(on.OwnershipVerified(request_id=2, launch_ids=("L1",), ours=frozenset({"L1"}))) == []
    assert life.tick(100) == []
    assert life.store.launches == {}


def test_a_look_that_is_out_serves_a_launch_that_is_revoked_meanwhile():
    life = Life()
    life.feed(on.Adopted(launch_id="L1", key="K1", workload="work"))
    life.tick()
    assert life.feed(on.Revoked(key="K1")) == [
        do.Note(key="K1", text="Revoked by Airflow while searching"),
        do.Release(key="K1"),
    ]
    assert life.tick() == []
    assert life.feed(on.FoundByLaunchId(request_id=1, launch_ids=("L1",), seen=(running(),))) == [
        do.StopJob(request_id=2, launch_id="L1", job=JOB, reason=REVOKED)
    ]


def test_a_revoke_says_what_the_job_was_waiting_for():
    life = Life()
    life.active()
    life.see(replace(starting(), waiting="CAPACITY:NONE"))
    note = do.Note(
        key="K1",
        text="Revoked by Airflow while its job was starting",
        job=JOB,
        stop=Termination("ecs", reason="CAPACITY:NONE"),
    )
    assert life.feed(on.Revoked(key="K1"))[0] == note


def test_a_row_that_is_checked_for_a_launch_revoked_meanwhile_says_nothing_any_more():
    life = Life(stall_after=10.0)
    request_id = life.launching()
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER)))
    (confirm,) = life.tick(11)
    life.feed(on.Revoked(key="K1"))
    assert life.feed(on.OwnershipVerified(request_id=confirm.request_id, launch_ids=("L1",), ours=frozenset())) == []
    assert life.launch().stop_reason == REVOKED


def test_a_launch_waits_for_one_in_doubt_and_goes_on_when_that_is_nowhere():
    life = Life(idempotent_submit=False)
    request_id = life.launching()
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER)))
    life.take("L2", "K1")
    (find,) = life.tick()
    assert life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L1",), seen=())) == []
    (find,) = life.tick(20)
    assert life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L1",), seen=())) == []
    assert life.submit_of(life.tick()).launch_id == "L2"


def test_what_a_launch_waited_for_before_it_started_is_not_why_it_is_revoked():
    life = Life()
    request_id = life.launching()
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_CAPACITY)))
    life.feed(
        on.Accepted(request_id=life.submit_of(life.tick(10)).request_id, launch_id="L1", seen=running(token="L1-2"))
    )
    note, *_ = life.feed(on.Revoked(key="K1"))
    assert note == do.Note(key="K1", text="Revoked by Airflow while it ran", job=JOB)


def test_a_launch_in_doubt_that_airflow_gave_up_is_looked_for_at_once():
    life = Life()
    request_id = life.launching()
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER)))
    assert life.feed(on.FailedByAirflow(key="K1")) == [do.Release(key="K1")]
    assert [type(effect) for effect in life.tick()] == [do.FindByLaunchId]


def test_a_launch_that_waits_for_another_to_end_is_not_looked_at_until_then():
    life = Life(poll_interval=1e9)
    life.active()
    life.feed(on.Revoked(key="K1"))
    life.feed(on.StopAnswered(request_id=2, launch_id="L1"))
    life.take("L2", "K1")
    life.tick()
    assert life.store.next_due() == life.launch("L1").due > life.now
