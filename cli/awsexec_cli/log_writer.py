"""Writes lines of logs in the format that was asked for: rendered, as they are, or as documents."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from awsexec_cli.log_rendering import LEVELS, LogRenderer, document
from awsexec_cli.output import (
    Format,
    Line,
    as_json,
    as_yaml,
    log_line,
    plain_text,
    terminal_width,
    write,
    write_lines,
)

if TYPE_CHECKING:
    from re import Pattern

    from aws_exec.fleet import FleetJob
    from aws_exec.fleet.log_records import Record
    from aws_exec.fleet.logs import Line as LogLine

#: Of the prefixes of jobs; red and yellow are those of errors and warnings.
_COLORS = ("cyan", "green", "magenta", "blue", "bright_cyan", "bright_green", "bright_magenta", "bright_blue")
#: The widest prefix that others are aligned to.
_WIDEST = 40
#: Between a prefix and its line.
_GAP = "  "


class LogWriter:
    """Writes lines of logs.

    Args:
        output: the format; all but JSON and YAML are text.
        raw: whether to write the lines as they are.
        dates: whether times have a date and milliseconds.
        level: the lowest level to write; empty: all. Lines without a level are always written.
        pattern: what a line must contain, as it is rendered in a pipe; None: everything matches.
        is_prefixed: whether each line begins with its job.

    Attributes:
        read: the number of lines that were given.
        written: the number of those that passed the filters.
    """

    def __init__(
        self,
        output: Format,
        *,
        raw: bool,
        dates: bool,
        level: str,
        pattern: Pattern[str] | None,
        is_prefixed: bool,
    ) -> None:
        self._output = output
        self._raw = raw
        self._dates = dates
        self._level = LEVELS.index(level) if level else 0
        self._pattern = pattern
        self._is_prefixed = is_prefixed
        self._folds = not (level or pattern)
        self._renderers: dict[str, LogRenderer] = {}
        self._prefix_width = 0
        self.read = 0
        self.written = 0

    def write(self, job: FleetJob, line: LogLine) -> None:
        """Write one line of a job's log, if it passes the filters."""
        from aws_exec.fleet.log_records import parse_record  # noqa: PLC0415 - the CLI starts fast

        record = parse_record(line.text)
        self.read += 1
        if not self._passes(line, record):
            return
        self.written += 1
        prefix = self._prefix(job)
        if self._output is Format.JSON:
            write(as_json(document(job, line, record)) + "\n")
        elif self._output is Format.YAML:
            write(f"---\n{as_yaml(document(job, line, record))}")
        elif self._raw and not self._is_prefixed:
            write(f"{log_line(line.text)}\n")
        elif text := [[(line.text, "")]] if self._raw else self._rendered(job, line, record):
            write_lines([[*prefix, *parts] for parts in text], colors=True)

    def end(self, job: FleetJob) -> None:
        """Forget a job whose log is complete."""
        self._renderers.pop(job.job.arn, None)

    def _passes(self, line: LogLine, record: Record | None) -> bool:
        if record is not None and record.level in LEVELS and LEVELS.index(record.level) < self._level:
            return False
        if record is not None and not record.level and self._level > LEVELS.index("info"):
            return False
        if self._pattern is None:
            return True
        lines = LogRenderer(width=None, dates=self._dates).render(line, record)
        text = line.text if self._raw else "\n".join("".join(plain_text(part) for part, _ in each) for each in lines)
        return self._pattern.search(text) is not None

    def _rendered(self, job: FleetJob, line: LogLine, record: Record | None) -> list[Line]:
        renderer = self._renderers.get(job.job.arn)
        if renderer is None:
            width = terminal_width()
            room = width - self._prefix_width - len(_GAP) * self._is_prefixed if width is not None else None
            renderer = LogRenderer(width=room, dates=self._dates, folds=self._folds)
            self._renderers[job.job.arn] = renderer
        return list(renderer.render(line, record))

    def _prefix(self, job: FleetJob) -> Line:
        """Return the task and the beginning of the ID, which names the job in other commands."""
        if not self._is_prefixed:
            return []
        name = f"{job.task or job.job.location} {job.id[:8]}"
        self._prefix_width = max(self._prefix_width, min(len(name), _WIDEST))
        return [(f"{name:<{self._prefix_width}}{_GAP}", _COLORS[zlib.crc32(job.id.encode()) % len(_COLORS)])]
