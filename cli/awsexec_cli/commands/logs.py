"""`awsexec logs`: show a job's log."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Annotated

import typer

from awsexec_cli.errors import retry_reporter
from awsexec_cli.options import ClusterOption, FleetCommand, JobArgument, Options, QueueOption, seconds
from awsexec_cli.output import log_line, printer, write
from awsexec_cli.stdio import reader_is_gone

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_exec.fleet import FleetJob, Service

COMMAND = "awsexec logs"

app = typer.Typer(add_completion=False)


@app.command(cls=FleetCommand)
def logs(
    context: typer.Context,
    job: JobArgument,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Print new lines until the job has ended")] = False,
    tail: Annotated[
        int | None, typer.Option("--tail", "-n", min=0, help="Only the last lines", show_default="all")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Only lines of the last DURATION: 10m", show_default="all"),
    ] = None,
    timestamps: Annotated[bool, typer.Option("--timestamps", "-t", help="Print the time of each line")] = False,
    cluster: ClusterOption = None,
    queue: QueueOption = None,
) -> None:
    """Show a job's CloudWatch log, where its task or job definition sends it.

    Tokens and secrets are masked. Exits with 1 if the job has no log yet;
    with -f the command waits for it, and continues while AWS cannot be
    reached.

    Examples:
      awsexec logs 0d6a9c1e --tail 50
      awsexec logs -f etl/load@manual__1
      awsexec logs 0d6a9c1e --since 10m --timestamps
    """
    from aws_exec.fleet import RetryUntilDeadline, State  # noqa: PLC0415 - the CLI starts fast
    from aws_exec.fleet import logs as library  # noqa: PLC0415 - likewise
    from aws_exec.fleet.model import iso  # noqa: PLC0415 - likewise

    options: Options = context.obj
    start = None if since is None else time.time() - seconds(since)
    with options.open(cluster, queue) as fleet:
        [found] = fleet.locate([job], ended=True)
        service = fleet.services[found.service]
        if follow:
            retries = RetryUntilDeadline(retry_reporter(COMMAND), threading.Event())
            if found.state in (State.WAITING, State.STARTING):
                printer.say(f"{found.id} is {found.state}: its log is shown once it begins")
            location = library.location_once_begun(service, found, retries=retries)
            has_ended = _has_ended(service, found)
            lines = library.follow(fleet.client, location, is_over=has_ended, since=start, tail=tail, retries=retries)
        else:
            location = library.location_of(service, found)
            lines = library.read(fleet.client, location, tail=tail, since=start)
        for line in lines:
            if reader_is_gone():
                break
            text = log_line(line.text)
            write(f"{iso(line.at)}  {text}\n" if timestamps else f"{text}\n")


def _has_ended(service: Service, job: FleetJob) -> Callable[[], bool]:
    """Return a function that tells whether the job has ended; a job that AWS no longer knows has."""

    def has_ended() -> bool:
        return not any(each.is_active for each in service.describe(job.job.location, [job.job.arn]))

    return has_ended
