"""Composing a launch may call AWS; its failures slow or pause the lanes as those of any call do."""

import pytest

from aws_exec.clouds.cloud import Request
from aws_exec.clouds.errors import CloudError
from aws_exec.dispatch.pacing import Pacer
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.values import CallFailure, FailureKind
from aws_exec.testing import FakeClock
from tests.dispatch.harness import rig, submit, until
from tests.dispatch.test_credentials import Renewals


class Composer:
    """Fails with these faults, one after the other, then composes."""

    def __init__(self, *faults: CallFailure):
        self._faults = list(faults)

    def __call__(self, effect) -> Request:
        if self._faults:
            raise CloudError(self._faults.pop(0))
        return Request(effect.token, "", {})


@pytest.mark.parametrize(
    "met",
    [
        CallFailure(FailureKind.CREDENTIALS, "DescribeClusters", "ExpiredTokenException"),
        CallFailure(FailureKind.REFUSED, "DescribeClusters", "OurGatewayLoggedOut"),
    ],
)
def test_bad_credentials_that_composing_meets_pause_the_lanes(met):
    renew = Renewals()
    with rig(compose=Composer(met), renew=renew, renewal=(0.0, 0.0), bad_credentials={"OurGatewayLoggedOut"}) as it:
        it.dispatch(submit(1))
        told = CallFailure(FailureKind.CREDENTIALS, "DescribeClusters", met.code)
        assert it.one() == on.Unaccepted(request_id=1, launch_id="launch1", failure=told)
        assert renew.begun.acquire(timeout=1.0)
        it.dispatch(submit(2))
        until(lambda: not it.dispatcher._intake)
        assert it.dispatcher.peek() is None
        renew.go_on.release()
        assert isinstance(it.one(), on.Accepted)


def test_a_throttle_that_composing_meets_slows_the_reads_and_not_the_launches():
    clock = FakeClock()
    reads = Pacer(8.0, 8.0, clock)
    with rig(compose=Composer(CallFailure(FailureKind.THROTTLED, "DescribeClusters")), clock=clock, reads=reads) as it:
        it.dispatch(submit(1))
        assert it.one().failure.kind is FailureKind.THROTTLED
        assert (reads.rate_factor, it.launches.rate_factor) == (0.5, 1.0)


def test_a_throttle_of_the_workload_store_slows_the_launches_and_not_the_reads():
    clock = FakeClock()
    launches = Pacer(8.0, 8.0, clock)
    throttled = CallFailure(FailureKind.THROTTLED, "PutObject", "SlowDown")
    with rig(compose=Composer(throttled), clock=clock, launches=launches) as it:
        it.dispatch(submit(1))
        assert it.one().failure is throttled
        assert (launches.rate_factor, it.reads.rate_factor) == (0.5, 1.0)


def test_what_goes_unanswered_while_composing_leaves_no_doubt_about_the_launch():
    lost = CallFailure(FailureKind.NO_ANSWER, "DescribeClusters", "ReadTimeoutError", "no answer")
    with rig(compose=Composer(lost)) as it:
        it.dispatch(submit(1))
        told = CallFailure(FailureKind.UNREACHED, "DescribeClusters", "ReadTimeoutError", "no answer")
        assert it.one() == on.Unaccepted(request_id=1, launch_id="launch1", failure=told)
        assert not it.cloud.calls
