"""`ContainerExecutor`: Airflow's executor interface, in Airflow's order.

Read it from here: every method of Airflow's is a few lines that call one of the executor's parts.

| part | module |
|---|---|
| startup: options, client, dispatcher | `startup` |
| intake: workloads from Airflow's queue | `intake` |
| heartbeat: feeds the machine, carries out its effects | `heartbeat` |
| reporter: executor events and task event logs | `reporter` |
| adoption: task instances of a dead scheduler | `adoption` |
| shutdown: `end` and `terminate` | `shutdown` |
| database queries and fleet listing, for the lanes | `airflow_db`, `fleet_listing` |

`aws_exec.lifecycle.machine` decides what happens to a job. A service (`ecs`, `batch`) is a subclass that overrides the
hooks at the end of this file. No method that the scheduler's loop calls waits for AWS, or raises.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeAlias

from airflow.executors.base_executor import BaseExecutor

from aws_exec.clouds.cloud import Cloud
from aws_exec.clouds.session import READ_TIMEOUT_SECONDS, build_client
from aws_exec.dispatch.credentials import FIRST_RENEWAL_SECONDS, LONGEST_RENEWAL_SECONDS
from aws_exec.executors import compat
from aws_exec.executors.adoption import Adoption
from aws_exec.executors.airflow_db import AirflowDatabase
from aws_exec.executors.fleet_listing import FleetLister
from aws_exec.executors.heartbeat import Heartbeat
from aws_exec.executors.intake import Intake
from aws_exec.executors.metrics import ExecutorMetrics
from aws_exec.executors.reporter import Reporter
from aws_exec.executors.shutdown import TERMINATING, Shutdown
from aws_exec.executors.startup import Access, Builder, Setup, Startup
from aws_exec.executors.workload import LaunchIds, Workload
from aws_exec.lifecycle import Machine, Policy, events
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.values import Job
from aws_exec.settings import ExecutorOptions
from aws_exec.settings.file import AwsexecFile

Command: TypeAlias = Sequence[Any]
ExecutorConfig: TypeAlias = dict[str, Any]


class ContainerExecutor(compat.RunsCallbacks, BaseExecutor):
    """An executor that runs every workload in a container of its own."""

    supports_multi_team = True
    supports_task_instance_uuid = True
    pre_assigns_external_executor_id = True
    is_local = False
    serve_logs = False

    CommandType = Command
    ExecutorConfigType = ExecutorConfig

    #: The service's name: boto3's, `Capabilities.service`, and the one in the names of metrics.
    SERVICE: ClassVar[str]
    #: The section of Airflow's configuration.
    SECTION: ClassVar[str]
    #: The options in that section.
    OPTIONS: ClassVar[type[ExecutorOptions]]

    #: Further error codes after which the client is rebuilt with new credentials; the Amazon provider's name and
    #: values.
    INVALID_CREDENTIALS_EXCEPTIONS: ClassVar[list[str]] = [
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
    ]
    #: Seconds before the client is rebuilt after its credentials failed, and at most between two tries.
    CREDENTIALS_RENEWAL: ClassVar[tuple[float, float]] = (FIRST_RENEWAL_SECONDS, LONGEST_RENEWAL_SECONDS)

    #: Seconds between two checks whether Airflow still wants the launches that have not started: the container of a
    #: task that was marked failed while it waited must be stopped before it is placed. A check is one SELECT for 500
    #: launches. None: no checks.
    CHECK_INTERVAL: ClassVar[float | None] = 5.0

    #: Seconds after which a call to AWS without an answer fails.
    READ_TIMEOUT: ClassVar[float] = READ_TIMEOUT_SECONDS

    def __init__(self, *args: Any, clock: Callable[[], float] = time.monotonic, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._task_event_logs = compat.EventLogs()
        self._clock = clock
        self._launch_ids = LaunchIds()
        self._metrics = ExecutorMetrics(self.SERVICE, compat.metric_tags(self), clock)
        self._reporter = Reporter(self)
        self._database = AirflowDatabase(self)
        self._fleet_lister = FleetLister(self, self._database, clock)
        self._heartbeat = Heartbeat(self, self._reporter, self._fleet_lister, self._metrics, clock)
        self._startup = Startup(self, self._database, self._fleet_lister, self._metrics, clock)
        self._intake = Intake(self, self._heartbeat, self._reporter, self._launch_ids, clock)
        self._adoption = Adoption(self, self._heartbeat, self._startup, self._fleet_lister, self._launch_ids)
        self._shutdown = Shutdown(self, self._heartbeat, self._metrics, clock)

    @property
    def machine(self) -> Machine:
        """Every launch of this executor."""
        return self._heartbeat.machine

    def start(self) -> None:
        """Read and check the options, build the client, check the health if configured, start the threads.

        Raises:
            AirflowException: an option is wrong, or AWS's answer means that nothing can be launched.
        """
        self._startup.start(self._heartbeat)

    def _process_workloads(self, workload_items: Sequence[Any]) -> None:
        """Queue as many workloads as the heartbeat budget allows; the rest stay in Airflow's queue."""
        self._intake.take(workload_items)

    def execute_async(
        self,
        key: Any,
        command: Command,
        queue: str | None = None,
        executor_config: ExecutorConfig | None = None,
    ) -> None:
        """Queue one workload; a later heartbeat launches it.

        Args:
            key: Airflow's key.
            command: `[workload]`, or a command line.
            queue: Airflow's queue; unknown queues are ignored.
            executor_config: of the task; an invalid one fails this task when it is launched, with the reason.
        """
        self._intake.add(key, command, queue, executor_config)

    def sync(self) -> None:
        """Handle completions, report to Airflow, dispatch what is due. Never waits for AWS, never raises.

        Waits at most 10 ms for the database lane to verify exits (`Heartbeat.run`).
        """
        try:
            self._adoption.free_unowned_slots()
            self._heartbeat.run()
        except Exception:
            # An exception here would end the scheduler; the next heartbeat continues where this one stopped.
            self.log.exception("A heartbeat of %s failed", type(self).__name__)

    def change_state(self, key: Any, state: Any, info: Any = None, remove_running: bool = True) -> None:
        """Put a state into the event buffer; Airflow calls it to declare a task terminal.

        A terminal state that this executor did not report (a heartbeat timeout, a task stuck in queued) ends the launch
        for Airflow: its container is stopped and followed to its end, and nothing more is reported.
        """
        super().change_state(key, state, info, remove_running)
        if not compat.is_terminal(state):
            return
        self._reporter.drop_waiting(key)
        try:
            self._heartbeat.handle(events.FailedByAirflow(key=key))
        except Exception:
            self.log.exception("The container of %s could not be stopped", compat.named(self, key))

    def get_event_buffer(self, dag_ids: Any = None) -> dict[Any, Any]:
        """Return and remove the events; of several tries of one task instance, those of the newest.

        Args:
            dag_ids: only those of these DAGs; all if None.
        """
        return compat.newest_tries(super().get_event_buffer(dag_ids))

    def end(self, heartbeat_interval: float = 10) -> None:
        """Launch and replace nothing more; wait for what no other scheduler could finish, and leave the jobs.

        That is submits without an answer, and stops that AWS has not accepted. The next scheduler adopts running jobs;
        it cannot begin before this one is gone, and events reported now are never read (docs/adr/0014). Takes at most
        `shutdown_timeout` in all; 0 does not wait.

        Args:
            heartbeat_interval: seconds between two heartbeats, at most.
        """
        self._shutdown.run(events.Draining(), heartbeat_interval, self._startup.shutdown_timeout)

    def terminate(self) -> None:
        """Stop every job of this executor, in a limited time; a stop that fails does not affect the others."""
        self._shutdown.run(events.Terminating(), 1.0, max(self._startup.shutdown_timeout, TERMINATING))

    def revoke_task(self, *, ti: Any) -> None:
        """Free the task's key at once and stop its container; reports nothing, never raises.

        The last known reason why it did not run becomes a task event. A new launch of the same task instance waits
        until the container has ended.
        """
        try:
            key = compat.task_key(ti)
            compat.forget_queued(self, key)
            self._heartbeat.handle(events.Revoked(key=key))
            self._reporter.forget(key)
            self.running.discard(key)
        except Exception:
            self.log.exception("A task could not be revoked")

    def try_adopt_task_instances(self, tis: Sequence[Any]) -> Sequence[Any]:
        """Adopt task instances of another scheduler; Airflow resets those returned, which costs them a try.

        Adopts every one it can identify, and verifies in the background. Never waits for AWS, never raises.
        """
        begun = self._clock()
        left = self._adoption.adopt(tis)
        self._metrics.adoption(self._clock() - begun)
        return left

    def debug_dump(self) -> None:
        """Log the number of launches in each phase, and the stories of those that wait longest; on SIGUSR2."""
        super().debug_dump()  # type: ignore[no-untyped-call] # Airflow annotates it not
        self.log.info("launches by phase: %s", self._heartbeat.phases())
        for story in self._heartbeat.stories():
            self.log.info("%s", story)

    # -- beyond Airflow's interface -----------------------------------------------------------------------------------

    def check_health(self) -> None:
        """Send the service a harmless request.

        Raises:
            AirflowException: nothing could be launched now; with cause and remedy.
        """
        self._startup.check_health()

    def send_message_to_task_logs(self, level: int, msg: str, *args: Any, ti: Any) -> None:
        """Append a message to a task's event log, which Airflow shows with the task instance; limited per task.

        Args:
            level: of `logging`; the scheduler's own log gets it, too.
            msg: with `%` placeholders for `args`.
            *args: as for `logging`.
            ti: a task instance, or its key.
        """
        try:
            text = msg % args if args else msg
            self.log.log(level, "%s", text)
            self._reporter.message(compat.event_key(self, ti), text)
        except Exception:
            self.log.exception("A message could not be put into a task's event log")

    def _load_connection(self, check_connection: bool) -> None:
        """Build the client anew, then swap; the documented methods of the services."""
        self._startup.ready().renew_clients()
        if check_connection:
            self.check_health()

    # -- hooks: what differs between services -------------------------------------------------------------------------

    def read_options(
        self, get: Callable[[str], str | None], team: str | None, file: AwsexecFile
    ) -> tuple[Any, Builder]:
        """Return this executor's options, and the builder that makes requests of them; raise OptionsError."""
        raise NotImplementedError

    def build_client(self, options: Any) -> Any:
        """Build the client that the adapter calls: boto3's client of `SERVICE`. Takes seconds; at start or on a lane.

        Raises:
            CloudError: it cannot be built; REFUSED and INVALID keep the executor from starting.
        """
        return self._build_client(self.SERVICE, options)

    def build_store_client(self, options: Any) -> Any:
        """Build boto3's client of S3 for `workload_store`; as `build_client`."""
        return self._build_client("s3", options)

    def _build_client(self, service: str, options: Any) -> Any:
        return build_client(
            service,
            conn_id=options.conn_id,
            region_name=options.region_name,
            section=self.SECTION,
            read_timeout=self.READ_TIMEOUT,
            find_connection=compat.connection,
        )

    def build_adapter(self, options: Any, builder: Any, access: Access) -> Cloud:
        """Build the adapter, which calls AWS through `access`."""
        raise NotImplementedError

    def build_plan(self, setup: Setup, workload: Workload, words: Sequence[str], identity: Identity) -> Any:
        """Return the plan of one launch; raise InvalidExecutorConfig or CloudError. On a lane's thread."""
        return setup.builder.build(identity, words, workload.executor_config, workload.queue)

    def job_of(self, external_id: str, location: str) -> Job | None:
        """Return the job with Airflow's external executor id; None if that is none of this service."""
        raise NotImplementedError

    def policy(self, policy: Policy, _options: Any) -> Policy:
        """Return the machine's policy, adapted to this service."""
        return policy

    def slow_start(self, _builder: Any) -> str:
        """Return why a container may take long to start; empty if it should not."""
        return ""
