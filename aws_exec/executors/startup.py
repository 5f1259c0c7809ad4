"""From Airflow's configuration to running lanes: options, clients, the adapter, the dispatcher, the health check.

What a service is beside that is said by a thin subclass, in a handful of hooks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, ClassVar, Protocol

from aws_exec.clouds.cloud import Cloud, Request
from aws_exec.clouds.errors import CloudError
from aws_exec.clouds.session import READ_TIMEOUT_SECONDS, ClientSource, build_client
from aws_exec.diagnosis import can_replace
from aws_exec.dispatch.credentials import FIRST_RENEWAL_SECONDS, LONGEST_RENEWAL_SECONDS
from aws_exec.dispatch.database import Rows
from aws_exec.dispatch.dispatcher import Dispatcher
from aws_exec.dispatch.pacing import Pacer
from aws_exec.executors import compat, messages
from aws_exec.executors.heartbeat import BUDGET, BeatingExecutor
from aws_exec.executors.locations import Locations
from aws_exec.executors.workload import Workload
from aws_exec.lifecycle import Machine, Policy, effects
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.orphans import FleetMember, Owner
from aws_exec.lifecycle.values import CallFailure, FailureKind, Key, LaunchId
from aws_exec.settings import ExecutorOptions, InvalidExecutorConfig, OptionsError
from aws_exec.settings.common.launch import LaunchPlan
from aws_exec.settings.file import AwsexecFile, load_file

#: Seconds that a container may take to start where instances have to be started for it first.
SLOW_START = 3600.0

#: A lane may launch until this share of the health threshold has passed since the last beat: after the whole of it
#: another scheduler may have adopted what we would launch.
LEASE_SHARE = 1 / 3
#: After this share of it, what was not launched is checked before it is (docs/adr/0007): Airflow's own heartbeat may be
#: some seconds older than our last beat, so not the whole; not less either: a slow scheduler would check for ever.
DOUBT_SHARE = 2 / 3

#: Describe and list calls that may be made at once after a pause (ECS API Reference, "Request throttling quotas"; AWS
#: publishes none for Batch).
READ_BURST = 100

#: Airflow queues whose location is remembered: DAG authors name them, too.
_QUEUES = 1000


class Builder(Protocol):
    """What makes the requests of a service (`aws_exec.settings`). Pure; asked on the threads of the lanes.

    Attributes:
        warnings: what in the options has no effect, one sentence each; logged at start.
    """

    warnings: tuple[str, ...]

    def location(self, executor_config: object = None, queue: str | None = None) -> str:
        """Where a task of this Airflow queue goes; raises InvalidExecutorConfig."""
        ...

    def locations(self) -> Sequence[str]:
        """Where the configuration sends tasks."""
        ...

    def build(
        self, identity: Identity, command: Sequence[str], executor_config: object = None, queue: str | None = None
    ) -> LaunchPlan:
        """The request of one launch (`settings.launch.fill` puts command and identity in); InvalidExecutorConfig."""
        ...


class StartingExecutor(BeatingExecutor):
    """An executor that knows how to start."""

    #: The section of Airflow's configuration.
    SECTION: ClassVar[str]
    #: What it may hold.
    OPTIONS: ClassVar[type[ExecutorOptions]]

    #: Error codes after which the client is rebuilt with new credentials, beside those that we know of; the amazon
    #: provider's name and values.
    INVALID_CREDENTIALS_EXCEPTIONS: ClassVar[list[str]] = [
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
    ]
    #: Seconds before the client is rebuilt after its credentials failed, and at most between two tries.
    CREDENTIALS_RENEWAL: ClassVar[tuple[float, float]] = (FIRST_RENEWAL_SECONDS, LONGEST_RENEWAL_SECONDS)

    #: Seconds between two checks whether Airflow still wants what has not started: a container that was marked failed
    #: while it waited must be gone before it finds room, and a check is one SELECT for 500 launches. None: no checks.
    CHECK_INTERVAL: ClassVar[float | None] = 5.0

    #: Seconds after which an answer of AWS is given up.
    READ_TIMEOUT: ClassVar[float] = READ_TIMEOUT_SECONDS

    _builder: Any = None
    #: Where the tasks of an Airflow queue go that have no executor_config.
    _location_of_queue: Callable[[str | None], str]
    _clients: ClientSource[Any]
    _reads: Pacer

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._cloud: Cloud | None = None
        self._options: ExecutorOptions | None = None
        self._deployment = ""

    # -- what a service is --------------------------------------------------------------------------------------------

    def _read_options(
        self, get: Callable[[str], str | None], team: str | None, file: AwsexecFile
    ) -> tuple[Any, Builder]:
        """This executor's options, and what makes requests of them; raises OptionsError."""
        raise NotImplementedError

    def _client(self, options: Any) -> Any:
        """Build what `self._clients` keeps: boto3's client of `SERVICE`; not in a beat, may take seconds.

        Raises:
            CloudError: it cannot be built; REFUSED and INVALID keep the executor from starting.
        """
        return build_client(
            self.SERVICE,
            conn_id=options.conn_id,
            region_name=options.region_name,
            section=self.SECTION,
            read_timeout=self.READ_TIMEOUT,
            find_connection=compat.connection,
        )

    def _adapter(self, options: Any, deployment: str) -> Cloud:
        """The adapter; it is to use `self._clients.get` and `self._reads.take`."""
        raise NotImplementedError

    def _plan(self, workload: Workload, words: Sequence[str], identity: Identity) -> Any:
        """The plan of one launch; raises InvalidExecutorConfig or CloudError. On a lane's thread."""
        return self._builder.build(identity, words, workload.executor_config, workload.queue)

    def _max_attempts(self, options: Any) -> int:
        """Containers that may die before they start."""
        return int(options.max_attempts)

    def _describe_batch(self, cloud: Cloud) -> int:
        """Jobs per describe call."""
        return cloud.capabilities.describe_batch

    def _start_timeout(self, _options: Any) -> float | None:
        """Seconds that an accepted job may take to start; None if that is unlimited."""
        return None

    def _slow_start(self, _options: Any) -> str:
        """Why a container may take long to start here; empty if it should not."""
        return ""

    # -- start --------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Read and check the options, build the client, check the health if asked, start the threads.

        Raises:
            AirflowException: an option is wrong, or AWS says definitively that nothing can be launched.
        """
        try:
            cloud, options = self._set_up()
        except OptionsError as error:
            raise messages.refusal(str(error)) from error
        self.machine = Machine(self._policy(options, cloud))
        self._dispatcher = self._build_dispatcher(cloud, options)
        self._warn_of_short_timeout(options)
        try:
            self._clients.get()
        except CloudError as error:
            self._refuse_if_definitive(error.fault)
        if options.check_health_on_startup:
            self._check_health_at_start(cloud)
        compat.map_tables()
        self._dispatcher.start()
        self.log.info("%s is ready (deployment %s)", type(self).__name__, self._deployment)

    def _set_up(self) -> tuple[Cloud, ExecutorOptions]:
        """Read the options, build what they describe. Calls nobody; raises OptionsError."""
        team = compat.team_of(self)
        said = compat.options_said(self, self.SECTION, self.OPTIONS.model_fields)
        file = load_file(os.environ)
        if file.located.source:
            self.log.info("Reading %s, under Airflow's configuration", file.located.source)
        options, self._builder = self._read_options(said.get, team, file)
        for warning in self._builder.warnings:
            self.log.warning("[%s] %s", self.SECTION, warning)
        self._location_of_queue = lru_cache(_QUEUES)(partial(self._builder.location, None))
        self._locations = Locations(self._builder.locations(), self._clock)
        self._options = options
        self._deployment = options.deployment or compat.default_deployment()
        self._clients = ClientSource(partial(self._client, options))
        self._reads = Pacer(options.describe_rate, READ_BURST, self._clock)
        self._cloud = self._adapter(options, self._deployment)
        return self._cloud, options

    def _ready_cloud(self) -> Cloud:
        return self._cloud or self._set_up()[0]

    def _build_dispatcher(self, cloud: Cloud, options: ExecutorOptions) -> Dispatcher:
        return Dispatcher(
            cloud,
            compose=self._compose,
            rows=Rows(
                confirm=self._confirm,
                settle=self._settle,
                owners=self._owners,
                unwanted=self._unwanted,
                unfinished=self._unfinished_callbacks,
            ),
            survey=self._survey,
            launches=Pacer(options.launches_per_second, options.launches_at_once, self._clock),
            reads=self._reads,
            renew=self._clients.renew,
            renewal=self.CREDENTIALS_RENEWAL,
            bad_credentials=frozenset(self.INVALID_CREDENTIALS_EXCEPTIONS),
            clock=self._clock,
            lease=compat.health_threshold() * LEASE_SHARE,
            meter=self._metering.meter,
        )

    def _compose(self, submit: effects.Submit) -> Request:
        """Make the request of one launch; on a lane's thread."""
        raise NotImplementedError

    def _confirm(
        self, launches: Sequence[tuple[LaunchId, Key]], read: Collection[LaunchId]
    ) -> Mapping[LaunchId, object]:
        """Which launches are still this scheduler's, and what those to be read run; on a lane's thread."""
        raise NotImplementedError

    def _settle(self, launches: Sequence[tuple[LaunchId, Key]]) -> Mapping[LaunchId, bool]:
        """The ends of which launches are news to Airflow, and whether its row runs; on a lane's thread."""
        raise NotImplementedError

    def _owners(self, identities: Sequence[Identity]) -> list[Owner]:
        """Whose these containers are; on a lane's thread."""
        raise NotImplementedError

    def _unwanted(self, launches: Sequence[tuple[LaunchId, Key]]) -> Mapping[LaunchId, str]:
        """Which of these launches Airflow no longer wants, and why; on a lane's thread."""
        raise NotImplementedError

    def _unfinished_callbacks(self) -> Sequence[LaunchId]:
        """Callbacks that some executor was given and that are not over, but for those here; on a lane's thread.

        Should they have ended, it may be that nobody else would tell Airflow.
        """
        raise NotImplementedError

    def _survey(self, ended_of: Sequence[LaunchId]) -> Sequence[FleetMember]:
        """What runs of this deployment, wherever a job of this executor may be; on a lane's thread.

        Args:
            ended_of: launches whose end is told, too.
        """
        cloud = self._ready_cloud()
        return self._locations.survey(lambda locations: cloud.survey(locations, ended_of))

    def _policy(self, options: ExecutorOptions, cloud: Cloud) -> Policy:
        can = cloud.capabilities
        return Policy(
            service=can.service,
            idempotent_submit=can.idempotent_submit,
            max_attempts=self._max_attempts(options),
            observe_batch=self._describe_batch(cloud),
            poll_interval=options.poll_interval,
            launch_timeout=options.launch_timeout or None,
            start_timeout=self._start_timeout(options),
            check_interval=self.CHECK_INTERVAL,
            stop_grace=options.stop_grace,
            missing_grace=options.missing_grace,
            deployment=self._deployment,
            orphan_interval=options.orphan_interval,
            reap_orphans=options.reap_orphans,
            stall_after=compat.health_threshold() * DOUBT_SHARE,
            judge=can_replace,
        )

    def _warn_of_short_timeout(self, options: ExecutorOptions) -> None:
        timeout = compat.queued_timeout()
        if (reason := self._slow_start(options)) and timeout < SLOW_START:
            self.log.warning(
                "[scheduler] task_queued_timeout is %g s, and %s: Airflow would revoke tasks that are still starting. "
                "Set AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT to %g or more",
                timeout,
                reason,
                SLOW_START,
            )
        if options.launch_timeout and options.launch_timeout > timeout:
            self.log.warning(
                "[%s] launch_timeout (%g s) is longer than [scheduler] task_queued_timeout (%g s), which ends first",
                self.SECTION,
                options.launch_timeout,
                timeout,
            )

    def _location_of(self, executor_config: object, queue: str | None = None) -> str:
        """Where the container of such a task is; where it would be without an executor_config that cannot be read."""
        if not executor_config:
            return self._location_of_queue(queue)
        try:
            return str(self._builder.location(executor_config, queue))
        except InvalidExecutorConfig:
            # It fails its task when it is launched; here it only means that the location is the configured one.
            return str(self._builder.location(None, queue))

    # -- health -------------------------------------------------------------------------------------------------------

    def check_health(self) -> None:
        """Ask the service something harmless.

        Raises:
            AirflowException: nothing could be launched now; with cause and remedy.
        """
        fault = self._ready_cloud().check()
        if fault is not None:
            raise messages.refusal(f"{type(self).__name__} health check failed. {messages.tell_fault(fault)}")
        self.log.info("%s health check has succeeded", type(self).__name__)

    def _check_health_at_start(self, cloud: Cloud) -> None:
        """Refuse to start on a definitive answer only; what may pass is retried by the lanes, off the beat."""
        fault = cloud.check()
        if fault is None:
            self.log.info("%s health check has succeeded", type(self).__name__)
        else:
            self._refuse_if_definitive(fault)

    def _refuse_if_definitive(self, fault: CallFailure) -> None:
        if fault.trouble in (FailureKind.REFUSED, FailureKind.INVALID):
            raise messages.refusal(f"{type(self).__name__} cannot start. {messages.tell_fault(fault)}")
        self.log.warning("%s starts all the same: %s", type(self).__name__, messages.tell_fault(fault))

    def _load_connection(self, check_connection: bool) -> None:
        """Build the client anew, then swap; the documented methods of the services are this."""
        self._ready_cloud()
        self._clients.renew()
        if check_connection:
            self.check_health()

    # -- the halves of a beat -----------------------------------------------------------------------------------------

    def _sync_running(self) -> None:
        self._take_in_completions(self._clock() + BUDGET)

    def _attempt_launches(self) -> None:
        self._hand_over_due(self._clock() + BUDGET)
