"""The checks of capacity: sizes of Fargate, and vCPUs for as many tasks as Airflow runs at a time.

Service Quotas has the account's vCPUs of Fargate; a compute environment of AWS Batch has its own maximum.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from aws_exec.aws_checks.batch import definition_of, queue_of
from aws_exec.aws_checks.calls import CachedCalls, CallFailed, Outcome, Status, attributed
from aws_exec.aws_checks.ecs import providers
from aws_exec.settings.file.units import FARGATE_QUOTAS, UNITS_PER_VCPU, size, vcpus
from aws_exec.settings.rules.fargate import PROVIDERS, SIZES, nearest

_DEFINITION = "ecs:DescribeTaskDefinition"


def check_fargate(calls: CachedCalls, request: Mapping[str, Any], parallelism: float) -> Iterator[Outcome]:
    """Check that a task on Fargate has a valid size, and that the quota allows as many as Airflow runs at a time.

    Args:
        calls: makes the calls.
        request: the arguments of RunTask.
        parallelism: `[core] parallelism`.
    """
    where = providers(calls, request)
    if not where & PROVIDERS:
        return
    name = request["taskDefinition"]
    try:
        answer = calls.call("ecs", "DescribeTaskDefinition", f"task definition {name}", taskDefinition=name)
    except CallFailed:
        return  # reported by the first check that made this call
    own: Mapping[str, Any] = request.get("overrides") or {}
    definition = answer["taskDefinition"]
    cpu, memory = (_number(own.get(member) or definition.get(member)) for member in ("cpu", "memory"))
    overridden = {member for member in ("cpu", "memory") if own.get(member)}
    path = ("overrides", min(overridden)) if overridden else ("taskDefinition",)
    if (
        cpu and memory and memory not in SIZES.get(cpu, ()) and overridden != {"cpu", "memory"}
    ):  # else the rules report it
        message = f"results in {vcpus(cpu)} vCPU with {size(memory)}, which is not a Fargate size"
        subject, hint = f"task definition {name}", nearest(cpu, memory)
        yield Outcome(Status.FAIL, _DEFINITION, subject, message, hint, "live-size", path)
    if cpu:
        quota = _quota(calls, cpu / UNITS_PER_VCPU, parallelism, spot=where & PROVIDERS == {"FARGATE_SPOT"})
        yield from _skip_failures(attributed("live-quota", path, quota))


def _quota(calls: CachedCalls, each: float, parallelism: float, *, spot: bool) -> Iterator[Outcome]:
    subject, code = FARGATE_QUOTAS[spot]
    answer = calls.call("service-quotas", "GetServiceQuota", subject, ServiceCode="fargate", QuotaCode=code)
    have = float(answer["Quota"]["Value"])
    yield _enough("servicequotas:GetServiceQuota", subject, have, each, parallelism)


def check_compute(calls: CachedCalls, request: Mapping[str, Any], parallelism: float) -> Iterator[Outcome]:
    """Check that a job on Fargate has a valid size, and that its queue has vCPUs for as many jobs as Airflow runs.

    Args:
        calls: makes the calls.
        request: the arguments of SubmitJob.
        parallelism: `[core] parallelism`.
    """
    try:
        definition = definition_of(calls, request) or {}
    except CallFailed:
        return  # reported by the first check that made this call
    own, given = request.get("containerOverrides") or {}, definition.get("containerProperties") or {}
    vcpu, memory = (_need(own, name) or _need(given, name) for name in ("VCPU", "MEMORY"))
    overridden = [name for name in ("MEMORY", "VCPU") if _need(own, name)]
    path = ("containerOverrides", "resourceRequirements", overridden[0]) if overridden else ("jobDefinition",)
    sizes = SIZES.get(int(vcpu * UNITS_PER_VCPU), ())
    if "FARGATE" in (definition.get("platformCapabilities") or ()) and vcpu and memory and memory not in sizes:
        message = f"is for Fargate, which has no size of {vcpu:g} vCPU with {size(int(memory))}"
        subject, hint = f"job definition {request['jobDefinition']}", nearest(int(vcpu * UNITS_PER_VCPU), int(memory))
        yield Outcome(Status.FAIL, "batch:DescribeJobDefinitions", subject, message, hint, "live-size", path)
    if vcpu:
        compute = _compute(calls, request, vcpu, parallelism)
        yield from _skip_failures(attributed("live-quota", path, compute))


def _compute(calls: CachedCalls, request: Mapping[str, Any], each: float, parallelism: float) -> Iterator[Outcome]:
    call, subject = "batch:DescribeComputeEnvironments", "size of the compute environments"
    try:
        queue = queue_of(calls, request) or {}
        names = [one["computeEnvironment"] for one in queue.get("computeEnvironmentOrder", ())]
        if not names:
            return
        answer = calls.call("batch", "DescribeComputeEnvironments", subject, computeEnvironments=names)
    except CallFailed:
        return  # reported by the first check that made this call
    resources = [one.get("computeResources") or {} for one in answer.get("computeEnvironments", ())]
    most = [int(one["maxvCpus"]) for one in resources if "maxvCpus" in one]
    if most and len(most) == len(resources):
        yield _enough(call, subject, float(sum(most)), each, parallelism)


def _need(container: Mapping[str, Any], kind: str) -> float:
    """Return the vCPUs or MiB of a container or an override; 0 if not set."""
    needs = container.get("resourceRequirements") or ()
    old = container.get({"VCPU": "vcpus", "MEMORY": "memory"}[kind])
    return float(next((need["value"] for need in needs if need.get("type") == kind), old) or 0)


def _enough(call: str, subject: str, have: float, each: float, parallelism: float) -> Outcome:
    need = parallelism * each
    message = f"{have:g} vCPUs at a time; [core] parallelism {parallelism:g} x {each:g} vCPU is {need:g}"
    if have >= need:
        return Outcome(Status.PASS, call, subject, message)
    hint = "Raise it, or run fewer tasks at a time: the rest waits for capacity"
    return Outcome(Status.WARN, call, subject, message, hint)


def _skip_failures(outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
    """Yield outcomes with failures as skips: a quota that cannot be read must not fail the check."""
    for outcome in outcomes:
        yield replace(outcome, status=Status.SKIP) if outcome.status is Status.FAIL else outcome


def _number(text: object) -> int | None:
    return int(text) if isinstance(text, str) and text.isdecimal() else None
