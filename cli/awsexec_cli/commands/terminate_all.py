"""`awsexec terminate-all`: stop everything that fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from awsexec_cli.arguments import (
    ClusterOption,
    DagOption,
    DeploymentOption,
    DryRunOption,
    Filters,
    ForeignOption,
    OlderOption,
    QueueOption,
    ReasonOption,
    RunOption,
    StateOption,
    TaskOption,
    YesOption,
)
from awsexec_cli.exit_codes import Exit
from awsexec_cli.looking import looked_at, tell_problems
from awsexec_cli.options import Options, over_the_fleet
from awsexec_cli.output import printer
from awsexec_cli.shown import count
from awsexec_cli.termination import How, nothing_stopped, report, stop

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
    chosen = Filters(dag, task, run, state, older_than, deployment).filter()
    how = How(dry_run, yes, reason or "", include_foreign)
    with options.open(cluster, queue) as fleet:
        with nothing_stopped(COMMAND):
            ours = {} if include_foreign else _ours(fleet, chosen)
            fitting, code = _fitting(fleet, chosen)
        jobs = [job for job in fitting if not ours or job.identity.deployment == ours[job.service]]
        _tell_left_out(len(jobs), len(fitting), " or ".join(dict.fromkeys(ours.values())))
        if not jobs:
            report(options, ())
            raise typer.Exit(code)
        raise typer.Exit(stop(COMMAND, options, fleet, jobs, how) or code)


def _ours(fleet: Fleet, chosen: Filter) -> dict[str, str]:
    """Whose jobs may be stopped, by service."""
    return {name: chosen.deployment or fleet.deployment_of(name) for name in fleet.services}


def _fitting(fleet: Fleet, chosen: Filter) -> tuple[list[FleetJob], Exit]:
    """What fits and runs, whosever it is; the exit code for what could not be looked at."""
    from aws_exec.fleet import FleetQuery, Problem  # noqa: PLC0415 - the CLI starts fast

    jobs: list[FleetJob] = []
    problems = []
    for page in looked_at(fleet, chosen, FleetQuery(chosen.deployment)):
        if isinstance(page, Problem):
            problems.append(page)
        else:
            jobs += [job for job in page if job.is_active]
    return jobs, tell_problems(COMMAND, problems, shown=bool(jobs))


def _tell_left_out(ours: int, fitting: int, deployment: str) -> None:
    """Say what fits and is not stopped: it goes on running, whatever the command was meant to do."""
    name = "name --deployment, or --include-foreign"
    if not fitting:
        said = "Nothing to stop."
    elif not ours:
        said = f"Nothing to stop: {count(fitting)} {_fit(fitting)}, none of deployment {deployment}: {name}"
    elif fitting > ours:
        said = f"Left out: {count(fitting - ours)} that {_fit(fitting - ours)}, not of deployment {deployment}: {name}"
    else:
        return
    printer.err.print(said, highlight=False, markup=False, soft_wrap=True)


def _fit(number: int) -> str:
    return "fits" if number == 1 else "fit"
