"""`awsexec demo` ends with one line, a documented exit code, and no process left."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from awsexec_cli.exit_codes import Exit
from tests.cli.helpers import AWSEXEC
from tests.tree import ROOT

#: Said when the first process of Airflow has been started.
MIGRATING = "Creating Airflow's database"


@contextmanager
def demo(directory: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A demo whose files, and every process of which, can be recognised by a directory."""
    with subprocess.Popen(
        [*AWSEXEC, "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(directory)},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], marker: str) -> None:
    assert any(marker in line for line in process.stdout), f"it ended before saying {marker!r}"


def processes_of(directory: Path) -> list[int]:
    """Every process that has, or inherited, the directory in its environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        if f"TMPDIR={directory}\0".encode() in environment:
            found.append(int(entry.name))
    return found


def wait_until(condition: Callable[[], object], timeout: float = 30) -> None:
    """Look again until it is so: the processes are nobody's children, there is nothing to wait on."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "not so in time"
        threading.Event().wait(0.05)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGKILL, -signal.SIGKILL)],
)
def test_a_signal_leaves_no_process(tmp_path, number, code):
    with demo(tmp_path) as process:
        read_until(process, MIGRATING)
        wait_until(lambda: len(processes_of(tmp_path)) > 1)
        process.send_signal(number)

        assert process.wait(30) == code
        wait_until(lambda: processes_of(tmp_path) == [])
    if number != signal.SIGKILL:
        assert list(tmp_path.iterdir()) == []


def test_ctrl_c_is_told_in_one_line(tmp_path):
    with demo(tmp_path) as process:
        read_until(process, MIGRATING)
        process.send_signal(signal.SIGINT)

        assert process.communicate(timeout=30)[1] == "interrupted; nothing is left running\n"


def test_an_airflow_that_is_killed_is_told_in_one_line_and_its_log_is_kept(tmp_path):
    def migration() -> list[int]:
        return [
            pid
            for pid in processes_of(tmp_path)
            if b"airflow\0db\0migrate" in (words := Path(f"/proc/{pid}/cmdline").read_bytes()) and b"pid1" not in words
        ]

    with demo(tmp_path) as process:
        read_until(process, MIGRATING)
        wait_until(migration)
        os.kill(migration()[0], signal.SIGKILL)
        said = process.communicate(timeout=30)[1]

    assert process.returncode == Exit.FAILED
    assert said.startswith("error: Airflow's db-migrate was killed (exit code 137); its log is ")
    log = said.splitlines()[0].rpartition(" ")[2]
    assert Path(log).is_file()
    assert processes_of(tmp_path) == []


def test_too_little_time_is_told_and_is_exit_124(tmp_path):
    with demo(tmp_path, "--timeout", "2") as process:
        said = process.communicate(timeout=60)[1]

    assert process.returncode == Exit.TIMED_OUT
    assert "gave up after 2 s" in said
    assert said.count("\n") == 1
    assert processes_of(tmp_path) == []


def test_a_port_in_use_is_an_error_with_a_hint(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with demo(tmp_path, "--port", str(port)) as process:
            said = process.communicate(timeout=60)[1]

    assert process.returncode == Exit.USAGE
    assert said.startswith(f"error: cannot listen on port {port}: Address already in use\nhint: ")
    assert said.count("\n") == 2
    assert processes_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
