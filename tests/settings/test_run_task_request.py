"""The request of a task: what is in it, what its launch type allows, and what does not fit."""

from __future__ import annotations

import json
import time

import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_exec.lifecycle.identity import Identity
from aws_exec.settings import (
    EcsOptions,
    InvalidExecutorConfig,
    OptionsError,
    RequestTooLarge,
    RunTaskBuilder,
    build_run_task,
    check_options,
)
from aws_exec.settings.common.shape import conform, run_task_shape

RUN_TASK = ServiceModel(Loader().load_service_model("ecs", "service-2")).operation_model("RunTask").input_shape


def botocore_faults(arguments):
    return ParamValidator().validate(arguments, RUN_TASK).generate_report()


def kwargs(**document):
    return {"run_task_kwargs": json.dumps(document)}


def test_an_override_that_is_empty_changes_nothing(options_of, identity, command):
    config = {"overrides": {"containerOverrides": [{}, {"memory": 512}]}}
    empty = build_run_task(options_of(), identity, command, config, "default").arguments
    config["overrides"]["containerOverrides"].pop(0)
    assert empty == build_run_task(options_of(), identity, command, config, "default").arguments


def test_the_whole_request_of_a_task(options_of, identity, command):
    options = options_of(launch_type="FARGATE", subnets="s1, s2", security_groups="sg")
    plan = build_run_task(options, identity, command, {"environment": {"A": "b"}}, "default")
    assert plan.location == "fleet"
    assert plan.arguments == {
        "cluster": "fleet",
        "taskDefinition": "airflow-task:7",
        "count": 1,
        "launchType": "FARGATE",
        "platformVersion": "LATEST",
        "clientToken": identity.token,
        "startedBy": "awsexec/test",
        "networkConfiguration": {
            "awsvpcConfiguration": {"subnets": ["s1", "s2"], "securityGroups": ["sg"], "assignPublicIp": "DISABLED"},
        },
        "overrides": {
            "containerOverrides": [
                {
                    "name": "airflow",
                    "command": command,
                    "environment": [
                        {"name": "A", "value": "b"},
                        {"name": "AIRFLOW_IS_EXECUTOR_CONTAINER", "value": "true"},
                        *({"name": name, "value": value} for name, value in identity.environment().items()),
                    ],
                },
            ],
        },
        "tags": [{"key": key, "value": value} for key, value in identity.tags().items()],
    }
    assert botocore_faults(plan.arguments) == ""


def test_the_same_task_makes_the_same_request(arguments_of):
    """A request that was never answered is sent again byte for byte."""
    config = {"environment": {"B": "1", "A": "2"}, "tags": {"x": "y"}}
    assert json.dumps(arguments_of(config)) == json.dumps(arguments_of(config))


def test_the_marker_of_an_executors_container_cannot_be_changed(container_of):
    environment = container_of({"environment": {"AIRFLOW_IS_EXECUTOR_CONTAINER": "false"}})["environment"]
    assert [entry["value"] for entry in environment if entry["name"] == "AIRFLOW_IS_EXECUTOR_CONTAINER"] == ["true"]


@pytest.mark.parametrize(
    ("raw", "config", "launch_type", "version"),
    [
        ({"launch_type": "FARGATE"}, None, "FARGATE", "LATEST"),
        ({"launch_type": "EC2"}, None, "EC2", None),
        ({"launch_type": "EXTERNAL"}, None, "EXTERNAL", None),
        (kwargs(launchType="EC2"), None, "EC2", None),
        (kwargs(launch_type="EC2"), None, "EC2", None),
        ({"launch_type": "FARGATE", **kwargs(launchType="EC2")}, None, "EC2", None),
        ({"launch_type": "FARGATE"}, {"launchType": "EC2"}, "EC2", None),
        ({"launch_type": "EC2"}, {"launchType": "FARGATE"}, "FARGATE", "LATEST"),
        ({"launch_type": "EC2", "platform_version": "1.4.0"}, {"launchType": "FARGATE"}, "FARGATE", "1.4.0"),
        ({"launch_type": "EC2"}, {"launchType": None}, "FARGATE", "LATEST"),
        ({}, None, "FARGATE", "LATEST"),
    ],
)
def test_a_platform_version_is_sent_to_fargate_only(arguments_of, raw, config, launch_type, version):
    """Wrong 20 of the Amazon provider: `launchType: EC2` in run_task_kwargs became FARGATE."""
    arguments = arguments_of(config, default_launch_type="FARGATE", **raw)
    assert arguments["launchType"] == launch_type
    assert arguments.get("platformVersion") == version


@pytest.mark.parametrize(
    ("providers", "version"),
    [(["FARGATE_SPOT", "FARGATE"], "LATEST"), (["our-instances"], None)],
)
def test_a_strategy_is_sent_as_a_list_and_without_a_launch_type(arguments_of, providers, version):
    """Wrong 20 of the Amazon provider: it was sent as a string."""
    strategy = [{"capacityProvider": name, "weight": 1} for name in providers]
    for raw in ({"capacity_provider_strategy": json.dumps(strategy)}, kwargs(capacityProviderStrategy=strategy)):
        arguments = arguments_of(default_launch_type="FARGATE", **raw)
        assert arguments["capacityProviderStrategy"] == strategy
        assert "launchType" not in arguments
        assert arguments.get("platformVersion") == version
        assert botocore_faults(arguments) == ""


def test_launch_type_and_strategy_displace_each_other_from_task_to_task(arguments_of):
    strategy = [{"capacityProvider": "FARGATE_SPOT"}]
    spot = arguments_of({"capacityProviderStrategy": strategy}, launch_type="FARGATE")
    assert (spot["capacityProviderStrategy"], "launchType" in spot) == (strategy, False)
    back = arguments_of({"launch_type": "FARGATE"}, capacity_provider_strategy=json.dumps(strategy))
    assert (back["launchType"], "capacityProviderStrategy" in back) == ("FARGATE", False)


def test_a_cluster_with_a_strategy_of_its_own_is_left_to_choose(arguments_of):
    arguments = arguments_of(default_launch_type=None)
    assert not {"launchType", "capacityProviderStrategy", "platformVersion"} & set(arguments)


@pytest.mark.parametrize("word", ["True", "true", "1", "yes", "ENABLED"])
def test_every_spelling_of_a_public_address_is_understood(arguments_of, word):
    """Wrong 20 of the Amazon provider: only `True` was."""
    network = arguments_of(launch_type="FARGATE", subnets="s", assign_public_ip=word)["networkConfiguration"]
    assert network["awsvpcConfiguration"]["assignPublicIp"] == "ENABLED"


def test_a_public_address_is_not_asked_for_on_ec2(arguments_of):
    for raw, config in (({"launch_type": "EC2"}, None), ({"launch_type": "FARGATE"}, {"launchType": "EC2"})):
        network = arguments_of(config, subnets="s", assign_public_ip="True", **raw)["networkConfiguration"]
        assert network == {"awsvpcConfiguration": {"subnets": ["s"]}}


def test_without_subnets_groups_and_address_no_network_is_sent(arguments_of):
    assert "networkConfiguration" not in arguments_of(launch_type="EC2")


def test_subnets_in_run_task_kwargs_are_as_good(arguments_of):
    network = {"awsvpcConfiguration": {"subnets": ["s9"]}}
    arguments = arguments_of(security_groups="sg", launch_type="EC2", **kwargs(networkConfiguration=network))
    assert arguments["networkConfiguration"] == {"awsvpcConfiguration": {"subnets": ["s9"], "securityGroups": ["sg"]}}


@pytest.mark.parametrize(
    "tags",
    [{"key": "schema", "value": "1.0"}, {"schema": "1.0"}, [{"key": "schema", "value": "1.0"}]],
)
def test_the_amazon_providers_spelling_of_tags_is_understood(arguments_of, tags):
    """Wrong 20 of the Amazon provider: its own example failed botocore's validation."""
    for arguments in (arguments_of(**kwargs(tags=tags)), arguments_of({"tags": tags})):
        assert arguments["tags"][0] == {"key": "schema", "value": "1.0"}
        assert botocore_faults(arguments) == ""


def test_our_tags_can_be_left_out_and_the_users_stay(arguments_of):
    assert arguments_of({"tags": {"a": "b"}}, with_tags=False)["tags"] == [{"key": "a", "value": "b"}]
    assert "tags" not in arguments_of(with_tags=False)


def test_there_are_never_more_tags_than_aws_takes(arguments_of):
    tags = arguments_of({"tags": {str(number): "x" for number in range(48)}})["tags"]
    assert len(tags) == 50
    assert [tag["key"] for tag in tags[48:]] == ["awsexec:deployment", "awsexec:token"]


@given(st.builds(Identity, st.text(), st.text(min_size=1), st.text(max_size=400), st.text(), st.text(), st.text()))
def test_tags_of_any_identity_are_what_aws_takes(identity):
    builder = RunTaskBuilder(EcsOptions(cluster="c", container_name="airflow", task_definition="t"))
    arguments = builder.build(identity, ["x"]).arguments
    assert conform(arguments["tags"], run_task_shape().members["tags"]).findings == ()


@pytest.mark.parametrize(
    ("raw", "option", "words"),
    [
        (kwargs(overrides={"memroy": "1"}), "run_task_kwargs", "overrides.memroy: is not known to RunTask"),
        (kwargs(cpu=1), "run_task_kwargs", "cpu: is not known to RunTask"),
        (kwargs(launchType="FARGAT"), "run_task_kwargs", "launchType: is none of"),
        (kwargs(tags={"aws:x": "y"}), "run_task_kwargs", "tags[0]"),
        (kwargs(launchType="EC2", capacityProviderStrategy=[{"capacityProvider": "x"}]), "run_task_kwargs", "excludes"),
        (kwargs(containerName="other"), "run_task_kwargs", "container_name"),
        (kwargs(assign_public_ip="perhaps"), "run_task_kwargs", "neither true nor false"),
        (kwargs(taskDefinition=None), "task_definition", "is required"),
        ({"capacity_provider_strategy": '[{"provider": "x"}]'}, "capacity_provider_strategy", "[0].provider"),
        ({"capacity_provider_strategy": '[{"weight": 1}]'}, "capacity_provider_strategy", "[0].capacityProvider"),
        ({"security_groups": "sg"}, "subnets", "at least one subnet"),
        ({"assign_public_ip": "yes"}, "subnets", "at least one subnet"),
        (
            kwargs(overrides={"containerOverrides": [{"name": "proxy", "environment": {"AWSEXEC_TOKEN": "x"}}]}),
            "run_task_kwargs",
            "AWSEXEC_TOKEN is reserved",
        ),
        (
            kwargs(overrides={"containerOverrides": [{"environment": {"BIG": "x" * 7000}}]}),
            "run_task_kwargs",
            "a typical task cannot be launched with it",
        ),
    ],
)
def test_options_that_no_task_could_be_launched_with_are_told_at_start(options_of, raw, option, words):
    with pytest.raises(OptionsError) as caught:
        check_options(options_of(**raw), team="risk")
    problems = [problem for problem in caught.value.problems if words in problem.message]
    assert [problem.option for problem in problems] == [option]
    assert problems[0].variable == f"AIRFLOW__RISK___AWS_ECS_EXECUTOR__{option.upper()}"
    assert problems[0].remedy


def test_what_has_no_effect_in_run_task_kwargs_is_a_warning_not_a_refusal(options_of, identity, command):
    """The Amazon provider ignores these too: its users can move."""
    document = {
        "startedBy": "me",
        "clientToken": "x",
        "count": 5,
        "overrides": {"containerOverrides": [{"command": ["own"]}]},
    }
    builder = RunTaskBuilder(options_of(**kwargs(**document)))
    assert len(builder.warnings) == 4
    arguments = builder.build(identity, command).arguments
    assert (arguments["startedBy"], arguments["clientToken"], arguments["count"]) == ("awsexec/test", identity.token, 1)
    assert arguments["overrides"]["containerOverrides"][0]["command"] == command


def test_plain_options_have_no_warnings(options_of):
    assert check_options(options_of()) == ()


WRONG = st.none() | st.booleans() | st.integers(-5, 2000) | st.text(max_size=3) | st.sampled_from(["EC2", "512", "s3"])
RIGHT = {
    "string": st.text("abcXYZ0 :/", min_size=1, max_size=8),
    "integer": st.integers(1, 100) | st.sampled_from(["7", 8.0]),
    "boolean": st.booleans(),
}


def documents(shape, *, faults, depth=0):
    """Documents that are what a shape asks for; with faults, nearly."""
    wrong = WRONG if faults and depth else st.nothing()
    if shape.kind == "structure":
        members = {name: documents(member, faults=faults, depth=depth + 1) for name, member in shape.members.items()}
        needed = {} if faults else {name: members.pop(name) for name in shape.required}
        if shape.union:
            return st.one_of(st.fixed_dictionaries({name: member}) for name, member in members.items()) | wrong
        return st.fixed_dictionaries(needed, optional=members) | wrong
    if shape.kind == "list":
        return st.lists(documents(shape.item, faults=faults, depth=depth + 1), max_size=2) | wrong
    right = st.text("abcXYZ0", min_size=1, max_size=8) if shape.pattern else RIGHT[shape.kind]
    return (st.sampled_from(sorted(shape.enum)) if shape.enum else right) | wrong


SOUND = documents(run_task_shape(), faults=False)
FAULTY = documents(run_task_shape(), faults=True)


@given(SOUND)
def test_our_check_finds_no_fault_in_what_the_model_allows(document):
    assert conform(document, run_task_shape()).findings == ()


@settings(max_examples=300)
@given(SOUND | FAULTY)
def test_what_our_check_lets_pass_botocore_lets_pass(document):
    checked = conform(document, run_task_shape())
    if not checked.findings:
        assert botocore_faults(checked.value) == ""


def without_reserved(config):
    """What may be asked for: the rest is decided by awsexec."""
    config = {key: value for key, value in config.items() if key not in {"clientToken", "startedBy", "count"}}
    config.pop("launchType" if "capacityProviderStrategy" in config else "", None)
    for container in config.get("overrides", {}).get("containerOverrides", ()):
        container.pop("command", None)
    return config


@settings(max_examples=200)
@given(SOUND.map(without_reserved) | FAULTY)
def test_every_request_that_is_built_is_one_that_botocore_sends(config):
    builder = RunTaskBuilder(EcsOptions(cluster="c", container_name="airflow", task_definition="t"))
    try:
        plan = builder.build(Identity("d", "token-1"), ["x"], config)
    except InvalidExecutorConfig:
        return
    assert botocore_faults(plan.arguments) == ""


def test_a_request_takes_less_than_half_a_millisecond(options_of, identity, command):
    """300 launches a second leave the core to others; the bound has room for a slow machine."""
    builder = RunTaskBuilder(options_of(launch_type="FARGATE", subnets="s1,s2", **kwargs(tags={"a": "b"})))
    config = {"overrides": {"cpu": "1024", "containerOverrides": [{"memory": 1024, "environment": {"A": "b"}}]}}
    builder.build(identity, command, config)
    took = []
    for _ in range(200):
        started = time.process_time()
        builder.build(identity, command, config)
        took.append(time.process_time() - started)
    assert sorted(took)[len(took) // 2] < 0.0005


def test_options_made_by_hand_are_held_to_the_same_rules():
    strategy = ({"capacityProvider": "x"},)
    with pytest.raises(OptionsError) as caught:
        RunTaskBuilder(EcsOptions(cluster="c", launch_type="EC2", capacity_provider_strategy=strategy))
    assert [problem.option for problem in caught.value.problems] == ["launch_type", "container_name", "task_definition"]


def test_overrides_may_be_exactly_as_long_as_aws_takes(options_of, identity):
    def length_with(characters):
        arguments = RunTaskBuilder(options_of()).build(identity, ["x" * characters]).arguments
        return len(json.dumps(arguments["overrides"], separators=(",", ":")))

    room = 8192 - length_with(0)
    assert length_with(room) == 8192
    with pytest.raises(RequestTooLarge, match="8,193"):
        length_with(room + 1)


def test_our_tags_win_over_the_users_and_are_cut_to_what_aws_takes(options_of, command):
    identity = Identity("d", "token-1", dag_id="d#" * 200)
    tags = (
        RunTaskBuilder(options_of())
        .build(identity, command, {"tags": {"awsexec:token": "x", "a": "b"}})
        .arguments["tags"]
    )
    assert tags == [
        {"key": "a", "value": "b"},
        {"key": "awsexec:deployment", "value": "d"},
        {"key": "awsexec:token", "value": "token-1"},
        {"key": "awsexec:dag-id", "value": "d_" * 128},
    ]


def test_an_empty_strategy_is_none(arguments_of):
    arguments = arguments_of({"capacityProviderStrategy": []}, default_launch_type="FARGATE")
    assert arguments["launchType"] == "FARGATE"
    assert "capacityProviderStrategy" not in arguments
