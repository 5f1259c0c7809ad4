"""Templates: levels of terms, each laid over those before it, compiled to the request of either service. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from aws_exec.settings.common.merge import RUN_TASK, SUBMIT_JOB, Document, Grammar, composed, normalised, only
from aws_exec.settings.common.problems import Finding, InvalidExecutorConfig
from aws_exec.settings.file.terms import AIRFLOW_CONTAINER, Service, Terms, means

GRAMMARS: Mapping[Service, Grammar] = {"ecs": RUN_TASK, "batch": SUBMIT_JOB}

#: The member of an executor_config that names a template, or is one.
MEMBER = "template"

#: Terms that say something about a template, and nothing to a service.
_ABOUT = frozenset({"executor", "extends", "description"})


def read_terms(raw: Mapping[str, Any]) -> tuple[Terms | None, list[Finding]]:
    """Terms of what was written; None if any of them is wrong; and what is wrong, the path being the term's name."""
    try:
        return Terms.model_validate(dict(raw)), []
    except ValidationError as error:
        return None, [_finding(entry) for entry in error.errors(include_url=False, include_input=False)]


def _finding(entry: Any) -> Finding:
    name = str(entry["loc"][0]) if entry["loc"] else ""
    if entry["type"] == "extra_forbidden":
        return Finding(
            name, "is not a term of templates", did_you_mean(name, Terms.model_fields), "template-unknown-term"
        )
    message = str(entry["ctx"]["error"]) if entry["type"] == "value_error" else entry["msg"]
    field = Terms.model_fields.get(name)
    example = f"Write it as in {name}: {(field.examples or [''])[0]}" if field else ""
    return Finding(name, message[:1].lower() + message[1:], example, "template-value")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`Did you mean ...?`; without anything alike, what there is."""
    names = sorted(known)
    if close := difflib.get_close_matches(name[:120], names, 1):
        return f"Did you mean {close[0]}?"
    listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")  # noqa: PLR2004 - a line's worth
    return f"There are: {listed}" if names else "There are none"


def service_of(levels: Sequence[Terms]) -> Service | None:
    """The service that a template is for; None if for both."""
    return next((level.executor for level in reversed(levels) if level.executor), None)


def parts_of(level: Terms, service: Service) -> list[tuple[str, Document]]:
    """What each term of one level becomes in a service, in order: the raw arguments last.

    Raises:
        InvalidExecutorConfig: the raw arguments cannot be read.
    """
    parts: list[tuple[str, Document]] = []
    for name in Terms.model_fields:
        if name not in level.model_fields_set or name in _ABOUT:
            continue
        value = getattr(level, name)
        compiled = means(name, service)
        if name == service and value is not None:
            parts.append((name, _named(normalised(value, GRAMMARS[service]))))
        elif compiled is not None:
            parts.append((name, compiled(value)))
    return parts


def compiled(levels: Sequence[Terms], service: Service) -> Document:
    """The executor_config that a template is for a service; None in it deletes.

    Raises:
        InvalidExecutorConfig: it is for the other service, or its raw arguments cannot be read.
    """
    meant = service_of(levels)
    if meant is not None and meant != service:
        message = f"is for {meant}, and this is the executor of {service}"
        raise InvalidExecutorConfig([Finding(MEMBER, message, "Choose the task's executor=", "template-executor")])
    result: Document = {}
    for level in levels:
        for _, part in parts_of(level, service):
            result = composed(result, part, GRAMMARS[service])
    return _nameless(result)


def _named(raw: Document) -> Document:
    """Containers without a name are the Airflow container, so that they merge with what the terms say of it."""
    return _containers(raw, lambda item: item if item.get("name") else {**item, "name": AIRFLOW_CONTAINER})


def _nameless(result: Document) -> Document:
    """The Airflow container without a name: the executor knows it."""
    return _containers(result, lambda item: {k: v for k, v in item.items() if (k, v) != ("name", AIRFLOW_CONTAINER)})


def _containers(request: Document, change: Any) -> Document:
    overrides = request.get("overrides")
    items = overrides.get("containerOverrides") if isinstance(overrides, Mapping) else None
    if not isinstance(overrides, Mapping) or not isinstance(items, list):
        return request
    changed = [change(item) if isinstance(item, Mapping) else item for item in items]
    return {**request, "overrides": {**overrides, "containerOverrides": changed}}


class TemplateBook:
    """The templates that one executor knows, and the Airflow queues whose tasks get one.

    Args:
        service: of the executor.
        templates: the levels of each, the one it all rests on first.
        queues: the template of each Airflow queue; the tasks of all other queues get none.
        source: where they are written, for messages; empty if nowhere.
    """

    def __init__(
        self,
        service: Service,
        templates: Mapping[str, Sequence[Terms]] | None = None,
        queues: Mapping[str, str] | None = None,
        source: str = "",
    ) -> None:
        self._service = service
        self._templates = dict(templates or {})
        self._queues = dict(queues or {})
        self._source = source
        self._compiled: dict[str, Document] = {}

    def layers(self, config: object, queue: str | None) -> tuple[object, ...]:
        """What is to be laid over the base request, one after the other: the template, then the rest of the config.

        Args:
            config: the task's executor_config, whatever its author wrote; not changed.
            queue: Airflow's queue of the task.

        Raises:
            InvalidExecutorConfig: the template is not known, is for another service, or has a wrong term.
        """
        if isinstance(config, Mapping) and MEMBER in config:
            return self._by_config(config)
        name = self._queues.get(queue or "")
        template = (self._named(name),) if name is not None else ()
        return (*template, config) if config not in (None, {}) else template

    def layers_of(self, config: object, queue: str | None, member: str) -> tuple[object, ...]:
        """See `aws_exec.settings.common.launch.Templates`: the same layers, of long ones only what says this member."""
        return self.layers(self._narrowed(config, member) if isinstance(config, Mapping) else config, queue)

    def _narrowed(self, config: Mapping[Any, Any], member: str) -> Document:
        """What of an executor_config, or of a level of terms, may set a member at the top of the request."""
        kept = only(config, member)
        if MEMBER in config:
            named = config[MEMBER]
            levels = [named] if isinstance(named, Mapping) else named
            if isinstance(levels, list | tuple) and all(isinstance(level, Mapping) for level in levels):
                named = [self._of_level(level, member) for level in levels]
            kept = {MEMBER: named, **self._of_level(config, member)}
        return kept

    def _of_level(self, level: Mapping[Any, Any], member: str) -> Document:
        """The same of a level of terms, or of those beside a template: what service it is for stays, too."""
        kept = only(level, member)
        if self._service in level:
            raw = level[self._service]
            kept[self._service] = only(raw, member) if isinstance(raw, Mapping) else raw
        if "executor" in level:
            kept["executor"] = level["executor"]
        return kept

    def names(self) -> list[str]:
        """The templates that mean something to this service."""
        return [name for name, levels in self._templates.items() if service_of(levels) in (None, self._service)]

    def _by_config(self, config: Mapping[Any, Any]) -> tuple[object, ...]:
        rest = {key: value for key, value in config.items() if key != MEMBER}
        named = config[MEMBER]
        if named is None:
            return (rest,) if rest else ()
        own = {key: rest.pop(key) for key in [*rest] if key in Terms.model_fields}
        if isinstance(named, str) and not own:
            layer = self._named(named)
        else:
            levels = [*self._levels(named), *([_terms(own, "")] if own else [])]
            layer = compiled(levels, self._service)
        return (layer, rest) if rest else (layer,)

    def _named(self, name: str) -> Document:
        if name not in self._compiled:
            self._compiled[name] = compiled(self._known(name), self._service)
        return self._compiled[name]

    def _levels(self, named: object) -> Sequence[Terms]:
        """The levels of a template by name, or written out: terms, or a list of terms."""
        if isinstance(named, str):
            return self._known(named)
        written = [named] if isinstance(named, Mapping) else named
        if not isinstance(written, list | tuple) or not all(isinstance(level, Mapping) for level in written):
            message = f"is of type {type(named).__name__}, expected the name of a template"
            raise InvalidExecutorConfig([Finding(MEMBER, message, rule="template-value")])
        return [_terms(level, MEMBER) for level in written]

    def _known(self, name: str) -> Sequence[Terms]:
        if name in self._templates:
            return self._templates[name]
        where = f" in {self._source}" if self._source else ": there is no awsexec.yaml"
        message = f"{name[:80]} is not known{where}"
        raise InvalidExecutorConfig([Finding(MEMBER, message, did_you_mean(name, self._templates), "template-unknown")])


def _terms(raw: Mapping[str, Any], path: str) -> Terms:
    terms, findings = read_terms(raw)
    if terms is None:
        prefix = f"{path}." if path else ""
        raise InvalidExecutorConfig(
            Finding(f"{prefix}{finding.path}", finding.message, finding.remedy, finding.rule) for finding in findings
        )
    return terms
