"""Signals are deferred during critical sections, and handled right after."""

import signal
import sys
import threading

import pytest

from aws_exec.local import interrupts
from aws_exec.local.interrupts import ENDING, uninterrupted


@pytest.fixture
def unwinds():
    """SIGTERM raises, as in `awsexec demo`."""

    def end(number, _frame):
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    yield end
    signal.signal(signal.SIGTERM, before)


def test_a_signal_is_heard_at_the_end_of_the_block_and_once(unwinds):
    done = []

    def start():
        with uninterrupted():
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)
            done.append("noted")

    with pytest.raises(SystemExit) as ended:
        start()
    assert ended.value.code == 128 + signal.SIGTERM
    assert done == ["noted"]
    assert signal.getsignal(signal.SIGTERM) is unwinds


def test_without_a_signal_nothing_is_changed(unwinds):
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGHUP)}
    with uninterrupted():
        pass
    assert {number: signal.getsignal(number) for number in before} == before
    assert signal.getsignal(signal.SIGTERM) is unwinds


@pytest.fixture
def heard():
    """SIGTERM raises; of the others it is only noted that they were heard."""
    heard = []

    def end(number, _frame):
        heard.append(number)
        raise SystemExit

    before = {number: signal.signal(number, lambda number, _: heard.append(number)) for number in ENDING}
    signal.signal(signal.SIGTERM, end)
    yield heard
    for number, handler in before.items():
        signal.signal(number, handler)


def ended_at(line: int) -> bool:
    """Hold signals back for a moment, with a SIGTERM before the n-th line of that; whether there is such a line."""
    seen = 0

    def trace(frame, event, _):
        nonlocal seen
        if frame.f_code.co_filename != interrupts.__file__:
            return None
        seen += event == "line"
        if event == "line" and seen == line:
            signal.raise_signal(signal.SIGTERM)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        with uninterrupted():
            pass
    except SystemExit:
        return True
    finally:
        sys.settrace(before)
    return False


def test_a_signal_that_comes_while_handlers_are_exchanged_leaves_none_deaf(heard):
    line = 1
    while ended_at(line):
        heard.clear()
        signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(SystemExit):
            signal.raise_signal(signal.SIGTERM)
        assert heard == [signal.SIGHUP, signal.SIGINT, signal.SIGTERM], f"line {line}"
        line += 1
    assert line > 15


def test_in_another_thread_there_is_nothing_to_hold_back(unwinds):
    handlers = []

    def run():
        with uninterrupted():
            handlers.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert handlers == [unwinds]
