"""The last line of Airflow's runner explains how a job ended if AWS knows only the exit code."""

import json

import pytest
from botocore.stub import Stubber

from aws_exec.fleet.batch import BatchFleet
from aws_exec.fleet.explanation import Explanation, explain
from aws_exec.fleet.retries import Retries
from tests.clouds.batch_answers import ARN, attempt, ended, environment
from tests.clouds.wired import client

KILLED = json.dumps({"event": "Workload finished", "exit_code": -9})
REFUSED = "ServerResponseError: Invalid state transition detail={'reason': 'invalid_state', 'previous_state': 'failed'}"


@pytest.fixture
def explained():
    """Explain a job with this status and exit code, whose log ends so; without lines, its log may not be read."""

    def explained(status: str, exit_code: int, *lines: str) -> Explanation:
        container = {"environment": environment(), "exitCode": exit_code, "logStreamName": "d/default/1"}
        job = ended(status, stoppedAt=61_001, container=container, attempts=[attempt(exit_code)])
        made = {name: client(name, region_name="eu-central-1") for name in ("batch", "logs")}
        stubs = {name: Stubber(each) for name, each in made.items()}
        for _ in range(2):
            stubs["batch"].add_response("describe_jobs", {"jobs": [job]})
        if lines:
            events = [{"timestamp": 60_000, "message": line} for line in lines]
            stubs["logs"].add_response("get_log_events", {"events": events, "nextBackwardToken": "b"})
            stubs["logs"].add_response("get_log_events", {"events": [], "nextBackwardToken": "b"})
        else:
            stubs["logs"].add_client_error("get_log_events", "AccessDeniedException")
        for stub in stubs.values():
            stub.activate()
        fleet = BatchFleet(lambda *_: made["batch"], Retries(), container_name="")
        [found] = fleet.describe("ours", [ARN])
        return explain(fleet, lambda name, *_: made[name], found, 100.0)

    return explained


def test_a_task_whose_process_was_killed_did_not_end_well(explained):
    said = explained("SUCCEEDED", 0, "loading", KILLED)

    assert said.headline.startswith("The process of the task was killed (SIGKILL), most likely because it was out of")
    assert (said.healthy, list(said.lines), said.diagnosis) == (False, ["loading", KILLED], None)


def test_a_container_that_airflow_refused_is_no_failure_of_the_network(explained):
    said = explained("FAILED", 1, "Traceback", REFUSED)

    assert said.headline == "Airflow no longer wanted it: its task instance was failed when it started."
    assert (said.healthy, list(said.lines), said.diagnosis) == (True, ["Traceback", REFUSED], None)


def test_a_container_that_exits_with_1_by_itself_is_diagnosed(explained):
    said = explained("FAILED", 1, "Traceback")

    assert (said.headline, said.healthy) == ("It failed after 1m01s.", False)
    assert said.diagnosis is not None


def test_a_job_that_succeeded_ended_well(explained):
    said = explained("SUCCEEDED", 0, json.dumps({"event": "Workload finished", "exit_code": 0}))

    assert said.headline.startswith("It ended well: its container exited with 0 after 1m01s.")
    assert (said.healthy, said.unread) == (True, "")


def test_where_the_log_cannot_be_read_an_exit_code_of_0_is_not_all_that_is_said(explained):
    said = explained("SUCCEEDED", 0)

    assert said.headline.startswith("It ended well: ")
    assert said.unread.startswith("GetLogEvents: AccessDeniedException")
