"""Whether a request says where its task is to run: if nothing does, the cluster is asked for its default."""

from __future__ import annotations

import pytest

from aws_exec.settings import RunTaskBuilder


@pytest.mark.parametrize(
    ("raw", "config", "named"),
    [
        ({}, None, False),
        ({}, {"launchType": "EC2"}, True),
        ({}, {"capacity_provider_strategy": [{"capacityProvider": "mine"}]}, True),
        ({}, {"capacityProviderStrategy": []}, False),
        ({"launch_type": "FARGATE"}, None, True),
        ({"run_task_kwargs": '{"launchType": "EC2"}'}, None, True),
    ],
)
def test_it_is_known_of_a_task_whether_anything_says_where_it_is_to_run(options_of, raw, config, named):
    assert RunTaskBuilder(options_of(**raw)).names_launch_type(config) is named
