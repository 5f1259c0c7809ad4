"""The same configuration, given to the installed Amazon provider and to awsexec, sends the same request.

But for what awsexec adds: `clientToken`, `startedBy`, its tags and its environment variables.
"""

from __future__ import annotations

import json

import pytest

from aws_exec.settings import EcsOptions, RunTaskBuilder, load_ecs_options, option_catalogue
from tests.settings.amazon import Conf, botocore_faults, module, options

SECTION = "aws_ecs_executor"
PLAIN = {"cluster": "fleet", "container_name": "airflow", "task_definition": "airflow-task:7"}
FARGATE = {**PLAIN, "launch_type": "FARGATE", "subnets": "s1,s2"}
EC2 = {**PLAIN, "launch_type": "EC2"}


class NoStrategy:
    """An ECS that knows clusters without a default capacity provider strategy."""

    conn = property(lambda self: self)

    def describe_clusters(self, clusters):
        return {"clusters": [{"clusterName": name} for name in clusters]}


@pytest.fixture(scope="module")
def amazon(tmp_path_factory):
    """The Amazon provider's modules, with a home of their own."""
    return module("ecs.ecs_executor_config", tmp_path_factory.mktemp("airflow"))


@pytest.fixture
def theirs(amazon, monkeypatch):
    """The RunTask arguments that the Amazon provider sends."""
    from airflow.providers.amazon.aws.executors.ecs.ecs_executor import AwsEcsExecutor  # noqa: PLC0415 - slow

    monkeypatch.setattr(amazon, "EcsHook", NoStrategy)

    def theirs(raw, executor_config, command):
        executor = AwsEcsExecutor.__new__(AwsEcsExecutor)
        executor.container_name = raw["container_name"]
        executor.run_task_kwargs = amazon.build_task_kwargs(Conf(SECTION, raw))
        return executor._run_task_kwargs("key", command, "default", executor_config)

    return theirs


def ours(raw, executor_config, identity, command):
    """The arguments that awsexec sends, without what it adds."""
    builder = RunTaskBuilder(load_ecs_options(raw.get))
    plan = builder.build(identity, command, executor_config, default_launch_type="FARGATE", with_tags=False)
    arguments = plan.arguments
    assert arguments.pop("clientToken") == identity.token
    assert arguments.pop("startedBy") == "awsexec/test"
    for container in arguments["overrides"]["containerOverrides"]:
        if "environment" in container:
            added = [entry for entry in container["environment"] if entry["name"].startswith("AWSEXEC_")]
            container["environment"] = [entry for entry in container["environment"] if entry not in added]
    return arguments


def kwargs(**document):
    return {"run_task_kwargs": json.dumps(document)}


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(PLAIN, id="nothing but what is required"),
        pytest.param(FARGATE, id="fargate"),
        pytest.param({**FARGATE, "assign_public_ip": "True", "security_groups": "sg1,sg2"}, id="a public address"),
        pytest.param({**FARGATE, "assign_public_ip": "False"}, id="no public address"),
        pytest.param({**FARGATE, "platform_version": "1.4.0"}, id="a platform version"),
        pytest.param(EC2, id="ec2 without a network"),
        pytest.param({**EC2, "subnets": "s1", "assign_public_ip": "True"}, id="ec2 has no public address"),
        pytest.param({**EC2, "platform_version": "1.4.0"}, id="ec2 has no platform version"),
        pytest.param({**FARGATE, **kwargs(tags=[{"key": "a", "value": "b"}])}, id="tags"),
        pytest.param({**FARGATE, **kwargs(enable_execute_command=True, group="g")}, id="snake case"),
        pytest.param(
            {**FARGATE, **kwargs(enableECSManagedTags=True, propagateTags="TASK_DEFINITION")}, id="camel case"
        ),
        pytest.param(
            {
                **FARGATE,
                **kwargs(overrides={"task_role_arn": "r", "cpu": "1024", "ephemeral_storage": {"sizeInGiB": 50}}),
            },
            id="overrides of the task",
        ),
        pytest.param(
            {
                **FARGATE,
                **kwargs(overrides={"containerOverrides": [{"environment": [{"name": "A", "value": "b"}], "cpu": 2}]}),
            },
            id="overrides of the container",
        ),
        pytest.param(
            {
                **EC2,
                **kwargs(overrides={"containerOverrides": [{"name": "airflow"}, {"name": "proxy", "command": ["x"]}]}),
            },
            id="a sidecar",
        ),
        pytest.param({**PLAIN, **kwargs(launch_type="EC2")}, id="a launch type in run_task_kwargs"),
        pytest.param({**FARGATE, **kwargs(launch_type="EC2")}, id="another launch type in run_task_kwargs"),
        pytest.param(
            {**FARGATE, **kwargs(cluster="other", task_definition="other")}, id="another cluster and definition"
        ),
        pytest.param(
            {**PLAIN, **kwargs(subnets="s1,s2", security_groups="sg")}, id="options of the network in run_task_kwargs"
        ),
        pytest.param({**FARGATE, **kwargs(count=3)}, id="a count"),
        pytest.param({**FARGATE, "run_task_kwargs": "{}"}, id="empty run_task_kwargs"),
    ],
)
@pytest.mark.parametrize(
    "config",
    [
        pytest.param({}, id="-"),
        pytest.param({"cluster": "elsewhere"}, id="cluster"),
        pytest.param({"overrides": {"memory": "4096", "executionRoleArn": "r"}}, id="task size"),
        pytest.param({"enableExecuteCommand": True, "group": "mine"}, id="more arguments"),
    ],
)
def test_both_send_the_same_request(theirs, identity, command, raw, config):
    assert ours(raw, config, identity, command) == theirs(raw, config, command)


@pytest.mark.parametrize(
    "config",
    [
        {
            "overrides": {
                "containerOverrides": [{"name": "airflow", "memory": 512, "environment": [{"name": "A", "value": "b"}]}]
            }
        },
        {"overrides": {"containerOverrides": [{"name": "airflow"}, {"name": "proxy", "cpu": 64}]}},
        {"tags": [{"key": "a", "value": "b"}]},
        {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["s9"]}}},
        {"platformVersion": "1.3.0"},
    ],
)
def test_an_executor_config_that_works_there_works_here(theirs, identity, command, config):
    expected = theirs(FARGATE, json.loads(json.dumps(config)), command)
    assert ours(FARGATE, config, identity, command) == expected


def test_where_neither_launch_type_nor_strategy_is_known_fargate_is_chosen_as_there(theirs, identity, command):
    assert ours(PLAIN, {}, identity, command)["launchType"] == theirs(PLAIN, {}, command)["launchType"] == "FARGATE"


@pytest.mark.parametrize("name", ["task_definition", "taskDefinition"])
def test_the_task_definition_may_be_in_run_task_kwargs_alone(theirs, identity, command, name):
    raw = {"cluster": "fleet", "container_name": "airflow", "launch_type": "EC2", **kwargs(**{name: "airflow-task:7"})}
    assert ours(raw, {}, identity, command) == theirs(raw, {}, command)


def test_launch_type_and_strategy_together_are_refused_by_both(amazon):
    raw = {**PLAIN, "launch_type": "EC2", "capacity_provider_strategy": '[{"capacityProvider": "x"}]'}
    with pytest.raises(ValueError, match="mutually exclusive"):
        amazon.build_task_kwargs(Conf(SECTION, raw))
    with pytest.raises(ValueError, match="excludes capacity_provider_strategy"):
        load_ecs_options(raw.get)


@pytest.mark.parametrize("raw", [{"security_groups": "sg"}, {"assign_public_ip": "True"}])
def test_a_network_without_subnets_is_refused_by_both(amazon, raw):
    with pytest.raises(ValueError, match="subnet"):
        amazon.build_task_kwargs(Conf(SECTION, {**EC2, **raw}))
    with pytest.raises(ValueError, match="subnet"):
        RunTaskBuilder(load_ecs_options({**EC2, **raw}.get))


def test_our_section_has_every_option_of_theirs_with_its_default_and_type():
    theirs = options(SECTION)
    ours = {option.name: option for option in option_catalogue(EcsOptions)}
    assert set(theirs) <= set(ours)
    for name, option in theirs.items():
        assert ours[name].default == option["default"], name
        assert ours[name].type == option["type"], name


@pytest.mark.parametrize("name", ["capacity_provider_strategy", "run_task_kwargs", "assign_public_ip", "subnets"])
def test_their_own_examples_make_a_request_that_aws_can_be_sent(identity, command, name):
    """Wrong 20 of the Amazon provider: its own examples fail botocore's validation."""
    raw = {**PLAIN, "subnets": "s", name: options(SECTION)[name]["example"]}
    assert not botocore_faults("ecs", "RunTask", ours(raw, {}, identity, command))
