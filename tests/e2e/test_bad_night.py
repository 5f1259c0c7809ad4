"""Act two of the demo: the scheduler is killed, a task runs out of memory, an image does not exist."""

import io
import time

import pytest
from rich.console import Console

from aws_exec.local.demo import act_two, plan
from aws_exec.local.demo.screen import Screen
from aws_exec.local.demo.stage import Stage
from awsexec_cli.commands.demo import explain

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def played(aws, airflow):
    """What it finds wrong, and prints."""
    airflow.wait_for_dag(plan.BAD_NIGHT)
    console = Console(file=io.StringIO(), force_terminal=False)
    stage = Stage(Screen(console), aws, airflow, explain, timeout=200, max_containers=3, began=time.monotonic())
    return act_two.play(stage), console.file.getvalue()


def test_all_of_it_goes_as_planned(played):
    wrong, _ = played

    assert wrong == []


def test_tasks_outlive_the_scheduler_that_started_them(aws, played):
    _, printed = played
    launches = {
        one.identity["AWSEXEC_TASK_ID"]: one for one in aws.ledger() if one.identity["AWSEXEC_DAG_ID"] == plan.BAD_NIGHT
    }

    assert {name: launches[name].exit_code for name in plan.RUNNING} == {"orders": 0, "stock": 0}
    assert "kill -9: the scheduler is dead" in printed
    assert "orders and stock succeeded on their first try, in the containers that they started in." in printed


def test_each_failure_is_explained_as_awsexec_explain_does(aws, played):
    _, printed = played
    memory = (
        "A signal ended the task's process."
        if aws.limits_problem
        else "The container used more memory than it was given, and was killed."
    )

    for said in ("bad_night/forecast@", memory, "bad_night/export@", "docker.io/acme/export:2.8: not found"):
        assert said in printed
