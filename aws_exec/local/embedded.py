"""The embedded AWS: a moto server on loopback whose ECS tasks really run, as local processes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from flask import Flask
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.logs.models import logs_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from aws_exec.local.containers import ContainerHost
from aws_exec.local.control import PREFIX, Control
from aws_exec.local.ecs import EcsTasks
from aws_exec.local.ecs_api import EcsService
from aws_exec.local.ecs_task import DEFAULT_START_DELAY, DEFAULT_STOP_DELAY, Pace
from aws_exec.local.faults import Faults
from aws_exec.local.http import LOOPBACK, HttpServer, Wsgi
from aws_exec.local.launched import Launched
from aws_exec.local.logs import LogWriter
from aws_exec.local.loop import Loop
from aws_exec.local.script import Script
from aws_exec.local.service import Setting
from aws_exec.local.watch import Watch

Found = TypeVar("Found")

#: "The default value is 30 seconds" (API Reference, ContainerDefinition `stopTimeout`).
DEFAULT_STOP_TIMEOUT = 30.0

#: What Airflow tasks get on two cores before they only wait for each other.
DEFAULT_MAX_CONTAINERS = 8


@dataclass(frozen=True, slots=True)
class Names:
    """What is made ready in an embedded AWS."""

    account: str = DEFAULT_ACCOUNT_ID
    region: str = "us-east-1"
    cluster: str = "awsexec"
    task_definition: str = "awsexec-task"
    container: str = "airflow"
    log_group: str = "/awsexec"
    subnet: str = "subnet-0a45ec00000000001"

    @property
    def cluster_arn(self) -> str:
        """The cluster's ARN."""
        return f"arn:aws:ecs:{self.region}:{self.account}:cluster/{self.cluster}"


class EmbeddedAws(Watch):
    """An AWS of one's own, in this process's threads; a context manager that leaves no process behind.

    Attributes:
        names: what is made ready in it.
        container_environment: what every container gets before its task definition's environment and its overrides;
            may be changed at any time, and counts for containers launched later.
        faults: what goes wrong, on request.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        region: str = "us-east-1",
        container_environment: Mapping[str, str] | None = None,
        max_containers: int = DEFAULT_MAX_CONTAINERS,
        start_delay: float = DEFAULT_START_DELAY,
        stop_delay: float = DEFAULT_STOP_DELAY,
        stop_timeout: float = DEFAULT_STOP_TIMEOUT,
        output_directory: Path | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """Prepare it; `start`, or entering it, begins.

        Args:
            port: on 127.0.0.1; 0 for any free one.
            region: where cluster and task definition are made ready.
            container_environment: see the attribute.
            max_containers: how many tasks run at a time (sidecars ride with theirs); the rest stay PROVISIONING.
            start_delay: seconds from the room to run to the start of the containers.
            stop_delay: seconds from the exit of the last container to STOPPED.
            stop_timeout: seconds from SIGTERM to SIGKILL, for containers whose definition has no `stopTimeout`.
            output_directory: where each container's output is also written, one file each; None for nowhere.
            clock: epoch seconds, for what AWS forgets after hours; None for the machine's.

        Raises:
            PortInUseError: the port cannot be had.
        """
        self.names = Names(region=region)
        self.container_environment = dict(container_environment or {})
        script = Script()
        loop = Loop()
        super().__init__(loop, self._all_tasks, LogWriter(loop, self.names.account, region, output_directory))
        self.faults = Faults(loop, self._all_tasks, script)
        self._host = ContainerHost(loop, max_containers)
        self._directory = Path(tempfile.mkdtemp(prefix="awsexec-local-"))
        clocked = {"clock": clock} if clock is not None else {}
        pace = Pace(start_delay, stop_delay)
        self._setting = Setting(script, self._directory, stop_timeout, self.container_environment)
        self._ecs = EcsService(
            lambda: EcsTasks(self._host, pace, self._logs.of_task, script, **clocked),
            self._setting,
        )
        self._control = Control(self._reads(), self._writes())
        self._moto = DomainDispatcherApplication(self._application)
        try:
            self._http = HttpServer(port, self._route)
        except Exception:
            shutil.rmtree(self._directory)
            raise

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Make the cluster, task definition and log group ready, and begin to answer."""
        self._make_ready()
        self._loop.start()
        self._http.start()

    def close(self) -> None:
        """Kill every container and end every thread; harmless a second time."""
        self._http.close()
        self._host.close()
        self._loop.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def endpoint_url(self) -> str:
        """Where AWS clients find it."""
        return f"http://{LOOPBACK}:{self._http.port}"

    def environment(self) -> dict[str, str]:
        """What to export for AWS clients, and for an Airflow that uses AwsEcsExecutor, to use it."""
        names, section = self.names, "AIRFLOW__AWS_ECS_EXECUTOR__"
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_DEFAULT_REGION": names.region,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            f"{section}REGION_NAME": names.region,
            f"{section}CLUSTER": names.cluster,
            f"{section}CONTAINER_NAME": names.container,
            f"{section}TASK_DEFINITION": names.task_definition,
            f"{section}LAUNCH_TYPE": "FARGATE",
            f"{section}SUBNETS": names.subnet,
        }

    def calls(self) -> dict[str, int]:
        """How often each operation of ECS and Batch was asked for so far."""
        return dict(self._setting.calls)

    def _all_tasks(self) -> dict[str, Launched]:
        backends = list(self._ecs.backends.values())
        return {arn: task for backend in backends for arn, task in backend.running.tasks.items()}

    def _make_ready(self) -> None:
        names = self.names
        backend = self._ecs.backend(names.account, names.region)
        backend.create_cluster(names.cluster, capacity_providers=["FARGATE", "FARGATE_SPOT"])
        options = {
            "awslogs-group": names.log_group,
            "awslogs-region": names.region,
            "awslogs-stream-prefix": names.container,
        }
        container = {
            "name": names.container,
            "image": "awsexec/local",
            "logConfiguration": {"logDriver": "awslogs", "options": options},
        }
        backend.register_task_definition(
            names.task_definition,
            [container],
            network_mode="awsvpc",
            requires_compatibilities=["FARGATE"],
            cpu="256",
            memory="512",
        )
        logs_backends[names.account][names.region].ensure_log_group(names.log_group)

    def _application(self, service: Any) -> Flask:
        """The application of one AWS service: ours for ECS, moto's for the rest."""
        if service == "ecs":
            return self._ecs.application()
        app = create_backend_app(service)
        if service == "logs":
            app.wsgi_app = self._one_at_a_time(app.wsgi_app)  # type: ignore[method-assign,assignment] # as Flask documents it
        return app

    def _one_at_a_time(self, app: Wsgi) -> Wsgi:
        def locked(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            with self._logs.lock:
                return app(environ, start_response)

        return locked

    def _route(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        app: Wsgi = self._control if environ["PATH_INFO"].startswith(PREFIX) else self._moto
        return app(environ, start_response)

    def _reads(self) -> dict[str, Callable[[], Any]]:
        return {
            "ledger": lambda: [asdict(line) for line in self.ledger()],
            "calls": self.calls,
            "environment": self.environment,
        }

    def _writes(self) -> dict[str, Callable[..., None]]:
        return {
            "refuse": self.faults.refuse_next,
            "fail-to-start": self.faults.fail_next_start,
            "raise": self.faults.raise_next,
            "forget": self.faults.forget,
            "lose": self.faults.lose,
        }
