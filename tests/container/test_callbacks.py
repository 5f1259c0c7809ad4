"""Callbacks in containers: they have no row, so the exit code is all that anybody learns."""

from __future__ import annotations

import signal

import pytest

from aws_exec.container.outcome import Outcome
from tests.container.conftest import Container
from tests.executors.harness import callback
from tests.executors.versions import needs_callbacks

pytestmark = needs_callbacks

_MODULE = "import os, signal\n\ndef late(**_):\n    {}\n"


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("print('late')", Outcome.DONE),
        ("raise ValueError('no such channel')", Outcome.FAILED),
        ("os.kill(os.getpid(), signal.SIGKILL)", Outcome.KILLED),
    ],
)
def test_the_exit_code_is_the_outcome(run, home, body, outcome):
    (home / "dags" / "alerts.py").write_text(_MODULE.format(body))
    workload = callback()
    container = run(workload=workload, AWSEXEC_CALLBACK_ID=workload.callback.id, AWSEXEC_DAG_ID="")
    assert container.code == outcome, container.output
    assert (container.record["callback_id"], container.record["dag_id"]) == (workload.callback.id, None)


def test_a_stopped_container_passes_the_signal_on(start, home):
    body = "signal.signal(signal.SIGTERM, signal.SIG_DFL); print('runs', flush=True); signal.pause()"
    (home / "dags" / "alerts.py").write_text(_MODULE.format(body))
    process = start(workload=callback())
    next(line for line in process.stdout if "runs" in line)
    process.send_signal(signal.SIGTERM)
    assert Container(process).code == Outcome.KILLED
