"""`awsexec terminate-all`: stop every job that matches the filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from awsexec_cli.errors import report_problems
from awsexec_cli.exit_codes import Exit
from awsexec_cli.jobs import count_jobs, matching_jobs, searched
from awsexec_cli.options import (
    ClusterOption,
    DagOption,
    DeploymentOption,
    DryRunOption,
    Filters,
    FleetCommand,
    ForeignOption,
    OlderOption,
    Options,
    QueueOption,
    ReasonOption,
    RunOption,
    StateOption,
    TaskOption,
    WaitOption,
    YesOption,
)
from awsexec_cli.output import printer
from awsexec_cli.termination import StopCommand, StopOptions, nothing_stopped

if TYPE_CHECKING:
    from aws_exec.fleet import Filter, Fleet, FleetJob

app = typer.Typer(add_completion=False)


@app.command(cls=FleetCommand)
def terminate_all(
    context: typer.Context,
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
    wait: WaitOption = None,
) -> None:
    """Stop every job of this deployment that matches, on both services.

    Shows the jobs and their counts, asks for confirmation (type the number of
    jobs if they are more than five), and stops them in parallel within AWS's
    rate. Exits with 3 if some jobs could not be stopped, and lists them.
    Ctrl-C stops no more jobs and reports which ones were stopped. On a
    terminal, and with --wait, waits for the containers to exit.

    Examples:
      awsexec terminate-all --dag backfill_2025 --reason "wrong source"
      awsexec terminate-all --older-than 12h --state running --dry-run
      awsexec terminate-all --executor batch --yes
    """
    options: Options = context.obj
    chosen = Filters(dag, task, run, state, older_than, deployment).filter()
    how = StopOptions(dry_run, yes, reason or "", include_foreign, wait)
    stop = StopCommand(options.format, options.may_prompt, how)
    with options.open(cluster, queue) as fleet:
        with nothing_stopped():
            ours = {} if include_foreign else _deployments(fleet, chosen)
            matching, code = _matching(fleet, chosen)
        jobs: list[FleetJob] = []
        foreign: list[FleetJob] = []
        for job in matching:
            (foreign if ours and job.identity.deployment != ours[job.service] else jobs).append(job)
        where = "" if code else searched(fleet)
        _report_left_out(jobs, foreign, fleet.deployments_in_words(ours, chosen.deployment), where)
        if not jobs:
            stop.report([])
            raise typer.Exit(code)
        raise typer.Exit(stop.run(fleet, jobs) or code)


def _deployments(fleet: Fleet, chosen: Filter) -> dict[str, str]:
    """Return the deployment whose jobs may be stopped, by service."""
    return {name: chosen.deployment or fleet.deployment_of(name) for name in fleet.services}


def _matching(fleet: Fleet, chosen: Filter) -> tuple[list[FleetJob], Exit]:
    """Return the active jobs that match, of any deployment, and the exit code for what could not be listed."""
    from aws_exec.fleet import FleetQuery, Problem  # noqa: PLC0415 - the CLI starts fast

    jobs: list[FleetJob] = []
    problems = []
    for page in matching_jobs(fleet, chosen, FleetQuery(chosen.deployment)):
        if isinstance(page, Problem):
            problems.append(page)
        else:
            jobs += [job for job in page if job.is_active]
    return jobs, report_problems(problems, some_listed=bool(jobs))


def _report_left_out(ours: Sequence[FleetJob], foreign: Sequence[FleetJob], deployment: str, where: str) -> None:
    """Report the jobs that match and continue to run.

    Args:
        ours: of this deployment.
        foreign: of others.
        deployment: in words.
        where: they were looked for; empty if not everything could be listed.
    """
    from aws_exec.fleet import foreign_hint  # noqa: PLC0415 - the CLI starts fast

    number = len(foreign)
    if foreign:
        matches = f"{count_jobs(number)} {'matches' if number == 1 else 'match'}"
        belongs = "does not belong" if number == 1 else "do not belong" if ours else "none belongs"
        hint = foreign_hint(foreign, are_all=not ours)
        printer.warn(f"{matches}, but {belongs} to deployment {deployment}", hint=hint)
    elif not ours and where:
        printer.say(f"No jobs match in {where}; nothing was stopped.")
