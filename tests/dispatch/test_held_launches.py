"""Launches that are withdrawn, late, or beyond the lease are held, not sent."""

import threading

from aws_exec.clouds.cloud import Request
from aws_exec.dispatch.database import DatabaseQueries
from aws_exec.dispatch.dispatcher import Workers
from aws_exec.dispatch.pacing import Pacer
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.effects import FindOwners, WithdrawAll
from aws_exec.lifecycle.values import FailureKind, Job
from aws_exec.testing import FakeClock
from tests.dispatch.harness import PATIENCE, Rig, confirm, find, observe, rig, stop, submit, until


def held(event) -> tuple:
    assert isinstance(event, on.Unaccepted)
    assert event.failure.kind is FailureKind.HELD
    return event.request_id, event.failure.code


def one_at_a_time(**options):
    return rig(workers=Workers(launches=1), **options)


def test_a_queued_launch_is_withdrawn_at_once():
    with one_at_a_time() as it:
        release = it.cloud.hold("submit")
        it.dispatch(submit(1), submit(2), submit(3))
        until(lambda: it.cloud.calls["submit"] == 1)
        it.withdraw(2)
        assert held(it.one()) == (2, "Withdrawn")
        release.set()
        assert [event.request_id for event in it.settle()] == [1, 3]
        assert [request.token for request in it.cloud.requests] == ["launch1-1", "launch3-1"]


def test_all_launches_that_were_not_sent_are_withdrawn_together_and_nothing_else():
    composing, go_on = threading.Event(), threading.Event()

    def compose(effect):
        composing.set()
        assert go_on.wait(PATIENCE)
        return Request(effect.token, "", {})

    with one_at_a_time(compose=compose) as it:
        release = it.cloud.hold("describe")
        it.dispatch(submit(1), submit(2), submit(3), observe(4, Job("a")))
        assert composing.wait(PATIENCE)
        until(lambda: it.cloud.calls["describe"] == 1)
        it.dispatch(WithdrawAll())
        assert [held(event) for event in it.take(2)] == [(2, "Withdrawn"), (3, "Withdrawn")]
        go_on.set()
        assert held(it.one()) == (1, "Withdrawn")
        release.set()
        assert isinstance(it.one(), on.Described)
        it.dispatch(submit(5))
        assert isinstance(it.one(), on.Accepted)
        assert it.cloud.calls["submit"] == 1


def test_a_launch_that_is_being_composed_can_still_be_withdrawn():
    composing, go_on = threading.Event(), threading.Event()

    def compose(effect):
        composing.set()
        assert go_on.wait(PATIENCE)
        return Request(effect.token, "", {})

    with rig(compose=compose) as it:
        it.dispatch(submit(1))
        assert composing.wait(PATIENCE)
        it.withdraw(1)
        until(lambda: not it.dispatcher._intake)
        go_on.set()
        assert held(it.one()) == (1, "Withdrawn")
        assert not it.cloud.calls


def test_a_launch_that_was_sent_is_not_withdrawn_but_answered():
    with rig() as it:
        release = it.cloud.hold("submit")
        it.dispatch(submit(1))
        until(lambda: it.cloud.calls["submit"] == 1)
        it.withdraw(1)
        release.set()
        assert isinstance(it.one(), on.Accepted)
        it.withdraw(1)
        assert it.settle() == []


def test_a_launch_is_not_sent_after_its_deadline():
    clock = FakeClock()
    with rig(clock=clock) as it:
        it.dispatch(submit(1, not_after=clock()), submit(2, not_after=clock() - 0.1))
        accepted, late = it.take(2)
        assert isinstance(accepted, on.Accepted)
        assert held(late) == (2, "TooLate")


def test_no_launch_is_sent_when_the_scheduler_has_not_beaten_within_the_lease():
    clock = FakeClock()
    with rig(clock=clock, lease=10.0) as it:
        clock.advance(10.0)
        it.dispatch(submit(1))
        assert isinstance(it.one(), on.Accepted)
        clock.advance(0.1)
        it.dispatch(submit(2), stop(3, Job("a")), observe(4, Job("a")))
        late, stopped, observed = it.take(3)
        assert held(late) == (2, "LeaseLapsed")
        assert stopped.failure is None
        assert isinstance(observed, on.Described)
        it.dispatcher.renew_lease(clock())
        it.dispatch(submit(5))
        assert isinstance(it.one(), on.Accepted)


def test_the_lease_is_looked_at_after_composing_too():
    clock = FakeClock()

    def slowly(effect):
        clock.advance(60.0)
        return Request(effect.token, "", {})

    with rig(clock=clock, compose=slowly, lease=10.0) as it:
        it.dispatch(submit(1))
        assert held(it.one()) == (1, "LeaseLapsed")
        assert not it.cloud.calls


def test_a_launch_that_is_held_spends_nothing_of_the_rate():
    clock = FakeClock()
    with rig(clock=clock, launches=Pacer(1, 2, clock)) as it:
        it.dispatch(*(submit(request_id, not_after=0.0) for request_id in range(1, 11)), submit(11), submit(12))
        events = it.take(12)
        assert [held(event)[1] for event in events[:10]] == ["TooLate"] * 10
        assert [type(event) for event in events[10:]] == [on.Accepted] * 2


def test_closing_holds_all_that_is_queued_and_waits_for_what_was_sent():
    with one_at_a_time() as it:
        release = it.cloud.hold("submit")
        it.dispatch(submit(1), submit(2), submit(3))
        until(lambda: it.cloud.calls["submit"] == 1)
        closer = threading.Thread(target=it.dispatcher.close, args=(PATIENCE,))
        closer.start()
        assert [held(event) for event in it.take(2)] == [(2, "Closed"), (3, "Closed")]
        release.set()
        closer.join(PATIENCE)
        assert not closer.is_alive()
        assert isinstance(it.one(), on.Accepted)


def test_closing_waits_no_longer_than_it_is_told_to():
    it = Rig()
    release = it.cloud.hold("submit")
    it.dispatch(submit(1))
    until(lambda: it.cloud.calls["submit"] == 1)
    assert it.dispatcher.close(0.01) is False
    assert it.dispatcher.outstanding == 1
    assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("awsexec-"))
    release.set()
    assert isinstance(it.one(), on.Accepted)
    assert it.dispatcher.close(PATIENCE) is True


def test_closing_does_not_wait_for_reads_and_questions_whose_answers_nobody_needs():
    asked, go_on = threading.Event(), threading.Event()

    def owners(_identities):
        asked.set()
        go_on.wait(PATIENCE)
        return []

    with rig(queries=DatabaseQueries(find_owners=owners)) as it:
        release = it.cloud.hold("describe")
        it.dispatch(submit(1), observe(2, Job("a")), FindOwners(request_id=3, members=()))
        assert it.one().request_id == 1
        until(lambda: it.cloud.calls["describe"] == 1 and asked.is_set())
        assert it.dispatcher.close(PATIENCE / 2) is True
        assert it.dispatcher.outstanding == 2
        release.set()
        go_on.set()


def test_stops_that_are_queued_are_sent_before_the_close_ends():
    it = Rig(workers=Workers(stops=1))
    jobs = [Job("a"), Job("b"), Job("c")]
    release = it.cloud.hold("stop")
    it.dispatch(*(stop(request_id, job) for request_id, job in enumerate(jobs, 1)))
    until(lambda: it.cloud.calls["stop"] == 1)
    closed = []
    closer = threading.Thread(target=lambda: closed.append(it.dispatcher.close(PATIENCE)))
    closer.start()
    until(lambda: it.dispatcher._closed)
    release.set()
    closer.join(PATIENCE)
    assert closed == [True]
    assert [event.failure for event in it.take(3)] == [None, None, None]


def test_stops_that_cannot_be_sent_in_time_are_held():
    it = Rig(workers=Workers(stops=1))
    release = it.cloud.hold("stop")
    it.dispatch(stop(1, Job("a")), stop(2, Job("b")))
    until(lambda: it.cloud.calls["stop"] == 1)
    assert it.dispatcher.close(0.01) is False
    left = it.one()
    assert (left.request_id, left.failure.kind, left.failure.code) == (2, FailureKind.HELD, "Closed")
    release.set()
    assert it.one() == on.StopAnswered(request_id=1, launch_id="launch1", failure=None)


def test_what_is_dispatched_after_the_close_is_held_at_once():
    it = Rig()
    assert it.dispatcher.close(PATIENCE)
    it.dispatch(submit(1), observe(2, Job("a")), find(3, "f"), stop(4, Job("a")), confirm(5, "a"))
    assert it.dispatcher.outstanding == 0
    events = it.take(5)
    assert [type(event) for event in events] == [
        on.Unaccepted,
        on.DescribeFailed,
        on.FindByLaunchIdFailed,
        on.StopAnswered,
        on.VerifyOwnershipFailed,
    ]
    assert {event.failure.kind for event in events} == {FailureKind.HELD}


def test_a_dispatcher_that_never_started_closes_too():
    it = Rig(start=False)
    it.dispatch(submit(1))
    assert it.dispatcher.close(PATIENCE)
    assert held(it.one()) == (1, "Closed")


def test_closing_lets_go_of_launches_that_wait_for_the_rate_and_ends_every_thread():
    clock = FakeClock()
    before = set(threading.enumerate())
    it = Rig(clock=clock, launches=Pacer(0.001, 1, clock))
    it.dispatch(submit(1), submit(2), submit(3))
    assert isinstance(it.one(), on.Accepted)
    assert it.dispatcher.close(PATIENCE)
    assert [held(event) for event in it.take(2)] == [(2, "Closed"), (3, "Closed")]
    for thread in set(threading.enumerate()) - before:
        thread.join(PATIENCE)
        assert not thread.is_alive()


def test_a_launch_whose_row_was_read_longer_ago_than_the_lease_is_held_and_spends_nothing_of_the_rate():
    """It waited for the rate; its row may be another scheduler's by now."""
    clock = FakeClock()
    with rig(clock=clock, lease=10.0, launches=Pacer(0.001, 2, clock)) as it:
        clock.advance(10.1)
        it.dispatcher.renew_lease(clock())
        it.dispatch(submit(1, read_at=clock() - 10.1), submit(2, read_at=clock() - 10.0), submit(3))
        old, *sent = it.take(3)
    assert held(old) == (1, "Outdated")
    assert old.outdated
    assert [type(event) for event in sent] == [on.Accepted] * 2


def test_only_a_launch_whose_row_is_old_is_called_outdated():
    """Another scheduler may have had what a lapsed lease held, however old its row is."""
    clock = FakeClock()
    with rig(clock=clock, lease=10.0) as it:
        clock.advance(10.1)
        it.dispatch(submit(1, read_at=0.0))
        event = it.one()
    assert held(event) == (1, "LeaseLapsed")
    assert not event.outdated
