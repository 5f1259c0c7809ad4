"""The position of each member of a merged request in the sources.

A path has names: items that merge by name are referred to by it, so that it stays the same after merging.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aws_exec.settings.common.merge import Grammar, camelized
from aws_exec.settings.file.positions import Located, Path, Position

Named: TypeAlias = tuple[str, ...]


@dataclass(slots=True)
class Origins:
    """The origins of one request; later additions override earlier ones.

    Attributes:
        grammar: of the operation.
        container: the name of the Airflow container.
        positions: the key and the value of each member.
    """

    grammar: Grammar
    container: str = ""
    positions: dict[Named, tuple[Position, Position]] = field(default_factory=dict)

    def copy(self) -> Origins:
        """The same, to lay more over."""
        return Origins(self.grammar, self.container, dict(self.positions))

    def add(self, located: Located, path: Path, to: Named = ()) -> None:
        """Add what is at a path of a document as the origin of `to` in the request."""
        if located.data_at(path) is None:
            return
        for named, where in self._walk(located.data_at(path), path, to):
            self.positions[named] = (located.key(where), located.value(where))

    def add_part(self, part: object, position: Position, located: Located | None = None, path: Path = ()) -> None:
        """Add a part of the request with one position; deeper members of `path` have their own."""
        for named, _ in self._walk(part, (), ()):
            if not named or named[-1] in ("name", "key", "value"):
                continue  # they stand where the thing stands that they are of
            exact = (*path, named[-1])
            if located is not None and exact in located.values:
                self.positions[named] = (located.key(exact), located.value(exact))
            else:
                self.positions[named] = (position, position)

    def position(self, path: Named, *, key: bool = False) -> Position | None:
        """Return the position of a member, or of what contains it; None if unknown."""
        while path and path not in self.positions:
            path = path[:-1]
        found = self.positions.get(path)
        return found[0 if key else 1] if found else None

    def named(self, path: str, document: object) -> Named:
        """A dotted path with positions, as in a finding, as a path by name."""
        steps = re.findall(r"[^.\[\]]+", path)
        found: list[str] = []
        member = ""
        for step in steps:
            if isinstance(document, list):
                index = int(step) if step.isdecimal() and int(step) < len(document) else -1
                document = document[index] if index >= 0 else None
                found.append(self._name(document, member, step))
                continue
            if isinstance(document, Mapping) and member in self.grammar.mapped and step.isdecimal():
                step = next((str(key) for key in [*document][int(step) : int(step) + 1]), step)  # noqa: PLW2901 - its name
            document = document.get(step) if isinstance(document, Mapping) else None
            member = step
            found.append(step)
        return tuple(found)

    def _walk(self, data: object, path: Path, to: Named) -> Iterator[tuple[Named, Path]]:
        yield to, path
        member = to[-1] if to else ""
        if isinstance(data, Mapping):
            is_free = member in self.grammar.free_keys or member in self.grammar.mapped
            for key, value in data.items():
                name = str(key) if is_free else camelized(str(key), self.grammar)
                yield from self._walk(value, (*path, key), (*to, name))
        elif isinstance(data, list | tuple):
            for index, item in enumerate(data):
                yield from self._walk(item, (*path, index), (*to, self._name(item, member, str(index))))

    def _name(self, item: object, member: str, index: str) -> str:
        by = self.grammar.named.get(member)
        if by is None or not isinstance(item, Mapping):
            return index
        name: Any = item.get(by)
        if member in ("containerOverrides", "containers") and not name:
            return self.container
        return str(name) if name else index
