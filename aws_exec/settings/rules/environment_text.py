"""Files of `NAME=value` lines, read as a shell reads them, and as Docker and dotenv do where a shell would refuse.

A shell's quotes and escapes are removed, and a comment behind the value; a quoted value may go on in further lines. A
value with spaces outside quotes, and JSON that is not quoted, are read as `docker run --env-file` does. Variables
(`$NAME`) are not replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from aws_exec.settings.file.positions import Complaint, Position

_ENTRY = re.compile(r"[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)=")
#: A part of a shell's word; the quotes and escapes of a word may change anywhere.
_PART = re.compile(
    r"'(?P<single>[^']*)'|\"(?P<double>(?:\\.|[^\"\\])*)\"|(?P<plain>(?:\\[^\n]|[^\s'\"\\])+)", re.DOTALL
)
_ESCAPED = re.compile(r"\\([\"\\$`])|\\\n")
_END = re.compile(r"(?=\s|\Z)[ \t]*(?:(?<=[ \t])#[^\n]*)?(?=\n|\Z)")
#: A value without a shell's quotes; `#` in a string of JSON begins no comment.
_LITERAL = re.compile(r"(?:\"(?:\\.|[^\"\\\n])*\"|(?![ \t]#)[^\n])*")
#: How JSON and Python literals begin: their quotes are theirs.
_DATA = ("{", "[")


@dataclass(frozen=True, slots=True)
class Entry:
    """One variable.

    Attributes:
        name: of it.
        text: its value.
        key, position: of the name, of the value.
    """

    name: str
    text: str
    key: Position
    position: Position


def read_entries(text: str, source: str) -> tuple[list[Entry], list[Complaint]]:
    """Every variable of a file, and the lines that are none."""
    reader = _Reader("\n".join(text.splitlines()), source)
    return list(reader.entries()), reader.complaints


class _Reader:
    def __init__(self, text: str, source: str) -> None:
        self.complaints: list[Complaint] = []
        self._text = text
        self._source = source
        self._line = 1
        self._begin = 0  # of the line

    def entries(self) -> Iterator[Entry]:
        while self._begin < len(self._text):
            end = self._end_of_line(self._begin)
            line = self._text[self._begin : end]
            found = _ENTRY.match(line)
            if found is not None:
                start = self._begin + found.end()
                value, inside, end = self._value(start)
                key = self._position(self._begin + found.start("name"), len(found["name"]))
                width = len(value.partition("\n")[0])
                yield Entry(found["name"], value, key, self._position(start + inside, width))
            elif line.strip() and not line.lstrip().startswith("#"):
                at = self._begin + len(line) - len(line.lstrip())
                self.complaints.append(
                    Complaint("cfg-syntax", self._position(at, len(line.strip())), "is no NAME=value")
                )
            self._line += self._text.count("\n", self._begin, end) + 1
            self._begin = end + 1

    def _value(self, start: int) -> tuple[str, int, int]:
        """A value, how far inside quotes it begins, and where its line ends."""
        if not self._text.startswith(_DATA, start):
            parts, at = [], start
            while (found := _PART.match(self._text, at)) is not None:
                parts.append(_unquoted(found))
                at = found.end()
            if _END.match(self._text, at) is not None:
                quoted = len(parts) == 1 and self._text[start] in "'\""
                return "".join(parts), int(quoted), self._end_of_line(at)
            if self._text.startswith(("'", '"'), start):
                self._complain(start, at)
        literal = _LITERAL.match(self._text, start)
        value = literal[0].strip() if literal is not None else ""
        return value, 0, self._end_of_line(start)

    def _complain(self, start: int, at: int) -> None:
        behind = self._text[at : at + 1]
        closed = behind not in ("'", '"')
        message = "has text behind its quoted value" if closed else f"has a {behind} that is not closed"
        hint = "Write all of it in quotes" if closed else f"Close it, or write \\{behind}"
        width = self._end_of_line(start) - start
        self.complaints.append(Complaint("cfg-syntax", self._position(start, width), message, hint))

    def _end_of_line(self, at: int) -> int:
        end = self._text.find("\n", at)
        return len(self._text) if end < 0 else end

    def _position(self, at: int, width: int) -> Position:
        return Position(self._source, self._line, at - self._begin + 1, max(1, width))


def _unquoted(part: re.Match[str]) -> str:
    if part["single"] is not None:
        return part["single"]
    if part["double"] is not None:
        return _ESCAPED.sub(lambda found: found[1] or "", part["double"])
    return re.sub(r"\\(.)", r"\1", part["plain"])
