"""The drop-in contract (design, section 7): a user changes only `executor =`.

The requests themselves are compared with the Amazon provider's in `tests/settings/test_drop_in*.py`; connections are in
`tests/clouds`; jobs in flight are in `test_adoption.py`, teams in `test_teams.py`.
"""

from __future__ import annotations

import json
import re

import pytest

from tests.executors.harness import FastClock, Scheduler, task
from tests.executors.services import over_batch, over_both
from tests.scripted.services import BY_HAND, Plan, ScriptedEcs, error


def run_one(scheduler, workload=None):
    workload = workload or task()
    scheduler.until_over(scheduler.queue(workload))
    return workload.key


@over_both
def test_the_iam_actions_of_the_amazon_providers_executor_suffice(started, aws, service, caplog):
    """Without the right to tag, list or describe clusters everything runs, and each is said once."""
    scheduler = Scheduler(started(launch_type=None))
    aws.goes_wrong(service.tagging_denied, service.launch, only_with="tags")
    aws.goes_wrong(service.denied(service.list), service.list)
    aws.goes_wrong(service.denied("DescribeClusters"), "DescribeClusters")
    keys = [run_one(scheduler, task(f"task-{number}")) for number in range(3)]
    assert [scheduler.outcomes(key) for key in keys] == [["success"]] * 3
    assert all(not launch.tags for launch in aws.launches())
    assert all(launch.environment["AWSEXEC_TASK_ID"] for launch in aws.launches())
    assert caplog.text.count("Tagging is denied") == 1
    assert len(re.findall(r"Listing \w+ is denied", caplog.text)) == 1  # the listing of the fleet asks at start
    assert set(aws.calls()) <= {service.launch, service.stop, service.describe, service.list, "DescribeClusters"}


@over_both
def test_tags_with_characters_that_aws_refuses_are_made_fit(scheduler, aws):
    run_one(scheduler, task("load", run_id="manual__<2026>|*" + "x" * 240))
    (launch,) = aws.launches()
    assert len(launch.tags["awsexec:run-id"]) <= 256
    assert not set("<>|*") & set(launch.tags["awsexec:run-id"])


@over_both
def test_the_container_is_told_that_it_is_an_executors(scheduler, aws):
    run_one(scheduler)
    (launch,) = aws.launches()
    assert launch.environment["AIRFLOW_IS_EXECUTOR_CONTAINER"] == "true"


@over_both
def test_the_command_ends_as_the_amazon_providers(scheduler, aws):
    run_one(scheduler)
    (launch,) = aws.launches()
    program, option, entry, *words = launch.command[:-1]
    assert (program, option, words) == ("python", "-c", ["--json-string"])
    assert len(entry) <= 250
    json.loads(launch.command[-1])


@over_both
def test_without_the_containers_entry_the_command_is_the_amazon_providers(started, aws):
    run_one(Scheduler(started(container_entry=False)))
    (launch,) = aws.launches()
    module = "airflow.sdk.execution_time.execute_workload"
    assert list(launch.command[:-1]) == ["python", "-m", module, "--json-string"]


def test_without_launch_type_or_strategy_fargate_is_chosen_off_the_heartbeat(started, aws):
    scheduler = Scheduler(started(launch_type=None))
    assert aws.calls()["DescribeClusters"] == 0
    aws.set_latency(0.3)
    key = scheduler.queue(task())
    scheduler.heartbeat()
    aws.set_latency(0)
    scheduler.until_over(key)
    run_one(scheduler, task("second"))
    assert [launch.request["launchType"] for launch in aws.launches()] == ["FARGATE"] * 2
    assert aws.calls()["DescribeClusters"] == 1
    assert max(scheduler.heartbeats[1:]) < 0.2


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


@over_both
def test_unknown_queues_mean_nothing(scheduler, aws):
    key = run_one(scheduler, task(queue="a-celery-queue"))
    assert scheduler.outcomes(key) == ["success"]


@over_both
def test_executor_config_with_another_place_is_watched_and_stopped_there(scheduler, aws, service):
    """Wrong 6: it is described on the configured cluster: MISSING, three launches, failure."""
    aws.set_plan(BY_HAND)
    key = scheduler.queue(task(executor_config=service.elsewhere))
    scheduler.until(lambda: scheduler.arn(key))
    (launch,) = aws.launches()
    assert launch.location == "elsewhere"
    aws.start(launch.arn)
    aws.exit(launch.arn)
    aws.end(launch.arn)
    scheduler.until_over(key)
    assert scheduler.outcomes(key) == ["success"]
    key = scheduler.queue(task("second", executor_config=service.elsewhere))
    scheduler.until(lambda: scheduler.arn(key))
    scheduler.executor.fail(key)
    scheduler.until(aws.stops)


@over_batch
def test_executor_config_is_merged_in_either_spelling_and_the_dictionary_stays_as_it_was(scheduler, aws):
    """Wrong 21: `executor_config` lists replace the base list; the user's dictionary is mutated."""
    configs = (
        {"containerOverrides": {"environment": [{"name": "A", "value": "b"}], "vcpus": 2}},
        {"container_overrides": {"environment": [{"name": "A", "value": "b"}], "vcpus": 2}},
        {"environment": [{"name": "A", "value": "b"}], "vcpus": 2},
    )
    for number, config in enumerate(configs):
        before = repr(config)
        run_one(scheduler, task(f"task-{number}", executor_config=config))
        assert repr(config) == before
    for launch in aws.launches():
        assert launch.environment["A"] == "b"
        assert launch.environment["AIRFLOW_IS_EXECUTOR_CONTAINER"] == "true"
        assert {"type": "VCPU", "value": "2"} in launch.container["resourceRequirements"]
        assert launch.command


@over_batch
def test_a_job_is_tried_once_unless_the_user_says_otherwise_and_never_after_its_task_ended(started, aws):
    """A second attempt by Batch gets a 409 from Airflow, and hides why the first died."""
    run_one(Scheduler(started()))
    run_one(Scheduler(started(submit_job_kwargs='{"retryStrategy": {"attempts": 3}}')), task("second"))
    assert [launch.request["retryStrategy"] for launch in aws.launches()] == [
        {"attempts": 1},
        {"attempts": 3, "evaluateOnExit": [{"onExitCode": "8*", "action": "EXIT"}]},
    ]


@over_batch
def test_keys_that_users_choose_are_never_renamed(started, aws):
    """Wrong 20: options mean what they say; `parameters` and `tags` are the user's."""
    kwargs = '{"parameters": {"input_file": "x", "inputFile": "y"}, "tags": {"cost_center": "1"}}'
    run_one(Scheduler(started(submit_job_kwargs=kwargs)))
    (launch,) = aws.launches()
    assert launch.request["parameters"] == {"input_file": "x", "inputFile": "y"}
    assert launch.tags["cost_center"] == "1"


@over_batch
def test_the_external_id_is_an_arn_since_a_bare_job_id_looks_like_a_launch_id(scheduler, aws):
    aws.set_plan(BY_HAND)
    key = scheduler.queue(task())
    scheduler.until(lambda: scheduler.arn(key))
    assert scheduler.arn(key) == aws.launches()[0].arn
    assert scheduler.arn(key).startswith("arn:aws:batch:")


@over_batch
def test_a_multi_container_definition_gets_what_is_airflows_in_its_container(started, aws):
    aws.set_plan(lambda _: Plan(run=0.05, sidecars={"log-router": 143}))
    scheduler = Scheduler(started(container_name="airflow"))
    key = run_one(scheduler)
    (launch,) = aws.launches()
    assert "containerOverrides" not in launch.request
    (properties,) = launch.request["ecsPropertiesOverride"]["taskProperties"]
    assert [container["name"] for container in properties["containers"]] == ["airflow"]
    assert launch.environment["AWSEXEC_TASK_ID"] == "load"
    assert scheduler.outcomes(key) == ["success"]


@over_batch
def test_several_containers_without_a_name_are_refused_saying_so(scheduler):
    config = {"ecsPropertiesOverride": {"taskProperties": [{"containers": [{"name": "main"}]}]}}
    key = run_one(scheduler, task(executor_config=config))
    assert scheduler.outcomes(key) == ["failed"]
    assert "container_name" in scheduler.info(key)


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
