"""What ECS makes of a RunTask request before it starts anything: the checks, and the task they let through.

Messages are AWS's own where they are known; where each is from stands beside it. Issues are of public repositories.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from aws_exec.local.cgroups import Limits
from aws_exec.local.containers import ContainerSpec
from aws_exec.local.ecs.task import TaskRequest
from aws_exec.local.errors import AwsError
from aws_exec.settings.file.units import cpu_units, mebibytes

Parameters: TypeAlias = Mapping[str, Any]

#: "A total of 8192 characters are allowed for overrides. This limit includes the JSON formatting characters" (RunTask).
OVERRIDES_LIMIT = 8192
#: RunTask `count`; RunTask `tags`.
_COUNT_LIMIT = 10
_TAGS_LIMIT = 50
#: "up to 128 letters (uppercase and lowercase), numbers, hyphens (-), forward slash (/), and underscores (_)".
_STARTED_BY = re.compile(r"[A-Za-z0-9\-/_]{0,128}\Z")
#: "up to 64 characters in the ASCII range of 33-126 (inclusive)" (RunTask `clientToken`).
_TOKEN = re.compile(r"[!-~]{0,64}\Z")


def invalid(message: str) -> AwsError:
    """An `InvalidParameterException`."""
    return AwsError("InvalidParameterException", message)


@dataclass(frozen=True, slots=True)
class Ground:
    """What containers have where their definition says nothing.

    Attributes:
        directory: where they run without `workingDirectory`.
        stop_timeout: seconds, without `stopTimeout`.
        environment: what each gets before the definition's.
        images: path of the Python of each image that has another than the emulator's.
    """

    directory: Path
    stop_timeout: float
    environment: Mapping[str, str]
    images: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task is to run, as the rest of ECS knows it.

    Attributes:
        cluster_arn: the cluster's ARN.
        default_strategy: its default capacity provider strategy; empty for none.
        has_instances: whether container instances are registered, for the launch type EC2.
        definition: the task definition, as DescribeTaskDefinition answers it.
        definition_tags: its tags.
        account, region: where all of it is.
        ground: what containers have where their definition says nothing.
    """

    cluster_arn: str
    default_strategy: list[dict[str, Any]]
    has_instances: bool
    definition: Mapping[str, Any]
    definition_tags: list[dict[str, str]]
    account: str
    region: str
    ground: Ground


def check(request: Parameters, place: Place) -> None:
    """Refuse what ECS refuses.

    Raises:
        AwsError: the request is wrong, with the field that is.
    """
    if request.get("launchType") and request.get("capacityProviderStrategy"):
        # The message: moto's ECS backend, which the AWS documentation of RunTask bears out in substance.
        raise invalid("Specify either Launch Type or Capacity Provider Strategy, but not both.")
    if not 1 <= request.get("count", 1) <= _COUNT_LIMIT:
        raise invalid(f"Count must be between 1 and {_COUNT_LIMIT}.")
    if not _STARTED_BY.match(request.get("startedBy", "")):
        raise invalid("startedBy must match [A-Za-z0-9-/_]{0,128}.")
    if not _TOKEN.match(request.get("clientToken", "")):
        raise invalid("clientToken must be at most 64 characters in the ASCII range of 33-126.")
    if len(request.get("tags", ())) > _TAGS_LIMIT:
        raise invalid(f"Tags can have at most {_TAGS_LIMIT} items.")
    _check_overrides(request.get("overrides", {}), place)
    _check_capacity(request, place)
    _check_network(request, place)


def _check_overrides(overrides: Parameters, place: Place) -> None:
    if len(json.dumps(overrides, separators=(",", ":"), ensure_ascii=False)) > OVERRIDES_LIMIT:
        # Netflix/metaflow #1482, convox/rack #1906.
        raise invalid("Container Overrides length must be at most 8192")
    known = {definition["name"] for definition in place.definition["containerDefinitions"]}
    for override in overrides.get("containerOverrides", ()):
        if override and "name" not in override:
            # "If a non-empty container override is specified, the name parameter must be included" (API Reference).
            raise invalid("Container Override name must be specified.")
        if override and override["name"] not in known:
            # azavea/django-ecsmanage #21.
            raise invalid(
                f"Override for container named {override['name']} is not a container in the TaskDefinition.",
            )


def _check_capacity(request: Parameters, place: Place) -> None:
    launch_type = request.get("launchType")
    if launch_type not in {None, "EC2", "FARGATE", "EXTERNAL"}:
        raise invalid("launch type should be one of [EC2,FARGATE,EXTERNAL]")
    if launch_type == "FARGATE" and "FARGATE" not in place.definition.get("compatibilities", ()):
        raise invalid("Task definition does not support launch_type FARGATE.")
    by_strategy = request.get("capacityProviderStrategy") or (not launch_type and place.default_strategy)
    if launch_type != "FARGATE" and not by_strategy and not place.has_instances:
        # "If no launch type ... and no default strategy, EC2 is used" in substance; the message as AWS answers it.
        raise invalid("No Container Instances were found in your cluster.")


def _check_network(request: Parameters, place: Place) -> None:
    network = request.get("networkConfiguration")
    if place.definition.get("networkMode") == "awsvpc":
        if not network:
            raise invalid("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
        if not network.get("awsvpcConfiguration", {}).get("subnets"):
            raise invalid("subnets can not be empty.")
    elif network:
        raise invalid("Network Configuration is not valid for the given networkMode of this task definition.")


def task_request(request: Parameters, place: Place) -> TaskRequest:
    """A new task's request, after `check`; with an ARN of its own."""
    cluster = place.cluster_arn.rpartition("/")[2]
    partition = place.cluster_arn.split(":")[1]
    identifier = uuid.uuid4().hex
    definitions = {d["name"]: d for d in place.definition["containerDefinitions"]}
    overrides = {o["name"]: o for o in request.get("overrides", {}).get("containerOverrides", ()) if o}
    facts = _facts(request, place, overrides)
    merged = {name: _overridden(definition, overrides.get(name, {})) for name, definition in definitions.items()}
    return TaskRequest(
        arn=f"arn:{partition}:ecs:{place.region}:{place.account}:task/{cluster}/{identifier}",
        cluster_arn=place.cluster_arn,
        token=request.get("clientToken", ""),
        started_by=request.get("startedBy", ""),
        family=place.definition["family"],
        facts=facts,
        definitions=definitions,
        specs={name: container_spec(one, place.ground, _limits(one, facts)) for name, one in merged.items()},
    )


def _facts(request: Parameters, place: Place, overrides: Parameters) -> dict[str, Any]:
    asked = request.get("overrides", {})
    strategy = request.get("capacityProviderStrategy") or ([] if request.get("launchType") else place.default_strategy)
    facts: dict[str, Any] = {
        "taskDefinitionArn": place.definition["taskDefinitionArn"],
        "group": request.get("group") or f"family:{place.definition['family']}",
        "cpu": asked.get("cpu") or place.definition.get("cpu") or "0",
        "memory": asked.get("memory") or place.definition.get("memory") or "0",
        # AWS names every container of the task here, overridden or not.
        "overrides": {
            "inferenceAcceleratorOverrides": [],
            **asked,
            "containerOverrides": [
                overrides.get(definition["name"], {"name": definition["name"]})
                for definition in place.definition["containerDefinitions"]
            ],
        },
        "attachments": _attachments(request),
        "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
        "availabilityZone": f"{place.region}a",
        "enableExecuteCommand": bool(request.get("enableExecuteCommand", False)),
    }
    provider = strategy[0]["capacityProvider"] if strategy else ""
    fargate = request.get("launchType") == "FARGATE" or provider.startswith("FARGATE")
    facts["launchType"] = "FARGATE" if fargate else request.get("launchType") or "EC2"
    if provider:
        facts["capacityProviderName"] = provider
    if fargate:
        facts |= {
            "platformVersion": "1.4.0",
            "platformFamily": "Linux",
            "ephemeralStorage": asked.get("ephemeralStorage") or {"sizeInGiB": 20},
        }
    return facts


def _attachments(request: Parameters) -> list[dict[str, Any]]:
    network = request.get("networkConfiguration")
    if not network:
        return []
    subnet = network["awsvpcConfiguration"]["subnets"][0]
    return [
        {
            "id": str(uuid.uuid4()),
            "type": "ElasticNetworkInterface",
            "status": "ATTACHED",
            "details": [{"name": "subnetId", "value": subnet}],
        },
    ]


def _overridden(definition: Parameters, override: Parameters) -> dict[str, Any]:
    pairs = [*definition.get("environment", ()), *override.get("environment", ())]
    return {
        **definition,
        "command": override.get("command") or definition.get("command") or [],
        "environment": pairs,
        "memory": override.get("memory") or definition.get("memory"),
    }


def _limits(definition: Parameters, facts: Parameters) -> Limits:
    """The smaller one of the task's memory and the container's own; the task's CPU, of which a container has a share.

    The task's limits hold for all of its containers together at AWS, and for each one here.

    Raises:
        AwsError: the task's CPU or memory is no amount.
    """
    try:
        cpu, memory = (
            None if facts[name] == "0" else amount(facts[name])
            for name, amount in (("cpu", cpu_units), ("memory", mebibytes))
        )
    except ValueError as error:
        raise invalid(f"The task's CPU or memory {error}.") from error
    sizes = [size for size in (memory, definition["memory"]) if size]
    return Limits(memory=min(sizes, default=None), cpu=cpu)


def container_spec(definition: Parameters, ground: Ground, limits: Limits) -> ContainerSpec:
    """What to run for a container definition in AWS's shape, overrides included; a later variable displaces an earlier.

    Args:
        definition: of a task or job definition.
        ground: what it does not say.
        limits: what it asks for, or its task does.
    """
    working_directory = definition.get("workingDirectory")
    variables = {pair["name"]: pair.get("value", "") for pair in definition["environment"]}
    return ContainerSpec(
        name=definition["name"],
        command=(*definition.get("entryPoint", ()), *definition["command"]),
        environment={**ground.environment, **variables},
        directory=Path(working_directory) if working_directory else ground.directory,
        stop_timeout=float(definition.get("stopTimeout", ground.stop_timeout)),
        python=ground.images.get(definition.get("image", ""), sys.executable),
        limits=limits,
    )
