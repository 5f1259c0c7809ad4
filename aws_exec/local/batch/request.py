"""What Batch makes of a SubmitJob request before it runs anything: the checks, and the job they let through.

Messages are AWS's own where they are known; where each is from stands beside it, and where nothing does the words are
ours. Issues are of public repositories.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_exec.local.cgroups import Limits
from aws_exec.local.ecs.request import OVERRIDES_LIMIT, Ground, Parameters, container_spec
from aws_exec.local.ecs.task import TaskRequest
from aws_exec.local.errors import AwsError
from aws_exec.settings.file.units import UNITS_PER_VCPU

#: The log group of jobs whose definition names none ("Using the awslogs log driver", AWS Batch User Guide).
LOG_GROUP = "/aws/batch/job"
#: What AWS calls the container of a job definition that has `containerProperties`, in log streams and ECS tasks.
ONLY_CONTAINER = "default"

#: "The first character must be alphanumeric ... up to 128 letters ..., numbers, hyphens, and underscores" (SubmitJob).
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}\Z")
#: "AWS Batch service quotas": maximum size of a SubmitJob payload.
_PAYLOAD_LIMIT = 30 * 1024
#: RetryStrategy: "between 1 and 10 attempts"; EvaluateOnExit: "up to 5 conditions".
_ATTEMPTS_LIMIT = 10
_RULES_LIMIT = 5
#: JobTimeout: "The minimum value for the timeout is 60 seconds."
_SHORTEST_TIMEOUT = 60
#: SubmitJob `dependsOn`: "A job can depend upon a maximum of 20 jobs." `tags`: 50.
_DEPENDENCIES_LIMIT = 20
_TAGS_LIMIT = 50
#: "Parameters", AWS Batch User Guide: `Ref::name` in a command stands for the parameter `name`.
_REFERENCE = re.compile(r"Ref::([A-Za-z0-9_-]+)")


def refused(message: str) -> AwsError:
    """A `ClientException`."""
    return AwsError("ClientException", message)


def wrapped(message: str) -> AwsError:
    """A `ClientException` in the wrapping that most of Batch's have (fluidattacks/makes #697, aws/aws-cli #7982)."""
    return refused(f"Error executing request, Exception : {message}, RequestId: {uuid.uuid4()}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job is to run, as the rest of Batch knows it.

    Attributes:
        queue_arn, queue_name: of the job queue.
        environment_name: of its first compute environment.
        cluster_arn: of the ECS cluster behind that.
        definition: the job definition, as DescribeJobDefinitions answers it.
        account, region: where all of it is.
        ground: what containers have where their definition says nothing.
    """

    queue_arn: str
    queue_name: str
    environment_name: str
    cluster_arn: str
    definition: Mapping[str, Any]
    account: str
    region: str
    ground: Ground

    @property
    def multiple(self) -> bool:
        """Whether the definition is one of several containers (`ecsProperties`)."""
        return "ecsProperties" in self.definition


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What a job was made of.

    Attributes:
        id, arn, name: the job's.
        queue_arn: its queue's.
        cluster_arn: of the ECS cluster that its attempts run in.
        definition_name: without the revision; the first part of the log stream's name.
        multiple: whether it was defined by `ecsProperties`.
        containers: as in DescribeJobs, in order, overrides merged, each with a `name`.
        task_properties: the rest of the one entry of `taskProperties`; empty unless `multiple`.
        variables: what Batch sets in every container's environment, but for the attempt's number.
        attempts: how many containers may be tried.
        rules: `evaluateOnExit`.
        timeout: seconds an attempt may run; None for ever.
        too_long: whether ECS will refuse the overrides.
        facts: the parts of the answer that never change.
        ground: what containers have where their definition says nothing.
    """

    id: str
    arn: str
    name: str
    queue_arn: str
    cluster_arn: str
    definition_name: str
    multiple: bool
    containers: Sequence[Mapping[str, Any]]
    task_properties: Mapping[str, Any]
    variables: Mapping[str, str]
    attempts: int
    rules: Sequence[Mapping[str, str]]
    timeout: float | None
    too_long: bool
    facts: Mapping[str, Any]
    ground: Ground


def check_name(request: Parameters) -> None:
    """Refuse what is wrong whatever queue and definition say.

    Raises:
        AwsError: the request is too long, or its `jobName` cannot be one.
    """
    if len(json.dumps(request)) > _PAYLOAD_LIMIT:
        raise refused("The payload of SubmitJob can be at most 30 KiB.")
    if not _NAME.match(request.get("jobName", "")):
        raise wrapped("Job name should match valid pattern")  # fluidattacks/makes #697


def check(request: Parameters, place: Place) -> None:
    """Refuse what Batch refuses.

    Raises:
        AwsError: the request is wrong, with the field that is.
    """
    for unknown in ("nodeOverrides", "eksPropertiesOverride"):
        if request.get(unknown):
            raise refused(f"The embedded AWS has no such jobs: {unknown}")
    if request.get("arrayProperties", {}).get("size"):
        raise refused("The embedded AWS has no array jobs: arrayProperties")
    if len(request.get("tags", {})) > _TAGS_LIMIT:
        raise refused(f"tags can have at most {_TAGS_LIMIT} items.")
    if len(request.get("dependsOn", ())) > _DEPENDENCIES_LIMIT:
        raise refused(f"dependsOn can have at most {_DEPENDENCIES_LIMIT} items.")
    retry = _inherited(request, place, "retryStrategy")
    if not 1 <= retry.get("attempts", 1) <= _ATTEMPTS_LIMIT:
        raise refused(f"retryStrategy.attempts must be between 1 and {_ATTEMPTS_LIMIT}.")
    if len(retry.get("evaluateOnExit", ())) > _RULES_LIMIT:
        raise refused(f"retryStrategy.evaluateOnExit can have at most {_RULES_LIMIT} items.")
    if _inherited(request, place, "timeout").get("attemptDurationSeconds", _SHORTEST_TIMEOUT) < _SHORTEST_TIMEOUT:
        raise refused(f"timeout.attemptDurationSeconds must be at least {_SHORTEST_TIMEOUT}.")
    _check_overrides(request, place)


def _check_overrides(request: Parameters, place: Place) -> None:
    wrong = "containerOverrides" if place.multiple else "ecsPropertiesOverride"
    if request.get(wrong):
        kind = "ecsProperties" if place.multiple else "containerProperties"
        raise refused(f"{wrong} cannot be set for a job definition with {kind}.")
    known = {container["name"] for container in _defined(place)}
    for override in _overrides(request, place):
        if override.get("name") not in known:
            raise refused(
                f"Override for container named {override.get('name')} is not a container in the job definition."
            )
        for pair in override.get("environment", ()):
            if pair["name"].startswith("AWS_BATCH"):
                # "Environment variables cannot start with "AWS_BATCH". This naming convention is reserved for
                # variables that AWS Batch sets" (API Reference, ContainerOverrides).
                raise refused('Environment variables cannot start with "AWS_BATCH".')


def _inherited(request: Parameters, place: Place, name: str) -> Mapping[str, Any]:
    """A setting of the request, else of the definition; empty if neither has it."""
    return request.get(name) or place.definition.get(name) or {}


def _defined(place: Place) -> list[dict[str, Any]]:
    if not place.multiple:
        return [{**place.definition["containerProperties"], "name": ONLY_CONTAINER}]
    return [dict(container) for container in place.definition["ecsProperties"]["taskProperties"][0]["containers"]]


def _overrides(request: Parameters, place: Place) -> list[dict[str, Any]]:
    if not place.multiple:
        override = request.get("containerOverrides")
        return [{**override, "name": ONLY_CONTAINER}] if override else []
    tasks = request.get("ecsPropertiesOverride", {}).get("taskProperties", ())
    return [override for task in tasks for override in task.get("containers", ())]


def job_request(request: Parameters, place: Place) -> JobRequest:
    """A new job's request, after `check`; with an id of its own.

    Raises:
        AwsError: a command refers to a parameter that there is not.
    """
    identifier = str(uuid.uuid4())
    partition = place.queue_arn.split(":")[1]
    retry, timeout = _inherited(request, place, "retryStrategy"), _inherited(request, place, "timeout")
    parameters = {**place.definition.get("parameters", {}), **request.get("parameters", {})}
    overrides = _overrides(request, place)
    by_name = {override["name"]: override for override in overrides}
    variables = {
        "AWS_BATCH_JOB_ID": identifier,
        "AWS_BATCH_JQ_NAME": place.queue_name,
        "AWS_BATCH_CE_NAME": place.environment_name,
    }
    task_properties = dict(place.definition["ecsProperties"]["taskProperties"][0]) if place.multiple else {}
    task_properties.pop("containers", None)
    return JobRequest(
        id=identifier,
        arn=f"arn:{partition}:batch:{place.region}:{place.account}:job/{identifier}",
        name=request["jobName"],
        queue_arn=place.queue_arn,
        cluster_arn=place.cluster_arn,
        definition_name=place.definition["jobDefinitionName"],
        multiple=place.multiple,
        containers=[_merged(one, by_name.get(one["name"], {}), parameters) for one in _defined(place)],
        task_properties=task_properties,
        variables=variables,
        attempts=retry.get("attempts", 1),
        rules=retry.get("evaluateOnExit", ()),
        timeout=timeout.get("attemptDurationSeconds"),
        too_long=_too_long(overrides, variables),
        facts=_facts(request, place, parameters),
        ground=place.ground,
    )


def _facts(request: Parameters, place: Place, parameters: Mapping[str, str]) -> dict[str, Any]:
    retry, timeout = _inherited(request, place, "retryStrategy"), _inherited(request, place, "timeout")
    inherited = place.definition.get("tags", {}) if request.get("propagateTags") else {}
    facts: dict[str, Any] = {
        "jobDefinition": place.definition["jobDefinitionArn"],
        "parameters": parameters,
        "dependsOn": request.get("dependsOn", []),
        "retryStrategy": {"attempts": retry.get("attempts", 1), "evaluateOnExit": retry.get("evaluateOnExit", [])},
        "propagateTags": bool(request.get("propagateTags", place.definition.get("propagateTags"))),
        "platformCapabilities": place.definition.get("platformCapabilities") or [],
        "tags": {**inherited, **request.get("tags", {})},
    }
    if timeout:
        facts["timeout"] = timeout
    if request.get("shareIdentifier"):
        facts["shareIdentifier"] = request["shareIdentifier"]
    return facts


def _merged(definition: Parameters, override: Parameters, parameters: Mapping[str, str]) -> dict[str, Any]:
    """A container as DescribeJobs shows it: what the definition says, with what the request says instead."""
    pairs = [*definition.get("environment", ()), *override.get("environment", ())]
    required = [*definition.get("resourceRequirements", ()), *override.get("resourceRequirements", ())]
    deprecated = {name: override[name] for name in ("vcpus", "memory", "instanceType") if name in override}
    return {
        **definition,
        **deprecated,
        "command": [
            _substituted(word, parameters) for word in override.get("command") or definition.get("command", ())
        ],
        "environment": list({pair["name"]: pair for pair in pairs}.values()),
        "resourceRequirements": list({one["type"]: one for one in required}.values()),
    }


def _substituted(word: str, parameters: Mapping[str, str]) -> str:
    def value(reference: re.Match[str]) -> str:
        if reference[1] not in parameters:
            # As SubmitJob answers it, in the output of public repositories' scripts.
            raise refused(f"Unable to substitute value. No parameter found for reference {reference[1]}")
        return parameters[reference[1]]

    return _REFERENCE.sub(value, word)


def _too_long(overrides: list[dict[str, Any]], variables: Mapping[str, str]) -> bool:
    """Whether ECS will refuse what Batch asks of it: the overrides, and the variables that Batch adds to each."""
    own = [{"name": name, "value": value} for name, value in variables.items()]
    asked = [{**one, "environment": [*one.get("environment", ()), *own]} for one in overrides]
    return len(json.dumps({"containerOverrides": asked}, separators=(",", ":"), ensure_ascii=False)) > OVERRIDES_LIMIT


def attempt_request(job: JobRequest, number: int) -> TaskRequest:
    """The ECS task of a job's attempt, as Batch makes it; with an ARN of its own.

    Args:
        job: which.
        number: counted from 1.
    """
    prefix, cluster = job.cluster_arn.split(":cluster/")
    own = {**job.variables, "AWS_BATCH_JOB_ATTEMPT": str(number)}
    options = {"awslogs-group": LOG_GROUP, "awslogs-stream-prefix": job.definition_name}
    definitions = {}
    for container in job.containers:
        logs = container.get("logConfiguration") or {"logDriver": "awslogs"}
        if logs["logDriver"] == "awslogs":
            logs = {**logs, "options": {**options, **logs.get("options", {})}}
        pairs = [*container["environment"], *({"name": name, "value": value} for name, value in own.items())]
        definitions[container["name"]] = {**container, "logConfiguration": logs, "environment": pairs}
    return TaskRequest(
        arn=f"{prefix}:task/{cluster}/{uuid.uuid4().hex}",
        cluster_arn=job.cluster_arn,
        token="",
        started_by="",
        family=job.definition_name,
        facts={},
        definitions=definitions,
        specs={name: container_spec(one, job.ground, _limits(one)) for name, one in definitions.items()},
    )


def _limits(container: Parameters) -> Limits:
    """What a container requires, the deprecated members included.

    Raises:
        AwsError: it is no amount.
    """
    required = {one["type"]: one["value"] for one in container["resourceRequirements"]}
    memory = required.get("MEMORY") or container.get("memory") or 0
    vcpus = required.get("VCPU") or container.get("vcpus") or 0
    try:
        return Limits(memory=int(memory) or None, cpu=round(float(vcpus) * UNITS_PER_VCPU) or None)
    except ValueError as error:
        raise wrapped(f"resourceRequirements: {error}") from error
