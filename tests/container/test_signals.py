"""A container that is stopped: SIGTERM to its first process."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path

import airflow
import pytest
from packaging.version import Version

from aws_exec.container.outcome import Outcome
from tests.container.conftest import Container

pytestmark = pytest.mark.containers

_AIRFLOW = Version(airflow.__version__)


def stop(process):
    """Stop a container whose task has printed a line with "runs"."""
    next(line for line in process.stdout if "runs" in line)
    process.send_signal(signal.SIGTERM)


@pytest.mark.skipif(_AIRFLOW.release >= (3, 4), reason="Airflow 3.4 lets the task run on")
def test_a_task_gets_the_signal_and_its_container_ends(start):
    process = start("signal.signal(signal.SIGTERM, signal.SIG_DFL)\nprint('runs')\ntime.sleep(60)")
    stop(process)
    assert Container(process).code == Outcome.KILLED


@pytest.mark.skipif(_AIRFLOW.release < (3, 4), reason="Airflow before 3.4 passes the signal on")
def test_a_task_runs_on_until_the_container_is_killed(start, home):
    process = start("print('runs')\nwhile not os.path.exists('go'): time.sleep(0.05)")
    stop(process)
    (home / "go").touch()
    assert Container(process).code == Outcome.DONE


def test_a_record_is_written_at_once_because_the_container_may_be_killed(start):
    process = start("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('runs')\ntime.sleep(60)")
    stop(process)
    line = next(line for line in process.stdout if "awsexec.usage" in line)
    record = json.loads(line)
    assert (record["final"], record["outcome"], record["exit_code"]) == (False, None, None)


@pytest.mark.skipif(_AIRFLOW.release >= (3, 4), reason="Airflow 3.4 waits for the answer")
def test_a_container_that_is_stopped_before_its_task_starts_ends_at_once(start, api):
    api.held = "run"
    process = start()
    while not any(operation == "run" for operation, _ in list(api.asked)):
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert Container(process).code == 128 + signal.SIGTERM


def test_no_signal_catches_the_supervisor_in_the_middle_of_a_line(start):
    """Airflow 3.3 logs in its handler; the lock of the interrupted line would never be released."""
    ends = "end = time.monotonic() + 3\nwhile time.monotonic() < end: print('x' * 2000)"
    process = start(f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('runs')\n{ends}")
    stop(process)
    lines = (line for line in process.stdout if "xxx" in line)
    for _, _ in zip(range(100), lines, strict=False):
        process.send_signal(signal.SIGTERM)
    assert Container(process).code == Outcome.DONE


_COUNT = """
got = []
signal.signal(signal.SIGTERM, lambda *_: got.append(1))
print('runs')
while not got and not os.path.exists('go'): time.sleep(0.05)
time.sleep(1)
if len(got) != {}: raise ValueError(got)
"""


def test_a_task_gets_a_signal_to_the_whole_process_group_once(start, home):
    """As dumb-init sends it, PID 1 of Airflow's own images."""
    times = 1 if _AIRFLOW.release < (3, 4) else 0
    process = start(_COUNT.format(times))
    next(line for line in process.stdout if "runs" in line)
    leader, *_ = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.killpg(int(leader), signal.SIGTERM)
    assert "awsexec.usage" in next(line for line in process.stdout if "awsexec.usage" in line)
    if not times:
        (home / "go").touch()
    assert Container(process).code == Outcome.DONE


def test_a_signal_that_the_kernel_gives_to_another_thread_is_passed_on(start, home, tmp_path):
    """A `sitecustomize` that starts a thread, as tracers do; the first process is busy with a record meanwhile."""
    site = tmp_path / "site"
    site.mkdir()
    thread = "threading.Thread(target=threading.Event().wait, daemon=True).start()"
    (site / "sitecustomize.py").write_text(f"import threading\n{thread}\n")
    body = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('runs')\n"
    with socket.create_server(("127.0.0.1", 0)) as metadata:
        endpoint = f"http://127.0.0.1:{metadata.getsockname()[1]}"
        process = start(
            body + "while not os.path.exists('go'): time.sleep(0.05)",
            PYTHONPATH=str(site),
            ECS_CONTAINER_METADATA_URI_V4=endpoint,
        )
        stop(process)
        with metadata.accept()[0]:
            process.send_signal(signal.SIGTERM)
        (home / "go").touch()
        assert Container(process).code == Outcome.DONE
