"""The last line of Airflow's runner explains how a job ended if AWS knows only the exit code."""

import json
from dataclasses import replace

import pytest
from botocore.stub import Stubber

from aws_exec.clouds.errors import CloudError
from aws_exec.fleet.batch import BatchFleet
from aws_exec.fleet.explanation import Explanation, explain
from aws_exec.fleet.model import FleetJob, State, TimelineEntry
from aws_exec.fleet.retries import Retries
from aws_exec.fleet.task_state import UNKNOWN, Source, TaskState
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job, Termination
from tests.clouds.batch_answers import ARN, attempt, ended, environment
from tests.clouds.http_adapters import client
from tests.fleet.fleet import identity


def finished(code=0, state=None):
    """What Airflow's supervisor logs last."""
    return json.dumps({"logger": "supervisor", "event": "Workload finished", "exit_code": code, "final_state": state})


def raised(message="table customers does not exist", file="/dags/ops.py"):
    """The record of the exception that failed a task."""
    frames = [{"filename": "/usr/lib/python3.11/site-packages/airflow/sdk/x.py", "lineno": 7, "name": "run"}]
    frames.append({"filename": file, "lineno": 21, "name": "load"})
    error = {"exc_type": "ValueError", "exc_value": message, "frames": frames}
    return json.dumps({"level": "error", "logger": "task", "event": "Task failed", "error_detail": [error]})


KILLED = finished(-9, "failed")
REFUSED = "ServerResponseError: Invalid state transition detail={'reason': 'invalid_state', 'previous_state': 'failed'}"
STOPPING = FleetJob("ecs", Job("arn:aws:ecs:r:1:task/c/i", "c"), identity("load"), State.STOPPING, "RUNNING")


@pytest.fixture
def explained():
    """Explain a job with this status and exit code, whose log ends so; without lines, its log may not be read."""

    def explained(status: str, exit_code: int, *lines: str, needs: object = (), **more: object) -> Explanation:
        container = {"environment": environment(), "exitCode": exit_code, "logStreamName": "d/default/1"}
        container |= {"resourceRequirements": needs}
        job = ended(status, stoppedAt=61_001, container=container, attempts=[attempt(exit_code)], **more)
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
    assert (said.healthy, list(said.lines), said.diagnosis) == (False, ["loading"], None)


def test_a_container_that_airflow_refused_is_no_failure_of_the_network(explained):
    said = explained("FAILED", 1, "Traceback", REFUSED)

    assert said.headline == "Airflow no longer wanted it: its task instance was failed when it started."
    assert (said.healthy, list(said.lines), said.diagnosis) == (True, ["Traceback", REFUSED], None)


def test_a_container_that_exits_with_1_by_itself_is_diagnosed(explained):
    said = explained("FAILED", 1, "Traceback")

    assert (said.headline, said.healthy) == ("The container exited with 1 after 1m01s.", False)
    assert said.diagnosis is not None


def test_a_failed_task_is_explained_by_its_exception_although_its_container_exited_normally(explained):
    said = explained("SUCCEEDED", 0, raised(), finished(state="failed"))

    assert said.headline == (
        "Task failed: ValueError: table customers does not exist (ops.py:21). "
        "The container exited normally after 1m01s."
    )
    assert (said.healthy, said.diagnosis, said.task_state) == (False, None, TaskState("failed", Source.LOG))
    assert list(said.lines) == [raised()]


def test_a_failed_task_whose_image_has_awsexec_is_explained_by_its_exception_and_the_diagnosis(explained):
    said = explained("FAILED", 80, raised(), finished(state="up_for_retry"))

    assert said.headline == (
        "Task failed: ValueError: table customers does not exist (ops.py:21). Airflow retries it. "
        "The container exited with 80 after 1m01s."
    )
    assert (said.healthy, said.diagnosis.rule) == (False, "task-failed")
    assert said.task_state == TaskState("failed", Source.EXIT_CODE, "failed")


def test_a_failed_task_whose_log_cannot_be_read_is_still_called_failed(explained):
    said = explained("FAILED", 81)

    assert said.headline == "Task failed: out of memory. The container exited with 81 after 1m01s."
    assert said.unread.startswith("GetLogEvents: AccessDeniedException")


@pytest.mark.parametrize(
    ("lines", "memory"),
    [
        (
            ['{"event": "awsexec.usage", "memory_peak_bytes": 418381824, "memory_limit_bytes": 419430400}'],
            "399 MiB of 400 MiB",
        ),
        (
            ['{"event": "awsexec.usage", "memory_peak_bytes": 418381824, "memory_limit_bytes": null}'],
            "the job has 2 GiB",
        ),
        (["Killed"], "the job has 2 GiB"),
    ],
)
@pytest.mark.parametrize("code", [81, 137])
def test_who_was_out_of_memory_reads_how_much_there_was(explained, code, lines, memory):
    needs = [{"type": "MEMORY", "value": "2048"}]
    [fact] = explained("FAILED", code, *lines, needs=needs).context

    assert (fact.about, memory in fact.said, fact.bad) == ("memory", True, True)


def test_of_an_exception_no_line_of_a_package_is_named_and_a_long_message_is_cut(explained):
    library = "/usr/lib/python3.11/site-packages/sqlalchemy/engine.py"
    said = explained("SUCCEEDED", 0, raised("SELECT " * 200, library), finished(state="failed")).headline

    assert said.startswith("Task failed: ValueError: SELECT SELECT")
    assert said.endswith("SELECT…. The container exited normally after 1m01s.")
    assert len(said) < 400


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("success", "Task succeeded."),
        ("skipped", "Task was skipped."),
        ("deferred", "Task was deferred."),
        ("up_for_reschedule", "Task was rescheduled."),
        ("awaiting_input", "Task waits for input."),
    ],
)
def test_a_task_that_did_not_fail_is_said_to_have_ended_well(explained, state, said):
    found = explained("SUCCEEDED", 0, finished(state=state))

    assert found.headline == f"{said} The container exited normally after 1m01s."
    assert (found.healthy, found.unread, found.lines) == (True, "", ())


def test_a_container_that_was_killed_after_its_task_had_succeeded_needs_nobody(explained):
    said = explained("FAILED", 137, finished(state="success"))

    assert said.headline == "Task succeeded. The container exited with 137 after 1m01s."
    assert (said.healthy, said.diagnosis is None) == (True, False)


@pytest.mark.parametrize(("lines", "why"), [((), "its log cannot be read"), (("a line",), "its log does not show it")])
def test_without_a_record_nothing_is_said_to_have_succeeded(explained, lines, why):
    said = explained("SUCCEEDED", 0, *lines)

    assert said.headline == (
        f"The container exited normally after 1m01s. Whether the task succeeded is unknown: {why}."
    )
    assert said.unread.startswith("GetLogEvents: AccessDeniedException" if not lines else "")
    assert (said.healthy, said.task_state) == (True, UNKNOWN)


class Stopped:
    """A service whose containers have 45 seconds to exit, if that can be read."""

    def __init__(self, failure=None):
        self.failure = failure

    def stop_timeout(self, job):
        if self.failure is not None:
            raise CloudError(self.failure)
        return 45


@pytest.mark.parametrize(
    ("reason", "requested"),
    [
        ("anna: wrong source (awsexec terminate)", ' (requested by anna: "wrong source")'),
        ("Stopped by anna (awsexec terminate)", " (requested by anna)"),
        ("Task stopped by user", ' ("Task stopped by user")'),
        ("", ""),
    ],
)
def test_a_stopping_job_says_who_stops_it_and_how_long_its_container_has(reason, requested):
    job = replace(STOPPING, stopping=reason, timeline=(TimelineEntry(100.0, "stopping"),))

    said = explain(Stopped(), None, job, 124.0)

    assert (said.headline, said.healthy) == (f"Stopping for 24s{requested}; the container has up to 45s.", True)


def test_the_time_of_a_stop_is_left_out_where_the_service_does_not_say_it():
    assert explain(Stopped(), None, STOPPING, 124.0).headline == "Stopping; the container has up to 45s."


def test_what_a_container_has_is_not_invented_where_it_cannot_be_read():
    denied = CallFailure(FailureKind.REFUSED, "DescribeTaskDefinition", "AccessDeniedException")

    said = explain(Stopped(denied), None, STOPPING, 124.0).headline

    assert said.startswith("Stopping; how long its container has cannot be read (DescribeTaskDefinition: AccessDenied")


def test_a_job_whose_container_has_exited_is_not_said_to_have_time_left():
    job = replace(STOPPING, stop=Termination("ecs", started=True))

    assert explain(Stopped(), None, job, 124.0).headline == "Stopping; its container has exited."


def test_a_stopped_job_names_the_person_and_the_reason(explained):
    reason = "anna: wrong source (awsexec terminate)"

    said = explained("FAILED", 143, "Traceback", isTerminated=True, statusReason=reason)

    assert said.headline == 'Stopped by anna: "wrong source". It ran for 1m01s.'
    assert said.diagnosis is not None
    assert (said.diagnosis.rule, said.healthy) == ("batch-terminated-by-user", False)
