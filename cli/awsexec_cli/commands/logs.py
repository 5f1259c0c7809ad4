"""`awsexec logs`: what a job has printed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Annotated

import typer

from awsexec_cli.arguments import ClusterOption, JobArgument, QueueOption
from awsexec_cli.documents import write
from awsexec_cli.durations import span
from awsexec_cli.looking import asking_again
from awsexec_cli.options import Options, over_the_fleet
from awsexec_cli.output import printer
from awsexec_cli.shown import logged, now
from awsexec_cli.stdio import nobody_reads

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_exec.fleet import FleetJob, Service

COMMAND = "awsexec logs"

app = typer.Typer(add_completion=False)


@app.command()
@over_the_fleet("logs")
def logs(
    options: Options,
    job: JobArgument,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on, until the job is over.")] = False,
    tail: Annotated[int | None, typer.Option("--tail", "-n", min=0, help="The last lines only.")] = None,
    since: Annotated[str | None, typer.Option(metavar="SPAN", help="What is not older: 10m, 2h.")] = None,
    timestamps: Annotated[bool, typer.Option("--timestamps", "-t", help="When each line was printed.")] = False,
    cluster: ClusterOption = None,
    queue: QueueOption = None,
) -> None:
    """Show a job's CloudWatch log, as its task or job definition has it sent there.

    Tokens and secrets are masked. Exits with 1 if the job has no log yet; -f
    waits for it, and goes on while AWS cannot be reached.

    Examples:
      awsexec logs 0d6a9c1e --tail 50
      awsexec logs -f etl/load@manual__1
      awsexec logs 0d6a9c1e --since 10m --timestamps
    """
    from aws_exec.fleet import RetryUntilDeadline, State  # noqa: PLC0415 - the CLI starts fast
    from aws_exec.fleet import logs as library  # noqa: PLC0415 - likewise
    from aws_exec.fleet.model import iso  # noqa: PLC0415 - likewise

    age = span(since)
    start = None if age is None else now() - age
    with options.open(cluster, queue) as fleet:
        [found] = fleet.locate([job], ended=True)
        service = fleet.services[found.service]
        if follow:
            outlasting = RetryUntilDeadline(asking_again(COMMAND), threading.Event())
            if found.state in (State.WAITING, State.STARTING):
                printer.err.print(f"{found.id} is {found.state}: its log is shown once it begins", highlight=False)
            location = library.location_once_begun(service, found, retries=outlasting)
            is_over = _is_over(service, found)
            lines = library.follow(fleet.client, location, is_over=is_over, since=start, tail=tail, retries=outlasting)
        else:
            location = library.location_of(service, found)
            lines = library.read(fleet.client, location, tail=tail, since=start)
        for line in lines:
            if nobody_reads():
                break
            text = logged(line.text)
            write(f"{iso(line.at)}  {text}\n" if timestamps else f"{text}\n")


def _is_over(service: Service, job: FleetJob) -> Callable[[], bool]:
    """Whether the job is over by now: what AWS does not know any more is."""

    def is_over() -> bool:
        seen = service.describe(job.job.location, [job.job.arn])
        return not any(each.is_active for each in seen)

    return is_over
