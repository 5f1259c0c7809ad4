"""What was to be stopped has started by then, and has run what waits for its end, perhaps: the row is asked."""

from __future__ import annotations

import pytest

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.values import FailureKind
from tests.lifecycle.driver import EXITED_0, EXITED_1, JOB, NEVER_STARTED, Life, fault, over, running, stopped


def revoked_too_late(seen=None, **policy) -> Life:
    """A launch that is revoked, but starts before the stop gets there, and one that waits for its end."""
    life = Life(poll_interval=1e9, **policy)
    life.active()
    life.feed(on.Revoked(key="K1"))
    life.take("L2", "K1")
    assert life.submits() == []
    assert life.see(running()) == []
    assert life.submits() == []
    if seen is not None:
        assert life.see(seen) == []
    return life


def confirm(life: Life) -> do.VerifyOwnership:
    """What a heartbeat asks the rows."""
    (effect,) = life.tick()
    assert isinstance(effect, do.VerifyOwnership)
    return effect


@pytest.mark.parametrize("idempotent", [True, False])
@pytest.mark.parametrize("end", [over(EXITED_0), stopped(EXITED_0)], ids=["its container", "all of it"])
def test_what_started_although_it_was_revoked_may_have_run_the_next_launch_so_the_row_is_asked_first(end, idempotent):
    """Nobody else can have launched it, so that it is not looked for: AWS Batch would be given its time to list it."""
    life = revoked_too_late(end, idempotent_submit=idempotent)
    question = confirm(life)
    assert question.launches == (("L2", "K1"),)
    assert (
        life.feed(on.OwnershipVerified(request_id=question.request_id, launch_ids=("L2",), ours=frozenset({"L2"})))
        == []
    )
    assert life.submits() == ["L2"]


def test_after_a_gap_it_is_looked_for_as_everything_is():
    life = revoked_too_late(idempotent_submit=False, stall_after=10.0)
    assert life.tick(11) == []
    life.see(stopped(EXITED_0))
    question = confirm(life)
    assert (
        life.feed(on.OwnershipVerified(request_id=question.request_id, launch_ids=("L2",), ours=frozenset({"L2"})))
        == []
    )
    (find,) = life.tick()
    assert isinstance(find, do.FindByLaunchId)
    assert find.launch_ids == ("L2",)


def test_an_adopted_launch_is_looked_for_as_it_would_be_without_that_container():
    life = Life(poll_interval=1e9, idempotent_submit=False)
    life.reads = False
    life.active()
    life.feed(on.Revoked(key="K1"))
    life.feed(on.Adopted(launch_id="L2", key="K1", workload="the row"))
    life.see(running())
    life.see(stopped(EXITED_0))
    question = confirm(life)
    assert (
        life.feed(on.OwnershipVerified(request_id=question.request_id, launch_ids=("L2",), ours=frozenset({"L2"})))
        == []
    )
    assert [type(effect) for effect in life.tick()] == [do.FindByLaunchId]


@pytest.mark.parametrize("end", [over, stopped], ids=["its container", "all of it"])
@pytest.mark.parametrize(("stop", "success"), [(EXITED_0, True), (EXITED_1, False)])
def test_if_it_has_run_it_there_is_no_second_container_and_its_end_is_reported(end, stop, success):
    life = revoked_too_late(end(stop), launch_timeout=600.0)
    question = confirm(life)
    told = life.feed(on.OwnershipVerified(request_id=question.request_id, launch_ids=("L2",), ours=frozenset()))
    assert told == [do.Launched(key="K1", job=JOB), do.Report(key="K1", success=success, job=JOB, stop=stop)]
    assert life.submits() == []
    assert life.see(stopped(stop)) == []
    assert life.store.launches == {}


def test_if_the_row_has_gone_on_from_there_nothing_is_reported():
    life = revoked_too_late(stopped(EXITED_0))
    question = confirm(life)
    life.awaited = False
    assert life.feed(on.OwnershipVerified(request_id=question.request_id, launch_ids=("L2",), ours=frozenset())) == [
        do.Launched(key="K1", job=JOB),
        do.Release(key="K1"),
    ]
    assert life.store.launches == {}


def test_what_of_it_still_stops_is_followed_by_the_launch_that_it_ran():
    life = revoked_too_late(over(EXITED_0))
    question = confirm(life)
    life.feed(on.OwnershipVerified(request_id=question.request_id, launch_ids=("L2",), ours=frozenset()))
    assert set(life.store.launches) == {"L2"}
    assert life.tick(119) == []
    assert life.tick(1) == [
        do.StopJob(
            request_id=life.launch("L2").request_id, launch_id="L2", job=JOB, reason="Its Airflow container ended"
        )
    ]


def test_what_ended_before_it_started_has_run_nothing():
    life = Life(poll_interval=1e9)
    life.active()
    life.feed(on.Revoked(key="K1"))
    life.take("L2", "K1")
    assert life.see(stopped(NEVER_STARTED)) == []
    assert life.submits() == ["L2"]


def test_what_had_ended_before_it_was_doomed_has_run_nothing_of_the_next_launch():
    """A sidecar outlives the container of a deferred task, and is stopped for it."""
    life = Life(poll_interval=1e9)
    life.started()
    life.see(over(EXITED_0))
    life.tick(119)
    life.take("L2", "K1")
    life.feed(
        on.Unaccepted(
            request_id=life.submit_of(life.tick()).request_id, launch_id="L2", failure=fault(FailureKind.NO_CAPACITY)
        )
    )
    assert [type(effect) for effect in life.tick(1)] == [do.StopJob]
    assert life.see(stopped(EXITED_0)) == []
    assert life.submits() == []
    life.now += 200
    assert life.submits() == ["L2"]


def test_one_answer_of_the_rows_serves_the_launch_that_has_run_and_those_after_it():
    life = revoked_too_late()
    life.feed(on.WorkloadQueued(launch_id="L3", key="K3", workload="work"))
    life.feed(
        on.Unaccepted(
            request_id=life.submit_of(life.tick()).request_id, launch_id="L3", failure=fault(FailureKind.HELD)
        )
    )
    life.see(stopped(EXITED_0))
    question = confirm(life)
    assert question.launches == (("L2", "K1"), ("L3", "K3"))
    told = life.feed(on.OwnershipVerified(request_id=question.request_id, launch_ids=("L2", "L3"), ours=frozenset()))
    assert [type(effect) for effect in told] == [do.Launched, do.Report, do.Release]
    assert life.store.launches == {}


def test_once_the_row_has_said_that_it_did_not_run_it_that_container_is_no_matter_any_more():
    life = revoked_too_late(stopped(EXITED_0))
    question = confirm(life)
    life.feed(on.OwnershipVerified(request_id=question.request_id, launch_ids=("L2",), ours=frozenset({"L2"})))
    life.feed(
        on.Unaccepted(
            request_id=life.submit_of(life.tick()).request_id, launch_id="L2", failure=fault(FailureKind.HELD)
        )
    )
    question = confirm(life)
    assert life.feed(on.OwnershipVerified(request_id=question.request_id, launch_ids=("L2",), ours=frozenset())) == [
        do.Release(key="K1")
    ]
    assert life.store.launches == {}


def test_a_database_that_had_to_be_asked_twice_is_no_reason_for_what_comes_later():
    life = revoked_too_late(over(EXITED_0))
    life.awaited = None
    question = confirm(life)
    life.feed(
        on.VerifyOwnershipFailed(
            request_id=question.request_id, launch_ids=("L2",), failure=fault(FailureKind.UNREACHED)
        )
    )
    (question,) = life.tick(60)
    life.feed(on.OwnershipVerified(request_id=question.request_id, launch_ids=("L2",), ours=frozenset()))
    note, *_ = life.feed(on.Revoked(key="K1"))
    assert note == do.Note(key="K1", text="Revoked by Airflow while it ran", job=JOB)
