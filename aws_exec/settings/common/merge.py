"""Merging RunTask and SubmitJob documents by meaning. Pure: plain data in, fresh data out, nothing given is changed.

Two steps, in this order. `normalised` brings one document into AWS's own spelling (camelCase, lists of name and value);
`merge_documents` lays one normalised document over another:

* containers, environment, tags and the other lists of named things merge by name; all other lists replace;
* `null` deletes, at any depth and for a named thing too (`{"name": "X", "value": null}`);
* keys that the user chose (tags, parameters, environment variables) are never renamed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from aws_exec.settings.common.problems import Finding, InvalidExecutorConfig

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Grammar:
    """The rules for merging requests of one operation.

    Attributes:
        named: lists of named things, and the member that names them.
        mapped: those of them that may also be written as a map from names that the user chose to values.
        rivals: members of which the request has one at most: naming the one drops the other.
        irregular: names that the rule for camelCase misses, by what the rule makes of them.
        free_keys: maps with the user's own keys; they may also be written as a list of `key` and `value`.
        single: lists of which AWS takes one element only: it merges with the one that is there.
    """

    named: Mapping[str, str]
    mapped: frozenset[str]
    rivals: Mapping[str, str]
    irregular: Mapping[str, str]
    free_keys: frozenset[str] = frozenset()
    single: frozenset[str] = frozenset()


#: ECS API Reference, RunTask.
RUN_TASK = Grammar(
    named={
        "containerOverrides": "name",
        "environment": "name",
        "inferenceAcceleratorOverrides": "deviceName",
        "resourceRequirements": "type",
        "tags": "key",
        "volumeConfigurations": "name",
    },
    mapped=frozenset({"environment", "tags"}),
    rivals={"launchType": "capacityProviderStrategy", "capacityProviderStrategy": "launchType"},
    irregular={
        "enableEcsManagedTags": "enableECSManagedTags",
        "managedEbsVolume": "managedEBSVolume",
        "sizeInGib": "sizeInGiB",
    },
)

#: AWS Batch API Reference, SubmitJob.
SUBMIT_JOB = Grammar(
    named={
        "consumableResourceList": "consumableResource",
        "containers": "name",
        "environment": "name",
        "resourceRequirements": "type",
    },
    mapped=frozenset({"environment"}),
    rivals={},
    irregular={},
    free_keys=frozenset({"parameters", "tags"}),
    single=frozenset({"taskProperties"}),
)

#: Deeper than any request; also what ends a document that contains itself.
DEPTH = 20


def camelized(key: str, grammar: Grammar = RUN_TASK) -> str:
    """A key in AWS's spelling: `task_definition` and `TaskDefinition` are `taskDefinition`."""
    joined = re.sub(r"_+(.)", lambda found: found[1].upper(), key)
    name = joined[:1].lower() + joined[1:]
    return grammar.irregular.get(name, name)


def only(document: Mapping[Any, Any], member: str) -> Document:
    """A document without all that cannot be this member at its top, in whatever spelling; fresh, and not checked.

    The rest costs nothing: one member may be read from thousands of long documents.
    """
    flat = member.lower()
    return {key: value for key, value in document.items() if isinstance(key, str) and _flat(key) == flat}


def _flat(key: str) -> str:
    """Return the common form of all spellings of a member."""
    return key.replace("_", "").lower()


def normalised(document: Mapping[str, Any], grammar: Grammar = RUN_TASK) -> Document:
    """A deep copy of a document in AWS's spelling.

    Raises:
        InvalidExecutorConfig: a key is not text, is given in two spellings, or the nesting does not end.
    """
    return _Spelling(grammar).structure(document, "", 0)


def merge_documents(base: Mapping[str, Any], overlay: Mapping[str, Any], grammar: Grammar = RUN_TASK) -> Document:
    """Lay a normalised document over another; neither is changed, and the result shares nothing with them."""
    return _merged(base, overlay, grammar, nulls=False)


def composed(under: Mapping[str, Any], over: Mapping[str, Any], grammar: Grammar) -> Document:
    """Return two normalised documents as one that has the same effect on a third as both in turn: nulls stay."""
    displaced = {rival for key, rival in grammar.rivals.items() if over.get(key)}
    remaining = {key: value for key, value in under.items() if key not in displaced}
    return _merged(remaining, over, grammar, nulls=True)


def _merged(base: Mapping[str, Any], overlay: Mapping[str, Any], grammar: Grammar, *, nulls: bool) -> Document:
    copy = deepcopy if nulls else _copy
    merged = {key: copy(value) for key, value in base.items() if nulls or value is not None}
    for key, value in overlay.items():
        below = merged.get(key)
        if value is None:
            merged.pop(key, None)
            if nulls:
                merged[key] = None
        elif isinstance(value, Mapping):
            merged[key] = _merged(below if isinstance(below, dict) else {}, value, grammar, nulls=nulls)
        elif key in grammar.named and isinstance(value, list):
            merged[key] = _merge_named(below if isinstance(below, list) else [], value, key, grammar, nulls=nulls)
        elif key in grammar.single and isinstance(value, list) and value and isinstance(value[0], Mapping):
            first = (below or [{}])[0]
            merged[key] = [_merged(first, value[0], grammar, nulls=nulls), *copy(value[1:])]
        else:
            merged[key] = copy(value)
    return merged


def merge_run_task(base: Mapping[str, Any], overlay: Mapping[str, Any], *, container: str = "") -> Document:
    """Lay one RunTask request over another, in either spelling.

    Args:
        base: the request so far.
        overlay: wins. `launchType` and `capacityProviderStrategy` in it displace each other in the base.
        container: the name of the Airflow container, which a container override without a name means.

    Raises:
        InvalidExecutorConfig: as for `normalised`.
    """
    return lay_over(normalised(base), normalised(overlay), container=container)


def lay_over(base: Mapping[str, Any], overlay: Mapping[str, Any], *, container: str) -> Document:
    """As `merge_run_task`, for documents that are normalised already."""
    displaced = {rival for key, rival in RUN_TASK.rivals.items() if overlay.get(key)}
    remaining = {key: value for key, value in base.items() if key not in displaced}
    merged = merge_documents(with_names(remaining, container), with_names(overlay, container))
    return merge_documents({}, merged)


def with_names(request: Mapping[str, Any], container: str) -> Document:
    """Return a request whose container overrides all have a name: those without one get the Airflow container's."""
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


def _merge_named(
    base: Sequence[Any], overlay: Sequence[Any], member: str, grammar: Grammar, *, nulls: bool
) -> list[Any]:
    """Merge lists of named items in the order of their first occurrence. Items without a name stay as they are."""
    name = grammar.named[member]
    merged: dict[Any, Any] = {}
    for position, item in enumerate((*base, *overlay)):
        named = isinstance(item, Mapping) and isinstance(item.get(name), str)
        key = item[name] if named else ("unnamed", position)
        if not named:
            merged[key] = deepcopy(item) if nulls else _copy(item)
        elif "value" in item and item["value"] is None and position >= len(base) and not nulls:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key, {}), item, grammar, nulls=nulls)
    return list(merged.values())


@dataclass(frozen=True, slots=True)
class _Spelling:
    """Brings documents into AWS's spelling, as deep copies."""

    grammar: Grammar

    def structure(self, document: Mapping[Any, Any], path: str, depth: int) -> Document:
        result: Document = {}
        for key, value in document.items():
            if not isinstance(key, str):
                message = f"has a key that is not text but {type(key).__name__}"
                raise InvalidExecutorConfig([Finding(path, message, "All keys are strings", "request-type")])
            name = camelized(key, self.grammar)
            below = f"{path}.{name}" if path else name
            if name in result:
                message = "is given twice, in two spellings"
                raise InvalidExecutorConfig([Finding(below, message, "Keep one of them", "request-twice")])
            if name in self.grammar.free_keys and isinstance(value, Mapping | list | tuple):
                result[name] = self._chosen(value, below, depth)
            elif name in self.grammar.mapped and isinstance(value, Mapping):
                result[name] = self._listed(value, self.grammar.named[name], below, depth)
            else:
                result[name] = self._value(value, below, depth)
        return result

    def _listed(self, value: Mapping[Any, Any], member: str, path: str, depth: int) -> list[Any]:
        """A list of named things that is written as a map; its keys are the user's, and stay as they are."""
        if set(value) == {member, "value"}:
            # The Amazon provider documents its `tags` so: {"key": "schema", "value": "1.0"} is one tag.
            return [self._value(value, path, depth)]
        if not all(isinstance(key, str) for key in value):
            message = "has a key that is not text"
            raise InvalidExecutorConfig([Finding(path, message, "All keys are strings", "request-type")])
        return [{member: key, "value": self._value(one, f"{path}.{key}", depth + 1)} for key, one in value.items()]

    def _chosen(self, value: Mapping[Any, Any] | Sequence[Any], path: str, depth: int) -> Any:
        """Return a map with the user's own keys; the Amazon provider documents `tags` as a list."""
        if isinstance(value, Mapping):
            return {key: self._value(item, f"{path}.{key}", depth + 1) for key, item in value.items()}
        entries = [self._value(item, f"{path}[{index}]", depth) for index, item in enumerate(value)]
        if not all(isinstance(entry, dict) and isinstance(entry.get("key"), str) for entry in entries):
            message = "is a list, expected an object of names and values"
            raise InvalidExecutorConfig([Finding(path, message, "Write it as in {name: value}", "request-type")])
        return {entry["key"]: entry.get("value", "") for entry in entries}

    def _value(self, value: Any, path: str, depth: int) -> Any:
        if depth > DEPTH:
            raise InvalidExecutorConfig(
                [Finding(path, "is nested too deeply", "No request is this deep", "request-depth")]
            )
        if isinstance(value, Mapping):
            return self.structure(value, path, depth + 1)
        if isinstance(value, list | tuple):
            return [self._value(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value)]
        return value


def _copy(value: Any) -> Any:
    """A deep copy without nulls in mappings: in a merged request nothing is left to delete."""
    if isinstance(value, Mapping):
        return {key: _copy(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_copy(item) for item in value]
    return value
