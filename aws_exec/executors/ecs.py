"""`AwsEcsExecutor`: every workload is one Amazon ECS task."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from aws_exec.clouds.ecs.adapter import EcsCloud
from aws_exec.executors.base import ContainerExecutor
from aws_exec.executors.heartbeat import BUDGET
from aws_exec.executors.launch_types import LaunchTypes, names_launch_type
from aws_exec.executors.startup import Access, Builder, Setup
from aws_exec.executors.workload import Workload
from aws_exec.lifecycle import Policy
from aws_exec.lifecycle.identity import Identity, started_by
from aws_exec.lifecycle.values import Job
from aws_exec.settings import EcsOptions, RunTaskBuilder, load_ecs_options
from aws_exec.settings.file import AwsexecFile

#: `arn:aws:ecs:eu-central-1:123456789012:task/cluster/id`, or the older form without the cluster.
_TASK_ARN = re.compile(r"arn:[\w-]+:ecs:[\w-]+:\d+:task/(?:[\w-]+/)?[\w-]+")


class AwsEcsExecutor(ContainerExecutor):
    """Runs each Airflow workload as one ECS task, on Fargate, EC2 or a capacity provider.

    Configured by `[aws_ecs_executor]`, with the option names of the Amazon provider's executor of the same name.
    """

    SERVICE = "ecs"
    SECTION = "aws_ecs_executor"
    OPTIONS = EcsOptions

    #: Tasks per DescribeTasks call; AWS takes 100.
    DESCRIBE_TASKS_BATCH_SIZE: ClassVar[int] = 99
    #: How many containers may die before they start; None: the option `max_run_task_attempts`.
    MAX_RUN_TASK_ATTEMPTS: ClassVar[int | None] = None

    _launch_types: LaunchTypes
    _launch_type_is_open: bool

    # -- the documented methods ---------------------------------------------------------------------------------------

    def load_ecs_connection(self, check_connection: bool = True) -> None:
        """Build the ECS client anew, then swap; calls under way finish with the old one.

        Args:
            check_connection: whether to run `check_health()` with it.

        Raises:
            CloudError: it cannot be built: no such connection, no region.
            AirflowException: the check failed.
        """
        self._load_connection(check_connection)

    def sync_running_tasks(self) -> None:
        """Take in what has become known of the running tasks; the first half of a heartbeat."""
        self._heartbeat.handle_completions(self._clock() + BUDGET)

    def attempt_task_runs(self) -> None:
        """Hand the launches that are due to the dispatcher; the second half of a heartbeat."""
        self._heartbeat.run_ticks(self._clock() + BUDGET)

    def get_container(self, container_list: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """The Airflow container of a list (of overrides, or of a described task), by `container_name`.

        Raises:
            KeyError: there is none of that name.
        """
        options: Any = self._startup.ready().options
        name = options.container_name
        for container in container_list:
            if container.get("name") == name:
                return container
        there = ", ".join(str(container.get("name", "(no name)")) for container in container_list) or "none"
        raise KeyError(f"no container is named {name!r} ([{self.SECTION}] container_name); there are: {there}")

    # -- hooks --------------------------------------------------------------------------------------------------------

    def read_options(
        self, get: Callable[[str], str | None], team: str | None, file: AwsexecFile
    ) -> tuple[EcsOptions, Builder]:
        """Read `[aws_ecs_executor]` and the `ecs` part of awsexec.yaml."""
        file_options, templates = file.options_of("ecs", team), file.book("ecs", team)
        options = load_ecs_options(get, team=team, file_options=file_options)
        return options, RunTaskBuilder(options, team=team, templates=templates, where=file_options.where)

    def build_adapter(self, options: EcsOptions, builder: RunTaskBuilder, access: Access) -> EcsCloud:
        """Build the adapter of ECS, and the look-up of clusters' default launch types."""
        cloud = EcsCloud(
            access.client,
            cluster=builder.location(),
            container_name=options.container_name,
            started_by=started_by(access.deployment),
            before_read=access.before_read,
            meter=access.meter,
        )
        self._launch_type_is_open = _leaves_launch_type_open(options)
        self._launch_types = LaunchTypes(cloud.default_launch_type, self._clock)
        return cloud

    def build_plan(self, setup: Setup, workload: Workload, words: Sequence[str], identity: Identity) -> Any:
        """Return the RunTask of one launch, with the launch type that its cluster needs where none is configured."""
        config, queue = workload.executor_config, workload.queue
        launch_type = None
        if self._launch_type_is_open and not setup.builder.names_launch_type(config, queue):
            launch_type = self._launch_types.of(setup.location_of(config, queue))
        return setup.builder.build(identity, words, config, queue, default_launch_type=launch_type)

    def job_of(self, external_id: str, location: str) -> Job | None:
        """Return the task that this ARN names."""
        return Job(external_id, location) if _TASK_ARN.fullmatch(external_id) else None

    def policy(self, policy: Policy, _options: EcsOptions) -> Policy:
        """Apply the class attributes that users may override."""
        attempts = self.MAX_RUN_TASK_ATTEMPTS or policy.max_attempts
        return replace(policy, max_attempts=attempts, observe_batch=self.DESCRIBE_TASKS_BATCH_SIZE)

    def slow_start(self, builder: RunTaskBuilder) -> str:
        """Name the capacity providers that scale: an instance has to start first."""
        strategies = (plan.arguments.get("capacityProviderStrategy") or () for plan in builder.typical())
        named = dict.fromkeys(str(item.get("capacityProvider")) for strategy in strategies for item in strategy)
        scaling = [name for name in named if not name.startswith("FARGATE")]
        return f"capacity provider {', '.join(scaling)} may have to start an instance first" if scaling else ""


def _leaves_launch_type_open(options: EcsOptions) -> bool:
    """Whether the options name neither a launch type nor a strategy."""
    return not (options.launch_type or options.capacity_provider_strategy or names_launch_type(options.run_task_kwargs))
