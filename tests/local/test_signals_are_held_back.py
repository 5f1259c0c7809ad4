"""What must not be broken into by a signal is not, and the signal is heard right after."""

import signal
import threading

import pytest

from aws_exec.local.interrupts import uninterrupted


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


def test_in_another_thread_there_is_nothing_to_hold_back(unwinds):
    handlers = []

    def run():
        with uninterrupted():
            handlers.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert handlers == [unwinds]
