"""How a task ended, by its container's exit code and by the end of its log."""

import json
from pathlib import Path

import pytest

from aws_exec.container.outcome import DONE_STATES, Outcome
from aws_exec.fleet.task_state import UNKNOWN, Source, TaskState, last_error, of_exit, of_log, refused_state
from aws_exec.lifecycle.values import Termination

LOGS = Path(__file__).with_name("airflow_logs")
REFUSED = (
    "ServerResponseError: Invalid state transition detail={'reason': 'invalid_state', 'message': "
    "'TI was not in a state where it could be marked as running', 'previous_state': 'failed'}"
)
#: Outcomes of which Airflow got no result from the container, or refused it.
NOT_TOLD = (
    Outcome.WORKLOAD_NOT_FETCHED,
    Outcome.WORKLOAD_STORE_NEEDS_AWSEXEC,
    Outcome.WORKLOAD_GONE,
    Outcome.API_UNAVAILABLE,
    Outcome.RESULT_NOT_DELIVERED,
    Outcome.REFUSED,
    Outcome.TERMINATED_BY_SERVER,
    Outcome.WORKLOAD_UNREADABLE,
)
FAILURES = (Outcome.FAILED, Outcome.OUT_OF_MEMORY, Outcome.KILLED, Outcome.TIMED_OUT, Outcome.DAG_NOT_FOUND)


def finished(code=0, state=None, event="Workload finished"):
    return json.dumps({"logger": "supervisor", "event": event, "exit_code": code, "final_state": state})


def usage(state=None, outcome=None, **more):
    return json.dumps({"event": "awsexec.usage", "task_state": state, "outcome": outcome, "final": True, **more})


def exited(code, *, is_stored=False):
    return of_exit(Termination("ecs", exit_code=code, started=True), is_stored=is_stored)


@pytest.mark.parametrize("is_stored", [False, True])
@pytest.mark.parametrize("outcome", FAILURES)
def test_the_exit_code_of_a_failed_task_says_so(outcome, is_stored):
    found = exited(int(outcome), is_stored=is_stored)

    assert (found, found.has_failed) == (TaskState("failed", Source.EXIT_CODE, outcome.label), True)


@pytest.mark.parametrize("outcome", NOT_TOLD)
def test_where_airflow_has_no_result_of_the_container_the_state_is_unknown_and_the_outcome_known(outcome):
    found = exited(int(outcome))

    assert (found, found.has_failed) == (TaskState(outcome=outcome.label), None)


def test_every_exit_code_of_ours_is_judged():
    assert set(Outcome) == {*FAILURES, *NOT_TOLD, Outcome.DONE}


@pytest.mark.parametrize("code", [None, 1, 3, 76, 90, 137, 143, 255])
@pytest.mark.parametrize("is_stored", [False, True])
def test_other_exit_codes_say_nothing(code, is_stored):
    assert exited(code, is_stored=is_stored) == UNKNOWN


def test_an_exit_code_of_0_says_that_the_task_did_not_fail_only_where_the_image_must_have_awsexec():
    assert exited(0) == UNKNOWN
    assert UNKNOWN.has_failed is None
    stored = exited(0, is_stored=True)
    assert (stored, stored.has_failed) == (TaskState(outcome="done"), False)


def test_a_container_that_has_not_ended_says_nothing():
    assert of_exit(None, is_stored=True) == UNKNOWN


@pytest.mark.parametrize("state", [*sorted(DONE_STATES), "failed", "up_for_retry"])
def test_both_records_say_how_the_task_ended(state):
    by_airflow, by_us = of_log([finished(state=state)]), of_log([finished(state=state), usage(state, "done")])

    assert by_airflow == TaskState(state, Source.LOG)
    assert by_us == TaskState(state, Source.USAGE_RECORD, "done")
    assert by_us.has_failed is (state not in DONE_STATES)


def test_a_record_written_at_sigterm_does_not_hide_what_airflow_logs_after_it():
    assert of_log([usage(final=False), finished(state="failed")]) == TaskState("failed", Source.LOG)


def test_a_task_cannot_write_a_record():
    """The supervisor wraps what a task prints or logs."""
    printed = {"logger": "task.stdout", "level": "info"}
    lines = [usage("success", **printed), json.dumps({**json.loads(finished(state="success")), **printed})]
    quoted = json.dumps({"event": usage("success"), **printed})

    assert of_log([finished(state="failed"), *lines, quoted]) == TaskState("failed", Source.LOG)


def test_a_task_cannot_log_the_record_of_its_supervisor():
    """Since Airflow 3.3 what a task logs has its identity; the supervisor of a killed container logs nothing."""
    logged = json.dumps({**json.loads(finished(state="success")), "level": "info", "ti_id": "6dab7be0"})

    assert of_log(["loading", logged]) == UNKNOWN
    assert exited(137).with_log([logged]) == UNKNOWN


@pytest.mark.parametrize("state", ["server_terminated", "SERVER_TERMINATED", "something new", "", 7])
def test_a_state_that_is_no_result_is_unknown(state):
    assert of_log([finished(state=state), usage(state)]).state == ""


@pytest.mark.parametrize("lines", [[], ["hello"], ["{", "[1]", "null"], [finished()], [usage()]])
def test_a_log_without_a_result_says_nothing(lines):
    assert of_log(lines) == UNKNOWN


@pytest.mark.parametrize(("code", "signal"), [(-9, "SIGKILL"), (-11, "SIGSEGV"), (0, ""), (1, ""), (-999, "")])
@pytest.mark.parametrize("event", ["Workload finished", "Task finished"])
def test_the_signal_that_killed_the_task_is_named(code, signal, event):
    assert of_log(["no json", "[1]", finished(code, "failed", event), "last"]).signal == signal


def test_the_last_record_counts():
    assert of_log([finished(-9, "failed"), finished(0, "success")]) == TaskState("success", Source.LOG)


@pytest.mark.parametrize("outcome", [*FAILURES, *NOT_TOLD])
def test_no_log_is_believed_over_an_exit_code_of_ours(outcome):
    known = exited(int(outcome))

    assert known.with_log([finished(state="success"), usage("success", "done")]) == known


def test_the_log_says_which_way_a_task_ended_that_did_not_fail():
    assert exited(0, is_stored=True).with_log([usage("deferred")]) == TaskState("deferred", Source.USAGE_RECORD, "done")


@pytest.mark.parametrize("line", [REFUSED, REFUSED.replace("'", '"'), REFUSED.replace("'", '\\"')])
def test_a_refusal_says_how_the_task_instance_was(line):
    assert refused_state(["Traceback", line, "last"]) == "failed"


@pytest.mark.parametrize("line", ["previous_state: failed", REFUSED.replace("'failed'", "'running'"), ""])
def test_nothing_else_is_taken_for_a_refusal(line):
    assert refused_state([line]) == ""


@pytest.mark.parametrize("log", sorted(LOGS.glob("*-chained.log")), ids=lambda log: log.stem)
def test_the_log_of_a_real_airflow_says_that_the_task_failed_and_why(log):
    lines = log.read_text(encoding="utf-8").splitlines()
    found = of_log(lines)

    assert (found.has_failed, found.signal) == (True, "")
    assert last_error(lines).raised_in is not None


@pytest.mark.parametrize("logger", ["task.stdout", "task.stderr", "task", "shop.load"])
def test_a_refusal_that_a_task_prints_or_logs_is_none_of_its_container(logger):
    assert refused_state([json.dumps({"event": REFUSED, "level": "error", "logger": logger})]) == ""


def test_a_refusal_that_airflow_logs_at_its_end_is_one():
    assert refused_state([json.dumps({"event": REFUSED, "level": "critical", "logger": "unhandled_exception"})])
