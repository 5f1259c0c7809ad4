"""The rules for ECS tasks: Fargate's sizes and features, networks, capacity providers.

Sizes and limits: Amazon ECS developer guide, "Task definition parameters for Fargate"; API Reference, RunTask.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from aws_exec.settings.common.prices import Size
from aws_exec.settings.file.positions import Complaint
from aws_exec.settings.file.units import UNITS_PER_VCPU, size, vcpus
from aws_exec.settings.rules.view import View

#: Memory in MiB that each number of CPU units may have.
SIZES = MappingProxyType(
    {
        256: (512, 1024, 2048),
        512: tuple(range(1024, 4097, 1024)),
        1024: tuple(range(2048, 8193, 1024)),
        2048: tuple(range(4096, 16385, 1024)),
        4096: tuple(range(8192, 30721, 1024)),
        8192: tuple(range(16384, 61441, 4096)),
        16384: tuple(range(32768, 122881, 8192)),
        32768: (61440, 122880, 249856),
    }
)
MEMORIES = tuple(sorted({memory for memories in SIZES.values() for memory in memories}))

STORAGE = (21, 200)
PROVIDERS = frozenset({"FARGATE", "FARGATE_SPOT"})
#: Members for placement on instances, which Fargate does not have.
PLACED = ("placementConstraints", "placementStrategy")
MOST_SUBNETS, MOST_GROUPS, MOST_PROVIDERS = 16, 5, 20


def runs_on_fargate(request: Mapping[str, Any]) -> bool | None:
    """Whether the task of a RunTask request does; None if the cluster decides."""
    strategy = request.get("capacityProviderStrategy") or ()
    if strategy:
        return any(item.get("capacityProvider") in PROVIDERS for item in strategy)
    launch_type = request.get("launchType")
    return launch_type == "FARGATE" if launch_type else None


def task_size(request: Mapping[str, Any]) -> Size:
    """Return the resources in a RunTask request; those of the task definition are unknown.

    Not on Fargate if it has placement constraints (API Reference, RunTask); on Spot if all its providers are.
    """
    own = request.get("overrides") or {}
    cpu = _number(own.get("cpu"))
    needs = [need for item in own.get("containerOverrides") or () for need in item.get("resourceRequirements") or ()]
    strategy = request.get("capacityProviderStrategy") or ()
    return Size(
        vcpu=None if cpu is None else cpu / UNITS_PER_VCPU,
        memory_mib=_number(own.get("memory")),
        gpu=sum(_number(need.get("value")) or 0 for need in needs if need.get("type") == "GPU"),
        storage_gib=(own.get("ephemeralStorage") or {}).get("sizeInGiB") or 0,
        fargate=False if any(request.get(name) for name in PLACED) else runs_on_fargate(request),
        spot=bool(strategy) and all(item.get("capacityProvider") == "FARGATE_SPOT" for item in strategy),
    )


def nearest(cpu: int | None, memory: int | None) -> str:
    """The smallest size that has both, in words."""
    for units, memories in SIZES.items():
        if units < (cpu or 0):
            continue
        if (fitting := next((each for each in memories if each >= (memory or 0)), None)) is not None:
            return f"The next size is cpu {vcpus(units)}, memory {size(fitting)}"
    return f"The largest is cpu {vcpus(max(SIZES))}, memory {size(max(MEMORIES))}"


def sizes(view: View) -> Iterator[Complaint]:
    """CPU and memory are one of the sizes; with one of them only, the other is the task definition's."""
    on_fargate = runs_on_fargate(view.request)
    if view.service != "ecs" or on_fargate is False:
        return
    cpu, memory = _number(view.overrides.get("cpu")), _number(view.overrides.get("memory"))
    rule = "fargate-size" if on_fargate else "fargate-size-maybe"
    lead = "Fargate has no task of" if on_fargate else "if the cluster's default is Fargate, it has no task of"
    if cpu is not None and cpu not in SIZES:
        yield view.complaint(rule, ("overrides", "cpu"), f"{lead} {vcpus(cpu)} vCPU", nearest(cpu, memory))
    elif memory is not None and memory not in (MEMORIES if cpu is None else SIZES[cpu]):
        beside = "" if cpu is None else f" with {vcpus(cpu)} vCPU"
        message = f"{lead} {size(memory)}{beside}"
        yield view.complaint(rule, ("overrides", "memory"), message, nearest(cpu, memory) + _choices(cpu))


def _choices(cpu: int | None) -> str:
    return "" if cpu is None else f"; {vcpus(cpu)} vCPU go with {size(SIZES[cpu][0])} to {size(SIZES[cpu][-1])}"


def only_elsewhere(view: View) -> Iterator[Complaint]:
    """GPUs and placement are not for Fargate; disks have bounds there."""
    if view.service != "ecs" or not runs_on_fargate(view.request):
        return
    for path, item in view.containers():
        kinds = [need.get("type") for need in item.get("resourceRequirements") or ()]
        if "GPU" in kinds:
            where = (*path, "resourceRequirements", "GPU")
            hint = "Choose a capacity provider of GPU instances, or executor: batch"
            yield view.complaint("fargate-gpu", where, "Fargate has no GPUs", hint)
    for name in PLACED:
        if view.request.get(name):
            yield view.complaint("fargate-placement", (name,), f"Fargate takes no {name}", "Remove it")
    disk = (view.overrides.get("ephemeralStorage") or {}).get("sizeInGiB")
    if isinstance(disk, int) and not STORAGE[0] <= disk <= STORAGE[1]:
        path = ("overrides", "ephemeralStorage", "sizeInGiB")
        message = f"ephemeral storage is {STORAGE[0]} to {STORAGE[1]} GiB, not {disk}"
        yield view.complaint("fargate-storage", path, message, f"Write {min(max(disk, STORAGE[0]), STORAGE[1])}GiB")


def only_on_fargate(view: View) -> Iterator[Complaint]:
    """Report members that only Fargate supports."""
    if view.service != "ecs" or runs_on_fargate(view.request) is not False:
        return
    if view.overrides.get("ephemeralStorage"):
        path = ("overrides", "ephemeralStorage")
        yield view.complaint("fargate-only", path, "ephemeral storage is Fargate's only", "Remove it")
    if view.base is None:
        for option in ("platform_version", "assign_public_ip"):
            position = view.configuration.position("ecs", option) if _set(view, option) else None
            if position is not None:
                message = f"{option} is for Fargate only, and tasks run elsewhere"
                yield Complaint("fargate-only", position, message, "Remove it")


def _set(view: View, option: str) -> bool:
    file_options = view.configuration.file.options_of("ecs").values
    there = option in file_options or view.configuration.airflow_value(view.options.section, option) is not None
    return there and getattr(view.options, option) not in (False, "LATEST", "")


def network(view: View) -> Iterator[Complaint]:
    """Check subnets and security groups: required on Fargate, limited in number, and IDs."""
    if view.service != "ecs":
        return
    path = ("networkConfiguration", "awsvpcConfiguration")
    awsvpc = (view.request.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    if runs_on_fargate(view.request) and not awsvpc.get("subnets") and not view.assumed:
        where = "launchType" if view.request.get("launchType") else "capacityProviderStrategy"
        message = "tasks on Fargate need subnets, and there are none"
        yield view.complaint("network-subnets", (where,), message, "Set the option subnets")
    for name, most, prefix in (("subnets", MOST_SUBNETS, "subnet-"), ("securityGroups", MOST_GROUPS, "sg-")):
        ids = awsvpc.get(name) or ()
        if len(ids) > most:
            yield view.complaint("network-count", (*path, name), f"at most {most} {name}, and there are {len(ids)}")
        for index, each in enumerate(ids):
            if not str(each).startswith(prefix) or len(str(each).split()) > 1:
                message, hint = f"{str(each)[:40]} is not one of {name}", f"Ids begin with {prefix}"
                yield view.complaint("network-id", (*path, name, str(index)), message, hint)


def strategy(view: View) -> Iterator[Complaint]:
    """Check the combination of capacity providers in a strategy."""
    items = view.request.get("capacityProviderStrategy") or ()
    path = ("capacityProviderStrategy",)
    ours = [item.get("capacityProvider") in PROVIDERS for item in items]
    if any(ours) and not all(ours):
        message = "Fargate's providers and others cannot be in one strategy"
        yield view.complaint("capacity-strategy", path, message, "Keep one kind")
    elif sum(bool(item.get("base")) for item in items) > 1:
        yield view.complaint("capacity-strategy", path, "more than one provider has a base", "Keep one base")
    elif items and all(item.get("weight") == 0 for item in items):
        yield view.complaint("capacity-strategy", path, "no provider has a weight above 0", "Write weight: 1")
    elif len(items) > MOST_PROVIDERS:
        yield view.complaint("capacity-strategy", path, f"more than {MOST_PROVIDERS} providers")


def containers(view: View) -> Iterator[Complaint]:
    """No container is larger than its task."""
    for path, item in view.containers() if view.service == "ecs" else ():
        for name in ("cpu", "memory", "memoryReservation"):
            whole = _number(view.overrides.get(name.removesuffix("Reservation")))
            if whole is not None and isinstance(item.get(name), int) and item[name] > whole:
                message = f"the container's {name} {item[name]} is more than the task's {whole}"
                yield view.complaint("container-larger", (*path, name), message, "Lower it, or raise the task's")


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, str) and value.isdecimal() else None


CHECKS = (sizes, only_elsewhere, only_on_fargate, network, strategy, containers)
