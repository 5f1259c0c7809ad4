"""The RunTask request of one task: the shared request, its executor_config, its command and its identity.

Pure and fast: built up to 300 times a second beside everything else, so what does not depend on the task is prepared
once, by `RunTaskBuilder`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_exec.lifecycle.identity import Identity, started_by
from aws_exec.settings.ecs_options import EcsOptions
from aws_exec.settings.ecs_request import base_request, tidy
from aws_exec.settings.merge import Document, lay_over, merge_documents
from aws_exec.settings.overlay import read_executor_config
from aws_exec.settings.problems import (
    Finding,
    InvalidExecutorConfig,
    OptionsError,
    Problem,
    RequestTooLarge,
    variable_of,
)
from aws_exec.settings.shape import conform, run_task_shape
from aws_exec.settings.tags import joined, sanitised

#: Characters of all overrides together, the JSON syntax included (ECS API Reference, RunTask).
OVERRIDES_LIMIT = 8192

#: Tells Airflow's logging that it runs in an executor's container; the amazon provider sets the same.
MARKER = ("AIRFLOW_IS_EXECUTOR_CONTAINER", "true")

#: The workload of a task with long names, as JSON in the command, is about this long; most of it is the token.
TYPICAL_WORKLOAD = 2000


@dataclass(frozen=True, slots=True)
class RunTaskPlan:
    """One launch, ready to be sent.

    Attributes:
        place: the cluster it goes to; its task must be described there.
        arguments: the keyword arguments of boto3's `run_task`; share nothing with any other plan.
    """

    place: str
    arguments: dict[str, Any]


class RunTaskBuilder:
    """Builds the RunTask requests of one executor.

    Args:
        options: of the executor.
        team: whose options they are, for naming them in messages.

    Raises:
        OptionsError: the options alone already make a request that cannot be sent.

    Attributes:
        warnings: what in the options has no effect, one sentence each; to be logged once.
    """

    def __init__(self, options: EcsOptions, *, team: str | None = None) -> None:
        self._container = options.container_name
        base = base_request(options, team=team)
        self._base = base.request
        self.warnings: tuple[str, ...] = base.warnings
        self._check_room(options, team)

    def place(self, executor_config: object = None) -> str:
        """The cluster that a task with this executor_config goes to.

        Raises:
            InvalidExecutorConfig: as `build`.
        """
        return _place(self._merged(executor_config))

    def build(
        self,
        identity: Identity,
        command: Sequence[str],
        executor_config: object = None,
        queue: str | None = None,  # noqa: ARG002 - templates will be chosen by it; an unknown queue means nothing
        *,
        default_launch_type: str | None = None,
        with_tags: bool = True,
    ) -> RunTaskPlan:
        """Build one request.

        Args:
            identity: whose container it will be.
            command: of the Airflow container; never echoed, it carries the workload's token.
            executor_config: of the task, whatever its author wrote; None or empty if it has none.
            queue: of the task; not used yet.
            default_launch_type: `"FARGATE"` if the cluster has no default capacity provider strategy, else None; used
                if neither a launch type nor a strategy is named.
            with_tags: whether to add awsexec's own tags; the user's stay, the amazon provider sends them too.

        Raises:
            InvalidExecutorConfig: the request cannot be sent (`RequestTooLarge`: for its length).
        """
        request = tidy(self._merged(executor_config), default_launch_type)
        request["clientToken"] = identity.token
        request["startedBy"] = started_by(identity.deployment)
        containers = request.setdefault("overrides", {}).setdefault("containerOverrides", [])
        airflow = self._airflow_container(containers)
        airflow["command"] = list(command)
        airflow["environment"] = _environment(airflow.get("environment", []), identity)
        if with_tags:
            request["tags"] = joined(request.get("tags", []), sanitised(identity.tags()))
        _check_length(request["overrides"], self._container)
        place = _place(request)
        request["cluster"] = place
        return RunTaskPlan(place, request)

    def _merged(self, config: object) -> Document:
        """The shared request with one executor_config laid over it; shares nothing with either."""
        if config is None or (isinstance(config, Mapping) and not config):
            return merge_documents({}, self._base)
        overlay = read_executor_config(config, self._container)
        merged = lay_over(self._base, overlay.request, container=self._container)
        checked = conform(merged, run_task_shape())
        if checked.findings:
            raise InvalidExecutorConfig(checked.findings)
        result: Document = checked.value
        return result

    def _airflow_container(self, containers: list[Document]) -> Document:
        for container in containers:
            if container.get("name") == self._container:
                return container
        containers.insert(0, {"name": self._container})
        return containers[0]

    def _check_room(self, options: EcsOptions, team: str | None) -> None:
        """Refuse options that leave no room for a workload, before each task fails of it."""
        identity = Identity("d" * 12, "0" * 36 + "-1", "n" * 40, "n" * 40, "n" * 40, "-1", "1")
        try:
            self.build(identity, ["x" * TYPICAL_WORKLOAD])
        except InvalidExecutorConfig as error:
            name = "run_task_kwargs"
            raise OptionsError(
                [
                    Problem(
                        section=options.section,
                        option=name,
                        value=None if not options.run_task_kwargs else "***",
                        message=f"a typical task cannot be launched with it: {finding.message}",
                        variable=variable_of(options.section, name, team),
                        remedy=finding.remedy,
                    )
                    for finding in error.findings
                ],
            ) from error


def build_run_task(
    options: EcsOptions,
    identity: Identity,
    command: Sequence[str],
    executor_config: object = None,
    queue: str | None = None,
    *,
    default_launch_type: str | None = None,
    with_tags: bool = True,
) -> RunTaskPlan:
    """Build one request from scratch; `RunTaskBuilder` for more than one.

    Raises:
        OptionsError: the options are at fault.
        InvalidExecutorConfig: the task is.
    """
    return RunTaskBuilder(options).build(
        identity,
        command,
        executor_config,
        queue,
        default_launch_type=default_launch_type,
        with_tags=with_tags,
    )


def check_options(options: EcsOptions, *, team: str | None = None) -> tuple[str, ...]:
    """Build a typical request, so that bad options are found at start and not by each task.

    Returns:
        What in the options has no effect, one sentence each.

    Raises:
        OptionsError: with every problem found.
    """
    return RunTaskBuilder(options, team=team).warnings


def _place(request: Mapping[str, Any]) -> str:
    """The cluster; without one, AWS takes the one named `default` (ECS API Reference, RunTask)."""
    return str(request.get("cluster") or "default")


def _environment(theirs: Sequence[Mapping[str, Any]], identity: Identity) -> list[dict[str, Any]]:
    ours = {MARKER[0]: MARKER[1], **identity.environment()}
    kept = [dict(entry) for entry in theirs if entry.get("name") not in ours]
    return [*kept, *({"name": name, "value": value} for name, value in ours.items())]


def _check_length(overrides: Mapping[str, Any], container: str) -> None:
    length = _length(overrides)
    if length <= OVERRIDES_LIMIT:
        return
    largest = sorted(_parts(overrides, container), key=lambda part: part[1], reverse=True)[:3]
    parts = ", ".join(f"{name} {size:,}" for name, size in largest)
    message = f"is {length:,} characters of JSON, and AWS takes {OVERRIDES_LIMIT:,}; the largest parts: {parts}"
    remedy = "Move environment variables into the task definition or an environment file, or shorten them"
    raise RequestTooLarge([Finding("overrides", message, remedy)])


def _parts(overrides: Mapping[str, Any], container: str) -> Iterator[tuple[str, int]]:
    """Each command and environment variable with its length."""
    for item in overrides.get("containerOverrides", ()):
        name = item.get("name", container)
        for key, value in item.items():
            if key == "environment":
                yield from ((f"{name}.environment.{entry.get('name', '')[:80]}", _length(entry)) for entry in value)
            else:
                yield f"{name}.{key}", _length(value)
    yield from ((key, _length(value)) for key, value in overrides.items() if key != "containerOverrides")


def _length(document: Any) -> int:
    return len(json.dumps(document, separators=(",", ":"), ensure_ascii=False))
