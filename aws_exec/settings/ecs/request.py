"""The RunTask request that all tasks of an executor share: defaults, options, `run_task_kwargs`, in this order.

Built and checked once, at start: problems are reported by option.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from aws_exec.settings.common.attribution import Attribution
from aws_exec.settings.common.coercion import boolean, names
from aws_exec.settings.common.launch import BaseRequest, base_of
from aws_exec.settings.common.merge import Document, camelized, lay_over
from aws_exec.settings.common.options import missing
from aws_exec.settings.common.problems import Finding, OptionsError
from aws_exec.settings.common.shape import RUN_TASK
from aws_exec.settings.ecs.options import EcsOptions
from aws_exec.settings.ecs.overlay import read_run_task_kwargs

#: The request's members that are an option each, and that option.
OPTION_OF = {
    "cluster": "cluster",
    "taskDefinition": "task_definition",
    "launchType": "launch_type",
    "capacityProviderStrategy": "capacity_provider_strategy",
    "platformVersion": "platform_version",
    "networkConfiguration": "subnets",
}

#: Launch types for which `assignPublicIp` (and `platformVersion`) are not.
_NOT_FARGATE = frozenset({"EC2", "EXTERNAL", "MANAGED_INSTANCES"})
_FARGATE_PROVIDERS = frozenset({"FARGATE", "FARGATE_SPOT"})

#: The platform version that ECS uses by default (ECS API Reference, RunTask).
_LATEST = "LATEST"


def blame_of(options: EcsOptions, team: str | None, where: Mapping[str, str]) -> Attribution:
    """Makes problems of these options of findings on their requests."""
    return Attribution(options, OPTION_OF, "run_task_kwargs", "ECS API Reference, RunTask", team, where)


def base_request(options: EcsOptions, attribution: Attribution) -> BaseRequest:
    """Return the request that all tasks share.

    Raises:
        OptionsError: with every problem that can be seen without a task.
    """
    set_here = {name: value for name in type(options).model_fields if (value := getattr(options, name))}
    if unusable := [
        *options.conflicts(set_here, attribution.team),
        *missing(type(options), set_here, attribution.team),
    ]:
        raise OptionsError(unusable)  # options made elsewhere than in `load_ecs_options`
    kwargs, network = _network(options, attribution)
    request = _from_options(options, network)
    container = options.container_name
    return base_of(
        attribution,
        RUN_TASK,
        request,
        read=partial(read_run_task_kwargs, kwargs, container),
        merge=lambda overlay: lay_over(request, overlay.request, container=container),
        clearer=_clearer,
    )


def tidy(request: Document, default_launch_type: str | None) -> Document:
    """Remove the members that its launch type does not allow from a merged request, in place, and return it.

    Args:
        request: RunTask-shaped.
        default_launch_type: used if neither a launch type nor a strategy is named; None if the cluster has a strategy.
    """
    strategy = request.get("capacityProviderStrategy")
    if not strategy:
        request.pop("capacityProviderStrategy", None)
        if default_launch_type and not request.get("launchType"):
            request["launchType"] = default_launch_type
    launch_type = request.get("launchType")
    on_fargate = launch_type == "FARGATE" or any(
        item.get("capacityProvider") in _FARGATE_PROVIDERS for item in strategy or ()
    )
    undecided = not launch_type and not strategy and request.get("platformVersion") != _LATEST
    if not on_fargate and not undecided:
        request.pop("platformVersion", None)
    if launch_type in _NOT_FARGATE:
        request.get("networkConfiguration", {}).get("awsvpcConfiguration", {}).pop("assignPublicIp", None)
    request["count"] = 1
    return request


@dataclass(frozen=True, slots=True)
class _Network:
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]
    assign_public_ip: bool

    @property
    def needed(self) -> bool:
        return bool(self.subnets or self.security_groups or self.assign_public_ip)


def _network(options: EcsOptions, attribution: Attribution) -> tuple[dict[str, Any], _Network]:
    """The options of the network, and `run_task_kwargs` without them: the Amazon provider finds them there too."""
    rest = {key: value for key, value in options.run_task_kwargs.items() if camelized(key) not in _KWARGS_TOO}
    given = {
        _KWARGS_TOO[name]: value
        for key, value in options.run_task_kwargs.items()
        if (name := camelized(key)) in _KWARGS_TOO
    }
    try:
        network = _Network(
            subnets=names(given.get("subnets", options.subnets)),
            security_groups=names(given.get("security_groups", options.security_groups)),
            assign_public_ip=boolean(given.get("assign_public_ip", options.assign_public_ip)),
        )
    except ValueError as error:
        finding = Finding("/".join(given), str(error), "Write it as the option of that name", "option-value")
        raise OptionsError(attribution.of_kwargs([finding])) from error
    if given.get("container_name", options.container_name) != options.container_name:
        message = "differs from the option container_name"
        finding = Finding("container_name", message, "Remove it here", "container-name")
        raise OptionsError(attribution.of_kwargs([finding]))
    return rest, network


_KWARGS_TOO = {
    "subnets": "subnets",
    "securityGroups": "security_groups",
    "assignPublicIp": "assign_public_ip",
    "containerName": "container_name",
}


def _from_options(options: EcsOptions, network: _Network) -> Document:
    """Return the options as a request, without those that are not set."""
    strategy = [_camelized(item) for item in options.capacity_provider_strategy or ()]
    request = {
        "cluster": options.cluster,
        "taskDefinition": options.task_definition,
        "launchType": options.launch_type,
        "capacityProviderStrategy": strategy,
        "platformVersion": options.platform_version,
        "networkConfiguration": {"awsvpcConfiguration": _awsvpc(network)} if network.needed else None,
    }
    return {key: value for key, value in request.items() if value}


def _awsvpc(network: _Network) -> Document:
    configuration = {
        "subnets": list(network.subnets),
        "securityGroups": list(network.security_groups),
        "assignPublicIp": "ENABLED" if network.assign_public_ip else "DISABLED",
    }
    return {key: value for key, value in configuration.items() if value}


def _camelized(item: dict[str, Any]) -> Document:
    return {camelized(str(key)): value for key, value in item.items()}


def _clearer(finding: Finding) -> Finding:
    """A finding on the merged request: something is missing that neither the options nor run_task_kwargs gave."""
    if finding.path != "networkConfiguration.awsvpcConfiguration.subnets":
        return finding
    message = "is empty: tasks with security groups or a public address need at least one subnet"
    return Finding("networkConfiguration", message, "Name the subnets that tasks run in", "network-subnets")
