"""`ProcessExecutor`: every workload is one process of this machine. What a third service needs beside its adapter."""

import re
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from aws_exec.executors.base import ContainerExecutor
from aws_exec.executors.startup import Access
from aws_exec.lifecycle.values import Job
from aws_exec.settings import ExecutorOptions, Finding, InvalidExecutorConfig
from aws_exec.settings.common.coercion import text_map
from aws_exec.settings.common.launch import LaunchPlan, fill_container
from aws_exec.settings.common.options import Stripped, attempts_option, load, option
from tests.third_cloud.process_cloud import SERVICE, ProcessCloud

_JOB = re.compile(rf"{SERVICE}:[\w-]+/[\w-]+")


class ProcessOptions(ExecutorOptions):
    """What `[process_executor]` says."""

    section: ClassVar[str] = "process_executor"
    saved_launches: ClassVar[int] = 100

    root: Stripped = option("", "The folder that jobs are kept in.", example="/var/lib/processes", required=True)
    processes: Annotated[int, Field(ge=1)] = option(
        16, "How many processes run at a time.", example="16", kind="integer"
    )
    environment: Annotated[dict[str, str], BeforeValidator(text_map)] = option(
        {}, "A JSON object: the environment of every process, beside PATH.", example='{"AIRFLOW_HOME": "/opt/airflow"}'
    )
    max_attempts_to_start: int = attempts_option()

    @property
    def max_attempts(self) -> int:
        return self.max_attempts_to_start

    @property
    def launches_per_second(self) -> float:
        return self.launch_rate or 100.0


class ProcessBuilder:
    """Makes requests; an executor_config may have an `environment`, and nothing else."""

    warnings = ()

    def __init__(self, options: ProcessOptions) -> None:
        self._environment = options.environment

    def location(self, executor_config: object = None, queue: str | None = None) -> str:
        return ""

    def locations(self) -> tuple[str]:
        return ("",)

    def build(self, identity, command, executor_config: object = None, queue: str | None = None) -> LaunchPlan:
        try:
            theirs = text_map(dict(executor_config or {}).pop("environment", {}))
            unknown = sorted(set(executor_config or {}) - {"environment"})
        except (TypeError, ValueError) as error:
            raise InvalidExecutorConfig([Finding("environment", "is not a mapping of texts")]) from error
        if unknown:
            raise InvalidExecutorConfig([Finding(name, "is not known") for name in unknown])
        variables = {**self._environment, **theirs}
        arguments = {"environment": [{"name": name, "value": value} for name, value in variables.items()]}
        fill_container(arguments, identity, command, template="")
        return LaunchPlan("", arguments)


class ProcessExecutor(ContainerExecutor):
    """Runs each Airflow workload as a process of the scheduler's machine. Configured by `[process_executor]`."""

    SERVICE = SERVICE
    SECTION = ProcessOptions.section
    OPTIONS = ProcessOptions

    def read_options(self, get, team, file) -> tuple[ProcessOptions, ProcessBuilder]:
        options = load(ProcessOptions, get, team=team)
        return options, ProcessBuilder(options)

    def build_client(self, options: ProcessOptions) -> Any:
        return Path(options.root)

    def build_adapter(self, options: ProcessOptions, builder: ProcessBuilder, access: Access) -> ProcessCloud:
        return ProcessCloud(Path(options.root), access.deployment, options.processes)

    def job_of(self, external_id: str, location: str) -> Job | None:
        return Job(external_id) if _JOB.fullmatch(external_id) else None
