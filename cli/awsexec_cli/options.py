"""Options and arguments: the global ones, those that several commands share, and shell completion for both.

A global option is accepted before the command and after it. Each stores its value in the context (`context.obj`, an
`Options`) as soon as it is parsed; a command's context starts with what its parent's has, so that the later one wins.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import typer
from typer.core import TyperCommand

from aws_exec.durations import parse_duration
from awsexec_cli.errors import errors_reported
from awsexec_cli.exit_codes import Exit
from awsexec_cli.output import Format, printer
from awsexec_cli.usage import Misuse, similar

if TYPE_CHECKING:
    from aws_exec.fleet import Filter, Fleet, FleetJob, FleetOptions
    from aws_exec.settings.file import AwsexecFile


class Executor(StrEnum):
    """The values of `--executor`."""

    ECS = "ecs"
    BATCH = "batch"
    ALL = "all"


# ------------------------------------------------------------------------------------------------------ global options


def _store(context: typer.Context, option: typer.CallbackParam, value: Any) -> Any:
    options = context.obj or Options()
    context.obj = replace(options, **{str(option.name): value}) if value else options
    return value


def _global(*names: str, **how: Any) -> Any:
    return typer.Option(*names, callback=_store, expose_value=False, **how)


_AWS = "AWS"


@dataclass(frozen=True, slots=True)
class Options:
    """The global options; each field is one of them."""

    output: Annotated[Format | None, _global("--output", "-o", help="Output format", show_default="table")] = None
    executor: Annotated[Executor | None, _global("--executor", help="Service to use", show_default="all")] = None
    region: Annotated[str | None, _global(help="AWS Region", rich_help_panel=_AWS)] = None
    profile: Annotated[str | None, _global(help="AWS credentials profile", rich_help_panel=_AWS)] = None
    endpoint_url: Annotated[
        str | None, _global("--endpoint-url", help="Endpoint URL of every AWS service", rich_help_panel=_AWS)
    ] = None
    config: Annotated[Path | None, _global(help="Path of awsexec.yaml")] = None
    no_input: Annotated[bool, _global("--no-input", help="Never prompt; fail instead")] = False
    team: Annotated[str | None, _global(help="Airflow team whose executors to use")] = None

    @property
    def format(self) -> Format:
        """The output format."""
        return self.output or Format.TABLE

    @property
    def may_prompt(self) -> bool:
        """Whether a person can answer a prompt."""
        return not self.no_input and sys.stdin.isatty() and sys.stderr.isatty()

    def fleet_options(self, clusters: Sequence[str] | None = None, queues: Sequence[str] | None = None) -> FleetOptions:
        """Return the part of the fleet that these options name."""
        from aws_exec.fleet import FleetOptions  # noqa: PLC0415 - the CLI starts fast

        return FleetOptions(
            executor=str(self.executor or Executor.ALL),
            region=self.region or "",
            profile=self.profile or "",
            endpoint_url=self.endpoint_url or "",
            config=self.config,
            team=self.team,
            clusters=clusters or (),
            queues=queues or (),
            may_prompt=self.may_prompt,
        )

    def open(self, clusters: Sequence[str] | None = None, queues: Sequence[str] | None = None) -> Fleet:
        """Open the fleet that these options name; raises FleetError."""
        from aws_exec.fleet import open_fleet  # noqa: PLC0415 - the CLI starts fast

        return open_fleet(self.fleet_options(clusters, queues), os.environ)

    def file(self) -> AwsexecFile:
        """Return the awsexec.yaml that applies.

        Raises:
            typer.Exit: no file applies, or it is invalid; the error is reported.
        """
        from aws_exec.settings.file import FileError, load_file  # noqa: PLC0415 - the CLI starts fast

        try:
            file = load_file(os.environ, self.config)
        except FileError as error:
            printer.fail(
                "awsexec.yaml cannot be used",
                hint="awsexec validate-config shows each error and its fix",
                details=map(str, error.complaints),
            )
            raise typer.Exit(Exit.USAGE) from error
        if not file.located.source:
            printer.fail("no awsexec.yaml found", hint="pass --config PATH, or set AWSEXEC_CONFIG")
            raise typer.Exit(Exit.USAGE)
        return file


def _parameters() -> Sequence[Any]:
    parser = typer.Typer(add_completion=False)
    parser.command()(Options)
    return typer.main.get_command(parser).params


#: The global options as the parser takes them.
GLOBAL_OPTIONS = _parameters()


class _Accepting(TyperCommand):
    accepted: ClassVar[Collection[str]] = ()

    def __init__(self, *arguments: Any, **given: Any) -> None:
        super().__init__(*arguments, **given)
        self.params = [*self.params, *(option for option in GLOBAL_OPTIONS if option.name in self.accepted)]


def accepting(*names: str) -> type[TyperCommand]:
    """Return the class of a command that accepts these global options after its name."""
    return type("Accepting", (_Accepting,), {"accepted": names})


class FleetCommand(_Accepting):
    """A command that works on the fleet: it accepts every global option, and reports what AWS refuses."""

    accepted: ClassVar[Collection[str]] = [str(option.name) for option in GLOBAL_OPTIONS]

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with errors_reported():
            return super().invoke(ctx)


# ------------------------------------------------------------------------------------------------------ shared options

#: Help is Rich markup: without the backslash `[map]` is a style.
_JOB = "ARN, ID, unique prefix of either, or dag/task\\[map]@run"
_FILTERS = "Filters"


class StateName(StrEnum):
    """The values of `--state`."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


def complete_active(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete IDs and addresses of active jobs; nothing if AWS cannot be reached: a shell must not print errors."""
    return _completed(context, incomplete, ended=False)


def complete_jobs(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete IDs and addresses of active jobs, then of those that ended within a day; else as `complete_active`."""
    return _completed(context, incomplete, ended=True)


def _completed(context: typer.Context, incomplete: str, *, ended: bool) -> list[tuple[str, str]]:
    from aws_exec.fleet import FleetQuery, Problem, list_fleet, open_fleet  # noqa: PLC0415 - the CLI starts fast

    found: dict[str, str] = {}
    deadline = time.monotonic() + _COMPLETION_SECONDS
    where = _options_of(context).fleet_options(context.params.get("cluster"), context.params.get("queue"))
    queries = [FleetQuery(), *([FleetQuery(ended_since=time.time() - _ENDED_SECONDS)] if ended else [])]
    try:
        with open_fleet(where, os.environ) as fleet:
            for page in (page for query in queries for page in list_fleet(fleet.services.values(), query)):
                found = ({} if isinstance(page, Problem) else _candidates(page, incomplete)) | found
                if time.monotonic() > deadline or len(found) >= _MOST_CANDIDATES:
                    break
    except Exception:  # noqa: BLE001, S110 - see above
        pass
    return list(found.items())[:_MOST_CANDIDATES]


def complete_templates(context: typer.Context, incomplete: str) -> list[str]:
    """Complete names of templates of the awsexec.yaml that applies; none if it is invalid."""
    from aws_exec.settings.file import FileError, load_file  # noqa: PLC0415 - the CLI starts fast

    try:
        templates = load_file(os.environ, _options_of(context).config).templates
    except FileError:
        return []
    return [name for name in templates if name.startswith(incomplete)]


#: How long a shell waits for the IDs of jobs, how many it shows, and how long ago ended jobs may have ended.
_COMPLETION_SECONDS, _MOST_CANDIDATES, _ENDED_SECONDS = 3.0, 200, 86400.0


def names_in(values: Sequence[str] | None) -> list[str]:
    """Return the names in the values of a repeatable option, each of which may be a list: `running,failed`."""
    return [name.strip() for value in values or () for name in value.split(",") if name.strip()]


def _states_in(values: Sequence[str] | None) -> list[str]:
    found = [name.lower() for name in names_in(values)]
    for name in found:
        if name not in set(StateName):
            raise Misuse(f'invalid --state "{name}"', similar(name, StateName) or f"states: {', '.join(StateName)}")
    return found


def _complete_states(incomplete: str) -> list[str]:
    """Complete the last state of a list."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{state}" for state in StateName if state.startswith(last.lower())]


def _options_of(context: typer.Context) -> Options:
    """Return the global options of an unfinished line."""
    found = context.obj
    return found if isinstance(found, Options) else Options()


def _candidates(jobs: Sequence[FleetJob], incomplete: str) -> dict[str, str]:
    """Return the completions and their descriptions; of several jobs with one address, the first counts."""
    ids = {job.id: f"{job.state}, {job.address}" for job in jobs if job.id.startswith(incomplete)}
    matching = [job for job in jobs if job.address.startswith(incomplete)]
    return ids or {job.address: f"{job.state}, {job.id}" for job in reversed(matching)}


JobArgument = Annotated[str, typer.Argument(metavar="JOB", help=_JOB, show_default=False, autocompletion=complete_jobs)]
JobsArgument = Annotated[
    list[str], typer.Argument(metavar="JOB...", help=_JOB, show_default=False, autocompletion=complete_jobs)
]
ActiveJobsArgument = Annotated[
    list[str], typer.Argument(metavar="JOB...", help=_JOB, show_default=False, autocompletion=complete_active)
]
OptionalJobsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="JOB", help=_JOB, show_default=False, autocompletion=complete_jobs),
]
DagOption = Annotated[list[str] | None, typer.Option(help="DAG ID or pattern (repeatable)", rich_help_panel=_FILTERS)]
TaskOption = Annotated[
    list[str] | None, typer.Option(help="Task ID, task\\[map] or pattern (repeatable)", rich_help_panel=_FILTERS)
]
RunOption = Annotated[list[str] | None, typer.Option(help="Run ID or pattern (repeatable)", rich_help_panel=_FILTERS)]
StateOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="STATE,...",
        help=f"States: {', '.join(StateName)} (repeatable)",
        autocompletion=_complete_states,
        rich_help_panel=_FILTERS,
    ),
]
OlderOption = Annotated[
    str | None,
    typer.Option(
        "--older-than",
        metavar="DURATION",
        help="Only jobs older than DURATION: 90s, 10m, 2h, 3d",
        rich_help_panel=_FILTERS,
    ),
]
ClusterOption = Annotated[
    list[str] | None,
    typer.Option(help="ECS cluster (repeatable)", show_default="as configured", rich_help_panel=_FILTERS),
]
QueueOption = Annotated[
    list[str] | None,
    typer.Option(help="Batch job queue (repeatable)", show_default="as configured", rich_help_panel=_FILTERS),
]
DeploymentOption = Annotated[
    str | None, typer.Option(help="Deployment of the jobs, as -o wide shows it", rich_help_panel=_FILTERS)
]
ForeignOption = Annotated[
    bool,
    typer.Option("--include-foreign", help="Also stop jobs of other deployments and of the Amazon provider"),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be stopped; stop nothing")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation")]
WaitOption = Annotated[
    bool | None,
    typer.Option("--wait/--no-wait", help="Wait until the containers have exited", show_default="on a terminal"),
]
ReasonOption = Annotated[str | None, typer.Option(help="Reason, which AWS records after your user name")]


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a command, as given."""

    dag: list[str] | None
    task: list[str] | None
    run: list[str] | None
    state: list[str] | None
    older_than: str | None
    deployment: str | None = None

    def filter(self) -> Filter:
        """Return the library's filter; raises Misuse."""
        from aws_exec.fleet import Filter  # noqa: PLC0415 - the CLI starts fast

        return Filter(
            dags=self.dag or (),
            tasks=self.task or (),
            runs=self.run or (),
            states=_states_in(self.state),
            older_than=None if self.older_than is None else seconds(self.older_than),
            deployment=self.deployment or "",
        )


def deprecated(old: str, new: str) -> None:
    """Warn that an option has a new name; the old one still works."""
    printer.warn(f"{old} is deprecated", hint=f"use {new}")


def seconds(duration: str) -> float:
    """Return the seconds of a duration that an option gives; raises Misuse."""
    try:
        found = parse_duration(duration)
    except ValueError:
        found = math.inf
    if not math.isfinite(found):
        raise Misuse(f'invalid duration "{duration}"', "write it as 90s, 10m, 2h or 3d")
    if duration.strip().replace(".", "").isdecimal():
        printer.warn(f'"{duration}" has no unit and is read as seconds', hint=f"write {duration.strip()}s")
    return found
