"""`awsexec wait`: wait until jobs run or have ended, and exit with their outcome."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from awsexec_cli.errors import report_retry
from awsexec_cli.exit_codes import Exit
from awsexec_cli.jobs import JobWriter, count_jobs, report_newest, with_known_end
from awsexec_cli.options import ActiveJobsArgument, ClusterOption, FleetCommand, Options, QueueOption, seconds
from awsexec_cli.usage import Misuse

if TYPE_CHECKING:
    from aws_exec.fleet import Fleet, FleetJob, Until

#: The values of --outcome.
TASK, CONTAINER = "task", "container"

#: Jobs that are named when the time limit has passed; of more, the others are counted.
_NAMED = 3

app = typer.Typer(add_completion=False)


@app.command(cls=FleetCommand)
def wait(
    context: typer.Context,
    jobs: ActiveJobsArgument,
    *,
    until: Annotated[str, typer.Option("--for", metavar="stopped|running", help="State to wait for")] = "stopped",
    outcome: Annotated[str, typer.Option(metavar="task|container", help="Whose outcome is the exit code")] = "task",
    timeout: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Time limit: 90s, 10m, 2h", show_default="none")
    ] = None,
    cluster: ClusterOption = None,
    queue: QueueOption = None,
) -> None:
    """Wait until jobs run or have ended; exit with their outcome.

    Exits with 0 if all jobs succeeded (or run), 1 if one failed, 124 if the
    time limit passed, 5 if AWS no longer knows a job. The outcome is that of
    the task, from the container's exit code or the end of its log; if it is
    unknown, the command says so and uses the container's outcome.
    --outcome container always uses the container's, and reads no log. While
    AWS cannot be reached the command keeps waiting and reports that once;
    until it has found the jobs, it does so only with --timeout.

    Examples:
      awsexec wait 0d6a9c1e && echo done
      awsexec wait 0d6a9c1e --outcome container
      awsexec wait 0d6a9c1e 6f70b2aa --for running --timeout 10m
    """
    from aws_exec.fleet import Until, is_well, within  # noqa: PLC0415 - the CLI starts fast

    options: Options = context.obj
    if until not in (Until.STOPPED, Until.RUNNING):
        raise Misuse(f'invalid --for "{until}"', "use stopped or running")
    if outcome not in (TASK, CONTAINER):
        raise Misuse(f'invalid --outcome "{outcome}"', "use task or container")
    goal, limit = Until(until), None if timeout is None else seconds(timeout)
    of_container = outcome == CONTAINER
    well = True
    with options.open(cluster, queue) as fleet:
        waiting = _Waiting(fleet, jobs, goal, reads_logs=goal is Until.STOPPED and not of_container)
        writer = JobWriter(options.format, fleet.cost)
        begin = waiting.with_aws_reached if limit is None else waiting.with_aws_awaited
        late = f"AWS did not answer within {timeout}"
        try:
            for job in within(limit, begin, lambda: waiting.timeout_message() or late):
                writer.write([job])
                well = well and is_well(job, goal, of_container=of_container)
        except TimeoutError:  # as JSON, no jobs are an empty list
            waiting.found = waiting.found or []
            raise
        finally:
            if waiting.found is not None:
                writer.close()
    raise typer.Exit(Exit.OK if well else Exit.FAILED)


class _Waiting:
    """Looks for jobs, then waits for them.

    Args:
        fleet: where the jobs are.
        jobs: their addresses.
        goal: the state to wait for.
        reads_logs: whether to read how a task ended in its log, if the container's exit code does not say it.

    Attributes:
        found: the jobs; None until they are found.
    """

    def __init__(self, fleet: Fleet, jobs: list[str], goal: Until, *, reads_logs: bool) -> None:
        from aws_exec.fleet import RetryUntilDeadline  # noqa: PLC0415 - the CLI starts fast

        self._fleet = fleet
        self._jobs = jobs
        self._goal = goal
        self._reads_logs = reads_logs
        self._retries = RetryUntilDeadline(report_retry, threading.Event())
        self.found: list[FleetJob] | None = None
        self._reached: set[str] = set()

    def with_aws_reached(self) -> Iterator[FleetJob]:
        """Yield each job in the goal state. Fail if AWS cannot be reached at first: without a limit it may never be."""
        return self._each(self._locate())

    def with_aws_awaited(self) -> Iterator[FleetJob]:
        """Yield each job in the goal state. Retry until AWS is reached."""
        return self._each(self._retries.run(self._locate))

    def timeout_message(self) -> str:
        """Return how many jobs are not in the goal state, and some of them; empty if they were not found."""
        if self.found is None:
            return ""
        left = [job for job in self.found if job.job.arn not in self._reached]
        named = ", ".join(f"{job.address} ({job.id})" for job in left[:_NAMED])
        more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
        of = f"{len(left)} of {count_jobs(len(self.found))}"
        return f"the time limit passed; not {self._goal}: {of}: {named}{more}"

    def _locate(self) -> list[FleetJob]:
        return self._fleet.locate(self._jobs, ended=True, newest=report_newest)

    def _each(self, found: list[FleetJob]) -> Iterator[FleetJob]:
        from aws_exec.fleet import wait as waited  # noqa: PLC0415 - the CLI starts fast

        self.found = found
        for job in waited(self._fleet.services, found, self._goal, retries=self._retries):
            yield with_known_end(self._fleet, job) if self._reads_logs else job
            self._reached.add(job.job.arn)
