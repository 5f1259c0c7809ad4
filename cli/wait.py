"""`awsexec wait`: until jobs run, or are over, and how they ended."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.arguments import ClusterOption, JobsArgument, QueueOption
from cli.common import Options, over_the_fleet
from cli.durations import span
from cli.exits import Exit
from cli.rows import Context
from cli.shown import Shower, now

app = typer.Typer(add_completion=False)


@app.command()
@over_the_fleet("wait")
def wait(
    options: Options,
    jobs: JobsArgument,
    *,
    until: Annotated[str, typer.Option("--for", metavar="stopped|running", help="What to wait for.")] = "stopped",
    timeout: Annotated[str | None, typer.Option(metavar="SPAN", help="At most: 90s, 10m, 2h.")] = None,
    cluster: ClusterOption = None,
    queue: QueueOption = None,
) -> None:
    """Wait until jobs run, or are over; exit with their outcome.

    Exits with 0 if all succeeded (or run), 1 if one did not, 124 if it took
    too long. A job's outcome is its container's: that of a task which failed
    in Airflow ends well, too.

    Examples:
      awsexec wait 0d6a9c1e && echo done
      awsexec wait 0d6a9c1e 6f70b2aa --for running --timeout 10m
    """
    from aws_exec.fleet import Until, is_well  # noqa: PLC0415 - the CLI starts fast
    from aws_exec.fleet import wait as waited  # noqa: PLC0415 - likewise

    if until not in tuple(Until):
        raise typer.BadParameter(f"{until!r} is neither stopped nor running", param_hint="--for")
    goal, limit = Until(until), span(timeout)
    well = True
    with options.open(cluster, queue) as fleet:
        found = fleet.locate(jobs, ended=True)
        shower = Shower(options.format, Context(now, fleet.cost))
        for job in waited(fleet.services, found, goal, timeout=limit):
            shower.show([job])
            well = well and is_well(job, goal)
        shower.close()
    raise typer.Exit(Exit.OK if well else Exit.FAILED)
