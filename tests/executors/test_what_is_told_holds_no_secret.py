"""What Airflow is told of an end, well or not, shows no secret of any container."""

import pytest

from aws_exec.executors import telling
from aws_exec.lifecycle import effects
from aws_exec.lifecycle.values import Job, Stop

SIDECAR = "proxy: CannotStartContainerError: exec: --token=hunter2: no such file"


@pytest.mark.parametrize("success", [True, False])
def test_a_sidecar_that_did_not_start_is_told_without_the_secret_in_its_command_line(success):
    stop = Stop("ecs", exit_code=0 if success else 1, sidecars=(SIDECAR,))

    told = telling.report(effects.Report("key", success, Job("arn:aws:ecs:::task/x", "fleet"), stop))

    assert "proxy: CannotStartContainerError: exec: --token=***" in told
    assert "hunter2" not in told
