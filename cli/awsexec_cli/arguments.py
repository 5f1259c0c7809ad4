"""Arguments and filters that several commands take, with what a shell can complete of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from awsexec_cli.durations import span

if TYPE_CHECKING:
    from aws_exec.fleet import Filter, FleetJob, FleetOptions

#: Seconds that a shell waits for the ids of jobs, at most; and how many it is offered.
_PATIENCE, _MOST = 3.0, 200


class StateName(StrEnum):
    """What `--state` takes."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


def complete_jobs(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Ids and addresses of what runs; nothing where AWS cannot be asked: a shell must not show errors."""
    import os  # noqa: PLC0415 - only while completing
    import time  # noqa: PLC0415 - likewise

    from aws_exec.fleet import FleetQuery, Problem, list_fleet, open_fleet  # noqa: PLC0415 - the CLI starts fast

    found: list[tuple[str, str]] = []
    until = time.monotonic() + _PATIENCE
    try:
        with open_fleet(_asked(context), os.environ) as fleet:
            for page in list_fleet(fleet.services.values(), FleetQuery()):
                found += [] if isinstance(page, Problem) else _offered(page, incomplete)
                if time.monotonic() > until or len(found) >= _MOST:
                    break
    except Exception:  # noqa: BLE001, S110 - see above
        pass
    return found[:_MOST]


def complete_templates(context: typer.Context, incomplete: str) -> list[str]:
    """Names of the templates of the awsexec.yaml that counts; none where it cannot be used."""
    import os  # noqa: PLC0415 - only while completing

    from aws_exec.settings.file import FileError, load_file  # noqa: PLC0415 - the CLI starts fast

    try:
        return [
            name
            for name in load_file(os.environ, _said(context).get("config")).templates
            if name.startswith(incomplete)
        ]
    except FileError:
        return []


def _said(context: typer.Context) -> dict[str, Any]:
    """The options of an unfinished line, before the command and after it, by name; without what was not said."""
    before = context.parent.params if context.parent else {}
    return {name: value for said in (before, context.params) for name, value in said.items() if value}


def _asked(context: typer.Context) -> FleetOptions:
    """Where the line that is completed looks for jobs."""
    from aws_exec.fleet import FleetOptions  # noqa: PLC0415 - the CLI starts fast

    said = _said(context)
    names = ("executor", "region", "profile", "endpoint_url")
    where: dict[str, Any] = {name: str(said[name]) for name in names if name in said}
    return FleetOptions(
        **where,
        config=said.get("config"),
        team=said.get("team"),
        clusters=said.get("cluster", ()),
        queues=said.get("queue", ()),
    )


def _offered(jobs: Sequence[FleetJob], incomplete: str) -> list[tuple[str, str]]:
    ids = [(job.id, job.address) for job in jobs if job.id.startswith(incomplete)]
    return ids or [(job.address, job.id) for job in jobs if job.address.startswith(incomplete)]


#: Help is Rich markup: `[map]` without the backslash would not be seen.
_JOB = "ARN, id, unique prefix of either, or dag/task\\[map]@run."

JobArgument = Annotated[str, typer.Argument(metavar="JOB", help=_JOB, show_default=False, autocompletion=complete_jobs)]
JobsArgument = Annotated[
    list[str], typer.Argument(metavar="JOB...", help=_JOB, show_default=False, autocompletion=complete_jobs)
]
_FILTERS = "Filters"
DagOption = Annotated[list[str] | None, typer.Option(help="DAG id, or a pattern.", rich_help_panel=_FILTERS)]
TaskOption = Annotated[
    list[str] | None, typer.Option(help="Task id, task\\[map], or a pattern.", rich_help_panel=_FILTERS)
]
RunOption = Annotated[list[str] | None, typer.Option(help="Run id, or a pattern.", rich_help_panel=_FILTERS)]
StateOption = Annotated[list[StateName] | None, typer.Option(help="How far.", rich_help_panel=_FILTERS)]
OlderOption = Annotated[
    str | None, typer.Option("--older-than", metavar="SPAN", help="As in 90s, 10m, 2h, 3d.", rich_help_panel=_FILTERS)
]
ClusterOption = Annotated[
    list[str] | None, typer.Option(help="ECS cluster; else the configured one.", rich_help_panel=_FILTERS)
]
QueueOption = Annotated[
    list[str] | None, typer.Option(help="Batch job queue; else the configured ones.", rich_help_panel=_FILTERS)
]
DeploymentOption = Annotated[
    str | None, typer.Option(help="Whose jobs; as in column DEPLOYMENT of -o wide.", rich_help_panel=_FILTERS)
]
ForeignOption = Annotated[
    bool, typer.Option("--include-foreign", help="Also other deployments', and the amazon provider's.")
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be stopped, and stop nothing.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
ReasonOption = Annotated[str | None, typer.Option(help="Recorded by AWS, and shown by describe.")]


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a command, as they were given."""

    dag: list[str] | None
    task: list[str] | None
    run: list[str] | None
    state: list[StateName] | None
    older_than: str | None
    deployment: str | None = None

    def filter(self) -> Filter:
        """The same, for the library; raises typer.BadParameter."""
        from aws_exec.fleet import Filter  # noqa: PLC0415 - the CLI starts fast

        return Filter(
            dags=self.dag or (),
            tasks=self.task or (),
            runs=self.run or (),
            states=tuple(map(str, self.state or ())),
            older_than=span(self.older_than),
            deployment=self.deployment or "",
        )
