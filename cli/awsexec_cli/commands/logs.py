"""`awsexec logs`: show the logs of jobs."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from awsexec_cli.errors import describe, exit_code, hint_for, report_problems, report_retry
from awsexec_cli.exit_codes import Exit
from awsexec_cli.jobs import matching_jobs, report_newest, searched, with_known_end
from awsexec_cli.log_rendering import LEVELS
from awsexec_cli.log_writer import LogWriter
from awsexec_cli.options import (
    ClusterOption,
    DagOption,
    DeploymentOption,
    Filters,
    FleetCommand,
    OptionalJobsArgument,
    Options,
    QueueOption,
    RunOption,
    StateOption,
    TaskOption,
    seconds,
)
from awsexec_cli.output import printer
from awsexec_cli.stdio import reader_is_gone
from awsexec_cli.usage import Misuse

if TYPE_CHECKING:
    from aws_exec.fleet import Filter, Fleet, FleetJob, Problem
    from aws_exec.fleet.following import LogEnd
    from aws_exec.lifecycle.values import CallFailure

app = typer.Typer(add_completion=False)


@app.command(cls=FleetCommand)
def logs(
    context: typer.Context,
    jobs: OptionalJobsArgument = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Print new lines until the jobs have ended")] = False,
    tail: Annotated[
        int | None, typer.Option("--tail", "-n", min=0, help="Only the last lines of each log", show_default="all")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Only lines of the last DURATION: 10m", show_default="all"),
    ] = None,
    level: Annotated[
        str | None, typer.Option(metavar="|".join(LEVELS), help="Lowest level to show", show_default="all")
    ] = None,
    grep: Annotated[
        str | None, typer.Option(metavar="REGEX", help="Only lines that match REGEX", show_default="all")
    ] = None,
    timestamps: Annotated[bool, typer.Option("--timestamps", "-t", help="Show date and milliseconds")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="Print the lines as the container wrote them")] = False,
    dag: DagOption = None,
    task: TaskOption = None,
    run: RunOption = None,
    state: StateOption = None,
    deployment: DeploymentOption = None,
    cluster: ClusterOption = None,
    queue: QueueOption = None,
) -> None:
    """Show the CloudWatch logs of jobs, by name or by filters.

    Airflow's records are rendered as time (UTC), level and message, with
    the exception and the line of your code that raised it. On a terminal,
    groups are folded; a pipe gets every line. -o json prints one record per
    line. Tokens and secrets are masked.

    With filters, -f also follows jobs that start later, until Ctrl-C. With
    JOB, -f waits for the log, continues while AWS cannot be reached, and
    exits as `awsexec wait` does when the jobs have ended. Without -f, exits
    with 1 if no log can be shown, 3 if only some can. --tail counts lines
    before --level and --grep.

    Examples:
      awsexec logs 0d6a9c1e --tail 50
      awsexec logs -f etl/load@manual__1
      awsexec logs --dag etl -f
      awsexec logs 0d6a9c1e --level warning --since 10m -t
      awsexec logs 0d6a9c1e -o json | jq 'select(.level == "error")'
    """
    options: Options = context.obj
    chosen = Filters(dag, task, run, state, None, deployment).filter()
    has_filters = any((dag, task, run, state, deployment))
    if bool(jobs) == has_filters:
        if jobs:
            raise Misuse("JOB cannot be combined with filters", "omit JOB, or omit the filters")
        raise Misuse("no job is named", "name one, or use --dag, --task, --run, --state or --deployment")
    if level and level.lower() not in LEVELS:
        raise Misuse(f'invalid --level "{level}"', f"use {', '.join(LEVELS[:-1])} or {LEVELS[-1]}")
    writer = LogWriter(
        options.format,
        raw=raw,
        dates=timestamps,
        level=(level or "").lower(),
        pattern=_pattern(grep),
        is_prefixed=has_filters or len(jobs or ()) > 1,
    )
    start = None if since is None else time.time() - seconds(since)
    with options.open(cluster, queue) as fleet:
        shown = _Logs(fleet, writer, start, tail, chosen, has_filters)
        unlisted = Exit.OK
        if jobs:
            found = fleet.locate(jobs, ended=True, newest=report_newest)
        else:
            found, unlisted = shown.matching(ended=not follow)
        code = shown.follow(found) if follow else shown.read(found, unlisted)
        if writer.read and not writer.written:
            options_given = [f"--level {level}"] * bool(level) + [f"--grep {grep}"] * bool(grep)
            printer.say(f"no line of {writer.read} matches {' and '.join(options_given)}")
        raise typer.Exit(code)


def _pattern(grep: str | None) -> re.Pattern[str] | None:
    try:
        return None if grep is None else re.compile(grep)
    except re.error as error:
        raise Misuse(f'invalid --grep "{grep}": {error}', r"write \( for a literal parenthesis") from error


@dataclass(frozen=True, slots=True)
class _Logs:
    """The logs to show.

    Attributes:
        fleet: of the jobs.
        writer: of their lines.
        since: seconds since the epoch; None: from the beginning.
        tail: only so many lines of each; None: all.
        chosen: the filter that jobs match.
        has_filters: whether they were chosen by it, not named.
    """

    fleet: Fleet
    writer: LogWriter
    since: float | None
    tail: int | None
    chosen: Filter
    has_filters: bool

    def matching(self, *, ended: bool) -> tuple[list[FleetJob], Exit]:
        """Return the jobs that match, the oldest first, and the exit code for what could not be listed."""
        from aws_exec.fleet import Problem  # noqa: PLC0415 - the CLI starts fast

        pages = list(self._pages(0.0 if ended else None))
        found = [job for page in pages if not isinstance(page, Problem) for job in page]
        problems = [page for page in pages if isinstance(page, Problem)]
        return sorted(found, key=lambda job: job.created or 0.0), report_problems(problems, some_listed=bool(found))

    def read(self, jobs: list[FleetJob], unlisted: Exit) -> Exit:
        """Print the logs, one after the other; a job without a log does not keep the others from being shown."""
        from aws_exec.fleet import CloudError, FleetError, is_denied  # noqa: PLC0415 - the CLI starts fast

        failed: list[Exit] = []
        for job in jobs:
            try:
                if not self._read(job):
                    return Exit.OK
            except FleetError as error:
                if len(jobs) == 1:
                    raise
                failed.append(Exit.FAILED)
                printer.fail(str(error), hint=error.hint, details=error.details)
            except CloudError as error:
                if len(jobs) == 1 or not is_denied(error.failure):
                    raise
                failed.append(exit_code(error.failure))
                self._report(job, error.failure)
            self.writer.end(job)
        if not jobs and not unlisted:
            printer.say(f"No jobs match the filters in {searched(self.fleet)}")
        if not failed:
            return unlisted
        return failed[0] if len(failed) == len(jobs) and len(set(failed)) == 1 else Exit.PARTIAL

    @staticmethod
    def _report(job: FleetJob, denied: CallFailure) -> None:
        """Report that the log of one job must not be read."""
        printer.fail(f"{job.address} ({job.id}): {describe(denied)}", hint=hint_for(denied))

    def _read(self, job: FleetJob) -> bool:
        """Print one log; return whether somebody still reads."""
        from aws_exec.fleet import logs  # noqa: PLC0415 - the CLI starts fast

        location = logs.location_of(self.fleet.services[job.service], job)
        for line in logs.read(self.fleet.client, location, tail=self.tail, since=self.since):
            if reader_is_gone():
                return False
            self.writer.write(job, line)
        return True

    def follow(self, jobs: list[FleetJob]) -> Exit:
        """Print the logs as they grow; with a filter, also those of jobs that start later."""
        from aws_exec.fleet import RetryUntilDeadline, State  # noqa: PLC0415 - the CLI starts fast
        from aws_exec.fleet.following import LogEnd, LogFollower  # noqa: PLC0415 - likewise
        from aws_exec.fleet.waiting import unknown_end  # noqa: PLC0415 - likewise

        for job in jobs:
            if job.state in (State.WAITING, State.STARTING):
                printer.say(f"{job.id} is {job.state}: its log is shown once it begins")
        follower = LogFollower(
            self.fleet.services,
            self.fleet.client,
            since=self.since,
            tail=self.tail,
            more=self._later() if self.has_filters else None,
            retries=RetryUntilDeadline(report_retry, threading.Event()),
        )
        well = True
        forgotten: list[str] = []
        for each in follower.follow(jobs):
            if reader_is_gone():
                return Exit.OK
            if not isinstance(each, LogEnd):
                self.writer.write(*each)
                continue
            self.writer.end(each.job)
            if each.job.is_active and not (each.denied or each.problem):
                forgotten.append(each.job.id)
            else:
                well = self._is_well(each) and well
        if forgotten:
            raise unknown_end(forgotten)
        return Exit.OK if well else Exit.FAILED

    def _is_well(self, end: LogEnd) -> bool:
        """Report why a log cannot be read; return whether it can, and its job ended well if that is asked for."""
        from aws_exec.fleet import Until, is_well  # noqa: PLC0415 - the CLI starts fast

        if end.denied:
            self._report(end.job, end.denied)
        elif end.problem:
            printer.fail(end.problem, hint=end.hint)
        else:  # with filters, no end has an exit code
            return self.has_filters or is_well(with_known_end(self.fleet, end.job), Until.STOPPED)
        return False

    def _later(self) -> Callable[[], Iterator[FleetJob]]:
        """Return a function that lists the jobs that match, also those that ended since now."""
        from aws_exec.fleet import Problem  # noqa: PLC0415 - the CLI starts fast

        now = time.time()

        def later() -> Iterator[FleetJob]:
            for page in self._pages(now):
                if not isinstance(page, Problem):
                    yield from page

        return later

    def _pages(self, ended_since: float | None) -> Iterator[list[FleetJob] | Problem]:
        from aws_exec.fleet import FleetQuery  # noqa: PLC0415 - the CLI starts fast

        return matching_jobs(self.fleet, self.chosen, FleetQuery(self.chosen.deployment, ended_since))
