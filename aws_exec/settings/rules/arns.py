"""The rule for ARNs: each has the kind of resource that its member needs, in an existing partition and Region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aws_exec.regions import is_region, partitions
from aws_exec.settings.file.positions import Complaint
from aws_exec.settings.file.terms import Service
from aws_exec.settings.rules.view import View


@dataclass(frozen=True, slots=True)
class _Form:
    """The form of an ARN: its service and the prefix of its resource.

    Attributes:
        named: whether a name is allowed instead of an ARN.
    """

    service: str
    resource: str
    named: bool = True


_ROLE = _Form("iam", "role/")
JOB_QUEUE = _Form("batch", "job-queue/")

#: API Reference of ECS (RunTask, TaskOverride, EnvironmentFile, TaskManagedEBSVolumeConfiguration) and of Batch
#: (SubmitJob). All other members take no ARN, or one of any kind.
_MEMBERS: Mapping[Service, Mapping[str, _Form]] = {
    "ecs": {
        "cluster": _Form("ecs", "cluster/"),
        "taskDefinition": _Form("ecs", "task-definition/"),
        "overrides.taskRoleArn": _ROLE,
        "overrides.executionRoleArn": _ROLE,
        "overrides.containerOverrides[].environmentFiles[].value": _Form("s3", "", named=False),
        "volumeConfigurations[].managedEBSVolume.roleArn": _ROLE,
        "volumeConfigurations[].managedEBSVolume.kmsKeyId": _Form("kms", ""),
    },
    "batch": {"jobQueue": JOB_QUEUE, "jobDefinition": _Form("batch", "job-definition/")},
}


def kinds(view: View) -> Iterator[Complaint]:
    """Check the ARNs of a request."""
    for pattern, form in _MEMBERS[view.service].items():
        for path, value in _values(view.request, pattern.split("."), ""):
            if mistake := mistake_in(value, form):
                where = view.origins.named(path, view.request)
                yield view.complaint("option-arn", where, f"{where[-1]} {mistake[0]}", mistake[1])


def mistake_in(value: str, form: _Form) -> tuple[str, str] | None:
    """Return what is wrong with a name or an ARN, and what to do; None if nothing."""
    like = f"arn:aws:{form.service}:...:{form.resource}"
    instead = f"It is like {like}..., or the name alone" if form.named else f"It is like {like}..."
    if not value.startswith("arn:"):
        return None if form.named else ("is not an ARN", instead)
    _, partition, service, region, _, resource, *_ = [*value.split(":", 5), *[""] * 5]
    if service != form.service or not resource.startswith(form.resource):
        return "is an ARN of something else", instead
    known = [each.id for each in partitions()]
    if partition not in known:
        return f"is of the partition {partition[:40]}, which does not exist", f"Partitions: {', '.join(known)}"
    if region and not is_region(region):
        return f"is of {region[:40]}, which is not a Region", "Write it as in eu-central-1"
    return None


def _values(document: Any, steps: list[str], path: str) -> Iterator[tuple[str, str]]:
    """Yield the texts at a pattern of a request, each with its dotted path."""
    if not steps:
        if isinstance(document, str):
            yield path, document
        return
    name = steps[0].removesuffix("[]")
    inner = document.get(name) if isinstance(document, Mapping) else None
    below = f"{path}.{name}" if path else name
    if not steps[0].endswith("[]"):
        yield from _values(inner, steps[1:], below)
        return
    for index, item in enumerate(inner if isinstance(inner, list | tuple) else ()):
        yield from _values(item, steps[1:], f"{below}[{index}]")
