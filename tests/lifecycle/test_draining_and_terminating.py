"""The executor ends: nothing more is launched. It terminates: every job is stopped."""

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.values import Trouble
from tests.lifecycle.driver import EXITED_0, JOB, NEVER_STARTED, Life, fault, over, starting, stopped

WHY = "The executor was terminated"


def test_what_waits_is_not_launched_any_more_and_stays_tracked():
    life = Life()
    life.take()
    assert life.tell(on.Draining()) == []
    assert life.tick() == []
    assert life.tick(1000) == []
    assert life.record().phase is Phase.WAITING


def test_what_comes_in_while_draining_is_tracked_and_not_launched():
    life = Life()
    life.tell(on.Draining())
    assert life.take() == []
    assert life.tick() == []
    assert set(life.book.records) == {"L1"}


def test_a_launch_that_is_out_is_withdrawn():
    life = Life()
    ask = life.launching()
    assert life.tell(on.Draining()) == [do.Withdraw(ask)]
    assert life.tell(on.Unaccepted(ask, "L1", fault(Trouble.HELD))) == []
    assert life.tick() == []
    assert set(life.book.records) == {"L1"}


def test_a_launch_that_was_sent_all_the_same_is_followed():
    life = Life()
    ask = life.launching()
    life.tell(on.Draining())
    assert life.tell(on.Accepted(ask, "L1", starting())) == [do.Launched("K1", JOB)]
    assert life.tick() == [do.Observe(2, "c1", (JOB,))]


def test_a_container_that_never_started_is_not_replaced_while_draining():
    life = Life()
    life.active()
    life.tell(on.Draining())
    life.see(stopped(NEVER_STARTED))
    assert life.tick(1000) == []
    assert life.record().phase is Phase.WAITING


def test_what_lingers_is_not_stopped_while_draining_and_an_end_is_still_reported():
    life = Life()
    life.started()
    life.tell(on.Draining())
    assert life.see(over(EXITED_0)) == [do.Report("K1", success=True, job=JOB, stop=EXITED_0)]
    assert [type(effect) for effect in life.tick(1000)] == [do.Observe]


def test_a_deadline_is_not_kept_while_draining():
    life = Life(launch_timeout=60)
    life.active()
    life.tell(on.Draining())
    assert [type(effect) for effect in life.tick(1000)] == [do.Observe]
    assert life.record().phase is Phase.ACTIVE


def test_terminating_stops_every_job_and_reports_each_end():
    life = Life()
    life.started()
    assert life.tell(on.Terminating()) == [do.StopJob(2, "L1", JOB, WHY)]
    assert life.see(stopped(EXITED_0)) == [do.Report("K1", success=True, job=JOB, stop=EXITED_0)]
    assert life.book.records == {}


def test_terminating_twice_stops_each_job_once():
    life = Life()
    life.started()
    life.tell(on.Terminating())
    assert life.tell(on.Terminating()) == []


def test_a_job_that_is_accepted_after_terminating_is_stopped():
    life = Life()
    ask = life.launching()
    assert life.tell(on.Terminating()) == [do.Withdraw(ask)]
    assert life.tell(on.Accepted(ask, "L1", starting())) == [do.Launched("K1", JOB), do.StopJob(2, "L1", JOB, WHY)]
    ended = stopped(NEVER_STARTED)
    assert life.see(ended) == [do.Report("K1", success=False, job=JOB, stop=NEVER_STARTED)]


def test_a_launch_that_terminating_withdrew_stays_tracked_like_one_that_was_never_out():
    """Its row is still QUEUED: the next scheduler adopts and launches it, and no try is burnt."""
    life = Life()
    ask = life.launching()
    life.tell(on.Terminating())
    assert life.tell(on.Unaccepted(ask, "L1", fault(Trouble.HELD))) == []
    assert life.tick(10) == []
    assert life.record().phase is Phase.WAITING


def test_a_launch_that_may_have_been_made_is_looked_for_by_terminating_and_stopped():
    life = Life()
    ask = life.launching()
    life.tell(on.Unaccepted(ask, "L1", fault(Trouble.NO_ANSWER)))
    assert life.tell(on.Terminating()) == []
    assert life.tick() == [do.Find(2, ("L1",), ("L1",), ("",))]
    assert life.tell(on.Found(2, ("L1",), (starting(),))) == [do.Launched("K1", JOB), do.StopJob(3, "L1", JOB, WHY)]


def test_a_launch_that_may_have_been_made_and_is_found_nowhere_is_reported_by_terminating():
    life = Life()
    ask = life.launching()
    life.tell(on.Unaccepted(ask, "L1", fault(Trouble.NO_ANSWER)))
    life.tell(on.Terminating())
    assert life.tick() == [do.Find(2, ("L1",), ("L1",), ("",))]
    assert life.tell(on.Found(2, ("L1",), ())) == []
    assert life.tick(20) == [do.Find(3, ("L1",), ("L1",), ("",))]
    assert life.machine.unfinished() == 1
    text = "The executor was terminated; no container of it was found"
    assert life.tell(on.Found(3, ("L1",), ())) == [do.Report("K1", success=False, text=text, containers=0)]
    assert life.book.records == {}


def test_an_end_waits_for_what_runs_or_is_out_and_for_nothing_that_can_be_left():
    life = Life()
    life.take()
    assert (life.machine.unfinished(), life.machine.owns("K1"), life.machine.owns("nobody")) == (0, True, False)
    ask = life.submit_of(life.tick()).ask
    assert life.machine.unfinished() == 1
    life.tell(on.Accepted(ask, "L1", starting()))
    assert life.machine.unfinished() == 1
    life.tell(on.Revoked("K1"))
    assert life.machine.unfinished() == 0
    life.tell(on.Terminating())
    assert life.machine.unfinished() == 1


def test_an_ending_machine_is_idle():
    life = Life(poll_interval=1e9)
    life.active()
    life.see(over(EXITED_0))
    life.take("L2", "K2")
    life.tell(on.Draining())
    life.tick(1000)
    assert not life.machine.due(life.now + 1e6)
