"""The common part of all services' requests: plans, the Airflow container's environment, and limits of length."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, Protocol, TypeVar

from aws_exec.container.bootstrap import airflow_command, entry_command, stored_command
from aws_exec.lifecycle.identity import Identity
from aws_exec.settings.common.attribution import Attribution
from aws_exec.settings.common.merge import Document, only
from aws_exec.settings.common.options import ExecutorOptions
from aws_exec.settings.common.overlay import Dialect, read_member
from aws_exec.settings.common.problems import Finding, InvalidExecutorConfig, OptionsError, RequestTooLarge
from aws_exec.settings.common.shape import Operation, conform, shape_of

#: Characters of the overrides of an ECS task, the JSON syntax included (ECS API Reference, RunTask). Batch passes its
#: overrides on: longer ones fail the job with "Container Overrides length must be at most 8192".
OVERRIDES_LIMIT = 8192

#: Airflow's logging reads it to know that it runs in an executor's container; the Amazon provider sets it, too.
MARKER = ("AIRFLOW_IS_EXECUTOR_CONTAINER", "true")

#: The container's variable with the name of the task's template, for the usage record.
TEMPLATE = "AWSEXEC_TEMPLATE"

#: The workload of a task with long names, as JSON in the command, is about this long; most of it is the token.
TYPICAL_WORKLOAD = 2000

#: The characters of a launch id and of the rest of a key, which follow `workload_store`.
_KEY = 70

#: A task with long names.
TYPICAL = Identity("d" * 12, "00000000-0000-0000-0000-000000000000-1", "n" * 40, "n" * 40, "n" * 40, "-1", "1")


class _Overlay(Protocol):
    """The parsed `*_kwargs`; `warnings` lists what has no effect, one sentence each."""

    @property
    def warnings(self) -> tuple[str, ...]: ...


AnyOverlay = TypeVar("AnyOverlay", bound=_Overlay)


class Templates(Protocol):
    """The source of templates that an executor_config or an Airflow queue names (`aws_exec.settings.file`)."""

    def layers(self, config: object, queue: str | None) -> tuple[object, ...]:
        """Return documents in the form of executor_configs, to be merged over the base request in this order.

        Raises:
            InvalidExecutorConfig: a template is unknown or invalid.
        """
        ...

    def layers_of(self, config: object, queue: str | None, member: str) -> tuple[object, ...]:
        """Return `layers` without everything that cannot set this top-level member: cheap, however long they are."""
        ...

    def name(self, config: object, queue: str | None) -> str:
        """Return the template that a task or its Airflow queue names; empty if neither names one."""
        ...

    def names(self) -> Iterable[str]:
        """Return the templates that tasks of this executor may name."""
        ...


class NoTemplates:
    """The templates without an awsexec.yaml: none."""

    def layers(self, config: object, queue: str | None) -> tuple[object, ...]:  # noqa: ARG002 - see Templates
        """Return the executor_config, if there is one."""
        return () if config is None or (isinstance(config, Mapping) and not config) else (config,)

    def layers_of(self, config: object, queue: str | None, member: str) -> tuple[object, ...]:
        """See `Templates`."""
        return self.layers(only(config, member) if isinstance(config, Mapping) else config, queue)

    def name(self, config: object, queue: str | None) -> str:  # noqa: ARG002 - see Templates
        """Return none."""
        return ""

    def names(self) -> Iterable[str]:
        """Return none."""
        return ()


NO_TEMPLATES: Templates = NoTemplates()


@dataclass(frozen=True, slots=True)
class BaseRequest:
    """The part of the request that all tasks of an executor share.

    Attributes:
        request: of the right shape and types; an executor_config may still change much of it.
        warnings: about options without effect, one sentence each.
    """

    request: Document
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """One launch, ready to be sent.

    Attributes:
        location: the ECS cluster or Batch job queue of the job.
        arguments: the keyword arguments of boto3's call; shared with no other plan.
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
    """Return the request that all tasks of an executor share, built from its options and checked.

    Args:
        attribution: of the options.
        operation: of the request.
        given: the request by the options without the `*_kwargs`; incomplete.
        read: reads the `*_kwargs`; raises InvalidExecutorConfig.
        merge: merges its result over `given`.
        clearer: rewords a finding on the merged request for the author of the options.

    Raises:
        OptionsError: with every problem that shows without a task.
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


def fill_container(container: Document, identity: Identity, command: Sequence[str], template: str) -> None:
    """Set command and environment in the Airflow container's overrides, in place; an empty template is left out."""
    ours = {MARKER[0]: MARKER[1], **identity.environment(), **({TEMPLATE: template} if template else {})}
    theirs = [dict(entry) for entry in container.get("environment", ()) if entry.get("name") not in ours]
    container["command"] = list(command)
    container["environment"] = [*theirs, *({"name": name, "value": value} for name, value in ours.items())]


def sample_command(options: ExecutorOptions, length: int = TYPICAL_WORKLOAD) -> list[str]:
    """Return a command as long as that of a workload of so many characters: much shorter if it is in a store."""
    if options.workload_store:
        return stored_command(f"{options.workload_store}/{'x' * _KEY}", "x" * len("ap-northeast-1"))
    return ["x" * length]


def shown_command(options: ExecutorOptions) -> list[str]:
    """Return a command with placeholders for what differs between tasks, and for secrets."""
    if options.workload_store and options.workload_store_when == "always":
        return stored_command(f"{options.workload_store}/<launch id>/<random>", "<region>")
    return (entry_command if options.container_entry else airflow_command)("<workload>")


class RequestBuilder(ABC):
    """Builds the requests of one executor. Pure and fast: everything that does not depend on the task is prepared once.

    Args:
        base: the common part.
        attribution: of the options.
        templates: that tasks may name.

    Raises:
        OptionsError: even without an executor_config, the request cannot be sent.

    Attributes:
        options: of the executor.
        warnings: about options without effect, one sentence each; to be logged once.
        queues: the location of each Airflow queue that has its own.
    """

    queues: Mapping[str, str] = MappingProxyType({})

    #: The member of the request that has the location.
    LOCATION: ClassVar[str]
    #: How users write such requests.
    DIALECT: ClassVar[Dialect]

    def __init__(self, base: BaseRequest, attribution: Attribution, templates: Templates) -> None:
        self._base = base.request
        self._templates = templates
        self.options = attribution.options
        self.warnings: tuple[str, ...] = base.warnings
        check_room(self.build, attribution, self.DIALECT.operation)

    def typical(self) -> Iterator[LaunchPlan]:
        """Yield a launch of each kind in the configuration; tasks may add others by a literal executor_config.

        First one without a template; then one for each template, and for each Airflow queue that has its own location.
        Invalid ones are left out: a task that names one fails.
        """
        kinds: list[tuple[object, str | None]] = [(None, None)]
        kinds += [({"template": name}, None) for name in self._templates.names()]
        kinds += [(None, queue) for queue in self.queues]
        for config, queue in kinds:
            with suppress(InvalidExecutorConfig):
                yield self.build(TYPICAL, ["x"], config, queue)

    def locations(self) -> tuple[str, ...]:
        """Return the locations in the configuration, that of tasks without a template first."""
        return tuple(dict.fromkeys(plan.location for plan in self.typical()))

    def location(self, executor_config: object = None, queue: str | None = None) -> str:
        """Return the location of a task with this executor_config and Airflow queue, as `build` would.

        Cheap, since it is called for thousands of rows while the scheduler waits: only what decides the location
        is read, so this is no check of the rest.

        Raises:
            InvalidExecutorConfig: the part that decides it is invalid; `build` raises this, too.
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
            identity: of the container.
            command: of the Airflow container; never echoed, it contains the workload's token.
            executor_config: of the task, whatever its author wrote; None or empty if it has none.
            queue: Airflow's queue of the task: it may have a template; an unknown one means nothing.
            with_tags: whether to add awsexec's own tags; the user's stay, the Amazon provider sends them too.

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
        arguments = build(TYPICAL, sample_command(attribution.options)).arguments
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
        overrides: of the task.
        containers: name and overrides of each container, to name the largest.

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
        # Airflow 3.4 puts the version data of a bundle into every workload (`BundleInfo.version_data`).
        remedy = (
            "The command carries Airflow's workload: shorten the version data of the DAG's bundle, or set "
            f"workload_store. Or: {remedy}"
        )
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
