"""The view of the rules: one request, and the position of each part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws_exec.settings.common.merge import Document
from aws_exec.settings.common.options import AwsOptions
from aws_exec.settings.file.positions import Complaint, Position
from aws_exec.settings.file.terms import Service
from aws_exec.settings.rules.configuration import Configuration
from aws_exec.settings.rules.origins import Origins


@dataclass(frozen=True, slots=True)
class View:
    """One request.

    Attributes:
        what: its source, for messages: `templates.large`.
        service: of the request.
        request: of a typical task.
        options: of the executor.
        origins: the position of each part.
        home: the position of the template, or of the executor's section.
        base: the request without the template; None for the base itself.
        layer: the template's overlay; empty for the base itself.
        assumed: the options are placeholders: the executor is not configured.
        configuration: the complete configuration.
        substituted: whether the value at a position came from a `${VARIABLE}`.
    """

    what: str
    service: Service
    request: Document
    options: AwsOptions
    origins: Origins
    home: Position
    configuration: Configuration
    base: Document | None = None
    layer: Document | None = None
    assumed: bool = False
    substituted: Callable[[Position], bool] = lambda _: False

    def position(self, *path: str) -> Position:
        """Return the position of a member."""
        return self.origins.position(path) or self.home

    def complaint(self, rule: str, path: tuple[str, ...], message: str, hint: str = "") -> Complaint:
        """Return a complaint about a member."""
        return Complaint(rule, self.position(*path), f"{self.what}: {message}", hint)

    @property
    def overrides(self) -> Mapping[str, Any]:
        """The overrides of an ECS task."""
        return self.request.get("overrides") or {}

    def containers(self) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
        """Yield the overrides of each container, and their path by name."""
        for item in self.overrides.get("containerOverrides") or ():
            yield ("overrides", "containerOverrides", item.get("name", "")), item
        if own := self.request.get("containerOverrides"):
            yield ("containerOverrides",), own
        tasks = (self.request.get("ecsPropertiesOverride") or {}).get("taskProperties") or ()
        for task in tasks:
            for item in task.get("containers") or ():
                path = ("ecsPropertiesOverride", "taskProperties", "0", "containers", item.get("name", ""))
                yield path if self.origins.position(path) else ("containerOverrides",), item
