"""`awsexec list`: list the running jobs of both services, once or continuously."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from awsexec_cli.errors import describe_problem, report_problem, report_problems
from awsexec_cli.exit_codes import Exit
from awsexec_cli.jobs import JobWriter, count_jobs, job_table, matching_jobs
from awsexec_cli.options import (
    ClusterOption,
    DagOption,
    DeploymentOption,
    Filters,
    FleetCommand,
    OlderOption,
    Options,
    QueueOption,
    RunOption,
    StateOption,
    TaskOption,
    seconds,
)
from awsexec_cli.output import Format, as_json, as_yaml, clean, printer, write
from awsexec_cli.stdio import reader_is_gone

if TYPE_CHECKING:
    from aws_exec.fleet import Filter, Fleet, FleetJob, FleetQuery, Problem

    #: The jobs of one listing by ARN, and what could not be listed.
    Listing = tuple[dict[str, FleetJob], list[Problem]]

#: The defaults of --since and --interval.
_SINCE, _INTERVAL = "1d", "5s"

#: The state of a job that a later listing no longer has.
_GONE = "gone"

app = typer.Typer(add_completion=False)


@app.command(cls=FleetCommand)
def list_jobs(
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
    all_states: Annotated[
        bool, typer.Option("--all-states", "-a", help="Also list ended jobs that AWS still knows")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION", help="With --all-states: only jobs that ended within DURATION", show_default=_SINCE
        ),
    ] = None,
    orphans: Annotated[
        bool,
        typer.Option("--orphans", help="Only jobs that no live task instance owns; reads Airflow's database"),
    ] = False,
    airflow: Annotated[
        bool, typer.Option("--airflow", help="Also show the state of each task in Airflow's database")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Update the list until Ctrl-C")] = False,
    interval: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="With --watch: time between updates", show_default=_INTERVAL),
    ] = None,
) -> None:
    """List running jobs: ECS tasks and Batch jobs in one table.

    Rows appear as they arrive. The list has every job that runs an Airflow
    task, also those of other deployments and of the Amazon provider's
    executors; `-o wide` adds the deployment, the size and the cost so far.
    Exits with 3 if a part of the fleet could not be listed; with --orphans,
    exits with 1 if it finds any.

    Examples:
      awsexec list
      awsexec list --dag 'etl*' --older-than 2h -o wide
      awsexec list --all-states --state failed --since 6h
      awsexec list --all-states --airflow
      awsexec list -o json | jq '.[].arn'
      awsexec list --watch
    """
    from aws_exec.fleet import FleetQuery  # noqa: PLC0415 - the CLI starts fast

    options: Options = context.obj
    chosen = Filters(dag, task, run, state, older_than, deployment).filter()
    if orphans and (watch or all_states):
        raise typer.BadParameter("cannot be combined with --watch or --all-states", param_hint="--orphans")
    if airflow and (watch or orphans):
        raise typer.BadParameter("cannot be combined with --watch or --orphans", param_hint="--airflow")
    ended = all_states or bool({"succeeded", "failed"} & set(chosen.states))
    if since and not ended:
        raise typer.BadParameter("needs --all-states, or --state succeeded or failed", param_hint="--since")
    if interval and not watch:
        raise typer.BadParameter("needs --watch", param_hint="--interval")
    recent = seconds(since or _SINCE)
    with options.open(cluster, queue) as fleet:
        query = FleetQuery(chosen.deployment, time.time() - recent if ended else None)
        if orphans:
            raise typer.Exit(_orphans(options.format, fleet, chosen))
        if watch:
            _watch(options.format, fleet, chosen, query, seconds(interval or _INTERVAL) or 1.0)
        else:
            raise typer.Exit(_list(options.format, fleet, chosen, query, airflow=airflow))


def _pages(fleet: Fleet, chosen: Filter, query: FleetQuery, *, airflow: bool) -> Iterator[list[FleetJob] | Problem]:
    pages = matching_jobs(fleet, chosen, query)
    return _with_airflow(fleet, pages, chosen.deployment) if airflow else pages


def _with_airflow(
    fleet: Fleet, pages: Iterable[list[FleetJob] | Problem], deployment: str
) -> Iterator[list[FleetJob] | Problem]:
    """Yield all jobs as one page, with the states of their tasks in Airflow's database: it is queried once."""
    from aws_exec.fleet import Problem  # noqa: PLC0415 - the CLI starts fast
    from aws_exec.fleet.airflow_states import with_airflow_states  # noqa: PLC0415 - likewise

    jobs: list[FleetJob] = []
    for page in pages:
        if isinstance(page, Problem):
            yield page
        else:
            jobs += page
    if jobs:
        yield with_airflow_states(fleet, jobs, deployment)


def _list(output: Format, fleet: Fleet, chosen: Filter, query: FleetQuery, *, airflow: bool) -> Exit:
    from aws_exec.fleet import Problem  # noqa: PLC0415 - the CLI starts fast

    writer = JobWriter(output, fleet.cost)
    states: Counter[str] = Counter()
    problems: list[Problem] = []
    for page in _pages(fleet, chosen, query, airflow=airflow):
        if isinstance(page, Problem):
            problems.append(page)
            continue
        writer.write(page)
        states.update(str(job.state) for job in page)
        if reader_is_gone():
            break
    writer.close()
    if output in (Format.TABLE, Format.WIDE) and not problems and not reader_is_gone():
        _report_states(states)
    return report_problems(problems, some_listed=bool(states))


def _report_states(states: Counter[str]) -> None:
    if not states:
        printer.say("No jobs.")
    elif sys.stderr.isatty():
        counts = ", ".join(f"{number} {state}" for state, number in states.most_common())
        printer.say(f"{count_jobs(states.total())}: {counts}")


def _orphans(output: Format, fleet: Fleet, chosen: Filter) -> Exit:
    from aws_exec.fleet.orphans import find_orphans  # noqa: PLC0415 - the CLI starts fast

    found, problems = find_orphans(fleet, chosen, time.time())
    writer = JobWriter(output, fleet.cost)
    if found:
        writer.write(found)
    writer.close()
    if output in (Format.TABLE, Format.WIDE) and (found or not problems):
        hint = "Run this again in 15 minutes: jobs that are still listed are orphans; others were shutting down."
        printer.say(hint if found else "No orphans.")
    return report_problems(problems, some_listed=bool(found)) or (Exit.FAILED if found else Exit.OK)


# -------------------------------------------------------------------------------------------------------------- watch


def _watch(output: Format, fleet: Fleet, chosen: Filter, query: FleetQuery, interval: float) -> None:
    """List again and again, until Ctrl-C or until the reader of the pipe exits.

    Raises:
        typer.Exit: the first listing failed; later failures are reported, and may pass.
    """
    listings = _listings(fleet, chosen, query, interval)
    jobs, problems = next(listings)
    if problems and not jobs:
        raise typer.Exit(report_problems(problems, some_listed=False))
    listings = itertools.chain([(jobs, problems)], listings)
    if printer.out.is_terminal and output in (Format.TABLE, Format.WIDE):
        _update_table(output, fleet, listings, interval)
    else:
        _write_changes(output, fleet, listings)


def _listings(fleet: Fleet, chosen: Filter, query: FleetQuery, interval: float) -> Iterator[Listing]:
    from aws_exec.fleet import Problem  # noqa: PLC0415 - the CLI starts fast

    while True:
        jobs: dict[str, FleetJob] = {}
        problems: list[Problem] = []
        for page in matching_jobs(fleet, chosen, query):
            if isinstance(page, Problem):
                problems.append(page)
            else:
                jobs |= {job.job.arn: job for job in page}
        yield jobs, problems
        if reader_is_gone():
            return
        threading.Event().wait(interval)


def _update_table(output: Format, fleet: Fleet, listings: Iterable[Listing], interval: float) -> None:
    """Show each listing on the terminal in place of the one before."""
    from rich.live import Live  # noqa: PLC0415 - the CLI starts fast
    from rich.text import Text  # noqa: PLC0415 - likewise

    wide = output is Format.WIDE
    with Live(console=printer.out, auto_refresh=False, vertical_overflow="crop") as screen:
        for jobs, problems in listings:
            newest = sorted(jobs.values(), key=lambda job: job.created or 0.0, reverse=True)
            room = max(1, printer.out.height - 4 - len(problems))
            table = job_table(newest[:room], printer.out.width, wide=wide, cost=fleet.cost)
            lines = [Text(table.header(), style="bold"), *(Text.assemble(*table.styled(job)) for job in newest[:room])]
            more = f", {len(newest) - room} older ones not shown" if len(newest) > room else ""
            updated = f"{time.strftime('%H:%M:%S')}, every {interval:g} s; Ctrl-C ends"
            lines.append(Text(f"{count_jobs(len(newest))}{more}; {updated}", "dim"))
            lines += [Text(clean(describe_problem(problem)), "red") for problem in problems]
            screen.update(Text("\n", no_wrap=True, overflow="ellipsis").join(lines), refresh=True)


def _write_changes(output: Format, fleet: Fleet, listings: Iterable[Listing]) -> None:
    """Write a row for each new or changed job, and for each that is listed no more."""
    known: dict[str, FleetJob] = {}
    writer = JobWriter(output, fleet.cost)
    for jobs, problems in listings:
        changed = [job for arn, job in jobs.items() if arn not in known or known[arn].state != job.state]
        gone = [] if problems else [job for arn, job in known.items() if arn not in jobs]
        if output in (Format.JSON, Format.YAML):
            _write_documents(output, writer, changed, gone)
        else:
            if changed:
                writer.write(changed)
            if output is not Format.NAME:
                write("".join(f"{clean(job.address)}  {job.id[:8]}  {_GONE}\n" for job in gone))
        for problem in problems:
            report_problem(problem)
        known = jobs if not problems else {**known, **jobs}


def _write_documents(output: Format, writer: JobWriter, changed: list[FleetJob], gone: list[FleetJob]) -> None:
    """Write one JSON line or YAML document a job, so that a reader can parse what has been written so far."""
    documents = [writer.plain(job) for job in changed]
    documents += [{**writer.plain(job), "state": _GONE} for job in gone]
    for each in documents:
        write(as_json(each) + "\n" if output is Format.JSON else f"---\n{as_yaml(each)}")
