"""Tasks in another language: Airflow's coordinator starts their runtime, which speaks with the supervisor over TCP."""

from __future__ import annotations

import json

import pytest

from aws_exec.container.outcome import Outcome

pytestmark = pytest.mark.containers

pytest.importorskip("airflow.sdk.coordinators._subprocess", reason="Airflow before 3.3 has no coordinators")

_COORDINATOR = """
import sys
from airflow.sdk.coordinators._subprocess import SubprocessCoordinator

class Coordinator(SubprocessCoordinator):
    def _build_execute_task_command(self, *, what):
        return [sys.executable, {runtime!r}], None
"""
#: As much of a runtime as it takes: frames are a length of four bytes and [id, body] in MessagePack.
_RUNTIME = """
import os, signal, socket, sys, time
import msgspec

comm, logs = (socket.create_connection(word.partition("=")[2].split(":")) for word in sys.argv[1:])

def receive():
    length = int.from_bytes(comm.recv(4, socket.MSG_WAITALL), "big")
    return msgspec.msgpack.decode(comm.recv(length, socket.MSG_WAITALL))

def send(number, body):
    frame = msgspec.msgpack.encode([number, body])
    comm.sendall(len(frame).to_bytes(4, "big") + frame)
    receive()

assert receive()[1]["type"] == "StartupDetails"
print("runs", flush=True)
{end}
"""
_SUCCEED = 'send(1, {"type": "SucceedTask", "state": "success", "end_date": "2026-01-01T00:00:00Z"})'


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        (_SUCCEED, Outcome.DONE),
        ('send(1, {"type": "TaskState", "state": "failed", "end_date": None})', Outcome.FAILED),
        ("sys.exit(3)", Outcome.FAILED),
        ("os.kill(os.getpid(), signal.SIGKILL)", Outcome.KILLED),
    ],
)
def test_the_exit_code_is_the_outcome_there_too_and_no_second_is_lost(run, api, tmp_path, end, outcome):
    runtime = tmp_path / "runtime.py"
    runtime.write_text(_RUNTIME.replace("{end}", end))
    site = tmp_path / "site"
    site.mkdir()
    (site / "other_language.py").write_text(_COORDINATOR.format(runtime=str(runtime)))
    container = run(
        PYTHONPATH=str(site),
        AIRFLOW__SDK__COORDINATORS=json.dumps({"other": {"classpath": "other_language.Coordinator"}}),
        AIRFLOW__SDK__QUEUE_TO_COORDINATOR=json.dumps({"default": "other"}),
        AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL="30",
    )
    states = ["success" if outcome is Outcome.DONE else "failed"]
    assert (container.code, api.states()) == (outcome, states), container.output
    assert container.record["outcome"] == outcome.label
    assert container.ended - api.over < 15
