"""What `terminate` and `terminate-all` do alike: show, ask, stop, and say what became of each."""

from __future__ import annotations

import getpass
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from cli.common import Format, Options, exit_of, told
from cli.console import printer
from cli.exits import Exit
from cli.rows import NARROW, Context, Table
from cli.shown import count, now, show_document, write

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


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "somebody"


def stop(command: str, options: Options, fleet: Fleet, jobs: Sequence[FleetJob], how: How) -> Exit:
    """Show jobs, ask, stop them, and tell.

    Returns:
        PARTIAL if some could not be stopped; USAGE if nobody can be asked.
    """
    _preview(jobs)
    if how.dry_run:
        printer.err.print(f"Dry run: nothing was stopped; {count(len(jobs))} would be.", highlight=False)
        _report(options, [(job, "would stop", "") for job in jobs])
        return Exit.OK
    if not how.yes:
        if not options.may_ask:
            printer.fail(
                command, f"nobody can be asked here whether to stop {count(len(jobs))}: use --yes, or --dry-run"
            )
            return Exit.USAGE
        if not _confirmed(len(jobs)):
            printer.err.print("Nothing was stopped.", highlight=False)
            return Exit.FAILED
    return _stop(command, options, fleet, jobs, how.words())


def _preview(jobs: Sequence[FleetJob]) -> None:
    table = Table(NARROW, Context(now()), jobs[:PREVIEW], printer.err.width)
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
        return bool(typer.confirm(f"Stop {'this job' if number == 1 else f'these {number} jobs'}?", err=True))
    typed = typer.prompt(f"Type {number} to stop these {number} jobs", default="", show_default=False, err=True)
    return str(typed).strip() == str(number)


def _stop(command: str, options: Options, fleet: Fleet, jobs: Sequence[FleetJob], reason: str) -> Exit:
    from aws_exec.fleet import Stopping  # noqa: PLC0415 - the CLI starts fast

    stopping = Stopping(fleet.services, fleet.patience, jobs, reason)
    faults: dict[str, Any] = {}
    interrupted = False
    with _progress(len(jobs)) as advance:
        while True:
            try:
                for job, fault in stopping.outcomes():
                    faults[job.job.arn] = fault
                    advance()
                break
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                stopping.halt()
    return _tell(command, options, jobs, faults, interrupted=interrupted)


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


def _tell(
    command: str, options: Options, jobs: Sequence[FleetJob], faults: dict[str, Any], *, interrupted: bool
) -> Exit:
    rows = []
    for job in jobs:
        if job.job.arn not in faults:
            rows.append((job, "not stopped", "interrupted before"))
        elif (fault := faults[job.job.arn]) is not None:
            rows.append((job, "failed", told(fault)))
        else:
            rows.append((job, "stopped", ""))
    _report(options, rows)
    counts = Counter(outcome for _, outcome, _ in rows)
    summary = ", ".join(
        f"{counts[outcome]} {outcome}" for outcome in ("stopped", "failed", "not stopped") if counts[outcome]
    )
    if interrupted:
        printer.fail(command, f"interrupted: {summary}")
        return Exit.INTERRUPTED
    printer.err.print(f"{summary}.", highlight=False)
    failed = [faults[job.job.arn] for job, outcome, _ in rows if outcome == "failed"]
    if not failed and not counts["not stopped"]:
        return Exit.OK
    codes = {exit_of(fault) for fault in failed}
    return codes.pop() if len(codes) == 1 and not counts["stopped"] and codes <= {Exit.CREDENTIALS} else Exit.PARTIAL


def _report(options: Options, rows: Sequence[tuple[FleetJob, str, str]]) -> None:
    """What became of each, on standard output."""
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
        left = [row for row in rows if row[1] in ("failed", "not stopped")]
        write("".join(f"{outcome}  {job.id}  {job.address}  {error}".rstrip() + "\n" for job, outcome, error in left))
