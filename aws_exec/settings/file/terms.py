"""The neutral terms of templates, and what each becomes in a RunTask or SubmitJob request.

One term is one field of `Terms`, declared once: how it is read, what it becomes for either service, and its description
for documentation, the JSON Schema and messages. `validate-config` reports a term without effect on a service
(`template-no-effect`). Null deletes, in the template that this one extends and in the request
of the options.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from aws_exec.settings.common.coercion import boolean, names
from aws_exec.settings.common.merge import Document
from aws_exec.settings.ecs.options import LaunchType
from aws_exec.settings.file.units import cpu_units, gibibytes, mebibytes, vcpus, whole_seconds

Service: TypeAlias = Literal["ecs", "batch"]
SERVICES: tuple[Service, ...] = ("ecs", "batch")

#: Makes a part of a request of a term's value; of None, a part that deletes.
Compiled: TypeAlias = Callable[[Any], Document]

#: A container of a RunTask request that is the Airflow container, whatever its name.
AIRFLOW_CONTAINER = ""


@dataclass(frozen=True, slots=True)
class Means:
    """What a term becomes; None: nothing.

    Attributes:
        ecs: in a RunTask request.
        batch: in a SubmitJob request.
    """

    ecs: Compiled | None = None
    batch: Compiled | None = None


def _at(*path: str, how: Callable[[Any], Any] = lambda value: value) -> Compiled:
    """A term that becomes one member of the request."""

    def compiled(value: Any) -> Document:
        part = None if value is None else how(value)
        for step in reversed(path):
            part = {step: part}
        return part or {}

    return compiled


def _own(member: str, how: Callable[[Any], Any] = lambda value: value) -> Compiled:
    """A term that becomes one member of the Airflow container's overrides in RunTask."""

    def compiled(value: Any) -> Document:
        part = None if value is None else how(value)
        return {"overrides": {"containerOverrides": [{"name": AIRFLOW_CONTAINER, member: part}]}}

    return compiled


def _resource(kind: str, how: Callable[[Any], str]) -> Callable[[Any], list[Document]]:
    return lambda value: [{"type": kind, "value": None if value is None else how(value)}]


def _ecs_resource(kind: str) -> Compiled:
    make = _resource(kind, str)
    return lambda value: _own("resourceRequirements")(make(value))


def _batch_resource(kind: str, how: Callable[[Any], str]) -> Compiled:
    make = _resource(kind, how)
    return lambda value: {"containerOverrides": {"resourceRequirements": make(value)}}


def _pairs(texts: Mapping[str, str | None]) -> list[Document]:
    return [{"name": name, "value": text} for name, text in texts.items()]


def _tags(texts: Mapping[str, str | None]) -> list[Document]:
    return [{"key": key, "value": text} for key, text in texts.items()]


def _on_spot(spot: bool | None) -> Document:
    if spot is None:
        return {"capacityProviderStrategy": None}
    if not spot:
        return {"launchType": "FARGATE"}
    return {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]}


def _awsvpc(member: str, how: Callable[[Any], Any] = list) -> Compiled:
    return _at("networkConfiguration", "awsvpcConfiguration", member, how=how)


def _texts(value: object) -> dict[str, str | None]:
    """Names and texts; numbers and booleans are written as YAML writes them, None deletes."""
    if not isinstance(value, Mapping):
        raise ValueError("is not a mapping of names to texts")  # noqa: TRY004 - pydantic collects ValueErrors
    wrong = next((name for name, text in value.items() if isinstance(text, list | tuple | Mapping)), None)
    if wrong is not None:
        raise ValueError(f"has a value for {str(wrong)[:60]} that is no text")
    return {str(name): _text(text) for name, text in value.items()}


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _name(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("is not a name")
    return value.strip()


def _count(value: object) -> int:
    if isinstance(value, bool) or not str(value).strip().isdecimal():
        raise ValueError("is not a whole number")
    return int(str(value))


def _upper(value: object) -> str:
    return _name(value).upper()


def _raw(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError("is not a mapping of request members")  # noqa: TRY004 - as above
    return dict(value)


def _reader(read: Callable[[object], Any]) -> BeforeValidator:
    """How a term is read; null stays null."""
    return BeforeValidator(lambda value: None if value is None else read(value))


def term(description: str, example: str) -> Any:
    """Declare one term: sentences for documentation, and an example as it would be written in YAML."""
    return Field(default=None, description=description, examples=[example])


Name = Annotated[str | None, _reader(_name)]
Texts = Annotated[dict[str, str | None] | None, _reader(_texts)]
Names = Annotated[tuple[str, ...] | None, _reader(names)]
Flag = Annotated[bool | None, _reader(boolean)]


class Terms(BaseModel):
    """The terms of one template, or those that an executor_config adds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    executor: Annotated[Service | None, Means()] = term(
        "The service that the template is for, `ecs` or `batch`. Without it, for both.", "batch"
    )
    extends: Name = term("The template that this one is laid over.", "small")
    description: Name = term("What `awsexec templates` shows beside it.", "For what fits into one vCPU")
    cpu: Annotated[
        int | None,
        _reader(cpu_units),
        Means(_at("overrides", "cpu", how=str), _batch_resource("VCPU", vcpus)),
    ] = term("vCPUs of the task or job, as in `0.5` or `4`; from 256 on, CPU units, of which 1024 are one vCPU.", "0.5")
    memory: Annotated[
        int | None,
        _reader(mebibytes),
        Means(_at("overrides", "memory", how=str), _batch_resource("MEMORY", str)),
    ] = term("Memory of the task or job: `1GiB`, `512MiB`, or MiB without a unit.", "1GiB")
    gpu: Annotated[
        Annotated[int, Field(ge=1)] | None, _reader(_count), Means(_ecs_resource("GPU"), _batch_resource("GPU", str))
    ] = term("GPUs of the Airflow container; not on Fargate.", "1")
    ephemeral_storage: Annotated[
        int | None, _reader(gibibytes), Means(_at("overrides", "ephemeralStorage", "sizeInGiB"))
    ] = term("Disk of a Fargate task, 21 to 200 GiB; a Batch job has what its job definition says.", "50GiB")
    spot: Annotated[bool | None, _reader(boolean), Means(_on_spot)] = term(
        "True: on Fargate Spot; false: on Fargate, not Spot. Batch jobs run on Spot if their `job_queue` does.", "true"
    )
    env: Annotated[Texts, Means(_own("environment", _pairs), _at("containerOverrides", "environment", how=_pairs))] = (
        term("Environment variables of the Airflow container, by name; they merge by name.", "{OMP_NUM_THREADS: '4'}")
    )
    tags: Annotated[Texts, Means(_at("tags", how=_tags), _at("tags", how=dict))] = term(
        "Tags of the task or job, by key; they merge by key.", "{team: risk}"
    )
    timeout: Annotated[int | None, _reader(whole_seconds), Means(batch=_at("timeout", "attemptDurationSeconds"))] = (
        term("How long a Batch job may run: `2h`, `90m`, or seconds, at least 60. ECS has no such limit.", "2h")
    )
    cluster: Annotated[Name, Means(_at("cluster"))] = term("The ECS cluster.", "airflow")
    task_definition: Annotated[Name, Means(_at("taskDefinition"))] = term("The ECS task definition.", "airflow-task:7")
    launch_type: Annotated[LaunchType | None, _reader(_upper), Means(_at("launchType"))] = term(
        "The ECS launch type; excludes `spot` and `capacity_provider`.", "FARGATE"
    )
    capacity_provider: Annotated[
        Name, Means(_at("capacityProviderStrategy", how=lambda name: [{"capacityProvider": name, "weight": 1}]))
    ] = term("The ECS capacity provider; excludes `spot` and `launch_type`.", "my-instances")
    platform_version: Annotated[Name, Means(_at("platformVersion"))] = term("The Fargate platform version.", "1.4.0")
    subnets: Annotated[Names, Means(_awsvpc("subnets"))] = term(
        "Subnets of the ECS task, instead of the configured ones.", "[subnet-0a1b2c3d]"
    )
    security_groups: Annotated[Names, Means(_awsvpc("securityGroups"))] = term(
        "Security groups of the ECS task, instead of the configured ones.", "[sg-0a1b2c3d]"
    )
    assign_public_ip: Annotated[
        Flag, Means(_awsvpc("assignPublicIp", lambda yes: "ENABLED" if yes else "DISABLED"))
    ] = term("Whether the ECS task gets a public IP address.", "false")
    task_role: Annotated[Name, Means(_at("overrides", "taskRoleArn"))] = term(
        "ARN of the IAM role of the ECS task.", "arn:aws:iam::123456789012:role/etl"
    )
    job_queue: Annotated[Name, Means(batch=_at("jobQueue"))] = term("The Batch job queue.", "gpu")
    job_definition: Annotated[Name, Means(batch=_at("jobDefinition"))] = term("The Batch job definition.", "airflow:3")
    share_identifier: Annotated[Name, Means(batch=_at("shareIdentifier"))] = term(
        "The share of a fair-share Batch job queue.", "risk"
    )
    priority: Annotated[int | None, _reader(_count), Means(batch=_at("schedulingPriorityOverride"))] = term(
        "The priority within the share, 0 to 9999.", "10"
    )
    ecs: Annotated[dict[str, Any] | None, _reader(_raw)] = term(
        "Raw RunTask arguments, laid over the terms; nothing to Batch.",
        "{overrides: {ephemeralStorage: {sizeInGiB: 50}}}",
    )
    batch: Annotated[dict[str, Any] | None, _reader(_raw)] = term(
        "Raw SubmitJob arguments, laid over the terms; nothing to ECS.", "{retryStrategy: {attempts: 1}}"
    )


#: Terms of placement: a template has at most one, and it displaces the option of the same meaning.
PLACEMENTS = ("spot", "launch_type", "capacity_provider")


def means(name: str, service: Service) -> Compiled | None:
    """Return what a term becomes for a service; None: nothing."""
    found = next((item for item in Terms.model_fields[name].metadata if isinstance(item, Means)), Means())
    return found.ecs if service == "ecs" else found.batch
