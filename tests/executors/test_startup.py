"""Starting: what refuses to, in which words, and what only warns."""

from __future__ import annotations

import socket
import threading

import pytest
from airflow.sdk.exceptions import AirflowException

from tests.executors.harness import FastClock, Scheduler, task
from tests.executors.services import BATCH, ECS, over_both
from tests.scripted.services import THROTTLES, error, expired, held, no_cluster, reset, server_error


@pytest.mark.parametrize(
    ("service", "option"),
    [(service, option) for service in (ECS, BATCH) for option in service.required],
    indirect=["service"],
    ids=str,
)
def test_a_missing_option_is_refused_by_section_name_variable_and_remedy(started, service, option):
    with pytest.raises(AirflowException) as caught:
        started(**{option: None})
    said = str(caught.value)
    for part in (service.section, option, service.variable(option), "required", "airflow.cfg"):
        assert part in said


@pytest.mark.parametrize(
    ("service", "option", "value"),
    [
        (ECS, "run_task_kwargs", "{not json"),
        (ECS, "max_run_task_attempts", "many"),
        (ECS, "capacity_provider_strategy", "FARGATE"),
        (ECS, "assign_public_ip", "perhaps"),
        (ECS, "poll_interval", "-1"),
        (ECS, "check_health_on_startup", "2"),
        (BATCH, "submit_job_kwargs", "{not json"),
        (BATCH, "max_submit_job_attempts", "many"),
        (BATCH, "max_runnable_seconds", "soon"),
        (BATCH, "poll_interval", "-1"),
    ],
    indirect=["service"],
    ids=str,
)
def test_a_malformed_option_is_refused_with_its_value_too(started, service, option, value):
    """Wrong 20: bad JSON is a raw JSONDecodeError."""
    launch_type = None if option == "capacity_provider_strategy" else "FARGATE"
    with pytest.raises(AirflowException) as caught:
        started(**{"launch_type": launch_type, option: value})
    said = str(caught.value)
    for part in (service.section, option, service.variable(option), value):
        assert part in said


def test_every_wrong_option_is_told_at_once(started):
    with pytest.raises(AirflowException) as caught:
        started(cluster=None, poll_interval="soon", assign_public_ip="perhaps")
    for option in ("cluster", "poll_interval", "assign_public_ip"):
        assert f"AIRFLOW__AWS_ECS_EXECUTOR__{option.upper()}" in str(caught.value)


@over_both
def test_it_can_be_built_without_any_option_network_or_thread(configured, aws, service, monkeypatch):
    """Wrong 22: building it needs a cluster and calls AWS, also in the API server that only wants a log."""
    configured(**dict.fromkeys(service.options))
    monkeypatch.setattr(socket.socket, "connect", None)
    before = threading.active_count()
    executor = service.executor()
    assert executor.get_task_log(None, 1) == ([], [])
    assert threading.active_count() == before
    assert aws.calls() == {}


@over_both
@pytest.mark.usefixtures("configured")
def test_an_executor_that_was_never_started_can_be_asked_everything(service):
    executor = service.executor()
    executor.sync()
    executor.heartbeat()
    executor.debug_dump()
    executor.end()
    executor.terminate()


@pytest.mark.parametrize(
    ("service", "trick", "said"),
    [
        (ECS, ECS.denied("StopTask"), "ecs:StopTask"),
        (ECS, no_cluster(), "ClusterNotFoundException"),
        (ECS, error("InvalidParameterException", "Identifier was for a different cluster"), "InvalidParameter"),
        (BATCH, BATCH.denied("DescribeJobs"), "batch:DescribeJobs"),
        (BATCH, error("ClientException", "Invalid jobs"), "ClientException"),
    ],
    indirect=["service"],
    ids=["ecs denied", "no cluster", "ecs invalid", "batch denied", "batch invalid"],
)
def test_a_definitive_answer_to_the_health_check_refuses_the_start(started, aws, service, trick, said):
    aws.goes_wrong(trick, service.check)
    with pytest.raises(AirflowException, match=said):
        started()


@over_both
@pytest.mark.parametrize(
    "trick",
    [*THROTTLES, server_error(), reset(), expired()],
    ids=lambda trick: str(trick.body["__type"] if trick.body else trick.status) + str(trick.status),
)
def test_what_may_pass_only_warns_and_launching_goes_on_once_it_has(started, aws, service, trick):
    aws.goes_wrong(trick, service.check)
    scheduler = Scheduler(started(clock=FastClock(20)))
    aws.goes_right()
    scheduler.until_over(scheduler.queue(task()))


@over_both
def test_a_service_that_does_not_answer_holds_the_start_up_no_longer_than_one_call(started, aws, service):
    aws.goes_wrong(held(3600), service.check)
    scheduler = Scheduler(started(read_timeout=0.5, clock=FastClock(20)))
    assert aws.calls() == {service.check: 1}
    aws.goes_right()
    scheduler.until_over(scheduler.queue(task()))


@over_both
def test_a_failed_health_check_never_gates_launching_later(started, aws, service):
    executor = started()
    aws.goes_wrong(service.denied(service.check), service.check, times=1)
    with pytest.raises(AirflowException, match=f"{service.name}:{service.check}"):
        executor.check_health()
    scheduler = Scheduler(executor)
    scheduler.until_over(scheduler.queue(task()))


@over_both
def test_the_health_check_is_one_call_and_can_be_switched_off(started, aws, service):
    started()
    assert aws.calls() == {service.check: 1}
    started(check_health_on_startup="False")
    assert aws.calls() == {service.check: 1}


def test_credentials_that_cannot_be_found_while_the_client_is_built_only_warn(started, aws, monkeypatch):
    """Design, section 2: missing credentials are retried in the background; so is a profile that comes later."""
    monkeypatch.setenv("AWS_PROFILE", "comes-later")
    scheduler = Scheduler(started())
    key = scheduler.queue(task())
    scheduler.rest(0.3)
    monkeypatch.delenv("AWS_PROFILE")
    scheduler.until_over(key)


@over_both
def test_without_a_region_it_is_refused_with_what_to_set(started, service, monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(AirflowException, match=service.variable("region_name")):
        started()


def test_an_executor_that_refused_to_start_leaves_no_thread_behind(started, aws):
    before = {thread.ident for thread in threading.enumerate()}
    aws.goes_wrong(no_cluster(), "StopTask")
    with pytest.raises(AirflowException):
        started()
    assert [t.name for t in threading.enumerate() if t.ident not in before and t.name.startswith("awsexec")] == []


@over_both
@pytest.mark.parametrize("timeout", ["600", "7200"])
def test_it_warns_if_tasks_on_instances_that_have_to_be_started_would_be_revoked_while_they_start(
    started, service, monkeypatch, caplog, timeout
):  # fmt: skip
    monkeypatch.setenv("AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT", timeout)
    scaling = {"launch_type": None, "capacity_provider_strategy": '[{"capacityProvider": "gpu-asg"}]'}
    started(**(scaling if service is ECS else {}))
    warned = "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT" in caplog.text
    assert warned == (timeout == "600")


def test_what_the_kwargs_lay_over_the_options_is_what_is_checked_and_warned_of(started, monkeypatch, caplog):
    monkeypatch.setenv("AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT", "600")
    strategy = '[{"capacityProvider": "gpu-asg"}]'
    executor = started(
        cluster="nowhere",
        launch_type=None,
        run_task_kwargs=f'{{"cluster": "fleet", "capacityProviderStrategy": {strategy}}}',
    )
    assert executor._startup.setup.cloud._cluster == "fleet"
    assert "capacity provider gpu-asg may have to start an instance first" in caplog.text


@over_both
def test_an_empty_conn_id_means_the_credentials_of_boto3(started):
    """What the refusal of an unresolvable connection tells users to set."""
    assert started(conn_id="")._startup.setup.options.conn_id == ""
