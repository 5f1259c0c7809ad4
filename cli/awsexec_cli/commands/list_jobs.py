"""`awsexec list`: list the running jobs of both services, once or continuously."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from awsexec_cli.errors import describe_problem, report_problem, report_problems
from awsexec_cli.exit_codes import Exit
from awsexec_cli.jobs import (
    SERVICES,
    JobWriter,
    View,
    count_jobs,
    job_columns,
    job_table,
    matching_jobs,
    searched,
)
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
    names_in,
    seconds,
)
from awsexec_cli.output import TABLES, Format, as_json, as_yaml, clean, printer, write
from awsexec_cli.progress import progress_line
from awsexec_cli.stdio import reader_is_gone
from awsexec_cli.usage import Misuse

if TYPE_CHECKING:
    from aws_exec.fleet import Filter, Fleet, FleetJob, FleetQuery, Problem

    #: The jobs of one listing by ARN, and what could not be listed.
    Listed = tuple[dict[str, FleetJob], list[Problem]]

#: The defaults of --since and --interval.
_SINCE, _INTERVAL = "1d", "5s"

#: The state of a job that a later listing no longer has.
_GONE = "gone"

_TABLE = "Table"


def _complete_columns(incomplete: str) -> list[str]:
    """Complete the last column of a list, or the one to sort by."""
    before, comma, last = incomplete.rpartition(",")
    sign = "-" if last.startswith("-") else ""
    names = [column.heading.lower() for column in job_columns()]
    return [f"{before}{comma}{sign}{name}" for name in names if name.startswith(last.removeprefix("-").lower())]


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
    sort_by: Annotated[
        str,
        typer.Option(
            metavar="COLUMN",
            help="Column to sort by; -COLUMN reverses the order",
            show_default="newest first",
            autocompletion=_complete_columns,
            rich_help_panel=_TABLE,
        ),
    ] = "",
    limit: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Show the first N jobs only", rich_help_panel=_TABLE)
    ] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN,...",
            help="Columns to show: those of -o wide (repeatable)",
            autocompletion=_complete_columns,
            rich_help_panel=_TABLE,
        ),
    ] = None,
    no_headers: Annotated[
        bool, typer.Option("--no-headers", help="Leave out the column headings", rich_help_panel=_TABLE)
    ] = False,
    unsorted: Annotated[
        bool, typer.Option("--unsorted", help="Print rows as AWS returns them", rich_help_panel=_TABLE)
    ] = False,
) -> None:
    """List running ECS tasks and Batch jobs in one table, newest first.

    The list has every job that runs an Airflow task, also those of other
    deployments and of the Amazon provider's executors. AGE is the time since
    the job was created, DURATION the time that its container has run.
    `-o wide` adds the deployment, the size and the cost so far; on a narrow
    terminal, its lines wrap. Exits with 3 if a part of the fleet could not be
    listed; with --orphans, exits with 1 if it finds any.

    Examples:
      awsexec list
      awsexec list --dag 'etl*' --older-than 2h -o wide
      awsexec list --all-states --state failed,stopping --since 6h
      awsexec list --all-states --airflow
      awsexec list --sort-by -duration --limit 10
      awsexec list --columns task,state,id --no-headers
      awsexec list -o json | jq '.[].arn'
      awsexec list --watch
    """
    from aws_exec.fleet import FleetQuery  # noqa: PLC0415 - the CLI starts fast

    options: Options = context.obj
    chosen = Filters(dag, task, run, state, older_than, deployment).filter()
    view = View(names_in(columns), not no_headers, sort_by)
    view.check()
    if (columns or no_headers) and options.format not in TABLES:
        raise Misuse(f"{'--columns' if columns else '--no-headers'} is for tables only", "use -o table or -o wide")
    if orphans and (watch or all_states):
        raise Misuse("--orphans cannot be combined with --watch or --all-states", "omit one of them")
    if airflow and (watch or orphans):
        raise Misuse("--airflow cannot be combined with --watch or --orphans", "omit one of them")
    if unsorted and (watch or orphans or airflow or sort_by):
        message = "cannot be combined with --sort-by, --watch, --orphans or --airflow"
        raise typer.BadParameter(message, param_hint="--unsorted")
    if limit and watch:
        raise Misuse("--limit cannot be combined with --watch", "omit one of them")
    ended = all_states or bool({"succeeded", "failed"} & set(chosen.states))
    if since and not ended:
        raise Misuse("--since selects ended jobs only", "add --all-states, --state succeeded or --state failed")
    if interval and not watch:
        raise Misuse("--interval has no effect without --watch", "add --watch")
    recent = seconds(since or _SINCE)
    stopping = not chosen.states or "stopping" in chosen.states
    query = FleetQuery(chosen.deployment, time.time() - recent if ended else None, stopping=stopping)
    with options.open(cluster, queue) as fleet:
        listing = _Listing(options.format, fleet, chosen, query, view, limit, airflow=airflow)
        if orphans:
            raise typer.Exit(listing.orphans())
        if watch:
            _watch(listing, seconds(interval or _INTERVAL) or 1.0)
        else:
            raise typer.Exit(listing.stream() if unsorted else listing.sorted())


@dataclass(frozen=True, slots=True)
class _Listing:
    """One listing.

    Attributes:
        output: the format.
        fleet, chosen, query: which jobs to list.
        view: what a table shows, and the order.
        limit: the most jobs to show; None: all.
        airflow: whether to show the states of tasks in Airflow's database.
    """

    output: Format
    fleet: Fleet
    chosen: Filter
    query: FleetQuery
    view: View
    limit: int | None
    airflow: bool

    def pages(self) -> Iterator[list[FleetJob] | Problem]:
        """Yield the jobs as AWS returns them, and what could not be listed."""
        return matching_jobs(self.fleet, self.chosen, self.query)

    def writer(self) -> JobWriter:
        return JobWriter(self.output, self.fleet.cost, view=self.view)

    def in_order(self, jobs: Iterable[FleetJob]) -> list[FleetJob]:
        """Return the jobs in their order, cut to the limit."""
        return self.view.in_order(jobs, self.fleet.cost)[: self.limit]

    def sorted(self) -> Exit:
        """Read all jobs, and write them in order."""
        from aws_exec.fleet import Problem  # noqa: PLC0415 - the CLI starts fast

        jobs: list[FleetJob] = []
        problems: list[Problem] = []
        begun = time.monotonic()
        with progress_line(lambda: f"Reading jobs: {len(jobs)} so far, {time.monotonic() - begun:.0f}s"):
            for page in self.pages():
                if isinstance(page, Problem):
                    problems.append(page)
                else:
                    jobs.extend(page)
            if jobs and self.airflow:
                from aws_exec.fleet.airflow_states import with_airflow_states  # noqa: PLC0415 - starts fast

                jobs[:] = with_airflow_states(self.fleet, jobs, self.chosen.deployment)
        writer = self.writer()
        if jobs:
            writer.write(self.in_order(jobs), more=False)
        return self._end(writer, Counter(str(job.state) for job in jobs), problems)

    def stream(self) -> Exit:
        """Write jobs as they are read, until the limit."""
        from aws_exec.fleet import Problem  # noqa: PLC0415 - the CLI starts fast

        writer = self.writer()
        states: Counter[str] = Counter()
        problems: list[Problem] = []
        for page in self.pages():
            if isinstance(page, Problem):
                problems.append(page)
                continue
            shown = page if self.limit is None else page[: self.limit - writer.count]
            writer.write(shown)
            states.update(str(job.state) for job in shown)
            if reader_is_gone() or writer.count == self.limit:
                break
        return self._end(writer, states, problems)

    def orphans(self) -> Exit:
        """Write the jobs that no live task instance owns."""
        from aws_exec.fleet.orphans import find_orphans  # noqa: PLC0415 - the CLI starts fast

        found, problems = find_orphans(self.fleet, self.chosen, time.time())
        writer = self.writer()
        if found:
            writer.write(self.in_order(found), more=False)
        writer.close()
        if self.output in TABLES and (found or not problems):
            hint = "Run this again in 15 minutes: jobs that are still listed are orphans; others were shutting down."
            printer.say(hint if found else f"No orphans in {searched(self.fleet)}")
        return report_problems(problems, some_listed=bool(found)) or (Exit.FAILED if found else Exit.OK)

    def _end(self, writer: JobWriter, states: Counter[str], problems: list[Problem]) -> Exit:
        writer.close()
        if self.output in TABLES and not reader_is_gone():
            self._report(writer, states, problems)
        return report_problems(problems, some_listed=bool(states))

    def _report(self, writer: JobWriter, states: Counter[str], problems: list[Problem]) -> None:
        """Write below a table what was listed and what was not; below an empty one also if nobody is looking."""
        if any(not problem.location for problem in problems) or not (states or not problems):
            return  # the errors say what was not listed
        where = searched(self.fleet)
        if not states:
            printer.say(self._nothing(where))
        elif printer.err.is_terminal:
            counts = ", ".join(f"{number} {state}" for state, number in states.most_common())
            of = f"{writer.count} of " if writer.count < states.total() else ""
            printer.say(f"{of}{count_jobs(states.total())} in {where}: {counts}", "dim")
            if writer.left_out:
                printer.say(f"Not shown: {', '.join(writer.left_out)} (-o wide shows all columns)", "dim")
        if not states or printer.err.is_terminal:
            for service, why in self.fleet.unlisted().items():
                printer.say(f"Not listed: {SERVICES[service]} ({why})", "dim")

    def _nothing(self, where: str) -> str:
        chosen, ended = self.chosen, self.query.ended_since is not None
        names = chosen.dags, chosen.tasks, chosen.runs, chosen.deployment
        match = " match the filters" if any(names) or chosen.older_than is not None else ""
        if chosen.states:
            return f"No {' or '.join(chosen.states)} jobs{match} in {where}"
        if ended:
            return f"No jobs{match} in {where}, running or finished within --since"
        return f"No running jobs{match} in {where}. -a shows finished jobs"


# -------------------------------------------------------------------------------------------------------------- watch


def _watch(listing: _Listing, interval: float) -> None:
    """List again and again, until Ctrl-C or until the reader of the pipe exits.

    Raises:
        typer.Exit: the first listing failed; later failures are reported, and may pass.
    """
    listings = _listings(listing, interval)
    jobs, problems = next(listings)
    if problems and not jobs:
        raise typer.Exit(report_problems(problems, some_listed=False))
    listings = itertools.chain([(jobs, problems)], listings)
    if printer.out.is_terminal and listing.output in TABLES:
        _update_table(listing, listings, interval)
    else:
        _write_changes(listing, listings)


def _listings(listing: _Listing, interval: float) -> Iterator[Listed]:
    from aws_exec.fleet import Problem  # noqa: PLC0415 - the CLI starts fast

    while True:
        jobs: dict[str, FleetJob] = {}
        problems: list[Problem] = []
        for page in listing.pages():
            if isinstance(page, Problem):
                problems.append(page)
            else:
                jobs |= {job.job.arn: job for job in page}
        yield jobs, problems
        if reader_is_gone():
            return
        threading.Event().wait(interval)


def _update_table(listing: _Listing, listings: Iterable[Listed], interval: float) -> None:
    """Show each listing on the terminal in place of the one before."""
    from rich.live import Live  # noqa: PLC0415 - the CLI starts fast
    from rich.text import Text  # noqa: PLC0415 - likewise

    wide, width = listing.output is Format.WIDE, printer.out.width
    with Live(console=printer.out, auto_refresh=False, vertical_overflow="crop") as screen:
        for jobs, problems in listings:
            ordered = listing.in_order(jobs.values())
            room = max(1, printer.out.height - 4 - len(problems))
            table = job_table(ordered[:room], width, wide=wide, cost=listing.fleet.cost, view=listing.view)
            room = max(1, room // -(-len(table.header()) // width))
            lines = [Text(table.header(), style="bold")] if listing.view.headers else []
            lines += [Text.assemble(*table.styled(job)) for job in ordered[:room]]
            more = f", {len(ordered) - room} not shown" if len(ordered) > room else ""
            updated = f"{time.strftime('%H:%M:%S')}, every {interval:g} s; Ctrl-C ends"
            lines.append(Text(f"{count_jobs(len(ordered))} in {searched(listing.fleet)}{more}; {updated}", "dim"))
            lines += [Text(clean(describe_problem(problem)), "red") for problem in problems]
            screen.update(Text("\n", overflow="fold").join(lines), refresh=True)


def _write_changes(listing: _Listing, listings: Iterable[Listed]) -> None:
    """Write a row for each new or changed job, and for each that is listed no more."""
    known: dict[str, FleetJob] = {}
    writer = listing.writer()
    for jobs, problems in listings:
        changed = [job for arn, job in jobs.items() if arn not in known or known[arn].state != job.state]
        gone = [] if problems else [job for arn, job in known.items() if arn not in jobs]
        if listing.output in (Format.JSON, Format.YAML):
            _write_documents(listing.output, writer, changed, gone)
        else:
            if changed:
                writer.write(listing.in_order(changed))
            if listing.output is not Format.NAME:
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
