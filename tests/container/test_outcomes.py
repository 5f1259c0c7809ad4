"""How a task ends, and the exit code of its container: real supervisors and tasks, a scripted Execution API."""

from __future__ import annotations

import airflow
import pytest
from packaging.version import Version

from aws_exec.container.bootstrap import entry_command
from aws_exec.container.outcome import Outcome
from tests.container.conftest import Container

_AIRFLOW = Version(airflow.__version__)


@pytest.mark.parametrize(
    ("body", "outcome", "state"),
    [
        ("pass", Outcome.DONE, "success"),
        ("raise AirflowSkipException", Outcome.DONE, "skipped"),
        ("raise ValueError('no such table')", Outcome.FAILED, "failed"),
        ("sys.exit(3)", Outcome.FAILED, "failed"),
        ("os.kill(os.getpid(), signal.SIGKILL)", Outcome.KILLED, "failed"),
        ("os.kill(os.getpid(), signal.SIGABRT)", Outcome.KILLED, "failed"),
    ],
)
def test_the_exit_code_is_the_outcome(run, api, body, outcome, state):
    container = run(body)
    assert (container.code, api.states()) == (outcome, [state]), container.output
    assert container.record["outcome"] == outcome.label
    assert container.record["exit_code"] == outcome


def test_a_task_with_a_try_left_has_failed_too(run, api):
    api.retries = True
    assert run("raise ValueError").code == Outcome.FAILED
    assert api.states() == ["up_for_retry"]


def test_a_task_that_reached_its_execution_timeout_is_told_from_one_that_failed(run):
    assert run("time.sleep(60)", timeout=1).code == Outcome.TIMED_OUT


def test_a_task_that_prints_what_a_timeout_logs_has_only_failed(run):
    body = "print('AirflowTaskTimeout')\nprint('Dag not found during start up')\nraise ValueError('AirflowTaskTimeout')"
    assert run(body).code == Outcome.FAILED


def test_a_container_without_the_dag_says_so(start, home):
    process = start(AIRFLOW__WORKERS__MISSING_DAG_RETRIES="0")
    (home / "dags" / "etl.py").write_text("")
    assert Container(process).code == Outcome.DAG_NOT_FOUND


@pytest.mark.parametrize("status", [404, 409])
def test_an_api_that_refuses_the_task_is_told_from_one_that_is_away(run, api, status):
    api.answers["run"] = status
    container = run()
    assert (container.code, api.states()) == (Outcome.REFUSED, [])


def test_an_api_that_is_away_is_unavailable(run):
    container = run(AIRFLOW__CORE__EXECUTION_API_SERVER_URL="http://127.0.0.1:9/execution/")
    assert container.code == Outcome.API_UNAVAILABLE, container.output


def test_an_api_that_answers_with_an_error_is_unavailable(run, api):
    api.answers["run"] = 403
    assert run().code == Outcome.API_UNAVAILABLE


def test_a_result_that_the_api_does_not_take_is_not_delivered(run, api):
    api.answers["state"] = 400
    assert run().code == Outcome.RESULT_NOT_DELIVERED


@pytest.mark.parametrize("status", [404, 409])
@pytest.mark.parametrize("body", ["pass", "raise ValueError"])
def test_a_result_that_is_refused_is_of_a_task_that_the_server_ended(run, api, status, body):
    api.answers["state"] = status
    assert run(body).code == Outcome.TERMINATED_BY_SERVER


@pytest.mark.parametrize("body", ["os.kill(os.getpid(), signal.SIGKILL)", "time.sleep(60)"])
def test_whatever_ended_a_task_of_which_airflow_was_not_told_it_is_not_delivered(run, api, body):
    api.answers["state"] = 400
    assert run(body, timeout=1).code == Outcome.RESULT_NOT_DELIVERED


def test_a_task_that_leaves_without_a_word_has_delivered_nothing(run, api):
    """Airflow takes exit code 0 for success, and tells the API server nothing: the row stays RUNNING."""
    assert (run("os._exit(0)").code, api.states()) == (Outcome.RESULT_NOT_DELIVERED, [])


def test_a_task_that_survives_timeouts_has_only_failed(run):
    """Thousands of them do not keep the end from the container's first process either."""
    body = (
        "import structlog\ntry:\n    from airflow.sdk.exceptions import AirflowTaskTimeout\n"
        "except ImportError:\n    from airflow.exceptions import AirflowTaskTimeout\n"
        "for _ in range(3000):\n    try: raise AirflowTaskTimeout\n"
        "    except AirflowTaskTimeout: structlog.get_logger('x').exception('slow')\n"
        "raise ValueError"
    )
    assert run(body).code == Outcome.FAILED


@pytest.mark.skipif(_AIRFLOW.release < (3, 4), reason="Airflow before 3.4 does not end a task that ignores its timeout")
def test_a_task_that_ignores_its_timeout_is_told_from_one_that_was_killed(run):
    body = "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})\ntime.sleep(60)"
    assert run(body, timeout=1, AIRFLOW__CORE__KILLED_TASK_CLEANUP_TIME="1").code == Outcome.TIMED_OUT


def test_a_task_that_the_server_ended_says_so(run, api):
    api.answers["heartbeat"] = 409
    container = run("time.sleep(60)", AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL="1")
    assert container.code == Outcome.TERMINATED_BY_SERVER, container.output


def test_a_workload_that_airflow_cannot_read_says_so(start):
    process = start(command=["python", *_entry(), '{"type": "ExecuteTask"}'])
    assert Container(process).code == Outcome.WORKLOAD_UNREADABLE


def test_a_workload_is_unreadable_to_airflows_own_measure(start):
    """The container says no more of it than Airflow does: its words are in the log."""
    assert "Failed to parse input JSON string" in Container(start(command=["python", *_entry(), "{"])).output


def _entry():
    return entry_command("")[1:-1]
