"""Where things stand in what a person wrote: every member of a document with its line and column.

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
    """A place in a source.

    Attributes:
        source: the file as it was named, or `environment`.
        line, column: both from 1; 0 where a source has none.
        width: characters that are meant, at least 1.
    """

    source: str
    line: int = 1
    column: int = 1
    width: int = field(default=1, compare=False)

    def __str__(self) -> str:
        """`file:line:column`."""
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing that is wrong, where it stands.

    Attributes:
        rule: its id (`aws_exec.settings.rules.catalogue`).
        position: where.
        message: what is wrong, with what it is about; never a value that may be secret.
        hint: what to do; empty if the message says it.
        call: of AWS, that told it (`ecs:DescribeClusters`); empty if none did.
    """

    rule: str
    position: Position
    message: str
    hint: str = ""
    call: str = ""

    def __str__(self) -> str:
        """`file:line:column: message. hint [rule]`."""
        hint = f" {self.hint}." if self.hint else ""
        return f"{self.position}: {self.message}.{hint.replace('?.', '?')} [{self.rule}]"


class FileError(OptionsError):
    """An awsexec.yaml cannot be used; everything that is wrong with it at once.

    Attributes:
        complaints: at least one.
    """

    def __init__(self, complaints: tuple[Complaint, ...]) -> None:
        super().__init__(())
        self.complaints = complaints

    def __str__(self) -> str:
        """One line each."""
        return "awsexec.yaml cannot be used:\n" + "\n".join(f"  - {complaint}" for complaint in self.complaints)


@dataclass(frozen=True, slots=True)
class Located:
    """A document, and where each of its members stands.

    Attributes:
        source: the file as it was named.
        data: plain dictionaries, lists and scalars.
        keys: where each member of a mapping is named.
        values: where each value begins.
        substituted: texts that had a `${VARIABLE}` in them.
    """

    source: str
    data: Any
    keys: Mapping[Path, Position] = field(default_factory=dict)
    values: Mapping[Path, Position] = field(default_factory=dict)
    substituted: frozenset[Path] = frozenset()

    def key(self, path: Path) -> Position:
        """Where a member is named; its value, or what it is in, if it has no name."""
        return self.keys.get(path) or self.value(path)

    def value(self, path: Path) -> Position:
        """Where a value begins; what it would be in, if there is no such value."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path) or Position(self.source)

    def data_at(self, path: Path) -> Any:
        """What is at a path; None if nothing is."""
        data = self.data
        for step in path:
            if isinstance(data, Mapping):
                data = data.get(step)
            else:
                data = data[step] if isinstance(data, list) and isinstance(step, int) and step < len(data) else None
        return data

    def below(self, path: Path) -> Located:
        """A mapping's member, or a member of that, as a document of its own; nothing of it if there is none."""
        data = self.data_at(path)
        length = len(path)

        def cut(positions: Mapping[Path, Position]) -> dict[Path, Position]:
            return {key[length:]: position for key, position in positions.items() if key[:length] == path}

        substituted = frozenset(key[length:] for key in self.substituted if key[:length] == path)
        return replace(self, data=data, keys=cut(self.keys), values=cut(self.values), substituted=substituted)
