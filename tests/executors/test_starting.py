"""Starting: what refuses to, in which words, and what only warns."""

from __future__ import annotations

import socket
import threading

import pytest
from airflow.sdk.exceptions import AirflowException

from aws_exec import AwsEcsExecutor
from aws_exec.testing.scripted import THROTTLES, denied, error, expired, no_cluster, reset, server_error
from tests.executors.harness import FastClock, Scheduler, task


@pytest.mark.parametrize("option", ["cluster", "container_name", "task_definition"])
def test_a_missing_option_is_refused_by_section_name_variable_and_remedy(started, option):
    with pytest.raises(AirflowException) as caught:
        started(**{option: None})
    said = str(caught.value)
    for part in ("aws_ecs_executor", option, f"AIRFLOW__AWS_ECS_EXECUTOR__{option.upper()}", "required", "airflow.cfg"):
        assert part in said


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("run_task_kwargs", "{not json"),
        ("max_run_task_attempts", "many"),
        ("capacity_provider_strategy", "FARGATE"),
        ("assign_public_ip", "perhaps"),
        ("poll_interval", "-1"),
        ("check_health_on_startup", "2"),
    ],
)
def test_a_malformed_option_is_refused_with_its_value_too(started, option, value):
    """Wrong 20: bad JSON is a raw JSONDecodeError."""
    launch_type = None if option == "capacity_provider_strategy" else "FARGATE"
    with pytest.raises(AirflowException) as caught:
        started(**{"launch_type": launch_type, option: value})
    said = str(caught.value)
    for part in ("aws_ecs_executor", option, f"AIRFLOW__AWS_ECS_EXECUTOR__{option.upper()}", value):
        assert part in said


def test_every_wrong_option_is_told_at_once(started):
    with pytest.raises(AirflowException) as caught:
        started(cluster=None, poll_interval="soon", assign_public_ip="perhaps")
    for option in ("cluster", "poll_interval", "assign_public_ip"):
        assert f"AIRFLOW__AWS_ECS_EXECUTOR__{option.upper()}" in str(caught.value)


def test_it_can_be_built_without_any_option_network_or_thread(configured, aws, monkeypatch):
    """Wrong 22: building it needs a cluster and calls AWS, also in the API server that only wants a log."""
    configured(**dict.fromkeys(("cluster", "container_name", "task_definition", "launch_type", "subnets")))
    monkeypatch.setattr(socket.socket, "connect", None)
    before = threading.active_count()
    executor = AwsEcsExecutor()
    assert executor.get_task_log(None, 1) == ([], [])
    assert threading.active_count() == before
    assert aws.calls() == {}


def test_an_executor_that_was_never_started_can_be_asked_everything(configured):
    executor = AwsEcsExecutor()
    executor.sync()
    executor.heartbeat()
    executor.debug_dump()
    executor.end()
    executor.terminate()


@pytest.mark.parametrize(
    ("trick", "said"),
    [
        (denied("StopTask"), "ecs:StopTask"),
        (no_cluster(), "ClusterNotFoundException"),
        (error("InvalidParameterException", "Identifier was for a different cluster"), "InvalidParameterException"),
    ],
    ids=["denied", "no cluster", "invalid"],
)
def test_a_definitive_answer_to_the_health_check_refuses_the_start(started, aws, trick, said):
    aws.goes_wrong(trick, "StopTask")
    with pytest.raises(AirflowException, match=said):
        started()


@pytest.mark.parametrize(
    "trick",
    [*THROTTLES, server_error(), reset(), expired()],
    ids=lambda trick: str(trick.body["__type"] if trick.body else trick.status) + str(trick.status),
)
def test_what_may_pass_only_warns_and_launching_goes_on_once_it_has(started, aws, trick):
    aws.goes_wrong(trick, "StopTask")
    scheduler = Scheduler(started(clock=FastClock(20)))
    aws.goes_right()
    scheduler.until_over(scheduler.queue(task()))


def test_a_failed_health_check_never_gates_launching_later(started, aws):
    executor = started()
    aws.goes_wrong(denied("StopTask"), "StopTask")
    with pytest.raises(AirflowException, match="ecs:StopTask"):
        executor.check_health()
    scheduler = Scheduler(executor)
    scheduler.until_over(scheduler.queue(task()))


def test_the_health_check_is_one_stop_task_and_can_be_switched_off(started, aws):
    started()
    assert aws.calls() == {"StopTask": 1}
    started(check_health_on_startup="False")
    assert aws.calls() == {"StopTask": 1}


def test_credentials_that_cannot_be_found_while_the_client_is_built_only_warn(started, aws, monkeypatch):
    """Design, section 2: missing credentials are retried in the background; so is a profile that comes later."""
    monkeypatch.setenv("AWS_PROFILE", "comes-later")
    scheduler = Scheduler(started())
    key = scheduler.queue(task())
    scheduler.rest(0.3)
    monkeypatch.delenv("AWS_PROFILE")
    scheduler.until_over(key)


def test_without_a_region_it_is_refused_with_what_to_set(started, monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(AirflowException, match="AIRFLOW__AWS_ECS_EXECUTOR__REGION_NAME"):
        started()


def test_an_executor_that_refused_to_start_leaves_no_thread_behind(started, aws):
    before = {thread.ident for thread in threading.enumerate()}
    aws.goes_wrong(no_cluster(), "StopTask")
    with pytest.raises(AirflowException):
        started()
    assert [t.name for t in threading.enumerate() if t.ident not in before and t.name.startswith("awsexec")] == []


@pytest.mark.parametrize("timeout", ["600", "7200"])
def test_it_warns_if_tasks_on_a_scaling_provider_would_be_revoked_while_they_start(
    started, monkeypatch, caplog, timeout
):
    monkeypatch.setenv("AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT", timeout)
    started(launch_type=None, capacity_provider_strategy='[{"capacityProvider": "gpu-asg"}]')
    warned = "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT" in caplog.text
    assert warned == (timeout == "600")


def test_an_empty_conn_id_means_the_credentials_of_boto3(started):
    """What the refusal of an unresolvable connection tells users to set."""
    assert started(conn_id="")._options.conn_id == ""
