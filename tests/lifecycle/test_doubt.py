"""A long gap between two heartbeats: another scheduler may have adopted what is not launched yet."""

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.values import FailureKind
from tests.lifecycle.driver import EXITED_0, JOB, NEVER_STARTED, Life, fault, running, starting, stopped

OURS = frozenset({"L1"})


def test_no_row_is_checked_while_the_heartbeats_come_in_time():
    life = Life(stall_after=10.0)
    life.tick()
    life.take()
    assert life.tick(10.0) == [do.Submit(request_id=1, launch_id="L1", key="K1", token="L1-1", workload="work of L1")]


def test_after_a_gap_what_waits_has_its_row_checked_before_it_is_launched():
    life = Life(stall_after=10.0)
    life.tick()
    life.take()
    life.take("L2", "K2")
    assert life.tick(10.1) == [do.VerifyOwnership(request_id=1, launches=(("L1", "K1"), ("L2", "K2")))]
    assert life.feed(on.OwnershipVerified(request_id=1, launch_ids=("L1", "L2"), ours=OURS)) == [do.Release(key="K2")]
    assert set(life.store.launches) == {"L1"}
    assert life.tick() == [do.Submit(request_id=2, launch_id="L1", key="K1", token="L1-1", workload="work of L1")]


def test_where_requests_are_not_idempotent_a_doubted_launch_is_also_looked_for():
    """The other scheduler may have launched it and given it back."""
    life = Life(stall_after=10.0, idempotent_submit=False)
    life.tick()
    life.take()
    assert life.tick(11) == [do.VerifyOwnership(request_id=1, launches=(("L1", "K1"),))]
    assert life.feed(on.OwnershipVerified(request_id=1, launch_ids=("L1",), ours=OURS)) == []
    assert life.tick() == [do.FindByLaunchId(request_id=2, launch_ids=("L1",), token_bases=("L1",), locations=("",))]
    assert life.feed(on.FoundByLaunchId(request_id=2, launch_ids=("L1",), seen=(starting(),))) == [
        do.Launched(key="K1", job=JOB)
    ]


def test_a_database_that_does_not_answer_is_asked_again():
    life = Life(stall_after=10.0)
    life.tick()
    life.take()
    assert life.tick(11) == [do.VerifyOwnership(request_id=1, launches=(("L1", "K1"),))]
    assert (
        life.feed(on.VerifyOwnershipFailed(request_id=1, launch_ids=("L1",), failure=fault(FailureKind.UNREACHED)))
        == []
    )
    assert life.tick(1) == [do.VerifyOwnership(request_id=2, launches=(("L1", "K1"),))]


def test_a_launch_that_is_out_over_a_gap_is_withdrawn():
    """It may wait in its lane for its turn: the lease is whole again before it is sent."""
    life = Life(stall_after=10.0)
    request_id = life.launching()
    assert life.tick(11) == [do.WithdrawAll()]
    assert life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.HELD))) == []
    assert life.tick() == [do.VerifyOwnership(request_id=2, launches=(("L1", "K1"),))]


def test_a_container_that_never_started_is_replaced_after_a_gap_only_if_the_row_is_still_ours():
    """Who adopted its row replaces it too."""
    life = Life(stall_after=10.0)
    life.active()
    assert life.tick(11) == [do.Describe(request_id=2, location="c1", jobs=(JOB,))]
    life.feed(on.Described(request_id=2, seen=(stopped(NEVER_STARTED),)))
    assert life.tick(5) == [do.VerifyOwnership(request_id=3, launches=(("L1", "K1"),))]
    assert life.feed(on.OwnershipVerified(request_id=3, launch_ids=("L1",), ours=frozenset())) == [do.Release(key="K1")]
    assert life.store.launches == {}


def test_a_launch_accepted_after_a_gap_is_still_doubted_when_its_container_never_starts():
    life = Life(stall_after=10.0)
    request_id = life.launching()
    life.tick(11)
    life.feed(on.Accepted(request_id=request_id, launch_id="L1", seen=starting()))
    life.see(stopped(NEVER_STARTED))
    assert life.tick(5) == [do.VerifyOwnership(request_id=2, launches=(("L1", "K1"),))]


def test_a_running_task_that_is_only_followed_is_looked_for_and_never_doubted():
    """Its row says RUNNING, which a VerifyOwnership answers as not ours: it would be released and lost."""
    life = Life(stall_after=10.0)
    life.tick()
    life.feed(on.Adopted(launch_id="L1", key="K1"))
    assert life.tick(11) == [do.FindByLaunchId(request_id=1, launch_ids=("L1",), token_bases=("L1",), locations=("",))]
    assert life.feed(on.FoundByLaunchId(request_id=1, launch_ids=("L1",), seen=(running(),))) == [
        do.Launched(key="K1", job=JOB)
    ]


def test_a_confirm_asked_before_a_gap_is_asked_again_after_it():
    """Its answer may be older than the adoption."""
    life = Life(stall_after=10.0)
    life.tick()
    life.take()
    assert life.tick(11) == [do.VerifyOwnership(request_id=1, launches=(("L1", "K1"),))]
    assert life.tick(11) == []
    assert life.feed(on.OwnershipVerified(request_id=1, launch_ids=("L1",), ours=OURS)) == []
    assert life.tick() == [do.VerifyOwnership(request_id=2, launches=(("L1", "K1"),))]
    assert life.feed(on.OwnershipVerified(request_id=1, launch_ids=("L1",), ours=OURS)) == []
    assert life.launch().phase is Phase.VERIFYING
    assert life.feed(on.OwnershipVerified(request_id=2, launch_ids=("L1",), ours=frozenset())) == [do.Release(key="K1")]


def test_a_container_that_our_unanswered_request_made_is_followed_even_if_the_row_is_not_ours():
    """The row is not QUEUED any more because that container started: it must not run on unseen."""
    life = Life(stall_after=10.0, launch_timeout=600.0)
    request_id = life.launching()
    life.feed(
        on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER), request="request")
    )
    assert life.tick(11) == [do.VerifyOwnership(request_id=2, launches=(("L1", "K1"),))]
    assert life.feed(on.OwnershipVerified(request_id=2, launch_ids=("L1",), ours=frozenset())) == [do.Release(key="K1")]
    assert life.tick() == [do.FindByLaunchId(request_id=3, launch_ids=("L1",), token_bases=("L1",), locations=("",))]
    assert life.feed(on.FoundByLaunchId(request_id=3, launch_ids=("L1",), seen=(running(),))) == []
    assert life.tick() == [do.Describe(request_id=4, location="c1", jobs=(JOB,))]
    assert life.feed(on.Described(request_id=4, seen=(stopped(EXITED_0),))) == []
    assert life.store.launches == {}


def test_a_container_that_is_only_followed_may_take_as_long_to_start_as_its_owner_lets_it():
    """Its row is another scheduler's by now, which has a time of its own for it."""
    life = Life(stall_after=10.0, idempotent_submit=False, start_timeout=300, poll_interval=1e9)
    request_id = life.launching()
    life.feed(
        on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER), request="request")
    )
    life.tick(11)
    life.feed(on.OwnershipVerified(request_id=2, launch_ids=("L1",), ours=frozenset()))
    life.tick()
    assert life.feed(on.FoundByLaunchId(request_id=3, launch_ids=("L1",), seen=(starting(),))) == []
    assert life.tick() == [do.Describe(request_id=4, location="c1", jobs=(JOB,))]
    assert life.tick(300) == []
    assert life.launch().phase is Phase.STARTING


def test_a_followed_container_that_comes_back_has_its_time_to_start_again():
    life = Life(stall_after=10.0, start_timeout=300, poll_interval=1e9)
    request_id = life.launching()
    life.feed(
        on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER), request="request")
    )
    life.tick(11)
    life.feed(on.OwnershipVerified(request_id=2, launch_ids=("L1",), ours=frozenset()))
    life.tick()
    life.feed(on.FoundByLaunchId(request_id=3, launch_ids=("L1",), seen=(starting(),)))
    assert life.feed(on.Adopted(launch_id="L1", key="K1"), after=100) == []
    assert life.tick(299) == [do.Describe(request_id=4, location="c1", jobs=(JOB,))]
    late = life.tick(1)
    assert [type(effect) for effect in late] == [do.Report, do.StopJob]


def test_a_scheduler_that_is_slow_but_alive_launches():
    """Only a pause in which another scheduler can have taken over is a reason to check."""
    life = Life(stall_after=20.0)
    life.tick()
    for number in range(3):
        life.take(f"L{number}", f"K{number}")
        assert [type(effect) for effect in life.tick(19)] == [do.Submit]


def test_an_answer_about_several_rows_serves_those_that_still_wait_for_it():
    life = Life(stall_after=10.0)
    life.tick()
    life.take()
    life.take("L2", "K2")
    (confirm,) = life.tick(11)
    life.feed(on.Revoked(key="K1"))
    assert (
        life.feed(on.OwnershipVerified(request_id=confirm.request_id, launch_ids=("L1", "L2"), ours=frozenset({"L2"})))
        == []
    )
    assert life.submit_of(life.tick()).launch_id == "L2"


def test_a_launch_in_doubt_stays_in_doubt_when_the_database_does_not_answer():
    life = Life(stall_after=10.0)
    request_id = life.launching()
    life.feed(
        on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER), request="request")
    )
    (confirm,) = life.tick(11)
    life.feed(
        on.VerifyOwnershipFailed(
            request_id=confirm.request_id, launch_ids=("L1",), failure=fault(FailureKind.UNREACHED)
        )
    )
    assert (life.launch().phase, life.launch().submit_in_doubt) == (Phase.UNCERTAIN, True)


def test_what_is_only_followed_keeps_nothing_else_from_being_doubted():
    life = Life(stall_after=10.0)
    life.started()
    life.take("L2", "K2")
    life.tick()
    assert do.WithdrawAll() in life.tick(11)


def test_a_launch_that_comes_back_may_be_launched_if_its_row_is_still_queued():
    life = Life(stall_after=10.0)
    request_id = life.launching()
    life.feed(
        on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER), request="request")
    )
    (confirm,) = life.tick(11)
    life.feed(on.OwnershipVerified(request_id=confirm.request_id, launch_ids=("L1",), ours=frozenset()))
    life.feed(on.Adopted(launch_id="L1", key="K1", workload="the row"))
    (find,) = life.tick()
    life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L1",), seen=()))
    assert life.submit_of(life.tick()).workload == "the row"


def test_what_is_only_followed_is_looked_for_twice_whatever_was_looked_for_before():
    life = Life(stall_after=30.0, idempotent_submit=False)
    request_id = life.launching()
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER)))
    (find,) = life.tick(2)
    life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L1",), seen=()))
    (confirm,) = life.tick(31)
    life.feed(on.OwnershipVerified(request_id=confirm.request_id, launch_ids=("L1",), ours=frozenset()))
    (find,) = life.tick()
    life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L1",), seen=()))
    assert set(life.store.launches) == {"L1"}
    (find,) = life.tick(20)
    life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L1",), seen=()))
    assert life.store.launches == {}


def test_a_look_that_is_out_over_a_gap_is_not_withdrawn():
    life = Life(stall_after=10.0, idempotent_submit=False)
    request_id = life.launching()
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER)))
    assert [type(effect) for effect in life.tick(2)] == [do.FindByLaunchId]
    before = life.launch()
    assert life.tick(11) == []
    assert life.launch() is before


def test_a_gap_writes_no_record_anew_but_those_whose_answer_may_be_too_old():
    """It comes just when the scheduler is behind, and thousands may wait."""
    life = Life(stall_after=10.0, launches_per_tick=0)
    life.tick()
    for number in range(3):
        life.take(f"L{number}", f"K{number}")
    before = dict(life.store.launches)
    life.tick(11)
    assert all(life.launch(launch_id) is launch for launch_id, launch in before.items())


def test_each_gap_is_a_reason_of_its_own():
    life = Life(stall_after=10.0)
    life.active()
    for _ in range(2):
        life.tick(11)
        life.see(stopped(NEVER_STARTED, token=life.launch().token))
        (confirm,) = [effect for effect in life.tick(60) if isinstance(effect, do.VerifyOwnership)]
        life.feed(on.OwnershipVerified(request_id=confirm.request_id, launch_ids=("L1",), ours=OURS))
        request_id = life.submit_of(life.tick()).request_id
        life.feed(on.Accepted(request_id=request_id, launch_id="L1", seen=starting(token=life.launch().token)))


def test_what_is_adopted_after_a_gap_is_ours_from_then_on():
    life = Life(stall_after=10.0)
    life.tick()
    life.tick(11)
    life.feed(on.Adopted(launch_id="L1", key="K1", workload="work"))
    (find,) = life.tick()
    life.feed(on.FoundByLaunchId(request_id=find.request_id, launch_ids=("L1",), seen=()))
    assert life.submits() == ["L1"]


def test_a_row_that_is_anothers_is_not_asked_again():
    life = Life(stall_after=30.0)
    request_id = life.launching()
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=fault(FailureKind.NO_ANSWER)))
    life.feed(
        on.Unaccepted(
            request_id=life.submit_of(life.tick(2)).request_id, launch_id="L1", failure=fault(FailureKind.HELD)
        )
    )
    (confirm,) = life.tick()
    life.feed(on.OwnershipVerified(request_id=confirm.request_id, launch_ids=("L1",), ours=frozenset()))
    assert [type(effect) for effect in life.tick()] == [do.FindByLaunchId]
