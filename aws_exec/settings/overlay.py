"""What a person lays over the base request: an `executor_config`, or `run_task_kwargs`; and what they may not.

Reserved, because awsexec decides them:

| | in an executor_config | in run_task_kwargs |
|---|---|---|
| `name`, `command` at the top | refused | refused (RunTask has none) |
| a command of the Airflow container | refused | overridden, with a warning |
| `clientToken`, `startedBy`, a `count` other than 1 | refused | overridden, with a warning |
| `AWSEXEC_*` in the Airflow container's environment | refused | refused |
| `AIRFLOW_IS_EXECUTOR_CONTAINER` | overridden | overridden |

The amazon provider ignores the commands and the count of its `run_task_kwargs` too, so refusing to start would keep
its users from moving.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws_exec.settings.merge import Document, normalised, with_names
from aws_exec.settings.problems import Finding, InvalidExecutorConfig
from aws_exec.settings.shape import conform, container_shape, run_task_shape

#: Environment variables that identify a container (`aws_exec.lifecycle.identity`).
RESERVED_PREFIX = "AWSEXEC_"

_RESERVED = {
    "command": "awsexec decides what the Airflow container runs",
    "name": "the container is named by the option container_name",
    "clientToken": "it is what keeps a task from being launched twice",
    "startedBy": "running tasks are found by it",
}


@dataclass(frozen=True, slots=True)
class Overlay:
    """A document to lay over the base request, normalised and of the right types.

    Attributes:
        request: RunTask-shaped; None deletes.
        warnings: what in it has no effect, one sentence each.
    """

    request: Document
    warnings: tuple[str, ...] = ()


def read_executor_config(config: object, container: str) -> Overlay:
    """Read one task's `executor_config`.

    RunTask-shaped (`{"overrides": {...}, "cluster": ...}`, as the amazon provider merges it), ContainerOverride-shaped
    (`{"cpu": 512, "environment": [...]}`, as its documentation says, meant for the Airflow container), or both.

    Args:
        config: whatever the DAG author wrote.
        container: the name of the Airflow container.

    Raises:
        InvalidExecutorConfig: with every finding.
    """
    if not isinstance(config, Mapping):
        message = f"is of type {type(config).__name__}, expected a dictionary"
        raise InvalidExecutorConfig([Finding("", message)])
    document = normalised(config)
    findings = list(_reserved(document))
    for name in ("name", "command"):
        document.pop(name, None)
    flat_names = frozenset(container_shape().members)
    flat = {name: document.pop(name) for name in [*document] if name in flat_names}
    own = conform(flat, container_shape(), partial=True)
    request = conform(document, run_task_shape(), partial=True, also=flat_names)
    findings += [*own.findings, *request.findings]
    if not findings:
        findings += [*_foreign_environment(own.value, ""), *_containers(request.value, container)]
        findings += [*_rivals(request.value), *_nameless(request.value, own.value)]
    if findings:
        raise InvalidExecutorConfig(findings)
    return Overlay(_without_reserved(_with_own(request.value, own.value, container), container))


def read_run_task_kwargs(kwargs: Mapping[str, Any], container: str) -> Overlay:
    """Read the option `run_task_kwargs`: RunTask-shaped.

    Raises:
        InvalidExecutorConfig: with every finding; the caller knows which option it was.
    """
    request = conform(normalised(kwargs), run_task_shape(), partial=True)
    findings = list(request.findings)
    if not findings:
        airflow = with_names(request.value, container)
        findings += [
            finding
            for path, item in _container_items(airflow)
            if item.get("name") == container
            for finding in _foreign_environment(item, path)
        ]
        findings += [*_rivals(request.value), *_nameless(request.value, {})]
    if findings:
        raise InvalidExecutorConfig(findings)
    warnings = [str(finding) for finding in (*_reserved(request.value), *_containers(request.value, container))]
    return Overlay(_without_reserved(request.value, container), tuple(warnings))


def _reserved(document: Mapping[str, Any]) -> Iterator[Finding]:
    for name, why in _RESERVED.items():
        if name in document:
            yield Finding(name, "cannot be set", f"Remove it: {why}")
    if document.get("count", 1) not in (1, "1", None):
        yield Finding("count", "can only be 1", "Remove it: one task instance is one container")


def _rivals(request: Mapping[str, Any]) -> Iterator[Finding]:
    if request.get("launchType") and request.get("capacityProviderStrategy"):
        yield Finding("launchType", "excludes capacityProviderStrategy, and both are set", "Remove one of the two")


def _nameless(request: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[Finding]:
    """Named things without a name, and tags under a name that AWS keeps for itself; the model lets both pass."""
    for index, tag in enumerate(request.get("tags") or ()):
        key = (tag or {}).get("key")
        if not key:
            yield Finding(f"tags[{index}]", "has no key", "Give it one")
        elif key.lower().startswith("aws:"):
            yield Finding(f"tags[{index}]", "begins with aws:, which AWS keeps for itself", "Choose another key")
    for path, item in [("", own), *_container_items(request)]:
        for index, entry in enumerate(item.get("environment") or ()):
            if not (entry or {}).get("name"):
                yield Finding(f"{path}.environment[{index}]".lstrip("."), "has no name", "Give it one")


def _containers(request: Mapping[str, Any], container: str) -> Iterator[Finding]:
    """What is wrong with the overrides of the Airflow container; a sidecar may be told what its author likes."""
    for path, item in _container_items(request):
        if item.get("name") in (None, "", container):
            if item.get("command"):
                yield Finding(f"{path}.command", "cannot be set", f"Remove it: {_RESERVED['command']}")
            yield from _foreign_environment(item, path)


def _foreign_environment(item: Mapping[str, Any], path: str) -> Iterator[Finding]:
    for index, entry in enumerate(item.get("environment") or ()):
        name = (entry or {}).get("name") or ""
        if name.startswith(RESERVED_PREFIX):
            where = f"{path}.environment[{index}]" if path else f"environment[{index}]"
            yield Finding(
                where, f"{name[:80]} is reserved", f"Choose a name that does not begin with {RESERVED_PREFIX}"
            )


def _container_items(request: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    overrides = request.get("overrides") or {}
    for index, item in enumerate(overrides.get("containerOverrides") or ()):
        if item:
            yield f"overrides.containerOverrides[{index}]", item


def _with_own(request: Document, own: Document, container: str) -> Document:
    """The flat keys as one more override of the Airflow container, which wins over those written out."""
    if not own:
        return request
    overrides = request.get("overrides") or {}
    containers = [*(overrides.get("containerOverrides") or ()), {**own, "name": container}]
    return {**request, "overrides": {**overrides, "containerOverrides": containers}}


def _without_reserved(request: Document, container: str) -> Document:
    """The request without what awsexec decides; what is unnamed becomes the Airflow container's."""
    rest = {key: value for key, value in request.items() if key not in {*_RESERVED, "count"}}
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
