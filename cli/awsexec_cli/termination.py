"""What `terminate` and `terminate-all` do alike: show, ask, stop, and say what became of each."""

from __future__ import annotations

import getpass
import os
import signal
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from awsexec_cli.documents import show_document, write
from awsexec_cli.exit_codes import Exit
from awsexec_cli.jobs import NARROW, Context, Table
from awsexec_cli.options import Format, Options, exit_of, told
from awsexec_cli.output import printer
from awsexec_cli.prompt import ask
from awsexec_cli.shown import count, now, width

if TYPE_CHECKING:
    from aws_exec.fleet import Fleet, FleetJob

#: More than these have to be confirmed by typing their number; rows of a preview.
HANDFUL, PREVIEW = 5, 20
#: So many states, dags and deployments are counted by name, the commonest first; of the rest how many they are.
_COUNTED = 8


@dataclass(frozen=True, slots=True)
class How:
    """How to stop.

    Attributes:
        dry_run: only show what would be.
        yes: do not ask.
        reason: recorded by AWS; empty: who did it.
        foreign: also what is not this deployment's.
    """

    dry_run: bool
    yes: bool
    reason: str
    foreign: bool

    def words(self) -> str:
        """The reason."""
        return self.reason or f"Stopped by {_who()} (awsexec terminate)"


@contextmanager
def nothing_stopped(command: str) -> Iterator[None]:
    """What comes before the first stop: Ctrl-C in it says that nothing was stopped."""
    try:
        yield
    except KeyboardInterrupt as error:
        printer.fail(command, "interrupted: nothing was stopped")
        raise typer.Exit(Exit.INTERRUPTED) from error


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"


def stop(
    command: str, options: Options, fleet: Fleet, jobs: Sequence[FleetJob], how: How, *, over: Sequence[FleetJob] = ()
) -> Exit:
    """Show jobs, ask, stop them, and tell; also of those that were `over`.

    Returns:
        PARTIAL if some could not be stopped; USAGE if nobody can be asked.
    """
    _preview(jobs)
    if how.dry_run:
        printer.err.print(f"Dry run: nothing was stopped; {count(len(jobs))} would be.", highlight=False)
        report(options, [(job, "would stop", "") for job in jobs], over)
        return Exit.OK
    if not how.yes:
        if not options.may_ask:
            printer.fail(
                command, f"nobody can be asked here whether to stop {count(len(jobs))}: use --yes, or --dry-run"
            )
            return Exit.USAGE
        with nothing_stopped(command):
            confirmed = _confirmed(len(jobs))
        if not confirmed:
            printer.err.print("Nothing was stopped.", highlight=False)
            return Exit.FAILED
    return _tell(command, options, _stop(fleet, jobs, how.words()), over)


def _preview(jobs: Sequence[FleetJob]) -> None:
    table = Table(NARROW, Context(now), jobs[:PREVIEW], width(printer.err))
    lines = [table.header(), *(table.row(job) for job in jobs[:PREVIEW])]
    if len(jobs) > PREVIEW:
        lines.append(f"... and {len(jobs) - PREVIEW} more")
    lines += [f"{kind}: {_counts(words)}" for kind, words in _kinds(jobs).items()]
    printer.err.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)


def _kinds(jobs: Sequence[FleetJob]) -> dict[str, list[str]]:
    return {
        f"{count(len(jobs))} by state": [str(job.state) for job in jobs],
        "by DAG": [job.identity.dag_id or "-" for job in jobs],
        "by deployment": [job.identity.deployment or "-" for job in jobs],
    }


def _counts(words: Sequence[str]) -> str:
    common = Counter(words).most_common()
    shown = ", ".join(f"{number} {word}" for word, number in common[:_COUNTED])
    return shown + (f", and {len(common) - _COUNTED} others" if len(common) > _COUNTED else "")


def _confirmed(number: int) -> bool:
    if number <= HANDFUL:
        return ask(f"Stop {'this job' if number == 1 else f'these {number} jobs'}? [y/N]:").lower() in ("y", "yes")
    return ask(f"Type {number} to stop these {number} jobs:") == str(number)


def _stop(fleet: Fleet, jobs: Sequence[FleetJob], reason: str) -> _Stopped:
    from aws_exec.fleet import Stopping  # noqa: PLC0415 - the CLI starts fast

    stopping = Stopping(fleet.services, fleet.retries, jobs, reason)
    faults: dict[str, Any] = {}
    with _interrupts(stopping.halt) as interrupts:
        stopping.start()
        try:
            with _progress(len(jobs)) as advance:
                for job, fault in stopping.outcomes():
                    faults[job.job.arn] = fault
                    advance()
        except KeyboardInterrupt:
            stopping.halt()
    return _Stopped(_rows(jobs, faults, stopping.asked), faults, interrupted=bool(interrupts))


@contextmanager
def _interrupts(halt: Callable[[], None]) -> Iterator[list[int]]:
    """Let the first Ctrl-C only `halt`: broken into anywhere, an outcome that was just told could be lost.

    The second breaks in: whoever presses it does not want to wait for AWS's answers. Those that came are yielded.
    """
    came: list[int] = []

    def interrupted(number: int, _: object) -> None:
        came.append(number)
        if len(came) > 1:
            raise KeyboardInterrupt
        halt()
        # Not through a stream, which may be in the middle of a write; nobody may be there to read it.
        with suppress(OSError):
            os.write(2, b"\nStopping no more; waiting for the answers under way (Ctrl-C: not even that)\n")

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, before)


class _progress:  # noqa: N801 - reads as what it is used as
    """A progress bar on a terminal, nothing elsewhere."""

    def __init__(self, total: int) -> None:
        from rich.progress import Progress  # noqa: PLC0415 - the CLI starts fast

        self._bar = Progress(console=printer.err, transient=True, disable=not printer.err.is_terminal)
        self._task = self._bar.add_task("Stopping", total=total)

    def __enter__(self) -> Any:
        self._bar.start()
        return lambda: self._bar.advance(self._task)

    def __exit__(self, *exc: object) -> None:
        self._bar.stop()


Row = tuple["FleetJob", str, str]

#: What may become of a job, beside being stopped; all of it is listed.
_LEFT = ("failed", "not known", "not stopped")


@dataclass(frozen=True, slots=True)
class _Stopped:
    """What came of stopping.

    Attributes:
        rows: each job with what became of it.
        faults: why, by ARN; None where there is none.
        interrupted: whether by Ctrl-C.
    """

    rows: Sequence[Row]
    faults: dict[str, Any]
    interrupted: bool


def _rows(jobs: Sequence[FleetJob], faults: dict[str, Any], asked: Collection[str]) -> list[Row]:
    """Each job with what became of it, and why."""
    rows: list[Row] = []
    for job in jobs:
        arn = job.job.arn
        if arn in faults:
            fault = faults[arn]
            rows.append((job, "stopped", "") if fault is None else (job, "failed", told(fault)))
        elif arn in asked:
            rows.append((job, "not known", "AWS was asked, and its answer not waited for"))
        else:
            rows.append((job, "not stopped", "interrupted before"))
    return rows


def _tell(command: str, options: Options, stopped: _Stopped, over: Sequence[FleetJob]) -> Exit:
    report(options, stopped.rows, over)
    counts = Counter(outcome for _, outcome, _ in stopped.rows)
    summary = ", ".join(f"{counts[outcome]} {outcome}" for outcome in ("stopped", *_LEFT) if counts[outcome])
    if stopped.interrupted:
        printer.fail(command, f"interrupted: {summary}")
        return Exit.INTERRUPTED
    printer.err.print(f"{summary}.", highlight=False)
    failed = [stopped.faults[job.job.arn] for job, outcome, _ in stopped.rows if outcome == "failed"]
    if not any(counts[outcome] for outcome in _LEFT):
        return Exit.OK
    codes = {exit_of(fault) for fault in failed}
    return codes.pop() if len(codes) == 1 and not counts["stopped"] and codes <= {Exit.CREDENTIALS} else Exit.PARTIAL


def report(options: Options, rows: Sequence[Row], over: Sequence[FleetJob] = ()) -> None:
    """What became of each, on standard output; a document is one also where there is nothing to say."""
    rows = [*((job, "over already", "") for job in over), *rows]
    if options.format is Format.NAME:
        write("".join(f"{job.job.arn}\n" for job, outcome, _ in rows if outcome in ("stopped", "would stop")))
    elif options.format in (Format.JSON, Format.YAML):
        show_document(
            [
                {"arn": job.job.arn, "address": job.address, "outcome": outcome, "error": error or None}
                for job, outcome, error in rows
            ],
            options.format,
        )
    else:
        # A table would repeat the preview: what needs a look is what is not stopped.
        left = [row for row in rows if row[1] in _LEFT]
        write("".join(f"{outcome}  {job.id}  {job.address}  {error}".rstrip() + "\n" for job, outcome, error in left))
