"""Failing credentials pause the lanes until a new client works."""

import logging
import threading

from aws_exec.clouds.errors import CloudError
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job
from aws_exec.testing import FakeClock
from tests.dispatch.harness import PATIENCE, Rig, confirm, observe, rig, stop, submit, until

EXPIRED = CallFailure(FailureKind.CREDENTIALS, "RunTask", "ExpiredTokenException", "The security token has expired")


class Renewals:
    """A `renew` that counts, and hangs until it is let go."""

    def __init__(self, *errors: BaseException):
        self.count = 0
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self._errors = list(errors)

    def __call__(self) -> None:
        self.count += 1
        self.begun.release()
        assert self.go_on.acquire(timeout=PATIENCE)
        if self._errors:
            raise self._errors.pop(0)


def test_bad_credentials_pause_every_lane_and_renew_the_client_once():
    renew = Renewals()
    with rig(renew=renew, renewal=(0.0, 0.0)) as it:
        release = it.cloud.hold("submit")
        it.cloud.fail("submit", EXPIRED, times=3)
        it.dispatch(submit(1), submit(2), submit(3))
        until(lambda: it.cloud.calls["submit"] == 3)
        release.set()
        assert [event.failure for event in it.take(3)] == [EXPIRED] * 3
        assert renew.begun.acquire(timeout=PATIENCE)
        it.dispatch(submit(4), observe(5, Job("a")), stop(6, Job("a")), confirm(7, "a"))
        # The database needs no credentials of AWS.
        assert it.one().request_id == 7
        assert it.dispatcher.outstanding == 3
        renew.go_on.release()
        assert [type(event) for event in it.take(3)] == [on.Accepted, on.Described, on.StopAnswered]
        assert (renew.count, it.cloud.calls["check"]) == (1, 1)


def test_the_lanes_stay_paused_until_a_call_gets_past_authentication(caplog):
    caplog.set_level(logging.WARNING)
    renew = Renewals(CloudError(EXPIRED), RuntimeError("secret"))
    with rig(renew=renew, renewal=(0.0, 0.0)) as it:
        it.cloud.fail("check", EXPIRED)
        it.cloud.fail("check", FailureKind.UNREACHED)
        it.cloud.fail("submit", EXPIRED)
        it.dispatch(submit(1))
        assert it.one().failure is EXPIRED
        assert renew.begun.acquire(timeout=PATIENCE)
        it.dispatch(submit(2))
        for _ in range(4):
            renew.go_on.release()
        assert isinstance(it.one(), on.Accepted)
        # Twice the client could not be built, once the check met bad credentials, then it met something else.
        assert (renew.count, it.cloud.calls["check"]) == (4, 2)
    lines = [record for record in caplog.records if "credentials do not work" in record.message]
    assert len(lines) == 4
    assert "secret" not in caplog.text


def test_a_call_that_was_made_before_the_renewal_does_not_pause_again():
    renew = Renewals()
    renew.go_on.release()
    with rig(renew=renew, renewal=(0.0, 0.0)) as it:
        release = it.cloud.hold("describe")
        it.cloud.fail("describe", EXPIRED)
        it.dispatch(observe(1, Job("a")))
        until(lambda: it.cloud.calls["describe"] == 1)
        it.cloud.fail("submit", EXPIRED)
        it.dispatch(submit(2))
        assert it.one().request_id == 2
        it.dispatch(submit(3))
        assert isinstance(it.one(), on.Accepted)
        release.set()
        assert it.one() == on.DescribeFailed(request_id=1, failure=EXPIRED)
        it.dispatch(submit(4))
        assert isinstance(it.one(), on.Accepted)
        assert renew.count == 1


def test_launches_that_wait_for_credentials_longer_than_the_lease_are_sent_after_the_next_heartbeat():
    clock, renew = FakeClock(), Renewals()
    with rig(clock=clock, lease=10.0, renew=renew, renewal=(0.0, 0.0)) as it:
        it.cloud.fail("submit", EXPIRED)
        it.dispatch(submit(1))
        it.one()
        assert renew.begun.acquire(timeout=PATIENCE)
        it.dispatch(submit(2))
        clock.advance(600.0)
        until(lambda: not it.dispatcher._intake)
        assert it.dispatcher.peek() is None
        it.dispatcher.renew_lease(clock())
        renew.go_on.release()
        assert isinstance(it.one(), on.Accepted)


def test_what_is_paused_can_be_withdrawn_and_closed():
    renew = Renewals()
    it = Rig(renew=renew, renewal=(0.0, 0.0))
    it.cloud.fail("submit", EXPIRED)
    it.dispatch(submit(1))
    it.one()
    assert renew.begun.acquire(timeout=PATIENCE)
    it.dispatch(submit(2), submit(3), stop(4, Job("a")))
    it.withdraw(2)
    assert it.one().failure.code == "Withdrawn"
    assert not it.dispatcher.close(0.05)  # the stop waits for credentials as long as it may
    assert [event.failure.code for event in it.take(2)] == ["Closed", "Closed"]
    renew.go_on.release()


def test_a_code_that_somebody_declared_to_mean_bad_credentials_pauses_the_lanes_too():
    renew = Renewals()
    strange = CallFailure(FailureKind.REFUSED, "RunTask", "OurGatewayLoggedOut")
    with rig(renew=renew, renewal=(0.0, 0.0), bad_credentials={"OurGatewayLoggedOut"}) as it:
        it.cloud.fail("submit", strange)
        it.dispatch(submit(1))
        assert it.one().failure == CallFailure(FailureKind.CREDENTIALS, "RunTask", "OurGatewayLoggedOut")
        assert renew.begun.acquire(timeout=PATIENCE)
        renew.go_on.release()
        it.dispatch(submit(2))
        assert type(it.one()) is on.Accepted
