"""Requests merge by meaning, and what was given is never changed."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aws_exec.settings import InvalidExecutorConfig, merge_run_task
from aws_exec.settings.common.merge import camelized

TEXT = st.text(max_size=8)
KEYS = st.sampled_from(
    ["overrides", "containerOverrides", "container_overrides", "environment", "tags", "name", "key", "value", "cpu"],
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(KEYS | TEXT, below, max_size=3),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(KEYS | TEXT, JSON, max_size=4)


def containers(*items):
    return {"overrides": {"containerOverrides": list(items)}}


@given(DOCUMENTS, DOCUMENTS)
def test_neither_document_is_ever_changed_and_the_result_shares_nothing_with_them(base, overlay):
    before = copy.deepcopy((base, overlay))
    try:
        merged = merge_run_task(base, overlay, container="airflow")
    except InvalidExecutorConfig:
        merged = {}
    assert (base, overlay) == before
    scramble(merged)
    assert (base, overlay) == before


def scramble(value):
    if isinstance(value, dict):
        for item in value.values():
            scramble(item)
        value["scrambled"] = True
    elif isinstance(value, list):
        for item in value:
            scramble(item)
        value.append("scrambled")


@given(DOCUMENTS)
def test_merging_nothing_changes_nothing_but_the_spelling(document):
    try:
        once = merge_run_task(document, {}, container="airflow")
    except InvalidExecutorConfig:
        return
    assert merge_run_task(once, {}, container="airflow") == once


def test_containers_merge_by_name():
    base = containers({"name": "airflow", "memory": 512, "cpu": 256}, {"name": "sidecar", "cpu": 64})
    overlay = containers({"name": "airflow", "memory": 1024}, {"name": "proxy", "cpu": 32})
    assert merge_run_task(base, overlay) == containers(
        {"name": "airflow", "memory": 1024, "cpu": 256},
        {"name": "sidecar", "cpu": 64},
        {"name": "proxy", "cpu": 32},
    )


def test_a_container_without_a_name_means_the_airflow_container():
    base = containers({"name": "sidecar"}, {"name": "airflow", "cpu": 1})
    merged = merge_run_task(base, containers({"memory": 2}), container="airflow")
    assert merged == containers({"name": "sidecar"}, {"name": "airflow", "cpu": 1, "memory": 2})


def test_environment_merges_by_name():
    base = containers({"name": "a", "environment": [{"name": "X", "value": "1"}, {"name": "Y", "value": "1"}]})
    overlay = containers({"name": "a", "environment": [{"name": "Y", "value": "2"}, {"name": "Z", "value": "2"}]})
    assert merge_run_task(base, overlay) == containers(
        {
            "name": "a",
            "environment": [
                {"name": "X", "value": "1"},
                {"name": "Y", "value": "2"},
                {"name": "Z", "value": "2"},
            ],
        },
    )


def test_tags_merge_by_name_whatever_their_spelling():
    merged = merge_run_task({"tags": {"key": "schema", "value": "1"}}, {"tags": {"my_team": "risk", "schema": "2"}})
    assert merged == {"tags": [{"key": "schema", "value": "2"}, {"key": "my_team", "value": "risk"}]}


def test_keys_that_the_user_chose_are_never_renamed():
    overlay = {
        "tags": {"cost_center": "a", "Team_Name": "b"},
        "overrides": {"container_overrides": [{"environment": {"MY_VAR": "c"}}]},
    }
    assert merge_run_task({}, overlay, container="airflow") == {
        "tags": [{"key": "cost_center", "value": "a"}, {"key": "Team_Name", "value": "b"}],
        "overrides": {"containerOverrides": [{"name": "airflow", "environment": [{"name": "MY_VAR", "value": "c"}]}]},
    }


def test_other_lists_replace():
    network = {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["a", "b"]}}}
    merged = merge_run_task(network, {"network_configuration": {"awsvpc_configuration": {"subnets": ["c"]}}})
    assert merged == {"networkConfiguration": {"awsvpcConfiguration": {"subnets": ["c"]}}}


def test_null_deletes_at_any_depth():
    base = {"group": "g", "overrides": {"cpu": "1", "memory": "2"}, "tags": [{"key": "a", "value": "b"}]}
    assert merge_run_task(base, {"group": None, "overrides": {"cpu": None}, "tags": {"a": None}}) == {
        "overrides": {"memory": "2"},
        "tags": [],
    }


def test_null_deletes_an_environment_variable():
    base = containers({"name": "a", "environment": [{"name": "X", "value": "1"}]})
    overlay = containers({"name": "a", "environment": [{"name": "X", "value": None}]})
    assert merge_run_task(base, overlay) == containers({"name": "a", "environment": []})


@pytest.mark.parametrize(
    ("base", "overlay"),
    [
        ({"launchType": "FARGATE"}, {"capacity_provider_strategy": [{"capacityProvider": "cp"}]}),
        ({"capacityProviderStrategy": [{"capacityProvider": "cp"}]}, {"launch_type": "EC2"}),
    ],
)
def test_launch_type_and_strategy_displace_each_other(base, overlay):
    assert merge_run_task(base, overlay) == {camelized(key): value for key, value in overlay.items()}


def test_a_key_in_two_spellings_is_refused_rather_than_guessed():
    with pytest.raises(InvalidExecutorConfig, match=r"launchType: is given twice"):
        merge_run_task({}, {"launch_type": "EC2", "launchType": "FARGATE"})


def test_a_document_that_contains_itself_is_refused():
    endless: dict = {}
    endless["overrides"] = endless
    with pytest.raises(InvalidExecutorConfig, match="nested too deeply"):
        merge_run_task({}, endless)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("task_definition", "taskDefinition"),
        ("TaskDefinition", "taskDefinition"),
        ("enable_ecs_managed_tags", "enableECSManagedTags"),
        ("enableECSManagedTags", "enableECSManagedTags"),
        ("size_in_gib", "sizeInGiB"),
        ("managed_ebs_volume", "managedEBSVolume"),
        ("cluster", "cluster"),
        ("", ""),
        ("_", "_"),
    ],
)
def test_keys_are_brought_into_the_spelling_of_aws(written, name):
    assert camelized(written) == name
