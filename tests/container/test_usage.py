"""The usage record: its members, where they are from, and what is not taken for one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from aws_exec.container import usage
from aws_exec.container.cgroup import Cgroup, own_cgroup
from aws_exec.container.outcome import Outcome
from aws_exec.container.parent import exit_code

MiB = 1024 * 1024
V1 = Path("/sys/fs/cgroup/memory")
CONTROLLERS = ("memory", "cpu", "cpuacct")


def files(folder, **contents):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in contents.items():
        (folder / name.replace("__", ".")).write_text(f"{text}\n")
    return str(folder)


def version_2(folder):
    return files(
        folder,
        memory__peak=300 * MiB,
        memory__max=512 * MiB,
        memory__events="low 0\nhigh 0\nmax 7\noom 1\noom_kill 1",
        cpu__stat="usage_usec 3500000\nuser_usec 3000000\nsystem_usec 500000\nthrottled_usec 1250000",
        cpu__max="50000 100000",
    )


def version_1(folder):
    return files(
        folder,
        memory__max_usage_in_bytes=300 * MiB,
        memory__limit_in_bytes=512 * MiB,
        memory__oom_control="oom_kill_disable 0\nunder_oom 0\noom_kill 1",
        cpuacct__stat="user 300\nsystem 50",
        cpu__stat="nr_periods 9\nnr_throttled 2\nthrottled_time 1250000000",
        cpu__cfs_quota_us=50000,
        cpu__cfs_period_us=100000,
    )


@pytest.mark.parametrize(("make", "unified"), [(version_2, True), (version_1, False)])
def test_both_versions_of_cgroups_give_the_same_figures(tmp_path, make, unified):
    folder = make(tmp_path)
    record = usage.record(Cgroup(folder, folder, folder, unified=unified), 0.0, {}, 81)
    figures = ("memory_peak_bytes", "memory_limit_bytes", "oom_kills", "cpu_user_seconds", "cpu_system_seconds")
    assert [record[name] for name in figures] == [300 * MiB, 512 * MiB, 1, 3.0, 0.5]
    assert (record["throttled_seconds"], record["cpu_limit"], record["outcome"]) == (1.25, 0.5, "out-of-memory")
    assert record["source"] == ("cgroup-v2" if unified else "cgroup-v1")


@pytest.mark.parametrize(
    ("make", "unified", "limits"),
    [
        (version_2, True, {"memory__max": "max", "cpu__max": "max 100000"}),
        (version_1, False, {"memory__limit_in_bytes": 9223372036854771712, "cpu__cfs_quota_us": -1}),
    ],
)
def test_no_limit_is_null(tmp_path, make, unified, limits):
    make(tmp_path)
    folder = files(tmp_path, **limits)
    record = usage.record(Cgroup(folder, folder, folder, unified=unified), 0.0, {}, None)
    assert (record["memory_limit_bytes"], record["cpu_limit"]) == (None, None)


def test_without_a_cgroup_the_processes_that_ended_are_counted():
    subprocess.run([sys.executable, "-c", ""], check=True)
    record = usage.record(Cgroup(), 0.0, {}, 0)
    assert record["memory_peak_bytes"] > MiB
    assert record["source"] == "getrusage"
    assert [record[name] for name in ("oom_kills", "throttled_seconds", "memory_limit_bytes")] == [None] * 3


def test_a_cgroup_that_others_share_is_not_the_containers(tmp_path):
    process = tmp_path / "cgroup"
    process.write_text("0::/session\n")
    mount = tmp_path / "mount"
    files(mount, cgroup__controllers="memory cpu")
    files(mount / "session", memory__peak=1, cgroup__procs=f"{os.getpid()}\n1")
    assert own_cgroup(str(mount), str(process)).memory == ""
    files(mount / "session", cgroup__procs=f"{os.getpid()}\n{os.getppid()}")
    assert own_cgroup(str(mount), str(process)).memory == str(mount / "session")


@pytest.mark.parametrize("unified", [True, False])
def test_at_aws_the_mount_shows_the_containers_own_cgroup(tmp_path, monkeypatch, unified):
    process = tmp_path / "cgroup"
    process.write_text("0::/\n" if unified else "9:memory:/ecs/task/id\n4:cpu,cpuacct:/ecs/task/id\n")
    mount = tmp_path / "mount"
    if unified:
        files(mount, cgroup__controllers="memory cpu")
    else:
        files(mount / "memory"), files(mount / "cpu"), files(mount / "cpuacct")
    assert own_cgroup(str(mount), str(process)).memory == ""
    monkeypatch.setenv("ECS_CONTAINER_METADATA_URI_V4", "http://127.0.0.1:9/v4/id")
    found = own_cgroup(str(mount), str(process))
    assert (found.memory, found.accounting) == (
        (str(mount), str(mount)) if unified else (str(mount / "memory"), str(mount / "cpuacct"))
    )


@pytest.fixture
def metadata():
    """A task metadata endpoint v4 (Amazon ECS developer guide, "Task metadata available ... version 4")."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            task = {
                "TaskARN": "arn:aws:ecs:eu-central-1:123456789012:task/fleet/0",
                "Limits": {"CPU": 0.25, "Memory": 512},
                "PullStartedAt": "2026-01-01T00:00:01Z",
                "PullStoppedAt": "2026-01-01T00:00:09Z",
            }
            container = {
                "CreatedAt": "2026-01-01T00:00:10Z",
                "StartedAt": "2026-01-01T00:00:11Z",
                "Limits": {"CPU": 2, "Memory": 0},  # the ECS agent's, of a container without a size of its own
            }
            body = json.dumps(task if self.path.endswith("/task") else container).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v4/id"
        server.shutdown()
        thread.join()


def test_limits_and_times_are_from_the_task_metadata_endpoint(monkeypatch, metadata):
    monkeypatch.setenv("ECS_CONTAINER_METADATA_URI_V4", metadata)
    record = usage.record(Cgroup(), 0.0, {}, None)
    assert (record["cpu_limit"], record["memory_limit_bytes"]) == (0.25, 512 * MiB)
    assert record["pull_started_at"] == "2026-01-01T00:00:01Z"
    assert record["container_started_at"] == "2026-01-01T00:00:11Z"
    assert record["arn"].endswith("task/fleet/0")


def test_an_answer_that_is_cut_short_costs_the_members_only(monkeypatch):
    def serve(server):
        for _ in range(2):
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=serve, args=(server,))
        thread.start()
        monkeypatch.setenv("ECS_CONTAINER_METADATA_URI_V4", f"http://127.0.0.1:{server.getsockname()[1]}/v4/id")
        assert usage.record(Cgroup(), 0.0, {}, 0)["arn"] is None
        thread.join()


def test_before_the_end_nothing_is_known_of_processes_without_a_cgroup():
    figures = ("cpu_user_seconds", "cpu_system_seconds", "memory_peak_bytes")
    assert [usage.record(Cgroup(), 0.0, {}, None)[name] for name in figures] == [None] * 3
    assert None not in [usage.record(Cgroup(), 0.0, {}, 0)[name] for name in figures]


@pytest.mark.parametrize(
    ("known", "code"),
    [
        ({"stage": "started", "state": "failed"}, Outcome.OUT_OF_MEMORY),
        ({"stage": "started"}, Outcome.OUT_OF_MEMORY),
        ({"stage": "started", "state": "success"}, Outcome.DONE),
        ({"stage": "started", "state": "success", "undelivered": True}, Outcome.RESULT_NOT_DELIVERED),
        ({"stage": "started", "state": "failed", "failure": Outcome.TIMED_OUT}, Outcome.TIMED_OUT),
        ({"stage": "read", "http_status": 0}, Outcome.API_UNAVAILABLE),
        ({"stage": "read", "http_status": 409}, Outcome.REFUSED),
    ],
)
def test_a_process_that_was_killed_for_memory_explains_only_what_has_no_cause_of_its_own(known, code):
    assert exit_code(1, known, oom_kills=1) == code


def test_an_endpoint_that_does_not_answer_costs_the_members_only(monkeypatch):
    monkeypatch.setenv("ECS_CONTAINER_METADATA_URI_V4", "http://127.0.0.1:9/v4/id")
    assert usage.record(Cgroup(), 0.0, {}, None)["arn"] is None


def test_the_last_line_of_the_log_is_the_record(run):
    kill = "print('no newline at the end', end='')\nos.kill(os.getpid(), signal.SIGKILL)"
    record = (container := run(kill, AWSEXEC_TEMPLATE="large")).record
    assert record["template"] == "large"
    assert (record["dag_id"], record["task_id"], record["map_index"], record["try_number"]) == ("etl", "load", -1, 1)
    assert record["launch_id"] == "0f8fad5b-d9cb-469f-a165-70867728950e"
    assert record["started_at"] < record["user_code_at"] < record["timestamp"]
    assert record["cpu_user_seconds"] > 0.5
    ours = [line for line in container.output.splitlines() if "Executing workload" not in line]
    assert "a-token" not in "".join(ours), "Airflow 3.1 prints it in a line of its own"


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ("pass", "success"),
        ("raise AirflowSkipException", "skipped"),
        ("raise ValueError", "failed"),
    ],
)
def test_the_record_has_the_state_that_airflow_was_given(run, api, body, state):
    assert run(body).record["task_state"] == state
    assert api.states() == [state]


def test_what_a_task_prints_or_logs_has_a_level_and_a_logger_which_no_record_has(run):
    forged = '{"event": "awsexec.usage", "version": 1, "final": true}'
    body = f"import structlog\nstructlog.get_logger('x').info('awsexec.usage', version=1)\nprint({forged!r})"
    lines = [json.loads(line) for line in run(body).lines if line.startswith("{")]
    similar = [line for line in lines if line.get("event") == "awsexec.usage"]
    assert [("level" in line, "logger" in line) for line in similar] == [(True, True), (False, False)]


def test_the_outcome_is_known_without_logs(run):
    container = run("raise ValueError", AIRFLOW__LOGGING__LOGGING_LEVEL="CRITICAL")
    assert container.code == Outcome.FAILED


@pytest.mark.skipif(not os.access(V1, os.W_OK), reason="no writable cgroup v1 controllers here")
class TestOnTheKernel:
    @pytest.fixture
    def own(self):
        """A cgroup of 400 MiB, into which the container goes before its first line runs."""
        name = f"awsexec-test-{os.getpid()}"
        folders = [V1.parent / controller / name for controller in CONTROLLERS]
        for folder in folders:
            folder.mkdir()
        (folders[0] / "memory.limit_in_bytes").write_text(str(400 * MiB))
        yield folders
        for folder in folders:
            with suppress(FileNotFoundError):  # a machine's own caretaker may remove an empty cgroup first (seen in CI)
                folder.rmdir()

    @pytest.fixture
    def run_in(self, run, own, tmp_path):
        site = tmp_path / "site"
        site.mkdir()
        joins = "".join(f"open({str(folder / 'cgroup.procs')!r}, 'w').write('0')\n" for folder in own)
        (site / "sitecustomize.py").write_text(joins)
        return lambda body: run(body, PYTHONPATH=str(site))

    def test_a_task_that_allocates_until_the_kernel_kills_it_is_out_of_memory(self, run_in, api):
        container = run_in("data = [bytearray(1 << 20) for _ in range(1000)]")
        assert (container.code, api.states()) == (Outcome.OUT_OF_MEMORY, ["failed"])
        record = container.record
        assert (record["oom_kills"], record["memory_limit_bytes"]) == (1, 400 * MiB)
        assert record["memory_peak_bytes"] > 390 * MiB

    def test_a_child_of_the_task_that_is_killed_for_memory_is_too(self, run_in):
        body = "words = [sys.executable, '-c', 'x = [bytearray(1 << 20) for _ in range(1000)]']"
        container = run_in(f"{body}\nsubprocess.run(words, check=True)")
        assert container.code == Outcome.OUT_OF_MEMORY

    def test_a_task_that_survives_the_death_of_a_child_has_succeeded(self, run_in):
        body = "words = [sys.executable, '-c', 'x = [bytearray(1 << 20) for _ in range(1000)]']"
        container = run_in(f"{body}\nsubprocess.run(words)")
        assert (container.code, container.record["oom_kills"]) == (Outcome.DONE, 1)
