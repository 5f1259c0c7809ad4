"""DAGs whose tasks go wrong in ways of their own, on either service, and some whose tasks wait to be let go."""

from __future__ import annotations

import os
import signal
import threading
from datetime import timedelta
from pathlib import Path

from airflow.sdk import dag, get_current_context, task

PLAIN = {"catchup": False, "default_args": {"retries": 0}}
BATCH = "AwsBatchExecutor"

GREEN = [{"name": "COLOUR", "value": "green"}]


@dag(schedule=None, **PLAIN)
def bad_config():
    @task(executor_config={"command": ["rm", "-rf", "/"]})
    def with_command():
        """Never runs."""

    @task(executor_config={"overrides": {"nope": 1}})
    def with_unknown_field():
        """Never runs."""

    @task(executor_config={"overrides": {"containerOverrides": [{"environment": GREEN}]}})
    def with_good_config():
        return os.environ["COLOUR"]

    @task(executor=BATCH, executor_config={"containerOverrides": {"command": ["rm", "-rf", "/"]}})
    def batch_with_command():
        """Never runs."""

    @task(executor=BATCH, executor_config={"containerOverrides": {"nope": 1}})
    def batch_with_unknown_field():
        """Never runs."""

    @task(executor=BATCH, executor_config={"containerOverrides": {"environment": GREEN}})
    def batch_with_good_config():
        return os.environ["COLOUR"]

    several = {"taskProperties": [{"containers": [{"name": "airflow", "environment": GREEN}]}]}

    @task(
        executor=BATCH,
        executor_config={
            "jobDefinition": "awsexec-multi",
            "containerName": "airflow",
            "ecsPropertiesOverride": several,
        },
    )
    def batch_beside_a_sidecar():
        return os.environ["COLOUR"]

    with_command()
    with_unknown_field()
    with_good_config()
    batch_with_command()
    batch_with_unknown_field()
    batch_with_good_config()
    batch_beside_a_sidecar()


@dag(schedule=None, **PLAIN)
def killed():
    def kill(process):
        os.kill(process, signal.SIGKILL)
        threading.Event().wait(60)

    @task
    def on_ecs():
        """Kill the container's first process: the parent of the supervisor, which is the task's."""
        status = Path(f"/proc/{os.getppid()}/status").read_text()
        kill(int(status.partition("PPid:")[2].split()[0]))

    @task(executor=BATCH)
    def on_batch():
        """Kill Airflow's supervisor."""
        kill(os.getppid())

    on_ecs()
    on_batch()


@dag(schedule=None, **PLAIN)
def never_starts():
    @task
    def on_ecs():
        """Never runs."""

    @task(executor=BATCH)
    def on_batch():
        """Never runs."""

    on_ecs()
    on_batch()


@dag(schedule=None, **PLAIN)
def held():
    @task(executor=BATCH)
    def on_batch():
        """Runs when there is room."""

    on_batch()


@dag(schedule=None, **PLAIN)
def gated():
    def wait():
        gate = Path(get_current_context()["dag_run"].conf["gate"])
        while not gate.exists():
            threading.Event().wait(0.1)

    @task
    def on_ecs():
        wait()

    @task(executor=BATCH)
    def on_batch():
        wait()

    on_ecs()
    on_batch()


@dag(schedule=None, **PLAIN)
def outcomes():
    def fails():
        raise ValueError("table customers does not exist")

    def is_killed():
        os.kill(os.getpid(), signal.SIGABRT)

    def times_out():
        threading.Event().wait(60)

    def out_of_memory():
        return len([bytearray(1 << 20) for _ in range(2000)])

    for service, executor in (("ecs", None), ("batch", BATCH)):
        for function in (fails, is_killed, times_out, out_of_memory):
            limit = timedelta(seconds=1 if function is times_out else 60)
            name = f"{service}_{function.__name__}"
            task(task_id=name, executor=executor, execution_timeout=limit)(function)()


bad_config()
killed()
outcomes()
never_starts()
held()
gated()
