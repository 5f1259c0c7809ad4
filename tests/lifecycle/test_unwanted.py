"""What Airflow no longer wants is stopped before it starts: its row is checked while it waits."""

from __future__ import annotations

import pytest

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.values import FailureKind
from tests.lifecycle.driver import JOB, JOB2, NEVER_STARTED, Life, fault, starting, stopped

WHY = "marked failed by admin"
TEXT = f"Airflow no longer wanted it: {WHY}"


@pytest.fixture
def life():
    return Life(check_interval=5.0, poll_interval=1e9)


def asked(effects):
    return [effect for effect in effects if isinstance(effect, do.CheckWanted)]


def test_what_has_not_started_is_checked_once_in_an_interval_and_nothing_else(life):
    life.started("L1", "K1", JOB)
    life.feed(on.WantedChecked(request_id=life.store.state.check.request_id))
    life.active("L2", "K2", JOB2)
    life.take("L3", "K3")
    assert asked(life.tick(4)) == []
    (question,) = asked(life.tick(1))
    assert question.launches == (("L2", "K2"), ("L3", "K3"))
    assert asked(life.tick(100)) == []
    life.feed(on.WantedChecked(request_id=question.request_id))
    (question,) = asked(life.tick())
    life.feed(on.WantedChecked(request_id=question.request_id))
    assert asked(life.tick(4)) == []
    assert len(asked(life.tick(1))) == 1


@pytest.mark.parametrize("ends", [on.Draining(), None])
def test_nothing_is_checked_while_the_executor_ends_or_where_nobody_wants_that(ends):
    life = Life(check_interval=5.0 if ends else None)
    life.take()
    if ends:
        life.feed(ends)
    assert asked(life.tick(100)) == []


def check(life, *unwanted):
    """The answer to the check that is out."""
    return life.feed(
        on.WantedChecked(request_id=life.store.state.check.request_id, unwanted=tuple((each, WHY) for each in unwanted))
    )


def test_a_container_that_waits_for_room_is_stopped_and_its_key_is_free(life):
    life.active()
    told = check(life, "L1")
    assert told == [
        do.Note(key="K1", text=TEXT, job=JOB),
        do.Release(key="K1"),
        do.StopJob(request_id=told[-1].request_id, launch_id="L1", job=JOB, reason=TEXT),
    ]
    assert life.see(stopped(NEVER_STARTED)) == []
    assert life.store.launches == {}


def test_a_launch_that_was_not_sent_is_over(life):
    life.take()
    life.feed(
        on.Unaccepted(
            request_id=life.submit_of(life.tick()).request_id, launch_id="L1", failure=fault(FailureKind.NO_CAPACITY)
        )
    )
    assert check(life, "L1") == [do.Note(key="K1", text=TEXT), do.Release(key="K1")]
    assert life.store.launches == {}


def test_a_launch_whose_answer_is_out_is_withdrawn_and_stopped_if_it_was_sent(life):
    request_id = life.launching()
    assert check(life, "L1") == [do.Note(key="K1", text=TEXT), do.Release(key="K1"), do.Withdraw(request_id=request_id)]
    (stop,) = life.feed(on.Accepted(request_id=request_id, launch_id="L1", seen=starting()))
    assert stop == do.StopJob(request_id=stop.request_id, launch_id="L1", job=JOB, reason=TEXT)


def test_what_has_started_meanwhile_is_left_to_airflow(life):
    life.started()
    assert check(life, "L1") == []
    assert life.launch().phase is Phase.RUNNING


def test_a_late_or_doubled_answer_changes_nothing(life):
    life.active()
    request_id = life.store.state.check.request_id
    check(life)
    assert life.feed(on.WantedChecked(request_id=request_id, unwanted=(("L1", WHY),))) == []
    assert life.machine.owns("K1")


def test_what_is_revoked_already_or_unknown_is_not_told_twice(life):
    life.active()
    life.feed(on.Revoked(key="K1"))
    assert check(life, "L1", "L9") == []
