"""The DAG of the crash matrix: on each service two tasks, whose user code writes down that it ran."""

from __future__ import annotations

import json
import os
import signal
import threading
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

from airflow.sdk import dag, get_current_context, task

#: Enough that a burnt try shows as a second try, not as the end.
RETRIES = {"retries": 2, "retry_delay": timedelta(seconds=1)}


def run():
    """Write down that this ran; then die, or wait for a gate, if that is asked for.

    `conf`: `ran`, a directory, gets one file for each run; `gate`, a file, is waited for; `dies`: the first try kills
    its container's main process.
    """
    context = get_current_context()
    ti, conf = context["ti"], context["dag_run"].conf
    told = {
        "task_id": ti.task_id,
        "map_index": ti.map_index,
        "try_number": ti.try_number,
        "token": os.environ.get("AWSEXEC_TOKEN", ""),
    }
    note = Path(conf["ran"]) / uuid4().hex
    note.write_text(json.dumps(told))
    note.rename(note.with_suffix(".json"))  # whole, or not there
    if conf.get("dies") and ti.try_number == 1:
        os.kill(os.getppid(), signal.SIGKILL)  # a task's parent is the container's main process
        threading.Event().wait(60)
    while "gate" in conf and not Path(conf["gate"]).exists():
        threading.Event().wait(0.1)


@dag(schedule=None, catchup=False, default_args=RETRIES)
def survives():
    @task
    def on_ecs(number):
        run()

    @task(executor="AwsBatchExecutor")
    def on_batch(number):
        run()

    on_ecs.expand(number=[0, 1])
    on_batch.expand(number=[0, 1])


survives()
