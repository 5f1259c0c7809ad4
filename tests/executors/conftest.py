"""An executor on a scripted ECS, configured as a user would: through Airflow's configuration and the environment."""

from __future__ import annotations

import gc
import logging

import pytest

from aws_exec import AwsEcsExecutor
from aws_exec.testing.scripted import ScriptedEcs
from tests.executors.harness import Scheduler

#: What a plain deployment says.
OPTIONS = {
    "cluster": "fleet",
    "container_name": "airflow",
    "task_definition": "airflow:7",
    "launch_type": "FARGATE",
    "subnets": "subnet-1,subnet-2",
    "launch_rate": "1000",
    "launch_burst": "1000",
    "describe_rate": "1000",
    "poll_interval": "0.05",
    "shutdown_timeout": "0",
}


def configure(monkeypatch, url, **options):
    """Say so in the environment; an option of None is not set."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECS", url)
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://")
    # A busy machine may stop a test for seconds; tests of what a stalled scheduler does set it themselves.
    monkeypatch.setenv("AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD", "900")
    for name, value in {**OPTIONS, **options}.items():
        variable = f"AIRFLOW__AWS_ECS_EXECUTOR__{name.upper()}"
        if value is None:
            monkeypatch.delenv(variable, raising=False)
        else:
            monkeypatch.setenv(variable, str(value))


@pytest.fixture
def ecs():
    with ScriptedEcs() as ecs:
        yield ecs


@pytest.fixture
def url(ecs):
    """Of the ECS that executors talk to."""
    return ecs.url


@pytest.fixture
def configured(monkeypatch, url):
    """Set options; what is not named is as in OPTIONS."""

    def configured(**options):
        configure(monkeypatch, url, **options)

    configured()
    return configured


@pytest.fixture
def started(configured):
    """Start an executor with these options; it is closed when the test ends."""
    executors = []

    def started(cls=None, *, clock=None, renewal=(0.05, 0.2), **options):
        configured(**options)
        kind = cls or AwsEcsExecutor
        kind = type(kind.__name__, (kind,), {"CREDENTIALS_RENEWAL": renewal})
        executor = kind(parallelism=10_000, **({"clock": clock} if clock else {}))
        executor.job_id = 1
        executor._log = logging.getLogger("aws_exec.executor")  # Airflow's own goes past caplog
        executors.append(executor)
        executor.start()
        return executor

    yield started
    for executor in executors:
        if executor._dispatcher is not None:
            executor._dispatcher.close(0)


@pytest.fixture
def scheduler(started):
    """A scheduler with a plain executor."""
    return Scheduler(started())


@pytest.fixture
def no_old_garbage():
    """What the other tests have left is not collected in a time that is measured."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
