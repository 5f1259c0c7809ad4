"""Literals of Python source as plain data with positions, read without running it.

A literal is a constant, a list, a dictionary (`{...}`, `dict(...)`, `{**a, ...}`, `a | b`), or a name that the file
binds once, to one of these, and never changes. Everything else is computed: `DYNAMIC`.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from aws_exec.settings.file.positions import Path, Position
from aws_exec.settings.file.yaml_text import MOST_DEPTH, MOST_NODES

#: A placeholder for computed values.
DYNAMIC: Final = object()

#: Where the key of a member stands, the key, and the value.
_Member: TypeAlias = tuple[ast.expr | ast.keyword, object, ast.expr]

#: Methods that change a dictionary or a list.
_CHANGING = frozenset(
    {"append", "clear", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault", "sort", "update"}
)


@dataclass(slots=True)
class Literals:
    """Plain data of expressions, with positions.

    Attributes:
        source: the file as it was named.
        lines: of it.
        bound: the expression of each name (`bound_names`).
        keys: where each member of a dictionary is named.
        values: where each value begins.
    """

    source: str
    lines: list[str]
    bound: Mapping[str, ast.expr] = field(default_factory=dict)
    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)
    _depth: int = 0
    _spent: int = 0

    def position(self, node: ast.expr | ast.keyword) -> Position:
        """Return the position of an expression; Python counts columns in bytes, a position in characters."""
        line = self.lines[node.lineno - 1] if node.lineno <= len(self.lines) else ""
        column = len(line.encode()[: node.col_offset].decode(errors="replace")) + 1
        width = (node.end_col_offset or 0) - node.col_offset if node.end_lineno == node.lineno else 1
        return Position(self.source, node.lineno, column, max(1, width))

    def data(self, node: ast.expr, path: Path) -> Any:
        """Return the data of an expression, and record the positions of its members; `DYNAMIC` if it is computed."""
        with self._deeper() as within:
            return self._data(self.meant(node), path) if within else DYNAMIC

    @contextmanager
    def _deeper(self) -> Iterator[bool]:
        """Count a step into an expression; return False if it is too deep or too long: names may be recursive."""
        self._depth += 1
        self._spent += 1
        yield self._depth <= MOST_DEPTH and self._spent <= MOST_NODES
        self._depth -= 1

    def _data(self, node: ast.expr, path: Path) -> Any:
        self.values[path] = self.position(node)
        match node:
            case ast.Constant(value=value) if isinstance(value, str | int | float | bool | None):
                return value
            case ast.List(elts=items) | ast.Tuple(elts=items):
                found = [self.data(item, (*path, index)) for index, item in enumerate(items)]
                return DYNAMIC if DYNAMIC in found else found
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
                return -value
        members = self._members(node)
        return DYNAMIC if members is None else self._dict(members, path)

    def meant(self, node: ast.expr) -> ast.expr:
        """Return the expression that a name is bound to; any other expression is itself."""
        seen: set[str] = set()
        while isinstance(node, ast.Name) and node.id in self.bound and node.id not in seen:
            seen.add(node.id)
            node = self.bound[node.id]
        return node

    def text(self, node: ast.expr | None) -> str:
        """Return a text; empty if it is not one, or computed."""
        meant = self.meant(node) if node is not None else None
        return meant.value if isinstance(meant, ast.Constant) and isinstance(meant.value, str) else ""

    def _members(self, node: ast.expr) -> list[_Member] | None:
        """Return the members of a dictionary, except those of a computed one; None if it is not a dictionary."""
        with self._deeper() as within:
            return self._members_of(node) if within else None

    def _members_of(self, node: ast.expr) -> list[_Member] | None:
        match self.meant(node):
            case ast.Dict(keys=keys, values=values):
                found: list[_Member] = []
                for key, value in zip(keys, values, strict=True):
                    if key is None:
                        found += self._members(value) or ()
                    elif isinstance(key := self.meant(key), ast.Constant):
                        found.append((key, key.value, value))
                return found
            case ast.Call(func=ast.Name(id="dict"), args=arguments, keywords=words):
                found = [member for one in arguments for member in self._members(one) or ()]
                for word in words:
                    found += [(word, word.arg, word.value)] if word.arg else self._members(word.value) or ()
                return found
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return [*(self._members(left) or ()), *(self._members(right) or ())]
        return None

    def _dict(self, members: Iterable[_Member], path: Path) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for node, key, value in members:
            if isinstance(key, str | int):
                where: Path = (*path, key)
                self.keys[where] = self.position(node)
                item = self.data(value, where)
                found.pop(key, None)
                if item is not DYNAMIC:
                    found[key] = item
        return found


def bound_names(tree: ast.AST) -> dict[str, ast.expr]:
    """Return the expression of each name that a file binds exactly once and never changes."""
    values: dict[str, ast.expr] = {}
    bindings: Counter[str] = Counter()
    for node in ast.walk(tree):
        bindings.update(_binds(node))
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                values[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                values[name] = value
    return {name: value for name, value in values.items() if bindings[name] == 1}


def _binds(node: ast.AST) -> Iterator[str]:
    """Return the name that a node binds or changes."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.MatchMapping(rest=str(name)):
            yield name
        case ast.alias(name=name, asname=other):
            yield other or name.partition(".")[0]
        case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()):
            yield from _root(value)
        case ast.Attribute(value=value, attr=attribute) if attribute in _CHANGING:
            yield from _root(value)


def _root(node: ast.expr) -> Iterator[str]:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id
