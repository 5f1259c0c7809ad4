"""What Airflow is told of an end, well or not, shows no secret of any container."""

from types import SimpleNamespace

import pytest

from aws_exec.executors import messages
from aws_exec.lifecycle import effects
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job, Termination
from tests.executors.harness import task

SIDECAR = "proxy: CannotStartContainerError: exec: --token=hunter2: no such file"


@pytest.mark.parametrize("success", [True, False])
def test_a_sidecar_that_did_not_start_is_told_without_the_secret_in_its_command_line(success):
    stop = Termination("ecs", exit_code=0 if success else 1, sidecars=(SIDECAR,))

    told = messages.report(
        effects.Report(key="key", success=success, job=Job("arn:aws:ecs:::task/x", "fleet"), stop=stop)
    )

    assert "proxy: CannotStartContainerError: exec: --token=***" in told
    assert "hunter2" not in told


def test_a_wrong_executor_config_is_told_without_the_secret_in_it():
    text = "environment: DB_PASSWORD=hunter2 is no pair"
    fault = CallFailure(FailureKind.INVALID, messages.INVALID_CONFIG, message=text)

    told = messages.call_failure(fault)

    assert "environment: DB_PASSWORD=*** is no pair" in told
    assert "hunter2" not in told


class Unreadable:
    """A workload whose task instance cannot be loaded, and the error quotes the database's URL."""

    def __init__(self, key):
        self.callback = SimpleNamespace(key=key)

    @property
    def ti(self):
        raise RuntimeError("cannot connect to postgresql://airflow:hunter2@db/airflow")


def test_a_workload_that_cannot_be_taken_in_is_told_without_the_secret_in_the_error(scheduler):
    key = task().key

    scheduler.executor._process_workloads([Unreadable(key)])
    scheduler.listen()

    assert scheduler.outcomes(key) == ["failed"]
    for told in (scheduler.info(key), scheduler.notes_of(key)):
        assert "RuntimeError: cannot connect to postgresql://***@db/airflow" in told
