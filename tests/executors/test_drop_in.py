"""The drop-in contract, ECS part (design, section 7): a user changes only `executor =`.

The request itself is compared with the amazon provider's in `tests/settings/test_drop_in.py`; connections are in
`tests/clouds`; jobs in flight are in `test_adoption.py`.
"""

from __future__ import annotations

import pytest

from aws_exec import AwsEcsExecutor
from aws_exec.testing.scripted import BY_HAND, ScriptedEcs, denied, error
from tests.executors.harness import FastClock, Scheduler, task

TAGGING = error(
    "AccessDeniedException",
    "User: arn:aws:iam::123456789012:user/airflow is not authorized to perform: ecs:TagResource on resource: * because "
    "no identity-based policy allows the ecs:TagResource action",
)


def run_one(scheduler, workload=None):
    workload = workload or task()
    scheduler.until_over(scheduler.queue(workload))
    return workload.key


def test_the_iam_actions_of_the_amazon_providers_executor_suffice(started, aws, caplog):
    """Without the right to tag, list or describe clusters everything runs, and each is said once."""
    scheduler = Scheduler(started(launch_type=None))
    aws.goes_wrong(TAGGING, "RunTask", only_with="tags")
    aws.goes_wrong(denied("ListTasks"), "ListTasks")
    aws.goes_wrong(denied("DescribeClusters"), "DescribeClusters")
    keys = [run_one(scheduler, task(f"task-{number}")) for number in range(3)]
    assert [scheduler.outcomes(key) for key in keys] == [["success"]] * 3
    assert all(not launch.tags for launch in aws.launches())
    assert all(launch.environment["AWSEXEC_TASK_ID"] for launch in aws.launches())
    assert caplog.text.count("Tagging is denied") == 1
    assert set(aws.calls()) <= {"RunTask", "StopTask", "DescribeTasks", "DescribeClusters"}


def test_tags_with_characters_that_aws_refuses_are_made_fit(scheduler, aws):
    run_one(scheduler, task("load", run_id="manual__<2026>|*" + "x" * 240))
    (launch,) = aws.launches()
    assert len(launch.tags["awsexec:run-id"]) <= 256
    assert not set("<>|*") & set(launch.tags["awsexec:run-id"])


def test_the_container_is_told_that_it_is_an_executors(scheduler, aws):
    run_one(scheduler)
    (launch,) = aws.launches()
    assert launch.environment["AIRFLOW_IS_EXECUTOR_CONTAINER"] == "true"


def test_the_command_is_the_amazon_providers(scheduler, aws):
    run_one(scheduler)
    (launch,) = aws.launches()
    module = "airflow.sdk.execution_time.execute_workload"
    assert list(launch.command[:-1]) == ["python", "-m", module, "--json-string"]


def test_without_launch_type_or_strategy_fargate_is_chosen_off_the_beat(started, aws):
    scheduler = Scheduler(started(launch_type=None))
    assert aws.calls()["DescribeClusters"] == 0
    aws.set_latency(0.3)
    key = scheduler.queue(task())
    scheduler.beat()
    aws.set_latency(0)
    scheduler.until_over(key)
    run_one(scheduler, task("second"))
    assert [launch.request["launchType"] for launch in aws.launches()] == ["FARGATE"] * 2
    assert aws.calls()["DescribeClusters"] == 1
    assert max(scheduler.beats[1:]) < 0.2


class TestOnAClusterWithAStrategyOfItsOwn:
    @pytest.fixture
    def aws(self):
        with ScriptedEcs(strategies={"fleet": [{"capacityProvider": "asg", "weight": 1}]}) as aws:
            yield aws

    def test_that_is_left_to_decide(self, started, aws):
        run_one(Scheduler(started(launch_type=None)))
        (launch,) = aws.launches()
        assert "launchType" not in launch.request
        assert "capacityProviderStrategy" not in launch.request


def test_a_failing_look_up_of_the_cluster_delays_launches_and_loses_none(started, aws):
    scheduler = Scheduler(started(launch_type=None, clock=FastClock(5)))
    aws.goes_wrong(error("ServerException", status=500), "DescribeClusters", times=2)
    key = run_one(scheduler)
    assert scheduler.outcomes(key) == ["success"]


def test_unknown_queues_mean_nothing(scheduler, aws):
    key = run_one(scheduler, task(queue="a-celery-queue"))
    assert scheduler.outcomes(key) == ["success"]


def test_executor_config_with_another_cluster_is_watched_and_stopped_there(scheduler, aws):
    """Wrong 6: it is described on the configured cluster: MISSING, three launches, failure."""
    aws.set_plan(BY_HAND)
    key = scheduler.queue(task(executor_config={"cluster": "elsewhere"}))
    scheduler.until(lambda: scheduler.arn(key))
    (launch,) = aws.launches()
    assert launch.place == "elsewhere"
    aws.start(launch.arn)
    aws.exit(launch.arn)
    aws.end(launch.arn)
    scheduler.until_over(key)
    assert scheduler.outcomes(key) == ["success"]
    key = scheduler.queue(task("second", executor_config={"cluster": "elsewhere"}))
    scheduler.until(lambda: scheduler.arn(key))
    scheduler.executor.fail(key)
    scheduler.until(aws.stops)


def test_executor_config_merges_by_container_name_and_the_dictionary_stays_as_it_was(scheduler, aws):
    """Wrong 21: lists replace the base list; the user's dictionary is mutated."""
    config = {"overrides": {"containerOverrides": [{"memory": 1024}]}}
    run_one(scheduler, task(executor_config=config))
    (launch,) = aws.launches()
    assert launch.container["name"] == "airflow"
    assert launch.container["memory"] == 1024
    assert launch.command
    assert config == {"overrides": {"containerOverrides": [{"memory": 1024}]}}


def test_options_mean_what_they_say(started, aws):
    """Wrong 20: a strategy sent as a string, `True` only, the space in "s1, s2"."""
    strategy = '[{"capacityProvider": "FARGATE_SPOT", "weight": 1}]'
    options = {"launch_type": None, "capacity_provider_strategy": strategy}
    scheduler = Scheduler(started(**options, subnets="s1, s2", assign_public_ip="yes"))
    run_one(scheduler)
    (launch,) = aws.launches()
    assert launch.request["capacityProviderStrategy"] == [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]
    awsvpc = launch.request["networkConfiguration"]["awsvpcConfiguration"]
    assert awsvpc == {"subnets": ["s1", "s2"], "assignPublicIp": "ENABLED"}


def test_run_task_kwargs_may_choose_ec2(started, aws):
    """Wrong 20: `run_task_kwargs` with `launchType: EC2` becomes FARGATE."""
    scheduler = Scheduler(started(launch_type=None, run_task_kwargs='{"launchType": "EC2", "tags": {"team": "risk"}}'))
    run_one(scheduler)
    (launch,) = aws.launches()
    assert launch.request["launchType"] == "EC2"
    assert launch.tags["team"] == "risk"


def test_a_teams_executor_reads_the_teams_options_only(configured, aws, monkeypatch):
    for option, value in {"cluster": "theirs", "container_name": "main", "task_definition": "team:1"}.items():
        monkeypatch.setenv(f"AIRFLOW__RISK___AWS_ECS_EXECUTOR__{option.upper()}", value)
    executor = AwsEcsExecutor(parallelism=10, team_name="risk")
    executor.job_id = 1
    executor.start()
    scheduler = Scheduler(executor)
    scheduler.queue(task())
    scheduler.until(aws.launches)
    executor.end()
    (launch,) = aws.launches()
    assert (launch.place, launch.container["name"], launch.request["taskDefinition"]) == ("theirs", "main", "team:1")
    assert "networkConfiguration" not in launch.request, "the global subnets are not the team's"
