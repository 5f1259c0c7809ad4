"""Lines of a container's log as a person reads them.

A record is one line, `15:03:18 ERROR ValueError: table customers does not exist  ops.py:21`, and its traceback. A line
of plain text has the time that its log driver gave it. Times are in UTC. In a pipe, nothing is left out or colored.
On a terminal, groups (`::group::`) are folded to their name, tracebacks leave out the frames of Airflow, and what every
container logs at its start is dimmed.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from awsexec_cli.output import Line, plain_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_exec.fleet import FleetJob
    from aws_exec.fleet.log_records import LoggedException, Record
    from aws_exec.fleet.logs import Line as LogLine

LEVELS: Final = ("debug", "info", "warning", "error", "critical")
_LABELS: Final = {"debug": "DEBUG", "info": "INFO", "warning": "WARN", "error": "ERROR", "critical": "FATAL"}
_STYLES: Final = {"debug": "dim", "info": "", "warning": "yellow", "error": "red", "critical": "bold red"}

#: Members that every record of a task has (its identity, the place of the call), and Airflow's long reprs.
_CONTEXT: Final = frozenset(
    {"ti_id", "dag_id", "task_id", "run_id", "map_index", "try_number", "filename", "lineno", "func_name", "process"}
    | {"thread", "ti", "workload", "workload_id", "workload_type", "correlation_id", "category"}
)
#: Airflow's event for an exception of the task: the exception says more.
_GENERIC: Final = frozenset({"Task failed with exception", "Unhandled exception"})
_GROUP, _END = "::group::", "::endgroup::"
_DIRECT: Final = "The above exception was the direct cause of the following exception:"
_DURING: Final = "During handling of the above exception, another exception occurred:"
_WORD: Final = re.compile(r"[^\s\"'=]+")
#: Frames and causes in an excerpt.
_FRAMES: Final = 3
#: No figure of a usage record is as large.
_MOST: Final = 1e18
#: Numbers in this range are shown with up to three decimals, others with an exponent.
_PLAIN: Final = (0.001, 1e15)
#: Characters of a line in an excerpt: a container may print 256 KiB in one.
_LONGEST_TEXT: Final = 1000
#: Columns below which members are left out, unless all fit.
_LEAST: Final = 16


class LogRenderer:
    """Renders one log, line by line; it remembers only the open groups.

    Args:
        width: of the terminal; None: a pipe, which gets everything.
        dates: whether times have a date and milliseconds.
        folds: whether to fold groups on a terminal.
    """

    def __init__(self, *, width: int | None, dates: bool = False, folds: bool = True) -> None:
        self._width = width
        self._dates = dates
        self._folds = folds and width is not None
        #: The open group of what the task prints (True), and of what is logged: the two overlap. The name is empty once
        #: it was shown.
        self._groups: dict[bool, str] = {}

    def render(self, line: LogLine, record: Record | None) -> Iterator[Line]:
        """Yield the lines that one line of a log becomes; none for the inside of a folded group."""
        from aws_exec.fleet.log_records import is_startup_text  # noqa: PLC0415 - the CLI starts fast

        at = _clock(line.at if record is None or record.at is None else record.at, dates=self._dates)
        if record is None:
            yield [_blank(at), (line.text, "dim" if self._width and is_startup_text(line.text) else "")]
        elif record.is_usage:
            yield [_blank(at), (_usage(record.members), "dim")]
        elif record.is_probe:
            yield [_blank(at), ("probe: awsexec check-health --probe shows the results", "dim")]
        elif (marker := plain_text(record.event)).startswith(_GROUP):
            self._groups[record.is_printed] = marker.removeprefix(_GROUP).strip()
            if not self._folds:
                yield from self._heading(at, record)
        elif marker.startswith(_END):
            self._groups.pop(record.is_printed, None)
        else:
            yield from self._inside_group(at, record)

    def _inside_group(self, at: str, record: Record) -> Iterator[Line]:
        """Yield a record; of one in a folded group only its group's name, unless it is a warning or an error."""
        inside = self._folds and record.is_printed in self._groups and not record.is_finish
        if inside:
            yield from self._heading(at, record)
        if not inside or record.level not in ("debug", "info"):
            yield from self._record(at, record)

    def _heading(self, at: str, record: Record) -> Iterator[Line]:
        if name := self._groups[record.is_printed]:
            self._groups[record.is_printed] = ""
            yield [_blank(at), (f"▸ {name}", "dim")]

    def _record(self, at: str, record: Record) -> Iterator[Line]:
        dimmed = self._width is not None and record.is_startup
        style = "dim" if dimmed else _STYLES.get(record.level, "")
        label = _LABELS.get(record.level, record.level.upper())
        first, *more = _message(record).splitlines() or [""]
        raised = record.exception.raised_in if record.exception is not None else None
        line = [(f"{at} ", "dim"), (f"{label:<5} ", style), (first, style if record.exceptions or dimmed else "")]
        line += [(f"  {raised.location}", "cyan")] if raised is not None else []
        yield [*line, (self._members(record, sum(len(text) for text, _ in line)), "dim")]
        yield from ([(" " * (len(at) + 7) + text, "")] for text in more)
        for text in traceback_lines(record.exceptions, airflow=self._width is None):
            yield [("    " + text if text else "", "dim")]

    def _members(self, record: Record, used: int) -> str:
        """Return the members that say something, `  rows=3 table=customers`, as far as there is room."""
        said = {name: value for name, value in record.members.items() if name not in _CONTEXT and value is not None}
        text = " ".join(f"{name}={_value(value)}" for name, value in said.items())
        room = len(text) if self._width is None else self._width - used - 2
        if not text or room < min(len(text), _LEAST):
            return ""
        return "  " + (text if len(text) <= room else f"{text[: room - 1]}…")


def traceback_lines(exceptions: Sequence[LoggedException], *, airflow: bool) -> Iterator[str]:
    """Yield the lines of a traceback as Python prints it, the cause first; the log does not have the lines of code.

    Args:
        exceptions: of a record.
        airflow: whether to show the frames of Airflow; else only their number.
    """
    for number, each in enumerate(reversed(exceptions), 1):
        yield from _one_traceback(each, airflow=airflow)
        if number < len(exceptions):
            yield from ("", _DIRECT if each.is_cause else _DURING, "")


def _one_traceback(each: LoggedException, *, airflow: bool) -> Iterator[str]:
    if each.frames:
        yield "Traceback (most recent call last):"
    for hidden, frames in itertools.groupby(each.frames, lambda frame: frame.is_airflow and not airflow):
        if hidden:
            count = len(list(frames))
            yield f"  ... {count} frame{'s' if count > 1 else ''} of Airflow"
            continue
        for frame in frames:
            place = f'File "{frame.file}", line {frame.line}, in' if frame.file else "..."
            yield f"  {place} {frame.function}"
    yield from f"{each.type}: {each.message}".removesuffix(": ").splitlines()
    yield from (line for note in each.notes for line in note.splitlines())
    for number, chain in enumerate(each.exceptions, 1):
        yield f"  {number} of {len(each.exceptions)}:"
        yield from (f"    {line}" if line else "" for line in traceback_lines(chain, airflow=airflow))


def excerpt_lines(lines: Sequence[str], width: int | None) -> list[Line]:
    """Return an excerpt (`aws_exec.fleet.log_excerpt`) as lines, ten at most: of the error also the user's frames."""
    from aws_exec.fleet.log_excerpt import LONGEST  # noqa: PLC0415 - the CLI starts fast
    from aws_exec.fleet.log_records import parse_record  # noqa: PLC0415 - likewise
    from aws_exec.fleet.logs import Line as LogLine  # noqa: PLC0415 - likewise

    shown: list[Line] = []
    renderer = LogRenderer(width=width, folds=False)
    for line in lines:
        record = parse_record(line)
        shown.append([(line, "")] if record is None else next(renderer.render(LogLine(0, line), record)))
        if record is not None and not shown[1:]:
            shown += [[(f"    {text}", "dim")] for text in _way_to(record.exceptions)]
    return [[(_cut(text), style) for text, style in line] for line in shown[:LONGEST]]


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def _way_to(exceptions: Sequence[LoggedException]) -> Iterator[str]:
    """Yield the last frames of the user's code, and the causes."""
    for each in exceptions[:1]:
        frames = [frame for frame in each.frames if not frame.is_library]
        yield from (f'File "{frame.file}", line {frame.line}, in {frame.function}' for frame in frames[-_FRAMES:])
    for each in exceptions[1:][:_FRAMES]:
        where = f"  {each.raised_in.location}" if each.raised_in else ""
        yield f"{'caused by' if each.is_cause else 'while handling'} {each.summary}{where}"


def document(job: FleetJob, line: LogLine, record: Record | None) -> dict[str, Any]:
    """Return the members of one line as `-o json` has them (docs/cli.md)."""
    from aws_exec.fleet.log_records import Record  # noqa: PLC0415 - the CLI starts fast

    record = record or Record(None, "", line.text)
    raised = record.exception.raised_in if record.exception is not None else None
    return {
        "arn": job.job.arn,
        "address": job.address,
        "time": _clock(line.at if record.at is None else record.at, dates=True),
        "level": record.level or None,
        "logger": record.logger or None,
        "event": record.event,
        "raised_in": raised.location if raised is not None else None,
        "exceptions": [dataclasses.asdict(each) for each in record.exceptions],
        "members": dict(record.members),
    }


def _message(record: Record) -> str:
    if record.exception is None:
        return record.event
    return record.exception.summary if record.event in _GENERIC else f"{record.event}: {record.exception.summary}"


def _value(value: object) -> str:
    if isinstance(value, str):
        return value if value and _WORD.fullmatch(value) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and (value == 0 or _PLAIN[0] <= abs(value) < _PLAIN[1]):
        return f"{value:.3f}".rstrip("0").rstrip(".")
    return f"{value:.3g}" if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def _usage(members: Mapping[str, Any]) -> str:
    """Return the usage record as one line; a part that is not known is left out."""
    from aws_exec.durations import format_duration  # noqa: PLC0415 - the CLI starts fast

    def number(name: str) -> float | None:
        value = members.get(name)
        return float(value) if isinstance(value, int | float) and 0 <= value < _MOST else None

    wall, cpu, peak = number("wall_seconds"), number("cpu_user_seconds"), number("memory_peak_bytes")
    parts = [
        f"exit code {members['exit_code']} ({members.get('outcome')})" if members.get("exit_code") is not None else "",
        "" if wall is None else f"ran for {format_duration(wall)}",
        "" if cpu is None else f"CPU {cpu + (number('cpu_system_seconds') or 0.0):.1f} s",
        "" if peak is None else f"peak memory {peak / 2**20:.0f} MiB",
    ]
    return "usage: " + ", ".join(filter(None, parts))


def _blank(at: str) -> tuple[str, str]:
    """Return the time of a line without a level."""
    return f"{at}       ", "dim"


def _clock(at: float, *, dates: bool) -> str:
    found = datetime.fromtimestamp(at, UTC)
    return found.isoformat(timespec="milliseconds").replace("+00:00", "Z") if dates else f"{found:%H:%M:%S}"
