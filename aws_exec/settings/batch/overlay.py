"""Overlays of the SubmitJob request: an `executor_config` or `submit_job_kwargs`; and what they may not set.

Reserved, because awsexec decides it, or refused, because one Airflow task is one container of one job on ECS:

| | in an executor_config | in submit_job_kwargs |
|---|---|---|
| `command` at the top | refused | refused (SubmitJob has none) |
| a command of the Airflow container | refused | overridden, with a warning |
| `jobName` | in the name, after the launch | the prefix of all names, as `job_name` |
| `arrayProperties`, `nodeOverrides`, `eksPropertiesOverride`, dependencies of array jobs | refused | refused |
| variables named `AWS_BATCH*` | refused | refused |

Where the Airflow container is one of several (`container_name`), what is meant for it may be written in
`containerOverrides` or under its name in `ecsPropertiesOverride`, the former winning: for merging, all of it is in
`containerOverrides`, and is moved when the request is built (`aws_exec.settings.batch.payload`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from aws_exec.settings.common.merge import SUBMIT_JOB as GRAMMAR
from aws_exec.settings.common.merge import Document, normalised
from aws_exec.settings.common.overlay import (
    COMMAND,
    Dialect,
    document_of,
    not_for_tags,
    read_config,
    read_kwargs,
    reserved_members,
)
from aws_exec.settings.common.problems import Finding, InvalidExecutorConfig
from aws_exec.settings.common.shape import SUBMIT_JOB, Shape, shape_of

_RESERVED = MappingProxyType({"command": COMMAND})

_REFUSED = MappingProxyType(
    {
        "arrayProperties": "array jobs are not supported: one task instance is one container. Map the task in the DAG",
        "nodeOverrides": "multi-node jobs are not supported: one task instance is one container",
        "eksPropertiesOverride": "jobs on Amazon EKS are not supported",
    },
)

#: Deprecated members of `containerOverrides`, which Fargate and newer job definitions ignore (API Reference,
#: ContainerOverrides), and the type of resource that takes their place.
_RESOURCES = MappingProxyType({"vcpus": "VCPU", "memory": "MEMORY"})


@dataclass(frozen=True, slots=True)
class Layers:
    """Documents to lay over the base request one after the other; each normalised and of the right types.

    Attributes:
        requests: SubmitJob-shaped; None deletes. The Airflow container's overrides are in `containerOverrides`.
        container: the name of the Airflow container; empty if it is the only one.
        warnings: about members without effect, one sentence each.
    """

    requests: tuple[Document, ...]
    container: str
    warnings: tuple[str, ...] = ()


def read_executor_config(config: object, container: str) -> Layers:
    """Read one task's `executor_config`.

    SubmitJob-shaped (`{"containerOverrides": {...}, "jobQueue": ...}`, as the Amazon provider merges it), shaped as
    ContainerOverrides (`{"vcpus": 2, "environment": [...]}`, meant for the Airflow container), or both.

    Args:
        config: whatever the DAG author wrote.
        container: the option `container_name`; the member `containerName` wins over it.

    Raises:
        InvalidExecutorConfig: with every finding.
    """
    document = _with_resources(_container_mended(document_of(config, GRAMMAR)))
    named = document.pop("containerName", container)
    if named is not None and not isinstance(named, str):
        message = f"is of type {type(named).__name__}, expected a string"
        raise InvalidExecutorConfig([Finding("containerName", message, rule="request-type")])
    container = named or ""
    request, own = read_config(document, container, DIALECT)
    layers = _layers(request, container)
    return Layers((*layers, *([{"containerOverrides": own}] if own else [])), container)


def read_submit_job_kwargs(kwargs: Mapping[str, Any], container: str) -> Layers:
    """Read the option `submit_job_kwargs`: SubmitJob-shaped.

    Raises:
        InvalidExecutorConfig: with every finding; the caller knows the option.
    """
    overlay = read_kwargs(_with_resources(normalised(kwargs, GRAMMAR)), container, DIALECT)
    return Layers(_layers(overlay.request, container), container, overlay.warnings)


def _container_shape() -> Shape:
    return shape_of(SUBMIT_JOB).members["containerOverrides"]


def _reserved(document: Mapping[str, Any]) -> Iterator[Finding]:
    return reserved_members(document, _RESERVED)


def _faults(request: Mapping[str, Any]) -> Iterator[Finding]:
    for name, why in _REFUSED.items():
        if request.get(name):
            yield Finding(name, "cannot be set", f"Remove it: {why}", "request-unsupported")
    for index, job in enumerate(request.get("dependsOn") or ()):
        if (job or {}).get("type"):
            message = "is of array jobs, which are not supported"
            yield Finding(f"dependsOn[{index}].type", message, "Name a jobId only", "request-unsupported")
    for key in request.get("tags") or ():
        yield from not_for_tags(key, f"tags.{key}")
    if len((request.get("ecsPropertiesOverride") or {}).get("taskProperties") or ()) > 1:
        path = "ecsPropertiesOverride.taskProperties"
        yield Finding(path, "has several entries, and AWS takes one", "Keep one of them", "request-length")


def _containers(request: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if own := request.get("containerOverrides"):
        yield "containerOverrides", own
    for index, task in enumerate((request.get("ecsPropertiesOverride") or {}).get("taskProperties") or ()):
        for position, item in enumerate((task or {}).get("containers") or ()):
            yield f"ecsPropertiesOverride.taskProperties[{index}].containers[{position}]", item or {}


DIALECT = Dialect(
    operation=SUBMIT_JOB,
    grammar=GRAMMAR,
    container=_container_shape,
    reserved=_reserved,
    decided=frozenset(_RESERVED),
    containers=_containers,
    faults=_faults,
    not_taken="AWS_BATCH",
)


def _with_resources(document: Document) -> Document:
    own = document.get("containerOverrides")
    return {**document, "containerOverrides": _container_mended(own)} if isinstance(own, dict) else document


def _container_mended(overrides: Document) -> Document:
    """Overrides of a container with `vcpus` and `memory` as resource requirements, and all of these as text.

    What cannot be meant stays as it is, for the check of types to name.
    """
    requirements = overrides.get("resourceRequirements")
    if not isinstance(requirements, list | None):
        return overrides
    deprecated = {name: overrides[name] for name in _RESOURCES if name in overrides and _is_amount(overrides[name])}
    # The full form comes last: it wins over the deprecated one.
    amounts = [{"type": _RESOURCES[name], "value": value} for name, value in deprecated.items()]
    mended = [_as_text(item) for item in (*amounts, *(requirements or ()))]
    rest = {key: value for key, value in overrides.items() if key not in deprecated}
    return {**rest, "resourceRequirements": mended} if mended else rest


def _is_amount(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().replace(".", "", 1).isdecimal()
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _as_text(item: object) -> object:
    """Return a resource requirement with its value as text, as AWS requires: 0.5 is "0.5"."""
    if isinstance(item, dict) and isinstance(item.get("value"), float):
        return {**item, "value": f"{item['value']:g}"}
    return item


def _layers(request: Document, container: str) -> tuple[Document, ...]:
    """A request of the right types, with the Airflow container's overrides where they are merged.

    Raises:
        InvalidExecutorConfig: it speaks of several containers, and which is Airflow's is not known.
    """
    own = {key: value for key, value in (request.get("containerOverrides") or {}).items() if key != "command"}
    others = {key: value for key, value in request.items() if key != "containerOverrides"}
    tasks = (request.get("ecsPropertiesOverride") or {}).get("taskProperties") or ()
    named = [item for task in tasks for item in (task or {}).get("containers") or ()]
    items = [item for item in named if item]
    if items and not container:
        message = "overrides one of several containers, and which of them is Airflow's is not known"
        remedy = "Name it by the option container_name, or by containerName in the executor_config"
        raise InvalidExecutorConfig([Finding("ecsPropertiesOverride", message, remedy, "container-name")])
    airflows = [item for item in items if item.get("name") in (None, "", container)]
    # Empty overrides have no effect, and no name for the others to merge with.
    if airflows or len(items) < len(named):
        sidecars = [item for item in items if item not in airflows]
        others["ecsPropertiesOverride"] = {"taskProperties": [{"containers": sidecars}]} if sidecars else {}
    moved = [{key: value for key, value in item.items() if key not in ("name", "command")} for item in airflows]
    deleted = "containerOverrides" in request and request["containerOverrides"] is None
    mine = [*moved, *([None] if deleted else [own] if own else [])]
    return (others, *({"containerOverrides": each} for each in mine))
