"""Jobs on standard output, in the format that was asked for, as they become known."""

from __future__ import annotations

import re
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from awsexec_cli.documents import as_json, as_yaml, write
from awsexec_cli.jobs import NARROW, WIDE, Context, Table
from awsexec_cli.options import Format
from awsexec_cli.output import clean, printer

if TYPE_CHECKING:
    from rich.console import Console

    from aws_exec.fleet import FleetJob


def width(console: Console | None = None) -> int | None:
    """Of what is written to, standard output unless another is named; None where nothing is to be cut: in a pipe."""
    console = console or printer.out
    return console.width if console.is_terminal else None


#: Colours and weights of letters ("select graphic rendition", ECMA-48 8.3.117), which many a log has.
_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")
_PLAIN = "\x1b[0m"


class Shower:
    """Shows jobs page by page; `close` ends the document.

    Args:
        output: the format.
        context: what rows are made with.
    """

    def __init__(self, output: Format, context: Context) -> None:
        self._output = output
        self._context = context
        self._table: Table | None = None
        self.count = 0

    def show(self, jobs: Sequence[FleetJob]) -> None:
        """One page, at once."""
        if self._output in (Format.TABLE, Format.WIDE):
            self._rows(jobs)
            self.count += len(jobs)
            return
        texts = []
        for job in jobs:
            texts.append(self._text(job))
            self.count += 1
        write("".join(texts))

    def close(self) -> None:
        """There are no more."""
        if self._output is Format.JSON:
            write("\n]\n" if self.count else "[]\n")
        elif self._output is Format.YAML and not self.count:
            write("[]\n")

    def _text(self, job: FleetJob) -> str:
        if self._output is Format.NAME:
            return f"{job.job.arn}\n"
        document = self._plain(job)
        if self._output is Format.YAML:
            return as_yaml([document])
        return (",\n" if self.count else "[\n") + as_json(document)

    def _plain(self, job: FleetJob) -> dict[str, Any]:
        from aws_exec.fleet import plain  # noqa: PLC0415 - the CLI starts fast

        return plain(job, self._context.now(), self._context.cost(job))

    def _rows(self, jobs: Sequence[FleetJob]) -> None:
        if self._table is None:
            columns = WIDE if self._output is Format.WIDE else NARROW
            self._table = Table(columns, self._context, jobs, width())
            if self._table.left_out:
                said = f"No room for {', '.join(self._table.left_out)}: see -o yaml."
                printer.err.print(said, style="dim", highlight=False, soft_wrap=True)
            show_lines([[(self._table.header(), "bold")]])
        show_lines(self._table.styled(job) for job in jobs)


def wrapped(text: str, used: int) -> list[str]:
    """A text as the lines that it takes on a terminal, beside `used` columns; one line in a pipe. No word is cut."""
    room = width()
    if room is None:
        return [text]
    return textwrap.wrap(text, max(room - used, 24), break_long_words=False, break_on_hyphens=False) or [""]


def labelled(label: str, text: str, used: int) -> Iterator[list[tuple[str, str]]]:
    """`Label:  text`, the text beside the label whatever it takes; `used` columns are the label's."""
    first, *more = wrapped(text, used)
    yield [(f"{label + ':':<{used}}", "bold"), (first, "")]
    yield from ([(" " * used + line, "")] for line in more)


def show_lines(lines: Iterable[Sequence[tuple[str, str]]]) -> None:
    """Lines of styled parts, in one write; whatever a part says, it stays on its line and commands no terminal."""
    if not printer.out.color_system:
        write("".join("".join(clean(text) for text, _ in line).rstrip() + "\n" for line in lines))
        return
    from rich.text import Text  # noqa: PLC0415 - the CLI starts fast

    text = Text("\n").join(Text.assemble(*((clean(part), style) for part, style in line)) for line in lines)
    printer.out.print(text, soft_wrap=True)
    sys.stdout.flush()


def logged(line: str) -> str:
    """A line that a container wrote, as it may be shown: to a pipe as it is, to a terminal with colours at most."""
    if not sys.stdout.isatty():
        return line
    parts = _COLOUR.split(line.expandtabs())  # the texts and, at the odd places, the colours between them
    parts[::2] = map(clean, parts[::2])
    return "".join(parts) + (_PLAIN if len(parts) > 1 else "")


def now() -> float:
    """Seconds since the epoch."""
    return time.time()


def count(number: int) -> str:
    """`1 job`, `2 jobs`."""
    return f"{number} job{'' if number == 1 else 's'}"
