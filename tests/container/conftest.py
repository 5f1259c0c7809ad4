"""A container of a task as a process: the command that the scheduler makes, a DAG bundle, a scripted Execution API."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aws_exec.container.bootstrap import entry_command
from tests.executors.harness import task
from tests.scripted.container import start_container, text_of, write_dag
from tests.scripted.execution_api import ScriptedExecutionApi


class Container:
    """One run of a container's command.

    Attributes:
        code: the exit code, as a container runtime says it.
        lines: of the log.
        ended: when it ended, by `time.monotonic`.
    """

    def __init__(self, process: subprocess.Popen) -> None:
        output, _ = process.communicate(timeout=120)
        self.ended = time.monotonic()
        self.code = 128 - process.returncode if process.returncode < 0 else process.returncode
        self.output = output
        self.lines = output.splitlines()

    @property
    def record(self) -> dict:
        """The usage record: the last line."""
        line = json.loads(self.lines[-1])
        assert line["event"] == "awsexec.usage"
        return line


@pytest.fixture
def api():
    with ScriptedExecutionApi() as api:
        yield api


@pytest.fixture
def home(tmp_path):
    """An Airflow home with a DAG bundle."""
    write_dag(tmp_path)
    return tmp_path


@pytest.fixture
def start(api, home):
    """Start the container of a task whose body is given; returns the process, whose end `Container` waits for."""
    running = []

    def start(body="pass", *, workload=None, command=None, timeout=60, **more):
        write_dag(home, body, timeout)
        # Where our entry is not, Airflow's supervisor sleeps that long over a task that has ended.
        more = {"AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1", **more}
        process = start_container(home, api, command or entry_command(text_of(workload or task())), **more)
        running.append(process)
        return process

    yield start
    for process in running:
        process.end()


@pytest.fixture
def run(start):
    """Run the container of a task whose body is given, to its end."""
    return lambda *args, **named: Container(start(*args, **named))


@pytest.fixture(scope="session")
def plain_python(tmp_path_factory):
    """The interpreter of an image with Airflow and without awsexec."""
    folder = tmp_path_factory.mktemp("image")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    site = next(folder.glob("lib/python3*/site-packages"))
    for entry in Path(pytest.__file__).parent.parent.iterdir():
        if "awsexec" not in entry.name and entry.name != "aws_exec":
            (site / entry.name).symlink_to(entry)
    python = folder / "bin" / "python"
    words = [python, "-c", "import airflow.sdk, aws_exec"]
    found = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert "No module named 'aws_exec'" in found.stderr
    return python
