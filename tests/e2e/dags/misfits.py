"""DAGs whose tasks go wrong in ways of their own, and one whose tasks wait to be let go."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from airflow.sdk import dag, get_current_context, task

PLAIN = {"catchup": False, "default_args": {"retries": 0}}


@dag(schedule=None, **PLAIN)
def bad_config():
    @task(executor_config={"command": ["rm", "-rf", "/"]})
    def with_command():
        """Never runs."""

    @task(executor_config={"overrides": {"nope": 1}})
    def with_unknown_field():
        """Never runs."""

    @task(
        executor_config={
            "overrides": {"containerOverrides": [{"environment": [{"name": "COLOUR", "value": "green"}]}]},
        },
    )
    def with_good_config():
        return os.environ["COLOUR"]

    with_command()
    with_unknown_field()
    with_good_config()


@dag(schedule=None, **PLAIN)
def killed():
    @task
    def kills_its_container():
        # The parent of a task is the container's main process.
        os.kill(os.getppid(), signal.SIGKILL)
        threading.Event().wait(60)

    kills_its_container()


@dag(schedule=None, **PLAIN)
def never_starts():
    @task
    def has_no_image():
        """Never runs."""

    has_no_image()


@dag(schedule=None, **PLAIN)
def gated():
    @task
    def waits(number):
        gate = Path(get_current_context()["dag_run"].conf["gate"])
        while not gate.exists():
            threading.Event().wait(0.1)
        return number

    waits.expand(number=[0, 1, 2, 3])


bad_config()
killed()
never_starts()
gated()
