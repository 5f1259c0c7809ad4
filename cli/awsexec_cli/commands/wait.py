"""`awsexec wait`: until jobs run, or are over, and how they ended."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from awsexec_cli.arguments import ClusterOption, JobsArgument, QueueOption
from awsexec_cli.durations import span
from awsexec_cli.exit_codes import Exit
from awsexec_cli.jobs import Context
from awsexec_cli.looking import asking_again
from awsexec_cli.options import Options, over_the_fleet
from awsexec_cli.shown import Shower, now

if TYPE_CHECKING:
    from aws_exec.fleet import Fleet, FleetJob, Until

COMMAND = "awsexec wait"

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
    too long, 5 if AWS has forgotten one meanwhile. A job's outcome is its
    container's: that of a task which failed in Airflow ends well, too. While
    AWS cannot be reached it goes on, and says so once; before the jobs are
    found, only with --timeout.

    Examples:
      awsexec wait 0d6a9c1e && echo done
      awsexec wait 0d6a9c1e 6f70b2aa --for running --timeout 10m
    """
    from aws_exec.fleet import Until, is_well, within  # noqa: PLC0415 - the CLI starts fast

    if until not in tuple(Until):
        raise typer.BadParameter(f"{until!r} is neither stopped nor running", param_hint="--for")
    goal, limit = Until(until), span(timeout)
    well = True
    with options.open(cluster, queue) as fleet:
        waiting = _Waiting(fleet, jobs, goal)
        shower = Shower(options.format, Context(now, fleet.cost))
        begin = waiting.at_once if limit is None else waiting.whenever
        late = f"AWS did not answer within {timeout}"
        try:
            for job in within(limit, begin, lambda: waiting.late(shower.count) or late):
                shower.show([job])
                well = well and is_well(job, goal)
        except TimeoutError:  # nothing is what was found in time; as JSON it is an empty list
            waiting.found = waiting.found or []
            raise
        finally:
            if waiting.found is not None:
                shower.close()
    raise typer.Exit(Exit.OK if well else Exit.FAILED)


class _Waiting:
    """Jobs that are looked for, and then waited for.

    Args:
        fleet: where they are.
        jobs: their addresses.
        goal: what is waited for.

    Attributes:
        found: the jobs as they were found; None until they are.
    """

    def __init__(self, fleet: Fleet, jobs: list[str], goal: Until) -> None:
        from aws_exec.fleet import RetryUntilDeadline  # noqa: PLC0415 - the CLI starts fast

        self._fleet = fleet
        self._jobs = jobs
        self._goal = goal
        self._outlasting = RetryUntilDeadline(asking_again(COMMAND), threading.Event())
        self.found: list[FleetJob] | None = None

    def at_once(self) -> Iterator[FleetJob]:
        """Each job once it is there. An AWS that is not there to begin with may never be: it is not waited for."""
        return self._each(self._locate())

    def whenever(self) -> Iterator[FleetJob]:
        """The same, also waiting for AWS itself: for who gives it a time."""
        return self._each(self._outlasting.run(self._locate))

    def late(self, there: int) -> str:
        """How many are not there in time; empty if not even that is known."""
        return "" if self.found is None else f"not {self._goal} in time: {len(self.found) - there} of {len(self.found)}"

    def _locate(self) -> list[FleetJob]:
        return self._fleet.locate(self._jobs, ended=True)

    def _each(self, found: list[FleetJob]) -> Iterator[FleetJob]:
        from aws_exec.fleet import wait as waited  # noqa: PLC0415 - the CLI starts fast

        self.found = found
        return waited(self._fleet.services, found, self._goal, retries=self._outlasting)
