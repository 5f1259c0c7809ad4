"""The probe in its container: one line of JSON, whatever happens to the checks."""

from __future__ import annotations

import json
import signal

import pytest

from aws_exec.container.bootstrap import PROBE_EVENT, probe_command
from tests.container.conftest import Container

pytestmark = pytest.mark.containers

OPTIONS = {
    "seconds": 60.0,
    "subject": "0f8fad5b-d9cb-469f-a165-70867728950e",
    "bearer": "",
    "region": "us-east-1",
    "stored": "",
}
FOREVER = "import threading\nprint('up and running', flush=True)\nthreading.Event().wait()"


@pytest.fixture
def probing(start, api, home):
    """Start a probe's container; the text of a DAG file is given, beside one that is sound."""
    api.answers["run"] = 404

    def probing(text="", *, seconds=60.0, **how):
        (home / "dags" / "other.py").write_text(f"# airflow dag\n{text}\n")
        options = OPTIONS | {"seconds": seconds}
        return start(command=probe_command(json.dumps(options)), AWS_EC2_METADATA_DISABLED="true", **how)

    return probing


def line_of(container: Container) -> dict:
    lines = [line for line in container.lines if PROBE_EVENT in line]
    assert len(lines) == 1, container.output
    return json.loads(lines[0])


def test_the_bootstrap_has_at_most_250_characters():
    assert len(probe_command("")[2]) <= 250


def test_it_asks_for_a_task_that_does_not_exist_and_runs_none(probing, api):
    container = Container(probing())
    line = line_of(container)

    assert (container.code, line["ended"]) == (0, "done")
    assert [operation for operation, _ in api.asked] == ["run"]
    assert line["launch_id"] == "0f8fad5b-d9cb-469f-a165-70867728950e"
    assert (line["api"]["status"], line["api"]["reason"]) == (404, "not_found")
    assert "NoCredentials" in line["identity"]["error"]
    [bundle] = line["dags"]["bundles"]
    assert (bundle["dags"], bundle["import_errors"], line["dags"]["is_partial"]) == (1, 0, False)


def test_a_dag_file_that_never_ends_costs_the_rest_nothing(probing):
    line = line_of(Container(probing(FOREVER, seconds=25.0)))

    assert line["ended"] == "time limit"
    assert line["wall_seconds"] < 29, "Airflow ends it after 30"
    assert line["api"]["status"] == 404
    assert line["dags"]["is_partial"] is True


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        ("import os\nos._exit(3)", "exit code 3"),
        ("import os, threading\nos.closerange(3, 256)\nthreading.Event().wait()", "time limit"),
    ],
    ids=["exits", "closes the pipe and never ends"],
)
def test_a_dag_file_that_ends_the_checks_or_their_pipe_is_told(probing, text, ended):
    line = line_of(Container(probing(text, seconds=10.0)))

    assert line["ended"] == ended
    assert line["wall_seconds"] < 14


def test_output_of_a_dag_file_does_not_break_the_line(probing):
    line = line_of(Container(probing("print('{', end='', flush=True)")))
    assert line["ended"] == "done"


def test_a_stopped_probe_ends_at_once(probing):
    process = probing(FOREVER)
    assert any("up and running" in line for line in process.stdout)
    process.send_signal(signal.SIGTERM)

    assert Container(process).code == 128 + signal.SIGTERM


def test_an_image_without_awsexec_shows_python_and_airflow(probing, plain_python):
    line = line_of(Container(probing(python=plain_python)))

    assert set(line) == {"event", "python", "airflow"}
    assert len(line["airflow"]) == 1
