"""Threads of the dispatcher that die at any line: every request is completed once, and the lanes go on.

A kill is an exception in a line of a thread, as `tests/executors/test_sigterm.py` makes for the scheduler's thread.
Each line of `aws_exec.dispatch` that a kind of thread runs is killed when it is first reached, with `SystemExit`, and
when it is next reached, with `MemoryError`. Only the line that leaves a `with` and the next round of a comprehension
are spared: each is one step of the interpreter's, which a trace function can interrupt and no exception can.
"""

from __future__ import annotations

import io
import logging
import sys
import threading
from collections import Counter
from dataclasses import replace

import pytest

from aws_exec.clouds.cloud import Request
from aws_exec.dispatch.database import DatabaseQueries
from aws_exec.dispatch.lane import Workers
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.effects import CheckWanted, FindOwners, ListFleet, VerifyExit
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job
from aws_exec.testing import FakeCloud
from tests.dispatch.harness import PATIENCE, Rig, confirm, find, observe, rig, stop, submit, until
from tests.interruption import is_spared

KINDS = ("dispatch", "launch", "stop", "read", "database", "credentials")
EXPIRED = CallFailure(FailureKind.CREDENTIALS, "RunTask", "ExpiredTokenException", "The security token has expired")


class Kills:
    """Raises an error in the threads of one kind, when they reach a line for the `nth` time.

    Attributes:
        seen: how often each line was reached; a line is its file and number.
        done: no more of it.
        killed: the error was raised.
    """

    def __init__(self, kind, line=None, nth=1, error=SystemExit):
        self._name = f"awsexec-{kind}"
        self._line = line
        self._nth = nth
        self._error = error
        self.seen = Counter()
        self.done = False
        self.killed = False

    def __enter__(self):
        threading.settrace(self._trace)
        return self

    def __exit__(self, *exc):
        threading.settrace(None)

    def _trace(self, frame, what, _):
        if "/aws_exec/dispatch/" not in frame.f_code.co_filename or self.done:
            return None
        if not threading.current_thread().name.startswith(self._name):
            sys.settrace(None)
            return None
        if what == "line" and not is_spared(frame):
            line = frame.f_code.co_filename, frame.f_lineno
            self.seen[line] += 1
            if line == self._line and self.seen[line] == self._nth and not self.done:
                self.done = self.killed = True
                raise self._error
        return self._trace


def compose(effect):
    """The request of a launch, but for one that cannot be made."""
    if effect.request_id == 3:
        raise RuntimeError
    return Request(effect.token, "", {})


def settle_rows(launches):
    """All ends are news, but for one, which the database does not tell."""
    if any(launch_id == "unknown" for launch_id, _ in launches):
        raise LookupError
    return dict.fromkeys((launch_id for launch_id, _ in launches), False)


def effects_from(first):
    """Some of every kind: the numbers begin here."""
    numbers = iter(range(first, first + 100))
    return [
        *(submit(next(numbers)) for _ in range(5)),
        observe(next(numbers), Job("a")),
        observe(next(numbers), Job("a")),
        find(next(numbers), "a"),
        find(next(numbers), "b"),
        *(stop(next(numbers), Job("a")) for _ in range(3)),
        confirm(next(numbers), "a"),
        VerifyExit(request_id=next(numbers), launch_id="a", key="a"),
        VerifyExit(request_id=next(numbers), launch_id="b", key="b"),
        ListFleet(request_id=next(numbers)),
        FindOwners(request_id=next(numbers), members=()),
        CheckWanted(request_id=next(numbers), launches=(("a", "a"),)),
    ]


def scripted():
    """A service whose calls go wrong in each way once."""
    cloud = FakeCloud(idempotent_submit=False)
    cloud.capabilities = replace(cloud.capabilities, stop_batch=2)
    cloud.fail("submit", EXPIRED)
    for verb in ("describe", "find", "stop"):
        cloud.fail(verb, RuntimeError())
    return cloud


def complete(it, effects):
    """Beat until each of these is completed; their completions, as they came."""
    it.dispatch(*effects)

    def finished():
        it.dispatcher.renew_lease(it.clock())
        return it.dispatcher.outstanding == 0

    until(finished)
    return it.settle()


def play(kills):
    """One life of a dispatcher, in which a thread is killed."""
    it = Rig(
        scripted(),
        compose=compose,
        queries=DatabaseQueries(verify_exits=settle_rows),
        workers=Workers(launches=2, reads=1, stops=1),
        renew=lambda: None,
        renewal=(0.0, 0.0),
        thread_check=0.002,
    )
    first = [*effects_from(1), VerifyExit(request_id=50, launch_id="unknown", key="unknown"), submit(51)]
    it.dispatch(*first[:3])
    it.withdraw(2)
    came = complete(it, first[3:])
    assert [event.request_id for event in came] == sorted(effect.request_id for effect in first)
    sent = Counter(request.token for request in it.cloud.requests)
    assert set(sent.values()) == {1}
    for event in came:
        if isinstance(event, on.Unaccepted) and event.failure.kind is not FailureKind.NO_ANSWER:
            assert not it.cloud.containers(f"{event.launch_id}-1"), f"{event} was sent"
        if isinstance(event, on.Accepted):
            assert it.cloud.containers(f"{event.launch_id}-1") == [event.seen.job]
    kills.done = True
    # Every lane goes on, and nothing is wrong any more.
    for script in it.cloud._script.values():
        script.clear()
    until(lambda: not it.dispatcher._gate.is_paused())
    second = effects_from(101)
    came = complete(it, second)
    assert [event.request_id for event in came] == [effect.request_id for effect in second]
    assert [event for event in came if getattr(event, "failure", None) is not None] == []
    assert it.dispatcher.close(PATIENCE)


def lines_of(kind):
    """The lines that this kind of thread runs; which of two threads is first differs from time to time."""
    seen = Counter()
    for _ in range(3):
        with Kills(kind) as kills:
            play(kills)
        seen |= kills.seen
    return seen


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_a_thread_that_dies_at_any_line_loses_no_request_and_launches_nothing_twice(kind, caplog):
    caplog.set_level(logging.CRITICAL)
    lines = lines_of(kind)
    killed = 0
    for line in lines:
        for nth, error in ((1, SystemExit), (2, MemoryError)):
            with Kills(kind, line, min(nth, lines[line]), error) as kills:
                play(kills)
            killed += kills.killed
    # Which of two threads reaches a line first differs from time to time, so a few are not reached.
    assert killed > 1.8 * len(lines)
    assert len(lines) > 20


class OperationalError(Exception):
    """As SQLAlchemy's."""


class BrokenFilter(logging.Filter):
    """A filter of somebody's logging configuration."""

    def filter(self, _):
        raise RecursionError


@pytest.fixture
def broken_logging():
    """Every line that the lanes log raises."""
    loggers = [logging.getLogger(f"aws_exec.dispatch.{name}") for name in ("lane", "log", "credentials")]
    broken = BrokenFilter()
    for logger in loggers:
        logger.addFilter(broken)
    yield
    for logger in loggers:
        logger.removeFilter(broken)


def threads():
    return {thread for thread in threading.enumerate() if thread.name.startswith("awsexec-")}


@pytest.mark.usefixtures("broken_logging")
def test_an_error_that_cannot_be_logged_ends_no_thread(capsys):
    errors = [OperationalError(), SystemExit(), RecursionError()]

    def fails_at_first(_identities):
        if errors:
            raise errors.pop()
        return []

    cloud, others = FakeCloud(), threads()
    with rig(
        cloud, queries=DatabaseQueries(find_owners=fails_at_first), workers=Workers(1, 1, 1, 1), renewal=(0.0, 0.0)
    ) as it:
        it.dispatch(submit(1), observe(2, Job("a")), stop(3, Job("a")))
        it.settle()
        before = threads() - others
        for verb in ("submit", "describe", "stop"):
            cloud.fail(verb, MemoryError())
        it.dispatch(
            submit(4),
            observe(5, Job("a")),
            stop(6, Job("a")),
            *(FindOwners(request_id=request_id, members=()) for request_id in (7, 8, 9)),
        )
        came = it.settle()
        assert [event.request_id for event in came] == [4, 5, 6, 7, 8, 9]
        assert [event.failure.kind for event in came] == [FailureKind.NO_ANSWER] * 3 + [FailureKind.UNREACHED] * 3
        cloud.fail("submit", EXPIRED)
        it.dispatch(submit(10))
        assert it.one().failure == EXPIRED
        it.dispatch(submit(11), observe(12, Job("a")), stop(13, Job("a")), FindOwners(request_id=14, members=()))
        assert [event for event in it.settle() if getattr(event, "failure", None)] == []
        assert len(before) == 5
        assert before <= threads()
    assert "logging configuration raised RecursionError" in capsys.readouterr().err


@pytest.mark.usefixtures("broken_logging")
def test_an_error_that_can_be_written_nowhere_is_completed(monkeypatch):
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stderr", stream)
    with rig() as it:
        it.cloud.fail("submit", MemoryError())
        it.dispatch(submit(1))
        assert it.one().failure.kind is FailureKind.NO_ANSWER
