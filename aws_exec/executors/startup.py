"""The startup of an executor: options, client, adapter, dispatcher, health check.

The differences between services are in the executor's hooks (`aws_exec.executors.base.ContainerExecutor`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Protocol

from aws_exec.clouds.cloud import Cloud
from aws_exec.clouds.errors import CloudError
from aws_exec.clouds.session import ClientSource
from aws_exec.clouds.workload_store import WorkloadStore
from aws_exec.diagnosis import can_replace
from aws_exec.dispatch.database import DatabaseQueries
from aws_exec.dispatch.dispatcher import Dispatcher
from aws_exec.dispatch.pacing import Pacer
from aws_exec.executors import compat, messages
from aws_exec.executors.airflow_db import AirflowDatabase
from aws_exec.executors.fleet_listing import FleetLister
from aws_exec.executors.heartbeat import Heartbeat
from aws_exec.executors.metrics import ExecutorMetrics
from aws_exec.executors.workload import RequestComposer
from aws_exec.lifecycle import Machine, Policy
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.values import CallFailure, FailureKind
from aws_exec.metrics.meter import Meter
from aws_exec.settings import ExecutorOptions, InvalidExecutorConfig, OptionsError
from aws_exec.settings.common.launch import LaunchPlan
from aws_exec.settings.common.options import SLOW_START
from aws_exec.settings.file import load_file

if TYPE_CHECKING:
    from aws_exec.executors.base import ContainerExecutor

#: The lease, as a share of the health threshold: a lane may launch for that long after the last heartbeat. After the
#: whole threshold another scheduler may have adopted what we would launch.
LEASE_SHARE = 1 / 3
#: A longer pause than this share of it is a stall: rows are verified before their launches are submitted
#: (docs/adr/0007). Airflow's own heartbeat may be some seconds older than our last one, so not the whole; with less, a
#: slow scheduler would verify for ever.
STALL_SHARE = 2 / 3

#: Describe and list calls that may be made at once after a pause (ECS API Reference, "Request throttling quotas"; AWS
#: publishes none for Batch).
READ_BURST = 100

#: Airflow queues whose location is cached: DAG authors may name any.
_QUEUES = 1000


class Builder(Protocol):
    """Makes the requests of a service (`aws_exec.settings`). Pure; called on the threads of the lanes.

    Attributes:
        warnings: options without effect, one sentence each; logged at start.
    """

    warnings: tuple[str, ...]

    def location(self, executor_config: object = None, queue: str | None = None) -> str:
        """Return the location of a task of this Airflow queue; raise InvalidExecutorConfig."""
        ...

    def locations(self) -> Sequence[str]:
        """Return the locations in the configuration."""
        ...

    def build(
        self, identity: Identity, command: Sequence[str], executor_config: object = None, queue: str | None = None
    ) -> LaunchPlan:
        """Return the request of one launch (`settings.common.launch.fill_container` adds command and identity)."""
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """How an adapter reaches its service.

    Attributes:
        deployment: the deployment whose containers it launches and lists.
        client: returns the client that `ContainerExecutor.build_client` built last.
        before_read: waits for the rate of reads; call it before each describe or list call.
        meter: counts calls.
    """

    deployment: str
    client: Callable[[], Any]
    before_read: Callable[[], bool]
    meter: Meter


@dataclass(frozen=True, slots=True)
class Setup:
    """The parts that an executor's options describe; made without a call to AWS.

    Attributes:
        options: of the executor.
        builder: makes requests of them.
        deployment: the name of this Airflow.
        clients: builds the client when it is first needed, and anew after its credentials failed.
        reads: the pacer of describe and list calls.
        cloud: the adapter.
        store: holds workloads until their containers read them; None: they are in the containers' commands.
        location_of_queue: returns the location of tasks of an Airflow queue without an executor_config.
    """

    options: ExecutorOptions
    builder: Any
    deployment: str
    clients: ClientSource[Any]
    reads: Pacer
    cloud: Cloud
    store: WorkloadStore | None
    location_of_queue: Callable[[str | None], str]

    def renew_clients(self) -> None:
        """Rebuild the clients with the current credentials; raise CloudError if that fails."""
        self.clients.renew()
        if self.store is not None:
            self.store.renew()

    def location_of(self, executor_config: object, queue: str | None = None) -> str:
        """Return the location of such a task, by its queue if its executor_config cannot be read."""
        if not executor_config:
            return self.location_of_queue(queue)
        try:
            return str(self.builder.location(executor_config, queue))
        except InvalidExecutorConfig:
            # It fails its task when it is launched. Here the configured location is used.
            return str(self.builder.location(None, queue))


class Startup:
    """Sets one executor up, and starts it.

    Attributes:
        setup: None until the options were needed.
    """

    def __init__(
        self,
        executor: ContainerExecutor,
        database: AirflowDatabase,
        fleet_lister: FleetLister,
        metrics: ExecutorMetrics,
        clock: Callable[[], float],
    ) -> None:
        self.setup: Setup | None = None
        self._executor = executor
        self._database = database
        self._fleet_lister = fleet_lister
        self._metrics = metrics
        self._clock = clock

    @property
    def shutdown_timeout(self) -> float:
        """Seconds that `end()` may take; 0 before the options were read."""
        return self.setup.options.shutdown_timeout if self.setup is not None else 0.0

    def ready(self) -> Setup:
        """Return the setup, read now if it was not; raise OptionsError."""
        return self.setup or self._read()

    def start(self, heartbeat: Heartbeat) -> None:
        """Read and check the options, build the client, check the health if configured, start the threads.

        Raises:
            AirflowException: an option is wrong, or AWS's answer means that nothing can be launched.
        """
        try:
            setup = self._read()
        except OptionsError as error:
            raise messages.refusal(str(error)) from error
        heartbeat.machine = Machine(self._policy(setup))
        heartbeat.dispatcher = dispatcher = self._dispatcher(setup)
        self._warn_of_short_timeout(setup)
        try:
            setup.clients.get()
            if setup.store is not None:
                setup.store.region()  # builds its client: on a lane, a connection's look-up in the database might hang
        except CloudError as error:
            self._refuse_if_definitive(error.failure)
        if setup.options.check_health_on_startup:
            self._check_health_at_start(setup.cloud)
        compat.map_tables()
        dispatcher.start()
        self._executor.log.info("%s is ready (deployment %s)", self._name, setup.deployment)

    def check_health(self) -> None:
        """Send the service a harmless request.

        Raises:
            AirflowException: nothing could be launched now; with cause and remedy.
        """
        failure = self.ready().cloud.check()
        if failure is not None:
            raise messages.refusal(f"{self._name} health check failed. {messages.call_failure(failure)}")
        self._executor.log.info("%s health check has succeeded", self._name)

    @property
    def _name(self) -> str:
        return type(self._executor).__name__

    def _read(self) -> Setup:
        """Read the options, and build the setup."""
        executor = self._executor
        file = load_file(os.environ)
        if file.located.source:
            executor.log.info("Reading %s, under Airflow's configuration", file.located.source)
        raw = compat.raw_options(executor, executor.SECTION, executor.OPTIONS.model_fields)
        options, builder = executor.read_options(raw.get, compat.team_of(executor), file)
        for warning in builder.warnings:
            executor.log.warning("[%s] %s", executor.SECTION, warning)
        deployment = options.deployment or compat.default_deployment()
        clients = ClientSource(partial(executor.build_client, options))
        reads = Pacer(options.describe_rate, READ_BURST, self._clock)
        access = Access(deployment, clients.get, reads.take, self._metrics.meter)
        cloud = executor.build_adapter(options, builder, access)
        location_of_queue = lru_cache(_QUEUES)(partial(builder.location, None))
        self._fleet_lister.configure(cloud, builder.locations())
        store = None
        if options.workload_store:
            store_clients = ClientSource(partial(executor.build_store_client, options))
            store = WorkloadStore(options.workload_store, store_clients, self._metrics.meter)
        self.setup = Setup(options, builder, deployment, clients, reads, cloud, store, location_of_queue)
        return self.setup

    def _dispatcher(self, setup: Setup) -> Dispatcher:
        executor, options = self._executor, setup.options
        return Dispatcher(
            setup.cloud,
            compose=RequestComposer(executor, setup, self._fleet_lister.locations),
            queries=DatabaseQueries(
                verify_ownership=self._database.verify_ownership,
                verify_exits=self._database.verify_exits,
                find_owners=self._database.find_owners,
                find_unwanted=self._database.find_unwanted,
                unfinished_callbacks=self._fleet_lister.unfinished_callbacks,
            ),
            list_fleet=self._fleet_lister.list_fleet,
            launches=Pacer(options.launches_per_second, options.launches_at_once, self._clock),
            reads=setup.reads,
            renew=setup.renew_clients,
            renewal=executor.CREDENTIALS_RENEWAL,
            bad_credentials=frozenset(executor.INVALID_CREDENTIALS_EXCEPTIONS),
            clock=self._clock,
            lease=compat.health_threshold() * LEASE_SHARE,
            meter=self._metrics.meter,
        )

    def _policy(self, setup: Setup) -> Policy:
        can, options = setup.cloud.capabilities, setup.options
        policy = Policy(
            service=can.service,
            idempotent_submit=can.idempotent_submit,
            max_attempts=options.max_attempts,
            observe_batch=can.describe_batch,
            poll_interval=options.poll_interval,
            launch_timeout=options.launch_timeout or None,
            check_interval=self._executor.CHECK_INTERVAL,
            stop_grace=options.stop_grace,
            missing_grace=options.missing_grace,
            deployment=setup.deployment,
            orphan_interval=options.orphan_interval,
            reap_orphans=options.reap_orphans,
            stall_after=compat.health_threshold() * STALL_SHARE,
            judge=can_replace,
        )
        return self._executor.policy(policy, options)

    def _warn_of_short_timeout(self, setup: Setup) -> None:
        log, timeout, launch_timeout = self._executor.log, compat.queued_timeout(), setup.options.launch_timeout
        if (reason := self._executor.slow_start(setup.builder)) and timeout < SLOW_START:
            log.warning(
                "[scheduler] task_queued_timeout is %g s, and %s: Airflow would revoke tasks that are still starting. "
                "Set AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT to %g or more",
                timeout,
                reason,
                SLOW_START,
            )
        if launch_timeout and launch_timeout > timeout:
            log.warning(
                "[%s] launch_timeout (%g s) is longer than [scheduler] task_queued_timeout (%g s), which ends first",
                self._executor.SECTION,
                launch_timeout,
                timeout,
            )

    def _check_health_at_start(self, cloud: Cloud) -> None:
        """Refuse to start only if the failure will not pass; the lanes retry other failures in the background."""
        failure = cloud.check()
        if failure is None:
            self._executor.log.info("%s health check has succeeded", self._name)
        else:
            self._refuse_if_definitive(failure)

    def _refuse_if_definitive(self, failure: CallFailure) -> None:
        text = messages.call_failure(failure)
        if failure.kind in (FailureKind.REFUSED, FailureKind.INVALID):
            raise messages.refusal(f"{self._name} cannot start. {text}")
        self._executor.log.warning("%s starts anyway: %s", self._name, text)
