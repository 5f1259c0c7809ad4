"""`awsexec list --watch`: a live table on a terminal; in a pipe, a line for each change."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from cli.common import Format, Options, told
from cli.console import printer
from cli.rows import NARROW, WIDE, Context, Table
from cli.shown import Shower, as_yaml, now, write

if TYPE_CHECKING:
    from aws_exec.fleet import Filter, Fleet, FleetJob, Wanted


def watch_fleet(options: Options, fleet: Fleet, chosen: Filter, wanted: Wanted, interval: float) -> None:
    """Look again and again, until interrupted."""
    live = printer.out.is_terminal and options.format in (Format.TABLE, Format.WIDE)
    if live:
        _live(options, fleet, chosen, wanted, interval)
    else:
        _changes(options, fleet, chosen, wanted, interval)


def _look(fleet: Fleet, chosen: Filter, wanted: Wanted) -> tuple[dict[str, FleetJob], list[str]]:
    from aws_exec.fleet import Problem  # noqa: PLC0415 - the CLI starts fast
    from cli.list_jobs import looked_at  # noqa: PLC0415 - which imports this

    jobs: dict[str, FleetJob] = {}
    problems = []
    for page in looked_at(fleet, chosen, wanted):
        if isinstance(page, Problem):
            problems.append(f"{page.service} {page.place}: {told(page.fault)}")
        else:
            jobs |= {job.job.arn: job for job in page}
    return jobs, problems


def _live(options: Options, fleet: Fleet, chosen: Filter, wanted: Wanted, interval: float) -> None:
    from rich.live import Live  # noqa: PLC0415 - the CLI starts fast
    from rich.text import Text  # noqa: PLC0415 - likewise

    columns = WIDE if options.format is Format.WIDE else NARROW
    with Live(console=printer.out, auto_refresh=False, vertical_overflow="crop") as screen:
        while True:
            jobs, problems = _look(fleet, chosen, wanted)
            shown = sorted(jobs.values(), key=lambda job: job.created or 0.0, reverse=True)
            room = max(1, printer.out.height - 4 - len(problems))
            table = Table(columns, Context(now(), fleet.cost), shown[:room], printer.out.width)
            lines = [Text(table.header(), style="bold"), *(Text.assemble(*table.styled(job)) for job in shown[:room])]
            more = f", {len(shown) - room} older ones not shown" if len(shown) > room else ""
            lines.append(
                Text(f"{len(shown)} jobs{more}; {time.strftime('%H:%M:%S')}, every {interval:g} s; Ctrl-C ends", "dim")
            )
            lines += [Text(problem, "red") for problem in problems]
            screen.update(Text("\n").join(lines), refresh=True)
            threading.Event().wait(interval)


def _changes(options: Options, fleet: Fleet, chosen: Filter, wanted: Wanted, interval: float) -> None:
    """A row for each job that is new or has changed; what is listed no more is told as gone."""
    known: dict[str, FleetJob] = {}
    shower = Shower(options.format, Context(now(), fleet.cost))
    while True:
        jobs, problems = _look(fleet, chosen, wanted)
        changed = [job for arn, job in jobs.items() if arn not in known or known[arn].state != job.state]
        if options.format is Format.JSON:
            _json_lines(changed)
        elif options.format is Format.YAML:
            _yaml_documents(changed)
        elif changed:
            shower.show(changed)
        if options.format in (Format.TABLE, Format.WIDE) and not problems:
            for arn, job in known.items():
                if arn not in jobs:
                    write(f"{job.address}  {job.id[:8]}  gone\n")
        for problem in problems:
            printer.fail("awsexec list", problem)
        known = jobs if not problems else {**known, **jobs}
        threading.Event().wait(interval)


def _json_lines(jobs: list[FleetJob]) -> None:
    import json  # noqa: PLC0415 - only who asks for it

    from aws_exec.fleet import plain  # noqa: PLC0415 - the CLI starts fast

    write("".join(json.dumps(plain(job, now(), None), ensure_ascii=False) + "\n" for job in jobs))


def _yaml_documents(jobs: list[FleetJob]) -> None:
    from aws_exec.fleet import plain  # noqa: PLC0415 - the CLI starts fast

    write("".join("---\n" + as_yaml(plain(job, now(), None)) for job in jobs))
