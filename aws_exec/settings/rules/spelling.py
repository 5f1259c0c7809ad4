"""The rules for the spelling of raw request arguments: unusual for other tools, or misleading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws_exec.settings.common.merge import camelized
from aws_exec.settings.common.shape import RUN_TASK, SUBMIT_JOB, Operation, Shape, container_shape, shape_of
from aws_exec.settings.file.positions import Complaint, Located, Path, Position
from aws_exec.settings.file.terms import Service

OPERATIONS: Mapping[Service, Operation] = {"ecs": RUN_TASK, "batch": SUBMIT_JOB}

#: Where the members of a flat executor_config belong.
_HOMES: Mapping[Service, str] = {"ecs": "overrides.containerOverrides[0]", "batch": "containerOverrides"}


@dataclass(frozen=True, slots=True)
class Written:
    """The position of raw arguments.

    Attributes:
        located: the document.
        path: of the arguments in it.
    """

    located: Located
    path: Path = ()

    def key(self, path: Path) -> Position:
        """Return the position of a member's key."""
        return self.located.key((*self.path, *path))

    def value(self, path: Path) -> Position:
        """Return the position of its value."""
        return self.located.value((*self.path, *path))


def check_raw(raw: Any, service: Service, where: Written, what: str) -> Iterator[Complaint]:
    """Yield findings on unusual but unambiguous RunTask or SubmitJob arguments."""
    if not isinstance(raw, Mapping):
        return
    shape = shape_of(OPERATIONS[service])
    yield from _flat(raw, service, where, what)
    yield from _tags(raw, where, what)
    yield from _spelled(raw, shape, (), where, what)
    own = raw.get("containerOverrides", raw.get("container_overrides"))
    if service == "batch" and isinstance(own, Mapping):
        for name in ("vcpus", "memory"):
            if name in own:
                kind = {"vcpus": "VCPU", "memory": "MEMORY"}[name]
                path: Path = ("containerOverrides" if "containerOverrides" in raw else "container_overrides", name)
                message = f"{what}: {name} is deprecated, and ignored on Fargate"
                hint = f'Write resourceRequirements: [{{type: {kind}, value: "{own[name]}"}}]'
                yield Complaint("legacy-vcpus", where.key(path), message, hint)


def _flat(raw: Mapping[Any, Any], service: Service, where: Written, what: str) -> Iterator[Complaint]:
    members = container_shape() if service == "ecs" else shape_of(SUBMIT_JOB).members["containerOverrides"]
    for key in raw:
        name = camelized(str(key))
        if (
            name in members.members
            and name not in shape_of(OPERATIONS[service]).members
            and name not in ("name", "command")
        ):
            message = f"{what}: {key} at the top is taken for the Airflow container's"
            yield Complaint("legacy-flat", where.key((key,)), message, f"Write it as {_HOMES[service]}.{name}")


def _tags(raw: Mapping[Any, Any], where: Written, what: str) -> Iterator[Complaint]:
    tags = raw.get("tags")
    if isinstance(tags, Mapping) and set(tags) == {"key", "value"}:
        message = f"{what}: tags is one tag here, not two"
        yield Complaint("legacy-tags", where.key(("tags",)), message, f"Write {{{tags['key']}: {tags['value']}}}")


def _spelled(value: Any, shape: Shape | None, path: Path, where: Written, what: str) -> Iterator[Complaint]:
    """Yield findings on numbers as text and texts as numbers, at any depth."""
    if shape is None or value is None:
        return
    if isinstance(value, Mapping):
        for key, item in value.items():
            member = shape.members.get(camelized(str(key))) if shape.members else shape.item
            yield from _spelled(item, member, (*path, key), where, what)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _spelled(item, shape.item, (*path, index), where, what)
    elif shape.kind in ("integer", "long") and isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        yield Complaint(
            "request-spelling", where.value(path), f"{what}: {path[-1]} is a number", f"Write {value.strip()}"
        )
    elif shape.kind == "string" and isinstance(value, int) and not isinstance(value, bool):
        yield Complaint("request-spelling", where.value(path), f"{what}: {path[-1]} is text", f'Write "{value}"')
