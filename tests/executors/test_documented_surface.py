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
from aws_exec import AwsBatchExecutor, AwsEcsExecutor
from tests.executors.harness import Scheduler, task
from tests.executors.services import ECS, over_both
from tests.scripted.services import Plan

SHARED = {
    "start": "(self)",
    "check_health": "(self)",
    "sync": "(self)",
    "execute_async": "(self, key, command, queue=None, executor_config=None)",
    "end": "(self, heartbeat_interval=10)",
    "terminate": "(self)",
    "try_adopt_task_instances": "(self, tis)",
    "revoke_task": "(self, *, ti)",
    "send_message_to_task_logs": "(self, level, msg, *args, ti)",
    "change_state": "(self, key, state, info=None, remove_running=True)",
}

OWN = {
    AwsEcsExecutor: {
        "load_ecs_connection": "(self, check_connection=True)",
        "sync_running_tasks": "(self)",
        "attempt_task_runs": "(self)",
        "get_container": "(self, container_list)",
    },
    AwsBatchExecutor: {
        "load_batch_connection": "(self, check_connection=True)",
        "sync_running_jobs": "(self)",
        "attempt_submit_jobs": "(self)",
    },
}

over_classes = pytest.mark.parametrize("cls", OWN, ids=lambda cls: cls.__name__)


@pytest.mark.parametrize(
    ("cls", "name", "signature"), [(cls, *each) for cls, own in OWN.items() for each in {**SHARED, **own}.items()]
)
def test_every_documented_method_has_its_signature(cls, name, signature):
    found = inspect.signature(getattr(cls, name))
    parameters = [p.replace(annotation=inspect.Parameter.empty) for p in found.parameters.values()]
    assert str(inspect.Signature(parameters)) == signature


@over_classes
def test_the_flags_that_airflow_reads(cls):
    assert cls.supports_multi_team is True
    assert cls.supports_callbacks is True
    assert cls.pre_assigns_external_executor_id is True
    assert cls.is_local is False
    assert cls.serve_logs is False


@over_classes
def test_the_attributes_that_subclasses_may_override(cls):
    assert "ExpiredTokenException" in cls.INVALID_CREDENTIALS_EXCEPTIONS
    assert cls.CommandType
    assert cls.ExecutorConfigType
    assert AwsEcsExecutor.DESCRIBE_TASKS_BATCH_SIZE == AwsBatchExecutor.DESCRIBE_JOBS_BATCH_SIZE == 99
    assert hasattr(AwsEcsExecutor, "MAX_RUN_TASK_ATTEMPTS")
    assert hasattr(AwsBatchExecutor, "MAX_SUBMIT_JOB_ATTEMPTS")


@over_classes
def test_every_public_method_says_what_it_does(cls):
    for name in {**SHARED, **OWN[cls]}:
        assert inspect.getdoc(getattr(cls, name))


@over_classes
def test_airflow_finds_it_by_the_documented_name(cls):
    found, _ = ExecutorLoader.import_executor_cls(ExecutorName(module_path=f"aws_exec.{cls.__name__}"))
    assert found is cls
    assert cls.__name__ in aws_exec.__all__


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


@over_both
def test_the_two_halves_of_a_heartbeat_can_be_called_apart(started, aws, service):
    executor = started()
    names = (
        ("attempt_task_runs", "sync_running_tasks") if service is ECS else ("attempt_submit_jobs", "sync_running_jobs")
    )
    attempt, take_in = (getattr(executor, name) for name in names)
    scheduler = Scheduler(executor)
    workload = task()
    executor.execute_async(workload.key, [workload], "default", None)
    executor.running.add(workload.key)
    attempt()
    scheduler.until(aws.launches)
    while not scheduler.outcome(workload.key):
        take_in()
        attempt()
        scheduler.listen()


@over_both
def test_a_command_line_runs_as_it_is(started, aws):
    """What older Airflow, and tests of subclasses, hand over: a list of words."""
    executor = started()
    key = task().key
    executor.execute_async(key, ["airflow", "tasks", "run"], None, {"memory": 512})
    scheduler = Scheduler(executor)
    scheduler.until_over(key)
    (launch,) = aws.launches()
    assert launch.command == ["airflow", "tasks", "run"]


@over_both
def test_loading_the_connection_builds_anew_and_checks(started, aws, service):
    executor = started()
    load = executor.load_ecs_connection if service is ECS else executor.load_batch_connection
    before = executor._startup.setup.clients.get()
    load()
    assert executor._startup.setup.clients.get() is not before
    aws.goes_wrong(service.denied(service.check), service.check)
    load(check_connection=False)
    with pytest.raises(AirflowException, match="AccessDenied"):
        load()


def test_a_message_goes_into_the_tasks_event_log_and_its_number_is_bounded(started, caplog):
    scheduler = Scheduler(started())
    workload = task()
    for number in range(100):
        scheduler.executor.send_message_to_task_logs(logging.WARNING, "message %d", number, ti=workload.ti)
    scheduler.listen()
    entries = scheduler.entries_of(workload.key)
    assert entries[0] == "message 0"
    assert len(entries) < 50
    assert "message 99" in caplog.text


def test_the_event_log_carries_the_executors_name(started):
    executor = started()
    executor.send_message_to_task_logs(logging.INFO, "hello", ti=task().key)
    assert executor._task_event_logs[0].event == "awsexec"


def test_the_debug_dump_counts_launches_and_tells_the_story_of_those_that_wait(scheduler, aws, caplog):
    caplog.set_level(logging.INFO)
    aws.set_plan(Plan(start=None))
    key = scheduler.queue(task())
    scheduler.until(lambda: scheduler.arn(key))
    scheduler.executor.debug_dump()
    assert "launches by phase: {'starting': 1}" in caplog.text
    assert "WorkloadQueued: -> waiting" in caplog.text
    assert f"Accepted: launching -> starting; Launched {scheduler.arn(key)}" in caplog.text
