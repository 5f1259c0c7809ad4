"""A thread that hangs in the Airflow database is replaced, and its request is carried out or completed."""

import threading

from aws_exec.dispatch.credentials import MAX_HUNG_RENEWALS, RENEWAL_SECONDS
from aws_exec.dispatch.database import DatabaseQueries
from aws_exec.dispatch.dispatcher import DATABASE_TIMEOUT_SECONDS, MAX_HUNG_THREADS
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.effects import FindOwners, ListFleet
from aws_exec.lifecycle.values import CallFailure, FailureKind
from aws_exec.testing import FakeClock
from tests.dispatch.harness import rig, submit, until


class HungDatabase:
    """Answers once it is let go; whose owners it was asked for."""

    def __init__(self):
        self.asked = []
        self.go_on = threading.Event()

    def __call__(self, identities):
        self.asked.append(identities)
        self.go_on.wait()
        return []


def test_a_question_that_hangs_is_given_up_and_the_next_is_asked_by_another_thread():
    clock, database = FakeClock(), HungDatabase()
    with rig(clock=clock, queries=DatabaseQueries(find_owners=database), thread_check=0.01, lease=1e6) as it:
        it.dispatch(FindOwners(request_id=1, members=()), FindOwners(request_id=2, members=()))
        until(lambda: len(database.asked) == 1)
        assert it.dispatcher.oldest().kind == "FindOwners"
        clock.advance(DATABASE_TIMEOUT_SECONDS + 1)
        event = it.one()
        assert (type(event), event.request_id, event.failure.kind) == (on.ListFleetFailed, 1, FailureKind.UNREACHED)
        until(lambda: len(database.asked) == 2)
        database.go_on.set()
        assert it.settle() == [on.OwnersFound(request_id=2, members=(), owners=())]


def test_a_listing_whose_question_to_the_database_hangs_is_no_fault_of_aws(caplog):
    clock, database = FakeClock(), HungDatabase()
    with rig(
        clock=clock, queries=DatabaseQueries(unfinished_callbacks=lambda: database(())), thread_check=0.01, lease=1e6
    ) as it:
        it.dispatch(ListFleet(request_id=1))
        until(lambda: database.asked)
        clock.advance(DATABASE_TIMEOUT_SECONDS + 1)
        event = it.one()
        assert (type(event), event.failure.kind) == (on.ListFleetFailed, FailureKind.UNREACHED)
        database.go_on.set()
    assert [line for line in caplog.messages if line.startswith("AWS")] == []


def test_no_more_threads_than_a_few_are_left_behind_by_a_database_that_hangs():
    clock, database = FakeClock(), HungDatabase()
    with rig(clock=clock, queries=DatabaseQueries(find_owners=database), thread_check=0.01, lease=1e6) as it:
        it.dispatch(*(FindOwners(request_id=request_id, members=()) for request_id in range(1, 10)))
        for given_up in range(1, MAX_HUNG_THREADS + 1):
            until(lambda n=given_up: len(database.asked) == n)
            clock.advance(DATABASE_TIMEOUT_SECONDS + 1)
            assert it.one().request_id == given_up
        until(lambda: len(database.asked) == MAX_HUNG_THREADS + 1)
        clock.advance(DATABASE_TIMEOUT_SECONDS + 1)
        it.dispatcher._queries.abandon(DATABASE_TIMEOUT_SECONDS, TimeoutError(), MAX_HUNG_THREADS)
        assert it.dispatcher.peek() is None
        database.go_on.set()
        assert [event.request_id for event in it.settle()] == list(range(MAX_HUNG_THREADS + 1, 10))


class HungRenewals:
    """A `renew` that looks a connection up in that database: so many hang until they are let go, later ones do not."""

    def __init__(self, hung):
        self._hung = hung
        self.threads = []
        self.go_on = threading.Event()

    def __call__(self):
        self.threads.append(threading.current_thread())
        if len(self.threads) <= self._hung:
            self.go_on.wait()


EXPIRED = CallFailure(FailureKind.CREDENTIALS, "RunTask", "ExpiredTokenException", "The security token has expired")
SOON = {"renewal": (0.0, 0.0), "thread_check": 0.01, "lease": 1e6}


def test_a_renewal_of_the_credentials_that_hangs_is_given_up_and_tried_again():
    clock, renew = FakeClock(), HungRenewals(1)
    with rig(clock=clock, renew=renew, **SOON) as it:
        it.cloud.fail("submit", EXPIRED)
        it.dispatch(submit(1))
        assert it.one().failure is EXPIRED
        until(lambda: len(renew.threads) == 1)
        it.dispatch(submit(2))
        clock.advance(RENEWAL_SECONDS + 1)
        assert type(it.one()) is on.Accepted
        assert len(renew.threads) == 2
        generation = it.dispatcher._gate.generation
        renew.go_on.set()
        renew.threads[0].join()
        assert (it.dispatcher._gate.generation, it.dispatcher._gate.is_paused()) == (generation, False)


def test_no_more_threads_than_a_few_are_left_behind_by_renewals_that_hang():
    clock, renew = FakeClock(), HungRenewals(MAX_HUNG_RENEWALS + 1)
    with rig(clock=clock, renew=renew, **SOON) as it:
        it.cloud.fail("submit", EXPIRED)
        it.dispatch(submit(1))
        assert it.one().failure is EXPIRED
        for count in range(1, MAX_HUNG_RENEWALS + 2):
            until(lambda n=count: len(renew.threads) == n)
            clock.advance(RENEWAL_SECONDS + 1)
        it.dispatcher._gate.ensure_thread()
        assert len(renew.threads) == MAX_HUNG_RENEWALS + 1
        it.dispatch(submit(2))
        renew.go_on.set()
        assert type(it.one()) is on.Accepted
