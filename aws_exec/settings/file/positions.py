"""Positions in a document: line and column of every member.

A path is a tuple of keys and list positions from the top of the document: `("templates", "large", "cpu")`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from aws_exec.settings.common.problems import OptionsError

Path: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A position in a source.

    Attributes:
        source: the file as it was named, or `environment`.
        line, column: both from 1; 0 if the source has none.
        width: in characters, at least 1.
    """

    source: str
    line: int = 1
    column: int = 1
    width: int = field(default=1, compare=False)

    def __str__(self) -> str:
        """Return `file:line:column`."""
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Complaint:
    """One mistake, and its position.

    Attributes:
        rule: its id (`aws_exec.settings.rules.catalogue`).
        position: of the mistake.
        message: what is wrong, and in what; never a value that may be secret.
        hint: what to do; empty if the message is enough.
        call: the AWS call that revealed it (`ecs:DescribeClusters`); empty if none did.
    """

    rule: str
    position: Position
    message: str
    hint: str = ""
    call: str = ""

    def __str__(self) -> str:
        """Return `file:line:column: message. hint [rule]`."""
        hint = f" {self.hint}." if self.hint else ""
        return f"{self.position}: {self.message}.{hint.replace('?.', '?')} [{self.rule}]"


class FileError(OptionsError):
    """An awsexec.yaml cannot be used; with all mistakes.

    Attributes:
        complaints: at least one.
    """

    def __init__(self, complaints: tuple[Complaint, ...]) -> None:
        super().__init__(())
        self.complaints = complaints

    def __str__(self) -> str:
        """Return one line for each complaint."""
        return "awsexec.yaml cannot be used:\n" + "\n".join(f"  - {complaint}" for complaint in self.complaints)


@dataclass(frozen=True, slots=True)
class Located:
    """A document, and the position of each member.

    Attributes:
        source: the file as it was named.
        data: plain dictionaries, lists and scalars.
        keys: the position of each key of a mapping.
        values: the position of each value.
        substituted: texts that contained a `${VARIABLE}`.
    """

    source: str
    data: Any
    keys: Mapping[Path, Position] = field(default_factory=dict)
    values: Mapping[Path, Position] = field(default_factory=dict)
    substituted: frozenset[Path] = frozenset()

    def key(self, path: Path) -> Position:
        """Return the position of a member's key; without one, that of its value or of what contains it."""
        return self.keys.get(path) or self.value(path)

    def value(self, path: Path) -> Position:
        """Return the position of a value; if it does not exist, that of what would contain it."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path) or Position(self.source)

    def data_at(self, path: Path) -> Any:
        """Return the data at a path; None if there is none."""
        data = self.data
        for step in path:
            if isinstance(data, Mapping):
                data = data.get(step)
            else:
                data = data[step] if isinstance(data, list) and isinstance(step, int) and step < len(data) else None
        return data

    def below(self, path: Path) -> Located:
        """Return the member at a path as a document; empty if it does not exist."""
        data = self.data_at(path)
        length = len(path)

        def cut(positions: Mapping[Path, Position]) -> dict[Path, Position]:
            return {key[length:]: position for key, position in positions.items() if key[:length] == path}

        substituted = frozenset(key[length:] for key in self.substituted if key[:length] == path)
        return replace(self, data=data, keys=cut(self.keys), values=cut(self.values), substituted=substituted)
