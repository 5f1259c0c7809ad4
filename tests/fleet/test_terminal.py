"""Commands on a terminal: prompts, the progress bar, the live table, Ctrl-C."""

import math
import re

import pytest

from awsexec_cli.exit_codes import Exit
from tests.fleet.fleet import identity
from tests.fleet.scripts import given, launched
from tests.fleet.terminal import CTRL_C, Terminal
from tests.scripted.services import Plan, held

SEVEN = [f"load_{number}" for number in range(7)]


@pytest.fixture
def terminal(service, tmp_path):
    def terminal(*arguments, **how):
        return Terminal(*arguments, **given(service, tmp_path), **how)

    return terminal


def test_more_than_a_handful_is_stopped_only_when_their_number_is_typed(service, terminal):
    launched(service, *SEVEN)
    with terminal("terminate-all") as shell:
        shell.shows("Type 7 to stop these 7 jobs")
        shell.type("y\n")
        assert shell.ends() == Exit.FAILED
        assert "7 jobs by state: 7 running" in shell.text
        assert shell.text.endswith("Nothing was stopped.\n")
    assert service.stops() == []

    with terminal("terminate-all") as shell:
        shell.shows("Type 7 to stop these 7 jobs")
        shell.type("7\n")
        assert shell.ends() == Exit.OK
        assert shell.text.endswith("s.\n")
        assert "All 7 containers exited with 143 after " in shell.text
    assert len(service.stops()) == len(SEVEN)


def test_a_handful_is_asked_for_with_yes_or_no(service, terminal):
    launched(service, "extract", "load")
    with terminal("terminate-all") as shell:
        shell.shows("Stop these 2 jobs? [y/N]")
        shell.type("y\n")
        assert shell.ends() == Exit.OK
    assert len(service.stops()) == 2


def test_ctrl_c_at_the_question_says_that_nothing_was_stopped(service, terminal):
    launched(service, *SEVEN)
    with terminal("terminate-all") as shell:
        shell.shows("Type 7")
        shell.type(CTRL_C)
        assert shell.ends() == Exit.INTERRUPTED
        assert shell.text.endswith("interrupted: nothing was stopped\n")
    assert service.stops() == []


def test_a_bar_shows_how_far_it_is_and_is_gone_in_the_end(service, gate, terminal):
    launched(service, *SEVEN)
    service.goes_wrong(held(1.0), "StopTask", times=1)
    with terminal("terminate-all", "--yes", "--no-wait") as shell:
        gate.wait_for(1)
        shell.shows("Stopping")
        shell.shows(" 86%")
        gate.open()
        assert shell.ends() == Exit.OK
    said = "Stop requested for 7 jobs; not waiting for their containers to exit (30s by default)"
    assert shell.raw.endswith(f"\x1b[2K{said}\r\n"), "the line that the bar was on is cleared"


def ignoring_sigterm(service):
    """A task that runs until a test ends it, whoever stops it."""
    pairs = [{"name": name, "value": value} for name, value in identity("load").environment().items()]
    overrides = {"containerOverrides": [{"name": "airflow", "environment": pairs}]}
    return service.add({"cluster": "fleet", "overrides": overrides}, Plan(run=None, sigterm=math.inf))


def test_a_stop_is_followed_until_the_container_has_exited(service, terminal):
    arn = ignoring_sigterm(service)
    with terminal("terminate-all", "--yes") as shell:
        shell.shows("Stop requested for 1 job; waiting for its container to exit (30s by default)")
        shell.shows("1 container still runs, 1s")
        service.end(arn)
        assert shell.ends() == Exit.OK
    assert re.search(r"The container exited with 143 after \d+s\.\n$", shell.text)
    assert len(service.stops()) == 1


def test_ctrl_c_while_a_stop_is_followed_says_that_it_stays_requested(service, terminal):
    ignoring_sigterm(service)
    with terminal("terminate-all", "--yes") as shell:
        shell.shows("1 container still runs")
        shell.type(CTRL_C)
        assert shell.ends() == Exit.INTERRUPTED
        assert shell.text.endswith("interrupted: every stop stays requested; 1 container still runs\n")
    assert len(service.stops()) == 1


def test_a_document_on_a_terminal_does_not_wait(service, terminal):
    ignoring_sigterm(service)
    with terminal("terminate-all", "--yes", "-o", "json") as shell:
        assert shell.ends() == Exit.OK
        assert '"state": "stopping"' in shell.text


def test_a_watched_list_shows_what_comes_and_drops_what_goes(service, terminal):
    (extract,) = launched(service, "extract")
    with terminal("list", "--watch", "--interval", "0.2s", columns=80) as shell:
        seen = shell.shows("1 job in eu-central-1 (cluster fleet);")
        assert "extract" in shell.text
        launched(service, "load")
        seen = shell.shows("2 jobs in eu", after=seen)
        service.end(extract)
        seen = shell.shows("1 job in eu", after=seen)
        last = shell.text[:seen].rpartition("DAG")[2]
        assert ("load" in last, "extract" in last) == (True, False)
        shell.type(CTRL_C)
        assert shell.ends() == Exit.INTERRUPTED
    lines = re.split(r"\x1b\[[0-9]*[AK]|[\r\n]", shell.raw)
    assert max(len(re.sub(r"\x1b\[[0-9;?]*\w", "", line)) for line in lines) <= 80


def test_ctrl_c_does_not_wait_for_a_service_that_hangs(service, gate, terminal):
    service.goes_wrong(held(1.0), "ListTasks")
    with terminal("list") as shell:
        gate.wait_for(1)
        shell.type(CTRL_C)
        assert shell.ends() == Exit.INTERRUPTED
        assert shell.text.endswith("interrupted\n")
