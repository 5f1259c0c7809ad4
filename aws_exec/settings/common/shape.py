"""The shapes of RunTask and SubmitJob requests, from botocore's model and AWS's pages, and checking documents.

Botocore's own validator knows types, required and unknown members and minima, and echoes the values it refuses. This
one also knows maxima, enums and patterns, proposes similar names, converts numbers written as text and text written as
numbers (AWS wants integers in a container and strings in a task), and reports paths and expected types only.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from aws_exec.settings.common.problems import Finding

_ARTICLES = {
    "structure": "an object",
    "list": "a list",
    "string": "a string",
    "integer": "an integer",
    "long": "an integer",
    "boolean": "true or false",
    "float": "a number",
    "double": "a number",
    "map": "an object",
}

#: The Unicode classes that botocore's patterns use, as Python's `re` has them.
_CLASSES = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": " \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"}


@dataclass(frozen=True, slots=True)
class Shape:
    """One node of a request's model.

    Attributes:
        kind: botocore's type name.
        members: of a structure.
        item: of a list; of a map, the shape of its values.
        key: of a map, the shape of its keys.
        required: members that a structure cannot lack.
        union: a structure has exactly one member.
        enum: the values of a string; empty if any.
        low, high: of a number, or of the length of a string or list; None if unbounded.
        pattern: of a string.
    """

    kind: str
    members: Mapping[str, Shape] = field(default_factory=dict)
    item: Shape | None = None
    key: Shape | None = None
    required: tuple[str, ...] = ()
    union: bool = False
    enum: frozenset[str] = frozenset()
    low: float | None = None
    high: float | None = None
    pattern: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of AWS: the service as botocore calls it, and the operation's name."""

    service: str
    name: str


RUN_TASK = Operation("ecs", "RunTask")
SUBMIT_JOB = Operation("batch", "SubmitJob")

#: "Tag restrictions" of the AWS Batch user guide; the model of ECS has the same pattern.
_TAG_TEXT = r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)"
#: ARNs are checked by `aws_exec.settings.rules.arns`, which knows the kind of each.
_NAME_OR_ARN = r"(arn:.+|[A-Za-z0-9_-]{{1,{}}}){}"

#: Constraints of AWS's pages that botocore's model lacks: ECS's model has the patterns of tags, Batch's does not. AWS
#: refuses violations in words that Batch changes freely, so a task would wait for its timeout.
#: Sources: API Reference and user guide of ECS (RunTask, CreateCluster, RegisterTaskDefinition) and of Batch
#: (SubmitJob, CreateJobQueue, RegisterJobDefinition, EvaluateOnExit, "Tag restrictions").
_DOCUMENTED: Mapping[Operation, Mapping[str, Mapping[str, Any]]] = {
    RUN_TASK: {
        "cluster": {"pattern": _NAME_OR_ARN.format(255, "")},
        "taskDefinition": {"pattern": _NAME_OR_ARN.format(255, r"(:\d+)?")},
        "overrides.containerOverrides[].name": {"pattern": r"[A-Za-z0-9_-]{1,255}"},
        "placementConstraints": {"max": 10},
        "placementConstraints[].expression": {"max": 2000},
        "placementStrategy": {"max": 5},
        "propagateTags": {"enum": ("TASK_DEFINITION", "NONE")},
        "volumeConfigurations[].managedEBSVolume.sizeInGiB": {"min": 1, "max": 16_384},
    },
    SUBMIT_JOB: {
        "jobQueue": {"pattern": _NAME_OR_ARN.format(128, "")},
        "jobDefinition": {"pattern": _NAME_OR_ARN.format(128, r"(:\d+)?")},
        "shareIdentifier": {"min": 1, "max": 256},
        "dependsOn": {"max": 20},
        "retryStrategy.evaluateOnExit[].onStatusReason": {"max": 512},
        "retryStrategy.evaluateOnExit[].onReason": {"max": 512},
        "retryStrategy.evaluateOnExit[].onExitCode": {"max": 512, "pattern": r"\d*\*?"},
        "tags{key}": {"pattern": _TAG_TEXT},
        "tags{}": {"pattern": _TAG_TEXT},
    },
}


@cache
def shape_of(operation: Operation) -> Shape:
    """The input of an operation; reads botocore's model once (about 0.1 s), without credentials or network."""
    from botocore.loaders import Loader  # noqa: PLC0415 - reading options must not cost the import of botocore
    from botocore.model import ServiceModel  # noqa: PLC0415 - likewise

    model = ServiceModel(Loader().load_service_model(operation.service, "service-2"))
    return _compiled(model.operation_model(operation.name).input_shape, _DOCUMENTED[operation])


def run_task_shape() -> Shape:
    """The input of RunTask."""
    return shape_of(RUN_TASK)


@cache
def container_shape() -> Shape:
    """The `ContainerOverride` in it."""
    item = run_task_shape().members["overrides"].members["containerOverrides"].item
    if item is None:  # pragma: no cover -- botocore's model has them, which mypy does not know
        raise LookupError("botocore's model of RunTask has no container overrides")
    return item


def conform(
    value: Any,
    shape: Shape,
    *,
    partial: bool = False,
    also: frozenset[str] = frozenset(),
    operation: Operation = RUN_TASK,
) -> Checked:
    """Check a document against a shape, and convert values whose meaning is clear.

    Args:
        value: the document.
        shape: what it should be.
        partial: it will be laid over another: nothing is required, and None deletes.
        also: further names to propose for an unknown member of the document itself.
        operation: of the request, for messages.
    """
    findings: list[Finding] = []
    checker = _Checker(findings, partial, also, operation)
    return Checked(checker.check(value, shape, ""), tuple(findings))


@dataclass(frozen=True, slots=True)
class Checked:
    """A document after a check.

    Attributes:
        value: a converted copy; meaningless if there are findings.
        findings: what is wrong.
    """

    value: Any
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Checker:
    findings: list[Finding]
    partial: bool
    also: frozenset[str]
    operation: Operation

    def check(self, value: Any, shape: Shape, path: str) -> Any:
        if value is None and self.partial and path:
            return None
        if shape.kind == "structure":
            return self._structure(value, shape, path)
        if shape.kind == "list":
            return self._list(value, shape, path)
        if shape.kind == "map":
            return self._map(value, shape, path)
        return self._scalar(value, shape, path)

    def _structure(self, value: Any, shape: Shape, path: str) -> Any:
        if not isinstance(value, Mapping):
            return self._wrong(value, shape, path)
        result = {}
        for key, item in value.items():
            below = f"{path}.{key}" if path else str(key)
            member = shape.members.get(key)
            if member is None:
                self._unknown(str(key), shape, below, path)
            else:
                result[key] = self.check(item, member, below)
        if not self.partial:
            self._complete(value, shape, path)
        return result

    def _complete(self, value: Mapping[str, Any], shape: Shape, path: str) -> None:
        for name in shape.required:
            if name not in value:
                self._report(f"{path}.{name}" if path else name, "is required", rule="request-required")
        if shape.union and len(value) != 1:
            self._report(path, f"takes exactly one of {', '.join(sorted(shape.members))}")

    def _list(self, value: Any, shape: Shape, path: str) -> Any:
        if not isinstance(value, list | tuple):
            return self._wrong(value, shape, path)
        self._bounds(len(value), shape, path, " entries")
        item = shape.item
        return [self.check(one, item, f"{path}[{index}]") for index, one in enumerate(value)] if item else []

    def _map(self, value: Any, shape: Shape, path: str) -> Any:
        if not isinstance(value, Mapping):
            return self._wrong(value, shape, path)
        if not self.partial:
            self._bounds(len(value), shape, path, " entries")
        result = {}
        for key, item in value.items():
            below = f"{path}.{key}"
            name = self.check(key, shape.key, below) if shape.key else key
            result[name] = self.check(item, shape.item, below) if shape.item else item
        return result

    def _scalar(self, value: Any, shape: Shape, path: str) -> Any:
        mended = _mended(value, shape.kind)
        if mended is None:
            return self._wrong(value, shape, path)
        if isinstance(mended, str):
            self._text(mended, shape, path)
        elif not isinstance(mended, bool):
            self._bounds(mended, shape, path, "")
        return mended

    def _text(self, value: str, shape: Shape, path: str) -> None:
        self._bounds(len(value), shape, path, " characters")
        if shape.enum and value not in shape.enum:
            close = difflib.get_close_matches(value.upper(), [name.upper() for name in shape.enum], 1)
            remedy = next((f"Did you mean {name}?" for name in shape.enum if name.upper() in close), "")
            self._report(path, f"is none of {', '.join(sorted(shape.enum))}", remedy, rule="request-enum")
        if shape.pattern and not shape.pattern.fullmatch(value):
            self._report(path, "has characters that AWS does not take here", rule="request-pattern")

    def _bounds(self, size: float, shape: Shape, path: str, unit: str) -> None:
        rule = "request-length" if unit else "request-range"
        if shape.low is not None and size < shape.low:
            self._report(path, f"is below the minimum of {shape.low:g}{unit}", rule=rule)
        elif shape.high is not None and size > shape.high:
            self._report(path, f"is above the maximum of {shape.high:g}{unit}", rule=rule)

    def _wrong(self, value: Any, shape: Shape, path: str) -> None:
        remedy = "Write it in quotes" if shape.kind == "string" and isinstance(value, bool | float) else ""
        found = "null" if value is None else f"of type {type(value).__name__}"
        message = f"is {found}, expected {_ARTICLES.get(shape.kind, shape.kind)}"
        self._report(path, message, remedy, rule="request-type")

    def _unknown(self, key: str, shape: Shape, path: str, parent: str) -> None:
        names = {*shape.members, *(() if parent else self.also)}
        close = difflib.get_close_matches(key, names, 1) if len(key) <= _LONG_KEY else []
        elsewhere = _positions(self.operation).get(key, "")
        remedy = f"Did you mean {close[0]}?" if close else f"It belongs in {elsewhere}" if elsewhere else ""
        self._report(path, f"is not known to {self.operation.name}", remedy, rule="request-unknown")

    def _report(self, path: str, message: str, remedy: str = "", rule: str = "request-invalid") -> None:
        self.findings.append(Finding(path, message, remedy, rule))


#: No member's name is nearly as long; similarity to a longer text is not worth computing.
_LONG_KEY = 120


def _mended(value: Any, kind: str) -> Any:
    """Return a scalar of the right type; None if it cannot be one. A boolean is never a number, nor vice versa."""
    number = isinstance(value, int) and not isinstance(value, bool)
    match kind:
        case "string":
            return value if isinstance(value, str) else str(value) if number and abs(value) < _LARGE else None
        case "boolean":
            return value if isinstance(value, bool) else None
        case _:  # integer and long: no call of ours takes another number
            if number:
                return value
            if isinstance(value, float):
                return int(value) if value.is_integer() else None
            text = value.strip() if isinstance(value, str) else ""
            return int(text) if re.fullmatch(r"-?\d{1,18}", text, re.ASCII) else None


#: Python refuses to write out integers of thousands of digits; AWS counts nothing beyond 64 bits.
_LARGE = 2**63


def _compiled(shape: Any, documented: Mapping[str, Mapping[str, Any]], path: str = "") -> Shape:
    """Return botocore's shape with the constraints of AWS's pages.

    Args:
        shape: of botocore.
        documented: limits by path: of a list's items with `[]`, of a map's keys and values with `{key}` and `{}`.
        path: of the shape in the request.
    """
    limits = {**shape.metadata, **documented.get(path, {})}

    def below(step: str, inner: Any) -> Shape:
        return _compiled(inner, documented, path + step)

    return Shape(
        kind=shape.type_name,
        members={
            name: below(f".{name}" if path else name, member) for name, member in getattr(shape, "members", {}).items()
        },
        item=_item(shape, below),
        key=below("{key}", shape.key) if shape.type_name == "map" else None,
        required=tuple(limits.get("required", ())),
        union=bool(limits.get("union")),
        enum=frozenset(limits.get("enum", ())),
        low=limits.get("min"),
        high=limits.get("max"),
        pattern=_pattern(limits.get("pattern")),
    )


def _item(shape: Any, below: Callable[[str, Any], Shape]) -> Shape | None:
    match shape.type_name:
        case "list":
            return below("[]", shape.member)
        case "map":
            return below("{}", shape.value)
        case _:
            return None


def _pattern(text: str | None) -> re.Pattern[str] | None:
    """Botocore's pattern, if Python can express it; None otherwise: AWS will judge."""
    if text is None:
        return None
    for unicode_class, ours in _CLASSES.items():
        text = text.replace(unicode_class, ours)
    try:
        return re.compile(text)
    except re.error:
        return None


@cache
def _positions(operation: Operation) -> dict[str, str]:
    """Return the path of each member of the request, the shallowest first."""
    found: dict[str, str] = {}
    level = [("", shape_of(operation))]
    while level:
        deeper = []
        for path, shape in level:
            for name, member in shape.members.items():
                found.setdefault(name, path or "the request itself")
                deeper += list(_below(f"{path}.{name}" if path else name, member))
        level = deeper
    return found


def _below(path: str, shape: Shape) -> Iterator[tuple[str, Shape]]:
    if shape.kind == "list" and shape.item is not None:
        yield f"{path}[]", shape.item
    else:
        yield path, shape
