"""`awsexec list`: the running fleet of both services in one table."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from awsexec_cli.arguments import (
    ClusterOption,
    DagOption,
    DeploymentOption,
    Filters,
    OlderOption,
    QueueOption,
    RunOption,
    StateOption,
    TaskOption,
)
from awsexec_cli.durations import span
from awsexec_cli.exit_codes import Exit
from awsexec_cli.jobs import Context
from awsexec_cli.looking import looked_at, tell_problems
from awsexec_cli.options import Format, Options, over_the_fleet
from awsexec_cli.output import printer
from awsexec_cli.shown import Shower, count, now
from awsexec_cli.stdio import nobody_reads
from awsexec_cli.watching import watch_fleet

if TYPE_CHECKING:
    from aws_exec.fleet import Filter, Fleet, FleetQuery, Problem

COMMAND = "awsexec list"

#: How long ago something may have ended; between two looks.
_DAY, _BEAT = "1d", "5s"

app = typer.Typer(add_completion=False)


@app.command()
@over_the_fleet("list")
def list_jobs(
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
    all_states: Annotated[
        bool, typer.Option("--all-states", "-a", help="Also what has ended, as far as AWS remembers it.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(metavar="SPAN", help="With --all-states: what ended within this time.", show_default=_DAY),
    ] = None,
    orphans: Annotated[
        bool, typer.Option("--orphans", help="Only what no live task instance owns; asks Airflow's database.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on showing it, until Ctrl-C.")] = False,
    interval: Annotated[
        str | None, typer.Option(metavar="SPAN", help="With --watch: between two looks.", show_default=_BEAT)
    ] = None,
) -> None:
    """List the running fleet, ECS tasks and Batch jobs in one table.

    Rows are shown as they become known. Every job that runs an Airflow task
    is listed, also other deployments' and those of the amazon provider's
    executors; `-o wide` shows whose, the size, and the cost so far.
    Exits with 3 if a part of the fleet could not be looked at; with --orphans,
    1 if there are any.

    Examples:
      awsexec list
      awsexec list --dag 'etl*' --older-than 2h -o wide
      awsexec list --all-states --state failed --since 6h
      awsexec list -o json | jq '.[].arn'
      awsexec list --watch
    """
    from aws_exec.fleet import FleetQuery  # noqa: PLC0415 - the CLI starts fast

    chosen = Filters(dag, task, run, state, older_than, deployment).filter()
    if orphans and (watch or all_states):
        raise typer.BadParameter("is one look at what runs: without --watch, --all-states", param_hint="--orphans")
    ended = all_states or bool({"succeeded", "failed"} & set(chosen.states))
    if since and not ended:
        message = "is of what has ended: with --all-states, or --state succeeded or failed"
        raise typer.BadParameter(message, param_hint="--since")
    if interval and not watch:
        raise typer.BadParameter("is between two looks: with --watch", param_hint="--interval")
    recent = span(since or _DAY) or 0.0
    with options.open(cluster, queue) as fleet:
        wanted = FleetQuery(chosen.deployment, now() - recent if ended else None)
        if orphans:
            raise typer.Exit(_orphans(options, fleet, chosen))
        if watch:
            watch_fleet(options, fleet, chosen, wanted, span(interval or _BEAT) or 1.0)
        else:
            raise typer.Exit(_list(options, fleet, chosen, wanted))


def _list(options: Options, fleet: Fleet, chosen: Filter, wanted: FleetQuery) -> Exit:
    from aws_exec.fleet import Problem  # noqa: PLC0415 - the CLI starts fast

    shower = Shower(options.format, Context(now, fleet.cost))
    states: Counter[str] = Counter()
    problems: list[Problem] = []
    for page in looked_at(fleet, chosen, wanted):
        if isinstance(page, Problem):
            problems.append(page)
            continue
        shower.show(page)
        states.update(str(job.state) for job in page)
        if nobody_reads():
            break
    shower.close()
    if options.format in (Format.TABLE, Format.WIDE) and not problems and not nobody_reads():
        _sum_up(states)
    return tell_problems(COMMAND, problems, shown=bool(states))


def _sum_up(states: Counter[str]) -> None:
    if not states:
        printer.err.print("No jobs.", highlight=False)
    elif sys.stderr.isatty():
        told_of = ", ".join(f"{number} {state}" for state, number in states.most_common())
        printer.err.print(f"{count(states.total())}: {told_of}", highlight=False)


def _orphans(options: Options, fleet: Fleet, chosen: Filter) -> Exit:
    from aws_exec.fleet.orphans import find_orphans  # noqa: PLC0415 - the CLI starts fast

    found, problems = find_orphans(fleet, chosen, now())
    shower = Shower(options.format, Context(now, fleet.cost))
    if found:
        shower.show(found)
    shower.close()
    if options.format in (Format.TABLE, Format.WIDE) and (found or not problems):
        said = "One look: what is still listed in 15 minutes is an orphan; before, it may be shutting down."
        printer.err.print(said if found else "No orphans.", highlight=False, soft_wrap=True)
    return tell_problems(COMMAND, problems, shown=bool(found)) or (Exit.FAILED if found else Exit.OK)
