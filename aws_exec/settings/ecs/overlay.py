"""Overlays of the RunTask request: an `executor_config` or `run_task_kwargs`; and what they may not set.

Reserved, because awsexec decides them:

| | in an executor_config | in run_task_kwargs |
|---|---|---|
| `name`, `command` at the top | refused | refused (RunTask has none) |
| a command of the Airflow container | refused | overridden, with a warning |
| `clientToken`, `startedBy`, a `count` other than 1 | refused | overridden, with a warning |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from aws_exec.settings.common.merge import RUN_TASK as GRAMMAR
from aws_exec.settings.common.merge import Document, normalised, with_names
from aws_exec.settings.common.overlay import (
    COMMAND,
    Dialect,
    Overlay,
    document_of,
    not_for_tags,
    read_config,
    read_kwargs,
    reserved_members,
)
from aws_exec.settings.common.problems import Finding
from aws_exec.settings.common.shape import RUN_TASK, container_shape

_RESERVED = MappingProxyType(
    {
        "command": COMMAND,
        "name": "the container is named by the option container_name",
        "clientToken": "it is what keeps a task from being launched twice",
        "startedBy": "running tasks are found by it",
    },
)
_DECIDED = frozenset({*_RESERVED, "count"})


def read_executor_config(config: object, container: str) -> Overlay:
    """Read one task's `executor_config`.

    RunTask-shaped (`{"overrides": {...}, "cluster": ...}`, as the Amazon provider merges it), ContainerOverride-shaped
    (`{"cpu": 512, "environment": [...]}`, as its documentation says, meant for the Airflow container), or both.

    Args:
        config: whatever the DAG author wrote.
        container: the name of the Airflow container.

    Raises:
        InvalidExecutorConfig: with every finding.
    """
    request, own = read_config(document_of(config, GRAMMAR), container, DIALECT)
    return Overlay(_without_reserved(_with_own(request, own, container), container))


def read_run_task_kwargs(kwargs: Mapping[str, Any], container: str) -> Overlay:
    """Read the option `run_task_kwargs`: RunTask-shaped.

    Raises:
        InvalidExecutorConfig: with every finding; the caller knows the option.
    """
    overlay = read_kwargs(normalised(kwargs), container, DIALECT)
    return Overlay(_without_reserved(overlay.request, container), overlay.warnings)


def _reserved(document: Mapping[str, Any]) -> Iterator[Finding]:
    yield from reserved_members(document, _RESERVED)
    if document.get("count", 1) not in (1, "1", None):
        yield Finding("count", "can only be 1", "Remove it: one task instance is one container", "request-reserved")


def _faults(request: Mapping[str, Any]) -> Iterator[Finding]:
    if request.get("launchType") and request.get("capacityProviderStrategy"):
        message = "excludes capacityProviderStrategy, and both are set"
        yield Finding("launchType", message, "Remove one of the two", "launch-type-conflict")
    for path, tags in _lists_of_tags(request):
        for index, tag in enumerate(tags or ()):
            yield from not_for_tags((tag or {}).get("key"), f"{path}[{index}]")


def _lists_of_tags(request: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The tags of the task, and those of its volumes."""
    yield "tags", request.get("tags")
    for number, volume in enumerate(request.get("volumeConfigurations") or ()):
        managed = (volume or {}).get("managedEBSVolume") or {}
        for index, one in enumerate(managed.get("tagSpecifications") or ()):
            path = f"volumeConfigurations[{number}].managedEBSVolume.tagSpecifications[{index}].tags"
            yield path, (one or {}).get("tags")


def _containers(request: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    overrides = request.get("overrides") or {}
    for index, item in enumerate(overrides.get("containerOverrides") or ()):
        if item:
            yield f"overrides.containerOverrides[{index}]", item


DIALECT = Dialect(
    operation=RUN_TASK,
    grammar=GRAMMAR,
    container=container_shape,
    reserved=_reserved,
    decided=_DECIDED,
    containers=_containers,
    faults=_faults,
)


def _with_own(request: Document, own: Document, container: str) -> Document:
    """The flat keys as one more override of the Airflow container, which wins over those written out."""
    if not own:
        return request
    overrides = request.get("overrides") or {}
    containers = [*(overrides.get("containerOverrides") or ()), {**own, "name": container}]
    return {**request, "overrides": {**overrides, "containerOverrides": containers}}


def _without_reserved(request: Document, container: str) -> Document:
    """Return the request without the members that awsexec sets; unnamed overrides get the Airflow container's name."""
    rest = {key: value for key, value in request.items() if key not in _DECIDED}
    named = with_names(rest, container)
    overrides = named.get("overrides") or {}
    if not overrides.get("containerOverrides"):
        return named
    containers = [
        {key: value for key, value in item.items() if key != "command"} if item.get("name") == container else item
        for item in overrides["containerOverrides"]
        if item
    ]
    return {**named, "overrides": {**overrides, "containerOverrides": containers}}
