"""The parts of pages that programs write: what is between a `begin` and its `end` comment; the rest is people's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def part(text: str, name: str) -> str:
    """What is between the comments of a part.

    Raises:
        ValueError: there is not exactly one such part.
    """
    return _found(text, name)[2]


def replaced(text: str, name: str, body: str) -> str:
    """The page with this in the part's place, an empty line before and after it.

    Raises:
        ValueError: there is not exactly one such part.
    """
    found = _found(text, name)
    return f"{text[: found.start(2)]}\n{body.strip(chr(10))}\n\n{text[found.end(2) :]}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown, one line for each row."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _found(text: str, name: str) -> re.Match[str]:
    comments = rf"(<!-- begin {re.escape(name)}(?=[: ])[^\n]*-->\n)(.*?)(?=<!-- end {re.escape(name)} -->)"
    found = list(re.finditer(comments, text, re.DOTALL))
    if len(found) != 1:
        raise ValueError(f"needs one part between `begin {name}` and `end {name}`, has {len(found)}")
    return found[0]
