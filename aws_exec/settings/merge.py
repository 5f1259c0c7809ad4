"""Merging RunTask documents by meaning. Pure: plain JSON-like data in, fresh data out, nothing given is changed.

Two steps, in this order. `normalised` brings one document into AWS's own spelling (camelCase, lists of name and value);
`merge_documents` lays one normalised document over another:

* containers, environment, tags and the other lists of named things merge by name; all other lists replace;
* `null` deletes, at any depth and for a named thing too (`{"name": "X", "value": null}`);
* keys that the user chose (tags, environment variables) are never renamed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from aws_exec.settings.problems import Finding, InvalidExecutorConfig

Document = dict[str, Any]

#: Lists of named things, and the member that names them (ECS API Reference, RunTask).
NAMED = {
    "containerOverrides": "name",
    "environment": "name",
    "inferenceAcceleratorOverrides": "deviceName",
    "resourceRequirements": "type",
    "tags": "key",
    "volumeConfigurations": "name",
}

#: Lists that may also be written as a map from user-chosen keys.
MAPPED = {"environment": "name", "tags": "key"}

#: One of them at most: naming the one drops the other.
RIVALS = {"launchType": "capacityProviderStrategy", "capacityProviderStrategy": "launchType"}

#: Deeper than any request; also what ends a document that contains itself.
DEPTH = 20

#: Names that the rule for camelCase misses.
_IRREGULAR = {
    "enableEcsManagedTags": "enableECSManagedTags",
    "managedEbsVolume": "managedEBSVolume",
    "sizeInGib": "sizeInGiB",
}


def camelized(key: str) -> str:
    """A key in AWS's spelling: `task_definition` and `TaskDefinition` are `taskDefinition`."""
    joined = re.sub(r"_+(.)", lambda found: found[1].upper(), key)
    name = joined[:1].lower() + joined[1:]
    return _IRREGULAR.get(name, name)


def normalised(document: Mapping[str, Any]) -> Document:
    """A deep copy of a document in AWS's spelling.

    Raises:
        InvalidExecutorConfig: a key is not text, is given in two spellings, or the nesting does not end.
    """
    return _structure(document, "", 0)


def merge_documents(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> Document:
    """Lay a normalised document over another; neither is changed, and the result shares nothing with them."""
    merged = {key: _copy(value) for key, value in base.items() if value is not None}
    for key, value in overlay.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            below = merged.get(key)
            merged[key] = merge_documents(below if isinstance(below, dict) else {}, value)
        elif key in NAMED and isinstance(value, list):
            below = merged.get(key)
            merged[key] = _merge_named(below if isinstance(below, list) else [], value, NAMED[key])
        else:
            merged[key] = _copy(value)
    return merged


def merge_run_task(base: Mapping[str, Any], overlay: Mapping[str, Any], *, container: str = "") -> Document:
    """Lay one RunTask request over another, in either spelling.

    Args:
        base: the request so far.
        overlay: what wins. `launchType` and `capacityProviderStrategy` in it displace each other in the base.
        container: the name of the Airflow container, which a container override without a name means.

    Raises:
        InvalidExecutorConfig: as for `normalised`.
    """
    return lay_over(normalised(base), normalised(overlay), container=container)


def lay_over(base: Mapping[str, Any], overlay: Mapping[str, Any], *, container: str) -> Document:
    """As `merge_run_task`, for documents that are normalised already."""
    displaced = {RIVALS[key] for key in RIVALS if overlay.get(key)}
    remaining = {key: value for key, value in base.items() if key not in displaced}
    merged = merge_documents(with_names(remaining, container), with_names(overlay, container))
    return merge_documents({}, merged)


def with_names(request: Mapping[str, Any], container: str) -> Document:
    """A request whose container overrides all have a name: those without one get the Airflow container's."""
    overrides = request.get("overrides")
    containers = overrides.get("containerOverrides") if isinstance(overrides, Mapping) else None
    if not isinstance(overrides, Mapping) or not isinstance(containers, list) or not container:
        return dict(request)
    named = [
        {"name": container, **{key: value for key, value in item.items() if key != "name"}}
        if isinstance(item, Mapping) and not item.get("name")
        else item
        for item in containers
    ]
    return {**request, "overrides": {**overrides, "containerOverrides": named}}


def _merge_named(base: Sequence[Any], overlay: Sequence[Any], name: str) -> list[Any]:
    """Merge lists of named things; the order is that of first mention. What has no name is kept as it is."""
    merged: dict[Any, Any] = {}
    for position, item in enumerate((*base, *overlay)):
        named = isinstance(item, Mapping) and isinstance(item.get(name), str)
        key = item[name] if named else ("unnamed", position)
        if not named:
            merged[key] = _copy(item)
        elif "value" in item and item["value"] is None and position >= len(base):
            merged.pop(key, None)
        else:
            merged[key] = merge_documents(merged.get(key, {}), item)
    return list(merged.values())


def _structure(document: Mapping[Any, Any], path: str, depth: int) -> Document:
    if depth > DEPTH:
        raise InvalidExecutorConfig([Finding(path, "is nested too deeply", "No request is this deep")])
    result: Document = {}
    for key, value in document.items():
        if not isinstance(key, str):
            message = f"has a key that is not text but {type(key).__name__}"
            raise InvalidExecutorConfig([Finding(path, message, "All keys are strings")])
        name = camelized(key)
        below = f"{path}.{name}" if path else name
        if name in result:
            raise InvalidExecutorConfig([Finding(below, "is given twice, in two spellings", "Keep one of them")])
        result[name] = _listed(value, name, below, depth) if name in MAPPED else _value(value, below, depth)
    return result


def _listed(value: Any, name: str, path: str, depth: int) -> Any:
    """A list of named things that may be written as a map; its keys are the user's, and stay as they are."""
    member = MAPPED[name]
    if not isinstance(value, Mapping):
        return _value(value, path, depth)
    if set(value) == {member, "value"}:
        # The amazon provider documents its `tags` so: {"key": "schema", "value": "1.0"} is one tag.
        return [_value(value, path, depth)]
    if not all(isinstance(key, str) for key in value):
        raise InvalidExecutorConfig([Finding(path, "has a key that is not text", "All keys are strings")])
    return [{member: key, "value": _value(entry, f"{path}.{key}", depth + 1)} for key, entry in value.items()]


def _value(value: Any, path: str, depth: int) -> Any:
    if depth > DEPTH:
        raise InvalidExecutorConfig([Finding(path, "is nested too deeply", "No request is this deep")])
    if isinstance(value, Mapping):
        return _structure(value, path, depth + 1)
    if isinstance(value, list | tuple):
        return [_value(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value)]
    return value


def _copy(value: Any) -> Any:
    """A deep copy without nulls in mappings: in a merged request nothing is left to delete."""
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_copy(item) for item in value]
    return value
