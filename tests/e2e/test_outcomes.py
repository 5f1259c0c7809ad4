"""How tasks end in real containers, and what the command line says of them."""

import json
import os
import re
import subprocess
import sys

import pytest

from aws_exec.container.outcome import Outcome

EXPECTED = {
    "fails": Outcome.FAILED,
    "is_killed": Outcome.KILLED,
    "times_out": Outcome.TIMED_OUT,
    "out_of_memory": Outcome.OUT_OF_MEMORY,
}

pytestmark = pytest.mark.timeout(420)


@pytest.fixture(scope="module")
def run(trigger):
    run = trigger("outcomes")
    assert run.over() == "failed"
    return run


@pytest.fixture(scope="module")
def awsexec(aws, airflow):
    """Run the command line against the emulator and Airflow; returns the exit code and standard output."""
    home = {"AIRFLOW_HOME": str(airflow.home.directory)}
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **home, **aws.environment()}

    def awsexec(*words):
        command = [sys.executable, "-m", "awsexec_cli", *words]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    return awsexec


@pytest.fixture(scope="module")
def outcomes(aws, run):
    """The outcome that each task should have; without control groups, memory has no limit."""
    return EXPECTED if not aws.limits_problem else {**EXPECTED, "out_of_memory": Outcome.DONE}


def test_the_exit_code_is_the_outcome_on_both_services(run, outcomes):
    codes = {launch.identity["AWSEXEC_TASK_ID"]: launch.exit_code for launch in run.launches}
    assert codes == {f"{service}_{name}": code for service in ("ecs", "batch") for name, code in outcomes.items()}


def test_airflows_state_is_what_the_container_told_it(run, outcomes):
    states = {f"{service}_{name}": "failed" for service in ("ecs", "batch") for name, code in outcomes.items() if code}
    assert {name: state for name, state in run.states.items() if state != "success"} == states


def test_the_event_log_explains_what_airflow_cannot_and_leaves_alone_what_it_can(run, outcomes):
    for service in ("ecs", "batch"):
        if outcomes["out_of_memory"]:
            # Airflow has the state before the executor sees the container's end.
            name = f"{service}_out_of_memory"
            assert "memory" in run.until(lambda name=name: run.said(name), f"the event log of {name}")
        assert run.said(f"{service}_fails") == ""


def test_list_shows_failed_tasks_as_failed(run, awsexec, outcomes):
    awsexec("wait", *(f"outcomes/{name}" for name in run.states))
    code, output = awsexec("list", "--all-states", "--dag", "outcomes", "-o", "json")
    assert code == 0
    members = ("state", "task_state", "task_state_source", "outcome")
    shown = {job["task_id"]: tuple(job[member] for member in members) for job in json.loads(output)}
    assert shown == {
        f"{service}_{name}": ("failed", "failed", "exit code", outcome.label)
        if outcome
        else ("succeeded", None, None, None)
        for service in ("ecs", "batch")
        for name, outcome in outcomes.items()
    }


def test_list_shows_the_states_of_airflows_database(run, awsexec):
    code, output = awsexec("list", "--all-states", "--airflow", "--dag", "outcomes", "-o", "json")
    assert code == 0
    shown = {job["task_id"]: (job["task_state"], job["task_state_source"]) for job in json.loads(output)}
    assert shown == {name: (state, "airflow") for name, state in run.states.items()}


@pytest.mark.parametrize("service", ["ecs", "batch"])
def test_wait_fails_for_a_failed_task(run, awsexec, service):
    assert awsexec("wait", f"outcomes/{service}_fails")[0] == 1


@pytest.mark.parametrize("service", ["ecs", "batch"])
def test_explain_begins_with_the_exception(run, awsexec, service):
    code, output = awsexec("explain", f"outcomes/{service}_fails", "-o", "json")
    said = json.loads(output)
    error = (
        r"Task failed: ValueError: table customers does not exist \(misfits\.py:\d+\)\. The container exited with 80 "
    )
    assert (code, said["task_state"], said["outcome"]) == (1, "failed", "failed")
    assert re.match(error, said["headline"])


@pytest.mark.parametrize(("name", "outcome"), EXPECTED.items())
def test_explain_names_the_outcome(run, awsexec, outcomes, name, outcome):
    if not outcomes[name]:
        pytest.skip("no control groups here")
    _, output = awsexec("explain", f"outcomes/ecs_{name}", "-o", "json")
    assert f"task-{outcome.label}" in output or (outcome is Outcome.OUT_OF_MEMORY and "out-of-memory" in output)
