"""What the requests of all services have alike: the plan, the Airflow container's environment, and what has to fit."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, TypeVar

from aws_exec.lifecycle.identity import Identity
from aws_exec.settings.common.attribution import Attribution
from aws_exec.settings.common.merge import Document, only
from aws_exec.settings.common.overlay import Dialect, read_member
from aws_exec.settings.common.problems import Finding, InvalidExecutorConfig, OptionsError, RequestTooLarge
from aws_exec.settings.common.shape import Operation, conform, shape_of

#: Characters of the overrides of an ECS task, the JSON syntax included (ECS API Reference, RunTask). Batch passes its
#: overrides on: longer ones fail the job with "Container Overrides length must be at most 8192".
OVERRIDES_LIMIT = 8192

#: Tells Airflow's logging that it runs in an executor's container; the amazon provider sets the same.
MARKER = ("AIRFLOW_IS_EXECUTOR_CONTAINER", "true")

#: The workload of a task with long names, as JSON in the command, is about this long; most of it is the token.
TYPICAL_WORKLOAD = 2000

#: A task with long names.
TYPICAL = Identity("d" * 12, "00000000-0000-0000-0000-000000000000-1", "n" * 40, "n" * 40, "n" * 40, "-1", "1")


class _Overlay(Protocol):
    """What was read of the `*_kwargs`; `warnings` says what in it has no effect, one sentence each."""

    @property
    def warnings(self) -> tuple[str, ...]: ...


AnyOverlay = TypeVar("AnyOverlay", bound=_Overlay)


class Templates(Protocol):
    """Where the templates come from that an executor_config or an Airflow queue names (`aws_exec.settings.file`)."""

    def layers(self, config: object, queue: str | None) -> tuple[object, ...]:
        """Documents shaped as executor_configs, to be laid over the base request one after the other.

        Raises:
            InvalidExecutorConfig: a template is not known, or not one.
        """
        ...

    def layers_of(self, config: object, queue: str | None, member: str) -> tuple[object, ...]:
        """As `layers`, without what cannot set this member at the top of the request: cheap, however long they are."""
        ...

    def names(self) -> Iterable[str]:
        """Those that tasks of this executor may name."""
        ...


class NoTemplates:
    """Where there is no awsexec.yaml."""

    def layers(self, config: object, queue: str | None) -> tuple[object, ...]:  # noqa: ARG002 - see Templates
        """The executor_config, if there is one."""
        return () if config is None or (isinstance(config, Mapping) and not config) else (config,)

    def layers_of(self, config: object, queue: str | None, member: str) -> tuple[object, ...]:
        """See `Templates`."""
        return self.layers(only(config, member) if isinstance(config, Mapping) else config, queue)

    def names(self) -> Iterable[str]:
        """None."""
        return ()


NO_TEMPLATES: Templates = NoTemplates()


@dataclass(frozen=True, slots=True)
class BaseRequest:
    """What all tasks of an executor share.

    Attributes:
        request: of the shape and of the right types; not yet tidy: an executor_config may change much of it.
        warnings: what in the options has no effect, one sentence each.
    """

    request: Document
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """One launch, ready to be sent.

    Attributes:
        location: where it goes (ECS cluster, Batch job queue); its job must be asked for there.
        arguments: the keyword arguments of boto3's call; share nothing with any other plan.
    """

    location: str
    arguments: dict[str, Any]


def base_of(
    attribution: Attribution,
    operation: Operation,
    given: Document,
    *,
    read: Callable[[], AnyOverlay],
    merge: Callable[[AnyOverlay], Document],
    clearer: Callable[[Finding], Finding] = lambda finding: finding,
) -> BaseRequest:
    """Make what all tasks of an executor share of its options, and check it.

    Args:
        attribution: whose options.
        operation: whose request.
        given: what the options say, without the `*_kwargs`; not complete.
        read: reads the `*_kwargs`; raises InvalidExecutorConfig.
        merge: lays what it read over `given`.
        clearer: words a finding on the merged request for who wrote the options.

    Raises:
        OptionsError: with every problem that can be seen without a task.
    """
    shape = shape_of(operation)
    problems = attribution.of(conform(given, shape, partial=True, operation=operation).findings)
    try:
        overlay = read()
    except InvalidExecutorConfig as error:
        raise OptionsError([*problems, *attribution.of_kwargs(error.findings)]) from error
    if problems:
        raise OptionsError(problems)
    checked = conform(merge(overlay), shape, operation=operation)
    if checked.findings:
        raise OptionsError(attribution.of(clearer(finding) for finding in checked.findings))
    return BaseRequest(checked.value, tuple(f"{attribution.kwargs}: {text}" for text in overlay.warnings))


def fill(airflow: Document, identity: Identity, command: Sequence[str]) -> None:
    """Give the Airflow container's overrides its command and its environment, in place."""
    ours = {MARKER[0]: MARKER[1], **identity.environment()}
    theirs = [dict(entry) for entry in airflow.get("environment", ()) if entry.get("name") not in ours]
    airflow["command"] = list(command)
    airflow["environment"] = [*theirs, *({"name": name, "value": value} for name, value in ours.items())]


class RequestBuilder(ABC):
    """Builds the requests of one executor: pure and fast, since what does not depend on the task is prepared once.

    Args:
        base: what all tasks share.
        attribution: whose options it was made of.
        templates: that tasks may name.

    Raises:
        OptionsError: the options alone already make a request that cannot be sent.

    Attributes:
        warnings: what in the options has no effect, one sentence each; to be logged once.
        queues: the Airflow queues whose tasks go to a location of their own, and that location.
    """

    queues: Mapping[str, str] = MappingProxyType({})

    #: The member of the request that is its location.
    LOCATION: ClassVar[str]
    #: How people write such requests.
    DIALECT: ClassVar[Dialect]

    def __init__(self, base: BaseRequest, attribution: Attribution, templates: Templates) -> None:
        self._base = base.request
        self._templates = templates
        self.warnings: tuple[str, ...] = base.warnings
        check_room(self.build, attribution, self.DIALECT.operation)

    def typical(self) -> Iterator[LaunchPlan]:
        """A launch of each kind that the configuration knows, an executor_config written out by a task beside them.

        The plain one first; then by each template, and by each Airflow queue with a location of its own. What cannot be
        sent is left out: a task that names it fails.
        """
        kinds: list[tuple[object, str | None]] = [(None, None)]
        kinds += [({"template": name}, None) for name in self._templates.names()]
        kinds += [(None, queue) for queue in self.queues]
        for config, queue in kinds:
            with suppress(InvalidExecutorConfig):
                yield self.build(TYPICAL, ["x"], config, queue)

    def locations(self) -> tuple[str, ...]:
        """Where the configuration sends tasks, that of the plain ones first."""
        return tuple(dict.fromkeys(plan.location for plan in self.typical()))

    def location(self, executor_config: object = None, queue: str | None = None) -> str:
        """Where a task with this executor_config and Airflow queue goes: the location of what `build` makes of them.

        Cheap, since it is asked of thousands of rows while the scheduler waits: nothing but what decides the location
        is read, so this is no check of the rest.

        Raises:
            InvalidExecutorConfig: what decides it is wrong; `build` would say so, too.
        """
        named = self.queues.get(queue or "") or self._base.get(self.LOCATION)
        for layer in self._templates.layers_of(executor_config, queue, self.LOCATION):
            named = read_member(layer, self.LOCATION, self.DIALECT).get(self.LOCATION, named)
        return self._located(named)

    @abstractmethod
    def _located(self, named: str | None) -> str:
        """The location of a request with this as its `LOCATION`; None: without any.

        Raises:
            InvalidExecutorConfig: it cannot be without.
        """

    @abstractmethod
    def build(
        self,
        identity: Identity,
        command: Sequence[str],
        executor_config: object = None,
        queue: str | None = None,
        *,
        with_tags: bool = True,
    ) -> LaunchPlan:
        """Build one request.

        Args:
            identity: whose container it will be.
            command: of the Airflow container; never echoed, it carries the workload's token.
            executor_config: of the task, whatever its author wrote; None or empty if it has none.
            queue: Airflow's queue of the task: it may have a template; an unknown one means nothing.
            with_tags: whether to add awsexec's own tags; the user's stay, the amazon provider sends them too.

        Raises:
            InvalidExecutorConfig: the request cannot be sent (`RequestTooLarge`: for its length).
        """


def check_room(
    build: Callable[[Identity, Sequence[str]], LaunchPlan], attribution: Attribution, operation: Operation
) -> None:
    """Refuse options that leave no room for a workload, or make no request of it, before each task fails of it.

    Raises:
        OptionsError: the `*_kwargs` take too much, or have what an option excludes.
    """
    cause = None
    try:
        arguments = build(TYPICAL, ["x" * TYPICAL_WORKLOAD]).arguments
        findings = conform(arguments, shape_of(operation), operation=operation).findings
    except InvalidExecutorConfig as error:
        findings, cause = error.findings, error
    if findings:
        raise OptionsError(attribution.of_kwargs(_of_a_typical_task(finding) for finding in findings)) from cause


def _of_a_typical_task(finding: Finding) -> Finding:
    where = f"{finding.path}: " if finding.path else ""
    return replace(finding, path="", message=f"a typical task cannot be launched with it: {where}{finding.message}")


def check_overrides(overrides: Mapping[str, Any], containers: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Refuse overrides that ECS does not take.

    Args:
        overrides: of the whole task.
        containers: the name and the overrides of each container, to name what is largest.

    Raises:
        RequestTooLarge: they are too long.
    """
    length = length_of(overrides)
    if length <= OVERRIDES_LIMIT:
        return
    parts = [part for name, item in containers for part in _parts(name, item)]
    parts += [(key, length_of(value)) for key, value in overrides.items() if key != "containerOverrides"]
    parts.sort(key=lambda part: part[1], reverse=True)
    largest = ", ".join(f"{name} {size:,}" for name, size in parts[:3])
    message = f"is {length:,} characters of JSON, and AWS takes {OVERRIDES_LIMIT:,}; the largest parts: {largest}"
    remedy = "Move environment variables into the task definition or an environment file, or shorten them"
    commands = sum(size for name, size in parts if name.endswith(".command"))
    if commands > length - commands:  # the largest part may be small beside many environment variables
        # Airflow 3.4 puts what a bundle says of its version into every workload (`BundleInfo.version_data`).
        remedy = "The command carries Airflow's workload: shorten the version data of the DAG's bundle. Or: " + remedy
    raise RequestTooLarge([Finding("overrides", message, remedy, "override-budget")])


def length_of(document: Any) -> int:
    """Characters of JSON without spaces."""
    return len(json.dumps(document, separators=(",", ":"), ensure_ascii=False))


def _parts(name: str, item: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Each command and environment variable of a container with its length."""
    for key, value in item.items():
        if key == "environment":
            yield from ((f"{name}.environment.{entry.get('name', '')[:80]}", length_of(entry)) for entry in value)
        else:
            yield f"{name}.{key}", length_of(value)
