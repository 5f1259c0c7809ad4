"""`AwsEcsExecutor`: every workload is one Amazon ECS task."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, cast

from aws_exec.clouds.cloud import Request
from aws_exec.clouds.dispatcher import Dispatcher
from aws_exec.clouds.ecs import EcsCloud
from aws_exec.clouds.lane_pace import Pacer
from aws_exec.clouds.session import ClientSource, build_client
from aws_exec.executors import compat
from aws_exec.executors.base import LEASE_SHARE, ContainerExecutor
from aws_exec.executors.beat import BUDGET
from aws_exec.executors.workload import Workload
from aws_exec.lifecycle.identity import Identity, started_by
from aws_exec.lifecycle.values import Job
from aws_exec.settings import EcsOptions, InvalidExecutorConfig, RunTaskBuilder, load_ecs_options

#: The burst of ECS's bucket for DescribeTasks and ListTasks (ECS API Reference, "Request throttling quotas").
READ_BURST = 100

#: `arn:aws:ecs:eu-central-1:123456789012:task/cluster/id`, or the older form without the cluster.
_TASK_ARN = re.compile(r"arn:[\w-]+:ecs:[\w-]+:\d+:task/(?:(?P<cluster>[\w-]+)/)?[\w-]+")


class AwsEcsExecutor(ContainerExecutor):
    """Runs each Airflow workload as one ECS task, on Fargate, EC2 or a capacity provider.

    Configured by `[aws_ecs_executor]`, with the option names of the amazon provider's executor of the same name.
    """

    SECTION = "aws_ecs_executor"

    #: Tasks per DescribeTasks call; AWS takes 100.
    DESCRIBE_TASKS_BATCH_SIZE: ClassVar[int] = 99
    #: How many containers may die before they start; None: the option `max_run_task_attempts`.
    MAX_RUN_TASK_ATTEMPTS: ClassVar[int | None] = None

    _builder: RunTaskBuilder | None = None
    _clients: ClientSource[Any] | None = None

    # -- what ECS is --------------------------------------------------------------------------------------------------

    def _load_options(self) -> EcsOptions:
        team = compat.team_of(self)
        options = load_ecs_options(compat.option_reader(self, self.SECTION), team=team)
        self._builder = RunTaskBuilder(options, team=team)
        for warning in self._builder.warnings:
            self.log.warning("[%s] %s", self.SECTION, warning)
        return options

    def _build_cloud(self, options: EcsOptions, deployment: str) -> EcsCloud:
        self._clients = ClientSource(
            partial(build_client, "ecs", conn_id=options.conn_id, region_name=options.region_name)
        )
        self._reads = Pacer(options.describe_rate, READ_BURST, self._clock)
        self._launch_types: dict[str, str | None] = {}
        self._looking_up = threading.Lock()
        return EcsCloud(
            self._clients.get,
            cluster=options.cluster,
            container_name=options.container_name,
            started_by=started_by(deployment),
            before_read=self._reads.take,
        )

    def _build_dispatcher(self, cloud: EcsCloud, options: EcsOptions) -> Dispatcher:
        return Dispatcher(
            cloud,
            compose=self._compose,
            confirm=self._confirm,
            launches=Pacer(options.launches_per_second, options.launch_burst, self._clock),
            reads=self._reads,
            renew=partial(self.load_ecs_connection, check_connection=False),
            renewal=self.CREDENTIALS_RENEWAL,
            clock=self._clock,
            lease=compat.health_threshold() * LEASE_SHARE,
        )

    def _request(self, workload: Workload, words: Sequence[str], identity: Identity) -> Request:
        options = self._options
        if self._builder is None or not isinstance(options, EcsOptions):
            raise RuntimeError("the executor has not been started")
        plan = self._builder.build(
            identity,
            words,
            workload.executor_config,
            workload.queue,
            default_launch_type=self._default_launch_type(options, workload.executor_config),
        )
        return Request(identity.token, plan.place, plan.arguments)

    def _default_launch_type(self, options: EcsOptions, executor_config: Mapping[str, Any] | None) -> str | None:
        """What a cluster needs said where nothing is configured; asked once for each. On a lane's thread."""
        if not _leaves_launch_type_open(options):
            return None
        place = self._place_of(executor_config)
        with self._looking_up:
            if place not in self._launch_types:
                self._launch_types[place] = self._ready_cloud().default_launch_type(place)
            return self._launch_types[place]

    def _connect(self) -> None:
        if self._clients is not None:
            self._clients.get()

    def _ready_cloud(self) -> EcsCloud:
        return cast("EcsCloud", super()._ready_cloud())

    def _max_attempts(self, options: Any) -> int:
        return self.MAX_RUN_TASK_ATTEMPTS or int(options.max_attempts)

    def _describe_batch(self) -> int:
        return self.DESCRIBE_TASKS_BATCH_SIZE

    def _slow_start(self, options: EcsOptions) -> str:
        strategy = options.capacity_provider_strategy or ()
        scaling = [name for item in strategy if not (name := str(item.get("capacityProvider"))).startswith("FARGATE")]
        return f"capacity provider {', '.join(scaling)} may have to start an instance first" if scaling else ""

    def _place_of(self, executor_config: Any) -> str:
        if self._builder is None:
            return ""
        try:
            return self._builder.place(executor_config if isinstance(executor_config, Mapping) else None)
        except InvalidExecutorConfig:
            # It fails its task when it is launched; here it only means that the cluster is the configured one.
            return self._builder.place(None)

    def _job_of(self, external_id: str, place: str) -> Job | None:
        return Job(external_id, place) if _TASK_ARN.fullmatch(external_id) else None

    # -- the documented methods ---------------------------------------------------------------------------------------

    def load_ecs_connection(self, check_connection: bool = True) -> None:
        """Build the ECS client anew, then swap; calls under way finish with the old one.

        Args:
            check_connection: whether to run `check_health()` with it.

        Raises:
            CloudError: it cannot be built: no such connection, no region.
            AirflowException: the check failed.
        """
        self._ready_cloud()
        if self._clients is not None:
            self._clients.renew()
        if check_connection:
            self.check_health()

    def sync_running_tasks(self) -> None:
        """Take in what has become known of the running tasks; the first half of a beat."""
        self._take_in_completions(self._clock() + BUDGET)

    def attempt_task_runs(self) -> None:
        """Hand the launches that are due to the dispatcher; the second half of a beat."""
        self._hand_over_due(self._clock() + BUDGET)

    def get_container(self, container_list: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """The Airflow container of a list (of overrides, or of a described task), by `container_name`.

        Raises:
            KeyError: there is none of that name.
        """
        name = (
            self._options.container_name
            if isinstance(self._options, EcsOptions)
            else self._load_options().container_name
        )
        for container in container_list:
            if container.get("name") == name:
                return container
        there = ", ".join(str(container.get("name", "(no name)")) for container in container_list) or "none"
        raise KeyError(f"no container is named {name!r} ([{self.SECTION}] container_name); there are: {there}")


def _leaves_launch_type_open(options: EcsOptions) -> bool:
    """Whether the options name neither a launch type nor a strategy."""
    raw = ("launchType", "launch_type", "capacityProviderStrategy", "capacity_provider_strategy")
    return not (
        options.launch_type
        or options.capacity_provider_strategy
        or any(options.run_task_kwargs.get(name) for name in raw)
    )
