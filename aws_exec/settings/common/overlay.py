"""Overlays of the base request: an `executor_config` or the `*_kwargs` option; and what they may not set.

Members that awsexec sets itself are reserved, and refused in an `executor_config`. In the option they are overridden,
with a warning: the Amazon provider ignores the commands and the count of its `*_kwargs` too, so refusing to start would
keep its users from moving. Environment variables whose names begin with `AWSEXEC_` are refused in both for the Airflow
container, and `AIRFLOW_IS_EXECUTOR_CONTAINER` is overridden in both.

The differences between the services are in their `Dialect`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws_exec.settings.common.merge import Document, Grammar, normalised, only
from aws_exec.settings.common.problems import Finding, InvalidExecutorConfig
from aws_exec.settings.common.shape import Operation, Shape, conform, shape_of

#: Environment variables that identify a container (`aws_exec.lifecycle.identity`).
RESERVED_PREFIX = "AWSEXEC_"

#: Why the Airflow container's command cannot be set.
COMMAND = "awsexec decides what the Airflow container runs"


@dataclass(frozen=True, slots=True)
class Dialect:
    """How users write the requests of one operation.

    Attributes:
        operation: of the requests.
        grammar: the rules for merging.
        container: the shape of one container's overrides: its members may stand at the top of an executor_config, and
            then apply to the Airflow container.
        reserved: returns findings on top-level members that awsexec sets itself.
        decided: those members.
        containers: the overrides of each container in a request of the right types, with their path; the Airflow
            container's have its `name`, or none.
        faults: returns further findings on a request of the right types.
        not_taken: a prefix of environment variables that the service refuses; empty if none.
    """

    operation: Operation
    grammar: Grammar
    container: Callable[[], Shape]
    reserved: Callable[[Mapping[str, Any]], Iterable[Finding]]
    decided: frozenset[str]
    containers: Callable[[Mapping[str, Any]], Iterable[tuple[str, Mapping[str, Any]]]]
    faults: Callable[[Mapping[str, Any]], Iterable[Finding]]
    not_taken: str = ""


@dataclass(frozen=True, slots=True)
class Overlay:
    """A document to merge over the base request, normalised and of the right types.

    Attributes:
        request: of the operation's shape; None deletes.
        warnings: about members without effect, one sentence each.
    """

    request: Document
    warnings: tuple[str, ...] = ()


def document_of(config: object, grammar: Grammar) -> Document:
    """Return an executor_config in AWS's spelling.

    Args:
        config: whatever the DAG author wrote; not changed.
        grammar: of the operation.

    Raises:
        InvalidExecutorConfig: it is not a dictionary, or `normalised` refuses it.
    """
    if not isinstance(config, Mapping):
        message = f"is of type {type(config).__name__}, expected a dictionary"
        raise InvalidExecutorConfig([Finding("", message, rule="request-type")])
    return normalised(config, grammar)


def read_config(document: Document, container: str, dialect: Dialect) -> tuple[Document, Document]:
    """Read one task's executor_config: request-shaped, shaped as one container's overrides, or both mixed.

    Args:
        document: from `document_of`; used up.
        container: the name of the Airflow container.
        dialect: of the service.

    Returns:
        The request, and the top-level overrides of the Airflow container; None in them deletes.

    Raises:
        InvalidExecutorConfig: with every finding.
    """
    findings = list(dialect.reserved(document))
    for name in dialect.decided:
        document.pop(name, None)
    flat_shape = dialect.container()
    flat_names = frozenset(flat_shape.members)
    flat = {name: document.pop(name) for name in [*document] if name in flat_names}
    own = conform(flat, flat_shape, partial=True, operation=dialect.operation)
    shape = shape_of(dialect.operation)
    request = conform(document, shape, partial=True, also=flat_names, operation=dialect.operation)
    findings += [*own.findings, *request.findings]
    if not findings:
        findings += [*_foreign_environment(own.value, ""), *_decided(request.value, container, dialect)]
        findings += [*dialect.faults(request.value), *_nameless(request.value, own.value, dialect)]
    if findings:
        raise InvalidExecutorConfig(findings)
    return request.value, own.value


def read_member(layer: object, member: str, dialect: Dialect) -> Document:
    """Return one member of the request in an executor_config; the rest is neither read nor checked.

    Args:
        layer: whatever the DAG author wrote.
        member: of the request; not of a container's overrides.
        dialect: of the service.

    Returns:
        The member, of the right type, or None if it is to be deleted; an empty document if it is not set.

    Raises:
        InvalidExecutorConfig: the member is invalid, or the layer is not a dictionary.
    """
    part = only(layer, member) if isinstance(layer, Mapping) else layer
    return read_config(document_of(part, dialect.grammar), "", dialect)[0] if part != {} else {}


def read_kwargs(document: Document, container: str, dialect: Dialect) -> Overlay:
    """Read the option `*_kwargs`: request-shaped.

    Raises:
        InvalidExecutorConfig: with every finding; the caller knows the option.
    """
    request = conform(document, shape_of(dialect.operation), partial=True, operation=dialect.operation)
    findings = list(request.findings)
    if not findings:
        findings += [
            finding for path, item in dialect.containers(request.value) for finding in _foreign_environment(item, path)
        ]
        findings += [*dialect.faults(request.value), *_nameless(request.value, {}, dialect)]
    if findings:
        raise InvalidExecutorConfig(findings)
    warnings = [*dialect.reserved(request.value), *_decided(request.value, container, dialect)]
    return Overlay(request.value, tuple(str(finding) for finding in warnings))


def reserved_members(document: Mapping[str, Any], why: Mapping[str, str]) -> Iterator[Finding]:
    """Yield findings on top-level members that awsexec sets itself; `why` has a reason for each."""
    for name, reason in why.items():
        if name in document:
            yield Finding(name, "cannot be set", f"Remove it: {reason}", "request-reserved")


def not_for_tags(key: object, path: str) -> Iterator[Finding]:
    """Yield findings on the key of a tag; the services' models let both pass."""
    if not key:
        yield Finding(path, "has no key", "Give it one", "tag-key")
    elif str(key).lower().startswith("aws:"):
        yield Finding(path, "begins with aws:, which AWS keeps for itself", "Choose another key", "tag-key")


def _is_airflows(item: Mapping[str, Any], container: str) -> bool:
    return item.get("name") in (None, "", container)


def _decided(request: Mapping[str, Any], container: str, dialect: Dialect) -> Iterator[Finding]:
    """Yield findings on the overrides of containers; a sidecar may set anything but the variables of our identity.

    The identity of a job is read from the first container that has these variables.
    """
    for path, item in dialect.containers(request):
        if _is_airflows(item, container) and item.get("command"):
            yield Finding(f"{path}.command", "cannot be set", f"Remove it: {COMMAND}", "request-reserved")
        yield from _foreign_environment(item, path)


def _foreign_environment(item: Mapping[str, Any], path: str) -> Iterator[Finding]:
    for where, name in _variables(item, path):
        if name.startswith(RESERVED_PREFIX):
            remedy = f"Choose a name that does not begin with {RESERVED_PREFIX}"
            yield Finding(where, f"{name[:80]} is reserved", remedy, "env-reserved")


def _nameless(request: Mapping[str, Any], own: Mapping[str, Any], dialect: Dialect) -> Iterator[Finding]:
    """Yield findings on variables without a name, or with one that the service refuses; the model lets them pass."""
    for path, item in [("", own), *dialect.containers(request)]:
        for where, name in _variables(item, path):
            if not name:
                yield Finding(where, "has no name", "Give it one", "env-name")
            elif dialect.not_taken and name.startswith(dialect.not_taken):
                remedy = f"Choose a name that does not begin with {dialect.not_taken}"
                yield Finding(where, f"{name[:80]} is one that AWS keeps for itself", remedy, "env-reserved")


def _variables(item: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the name of each environment variable in one container's overrides."""
    for index, entry in enumerate(item.get("environment") or ()):
        yield f"{path}.environment[{index}]".lstrip("."), (entry or {}).get("name") or ""
