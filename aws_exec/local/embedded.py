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
from aws_exec.local.ecs_describe import launch
from aws_exec.local.ecs_task import DEFAULT_START_DELAY, DEFAULT_STOP_DELAY, EcsTask, Pace
from aws_exec.local.errors import AwsError
from aws_exec.local.http import LOOPBACK, HttpServer, Wsgi
from aws_exec.local.logs import LogWriter
from aws_exec.local.loop import DEFAULT_PATIENCE, Loop
from aws_exec.local.script import Launch, Refusal, Script

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


class EmbeddedAws:
    """An AWS of one's own, in this process's threads; a context manager that leaves no process behind.

    Attributes:
        names: what is made ready in it.
        container_environment: what every container gets before its task definition's environment and its overrides;
            may be changed at any time, and counts for containers launched later.
        script: the faults to come; see the verbs `refuse_next`, `fail_next_start`, `raise_next`, `forget`, `lose`.
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
        self.script = Script()
        self._loop = Loop()
        self._host = ContainerHost(self._loop, max_containers)
        self._logs = LogWriter(self.names.account, region, output_directory)
        self._directory = Path(tempfile.mkdtemp(prefix="awsexec-local-"))
        clocked = {"clock": clock} if clock is not None else {}
        pace = Pace(start_delay, stop_delay)
        self._ecs = EcsService(
            new_tasks=lambda: EcsTasks(self._host, pace, self._logs.of_task, self.script, **clocked),
            script=self.script,
            directory=self._directory,
            stop_timeout=stop_timeout,
            environment=self.container_environment,
        )
        self._control = Control(self._reads(), self._writes())
        self._moto = DomainDispatcherApplication(self._application)
        try:
            self._http = HttpServer(port, self._route)
        except Exception:
            shutil.rmtree(self._directory)
            raise

    def __enter__(self) -> Self:
        self.start()
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

    def ledger(self) -> list[Launch]:
        """Everything that was ever launched, oldest first, what AWS has forgotten included."""
        with self._loop.changed:
            launches = [launch(task) for task in self._tasks()]
        return sorted(launches, key=lambda one: one.created_at)

    def history(self, arn: str) -> list[str]:
        """Every `lastStatus` a task had, in order.

        Raises:
            KeyError: there never was such a task.
        """
        with self._loop.changed:
            return [status for status, _ in self._task(arn).history]

    def calls(self) -> dict[str, int]:
        """How often each ECS operation was asked for so far."""
        return dict(self._ecs.calls)

    def wait_until(self, predicate: Callable[[], Found | None], timeout: float = DEFAULT_PATIENCE) -> Found:
        """Wait until a predicate is true; it is asked at every change of any task.

        Args:
            predicate: about `ledger()` or `history()`; it must not call AWS, which could change nothing meanwhile.
            timeout: seconds.

        Returns:
            What the predicate returned.

        Raises:
            TimeoutError: it did not come true in time.
            RuntimeError: the embedded AWS failed inside.
        """
        return self._loop.wait_until(predicate, timeout)

    def wait_for_status(self, arn: str, status: str, timeout: float = DEFAULT_PATIENCE) -> Launch:
        """Wait until a task has, or had, a `lastStatus`; returns its line of the ledger.

        Raises:
            KeyError: there never was such a task.
            TimeoutError: it did not get there in time.
        """
        self.wait_until(lambda: status in self.history(arn), timeout)
        with self._loop.changed:
            return launch(self._task(arn))

    def wait_for_exit(self, arn: str, timeout: float = DEFAULT_PATIENCE) -> Launch:
        """Wait until a task's own container has ended; returns its line of the ledger.

        Raises:
            KeyError: there never was such a task.
            TimeoutError: it did not end in time.
        """
        task = self._task(arn)
        return self.wait_until(lambda: line if (line := launch(task)).ended_at else None, timeout)

    def refuse_next(self, reason: str, *, times: int = 1, detail: str = "", remembered: bool = False) -> None:
        """Answer the next RunTasks with `failures`; see `Refusal`."""
        with self._loop.changed:
            self.script.refusals += [Refusal(reason, detail, remembered)] * times

    def fail_next_start(self, reason: str, *, times: int = 1) -> None:
        """End the next tasks STOPPED, `TaskFailedToStart`, for a reason, without starting them."""
        with self._loop.changed:
            self.script.failed_starts += [reason] * times

    def raise_next(self, operation: str, code: str, message: str = "", *, times: int = 1) -> None:
        """Answer the next calls of an ECS operation with an error, before anything is done."""
        with self._loop.changed:
            self.script.errors.setdefault(operation, []).extend([AwsError(code, message)] * times)

    def forget(self, task: str) -> None:
        """Know nothing of a task any more (MISSING), though it goes on running.

        Raises:
            KeyError: there never was such a task.
        """
        for backend in self._ecs.backends.values():
            if task in backend.running.tasks:
                backend.running.forget(task)
                return
        raise KeyError(task)

    def lose(self, task: str, *, stop_code: str = "", reason: str = "Host EC2 instance terminated.") -> None:
        """End a task as when its host is gone: STOPPED at once, without an exit code.

        Raises:
            KeyError: there never was such a task.
        """
        with self._loop.changed:
            self._task(task).lose(stop_code or "TerminationNotice", reason)

    def _tasks(self) -> Iterable[EcsTask]:
        return [task for backend in list(self._ecs.backends.values()) for task in backend.running.tasks.values()]

    def _task(self, arn: str) -> EcsTask:
        for backend in list(self._ecs.backends.values()):
            if arn in backend.running.tasks:
                return backend.running.tasks[arn]
        raise KeyError(arn)

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
            "refuse": self.refuse_next,
            "fail-to-start": self.fail_next_start,
            "raise": self.raise_next,
            "forget": self.forget,
            "lose": self.lose,
        }
