"""What one task asks for is honoured, or fails that one task saying where and why."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aws_exec.settings import EcsOptions, InvalidExecutorConfig, RequestTooLarge, RunTaskBuilder

KEYS = st.sampled_from(
    [
        *("cluster", "command", "name", "count", "clientToken", "startedBy", "overrides", "containerOverrides"),
        *("environment", "tags", "cpu", "memory", "key", "value", "launchType", "launch_type", "taskDefinition"),
        *("capacityProviderStrategy", "networkConfiguration", "awsvpcConfiguration", "subnets", "type"),
        *("resourceRequirements", "memoryReservation", "environmentFiles", "ephemeralStorage", "sizeInGiB"),
    ],
)
TEXT = st.text(max_size=6) | st.sampled_from(["airflow", "AWSEXEC_TOKEN", "EC2", "FARGATE", "512", "aws:x"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.binary(max_size=2)
ANYTHING = st.recursive(
    LEAVES,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS | TEXT | st.integers(), below, max_size=4),
    max_leaves=15,
)
BUILDER = RunTaskBuilder(EcsOptions(cluster="fleet", container_name="airflow", task_definition="t"))


def refusal(arguments_of, config, **raw):
    with pytest.raises(InvalidExecutorConfig) as caught:
        arguments_of(config, **raw)
    return caught.value


@settings(max_examples=300)
@given(st.dictionaries(KEYS, ANYTHING, max_size=4) | ANYTHING)
def test_nothing_a_dag_author_writes_raises_anything_else_or_is_changed(identity_and_command, config):
    before = copy.deepcopy(config)
    refused = None
    try:
        BUILDER.build(*identity_and_command, config)
    except InvalidExecutorConfig as error:
        refused = error
    assert refused is None or (refused.findings and "SECRET" not in str(refused))
    assert repr(config) == repr(before)


@pytest.fixture(scope="module")
def identity_and_command():
    from aws_exec.lifecycle.identity import Identity  # noqa: PLC0415 - hypothesis wants a fixture of module scope

    return Identity("test", "0b9a6c1e-4c1b-4d5e-9d53-1f2e3d4c5b6a-1", "etl"), ["run", "SECRET"]


def test_flat_keys_are_meant_for_the_airflow_container(container_of):
    config = {
        "cpu": 512,
        "memory": 1024,
        "memory_reservation": 768,
        "environment": [{"name": "A", "value": "b"}],
        "resourceRequirements": [{"type": "GPU", "value": "1"}],
    }
    container = container_of(config)
    assert (container["cpu"], container["memory"], container["memoryReservation"]) == (512, 1024, 768)
    assert container["environment"][0] == {"name": "A", "value": "b"}
    assert container["resourceRequirements"] == [{"type": "GPU", "value": "1"}]


def test_flat_and_runtask_shaped_keys_may_be_mixed(arguments_of):
    arguments = arguments_of({"cpu": 512, "overrides": {"cpu": 1024, "containerOverrides": [{"name": "s", "cpu": 1}]}})
    assert arguments["overrides"]["cpu"] == "1024"
    cpus = {item["name"]: item["cpu"] for item in arguments["overrides"]["containerOverrides"]}
    assert cpus == {"airflow": 512, "s": 1}


def test_numbers_become_what_aws_wants_integers_in_a_container_and_strings_in_a_task(arguments_of):
    overrides = arguments_of({"cpu": "512", "memory": 1024.0, "overrides": {"cpu": 1024, "memory": "2048"}})[
        "overrides"
    ]
    assert (overrides["cpu"], overrides["memory"]) == ("1024", "2048")
    (container,) = overrides["containerOverrides"]
    assert (container["cpu"], container["memory"]) == (512, 1024)


def test_a_list_of_containers_merges_with_the_base_and_keeps_the_airflow_container(container_of):
    """Wrong 21 of the Amazon provider: `containerOverrides: [{"memory": 1}]` lost the container."""
    raw = '{"overrides": {"containerOverrides": [{"environment": [{"name": "A", "value": "1"}], "cpu": 2}]}}'
    container = container_of({"overrides": {"containerOverrides": [{"memory": 1}]}}, run_task_kwargs=raw)
    assert (container["memory"], container["cpu"]) == (1, 2)
    assert container["environment"][0] == {"name": "A", "value": "1"}
    assert container["command"]


def test_the_dag_authors_dictionary_is_not_changed(arguments_of):
    """Wrong 21 of the Amazon provider: it was."""
    config = {"overrides": {"containerOverrides": [{"name": "airflow", "environment": [{"name": "A", "value": "b"}]}]}}
    before = copy.deepcopy(config)
    arguments_of(config)
    arguments_of(config)
    assert config == before


def test_the_options_are_not_changed_from_task_to_task(arguments_of, options_of, identity, command):
    raw = '{"tags": {"a": "b"}, "placementStrategy": [{"type": "spread"}]}'
    builder = RunTaskBuilder(options_of(run_task_kwargs=raw, subnets="s"))
    first = builder.build(identity, command)
    first.arguments["networkConfiguration"]["awsvpcConfiguration"]["subnets"].append("x")
    first.arguments["tags"].clear()
    first.arguments["placementStrategy"][0].clear()
    second = builder.build(identity, command)
    assert second.arguments["networkConfiguration"]["awsvpcConfiguration"]["subnets"] == ["s"]
    assert second.arguments["placementStrategy"] == [{"type": "spread"}]
    assert second.arguments["tags"][0] == {"key": "a", "value": "b"}


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"command": ["rm"]}, "command"),
        ({"name": "other"}, "name"),
        ({"clientToken": "x"}, "clientToken"),
        ({"client_token": "x"}, "clientToken"),
        ({"startedBy": "me"}, "startedBy"),
        ({"count": 2}, "count"),
        ({"overrides": {"containerOverrides": [{"command": ["rm"]}]}}, "overrides.containerOverrides[0].command"),
        (
            {"overrides": {"containerOverrides": [{"name": "airflow", "command": ["rm"]}]}},
            "overrides.containerOverrides[0].command",
        ),
        ({"environment": {"AWSEXEC_TOKEN": "x"}}, "environment[0]"),
        (
            {"overrides": {"containerOverrides": [{"environment": {"AWSEXEC_X": "x"}}]}},
            "overrides.containerOverrides[0].environment[0]",
        ),
        (
            {"overrides": {"containerOverrides": [{"name": "proxy", "environment": {"AWSEXEC_TOKEN": "another-1"}}]}},
            "overrides.containerOverrides[0].environment[0]",
        ),
    ],
)
def test_what_awsexec_decides_fails_the_task_naming_the_field_and_what_to_do(arguments_of, config, path):
    """Wrong 5 of the Amazon provider: it raised out of the heartbeat."""
    (finding,) = refusal(arguments_of, config).findings
    assert finding.path == path
    assert finding.remedy


def test_what_has_no_effect_is_let_pass(arguments_of):
    plain = arguments_of()
    assert arguments_of({"count": 1}) == plain
    assert arguments_of({"overrides": {"containerOverrides": [{"name": "airflow", "command": []}]}}) == plain
    assert arguments_of({}) == plain


def test_a_sidecar_may_be_given_a_command(arguments_of):
    arguments = arguments_of({"overrides": {"containerOverrides": [{"name": "proxy", "command": ["serve"]}]}})
    assert {"name": "proxy", "command": ["serve"]} in arguments["overrides"]["containerOverrides"]


@pytest.mark.parametrize(
    ("config", "path", "words"),
    [
        ("large", "", "of type str, expected a dictionary"),
        ([], "", "of type list"),
        ({"cpuu": 1}, "cpuu", "Did you mean cpu?"),
        ({"launch_typ": "EC2"}, "launchTyp", "Did you mean launchType?"),
        ({"taskRoleArn": "x"}, "taskRoleArn", "It belongs in overrides"),
        ({"overrides": {"memroy": 1}}, "overrides.memroy", "Did you mean memory?"),
        ({"vcpus": True}, "vcpus", "not known"),
        ({"cpu": "much"}, "cpu", "expected an integer"),
        ({"cpu": True}, "cpu", "expected an integer"),
        ({"cpu": 0.5}, "cpu", "expected an integer"),
        ({"environment": {"A": True}}, "environment[0].value", "quotes"),
        ({"environment": [{"value": "x"}]}, "environment[0]", "has no name"),
        ({"environment": "A=b"}, "environment", "expected a list"),
        ({"launchType": "FARGTE"}, "launchType", "Did you mean FARGATE?"),
        ({"overrides": []}, "overrides", "expected an object"),
        ({"tags": {"aws:x": "y"}}, "tags[0]", "keeps for itself"),
        ({"tags": {"a#b": "y"}}, "tags[0].key", "does not take"),
        ({"tags": {"a": "y" * 257}}, "tags[0].value", "maximum of 256"),
        ({"tags": {str(n): "y" for n in range(51)}}, "tags", "maximum of 50"),
        ({"capacityProviderStrategy": [{"weight": 1}]}, "capacityProviderStrategy[0].capacityProvider", "is required"),
        (
            {"capacityProviderStrategy": [{"capacityProvider": "a", "weight": 1001}]},
            "capacityProviderStrategy[0].weight",
            "1000",
        ),
        (
            {"networkConfiguration": {"awsvpcConfiguration": {}}},
            "networkConfiguration.awsvpcConfiguration.subnets",
            "is required",
        ),
        ({"launchType": "EC2", "capacityProviderStrategy": [{"capacityProvider": "a"}]}, "launchType", "excludes"),
        ({"taskDefinition": None}, "taskDefinition", "is required"),
        (
            {"resourceRequirements": [{"type": "GPU", "sharingStrategy": {}}]},
            "overrides.containerOverrides[0].resourceRequirements[0].sharingStrategy",
            "exactly one of nvidiaMps",
        ),
        ({1: 2}, "", "key that is not text"),
        ({"cpu": object()}, "cpu", "of type object"),
    ],
)
def test_every_fault_is_told_with_its_path(arguments_of, config, path, words):
    (finding,) = refusal(arguments_of, config).findings
    assert finding.path == path
    assert words in str(finding)


def test_all_faults_are_told_together(arguments_of):
    error = refusal(arguments_of, {"cpuu": 1, "command": [], "overrides": {"memory": []}})
    assert [finding.path for finding in error.findings] == ["command", "cpuu", "overrides.memory"]


def test_values_are_never_echoed(arguments_of):
    error = refusal(arguments_of, {"environment": {"PASSWORD": ["hunter2"]}, "cpu": "hunter2"})
    assert "hunter2" not in str(error) + repr(error)


def test_an_executor_config_too_long_for_aws_names_the_largest_parts(arguments_of):
    error = refusal(arguments_of, {"environment": {"BIG": "hunter2" * 1200, "SMALL": "x"}})
    assert isinstance(error, RequestTooLarge)
    assert "airflow.environment.BIG 8,425" in str(error)
    assert "8,192" in str(error)
    assert "SECRET" not in str(error)
    assert "hunter2" not in str(error)


def test_many_small_variables_are_not_taken_for_a_workload_that_is_too_long(options_of, identity):
    def remedy(command, config):
        with pytest.raises(RequestTooLarge) as caught:
            RunTaskBuilder(options_of()).build(identity, command, config)
        return caught.value.findings[0].remedy

    many = {"environment": {f"V{number}": "v" for number in range(400)}}
    assert remedy(["x" * 2000], many).startswith("Move environment variables into the task definition")
    assert remedy(["x" * 8000], {}).startswith("The command carries Airflow's workload: shorten the version data")


def test_the_cluster_of_one_task_is_where_it_goes_and_where_it_is_asked_for(options_of, identity, command):
    """Wrong 6 of the Amazon provider: it was described on the configured cluster."""
    builder = RunTaskBuilder(options_of())
    plan = builder.build(identity, command, {"cluster": "other"})
    assert plan.location == plan.arguments["cluster"] == builder.location({"cluster": "other"}) == "other"
    assert builder.build(identity, command).location == builder.location() == "fleet"


def test_without_a_cluster_it_is_the_one_that_aws_takes(options_of, identity, command):
    plan = RunTaskBuilder(options_of()).build(identity, command, {"cluster": None})
    assert (plan.location, plan.arguments["cluster"]) == ("default", "default")


def test_the_refusal_survives_pickling(arguments_of):
    error = refusal(arguments_of, {"cpuu": 1})
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
