"""Templates: levels of terms, each merged over those before it, compiled to a request of either service. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from aws_exec.settings.common.merge import RUN_TASK, SUBMIT_JOB, Document, Grammar, composed, normalised, only
from aws_exec.settings.common.problems import Finding, InvalidExecutorConfig, message_of
from aws_exec.settings.file.terms import AIRFLOW_CONTAINER, Service, Terms, means

GRAMMARS: Mapping[Service, Grammar] = {"ecs": RUN_TASK, "batch": SUBMIT_JOB}

#: The member of an executor_config that names a template, or is one.
MEMBER = "template"

#: Terms about the template itself, which do not become part of a request.
_ABOUT = frozenset({"executor", "extends", "description"})


def read_terms(raw: Mapping[str, Any]) -> tuple[Terms | None, list[Finding]]:
    """Return the parsed terms, None if any is wrong; and the findings, whose path is the term's name."""
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
    field = Terms.model_fields.get(name)
    example = f"Write it as in {name}: {(field.examples or [''])[0]}" if field else ""
    return Finding(name, message_of(entry), example, "template-value")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return `Did you mean ...?`, or the list of known names if none is similar."""
    names = sorted(known)
    if close := difflib.get_close_matches(name[:120], names, 1):
        return f"Did you mean {close[0]}?"
    listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")  # noqa: PLR2004 - a line's worth
    return f"There are: {listed}" if names else "None is defined; define it below templates:"


def service_of(levels: Sequence[Terms]) -> Service | None:
    """Return the service that a template is for; None if for both."""
    return next((level.executor for level in reversed(levels) if level.executor), None)


def parts_of(level: Terms, service: Service) -> list[tuple[str, Document]]:
    """Return the part of the request for each term of one level, in order: the raw arguments last.

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
    """Return a template compiled to an executor_config of a service; None in it deletes.

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
    """Name unnamed containers of raw arguments after the Airflow container, so that they merge with the terms."""
    return _containers(raw, lambda item: item if item.get("name") else {**item, "name": AIRFLOW_CONTAINER})


def _nameless(result: Document) -> Document:
    """Return a request without the name of the Airflow container: the executor knows it."""
    return _containers(result, lambda item: {k: v for k, v in item.items() if (k, v) != ("name", AIRFLOW_CONTAINER)})


def _containers(request: Document, change: Any) -> Document:
    overrides = request.get("overrides")
    items = overrides.get("containerOverrides") if isinstance(overrides, Mapping) else None
    if not isinstance(overrides, Mapping) or not isinstance(items, list):
        return request
    changed = [change(item) if isinstance(item, Mapping) else item for item in items]
    return {**request, "overrides": {**overrides, "containerOverrides": changed}}


class TemplateBook:
    """The templates of one executor, and of Airflow queues.

    Args:
        service: of the executor.
        templates: the levels of each, the base first.
        queues: the template of each Airflow queue; tasks of other queues get none.
        source: the file, for messages; empty if there is none.
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
        """Return the overlays of the base request, in order: the template, then the rest of the executor_config.

        Args:
            config: the task's executor_config, as its author wrote it; not changed.
            queue: Airflow's queue of the task.

        Raises:
            InvalidExecutorConfig: the template is unknown, for the other service, or has a wrong term.
        """
        if isinstance(config, Mapping) and MEMBER in config:
            return self._by_config(config)
        name = self.name(config, queue)
        template = (self._named(name),) if name else ()
        return (*template, config) if config not in (None, {}) else template

    def layers_of(self, config: object, queue: str | None, member: str) -> tuple[object, ...]:
        """Return `layers`, reduced to what may set this member (`aws_exec.settings.common.launch.Templates`)."""
        return self.layers(self._narrowed(config, member) if isinstance(config, Mapping) else config, queue)

    def _narrowed(self, config: Mapping[Any, Any], member: str) -> Document:
        """Return the part of an executor_config or of a level of terms that may set a top-level member."""
        kept = only(config, member)
        if MEMBER in config:
            named = config[MEMBER]
            levels = [named] if isinstance(named, Mapping) else named
            if isinstance(levels, list | tuple) and all(isinstance(level, Mapping) for level in levels):
                named = [self._of_level(level, member) for level in levels]
            kept = {MEMBER: named, **self._of_level(config, member)}
        return kept

    def _of_level(self, level: Mapping[Any, Any], member: str) -> Document:
        """Return the same part of a level of terms; the service that it is for stays, too."""
        kept = only(level, member)
        if self._service in level:
            raw = level[self._service]
            kept[self._service] = only(raw, member) if isinstance(raw, Mapping) else raw
        if "executor" in level:
            kept["executor"] = level["executor"]
        return kept

    def name(self, config: object, queue: str | None) -> str:
        """Return the template that a task or its Airflow queue names (`aws_exec.settings.common.launch.Templates`)."""
        if isinstance(config, Mapping) and MEMBER in config:
            named = config[MEMBER]
            return named if isinstance(named, str) else ""
        return self._queues.get(queue or "", "")

    def names(self) -> list[str]:
        """Return the templates for this service."""
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
        """Return the levels of a template given by name, by terms, or by a list of terms."""
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
