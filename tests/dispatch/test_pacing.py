"""The lanes keep the rates of AWS, and throttles lower them."""

import threading

import pytest

from aws_exec.dispatch.dispatcher import Workers
from aws_exec.dispatch.pacing import Pacer
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.values import FailureKind, Job
from aws_exec.testing import FakeClock
from tests.dispatch.harness import PATIENCE, confirm, find, observe, rig, stop, submit, until


def test_what_comes_while_the_only_thread_hangs_gets_a_thread_of_its_own():
    with rig() as it:
        it.cloud.hold("submit")
        for number in (1, 2, 3):
            it.dispatch(submit(number))
            until(lambda number=number: it.cloud.calls["submit"] == number)


def test_a_thousand_launches_that_hang_starve_nothing_else():
    with rig() as it:
        it.cloud.hold("submit")
        it.dispatch(*(submit(request_id) for request_id in range(1, 1001)))
        until(lambda: it.cloud.calls["submit"] == Workers().launches)
        it.dispatch(observe(1001, Job("a")), find(1002, "f"), stop(1003, Job("a")), confirm(1004, "a"))
        assert [event.request_id for event in it.take(4)] == [1001, 1002, 1003, 1004]
        assert it.cloud.calls["submit"] == Workers().launches


def test_reads_that_hang_keep_no_launch_waiting():
    with rig() as it:
        it.cloud.hold("describe")
        it.dispatch(*(observe(request_id, Job("a")) for request_id in range(1, 11)), submit(11))
        assert it.one().request_id == 11


def test_launches_are_sent_in_the_order_in_which_they_came():
    with rig(workers=Workers(launches=1)) as it:
        it.dispatch(*(submit(request_id) for request_id in range(1, 201)))
        it.settle()
        assert [request.token for request in it.cloud.requests] == [
            f"launch{request_id}-1" for request_id in range(1, 201)
        ]


def test_no_more_is_sent_than_the_rate_allows():
    clock = FakeClock()
    with rig(clock=clock, launches=Pacer(10, 5, clock)) as it:
        it.dispatch(*(submit(request_id) for request_id in range(1, 21)))
        assert [event.request_id for event in it.take(5)] == [1, 2, 3, 4, 5]
        clock.advance(0.35)
        assert [event.request_id for event in it.take(3)] == [6, 7, 8]
        assert it.cloud.calls["submit"] == 8


def test_a_stop_goes_before_the_launches_that_wait_for_the_same_rate():
    clock = FakeClock()
    pacer = Pacer(5, 1, clock)
    with rig(clock=clock, launches=pacer) as it:
        it.dispatch(*(submit(request_id) for request_id in range(1, 6)))
        assert it.one().request_id == 1
        it.dispatch(stop(6, Job("a")))
        until(lambda: pacer._urgent_until > clock())
        clock.advance(0.2)
        assert it.one() == on.StopAnswered(request_id=6, launch_id="launch6", failure=None)
        clock.advance(0.2)
        assert it.one().request_id == 2


def test_a_throttle_halves_the_rate_of_its_lane_once_for_all_calls_in_flight():
    clock = FakeClock()
    with rig(clock=clock) as it:
        release = it.cloud.hold("submit")
        it.cloud.fail("submit", FailureKind.THROTTLED, times=10)
        it.dispatch(*(submit(request_id) for request_id in range(1, 11)))
        until(lambda: it.cloud.calls["submit"] == 10)
        release.set()
        assert {event.failure.kind for event in it.take(10)} == {FailureKind.THROTTLED}
        assert (it.launches.rate_factor, it.reads.rate_factor) == (0.5, 1.0)
        clock.advance(1.0)
        it.cloud.fail("submit", FailureKind.THROTTLED)
        it.dispatch(submit(11))
        it.one()
        assert it.launches.rate_factor == pytest.approx((0.5 + 1 / 60) / 2)


def test_a_throttled_read_halves_the_rate_of_reads():
    with rig(clock=FakeClock()) as it:
        it.cloud.fail("describe", FailureKind.THROTTLED)
        it.dispatch(observe(1, Job("a")))
        assert it.one().failure.kind is FailureKind.THROTTLED
        assert (it.launches.rate_factor, it.reads.rate_factor) == (1.0, 0.5)


def test_threads_grow_with_the_backlog_only():
    def launchers() -> int:
        return sum(thread.name.startswith("awsexec-launch") for thread in threading.enumerate())

    with rig() as it:
        before = launchers()
        assert before == 1
        for request_id in range(1, 20):
            it.dispatch(submit(request_id))
            it.one()
        assert launchers() <= 2
        it.cloud.hold("submit")
        it.dispatch(*(submit(request_id) for request_id in range(100, 200)))
        until(lambda: it.cloud.calls["submit"] == 19 + Workers().launches)
        assert launchers() == Workers().launches


def test_a_closed_pacer_lets_go_of_who_waits():
    pacer = Pacer(0.001, 1)
    assert pacer.take()
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(pacer.take()))
    waiting.start()
    pacer.close()
    waiting.join(PATIENCE)
    assert answers == [False]
    assert pacer.take(urgent=True) is False
