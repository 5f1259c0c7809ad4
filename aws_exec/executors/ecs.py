"""`AwsEcsExecutor`: every workload is one Amazon ECS task."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from aws_exec.clouds.cloud import Cloud
from aws_exec.clouds.ecs.adapter import EcsCloud
from aws_exec.executors.base import ContainerExecutor
from aws_exec.executors.launch_types import LaunchTypes, names_launch_type
from aws_exec.executors.startup import Builder
from aws_exec.executors.workload import Workload
from aws_exec.lifecycle.identity import Identity, started_by
from aws_exec.lifecycle.values import Job
from aws_exec.settings import EcsOptions, RunTaskBuilder, load_ecs_options
from aws_exec.settings.file import AwsexecFile

#: `arn:aws:ecs:eu-central-1:123456789012:task/cluster/id`, or the older form without the cluster.
_TASK_ARN = re.compile(r"arn:[\w-]+:ecs:[\w-]+:\d+:task/(?:[\w-]+/)?[\w-]+")


class AwsEcsExecutor(ContainerExecutor):
    """Runs each Airflow workload as one ECS task, on Fargate, EC2 or a capacity provider.

    Configured by `[aws_ecs_executor]`, with the option names of the amazon provider's executor of the same name.
    """

    SERVICE = "ecs"
    SECTION = "aws_ecs_executor"
    OPTIONS = EcsOptions

    #: Tasks per DescribeTasks call; AWS takes 100.
    DESCRIBE_TASKS_BATCH_SIZE: ClassVar[int] = 99
    #: How many containers may die before they start; None: the option `max_run_task_attempts`.
    MAX_RUN_TASK_ATTEMPTS: ClassVar[int | None] = None

    _ecs: EcsCloud
    _launch_types: LaunchTypes

    # -- what ECS is --------------------------------------------------------------------------------------------------

    def _read_options(
        self, get: Callable[[str], str | None], team: str | None, file: AwsexecFile
    ) -> tuple[EcsOptions, Builder]:
        file_options, templates = file.options_of("ecs", team), file.book("ecs", team)
        options = load_ecs_options(get, team=team, file_options=file_options)
        return options, RunTaskBuilder(options, team=team, templates=templates, where=file_options.where)

    def _adapter(self, options: EcsOptions, deployment: str) -> EcsCloud:
        self._launch_type_is_open = _leaves_launch_type_open(options)
        self._ecs = EcsCloud(
            self._clients.get,
            cluster=self._builder.location(),
            container_name=options.container_name,
            started_by=started_by(deployment),
            before_read=self._reads.take,
            meter=self._metering.meter,
        )
        self._launch_types = LaunchTypes(self._ecs.default_launch_type, self._clock)
        return self._ecs

    def _plan(self, workload: Workload, words: Sequence[str], identity: Identity) -> Any:
        return self._builder.build(
            identity,
            words,
            workload.executor_config,
            workload.queue,
            default_launch_type=self._default_launch_type(workload.executor_config, workload.queue),
        )

    def _default_launch_type(self, executor_config: object, queue: str | None) -> str | None:
        """What a cluster needs said where nothing is configured. On a lane's thread."""
        if not self._launch_type_is_open or self._builder.names_launch_type(executor_config, queue):
            return None
        return self._launch_types.of(self._location_of(executor_config, queue))

    def _max_attempts(self, options: EcsOptions) -> int:
        return self.MAX_RUN_TASK_ATTEMPTS or options.max_attempts

    def _describe_batch(self, _cloud: Cloud) -> int:
        return self.DESCRIBE_TASKS_BATCH_SIZE

    def _slow_start(self, _options: EcsOptions) -> str:
        asked = (plan.arguments.get("capacityProviderStrategy") or () for plan in self._builder.typical())
        named = dict.fromkeys(str(item.get("capacityProvider")) for strategy in asked for item in strategy)
        scaling = [name for name in named if not name.startswith("FARGATE")]
        return f"capacity provider {', '.join(scaling)} may have to start an instance first" if scaling else ""

    def _job_of(self, external_id: str, location: str) -> Job | None:
        return Job(external_id, location) if _TASK_ARN.fullmatch(external_id) else None

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
        """Take in what has become known of the running tasks; the first half of a beat."""
        self._sync_running()

    def attempt_task_runs(self) -> None:
        """Hand the launches that are due to the dispatcher; the second half of a beat."""
        self._attempt_launches()

    def get_container(self, container_list: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """The Airflow container of a list (of overrides, or of a described task), by `container_name`.

        Raises:
            KeyError: there is none of that name.
        """
        self._ready_cloud()
        name = self._options.container_name if isinstance(self._options, EcsOptions) else ""
        for container in container_list:
            if container.get("name") == name:
                return container
        there = ", ".join(str(container.get("name", "(no name)")) for container in container_list) or "none"
        raise KeyError(f"no container is named {name!r} ([{self.SECTION}] container_name); there are: {there}")


def _leaves_launch_type_open(options: EcsOptions) -> bool:
    """Whether the options name neither a launch type nor a strategy."""
    return not (options.launch_type or options.capacity_provider_strategy or names_launch_type(options.run_task_kwargs))
