"""The RunTask request of one task: the shared request, its executor_config, its command and its identity.

Pure and fast: built up to 300 times a second beside everything else, so what does not depend on the task is prepared
once, by `RunTaskBuilder`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from aws_exec.lifecycle.identity import Identity, started_by
from aws_exec.settings.common.launch import (
    NO_TEMPLATES,
    LaunchPlan,
    RequestBuilder,
    Templates,
    check_overrides,
    fill_container,
)
from aws_exec.settings.common.merge import Document, lay_over, merge_documents
from aws_exec.settings.common.problems import InvalidExecutorConfig
from aws_exec.settings.common.shape import conform, run_task_shape
from aws_exec.settings.common.tags import joined, sanitised
from aws_exec.settings.ecs.options import EcsOptions
from aws_exec.settings.ecs.overlay import DIALECT, read_executor_config
from aws_exec.settings.ecs.request import base_request, blame_of, tidy

#: One RunTask, ready to be sent: its location is the cluster.
RunTaskPlan: TypeAlias = LaunchPlan


class RunTaskBuilder(RequestBuilder):
    """Builds the RunTask requests of one executor.

    Args:
        options: of the executor.
        team: of the options, for messages.
        templates: that tasks may name.
        where: `file:line:column` of the options from awsexec.yaml.

    Raises:
        OptionsError: as `RequestBuilder`.
    """

    LOCATION = "cluster"
    DIALECT = DIALECT

    def __init__(
        self,
        options: EcsOptions,
        *,
        team: str | None = None,
        templates: Templates = NO_TEMPLATES,
        where: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._container = options.container_name
        attribution = blame_of(options, team, where)
        super().__init__(base_request(options, attribution), attribution, templates)

    def names_launch_type(self, executor_config: object = None, queue: str | None = None) -> bool:
        """Return whether the request of such a task has a launch type or a capacity provider strategy.

        Raises:
            InvalidExecutorConfig: as `build`.
        """
        merged = self._merged(executor_config, queue)
        return bool(merged.get("launchType") or merged.get("capacityProviderStrategy"))

    def build(
        self,
        identity: Identity,
        command: Sequence[str],
        executor_config: object = None,
        queue: str | None = None,
        *,
        default_launch_type: str | None = None,
        with_tags: bool = True,
    ) -> RunTaskPlan:
        """See `RequestBuilder`.

        `default_launch_type` is `"FARGATE"` if the cluster has no default capacity provider strategy, else None; it is
        used if neither a launch type nor a strategy is named.
        """
        request = tidy(self._merged(executor_config, queue), default_launch_type)
        request["clientToken"] = identity.token
        request["startedBy"] = started_by(identity.deployment)
        containers = request.setdefault("overrides", {}).setdefault("containerOverrides", [])
        template = self._templates.name(executor_config, queue)
        fill_container(self._airflow_container(containers), identity, command, template)
        if with_tags:
            request["tags"] = joined(request.get("tags", []), sanitised(identity.tags()))
        check_overrides(request["overrides"], _named(request["overrides"], self._container))
        location = self._located(request.get(self.LOCATION))
        request["cluster"] = location
        return RunTaskPlan(location, request)

    def _located(self, named: str | None) -> str:
        """The cluster; without one, AWS takes the one named `default` (ECS API Reference, RunTask)."""
        return named or "default"

    def _merged(self, config: object, queue: str | None) -> Document:
        """The shared request with template and executor_config laid over it; shares nothing with any of them."""
        layers = self._templates.layers(config, queue)
        if not layers:
            return merge_documents({}, self._base)
        merged = self._base
        for layer in layers:
            overlay = read_executor_config(layer, self._container)
            merged = lay_over(merged, overlay.request, container=self._container)
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
        OptionsError: the options are wrong.
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


def _named(overrides: Mapping[str, Any], container: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((item.get("name", container), item) for item in overrides.get("containerOverrides", ()))
