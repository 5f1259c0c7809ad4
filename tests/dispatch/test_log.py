"""The log of the lanes: each kind of failure once in a while, never the request."""

import logging

import pytest
from sqlalchemy import create_engine, exc
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.pool import QueuePool

from aws_exec.clouds.errors import CloudError
from aws_exec.dispatch.database import DatabaseQueries
from aws_exec.dispatch.log import INTERVAL_SECONDS, LaneLog
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job
from aws_exec.testing import FakeClock
from tests.dispatch.harness import JWT, confirm, find, observe, rig, stop, submit
from tests.dispatch.test_completions import raised_by_compose

DENIED = CallFailure(
    FailureKind.REFUSED, "StopTask", "AccessDeniedException", "not authorized to perform: ecs:StopTask"
)


@pytest.fixture(autouse=True)
def _warnings(caplog):
    caplog.set_level(logging.WARNING)


def lines(caplog) -> list[str]:
    return [record.message for record in caplog.records if record.name == "aws_exec.dispatch.log"]


#: Of SQLAlchemy: the connection, the pool or the server failed.
NO_ANSWER = [
    exc.TimeoutError,
    exc.DisconnectionError,
    exc.InvalidatePoolError,
    exc.PendingRollbackError,
    exc.ResourceClosedError,
    exc.DBAPIError,
    exc.DatabaseError,
    exc.InterfaceError,
    exc.InternalError,
    exc.OperationalError,
]
#: Of SQLAlchemy: the statement is wrong.
OUR_MISTAKES = [
    exc.DataError,
    exc.IntegrityError,
    exc.NotSupportedError,
    exc.ProgrammingError,
    exc.StatementError,
    exc.InvalidRequestError,
    exc.ArgumentError,
]


def made(kind):
    """An exception of this class."""
    statement = ("SELECT 1", {}, ValueError())
    if issubclass(kind, exc.DBAPIError):
        return kind(*statement)
    return kind("said", *statement) if issubclass(kind, exc.StatementError) else kind("said")


def derived(kind):
    """The classes derived from a class."""
    return {each for child in kind.__subclasses__() for each in (child, *derived(child))}


class TestFaults:
    def test_a_refused_stop_is_said_and_said_again_after_a_while_with_those_left_out(self, caplog):
        clock = FakeClock()
        with rig(clock=clock, lease=1e9) as it:
            it.cloud.fail("stop", DENIED, times=6)
            it.dispatch(*(stop(request_id, Job("a")) for request_id in range(1, 6)))
            it.take(5)
            clock.advance(INTERVAL_SECONDS)
            it.dispatch(stop(6, Job("a")))
            it.take(1)
        assert lines(caplog) == [
            f"AWS: {DENIED} (refused)",
            f"AWS: {DENIED} (refused) (and 4 more since this was last said)",
        ]

    @pytest.mark.parametrize("verb", ["describe", "find", "stop"])
    @pytest.mark.parametrize("kind", sorted(set(FailureKind) - {FailureKind.HELD, FailureKind.CREDENTIALS}, key=str))
    def test_every_fault_of_a_read_and_a_stop_is_said(self, verb, kind, caplog):
        request_id = {"describe": observe(1, Job("a")), "find": find(1, "f"), "stop": stop(1, Job("a"))}[verb]
        with rig() as it:
            it.cloud.fail(verb, kind)
            it.dispatch(request_id)
            it.one()
        assert len(lines(caplog)) == 1

    @pytest.mark.parametrize("kind", list(FailureKind))
    def test_of_a_launch_what_is_not_its_own_trouble_is_said_and_never_the_request(self, kind, caplog):
        with rig(renewal=(60.0, 60.0)) as it:
            it.cloud.fail("submit", kind)
            it.dispatch(submit(1))
            it.one()
        said = {FailureKind.REFUSED, FailureKind.UNREACHED, FailureKind.NO_ANSWER, FailureKind.THROTTLED}
        assert len(lines(caplog)) == (1 if kind in said else 0)
        assert JWT not in caplog.text

    def test_each_operation_and_code_is_a_kind_of_its_own(self, caplog):
        log = LaneLog(FakeClock())
        for operation, code in (("A", "x"), ("A", "y"), ("B", "x"), ("A", "x")):
            log.failure(CallFailure(FailureKind.REFUSED, operation, code))
        assert len(lines(caplog)) == 3

    def test_what_composing_meets_is_said(self, caplog):
        with rig(compose=raised_by_compose(CloudError(DENIED))) as it:
            it.dispatch(submit(1))
            it.one()
        assert lines(caplog) == [f"AWS: {DENIED} (refused)"]


class TestTheUnforeseen:
    def test_a_bug_that_meets_every_launch_is_said_once_with_its_traceback(self, caplog):
        with rig(compose=raised_by_compose(KeyError(JWT))) as it:
            it.dispatch(*(submit(request_id) for request_id in range(1, 101)))
            it.take(100)
        [line] = lines(caplog)
        assert "Unexpected KeyError in compose; this is a bug worth reporting" in line
        assert "raise error" in line
        assert JWT not in caplog.text

    def test_it_is_said_again_after_a_while_and_each_place_for_itself(self, caplog):
        clock = FakeClock()
        log = LaneLog(clock)

        def here() -> None:
            raise ValueError

        def there() -> None:
            raise ValueError

        def meet(raising) -> None:
            try:
                raising()
            except ValueError as error:
                log.unforeseen(error, "compose")

        for raising in (here, there, here, here):
            meet(raising)
        assert len(lines(caplog)) == 2
        clock.advance(INTERVAL_SECONDS)
        meet(here)
        assert "and 2 more since this was last said" in lines(caplog)[-1]

    def test_a_database_that_does_not_answer_is_no_bug(self, caplog):
        lost = OperationalError("SELECT 1", {"password": JWT}, ConnectionRefusedError("postgres://user:password@db"))
        with rig(
            queries=DatabaseQueries(verify_ownership=raised_by_compose(lost)), compose=raised_by_compose(lost)
        ) as it:
            it.dispatch(*(confirm(request_id, "a") for request_id in range(1, 11)), submit(11))
            it.take(11)
        assert sorted(lines(caplog)) == [
            "Airflow's database did not answer VerifyOwnership (OperationalError)",
            "Airflow's database did not answer compose (OperationalError)",
        ]
        assert "password" not in caplog.text

    def test_a_pool_that_is_exhausted_is_no_bug(self, caplog):
        engine = create_engine("sqlite://", poolclass=QueuePool, pool_size=1, max_overflow=0, pool_timeout=0)
        with engine.connect(), rig(queries=DatabaseQueries(verify_ownership=lambda *_: engine.connect())) as it:
            it.dispatch(confirm(1, "a"))
            fault = it.one().failure
        engine.dispose()
        assert (fault.kind, fault.code) == (FailureKind.UNREACHED, "TimeoutError")
        assert lines(caplog) == ["Airflow's database did not answer VerifyOwnership (TimeoutError)"]

    @pytest.mark.parametrize("kind", NO_ANSWER, ids=lambda kind: kind.__name__)
    def test_what_says_that_a_connection_or_the_server_failed_is_no_bug(self, kind, caplog):
        LaneLog(FakeClock()).unforeseen(made(kind), "VerifyOwnership")
        assert lines(caplog) == [f"Airflow's database did not answer VerifyOwnership ({kind.__name__})"]

    @pytest.mark.parametrize("kind", [*OUR_MISTAKES, TimeoutError, ConnectionError], ids=lambda kind: kind.__name__)
    def test_what_says_that_we_are_wrong_or_nothing_of_a_database_is_a_bug(self, kind, caplog):
        LaneLog(FakeClock()).unforeseen(made(kind), "VerifyOwnership")
        assert f"Unexpected {kind.__name__} in VerifyOwnership; this is a bug worth reporting" in lines(caplog)[0]

    def test_every_exception_of_sqlalchemy_for_a_driver_is_one_or_the_other(self):
        assert {exc.DBAPIError, *derived(exc.DBAPIError)} <= {*NO_ANSWER, *OUR_MISTAKES}

    def test_a_database_that_says_we_are_wrong_is_a_bug(self, caplog):
        with rig(
            queries=DatabaseQueries(verify_ownership=raised_by_compose(ProgrammingError("SELECT x", {}, ValueError())))
        ) as it:
            it.dispatch(confirm(1, "a"))
            it.one()
        assert "bug" in lines(caplog)[0]
