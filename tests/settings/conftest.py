"""What the tests of settings share: one plain configuration, one identity, one command."""

from __future__ import annotations

import pytest

from aws_exec.lifecycle.identity import Identity
from aws_exec.settings import RunTaskBuilder, load_ecs_options

PLAIN = {"cluster": "fleet", "container_name": "airflow", "task_definition": "airflow-task:7"}
COMMAND = ["python", "-m", "runner", "--json-string", '{"token": "eyJhbGciOi.SECRET.JWT"}']
IDENTITY = Identity(
    deployment="test",
    token="0b9a6c1e-4c1b-4d5e-9d53-1f2e3d4c5b6a-1",
    dag_id="etl",
    task_id="load",
    run_id="manual__2026-11-22T00:00:00+00:00",
    map_index="-1",
    try_number="1",
)


@pytest.fixture
def options_of():
    """Options from what airflow.cfg says, on top of the plain ones."""

    def options_of(**raw: str):
        return load_ecs_options({**PLAIN, **raw}.get)

    return options_of


@pytest.fixture
def arguments_of(options_of):
    """The RunTask arguments of one task: its executor_config, and what airflow.cfg says."""

    def arguments_of(executor_config=None, *, default_launch_type=None, with_tags=True, **raw: str):
        builder = RunTaskBuilder(options_of(**raw))
        plan = builder.build(
            IDENTITY,
            COMMAND,
            executor_config,
            default_launch_type=default_launch_type,
            with_tags=with_tags,
        )
        return plan.arguments

    return arguments_of


@pytest.fixture
def container_of(arguments_of):
    """The Airflow container's override in them."""

    def container_of(executor_config=None, **raw: str):
        containers = arguments_of(executor_config, **raw)["overrides"]["containerOverrides"]
        (found,) = [item for item in containers if item["name"] == "airflow"]
        return found

    return container_of


@pytest.fixture
def identity():
    return IDENTITY


@pytest.fixture
def command():
    return COMMAND
