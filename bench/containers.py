"""How long a task's container takes to start its task, and to end after it: Airflow's command and ours."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from aws_exec.container.bootstrap import airflow_command, entry_command
from bench.spec import AMAZON, Run
from tests.executors.harness import task
from tests.scripted.container import start_container, text_of, write_dag
from tests.scripted.execution_api import ScriptedExecutionApi

#: Seconds that a container may take.
_PATIENCE = 120.0


def container(run: Run) -> dict[str, Any]:
    """Run so many containers, one after the other, whose task does nothing."""
    command = airflow_command if run.implementation == AMAZON else entry_command
    starts, ends = [], []
    with tempfile.TemporaryDirectory(prefix="awsexec-bench-") as directory, ScriptedExecutionApi() as api:
        home = Path(directory)
        write_dag(home)
        for _ in range(run.parameters["containers"]):
            api.running.clear()
            begin = time.monotonic()
            process = start_container(home, api, command(text_of(task())))
            api.running.wait(_PATIENCE)
            starts.append(time.monotonic() - begin)
            process.communicate(timeout=_PATIENCE)
            ends.append(time.monotonic() - (api.over or begin))
            process.end()
    return {
        # The fastest: what another process took is not ours.
        "start_seconds": round(min(starts), 3),
        "end_seconds": round(statistics.median(ends), 3),
        "containers": len(starts),
    }
