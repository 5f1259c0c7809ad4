"""YAML (and so JSON) to plain data, with the line and column of every key and value. Never raises on any input.

Scalars are those of YAML 1.2 and JSON: `no`, `on`, `1:30` and `2026-01-01` are text here, and so are
`007` and `1.10`, which would not be the same if written out again. What an alias stands for is counted each time it is
used, and everything is bounded before anything is built.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from aws_exec.settings.file.positions import Complaint, Located, Path, Position
from aws_exec.settings.file.variables import BrokenVariableError, UnsetVariableError, substituted

#: No configuration that people write is nearly as large, and each of these is parsed in well under a second.
MOST_BYTES = 1024 * 1024
MOST_NODES = 20_000
MOST_DEPTH = 40

#: libyaml where PyYAML was built with it: ten times faster.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INTEGER = re.compile(r"[-+]?\d{1,18}", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\d{1,300}\.\d{0,300}|\.\d{1,300}|\d{1,300})(?:[eE][-+]?\d{1,2})?", re.ASCII)

#: Characters that YAML forbids, except as escapes (YAML 1.2, "Character set").
_NOT_PRINTABLE = yaml.reader.Reader.NON_PRINTABLE

#: Tags that mean the same as the plain form.
_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq"))


class _NotReadable(Exception):  # noqa: N818 - never leaves this module
    """Reading cannot go on."""

    def __init__(self, complaint: Complaint) -> None:
        super().__init__(complaint)
        self.complaint = complaint


def read_yaml(
    content: bytes, source: str, environment: Mapping[str, str] | None = None
) -> tuple[Located | None, list[Complaint]]:
    """Read one document.

    Args:
        content: of the file.
        source: its name, for positions.
        environment: values of `${VAR}`; None leaves texts as they are.

    Returns:
        The document, None if it cannot be used; and all mistakes in its text.
    """
    reader = _Reader(source, environment)
    try:
        text = _decoded(content, source)
        reader.lines = text.splitlines()
        return reader.document(text), reader.complaints
    except _NotReadable as error:
        return None, [*reader.complaints, error.complaint]
    except yaml.YAMLError as error:
        return None, [*reader.complaints, _syntax(error, source, reader.lines)]
    except (RecursionError, ValueError) as error:  # pragma: no cover -- the limits above leave PyYAML no reason we know
        return None, [*reader.complaints, Complaint("yaml-syntax", Position(source), f"cannot be read: {error}")]


def _decoded(content: bytes, source: str) -> str:
    if len(content) > MOST_BYTES:
        message = f"is longer than {MOST_BYTES:,} bytes, and no more are read"
        raise _NotReadable(Complaint("file-unreadable", Position(source), message, "Is this the file that was meant?"))
    text, not_utf8 = decoded(content, source)
    if not_utf8 is not None:
        raise _NotReadable(not_utf8)
    if (found := _NOT_PRINTABLE.search(text)) is not None:  # PyYAML gives a character's number, and no line
        message = f"has the character U+{ord(found[0]):04X}, which YAML does not allow"
        raise _NotReadable(Complaint("yaml-syntax", position_in(text, found.start(), source), message, "Remove it"))
    return text


def decoded(content: bytes, source: str) -> tuple[str, Complaint | None]:
    """Return the text of a file, and what is wrong if it is not UTF-8: then the text has U+FFFD for each such byte."""
    try:
        return content.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8-sig", "replace")
        position = position_in(before, len(before), source)
        complaint = Complaint("file-unreadable", position, "is not UTF-8", "Save the file as UTF-8")
        return content.decode("utf-8-sig", "replace"), complaint


def position_in(text: str, at: int, source: str) -> Position:
    """Return the position of a character of a text."""
    return Position(source, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def _syntax(error: yaml.YAMLError, source: str, lines: list[str]) -> Complaint:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is None:  # pragma: no cover -- PyYAML marks all but what `_decoded` refuses
        position = Position(source)
    elif mark.line < len(lines):
        position = Position(source, mark.line + 1, mark.column + 1)
    else:  # what is missing at the end is missed behind the last thing there is
        last = max((number for number, line in enumerate(lines) if line.strip()), default=0)
        position = Position(source, last + 1, len(lines[last]) + 1 if lines else 1)
    message, hint = _syntax_in_words(error, lines[position.line - 1][: position.column] if position.line else "")
    return Complaint("yaml-syntax", position, message, hint)


def _syntax_in_words(error: yaml.YAMLError, before: str) -> tuple[str, str]:
    """Return the message and the hint of a syntax error; `before` is its line up to and with its character."""
    context, began = getattr(error, "context", None), getattr(error, "context_mark", None)
    line = f"of line {began.line + 1} " if began else ""
    if before.endswith("\t") and not before.strip():
        return "is indented with a tab", "YAML allows only spaces"
    if before.endswith(("@", "`", "%")):
        return f"a value cannot start with {before[-1]}", "Write the value in quotes"
    known = {
        "while scanning a quoted scalar": (f"the quote {line}is not closed", "Add the closing quote"),
        "while parsing a flow mapping": (f'"," or "}}" is missing after the {{ {line}', "Close the braces"),
        "while parsing a flow sequence": (f'"," or "]" is missing after the [ {line}', "Close the brackets"),
        "while parsing a block mapping": (f"is not a key of the mapping {line}", "Indent all keys of a mapping alike"),
    }
    if context in known:
        message, hint = known[context]
        return message.rstrip(), hint
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be parsed"
    return f"invalid YAML: {f'{context}, ' if context else ''}{problem}", "Quote texts that contain special characters"


@dataclass(slots=True)
class _Node:
    """One value, not yet with a path: an anchor may put it into several."""

    position: Position
    scalar: Any = None
    pairs: list[tuple[_Node, _Node]] | None = None
    items: list[_Node] | None = None
    replaced: bool = False
    text: str | None = None


@dataclass(slots=True)
class _Reader:
    source: str
    environment: Mapping[str, str] | None
    lines: list[str] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)
    anchors: dict[str, _Node] = field(default_factory=dict)
    keys: dict[Path, Position] = field(default_factory=dict)
    values: dict[Path, Position] = field(default_factory=dict)
    replaced: set[Path] = field(default_factory=set)
    count: int = 0

    def document(self, text: str) -> Located:
        events = yaml.parse(text, Loader=_LOADER)
        root = _Node(Position(self.source))
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _NotReadable(
                        self._complaint(
                            "yaml-syntax", event, "has a second document (`---`)", "Keep one document per file"
                        )
                    )
                root = self._node(next(events), events, 0)
        self.count = 0
        data = self._built(root, (), 0)
        return Located(self.source, data, self.keys, self.values, frozenset(self.replaced))

    # -- events to nodes ----------------------------------------------------------------------------------------------

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> _Node:
        self._spend(event, depth)
        if isinstance(event, yaml.AliasEvent):
            found = self.anchors.get(str(event.anchor))
            if found is None:
                raise _NotReadable(
                    self._complaint(
                        "yaml-syntax",
                        event,
                        f"*{event.anchor} has no anchor before it",
                        f"Define it first: &{event.anchor}",
                    )
                )
            return found
        if event.tag not in (None, "!") and event.tag not in _TAGS:
            message = f"has the tag {event.tag[:60]}, and tags mean nothing here"
            self.complaints.append(self._complaint("yaml-tag", event, message, "Remove it"))
        node = self._filled(event, events, depth)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def _filled(self, event: Any, events: Iterator[Any], depth: int) -> _Node:
        node = _Node(self._position(event))
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(node, event)
        elif isinstance(event, yaml.SequenceStartEvent):
            node.items = []
            while not isinstance(inner := next(events), yaml.SequenceEndEvent):
                node.items.append(self._node(inner, events, depth + 1))
        else:
            node.pairs = []
            while not isinstance(inner := next(events), yaml.MappingEndEvent):
                key = self._node(inner, events, depth + 1)
                node.pairs.append((key, self._node(next(events), events, depth + 1)))
        return node

    def _scalar(self, node: _Node, event: Any) -> None:
        node.text = text = event.value
        if self.environment is not None and "$" in text:
            try:
                text = substituted(text, self.environment)
                node.replaced = "${" in event.value
            except UnsetVariableError as error:
                message, hint = f"${{{error}}} is not set", f"Set {error}, or write ${{{error}:-default}}"
                self.complaints.append(Complaint("variable-unset", node.position, message, hint))
            except BrokenVariableError as error:
                hint = "Write ${NAME} or ${NAME:-default}, and $$ for a dollar sign"
                self.complaints.append(Complaint("variable-syntax", node.position, str(error), hint))
        plain = event.implicit[0] and event.style in (None, "")
        node.scalar = _plain(text) if plain else text

    # -- nodes to data ------------------------------------------------------------------------------------------------

    def _built(self, node: _Node, path: Path, depth: int) -> Any:
        self._spend(node, depth)
        self.values[path] = node.position
        if node.replaced:
            self.replaced.add(path)
        if node.items is not None:
            return [self._built(item, (*path, index), depth + 1) for index, item in enumerate(node.items)]
        if node.pairs is None:
            return node.scalar
        merged: dict[str, Any] = {}
        for key, value in node.pairs:
            if key.text == "<<":
                merged |= self._merge_key(key, value, path, depth)
        self.values[path] = node.position
        result: dict[str, Any] = {}
        for key, value in node.pairs:
            name = self._name(key)
            if name is None or name == "<<":
                continue
            if name in result:
                message = f"{name[:60]} is given twice, first in line {self.keys[(*path, name)].line}"
                self.complaints.append(Complaint("yaml-duplicate-key", key.position, message, "Keep one of the two"))
                continue
            result[name] = self._built(value, (*path, name), depth + 1)
            self.keys[(*path, name)] = key.position
        return {**merged, **result}

    def _merge_key(self, key: _Node, value: _Node, path: Path, depth: int) -> dict[str, Any]:
        """Return the members of `<<: *anchor`; the first of a list wins, and explicit members win over all of them."""
        sources = value.items if value.items is not None else [value]
        if any(source.pairs is None for source in sources):
            message = "<< takes a mapping, or a list of them"
            self.complaints.append(Complaint("yaml-syntax", key.position, message, "Write it as in <<: *anchor"))
            return {}
        found: dict[str, Any] = {}
        for source in reversed(sources):
            found |= self._built(source, path, depth + 1)
        return found

    def _name(self, key: _Node) -> str | None:
        """A key as text: numbers and words are the text that was written."""
        if key.text is None:
            self.complaints.append(
                Complaint("yaml-key", key.position, "has a key that is not text", "Write it in quotes")
            )
            return None
        return key.text

    # -- bounds and positions -----------------------------------------------------------------------------------------

    def _spend(self, at: Any, depth: int) -> None:
        self.count += 1
        position = at.position if isinstance(at, _Node) else self._position(at)
        if self.count > MOST_NODES:
            message = f"has more than {MOST_NODES:,} values, each use of an alias counted"
            raise _NotReadable(Complaint("yaml-limits", position, message, "Is this the file that was meant?"))
        if depth > MOST_DEPTH:
            message = f"is nested more than {MOST_DEPTH} deep"
            raise _NotReadable(Complaint("yaml-limits", position, message, "No configuration is this deep"))

    def _position(self, event: Any) -> Position:
        start, end = event.start_mark, event.end_mark
        same = end is not None and end.line == start.line
        return Position(self.source, start.line + 1, start.column + 1, max(1, end.column - start.column) if same else 1)

    def _complaint(self, rule: str, event: Any, message: str, hint: str = "") -> Complaint:
        return Complaint(rule, self._position(event), message, hint)


def _plain(text: str) -> Any:
    """Return the value of a scalar without quotes by YAML 1.2's core schema; a number in an unusual form is text."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INTEGER.fullmatch(text):
        number: float = int(text)
    elif _FLOAT.fullmatch(text):
        number = float(text)
    else:
        return text
    return number if str(number) == text else text
