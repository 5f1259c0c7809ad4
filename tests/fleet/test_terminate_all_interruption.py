"""SIGINT during terminate-all: no more jobs are stopped, and the outcome of each is reported."""

import json
import signal
from collections import Counter

import pytest

from aws_exec.clouds.session import READ_TIMEOUT_SECONDS
from aws_exec.fleet.stopping import STOPPERS
from awsexec_cli.exit_codes import Exit
from tests.fleet.scripts import given, launched
from tests.fleet.shell import running
from tests.scripted.services import held

JOBS = 30
#: Seconds in which it has to end, whatever AWS does: fewer than an answer of AWS is waited for.
AT_ONCE = READ_TIMEOUT_SECONDS * 0.8


@pytest.fixture
def stopping(service, gate, tmp_path):
    """`terminate-all` of thirty jobs, with as many stops under way as there ever are."""
    launched(service, *(f"load_{number}" for number in range(JOBS)))
    service.goes_wrong(held(1.0), "StopTask")
    with running("terminate-all", "--yes", "-o", "json", **given(service, tmp_path)) as process:
        gate.wait_for(STOPPERS)
        yield process


def told(process):
    out, err = process.communicate(timeout=AT_ONCE)
    outcomes = Counter(each["outcome"] for each in json.loads(out))
    return process.returncode, dict(outcomes), err.splitlines()[-1]


def halted(process):
    """Interrupt it, and wait until it knows."""
    process.send_signal(signal.SIGINT)
    for line in process.stderr:
        if line.startswith("Stopping no more"):
            return
    raise AssertionError("it ended")


def test_what_is_under_way_is_waited_for_and_the_rest_is_not_begun(service, gate, stopping):
    halted(stopping)
    gate.open()
    code, outcomes, summary = told(stopping)

    assert (code, outcomes) == (Exit.INTERRUPTED, {"stopped": STOPPERS, "not stopped": JOBS - STOPPERS})
    assert summary == f"interrupted: stop requested for {STOPPERS} jobs, {JOBS - STOPPERS} not stopped"
    assert len(service.stops()) == STOPPERS


def test_the_second_time_nothing_is_waited_for_and_what_is_not_known_is_said_to_be(stopping):
    halted(stopping)
    stopping.send_signal(signal.SIGINT)
    code, outcomes, summary = told(stopping)

    assert (code, outcomes) == (Exit.INTERRUPTED, {"not known": STOPPERS, "not stopped": JOBS - STOPPERS})
    assert summary.endswith(f"interrupted: {STOPPERS} not known, {JOBS - STOPPERS} not stopped")
