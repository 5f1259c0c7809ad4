"""Where the fleet is: the executors' options, as Airflow would find them, read without Airflow, which takes seconds.

Environment (`AIRFLOW__SECTION__OPTION`), airflow.cfg, awsexec.yaml, in this order. Options that Airflow can take from
commands or secrets backends are passwords and the like; none of the executors' is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from configparser import ConfigParser, Error
from dataclasses import dataclass
from pathlib import Path

from aws_exec.fleet.errors import MisusedError
from aws_exec.settings import BatchOptions, EcsOptions, OptionsError, load_batch_options, load_ecs_options
from aws_exec.settings.file import NO_FILE, AwsexecFile, FileError, load_file
from aws_exec.settings.file.discovery import airflow_home
from aws_exec.settings.problems import variable_of

Get = Callable[[str, str], str | None]


@dataclass(frozen=True, slots=True)
class Configured:
    """What is configured of both executors.

    Attributes:
        ecs, batch: their options; what is required may be missing.
        file: the awsexec.yaml that counts.
        parallelism: `[core] parallelism`.
    """

    ecs: EcsOptions
    batch: BatchOptions
    file: AwsexecFile = NO_FILE
    parallelism: int = 32

    @property
    def clusters(self) -> tuple[str, ...]:
        """The clusters that are configured."""
        return (self.ecs.cluster,) if self.ecs.cluster else ()

    @property
    def queues(self) -> tuple[str, ...]:
        """The job queues that are configured."""
        found = (self.batch.job_queue, *self.batch.job_queues.values())
        return tuple(dict.fromkeys(queue for queue in found if queue))


def read_configuration(environment: Mapping[str, str], named: Path | None = None) -> Configured:
    """Read the options of both executors.

    Args:
        environment: of the process.
        named: the awsexec.yaml, by `--config`.

    Raises:
        MisusedError: something in it is wrong, with everything that is.
    """
    get = _airflow(environment)
    try:
        file = load_file(environment, named)
        ecs = load_ecs_options(_section(get, EcsOptions.section), require=False, said=file.said("ecs"))
        batch = load_batch_options(_section(get, BatchOptions.section), require=False, said=file.said("batch"))
    except FileError as error:
        raise MisusedError("awsexec.yaml cannot be used", [str(each) for each in error.complaints]) from error
    except OptionsError as error:
        raise MisusedError("the executors' options are wrong", str(error).splitlines()) from error
    parallelism = get("core", "parallelism") or ""
    return Configured(ecs, batch, file, int(parallelism) if parallelism.isdecimal() else 32)


def _section(get: Get, section: str) -> Callable[[str], str | None]:
    return lambda option: get(section, option)


def _airflow(environment: Mapping[str, str]) -> Get:
    """What Airflow's configuration says, without its defaults."""
    path = Path(environment.get("AIRFLOW_CONFIG") or airflow_home(environment) / "airflow.cfg")
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read(path, encoding="utf-8")
    except (Error, UnicodeDecodeError) as error:
        raise MisusedError(f"{path} cannot be read: {' '.join(str(error).split())}") from error

    def get(section: str, option: str) -> str | None:
        said = environment.get(variable_of(section, option))
        return said if said is not None else parser.get(section, option, fallback=None)

    return get
