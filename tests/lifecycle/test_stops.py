"""A stop that was asked for: how often it is asked for again, and what an answer to it changes."""

from __future__ import annotations

import pytest

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.policy import BACKOFF
from aws_exec.lifecycle.values import FailureKind
from tests.lifecycle.driver import EXITED_0, JOB, Life, fault, over, running

REVOKED = "Airflow revoked the task"


@pytest.fixture
def life():
    """A job that starts, and is to be stopped; the ask of that is 3."""
    life = Life(poll_interval=1e9)
    life.active()
    life.tick()
    life.feed(on.Revoked(key="K1"))
    return life


def test_a_stop_that_fails_is_asked_for_again_each_time_later(life):
    request_id = 3
    for count in (1, 2, 3):
        assert (
            life.feed(on.StopAnswered(request_id=request_id, launch_id="L1", failure=fault(FailureKind.UNREACHED)))
            == []
        )
        wait = BACKOFF[FailureKind.UNREACHED].after(count, "L1-1")
        assert life.tick(wait * 0.99) == []
        (stop,) = life.tick(wait * 0.02)
        request_id = stop.request_id


def test_a_stop_that_is_taken_begins_to_count_anew(life):
    life.feed(on.StopAnswered(request_id=3, launch_id="L1", failure=fault(FailureKind.UNREACHED)))
    (second,) = life.tick(1)
    life.feed(on.StopAnswered(request_id=second.request_id, launch_id="L1"))
    (third,) = life.tick(60)
    life.feed(on.StopAnswered(request_id=third.request_id, launch_id="L1", failure=fault(FailureKind.UNREACHED)))
    assert life.launch().due == life.now + BACKOFF[FailureKind.UNREACHED].after(1, "L1-1")


@pytest.mark.parametrize("answer", [None, fault(FailureKind.THROTTLED)], ids=["taken", "throttled"])
def test_an_answer_that_comes_twice_counts_once(life, answer):
    life.feed(on.StopAnswered(request_id=3, launch_id="L1", failure=answer))
    before = life.launch()
    assert life.feed(on.StopAnswered(request_id=3, launch_id="L1", failure=answer), after=0.1) == []
    assert life.launch() == before


def test_a_job_that_starts_all_the_same_is_stopped_again_when_that_is_due(life):
    life.feed(on.StopAnswered(request_id=3, launch_id="L1"))
    assert life.see(running()) == []
    assert life.tick(59) == []
    assert life.tick(1) == [do.StopJob(request_id=4, launch_id="L1", job=JOB, reason=REVOKED)]


def test_a_stop_that_is_out_is_not_doubled_when_the_airflow_container_ends(life):
    assert life.see(running(), over(EXITED_0)) == []
    assert life.tick(1000) == []


def test_what_went_wrong_before_there_was_a_job_makes_no_stop_wait():
    life = Life(poll_interval=1e9)
    request_id = life.launching()
    for _ in range(6):
        life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.THROTTLED)))
        request_id = life.submit_of(life.tick(60)).request_id
    life.feed(on.Accepted(request_id=request_id, launch_id="L1", seen=running()))
    stop = next(effect for effect in life.feed(on.Revoked(key="K1")) if isinstance(effect, do.StopJob))
    life.feed(on.StopAnswered(request_id=stop.request_id, launch_id="L1", failure=fault(FailureKind.THROTTLED)))
    assert life.launch().due - life.now == pytest.approx(BACKOFF[FailureKind.THROTTLED].after(1, "L1-1"))
