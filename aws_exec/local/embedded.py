"""The embedded AWS: a moto server on loopback whose ECS tasks and Batch jobs really run, as local processes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from flask import Flask
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from aws_exec.local.batch.api import BatchService
from aws_exec.local.batch.jobs import BatchJobs
from aws_exec.local.cgroups import Enforcement, LimitMode
from aws_exec.local.containers import ContainerHost
from aws_exec.local.control import PREFIX, Control
from aws_exec.local.ecs.api import EcsService
from aws_exec.local.ecs.task import DEFAULT_START_DELAY, DEFAULT_STOP_DELAY, Pace
from aws_exec.local.ecs.tasks import EcsTasks
from aws_exec.local.faults import Faults
from aws_exec.local.http import LOOPBACK, HttpServer, Wsgi
from aws_exec.local.launched import Launched
from aws_exec.local.logs import LogWriter
from aws_exec.local.loop import Loop
from aws_exec.local.published import PREFIX as DIRECTORIES
from aws_exec.local.published import publish
from aws_exec.local.ready import Names, make_bucket, make_network, make_ready, register_task_definition
from aws_exec.local.script import Script
from aws_exec.local.service import Setting
from aws_exec.local.stalls import Stalls
from aws_exec.local.watch import Watch

Found = TypeVar("Found")

#: "The default value is 30 seconds" (API Reference, ContainerDefinition `stopTimeout`).
DEFAULT_STOP_TIMEOUT = 30.0

#: What Airflow tasks get on two cores before they only wait for each other.
DEFAULT_MAX_CONTAINERS = 8


class EmbeddedAws(Watch):
    """An AWS of one's own, in this process's threads; a context manager that leaves no process behind.

    Attributes:
        names: what is made ready in it.
        container_environment: what every container gets before its task definition's environment and its overrides;
            may be changed at any time, and counts for containers launched later. Before all of it, a container has
            what AWS clients need to use this AWS.
        exports: what else is to be exported for clients, beside what they need to use this AWS; may be changed at any
            time.
        images: path of the Python interpreter of an image, by the image's name in task and job definitions; `python`
            means that interpreter in its containers, and programs beside it are found first. Every other image has
            the interpreter that runs the emulator. May be changed at any time.
        faults: what goes wrong, on request.

    Args:
        port: on 127.0.0.1; 0 for any free one.
        region: where what `names` names is made ready.
        container_environment, images: see the attributes.
        limits: which limits of containers the kernel enforces: "memory", "all" (memory and CPU), or "none". A container
            has what its task or job asks for. Without control groups that this process can make (version 1 or 2; as
            root, as a rule), containers have no limits, and that is logged.
        max_containers: how many tasks and jobs run at a time (sidecars ride with theirs); the rest stay
            PROVISIONING, or RUNNABLE.
        start_delay: seconds from the room to run to the start of the containers.
        stop_delay: seconds from the exit of the last container to STOPPED.
        stop_timeout: seconds from SIGTERM to SIGKILL, for containers whose definition has no `stopTimeout`.
        output_directory: where each container's output is also written, one file each; None for nowhere.
        clock: epoch seconds, for what AWS forgets after hours, and the timeouts and lag of jobs; None for the
            machine's.

    Raises:
        PortInUseError: the port cannot be had.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        region: str = "us-east-1",
        container_environment: Mapping[str, str] | None = None,
        images: Mapping[str, str] | None = None,
        limits: LimitMode = "memory",
        max_containers: int = DEFAULT_MAX_CONTAINERS,
        start_delay: float = DEFAULT_START_DELAY,
        stop_delay: float = DEFAULT_STOP_DELAY,
        stop_timeout: float = DEFAULT_STOP_TIMEOUT,
        output_directory: Path | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.names = Names(region=region)
        self.container_environment = dict(container_environment or {})
        self.exports: dict[str, str] = {}
        self.images = dict(images or {})
        script = Script()
        loop = Loop()
        super().__init__(loop, self._all_tasks, LogWriter(loop, self.names.account, region, output_directory))
        self._stalls = Stalls(loop)
        self._host = ContainerHost(loop, max_containers, Enforcement.of(limits))
        self.faults = Faults(loop, self._all_tasks, self._all_jobs, script, self._stalls, self._host)
        self._directory = Path(tempfile.mkdtemp(prefix=DIRECTORIES))
        clocked = {"clock": clock} if clock is not None else {}
        pace = Pace(start_delay, stop_delay)
        self._setting = Setting(
            script, self._stalls, self._directory, stop_timeout, self._access, self.container_environment, self.images
        )
        log_of = self._logs.of_task
        self._ecs = EcsService(lambda: EcsTasks(self._host, pace, log_of, script, **clocked), self._setting)
        self._batch = BatchService(lambda: BatchJobs(self._host, pace, log_of, script, **clocked), self._setting)
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
        """Make ready what `names` names, and begin to answer."""
        make_ready(self.names, self._ecs, self._batch)
        self._loop.start()
        self._http.start()

    def close(self) -> None:
        """Kill every container and end every thread; harmless a second time."""
        self._stalls.close()
        self._http.close()
        self._host.close()
        self._loop.close()
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def endpoint_url(self) -> str:
        """Where AWS clients find it."""
        return f"http://{LOOPBACK}:{self._http.port}"

    def environment(self) -> dict[str, str]:
        """What to export for AWS clients, and for an Airflow that uses our executors, to use it."""
        names, ecs, batch = self.names, "AIRFLOW__AWS_ECS_EXECUTOR__", "AIRFLOW__AWS_BATCH_EXECUTOR__"
        return {
            **self._access(),
            "AWS_DEFAULT_REGION": names.region,
            f"{ecs}REGION_NAME": names.region,
            f"{ecs}CLUSTER": names.cluster,
            f"{ecs}CONTAINER_NAME": names.container,
            f"{ecs}TASK_DEFINITION": names.task_definition,
            f"{ecs}LAUNCH_TYPE": "FARGATE",
            f"{ecs}SECURITY_GROUPS": names.security_group,
            f"{ecs}SUBNETS": names.subnet,
            f"{batch}REGION_NAME": names.region,
            f"{batch}JOB_QUEUE": names.job_queue,
            f"{batch}JOB_DEFINITION": names.job_definition,
            f"{batch}JOB_NAME": "awsexec",
            **self.exports,
        }

    def publish(self) -> None:
        """Let `awsexec local env` print `environment()`; once more if that has changed."""
        publish(self._directory, self.environment())

    def register_task_definition(self, family: str, image: str) -> None:
        """Register a task definition like the one that `names` names, of another image."""
        register_task_definition(self.names, self._ecs, family, image)

    def _access(self) -> dict[str, str]:
        """What AWS clients need to use it in any Region; a task role is not asked for."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        }

    @property
    def limits_problem(self) -> str:
        """Why this process cannot limit containers, though it should; empty otherwise."""
        return self._host.enforcement.problem

    def calls(self) -> dict[str, int]:
        """How often each operation of ECS and Batch was asked for so far."""
        return dict(self._setting.calls)

    def _all_tasks(self) -> dict[str, Launched]:
        backends = list(self._ecs.backends.values())
        tasks = {arn: task for backend in backends for arn, task in backend.running.tasks.items()}
        return {**tasks, **{job.request.arn: job for jobs in self._all_jobs() for job in jobs.jobs.values()}}

    def _all_jobs(self) -> list[BatchJobs]:
        return [backend.running for backend in list(self._batch.backends.values())]

    def _application(self, service: Any) -> Flask:
        """The application of one AWS service: ours for ECS and Batch, moto's for the rest."""
        if service in {"ecs", "batch"}:
            return (self._ecs if service == "ecs" else self._batch).application()
        app = create_backend_app(service)
        if service == "ec2":
            make_network(self.names)
        if service == "servicequotas":
            from aws_exec.local.quotas import make_quotas  # noqa: PLC0415 - few ask for it

            make_quotas(self.names)
        if service == "s3":
            make_bucket(self.names)
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
            "remove-image": self.faults.remove_image,
            "raise": self.faults.raise_next,
            "stall": self.faults.stall_next,
            "let-go": self.faults.let_go,
            "pause": self.faults.pause,
            "resume": self.faults.resume,
            "forget": self.faults.forget,
            "lose": self.faults.lose,
            "hold": self.faults.hold_next,
            "release": self.faults.release,
            "occupy": self.faults.occupy,
            "vacate": self.faults.vacate,
            "lag": self.faults.lag,
            "catch-up": self.faults.catch_up,
        }
