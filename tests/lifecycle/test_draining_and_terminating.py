"""The executor ends: nothing more is launched. It terminates: every job is stopped."""

import pytest

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.values import FailureKind
from tests.lifecycle.driver import EXITED_0, JOB, NEVER_STARTED, Life, fault, over, running, starting, stopped

WHY = "The executor was terminated"


def test_what_waits_is_not_launched_any_more_and_stays_tracked():
    life = Life()
    life.take()
    assert life.feed(on.Draining()) == []
    assert life.tick() == []
    assert life.tick(1000) == []
    assert life.launch().phase is Phase.WAITING


def test_what_comes_in_while_draining_is_tracked_and_not_launched():
    life = Life()
    life.feed(on.Draining())
    assert life.take() == []
    assert life.tick() == []
    assert set(life.store.launches) == {"L1"}


def test_a_launch_that_is_out_is_withdrawn():
    life = Life()
    request_id = life.launching()
    assert life.feed(on.Draining()) == [do.WithdrawAll()]
    assert life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.HELD))) == []
    assert life.tick() == []
    assert set(life.store.launches) == {"L1"}


def test_a_launch_that_was_sent_all_the_same_is_followed():
    life = Life()
    request_id = life.launching()
    life.feed(on.Draining())
    assert life.feed(on.Accepted(request_id=request_id, launch_id="L1", seen=starting())) == [
        do.Launched(key="K1", job=JOB)
    ]
    assert life.tick() == [do.Describe(request_id=2, location="c1", jobs=(JOB,))]


def test_a_container_that_never_started_is_not_replaced_while_draining():
    life = Life()
    life.active()
    life.feed(on.Draining())
    life.see(stopped(NEVER_STARTED))
    assert life.tick(1000) == []
    assert life.launch().phase is Phase.WAITING


def test_what_lingers_is_not_stopped_while_draining_and_an_end_is_still_reported():
    life = Life()
    life.started()
    life.feed(on.Draining())
    assert life.see(over(EXITED_0)) == [do.Report(key="K1", success=True, job=JOB, stop=EXITED_0)]
    assert [type(effect) for effect in life.tick(1000)] == [do.Describe]


def test_a_deadline_is_not_kept_while_draining():
    life = Life(launch_timeout=60)
    life.active()
    life.feed(on.Draining())
    assert [type(effect) for effect in life.tick(1000)] == [do.Describe]
    assert life.launch().phase is Phase.STARTING


def test_terminating_stops_every_job_and_reports_each_end():
    life = Life()
    life.started()
    assert life.feed(on.Terminating()) == [do.StopJob(request_id=2, launch_id="L1", job=JOB, reason=WHY)]
    assert life.see(stopped(EXITED_0)) == [do.Report(key="K1", success=True, job=JOB, stop=EXITED_0)]
    assert life.store.launches == {}


def test_terminating_twice_stops_each_job_once():
    life = Life()
    life.started()
    life.feed(on.Terminating())
    assert life.feed(on.Terminating()) == []


def test_a_job_that_is_accepted_after_terminating_is_stopped():
    life = Life()
    request_id = life.launching()
    assert life.feed(on.Terminating()) == [do.WithdrawAll()]
    assert life.feed(on.Accepted(request_id=request_id, launch_id="L1", seen=starting())) == [
        do.Launched(key="K1", job=JOB),
        do.StopJob(request_id=2, launch_id="L1", job=JOB, reason=WHY),
    ]
    ended = stopped(NEVER_STARTED)
    assert life.see(ended) == [do.Report(key="K1", success=False, job=JOB, stop=NEVER_STARTED)]


def test_terminating_waits_for_a_launch_that_is_behind_more_than_one_step_can_look_at():
    """Its container is accepted later, and must not outlive the executor."""
    life = Life(launches_per_tick=1)
    refused = life.launching("L1", "K1")
    life.feed(on.Unaccepted(request_id=refused, launch_id="L1", failure=fault(FailureKind.UNREACHED)))
    request_id = life.launching("L2", "K2")
    life.feed(on.Terminating())
    assert life.machine.unfinished() == 1
    while life.machine.due(life.now):
        life.tick()
    seen = starting(token="L2-1")
    assert life.feed(on.Accepted(request_id=request_id, launch_id="L2", seen=seen)) == [
        do.Launched(key="K2", job=JOB),
        do.StopJob(request_id=3, launch_id="L2", job=JOB, reason=WHY),
    ]


def test_a_launch_that_terminating_withdrew_stays_tracked_like_one_that_was_never_out():
    """Its row is still QUEUED: the next scheduler adopts and launches it, and no try is burnt."""
    life = Life()
    request_id = life.launching()
    life.feed(on.Terminating())
    assert life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.HELD))) == []
    assert life.tick(10) == []
    assert life.launch().phase is Phase.WAITING


def test_a_launch_that_may_have_been_made_is_looked_for_by_terminating_and_stopped():
    life = Life()
    request_id = life.launching()
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER)))
    assert life.feed(on.Terminating()) == []
    assert life.tick() == [do.FindByLaunchId(request_id=2, launch_ids=("L1",), token_bases=("L1",), locations=("",))]
    assert life.feed(on.FoundByLaunchId(request_id=2, launch_ids=("L1",), seen=(starting(),))) == [
        do.Launched(key="K1", job=JOB),
        do.StopJob(request_id=3, launch_id="L1", job=JOB, reason=WHY),
    ]


def test_a_launch_that_may_have_been_made_and_is_found_nowhere_is_reported_by_terminating():
    life = Life()
    request_id = life.launching()
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER)))
    life.feed(on.Terminating())
    assert life.tick() == [do.FindByLaunchId(request_id=2, launch_ids=("L1",), token_bases=("L1",), locations=("",))]
    assert life.feed(on.FoundByLaunchId(request_id=2, launch_ids=("L1",), seen=())) == []
    assert life.tick(20) == [do.FindByLaunchId(request_id=3, launch_ids=("L1",), token_bases=("L1",), locations=("",))]
    assert life.machine.unfinished() == 1
    text = "The executor was terminated; no container of it was found"
    assert life.feed(on.FoundByLaunchId(request_id=3, launch_ids=("L1",), seen=())) == [
        do.Report(key="K1", success=False, text=text, containers=0)
    ]
    assert life.store.launches == {}


def test_a_launch_that_another_scheduler_may_have_made_is_looked_for_by_terminating_and_stopped():
    """Its row was being checked, after a gap between two heartbeats."""
    life = Life(stall_after=10.0)
    life.tick()
    life.take()
    (confirm,) = life.tick(11)
    assert life.feed(on.Terminating()) == []
    assert life.machine.unfinished() == 0
    assert (
        life.feed(on.OwnershipVerified(request_id=confirm.request_id, launch_ids=("L1",), ours=frozenset({"L1"}))) == []
    )
    assert life.machine.unfinished() == 1
    (find,) = life.tick()
    (told, stop) = life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L1",), seen=(starting(),)))
    assert (told, stop) == (
        do.Launched(key="K1", job=JOB),
        do.StopJob(request_id=stop.request_id, launch_id="L1", job=JOB, reason=WHY),
    )


def ending(life):
    """The executor ends now; how many launches it waits for."""
    life.feed(on.Draining())
    return life.machine.unfinished()


def test_an_end_waits_for_a_launch_until_it_is_answered():
    life = Life()
    life.take()
    assert (life.machine.unfinished(), life.machine.owns("K1"), life.machine.owns("nobody")) == (0, True, False)
    request_id = life.submit_of(life.tick()).request_id
    assert ending(life) == 1
    life.feed(on.Accepted(request_id=request_id, launch_id="L1", seen=starting()))
    assert life.machine.unfinished() == 0


def test_an_end_does_not_wait_for_a_launch_whose_answer_never_came():
    """The next scheduler finds its container by the launch id: it adopts the row."""
    life = Life()
    request_id = life.launching()
    life.feed(on.Draining())
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER)))
    assert life.machine.unfinished() == 0


@pytest.mark.parametrize("seen", [starting(), running(), over(EXITED_0)], ids=["starting", "running", "over"])
def test_an_end_does_not_wait_for_jobs_nor_for_what_the_row_says_of_their_ends(seen):
    life = Life()
    life.awaited = None
    life.active()
    life.see(seen)
    assert ending(life) == 0
    life.feed(on.Terminating())
    assert life.machine.unfinished() == 1


@pytest.mark.parametrize("event", [on.Revoked(key="K1"), on.FailedByAirflow(key="K1")])
def test_an_end_waits_for_a_stop_until_aws_accepts_it(event):
    life = Life()
    life.started()
    (stop,) = [effect for effect in life.feed(event) if isinstance(effect, do.StopJob)]
    assert ending(life) == 1
    life.feed(on.StopAnswered(request_id=stop.request_id, launch_id="L1", failure=None))
    assert life.machine.unfinished() == 0


def test_an_end_waits_for_a_stop_that_failed_to_be_sent_again_in_time():
    life = Life()
    life.started()
    (stop,) = [effect for effect in life.feed(on.Revoked(key="K1")) if isinstance(effect, do.StopJob)]
    life.feed(on.Draining())
    life.feed(on.StopAnswered(request_id=stop.request_id, launch_id="L1", failure=fault(FailureKind.UNREACHED)))
    due = life.launch().due
    assert (life.machine.unfinished(due), life.machine.unfinished(due - 0.01)) == (1, 0)
    (again,) = [effect for effect in life.tick(due - life.now) if isinstance(effect, do.StopJob)]
    life.feed(on.StopAnswered(request_id=again.request_id, launch_id="L1", failure=None))
    assert life.machine.unfinished() == 0


def test_an_end_does_not_wait_for_the_stop_of_what_has_ended():
    life = Life()
    life.awaited = None
    life.started()
    life.tick(life.machine.policy.stop_grace)
    life.see(over(EXITED_0))
    life.tick(life.machine.policy.stop_grace)
    assert ending(life) == 1
    life.see(stopped(EXITED_0))
    assert life.machine.unfinished() == 0


def test_an_end_waits_for_a_launch_that_may_have_been_made_and_is_to_be_stopped():
    life = Life()
    request_id = life.launching()
    life.feed(on.Revoked(key="K1"))
    life.feed(on.Draining())
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER)))
    assert life.machine.unfinished() == 1
    (find,) = life.tick(5)
    assert life.machine.unfinished() == 1
    (stop,) = life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L1",), seen=(starting(),)))
    assert life.machine.unfinished() == 1
    life.feed(on.StopAnswered(request_id=stop.request_id, launch_id="L1", failure=None))
    assert life.machine.unfinished() == 0


def test_an_end_does_not_wait_for_a_second_look_that_comes_too_late():
    life = Life()
    request_id = life.launching()
    life.feed(on.Revoked(key="K1"))
    life.feed(on.Draining())
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER)))
    (find,) = life.tick(5)
    life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L1",), seen=()))
    grace = life.machine.policy.search_grace
    assert life.machine.unfinished(life.now + grace) == 1
    assert life.machine.unfinished(life.now + grace - 0.01) == 0


def test_an_ending_machine_is_idle():
    life = Life(poll_interval=1e9)
    life.active()
    life.see(over(EXITED_0))
    life.take("L2", "K2")
    life.feed(on.Draining())
    life.tick(1000)
    assert not life.machine.due(life.now + 1e6)
