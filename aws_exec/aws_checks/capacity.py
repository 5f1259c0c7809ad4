"""Whether what is to run fits: into a size of Fargate, and as many at a time as Airflow runs.

Service Quotas has the account's vCPUs of Fargate; a compute environment of AWS Batch has its own maximum.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from aws_exec.aws_checks.batch import definition_of, queue_of
from aws_exec.aws_checks.calls import Asking, Outcome, Status, Unanswered, concerning
from aws_exec.aws_checks.ecs import providers
from aws_exec.settings.file.units import FARGATE_QUOTAS, UNITS_PER_VCPU, size, vcpus
from aws_exec.settings.rules.fargate import PROVIDERS, SIZES, nearest

_DEFINITION = "ecs:DescribeTaskDefinition"


def check_fargate(asking: Asking, request: Mapping[str, Any], parallelism: float) -> Iterator[Outcome]:
    """Whether a task has one of Fargate's sizes, and enough of them may run at a time; nothing of what runs elsewhere.

    Args:
        asking: makes the calls.
        request: the arguments of RunTask.
        parallelism: `[core] parallelism`.
    """
    where = providers(asking, request)
    if not where & PROVIDERS:
        return
    name = request["taskDefinition"]
    try:
        answer = asking.ask("ecs", "DescribeTaskDefinition", f"task definition {name}", taskDefinition=name)
    except Unanswered:
        return  # told by whoever asked first
    own: Mapping[str, Any] = request.get("overrides") or {}
    definition = answer["taskDefinition"]
    cpu, memory = (_number(own.get(member) or definition.get(member)) for member in ("cpu", "memory"))
    told = {member for member in ("cpu", "memory") if own.get(member)}
    path = ("overrides", min(told)) if told else ("taskDefinition",)
    if cpu and memory and memory not in SIZES.get(cpu, ()) and told != {"cpu", "memory"}:  # else the rules tell it
        message = f"says the rest: {vcpus(cpu)} vCPU with {size(memory)} is no size of Fargate's"
        subject, hint = f"task definition {name}", nearest(cpu, memory)
        yield Outcome(Status.FAIL, _DEFINITION, subject, message, hint, "live-size", path)
    if cpu:
        quota = _quota(asking, cpu / UNITS_PER_VCPU, parallelism, spot=where & PROVIDERS == {"FARGATE_SPOT"})
        yield from _untold_is_skipped(concerning("live-quota", path, quota))


def _quota(asking: Asking, each: float, parallelism: float, *, spot: bool) -> Iterator[Outcome]:
    subject, code = FARGATE_QUOTAS[spot]
    answer = asking.ask("service-quotas", "GetServiceQuota", subject, ServiceCode="fargate", QuotaCode=code)
    have = float(answer["Quota"]["Value"])
    yield _enough("servicequotas:GetServiceQuota", subject, have, each, parallelism)


def check_compute(asking: Asking, request: Mapping[str, Any], parallelism: float) -> Iterator[Outcome]:
    """Whether a job on Fargate has one of its sizes, and its queue enough vCPUs for as many jobs as Airflow runs.

    Args:
        asking: makes the calls.
        request: the arguments of SubmitJob.
        parallelism: `[core] parallelism`.
    """
    try:
        definition = definition_of(asking, request) or {}
    except Unanswered:
        return  # told by whoever asked first
    own, given = request.get("containerOverrides") or {}, definition.get("containerProperties") or {}
    vcpu, memory = (_need(own, name) or _need(given, name) for name in ("VCPU", "MEMORY"))
    told = [name for name in ("MEMORY", "VCPU") if _need(own, name)]
    path = ("containerOverrides", "resourceRequirements", told[0]) if told else ("jobDefinition",)
    sizes = SIZES.get(int(vcpu * UNITS_PER_VCPU), ())
    if "FARGATE" in (definition.get("platformCapabilities") or ()) and vcpu and memory and memory not in sizes:
        message = f"is for Fargate, which has no size of {vcpu:g} vCPU with {size(int(memory))}"
        subject, hint = f"job definition {request['jobDefinition']}", nearest(int(vcpu * UNITS_PER_VCPU), int(memory))
        yield Outcome(Status.FAIL, "batch:DescribeJobDefinitions", subject, message, hint, "live-size", path)
    if vcpu:
        compute = _compute(asking, request, vcpu, parallelism)
        yield from _untold_is_skipped(concerning("live-quota", path, compute))


def _compute(asking: Asking, request: Mapping[str, Any], each: float, parallelism: float) -> Iterator[Outcome]:
    call, subject = "batch:DescribeComputeEnvironments", "size of the compute environments"
    try:
        queue = queue_of(asking, request) or {}
        names = [one["computeEnvironment"] for one in queue.get("computeEnvironmentOrder", ())]
        if not names:
            return
        answer = asking.ask("batch", "DescribeComputeEnvironments", subject, computeEnvironments=names)
    except Unanswered:
        return  # told by whoever asked first
    resources = [one.get("computeResources") or {} for one in answer.get("computeEnvironments", ())]
    most = [int(one["maxvCpus"]) for one in resources if "maxvCpus" in one]
    if most and len(most) == len(resources):
        yield _enough(call, subject, float(sum(most)), each, parallelism)


def _need(container: Mapping[str, Any], kind: str) -> float:
    """vCPUs, or MiB, of a container, or of what is overridden of it; 0 if that is not said."""
    needs = container.get("resourceRequirements") or ()
    old = container.get({"VCPU": "vcpus", "MEMORY": "memory"}[kind])
    return float(next((need["value"] for need in needs if need.get("type") == kind), old) or 0)


def _enough(call: str, subject: str, have: float, each: float, parallelism: float) -> Outcome:
    need = parallelism * each
    said = f"{have:g} vCPUs at a time; [core] parallelism {parallelism:g} x {each:g} vCPU is {need:g}"
    if have >= need:
        return Outcome(Status.PASS, call, subject, said)
    hint = "Have it raised, or run fewer tasks at a time: the rest waits for capacity"
    return Outcome(Status.WARN, call, subject, said, hint)


def _untold_is_skipped(outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    """What is not told of a quota is no reason for anything to fail."""
    for outcome in outcomes:
        yield replace(outcome, status=Status.SKIP) if outcome.status is Status.FAIL else outcome


def _number(text: object) -> int | None:
    return int(text) if isinstance(text, str) and text.isdecimal() else None
