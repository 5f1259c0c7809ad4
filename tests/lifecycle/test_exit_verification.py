"""A started container's end is reported after its row was asked: who waits for a next container is not failed by it."""

from __future__ import annotations

import pytest

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.exits import UNREPORTED
from aws_exec.lifecycle.values import FailureKind, Termination
from tests.lifecycle.driver import EXITED_0, EXITED_1, HOST_LOST, JOB, NEVER_STARTED, Life, fault, over, stopped

REPORT = do.Report(key="K1", success=True, job=JOB, stop=EXITED_0)


@pytest.fixture
def life():
    """A launch whose user code runs; the rows say nothing by themselves."""
    life = Life(poll_interval=1e9)
    life.started()
    life.tick()
    life.awaited = None
    return life


def settle(life, seen):
    """The end is seen; the ask of the question that it leads to."""
    (effect,) = life.see(seen)
    assert isinstance(effect, do.VerifyExit)
    stop = seen.stop
    assert effect == do.VerifyExit(
        request_id=effect.request_id, launch_id="L1", key="K1", failed=stop is not None and stop.exit_code == 1
    )
    return effect.request_id


def test_a_task_that_never_reported_its_result_has_failed_though_its_container_exited_with_0(life):
    """Its own process was killed, and Airflow has retries left: its runner tells the API server nothing."""
    request_id = settle(life, stopped(EXITED_0))
    told = life.feed(on.ExitVerified(request_id=request_id, launch_id="L1", awaited=True, unreported=True))
    assert told == [do.Report(key="K1", success=False, job=JOB, text=UNREPORTED)]
    assert "killed" in UNREPORTED
    assert life.store.launches == {}


def test_a_container_that_failed_while_its_row_still_runs_is_reported_as_it_was(life):
    request_id = settle(life, stopped(EXITED_1))
    told = life.feed(on.ExitVerified(request_id=request_id, launch_id="L1", awaited=True, unreported=True))
    assert told == [do.Report(key="K1", success=False, job=JOB, stop=EXITED_1)]


def test_a_container_that_was_killed_is_told_as_that_whether_airflow_wanted_it_or_not(life):
    stop = Termination("ecs", exit_code=137, started=True)
    told = life.feed(
        on.ExitVerified(
            request_id=settle(life, stopped(stop)), launch_id="L1", awaited=True, unwanted="marked failed by admin"
        )
    )
    assert told == [do.Report(key="K1", success=False, job=JOB, stop=stop)]


def test_a_container_that_airflow_refused_is_told_as_that(life):
    request_id = settle(life, stopped(EXITED_1))
    told = life.feed(
        on.ExitVerified(request_id=request_id, launch_id="L1", awaited=True, unwanted="marked failed by admin")
    )
    text = "Airflow no longer wanted it: marked failed by admin"
    assert told == [do.Report(key="K1", success=False, job=JOB, text=text)]


@pytest.mark.parametrize("seen", [stopped(EXITED_0), over(EXITED_0)], ids=["stopped", "over"])
def test_an_end_that_airflow_waits_for_is_reported(life, seen):
    assert life.feed(on.ExitVerified(request_id=settle(life, seen), launch_id="L1", awaited=True)) == [REPORT]


@pytest.mark.parametrize("stop", [EXITED_1, HOST_LOST], ids=["exit code 1", "host lost"])
def test_a_bad_end_that_airflow_waits_for_is_reported_as_it_was(life, stop):
    request_id = settle(life, stopped(stop))
    assert life.feed(on.ExitVerified(request_id=request_id, launch_id="L1", awaited=True)) == [
        do.Report(key="K1", success=False, job=JOB, stop=stop)
    ]
    assert life.store.launches == {}


@pytest.mark.parametrize("seen", [stopped(EXITED_0), over(EXITED_0)], ids=["stopped", "over"])
def test_an_end_that_is_no_news_frees_the_key_and_says_nothing(life, seen):
    assert life.feed(on.ExitVerified(request_id=settle(life, seen), launch_id="L1", awaited=False)) == [
        do.Release(key="K1")
    ]
    assert life.see(stopped(EXITED_0)) == []
    assert life.store.launches == {}


@pytest.mark.parametrize("stop", [EXITED_1, HOST_LOST], ids=["exit code 1", "host lost"])
def test_a_bad_end_that_is_no_news_is_noted(life, stop):
    text = "Its container did not end well, after the task was deferred, rescheduled or adopted elsewhere"
    request_id = settle(life, stopped(stop))
    assert life.feed(on.ExitVerified(request_id=request_id, launch_id="L1", awaited=False)) == [
        do.Note(key="K1", text=text, job=JOB, stop=stop),
        do.Release(key="K1"),
    ]


def test_the_row_is_asked_once_and_the_first_end_counts(life):
    request_id = settle(life, over(EXITED_0))
    assert life.see(over(EXITED_0)) == []
    assert life.see(stopped(EXITED_1)) == []
    assert life.feed(on.ExitVerified(request_id=request_id, launch_id="L1", awaited=True)) == [REPORT]
    assert life.store.launches == {}
    assert life.feed(on.ExitVerified(request_id=request_id, launch_id="L1", awaited=True)) == []


def test_a_job_that_still_runs_is_followed_after_its_end_was_reported(life):
    life.feed(on.ExitVerified(request_id=settle(life, over(EXITED_0)), launch_id="L1", awaited=True))
    assert [type(effect) for effect in life.tick(120)] == [do.StopJob]
    assert life.see(stopped(EXITED_0)) == []
    assert life.store.launches == {}


def test_a_database_that_does_not_answer_is_asked_again_when_the_job_is_looked_at_next(life):
    request_id = settle(life, stopped(EXITED_0))
    assert (
        life.feed(on.VerifyExitFailed(request_id=request_id, launch_id="L1", failure=fault(FailureKind.UNREACHED)))
        == []
    )
    again = settle(life, stopped(EXITED_0))
    assert again != request_id
    assert life.feed(on.ExitVerified(request_id=request_id, launch_id="L1", awaited=True)) == []
    assert life.feed(on.ExitVerified(request_id=again, launch_id="L1", awaited=True)) == [REPORT]


def test_a_container_that_never_started_asks_no_row(life):
    other = Life()
    other.active("L2", "K2")
    other.awaited = None
    effects = other.see(stopped(NEVER_STARTED, token="L2-1"))
    assert [type(effect) for effect in effects] == [do.Note]


@pytest.mark.parametrize("event", [on.Revoked(key="K1"), on.FailedByAirflow(key="K1")], ids=["revoked", "given up"])
def test_what_airflow_takes_back_meanwhile_is_not_reported_and_not_stopped(life, event):
    request_id = settle(life, stopped(EXITED_0))
    effects = life.feed(event)
    assert do.Release(key="K1") in effects
    assert not any(isinstance(effect, do.StopJob) for effect in effects)
    assert life.store.launches == {}
    assert life.feed(on.ExitVerified(request_id=request_id, launch_id="L1", awaited=True)) == []


def test_a_newer_launch_of_the_key_takes_over_while_the_row_is_asked(life):
    request_id = settle(life, stopped(EXITED_0))
    assert life.take("L2", "K1") == []
    assert [effect.launch_id for effect in life.tick()] == ["L2"]
    assert life.feed(on.ExitVerified(request_id=request_id, launch_id="L1", awaited=True)) == []
    assert set(life.store.launches) == {"L2"}


def test_a_terminated_executor_stops_nothing_that_has_stopped_and_waits_for_its_row(life):
    request_id = settle(life, stopped(EXITED_0))
    assert life.feed(on.Terminating()) == []
    assert life.machine.unfinished() == 1
    assert life.feed(on.ExitVerified(request_id=request_id, launch_id="L1", awaited=True)) == [REPORT]
    assert life.machine.unfinished() == 0
    assert not life.machine.due(life.now + 1000)


def test_a_stop_that_is_answered_after_the_end_is_not_repeated(life):
    (stop,) = life.feed(on.Terminating())
    request_id = settle(life, stopped(EXITED_1))
    assert life.feed(on.StopAnswered(request_id=stop.request_id, launch_id="L1")) == []
    assert life.tick(1000) == []
    assert [
        type(effect) for effect in life.feed(on.ExitVerified(request_id=request_id, launch_id="L1", awaited=True))
    ] == [do.Report]


def test_it_is_known_of_which_ends_the_row_is_being_asked(life):
    assert not life.machine.verifies_exit("L1")
    request_id = settle(life, over(EXITED_0))
    assert life.machine.verifies_exit("L1")
    life.feed(on.ExitVerified(request_id=request_id, launch_id="L1", awaited=True))
    assert not life.machine.verifies_exit("L1")
    assert not life.machine.verifies_exit("nobody")


def test_a_late_or_doubled_failure_to_ask_changes_nothing(life):
    request_id = settle(life, over(EXITED_0))
    life.feed(on.VerifyExitFailed(request_id=request_id, launch_id="L1", failure=fault(FailureKind.UNREACHED)))
    before = life.launch()
    assert (
        life.feed(on.VerifyExitFailed(request_id=request_id, launch_id="L1", failure=fault(FailureKind.UNREACHED)))
        == []
    )
    assert life.launch() == before


def test_what_waits_for_its_row_only_is_not_looked_at_in_vain(life):
    """It has been stopped: nothing is due but the next question."""
    life.see(over(EXITED_0))
    life.feed(
        on.VerifyExitFailed(
            request_id=life.launch().verifying_exit, launch_id="L1", failure=fault(FailureKind.UNREACHED)
        )
    )
    request_id = settle(life, stopped(EXITED_0))
    assert not life.machine.due(life.now + 1e6)
    assert life.feed(on.ExitVerified(request_id=request_id, launch_id="L1", awaited=True)) == [REPORT]
    assert life.store.launches == {}


def test_what_was_reported_while_the_rest_still_runs_is_remembered_no_more(life):
    request_id = settle(life, over(EXITED_0))
    life.feed(on.ExitVerified(request_id=request_id, launch_id="L1", awaited=True))
    launch = life.launch()
    assert (launch.detached, launch.unverified_exit) == (True, None)
