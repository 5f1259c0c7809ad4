"""`awsexec list --watch`: a live table on a terminal; in a pipe, a line for each change."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import typer

from awsexec_cli.documents import as_json, as_yaml, write
from awsexec_cli.jobs import NARROW, WIDE, Context, Table
from awsexec_cli.looking import looked_at, tell_problems
from awsexec_cli.options import Format, Options, told
from awsexec_cli.output import clean, printer
from awsexec_cli.shown import Shower, count, now
from awsexec_cli.stdio import nobody_reads

if TYPE_CHECKING:
    from aws_exec.fleet import Filter, Fleet, FleetJob, FleetQuery, Problem

    Look = tuple[dict[str, FleetJob], list[Problem]]

COMMAND = "awsexec list"

#: What is listed no more.
GONE = "gone"


def watch_fleet(options: Options, fleet: Fleet, chosen: Filter, wanted: FleetQuery, interval: float) -> None:
    """Look again and again, until interrupted, or until nobody reads it.

    Raises:
        typer.Exit: nothing could be looked at to begin with; later it may pass, and is only told.
    """
    looks = _looks(fleet, chosen, wanted, interval)
    jobs, problems = next(looks)
    if problems and not jobs:
        raise typer.Exit(tell_problems(COMMAND, problems, shown=False))
    looks = itertools.chain([(jobs, problems)], looks)
    if printer.out.is_terminal and options.format in (Format.TABLE, Format.WIDE):
        _live(options, fleet, looks, interval)
    else:
        _changes(options, fleet, looks)


def _looks(fleet: Fleet, chosen: Filter, wanted: FleetQuery, interval: float) -> Iterator[Look]:
    from aws_exec.fleet import Problem  # noqa: PLC0415 - the CLI starts fast

    while True:
        jobs: dict[str, FleetJob] = {}
        problems: list[Problem] = []
        for page in looked_at(fleet, chosen, wanted):
            if isinstance(page, Problem):
                problems.append(page)
            else:
                jobs |= {job.job.arn: job for job in page}
        yield jobs, problems
        if nobody_reads():
            return
        threading.Event().wait(interval)


def _live(options: Options, fleet: Fleet, looks: Iterable[Look], interval: float) -> None:
    from rich.live import Live  # noqa: PLC0415 - the CLI starts fast
    from rich.text import Text  # noqa: PLC0415 - likewise

    columns = WIDE if options.format is Format.WIDE else NARROW
    with Live(console=printer.out, auto_refresh=False, vertical_overflow="crop") as screen:
        for jobs, problems in looks:
            shown = sorted(jobs.values(), key=lambda job: job.created or 0.0, reverse=True)
            room = max(1, printer.out.height - 4 - len(problems))
            table = Table(columns, Context(now, fleet.cost), shown[:room], printer.out.width)
            lines = [Text(table.header(), style="bold"), *(Text.assemble(*table.styled(job)) for job in shown[:room])]
            more = f", {len(shown) - room} older ones not shown" if len(shown) > room else ""
            beat = f"{time.strftime('%H:%M:%S')}, every {interval:g} s; Ctrl-C ends"
            lines.append(Text(f"{count(len(shown))}{more}; {beat}", "dim"))
            lines += [Text(clean(_told(problem)), "red") for problem in problems]
            screen.update(Text("\n", no_wrap=True, overflow="ellipsis").join(lines), refresh=True)


def _told(problem: Problem) -> str:
    return f"{problem.service} {problem.location}: {told(problem.fault)}"


def _changes(options: Options, fleet: Fleet, looks: Iterable[Look]) -> None:
    """A row for each job that is new or has changed; what is listed no more is told as gone."""
    known: dict[str, FleetJob] = {}
    shower = Shower(options.format, Context(now, fleet.cost))
    for jobs, problems in looks:
        changed = [job for arn, job in jobs.items() if arn not in known or known[arn].state != job.state]
        gone = [] if problems else [job for arn, job in known.items() if arn not in jobs]
        if options.format in (Format.JSON, Format.YAML):
            _documents(options.format, fleet, changed, gone)
        else:
            if changed:
                shower.show(changed)
            if options.format is not Format.NAME:
                write("".join(f"{clean(job.address)}  {job.id[:8]}  {GONE}\n" for job in gone))
        for problem in problems:
            printer.fail(COMMAND, _told(problem))
        known = jobs if not problems else {**known, **jobs}


def _documents(how: Format, fleet: Fleet, changed: list[FleetJob], gone: list[FleetJob]) -> None:
    """JSON a line each, or YAML a document each: what is written can be read before it ends."""
    from aws_exec.fleet import plain  # noqa: PLC0415 - the CLI starts fast

    shown = [plain(job, now(), fleet.cost(job)) for job in changed]
    shown += [{**plain(job, now(), fleet.cost(job)), "state": GONE} for job in gone]
    for each in shown:
        write(as_json(each) + "\n" if how is Format.JSON else f"---\n{as_yaml(each)}")
