"""What the rules look at: one request as it would be sent, and where each part of it was written."""

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
        what: it is of, for messages: `templates.large`.
        service: it goes to.
        request: as it would be sent for a typical task.
        options: of the executor.
        origins: where each part of it was written.
        home: where the whole was written: the template, or the executor's section.
        base: the request without the template; None for that itself.
        layer: what the template lays over it; empty for the base itself.
        assumed: the options are stand-ins: nothing is said of the executor.
        configuration: all of it.
        substituted: whether the text of an environment variable of the container came from a `${VARIABLE}`.
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
        """Where a member was written."""
        return self.origins.position(path) or self.home

    def complaint(self, rule: str, path: tuple[str, ...], message: str, hint: str = "") -> Complaint:
        """One thing that is wrong with it."""
        return Complaint(rule, self.position(*path), f"{self.what}: {message}", hint)

    @property
    def overrides(self) -> Mapping[str, Any]:
        """Of an ECS task."""
        return self.request.get("overrides") or {}

    def containers(self) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
        """The overrides of each container, and their path by name."""
        for item in self.overrides.get("containerOverrides") or ():
            yield ("overrides", "containerOverrides", item.get("name", "")), item
        if own := self.request.get("containerOverrides"):
            yield ("containerOverrides",), own
        tasks = (self.request.get("ecsPropertiesOverride") or {}).get("taskProperties") or ()
        for task in tasks:
            for item in task.get("containers") or ():
                path = ("ecsPropertiesOverride", "taskProperties", "0", "containers", item.get("name", ""))
                yield path if self.origins.position(path) else ("containerOverrides",), item
