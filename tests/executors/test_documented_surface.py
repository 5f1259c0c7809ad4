"""What the design's section 2 documents: every method and attribute, with its signature; the class flags."""

from __future__ import annotations

import inspect
import logging
import subprocess
import sys

import pytest
from airflow.executors.executor_loader import ExecutorLoader, ExecutorName
from airflow.sdk.exceptions import AirflowException

import aws_exec
from aws_exec import AwsEcsExecutor
from aws_exec.testing.scripted import Plan, denied
from tests.executors.harness import Scheduler, task

SIGNATURES = {
    "start": "(self)",
    "check_health": "(self)",
    "load_ecs_connection": "(self, check_connection=True)",
    "sync": "(self)",
    "sync_running_tasks": "(self)",
    "attempt_task_runs": "(self)",
    "execute_async": "(self, key, command, queue=None, executor_config=None)",
    "end": "(self, heartbeat_interval=10)",
    "terminate": "(self)",
    "get_container": "(self, container_list)",
    "try_adopt_task_instances": "(self, tis)",
    "revoke_task": "(self, *, ti)",
    "send_message_to_task_logs": "(self, level, msg, *args, ti)",
    "change_state": "(self, key, state, info=None, remove_running=True)",
}


@pytest.mark.parametrize(("name", "signature"), SIGNATURES.items())
def test_every_documented_method_has_its_signature(name, signature):
    found = inspect.signature(getattr(AwsEcsExecutor, name))
    parameters = [p.replace(annotation=inspect.Parameter.empty) for p in found.parameters.values()]
    assert str(inspect.Signature(parameters)) == signature


def test_the_flags_that_airflow_reads():
    assert AwsEcsExecutor.supports_multi_team is True
    assert AwsEcsExecutor.supports_callbacks is True
    assert AwsEcsExecutor.pre_assigns_external_executor_id is True
    assert AwsEcsExecutor.is_local is False
    assert AwsEcsExecutor.serve_logs is False


def test_the_attributes_that_subclasses_may_override():
    assert AwsEcsExecutor.DESCRIBE_TASKS_BATCH_SIZE == 99
    assert hasattr(AwsEcsExecutor, "MAX_RUN_TASK_ATTEMPTS")
    assert "ExpiredTokenException" in AwsEcsExecutor.INVALID_CREDENTIALS_EXCEPTIONS
    assert AwsEcsExecutor.CommandType
    assert AwsEcsExecutor.ExecutorConfigType


def test_every_public_method_says_what_it_does():
    for name in SIGNATURES:
        assert inspect.getdoc(getattr(AwsEcsExecutor, name))


def test_airflow_finds_it_by_the_documented_name():
    found, _ = ExecutorLoader.import_executor_cls(ExecutorName(module_path="aws_exec.AwsEcsExecutor"))
    assert found is AwsEcsExecutor
    assert set(aws_exec.__all__) >= {"AwsEcsExecutor"}


def test_importing_the_package_imports_neither_airflow_nor_boto3():
    code = "import aws_exec, sys; print([m for m in ('airflow', 'boto3', 'botocore') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_get_container_finds_the_airflow_container_by_name(configured):
    executor = AwsEcsExecutor()
    containers = [{"name": "log-router"}, {"name": "airflow", "memory": 1}]
    assert executor.get_container(containers) is containers[1]
    with pytest.raises(KeyError, match=r"airflow.*container_name.*log-router"):
        executor.get_container(containers[:1])
    with pytest.raises(KeyError, match="none"):
        executor.get_container([])


def test_the_two_halves_of_a_beat_can_be_called_apart(started, aws):
    executor = started()
    scheduler = Scheduler(executor)
    workload = task()
    executor.execute_async(workload.key, [workload], "default", None)
    executor.running.add(workload.key)
    executor.attempt_task_runs()
    scheduler.until(aws.launches)
    while not scheduler.outcome(workload.key):
        executor.sync_running_tasks()
        executor.attempt_task_runs()
        scheduler.listen()


def test_a_command_line_runs_as_it_is(started, aws):
    """What older Airflow, and tests of subclasses, hand over: a list of words."""
    executor = started()
    key = task().key
    executor.execute_async(key, ["airflow", "tasks", "run"], None, {"memory": 512})
    scheduler = Scheduler(executor)
    scheduler.until_over(key)
    (launch,) = aws.launches()
    assert launch.command == ["airflow", "tasks", "run"]


def test_load_ecs_connection_builds_anew_and_checks(started, aws):
    executor = started()
    before = executor._clients.get()
    executor.load_ecs_connection()
    assert executor._clients.get() is not before
    aws.goes_wrong(denied("StopTask"), "StopTask")
    executor.load_ecs_connection(check_connection=False)
    with pytest.raises(AirflowException, match="AccessDenied"):
        executor.load_ecs_connection()


def test_a_message_goes_into_the_tasks_event_log_and_its_number_is_bounded(started, caplog):
    scheduler = Scheduler(started())
    key = task().key
    for number in range(100):
        scheduler.executor.send_message_to_task_logs(logging.WARNING, "message %d", number, ti=key)
    scheduler.listen()
    entries = scheduler.notes_of(key).splitlines()
    assert entries[0] == "message 0"
    assert len(entries) < 50
    assert "message 99" in caplog.text


def test_the_event_log_carries_the_executors_name(started):
    executor = started()
    executor.send_message_to_task_logs(logging.INFO, "hello", ti=task().key)
    assert executor._task_event_logs[0].event == "awsexec"


def test_the_debug_dump_counts_launches(scheduler, aws, caplog):
    caplog.set_level(logging.INFO)
    aws.set_plan(Plan(run=None))
    key = scheduler.queue(task())
    scheduler.until(lambda: scheduler.arn(key))
    scheduler.executor.debug_dump()
    assert "'active': 1" in caplog.text
