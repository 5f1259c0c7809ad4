"""Standard output and standard error: data on the first, messages on the second.

Colors appear on terminals only, and never with NO_COLOR. Data is printed as it is: `[core]` is no markup and `:key:` no
emoji. Text from AWS or from a container stays on its line and cannot control the terminal.
"""

from __future__ import annotations

import os
import re
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from rich.console import Console

from awsexec_cli.stdio import is_utf8

if TYPE_CHECKING:
    from rich.text import Text

#: Any value but an empty one or 0 shows tracebacks, as `--debug` does.
DEBUG_VARIABLE = "AWSEXEC_DEBUG"

#: A line of text in parts, each with its style.
Line = Sequence[tuple[str, str]]

#: The style of the labels `hint:` and `see:`.
_POINTER = "bold cyan"

_console = partial(Console, markup=False, emoji=False, highlight=False)


class Format(StrEnum):
    """The values of `-o`."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


#: The formats for people.
TABLES = (Format.TABLE, Format.WIDE)


def clean(text: str) -> str:
    """Return the text as one line, with a space for each control character."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " for character in text)


class Printer:
    """Owns standard output and standard error.

    Attributes:
        debug: whether to print tracebacks of unexpected errors.
    """

    def __init__(self) -> None:
        self.debug = os.environ.get(DEBUG_VARIABLE, "0") not in {"", "0"}

    @cached_property
    def out(self) -> Console:
        """Standard output, for data that a script reads."""
        return _console()

    @cached_property
    def err(self) -> Console:
        """Standard error, for messages that a person reads."""
        return _console(stderr=True)

    def say(self, message: str, style: str | None = None) -> None:
        """Print a message; each of its lines stays one, whatever the terminal's width."""
        message = "\n".join(map(clean, message.split("\n")))
        self.err.print(message, style=style, soft_wrap=True, markup=False, highlight=False, emoji=False)

    def fail(self, message: str, *, hint: str = "", see: str = "", details: Iterable[str] = ()) -> None:
        """Print an error, without secrets.

        Args:
            message: what is wrong, and where; line breaks become spaces.
            hint: what to do about it; empty if the message leaves no choice.
            see: URL of the documentation.
            details: further lines, indented below the message.
        """
        from aws_exec.redaction import redact  # noqa: PLC0415 - the CLI starts fast; compiles a dozen expressions

        self._labelled("error", "bold red", message)
        for detail in details:
            self.say(f"  {clean(redact(detail))}")
        self._labelled("hint", _POINTER, hint)
        self._labelled("see", _POINTER, see)

    def warn(self, message: str, *, hint: str = "") -> None:
        """Print a warning, without secrets; arguments as of `fail`."""
        self._labelled("warning", "bold yellow", message)
        self._labelled("hint", _POINTER, hint)

    def _labelled(self, label: str, style: str, text: str) -> None:
        """Print `label: text` in one line, unless the text is empty."""
        from aws_exec.redaction import redact  # noqa: PLC0415 - likewise

        if text:
            self.err.print(f"{label}:", style=style, end=" ")
            self.say(clean(" ".join(redact(text).split())))

    def crash(self, error: BaseException) -> None:
        """Print an unexpected error; its traceback too in debug mode."""
        if self.debug:
            from aws_exec.redaction import redact  # noqa: PLC0415 - likewise

            self.say(redact("".join(traceback.format_exception(error)), longest=sys.maxsize))
        hint = "" if self.debug else f"awsexec --debug ... or {DEBUG_VARIABLE}=1 shows the traceback"
        self.fail(f"unexpected {type(error).__name__}: {error}", hint=hint)


printer = Printer()


def terminal_width(console: Console | None = None) -> int | None:
    """Return the width of a console (default: standard output), or None if it is a pipe and nothing is to be cut."""
    console = console or printer.out
    return console.width if console.is_terminal else None


# ---------------------------------------------------------------------------------------------------------- documents


def write(text: str) -> None:
    """Write data at once, whatever the terminal's width."""
    sys.stdout.write(text)
    sys.stdout.flush()


def write_document(document: Any, output: Format) -> None:
    """Write one document: YAML if the format is YAML, else JSON."""
    write(as_yaml(document) if output is Format.YAML else as_json(document, indent=2) + "\n")


def as_json(document: Any, indent: int | None = None) -> str:
    """Return JSON; characters that standard output cannot encode are escaped."""
    import json  # noqa: PLC0415 - the CLI starts fast

    return json.dumps(document, indent=indent, ensure_ascii=not is_utf8(sys.stdout))


def as_yaml(document: Any) -> str:
    """Return YAML with its keys in order; characters that standard output cannot encode are escaped."""
    import yaml  # noqa: PLC0415 - the CLI starts fast

    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=is_utf8(sys.stdout)))


# -------------------------------------------------------------------------------------------------------------- lines

#: Colors and weights ("select graphic rendition", ECMA-48 8.3.117), which many log lines contain.
_COLOR = re.compile(r"(\x1b\[[0-9;]{0,64}m)")
_RESET = "\x1b[0m"


def write_lines(lines: Iterable[Line], *, colors: bool = False) -> None:
    """Write lines of styled parts at once.

    Args:
        lines: to write.
        colors: whether a terminal shows the colors that the texts themselves contain, as those of a log.
    """
    if not printer.out.color_system:
        plain = plain_text if colors else clean
        write("".join("".join(plain(text) for text, _ in line).rstrip() + "\n" for line in lines))
        return
    from rich.text import Text  # noqa: PLC0415 - the CLI starts fast

    printer.out.print(Text("\n").join(styled(line, colors=colors) for line in lines), soft_wrap=True)
    sys.stdout.flush()


def styled(line: Line, *, colors: bool = False) -> Text:
    """Return a line as Rich prints it; with the colors that its texts contain, if wanted."""
    from rich.text import Text  # noqa: PLC0415 - the CLI starts fast

    part_of = _colored if colors else lambda part: Text(clean(part[0]), part[1])
    return Text.assemble(*map(part_of, line))


def wrapped(text: str, used: int) -> list[str]:
    """Return the lines of a text that shares the terminal's width with `used` columns; in a pipe it is one line."""
    room = terminal_width()
    if room is None:
        return [text]
    return textwrap.wrap(text, max(room - used, 24), break_long_words=False, break_on_hyphens=False) or [""]


def labelled(label: str, text: str, used: int) -> Iterator[Line]:
    """Yield the lines of `Label:  text`; the label takes `used` columns."""
    first, *more = wrapped(text, used)
    yield [(f"{label + ':':<{used}}", "bold"), (first, "")]
    yield from ([(" " * used + line, "")] for line in more)


def plain_text(line: str) -> str:
    """Return a container's log line without colors and control characters."""
    return clean(_COLOR.sub("", line.expandtabs()))


def _colored(part: tuple[str, str]) -> Text:
    """Return a styled part in its own colors, of which nothing else controls the terminal."""
    from rich.ansi import AnsiDecoder  # noqa: PLC0415 - the CLI starts fast

    text = AnsiDecoder().decode_line(_harmless(part[0]))
    text.style = part[1]
    return text


def _harmless(line: str) -> str:
    """Return a line whose only control sequences are colors."""
    parts = _COLOR.split(line.expandtabs())  # texts, and at the odd indexes the colors between them
    parts[::2] = map(clean, parts[::2])
    return "".join(parts)


def log_line(line: str) -> str:
    """Return a container's log line as it may be printed: unchanged to a pipe, with colors only to a terminal."""
    if not sys.stdout.isatty():
        return line
    shown = _harmless(line)
    return shown + (_RESET if "\x1b" in shown else "")


# ------------------------------------------------------------------------------------------------------------- tables

_GAP = "  "
#: The parts of a run's id that can be dropped to save space: every run is in UTC, and few begin within a second.
_UTC = re.compile(r"(?::00)?(?:\.\d+)?\+00:00")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        heading: its first line.
        cell: returns the text of a row.
        least: a flexible column shrinks to this on a narrow terminal; 0: it is never shortened.
        reserved: its width while rows are still to come.
        rank: columns of a lower rank shrink first.
        right: whether it is aligned to the right.
        tail: whether the end of a text (the time of a run) tells two rows apart, not both ends.
        style: returns the style of a row's cell.
        key: returns the value to sort rows by, None if a row has none; by default the text.
    """

    heading: str
    cell: Callable[[Any], str]
    least: int = 0
    reserved: int = 0
    rank: int = 0
    right: bool = False
    tail: bool = False
    style: Callable[[Any], str] = lambda _: ""
    key: Callable[[Any], Any] | None = None

    def is_called(self, name: str) -> bool:
        """Return whether an option's value names it: its heading, or a part of `CLUSTER/QUEUE`, in any case."""
        heading = self.heading.lower()
        return name.lower() in (heading, *heading.split("/"))


class Table:
    """Lays out rows; the first ones set the widths, so that rows can be written as they arrive.

    Args:
        columns: of the table.
        rows: the rows that set the widths.
        width: of the terminal; None (a pipe) cuts nothing.
        dispensable: headings of the columns to leave out on a narrow terminal, in this order.
        more: whether other rows will follow.

    Attributes:
        left_out: headings of the columns that do not fit.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        rows: Sequence[Any],
        width: int | None,
        dispensable: Sequence[str] = (),
        *,
        more: bool = False,
    ) -> None:
        natural = {column.heading: _natural(column, rows, more=more) for column in columns}
        least = {each.heading: min(each.least or natural[each.heading], natural[each.heading]) for each in columns}
        self.left_out = [] if width is None else _left_out(least, width, dispensable)
        self._columns = columns = [column for column in columns if column.heading not in self.left_out]
        room = 0 if width is None else width - len(_GAP) * (len(columns) - 1)
        # What does not even fit at its narrowest is not cut: the terminal wraps it.
        self._cuts = width is not None and sum(least[column.heading] for column in columns) <= room
        self._widths = [natural[column.heading] for column in columns]
        if self._cuts:
            self._widths = _squeezed(self._widths, [least[column.heading] for column in columns], columns, room)

    def header(self) -> str:
        """Return the line of headings."""
        return _GAP.join(self._fitted([column.heading for column in self._columns])).rstrip()

    def row(self, row: Any) -> str:
        """Return a row as one line; long cells are shortened."""
        return "".join(text for text, _ in self.styled(row)).rstrip()

    def styled(self, row: Any) -> Line:
        """Return a row as one line of styled parts; long cells are shortened."""
        parts: list[tuple[str, str]] = []
        cells = self._fitted([column.cell(row) for column in self._columns])
        for column, cell in zip(self._columns, cells, strict=True):
            parts += [(cell, column.style(row)), (_GAP, "")]
        last, style = parts[-2]
        return [*parts[:-2], (last.rstrip(), style)]

    def folded(self, row: Any) -> Iterator[Line]:
        """Yield a row as the lines that it takes with every cell shown in full."""
        cells = [
            textwrap.wrap(clean(column.cell(row)), width, break_on_hyphens=False) if self._cuts else [column.cell(row)]
            for column, width in zip(self._columns, self._widths, strict=True)
        ]
        for parts in zip_longest(*cells, fillvalue=""):
            line = _GAP.join(part.ljust(width) for part, width in zip(parts, self._widths, strict=True))
            yield [(line.rstrip(), "")]

    def _fitted(self, cells: Sequence[str]) -> list[str]:
        return [
            _fit(clean(cell), width, column, cuts=self._cuts)
            for cell, width, column in zip(cells, self._widths, self._columns, strict=True)
        ]


def write_rows(
    rows: Sequence[Mapping[str, Any]], output: Format, columns: Mapping[str, str], name: str = "name"
) -> None:
    """Write rows of plain values.

    Args:
        rows: to write.
        output: the format; `wide` is the same as `table`.
        columns: of a table: member and heading.
        name: the member that names a row.
    """
    if output in (Format.JSON, Format.YAML):
        write_document([dict(row) for row in rows], output)
    elif output is Format.NAME:
        write("".join(f"{row[name]}\n" for row in rows))
    else:
        table = Table([_member(*each) for each in columns.items()], rows, terminal_width())
        write_lines([[(table.header(), "bold")], *(line for row in rows for line in table.folded(row))])


def _member(member: str, heading: str) -> Column:
    """Return the column of a member; it shrinks to a word's width."""

    def cell(row: Mapping[str, Any]) -> str:
        return "-" if row.get(member) is None else str(row[member])

    return Column(heading, cell, least=12)


def _natural(column: Column, rows: Sequence[Any], *, more: bool) -> int:
    """Return the width that a column needs for the rows known so far."""
    return max(len(column.heading), column.reserved * more, *(len(column.cell(row)) for row in rows), 0)


def _fit(text: str, width: int, column: Column, *, cuts: bool) -> str:
    if cuts and len(text) > width:
        text = _shortened(text, width, tail=column.tail)
    return text.rjust(width) if column.right else text.ljust(width)


def _shortened(text: str, width: int, *, tail: bool) -> str:
    """Return the ends of a text in so many characters: a task's group and its name, or the time of a run."""
    text = _UTC.sub("", text) if tail else text
    if len(text) <= width:
        return text
    head = 1 if tail else (width - 1) // 3
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"


def _left_out(least: Mapping[str, int], width: int, dispensable: Sequence[str]) -> list[str]:
    """Return the headings of the columns to leave out so that the others fit at their narrowest."""
    kept = dict(least)
    left_out: list[str] = []
    for heading in dispensable:
        if sum(kept.values()) + len(_GAP) * (len(kept) - 1) <= width:
            break
        if kept.pop(heading, None) is not None:
            left_out.append(heading)
    return left_out


def _squeezed(natural: Sequence[int], least: Sequence[int], columns: Sequence[Column], room: int) -> list[int]:
    """Return widths that fit; the widest column of the lowest rank shrinks first."""
    widths = list(natural)
    while sum(widths) > room:
        giving = [index for index in range(len(widths)) if widths[index] > least[index]]
        widths[min(giving, key=lambda index: (columns[index].rank, -widths[index]))] -= 1
    return widths
