"""The options of `AwsEcsExecutor`: section `[aws_ecs_executor]`, those of the Amazon provider and ours."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator

from aws_exec.settings.common.coercion import boolean, json_object, names, strategy
from aws_exec.settings.common.merge import RUN_TASK
from aws_exec.settings.common.options import (
    NO_FILE_OPTIONS,
    AwsOptions,
    FileOptions,
    Stripped,
    attempts_option,
    kwargs_option,
    load,
    named_in,
    option,
)
from aws_exec.settings.common.problems import Problem, variable_of

#: ECS API Reference, "Request throttling": RunTask refills 40/s, Fargate launches 20/s. Where both could be meant,
#: the slower one: a throttle costs more than a short wait.
EC2_LAUNCHES_PER_SECOND = 40.0
FARGATE_LAUNCHES_PER_SECOND = 20.0
#: ECS API Reference, "Request throttling": the burst of RunTask and StopTask; of Fargate task launches likewise.
SAVED_LAUNCHES = 100

LaunchType = Literal["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"]


def _launch_type(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


class EcsOptions(AwsOptions):
    """The options of `[aws_ecs_executor]`.

    Every option of the Amazon provider's section has its name, meaning and default here. A text that is not set is
    empty, or None if its absence has a meaning.
    """

    section: ClassVar[str] = "aws_ecs_executor"
    rivals: ClassVar[Mapping[str, str]] = {
        "launch_type": "capacity_provider_strategy",
        "capacity_provider_strategy": "launch_type",
    }

    cluster: Stripped = option(
        "",
        "Name or ARN of the ECS cluster that tasks run in.",
        example="airflow",
        required=True,
    )
    container_name: Stripped = option(
        "",
        "Name of the container in the task definition that runs the Airflow task.",
        example="airflow",
        required=True,
    )
    task_definition: Stripped = option(
        "",
        "Family, `family:revision` or ARN of the task definition to run. Without a revision, the latest active one.",
        example="airflow-task:7",
        required=True,
    )
    launch_type: Annotated[LaunchType, BeforeValidator(_launch_type)] | None = option(
        None,
        "What tasks run on. Excludes `capacity_provider_strategy`. Without either, the cluster's default strategy, "
        "and Fargate if it has none.",
        example="FARGATE",
    )
    capacity_provider_strategy: Annotated[tuple[dict[str, Any], ...], BeforeValidator(strategy)] | None = option(
        None,
        "The capacity providers that tasks run on, as a JSON list. Excludes `launch_type`.",
        example='[{"capacityProvider": "FARGATE_SPOT", "weight": 1}]',
    )
    platform_version: Stripped = option(
        "LATEST",
        "The Fargate platform version; not sent for tasks that cannot run on Fargate.",
        example="1.4.0",
    )
    subnets: Annotated[tuple[str, ...], BeforeValidator(names)] = option(
        (),
        "Ids of the subnets that tasks run in, separated by commas. Needed for the network mode `awsvpc`, and so "
        "always on Fargate.",
        example="subnet-0a1b2c3d,subnet-4e5f6a7b",
    )
    security_groups: Annotated[tuple[str, ...], BeforeValidator(names)] = option(
        (),
        "Ids of the security groups of tasks, separated by commas. Without it, the default group of the VPC.",
        example="sg-0a1b2c3d,sg-4e5f6a7b",
    )
    assign_public_ip: Annotated[bool, BeforeValidator(boolean)] = option(
        False,  # noqa: FBT003 - the default of a boolean option
        "Whether tasks get a public IP address; needed on Fargate in a subnet without NAT or endpoints.",
        example="True",
        kind="boolean",
    )
    max_run_task_attempts: int = attempts_option()
    run_task_kwargs: Annotated[dict[str, Any], BeforeValidator(json_object)] = kwargs_option(
        "RunTask", '{"tags": {"team": "risk"}}'
    )

    @classmethod
    def conflicts(cls, given: Mapping[str, Any], team: str | None) -> Iterable[Problem]:
        """The launch type excludes a strategy."""
        yield from super().conflicts(given, team)
        if "launch_type" in given and "capacity_provider_strategy" in given:
            yield Problem(
                section=cls.section,
                option="launch_type",
                value=str(given["launch_type"]),
                message="excludes capacity_provider_strategy, and both are set",
                variable=variable_of(cls.section, "launch_type", team),
                remedy="Unset one of the two",
                rule="option-conflict",
            )

    @classmethod
    def elsewhere(cls, given: Mapping[str, Any]) -> Container[str]:
        """The Amazon provider takes the task definition from `run_task_kwargs` too."""
        return named_in(given.get("run_task_kwargs", "{}"), {"taskDefinition": "task_definition"}, RUN_TASK)

    saved_launches: ClassVar[int] = SAVED_LAUNCHES

    @property
    def max_attempts(self) -> int:
        """`max_run_task_attempts`."""
        return self.max_run_task_attempts

    @property
    def launches_per_second(self) -> float:
        """`launch_rate`, or the documented quota: of EC2 if nothing can run on Fargate, else of Fargate."""
        if self.launch_rate is not None:
            return self.launch_rate
        strategy = self.capacity_provider_strategy or ()
        ours = strategy and not any(str(item.get("capacityProvider")).startswith("FARGATE") for item in strategy)
        elsewhere = ours or self.launch_type in ("EC2", "EXTERNAL")
        return EC2_LAUNCHES_PER_SECOND if elsewhere else FARGATE_LAUNCHES_PER_SECOND


def load_ecs_options(
    get: Callable[[str], str | None],
    *,
    team: str | None = None,
    require: bool = True,
    file_options: FileOptions = NO_FILE_OPTIONS,
) -> EcsOptions:
    """Read `[aws_ecs_executor]`.

    Args:
        get: returns the raw text of an option (of that team), or None; empty text means absent.
        team: of the configuration that `get` reads, for messages.
        require: whether `cluster`, `container_name` and `task_definition` must be there (the last may be in
            `run_task_kwargs`).
        file_options: of awsexec.yaml; Airflow's configuration wins.

    Raises:
        OptionsError: with every problem found.
    """
    return load(EcsOptions, get, team=team, require=require, file_options=file_options)
