"""`launch_timeout`: user code has started by then, or the launch fails."""

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.values import FailureKind
from tests.lifecycle.driver import EXITED_0, JOB, NEVER_STARTED, Life, fault, running, starting, stopped

LATE = "User code had not started within launch_timeout (60 s)"


def life_of_60() -> Life:
    """A launch may take a minute; nothing is polled."""
    return Life(launch_timeout=60, poll_interval=1e9)


def test_a_request_says_how_late_it_may_be_sent():
    life = life_of_60()
    life.take()
    assert life.tick() == [
        do.Submit(request_id=1, launch_id="L1", key="K1", token="L1-1", workload="work of L1", not_after=60.0)
    ]


def test_a_launch_that_waits_past_its_deadline_fails_with_the_last_trouble():
    life = life_of_60()
    request_id = life.launching()
    why = fault(FailureKind.NO_CAPACITY)
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=why), after=59)
    assert life.tick(1) == [do.Report(key="K1", success=False, failure=why, text=LATE, containers=0)]
    assert life.store.launches == {}


def test_a_launch_that_is_out_past_its_deadline_is_withdrawn_and_stopped_if_it_was_made():
    life = life_of_60()
    request_id = life.launching()
    assert life.tick(60) == [
        do.Report(key="K1", success=False, text=LATE, containers=0),
        do.Withdraw(request_id=request_id),
    ]
    assert life.feed(on.Accepted(request_id=request_id, launch_id="L1", seen=starting())) == [
        do.StopJob(request_id=2, launch_id="L1", job=JOB, reason=LATE)
    ]


def test_a_container_that_has_not_started_by_its_deadline_is_stopped():
    life = life_of_60()
    life.active()
    life.tick()
    assert life.tick(59) == []
    assert life.tick(1) == [
        do.Report(key="K1", success=False, job=JOB, text=LATE),
        do.StopJob(request_id=3, launch_id="L1", job=JOB, reason=LATE),
    ]
    assert life.see(stopped(NEVER_STARTED)) == []
    assert life.store.launches == {}


def test_user_code_that_has_started_has_no_deadline():
    life = life_of_60()
    life.started()
    life.tick()
    assert life.tick(1000) == []
    assert life.see(stopped(EXITED_0)) == [do.Report(key="K1", success=True, job=JOB, stop=EXITED_0)]


def test_a_blocked_launch_keeps_its_deadline():
    life = life_of_60()
    life.active()
    life.feed(on.Revoked(key="K1"))
    life.take("L2", "K1")
    life.tick()
    assert life.tick(60) == [do.Report(key="K1", success=False, text=LATE, containers=0)]
    assert set(life.store.launches) == {"L1"}


def test_a_replacement_that_would_come_too_late_fails_on_time():
    life = life_of_60()
    life.active()
    life.feed(on.Described(request_id=None, seen=(stopped(NEVER_STARTED),)), after=59)
    assert life.tick(1) == [do.Report(key="K1", success=False, text=LATE)]


def test_a_launch_that_was_looked_for_in_vain_fails_on_time():
    life = Life(launch_timeout=60, idempotent_submit=False)
    request_id = life.launching()
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER)))
    life.tick(2)
    life.feed(on.FoundByLaunchId(request_id=2, launch_ids=("L1",), seen=()), after=48)
    late = life.tick(10)
    assert [type(effect) for effect in late] == [do.Report]
    assert life.tick() == [do.FindByLaunchId(request_id=3, launch_ids=("L1",), token_bases=("L1",), locations=("",))]


def test_the_wait_of_a_trouble_ends_at_the_deadline():
    life = life_of_60()
    request_id = life.launching()
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.CREDENTIALS)), after=58)
    assert life.launch().due == 60
    life.see(running())


def test_a_launch_that_came_too_late_is_looked_for_no_oftener_than_any_other():
    life = Life(launch_timeout=60, idempotent_submit=False)
    request_id = life.launching()
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER)), after=59)
    assert [type(effect) for effect in life.tick(1)] == [do.Report]
    (find,) = life.tick()
    assert life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L1",), seen=())) == []
    assert life.tick(19) == []
    assert [type(effect) for effect in life.tick(1)] == [do.FindByLaunchId]


def test_a_withdrawn_launch_is_not_due_until_it_is_answered():
    life = life_of_60()
    life.launching()
    life.tick(60)
    assert not life.machine.due(life.now + 1e6)
