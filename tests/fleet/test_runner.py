"""The last lines of Airflow's runner in a container's log."""

from __future__ import annotations

import json

import pytest

from aws_exec.fleet.runner import killed_by, refused_state

REFUSED = (
    "ServerResponseError: Invalid state transition detail={'reason': 'invalid_state', 'message': "
    "'TI was not in a state where it could be marked as running', 'previous_state': 'failed'}"
)


def finished(code, event="Workload finished"):
    return json.dumps({"event": event, "exit_code": code, "final_state": None})


@pytest.mark.parametrize("line", [REFUSED, REFUSED.replace("'", '"'), REFUSED.replace("'", '\\"')])
def test_a_refusal_says_how_the_task_instance_was(line):
    assert refused_state(["Traceback", line, "last"]) == "failed"


@pytest.mark.parametrize("line", ["previous_state: failed", REFUSED.replace("'failed'", "'running'"), ""])
def test_nothing_else_is_taken_for_one(line):
    assert refused_state([line]) == ""


@pytest.mark.parametrize(("code", "signal"), [(-9, "SIGKILL"), (-11, "SIGSEGV"), (0, ""), (1, ""), (-999, "")])
@pytest.mark.parametrize("event", ["Workload finished", "Task finished"])
def test_the_signal_that_killed_the_task_is_named(code, signal, event):
    assert killed_by(["no json", "[1]", finished(code, event), "last"]) == signal


def test_a_task_that_prints_such_a_line_itself_is_not_believed_over_the_runner():
    assert killed_by([finished(-9), finished(0)]) == ""


def test_a_log_without_an_end_says_nothing():
    assert killed_by(["hello", json.dumps({"event": "Workload finished"})]) == ""
