"""Stopping jobs, for `terminate` and `terminate-all`: preview, confirm, stop, report the outcome of each, follow.

AWS only takes a request to stop: the container then has its stop timeout to exit. On a terminal, and with `--wait`, the
command follows the jobs until their containers have exited.
"""

from __future__ import annotations

import getpass
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import typer

from aws_exec.durations import format_duration
from awsexec_cli.errors import describe, exit_code, hint_for, report_retry
from awsexec_cli.exit_codes import Exit
from awsexec_cli.jobs import count_jobs, job_table
from awsexec_cli.output import Format, clean, printer, terminal_width, write, write_document
from awsexec_cli.progress import progress_bar, progress_line
from awsexec_cli.prompt import ask

if TYPE_CHECKING:
    from aws_exec.fleet import Fleet, FleetJob
    from aws_exec.lifecycle.values import CallFailure

    #: A job, its outcome, and why it was not stopped.
    Row = tuple[FleetJob, str, str]

#: More jobs than these are confirmed by typing their number; the preview shows so many rows.
_CONFIRMED_BY_YES, _PREVIEWED = 5, 20
#: The preview counts so many states, DAGs and deployments by name, the commonest first.
_COUNTED = 8
#: The outcomes of jobs that may still run; tables list these.
_NOT_STOPPED = ("failed", "not known", "not stopped")


@dataclass(frozen=True, slots=True)
class StopOptions:
    """How to stop jobs.

    Attributes:
        dry_run: only show the preview.
        yes: do not ask for confirmation.
        reason: for AWS to record after the user's name; empty if none is given.
        foreign: also stop jobs of other deployments.
        wait: until the containers have exited; None: on a terminal.
    """

    dry_run: bool
    yes: bool
    reason: str
    foreign: bool
    wait: bool | None = None

    def recorded_reason(self) -> str:
        """Return the reason that AWS records; it names the user in any case."""
        from aws_exec.diagnosis.reasons import stop_reason  # noqa: PLC0415 - the CLI starts fast

        return stop_reason(_user(), self.reason)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"


@contextmanager
def nothing_stopped() -> Iterator[None]:
    """Report that nothing was stopped if Ctrl-C interrupts what comes before the first stop."""
    try:
        yield
    except KeyboardInterrupt as error:
        printer.say("interrupted: nothing was stopped")
        raise typer.Exit(Exit.INTERRUPTED) from error


@dataclass(frozen=True, slots=True)
class StopCommand:
    """One command that stops jobs.

    Attributes:
        format: of the output.
        may_prompt: whether a person can confirm.
        options: how to stop.
        ended: jobs that were named and have ended already; the report lists them.
    """

    format: Format
    may_prompt: bool
    options: StopOptions
    ended: Sequence[FleetJob] = ()

    def run(self, fleet: Fleet, jobs: Sequence[FleetJob]) -> Exit:
        """Preview jobs, ask for confirmation, stop them, and report each outcome.

        Returns:
            PARTIAL if some could not be stopped; USAGE if nobody can confirm.

        Raises:
            CloudError: AWS does not say when the containers exit.
            UnknownJobError: likewise, because it no longer knows the jobs.
        """
        with nothing_stopped():
            # Only for a person, or if only this was asked for: importing Airflow takes seconds.
            is_read = self.options.dry_run or (self.may_prompt and not self.options.yes)
            reactions, unknown = _reactions(fleet, jobs) if is_read else ({}, "")
            _preview(jobs, reactions, unknown)
        if self.options.dry_run:
            printer.say(f"Dry run: nothing was stopped; {count_jobs(len(jobs))} would be.")
            self.report([(job, "would stop", "") for job in jobs], reactions)
            return Exit.OK
        if not self.options.yes and (refused := self._refused(len(jobs))):
            return refused
        return self._finish(fleet, _stop(fleet, jobs, self.options.recorded_reason()))

    def report(self, rows: Sequence[Row], reactions: Mapping[str, str] = MappingProxyType({})) -> None:
        """Write each outcome to standard output; JSON and YAML are written even if there are none.

        Args:
            rows: of the jobs that had not ended.
            reactions: what Airflow will do with their tasks, by ARN, as far as it is known.
        """
        rows = [*((job, "over already", "") for job in self.ended), *rows]
        if self.format is Format.NAME:
            write("".join(f"{job.job.arn}\n" for job, outcome, _ in rows if outcome in ("stopped", "would stop")))
        elif self.format in (Format.JSON, Format.YAML):
            write_document([_plain(*row, reactions.get(row[0].job.arn)) for row in rows], self.format)
        else:
            # The preview has shown all of them: list only those that may still run.
            left = [row for row in rows if row[1] in _NOT_STOPPED]
            write(
                "".join(
                    clean(f"{outcome}  {job.id}  {job.address}  {error}").rstrip() + "\n"
                    for job, outcome, error in left
                )
            )

    def _refused(self, number: int) -> Exit | None:
        """Ask for confirmation; return the exit code if it is refused."""
        if not self.may_prompt:
            message = f"cannot confirm stopping {count_jobs(number)} without a terminal"
            printer.fail(message, hint="pass --yes or --dry-run")
            return Exit.USAGE
        with nothing_stopped():
            confirmed = _confirmed(number)
        if confirmed:
            return None
        printer.say("Nothing was stopped.")
        return Exit.FAILED

    def _finish(self, fleet: Fleet, outcomes: _Outcomes) -> Exit:
        """Report the outcomes, and wait for the containers if that is wanted. Documents are written at the end."""
        from aws_exec.fleet import State  # noqa: PLC0415 - the CLI starts fast

        stopped = [job for job, outcome, _ in outcomes.rows if outcome == "stopped"]
        requested = {job.job.arn: replace(job, state=State.STOPPING) for job in stopped}
        at_end = self.format in (Format.JSON, Format.YAML)
        if not at_end:
            self.report(outcomes.rows)
        outcomes.report_failures()
        try:
            if outcomes.interrupted:
                printer.say(f"interrupted: {outcomes.summary()}")
                return Exit.INTERRUPTED
            if not requested:
                printer.say(f"{outcomes.summary()}.")
                return outcomes.exit_code()
            return self._await_exits(fleet, requested, outcomes.summary()) or outcomes.exit_code()
        finally:
            if at_end:
                self.report(
                    [(requested.get(job.job.arn, job), outcome, error) for job, outcome, error in outcomes.rows]
                )

    def _await_exits(self, fleet: Fleet, jobs: dict[str, FleetJob], summary: str) -> Exit:
        """Report how long the containers have, wait until they have exited, if wanted, and update `jobs`, by ARN."""
        from aws_exec.fleet import RetryUntilDeadline, Until, stop_timeout, wait  # noqa: PLC0415 - starts fast

        began, left = time.monotonic(), dict(jobs)
        try:
            seconds = stop_timeout(fleet.services, list(left.values()))
            limit = "30s by default" if seconds is None else f"up to {format_duration(seconds)}"
            whose = "its container" if len(jobs) == 1 else "their containers"
            doing = "waiting" if self._waits else "not waiting"
            printer.say(f"{summary.capitalize()}; {doing} for {whose} to exit ({limit})")
            if not self._waits:
                return Exit.OK
            retries = RetryUntilDeadline(report_retry, threading.Event())
            with progress_line(lambda: f"{_running(len(left))}, {_since(began)}"):
                for job in wait(fleet.services, list(left.values()), Until.EXITED, retries=retries):
                    jobs[job.job.arn] = job
                    del left[job.job.arn]
        except KeyboardInterrupt:
            printer.say(f"interrupted: every stop stays requested; {_running(len(left))}")
            return Exit.INTERRUPTED
        printer.say(ended_in_words(list(jobs.values()), _since(began)))
        return Exit.OK

    @property
    def _waits(self) -> bool:
        """Whether to wait for the containers: not in scripts, also where FORCE_COLOR claims a terminal."""
        if self.options.wait is not None:
            return self.options.wait
        return self.format in (Format.TABLE, Format.WIDE) and sys.stdout.isatty() and sys.stderr.isatty()


def _running(number: int) -> str:
    return "1 container still runs" if number == 1 else f"{number} containers still run"


def ended_in_words(jobs: Sequence[FleetJob], after: str) -> str:
    """Return the sentence for jobs that have ended within a time: their containers' exit codes, if they started."""
    never = [job for job in jobs if job.stop is None or not job.stop.started]
    codes = ", ".join(sorted({str(job.exit_code) for job in jobs if job.exit_code is not None}))
    exited = f"exited{f' with {codes}' if codes else ''}"
    if not never:
        who = "The container" if len(jobs) == 1 else f"All {len(jobs)} containers"
        return f"{who} {exited} after {after}."
    if len(jobs) == 1:
        return f"The job ended after {after}; its container never started."
    others = (
        f"{len(never)} never started, the others {exited}" if len(never) < len(jobs) else "none of them had started"
    )
    return f"All {len(jobs)} jobs ended after {after}; {others}."


def _since(began: float) -> str:
    return format_duration(time.monotonic() - began)


def _plain(job: FleetJob, outcome: str, error: str, reaction: str | None) -> dict[str, Any]:
    return {
        "arn": job.job.arn,
        "address": job.address,
        "outcome": outcome,
        "error": error or None,
        "state": str(job.state),
        "exit_code": job.exit_code,
        "airflow": reaction,
    }


def _reactions(fleet: Fleet, jobs: Sequence[FleetJob]) -> tuple[Mapping[str, str], str]:
    """Return what Airflow will do with the task of each job, by ARN, or why that is not known here."""
    from aws_exec.fleet import FleetError, after_stop  # noqa: PLC0415 - the CLI starts fast

    began = time.monotonic()
    try:
        with progress_line(lambda: f"Reading Airflow's database, {_since(began)}"):
            found = after_stop(fleet, jobs)
    except FleetError as error:
        return {}, str(error)
    return {job.job.arn: reaction for job, reaction in zip(jobs, found, strict=True)}, ""


def _preview(jobs: Sequence[FleetJob], reactions: Mapping[str, str] = MappingProxyType({}), unknown: str = "") -> None:
    """Show jobs and their counts.

    Args:
        jobs: to be stopped.
        reactions: what Airflow will do with their tasks, by ARN; empty if not known, or not asked for.
        unknown: why it is not known; empty if it is, or was not asked for.
    """
    width = terminal_width(printer.err)
    beside = ["AIRFLOW", *(reactions[job.job.arn] for job in jobs[:_PREVIEWED])] if reactions else []
    room = None if width is None else width - max((len(text) + 2 for text in beside), default=0)
    table = job_table(jobs[:_PREVIEWED], room)
    lines = [table.header(), *(table.row(job) for job in jobs[:_PREVIEWED])]
    if beside:
        longest = max(map(len, lines))
        lines = [f"{line:<{longest}}  {text}" for line, text in zip(lines, beside, strict=True)]
    if len(jobs) > _PREVIEWED:
        lines.append(f"... and {len(jobs) - _PREVIEWED} more")
    kinds = {
        f"{count_jobs(len(jobs))} by state": [str(job.state) for job in jobs],
        "by DAG": [job.identity.dag_id or "-" for job in jobs],
        "by deployment": [job.identity.deployment or "-" for job in jobs],
    }
    if reactions:
        kinds["by what Airflow will do"] = list(reactions.values())
    elif unknown:
        lines.append(f"What Airflow will do is not known here: {unknown}")
    printer.say("\n".join([*lines, *(f"{kind}: {_counts(values)}" for kind, values in kinds.items())]))


def _counts(values: Sequence[str]) -> str:
    common = Counter(values).most_common()
    shown = ", ".join(f"{number} {value}" for value, number in common[:_COUNTED])
    return shown + (f", and {len(common) - _COUNTED} others" if len(common) > _COUNTED else "")


def _confirmed(number: int) -> bool:
    if number <= _CONFIRMED_BY_YES:
        return ask(f"Stop {'this job' if number == 1 else f'these {number} jobs'}? [y/N]:").lower() in ("y", "yes")
    return ask(f"Type {number} to stop these {number} jobs:") == str(number)


@dataclass(frozen=True, slots=True)
class _Outcomes:
    """The outcomes of stopping jobs.

    Attributes:
        rows: one a job.
        failures: of the calls, by ARN; None for a job that was stopped.
        interrupted: whether by Ctrl-C.
    """

    rows: Sequence[Row]
    failures: Mapping[str, CallFailure | None]
    interrupted: bool

    def summary(self) -> str:
        """Return how many jobs have each outcome: `stop requested for 2 jobs, 1 failed`."""
        counts = Counter(outcome for _, outcome, _ in self.rows)
        requested = [f"stop requested for {count_jobs(counts['stopped'])}"] if counts["stopped"] else []
        return ", ".join([*requested, *(f"{counts[outcome]} {outcome}" for outcome in _NOT_STOPPED if counts[outcome])])

    def report_failures(self) -> None:
        """Report each kind of failed call once, with what to do about it."""
        kinds = Counter((each.code, hint_for(each)) for each in self.failures.values() if each is not None)
        for (code, hint), count in kinds.items():
            printer.fail(f"cannot stop {count_jobs(count)} ({code})", hint=hint)

    def exit_code(self) -> Exit:
        """Return the exit code for the jobs that may still run unasked."""
        outcomes = {outcome for _, outcome, _ in self.rows}
        if outcomes.isdisjoint(_NOT_STOPPED):
            return Exit.OK
        codes = {exit_code(failure) for failure in self.failures.values() if failure is not None}
        only_credentials = codes == {Exit.CREDENTIALS} and "stopped" not in outcomes
        return Exit.CREDENTIALS if only_credentials else Exit.PARTIAL


def _stop(fleet: Fleet, jobs: Sequence[FleetJob], reason: str) -> _Outcomes:
    from aws_exec.fleet import Stopping  # noqa: PLC0415 - the CLI starts fast

    stopping = Stopping(fleet.services, fleet.retries, jobs, reason)
    failures: dict[str, CallFailure | None] = {}
    with _interrupts(stopping.halt) as interrupts:
        stopping.start()
        try:
            with progress_bar("Stopping", len(jobs)) as advance:
                for job, failure in stopping.outcomes():
                    failures[job.job.arn] = failure
                    advance()
        except KeyboardInterrupt:
            stopping.halt()
    return _Outcomes(_rows(jobs, failures, stopping.asked), failures, interrupted=bool(interrupts))


def _rows(jobs: Sequence[FleetJob], failures: Mapping[str, CallFailure | None], asked: Collection[str]) -> list[Row]:
    rows: list[Row] = []
    for job in jobs:
        arn = job.job.arn
        if arn in failures:
            failure = failures[arn]
            rows.append((job, "stopped", "") if failure is None else (job, "failed", describe(failure)))
        elif arn in asked:
            rows.append((job, "not known", "interrupted before AWS answered"))
        else:
            rows.append((job, "not stopped", "interrupted before the call"))
    return rows


@contextmanager
def _interrupts(halt: Callable[[], None]) -> Iterator[list[int]]:
    """Make the first Ctrl-C only `halt`: raised at any line, it could lose an outcome that has just arrived.

    The second Ctrl-C raises, for users who do not want to wait for the calls under way. Yields the signals received.
    """
    received: list[int] = []

    def interrupted(number: int, _: object) -> None:
        received.append(number)
        if len(received) > 1:
            raise KeyboardInterrupt
        halt()
        # Not through a stream, which may be in the middle of a write. Its reader may be gone.
        with suppress(OSError):
            os.write(2, b"\nStopping no more jobs; waiting for the calls under way (Ctrl-C again: do not wait)\n")

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield received
    finally:
        signal.signal(signal.SIGINT, before)
