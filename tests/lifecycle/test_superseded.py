"""A newer launch of the same key takes over: what becomes of the older one, wherever it stands."""

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.values import FailureKind
from tests.lifecycle.driver import JOB, JOB2, NEVER_STARTED, Life, fault, starting, stopped

NEWER = "A newer launch of the task took over"


def test_a_launch_that_is_superseded_while_it_is_out_is_stopped_if_it_was_made():
    life = Life()
    request_id = life.launching()
    assert life.take("L2", "K1") == [do.Withdraw(request_id=request_id)]
    assert life.feed(on.Accepted(request_id=request_id, launch_id="L1", seen=starting())) == [
        do.StopJob(request_id=2, launch_id="L1", job=JOB, reason=NEWER)
    ]


def test_a_launch_that_is_superseded_while_uncertain_is_looked_for_at_once():
    life = Life(idempotent_submit=False)
    request_id = life.launching()
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER)))
    life.take("L2", "K1")
    assert life.tick() == [do.FindByLaunchId(request_id=2, launch_ids=("L1",), token_bases=("L1",), locations=("",))]


def test_what_is_superseded_is_not_stopped_for_the_time_it_takes_while_nobody_has_looked():
    """It may have started and deferred: only the answer to the look says what becomes of it."""
    life = Life(start_timeout=100, launch_timeout=200, poll_interval=1e9)
    life.active()
    life.tick()
    life.take("L2", "K1")
    assert life.tick(150) == []
    told = life.tick(150)
    assert [type(effect) for effect in told] == [do.Report], "of the newer one, which waited for the answer"
    assert life.launch("L1").stop_reason == ""


def test_the_end_of_a_revoked_launch_leaves_what_runs_for_its_key_alone():
    """A deferred task's old container runs on while its next launch is revoked."""
    life = Life(poll_interval=1e9)
    life.started()
    life.take("L2", "K1")
    submit = life.submit_of(life.tick())
    life.feed(on.Accepted(request_id=submit.request_id, launch_id="L2", seen=starting(JOB2, "L2-1")))
    life.feed(on.Revoked(key="K1"))
    assert life.see(stopped(NEVER_STARTED, JOB2, "L2-1")) == []
    assert life.tick(1) == []
    assert (life.launch("L1").phase, life.launch("L1").stop_reason) == (Phase.RUNNING, "")
