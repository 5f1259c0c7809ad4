# ruff: noqa: INP001 - a folder of DAGs is no package
"""Four tasks of a night on which much goes wrong; none of them has a retry to lose.

`orders` runs on ECS and `stock` on Batch until the file exists that the run's conf names as `until`: the demo kills the
scheduler while they run. `forecast` uses more memory than its container has. The image of `export` does not exist.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from airflow.sdk import dag, get_current_context, task

BATCH = "AwsBatchExecutor"

#: MiB; a container has 512.
TOO_MUCH = 512


def copy_table() -> None:
    """Take as long as the demo needs; no time at all without it."""
    until = (get_current_context()["dag_run"].conf or {}).get("until")
    while until and not Path(until).exists():
        time.sleep(0.2)


@task
def orders() -> None:
    """Run through the end of one scheduler and the start of the next."""
    copy_table()


@task(executor=BATCH)
def stock() -> None:
    """The same on AWS Batch."""
    copy_table()


@task(executor=BATCH)
def forecast() -> None:
    """Use too much memory; where the kernel enforces no limit, kill the process, as it would have."""
    print(f"loading {TOO_MUCH} MiB of sales")  # noqa: T201 - goes to the task's log
    bytearray(TOO_MUCH * 1024 * 1024)
    os.kill(os.getpid(), signal.SIGKILL)


@task(executor_config={"taskDefinition": "export"})
def export() -> None:
    """Never start: the image of this task definition does not exist."""


@dag(schedule=None, catchup=False, default_args={"retries": 0}, tags=["awsexec"])
def bad_night() -> None:
    """Copy two tables, forecast, export."""
    orders()
    stock()
    forecast()
    export()


bad_night()
