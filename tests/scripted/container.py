"""A container of a task as a process, on a scripted Execution API; for tests and the benchmark."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aws_exec.local import pid1
from tests.scripted.execution_api import ScriptedExecutionApi

_PID1 = Path(pid1.__file__)

_DAG = """
import os, signal, subprocess, sys, time
from datetime import datetime, timedelta
from airflow.sdk import dag, task
try:
    from airflow.sdk.exceptions import AirflowException, AirflowSkipException
except ImportError:  # Airflow 3.1
    from airflow.exceptions import AirflowException, AirflowSkipException

@dag(schedule=None, start_date=datetime(2026, 1, 1))
def etl():
    @task(execution_timeout=timedelta(seconds={timeout}))
    def load():
{body}
    load()

etl()
"""


def write_dag(home: Path, body: str = "pass", timeout: int = 60) -> None:
    """Write the DAG `etl`, whose one task `load` has this body, into the DAG bundle of an Airflow home."""
    lines = "\n".join("        " + line for line in body.splitlines())
    (home / "dags").mkdir(exist_ok=True)
    (home / "dags" / "etl.py").write_text(_DAG.format(body=lines, timeout=timeout))


class ContainerProcess(subprocess.Popen[str]):
    """A process with what it leaves behind in one container, as the emulator has it: all of it ends with the first."""

    def __init__(self, words: Sequence[str], **named: Any) -> None:
        held, self._lifeline = os.pipe()
        super().__init__([sys.executable, "-I", "-S", str(_PID1), "--", *words], stdin=held, text=True, **named)
        os.close(held)

    def end(self) -> None:
        """Kill what still runs of it."""
        os.close(self._lifeline)
        self.communicate()


def start_container(
    home: Path, api: ScriptedExecutionApi, words: Sequence[str], python: str = sys.executable, **environment: str
) -> ContainerProcess:
    """Run the command of a container of `etl.load` with its output in a pipe."""
    return ContainerProcess(
        [str(python), *words[1:]],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=home,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": api.url,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW_IS_EXECUTOR_CONTAINER": "true",
            "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "1",
            "AWSEXEC_TOKEN": "0f8fad5b-d9cb-469f-a165-70867728950e-1",
            "AWSEXEC_DEPLOYMENT": "test",
            "AWSEXEC_DAG_ID": "etl",
            "AWSEXEC_TASK_ID": "load",
            "AWSEXEC_MAP_INDEX": "-1",
            "AWSEXEC_TRY_NUMBER": "1",
            **environment,
        },
    )


def text_of(workload: Any) -> str:
    """The workload as the scheduler writes it into the command, with a token."""
    return str(workload.model_copy(update={"token": "a-token"}).model_dump_json())
