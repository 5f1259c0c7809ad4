"""`awsexec terminate-all`: stop everything that fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from cli.arguments import (
    Chosen,
    ClusterOption,
    DagOption,
    DeploymentOption,
    DryRunOption,
    ForeignOption,
    OlderOption,
    QueueOption,
    ReasonOption,
    RunOption,
    StateOption,
    TaskOption,
    YesOption,
)
from cli.common import Options, over_the_fleet
from cli.console import printer
from cli.exits import Exit
from cli.looking import looked_at, tell_problems
from cli.stopping import How, nothing_stopped, report, stop

if TYPE_CHECKING:
    from aws_exec.fleet import Filter, Fleet, FleetJob

COMMAND = "awsexec terminate-all"

app = typer.Typer(add_completion=False)


@app.command()
@over_the_fleet("terminate-all")
def terminate_all(
    options: Options,
    *,
    dag: DagOption = None,
    task: TaskOption = None,
    run: RunOption = None,
    state: StateOption = None,
    older_than: OlderOption = None,
    queue: QueueOption = None,
    cluster: ClusterOption = None,
    deployment: DeploymentOption = None,
    include_foreign: ForeignOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    reason: ReasonOption = None,
) -> None:
    """Stop every job that fits, of this deployment, on both services.

    Shows what will be stopped, with counts; asks, by its number if it is more
    than a handful; stops side by side within AWS's rate. Exits with 3 if some
    is left, and lists it. Ctrl-C stops no more, and says what was stopped.

    Examples:
      awsexec terminate-all --dag backfill_2025 --reason "wrong source"
      awsexec terminate-all --older-than 12h --state running --dry-run
      awsexec terminate-all --executor batch --yes
    """
    chosen = Chosen(dag, task, run, state, older_than, deployment).filter()
    how = How(dry_run, yes, reason or "", include_foreign)
    with options.open(cluster, queue) as fleet:
        with nothing_stopped(COMMAND):
            jobs, code = _found(fleet, chosen, include_foreign=include_foreign)
        if not jobs:
            printer.err.print("Nothing to stop.", highlight=False)
            report(options, ())
            raise typer.Exit(code)
        raise typer.Exit(stop(COMMAND, options, fleet, jobs, how) or code)


def _found(fleet: Fleet, chosen: Filter, *, include_foreign: bool) -> tuple[list[FleetJob], Exit]:
    """What fits and may be stopped; the exit code for what could not be looked at."""
    from aws_exec.fleet import Problem, Wanted  # noqa: PLC0415 - the CLI starts fast

    ours: dict[str, str] = {}
    if not include_foreign:
        ours = {name: chosen.deployment or fleet.deployment_of(name) for name in fleet.services}
    jobs: list[FleetJob] = []
    problems = []
    for page in looked_at(fleet, chosen, Wanted(chosen.deployment)):
        if isinstance(page, Problem):
            problems.append(page)
        else:
            jobs += [job for job in page if include_foreign or job.identity.deployment == ours[job.service]]
    left = [job for job in jobs if job.is_active]
    return left, tell_problems(COMMAND, problems, shown=bool(left))
