"""The checks of a RunTask request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from aws_exec.aws_checks.calls import CONTAINER, CachedCalls, CallFailed, Outcome, Status, attributed, log_groups, roles
from aws_exec.settings.rules.fargate import PROVIDERS

_DEFINITION = ("taskDefinition",)
_AWSVPC = ("networkConfiguration", "awsvpcConfiguration")


def check_run_task(calls: CachedCalls, request: Mapping[str, Any], container: str) -> Iterator[Outcome]:
    """Check everything that one request needs.

    Args:
        calls: makes the calls.
        request: the arguments of RunTask.
        container: the name of the Airflow container.

    Raises:
        CredentialsError: AWS accepts no credentials.
    """
    yield from attributed("live-cluster", ("cluster",), _cluster(calls, request))
    yield from attributed("live-task-definition", _DEFINITION, _task_definition(calls, request, container))
    yield from attributed("live-network", (*_AWSVPC, "subnets"), _network(calls, request))


def providers(calls: CachedCalls, request: Mapping[str, Any]) -> frozenset[str]:
    """Return the capacity providers, or the launch type, of a RunTask request; empty if unknown.

    If it names neither, the cluster's default strategy applies; without one awsexec chooses Fargate.
    """
    strategy = request.get("capacityProviderStrategy") or ()
    if not strategy and request.get("launchType"):
        return frozenset({str(request["launchType"])})
    if not strategy:
        try:
            found = cluster_of(calls, request)
        except CallFailed:
            return frozenset()
        strategy = found.get("defaultCapacityProviderStrategy") if found else ()
    return frozenset(str(item.get("capacityProvider")) for item in strategy or ()) or frozenset({"FARGATE"})


def cluster_named(request: Mapping[str, Any]) -> str:
    """Return the name of a RunTask request's cluster for outcomes."""
    return f"cluster {request.get('cluster', 'default')}"


def cluster_of(calls: CachedCalls, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the cluster of a RunTask request, ACTIVE or not; None if it does not exist.

    Raises:
        CallFailed: with the outcome.
    """
    names = [request.get("cluster", "default")]
    found = calls.call("ecs", "DescribeClusters", cluster_named(request), clusters=names).get("clusters")
    return found[0] if found else None


def _cluster(calls: CachedCalls, request: Mapping[str, Any]) -> Iterator[Outcome]:
    call, subject = "ecs:DescribeClusters", cluster_named(request)
    found = cluster_of(calls, request)
    if found is None or found.get("status") != "ACTIVE":
        what = "does not exist" if found is None else f"is {found.get('status')}"
        yield Outcome(Status.FAIL, call, subject, what, "Name a cluster of this Region and account")
        return
    yield Outcome(Status.PASS, call, subject, "is ACTIVE")
    known = found.get("capacityProviders", [])
    for item in request.get("capacityProviderStrategy") or ():
        provider = item.get("capacityProvider")
        if provider in known:
            yield Outcome(Status.PASS, call, f"capacity provider {provider}", "is associated with the cluster")
        else:
            message = f"is not associated with the cluster, which has: {', '.join(known) or 'none'}"
            hint = "ecs put-cluster-capacity-providers associates it"
            path = ("capacityProviderStrategy", str(provider))
            subject = f"capacity provider {provider}"
            yield Outcome(Status.FAIL, call, subject, message, hint, "live-capacity-provider", path)


def _task_definition(calls: CachedCalls, request: Mapping[str, Any], container: str) -> Iterator[Outcome]:
    call, name = "ecs:DescribeTaskDefinition", request["taskDefinition"]
    subject = f"task definition {name}"
    definition = calls.call("ecs", "DescribeTaskDefinition", subject, taskDefinition=name)["taskDefinition"]
    if definition.get("status") != "ACTIVE":
        yield Outcome(Status.FAIL, call, subject, f"is {definition.get('status')}", "Name an active revision")
        return
    yield Outcome(Status.PASS, call, subject, "is ACTIVE")
    containers = {item["name"]: item for item in definition.get("containerDefinitions", ())}
    if container not in containers:
        message = f"has no container {container}; it has: {', '.join(containers)}"
        yield Outcome(Status.FAIL, call, subject, message, "Correct container_name", "live-container", CONTAINER)
        return
    yield Outcome(Status.PASS, call, subject, f"has the container {container}")
    if (containers[container].get("restartPolicy") or {}).get("enabled"):
        message = f"restarts the container {container} when it has exited, and Airflow refuses its second start"
        yield Outcome(Status.WARN, call, subject, message, "Remove its restartPolicy: Airflow retries tasks")
    for item in request.get("overrides", {}).get("containerOverrides", ()):
        if item.get("name") not in containers:
            message = f"has no container {item.get('name')}, which is overridden"
            path = ("overrides", "containerOverrides", str(item.get("name")))
            hint = f"It has: {', '.join(containers)}"
            yield Outcome(Status.FAIL, call, subject, message, hint, "live-container", path)
    yield from _platform(calls, definition, request)
    yield from _limits(call, subject, containers[container], request)
    logs = containers[container].get("logConfiguration") or {}
    yield from attributed("live-log-group", _DEFINITION, log_groups(calls, logs, f"container {container}", None))
    yield from roles(calls, _roles(definition, request.get("overrides") or {}))


def _roles(definition: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str | None, tuple[str, ...]]:
    """Return the roles of a task and the members that name them; an override wins (API Reference, TaskOverride)."""
    return {
        own.get(name) or definition.get(name): ("overrides", name) if own.get(name) else _DEFINITION
        for name in ("executionRoleArn", "taskRoleArn")
    }


def _platform(calls: CachedCalls, definition: Mapping[str, Any], request: Mapping[str, Any]) -> Iterator[Outcome]:
    """Check the network mode, and Fargate."""
    call, subject = "ecs:DescribeTaskDefinition", f"task definition {request['taskDefinition']}"
    mode = definition.get("networkMode") or "bridge"
    has = bool(request.get("networkConfiguration"))
    if mode == "awsvpc" and not has:
        message = "has the network mode awsvpc, and there are no subnets"
        yield Outcome(Status.FAIL, call, subject, message, "Set the option subnets")
    elif mode != "awsvpc" and has:
        message = f"has the network mode {mode}, which takes no subnets"
        yield Outcome(Status.FAIL, call, subject, message, "Unset subnets and security_groups, or use awsvpc")
    on_fargate = providers(calls, request) & PROVIDERS
    compatible = definition.get("compatibilities") or definition.get("requiresCompatibilities") or ()
    if on_fargate and compatible and "FARGATE" not in compatible:
        message = f"cannot run on Fargate; it is for {', '.join(compatible)}"
        yield Outcome(Status.FAIL, call, subject, message, "Register it with requiresCompatibilities FARGATE")


def _limits(call: str, subject: str, container: Mapping[str, Any], request: Mapping[str, Any]) -> Iterator[Outcome]:
    """Check the container's own limit: it applies whatever the task's size."""
    memory = (request.get("overrides") or {}).get("memory")
    own: Mapping[str, Any] = next(
        (
            item
            for item in request.get("overrides", {}).get("containerOverrides", ())
            if item["name"] == container["name"]
        ),
        {},
    )
    limit = own.get("memory") or container.get("memory")
    if memory and limit and int(limit) < int(memory):
        message = f"limits its container to {limit} MiB, and the task is given {memory}"
        hint = "Remove the container's memory from the definition"
        yield Outcome(Status.WARN, call, subject, message, hint, "live-container-limit", ("overrides", "memory"))


def _network(calls: CachedCalls, request: Mapping[str, Any]) -> Iterator[Outcome]:
    """Subnets and security groups exist, in one VPC."""
    awsvpc = (request.get("networkConfiguration") or {}).get("awsvpcConfiguration") or {}
    subnets, groups = awsvpc.get("subnets") or [], awsvpc.get("securityGroups") or []
    vpcs: set[str] = set()
    if subnets:
        subject = f"subnets {', '.join(subnets)}"
        found = calls.call("ec2", "DescribeSubnets", subject, SubnetIds=subnets)["Subnets"]
        vpcs |= {each["VpcId"] for each in found}
        yield _one_vpc("ec2:DescribeSubnets", subject, vpcs)
    if groups:
        subject = f"security groups {', '.join(groups)}"
        found = calls.call("ec2", "DescribeSecurityGroups", subject, GroupIds=groups)["SecurityGroups"]
        vpcs |= {each["VpcId"] for each in found}
        yield replace(_one_vpc("ec2:DescribeSecurityGroups", subject, vpcs), path=(*_AWSVPC, "securityGroups"))


def _one_vpc(call: str, subject: str, vpcs: set[str]) -> Outcome:
    if len(vpcs) > 1:
        message = f"are not in one VPC, but in {', '.join(sorted(vpcs))}"
        return Outcome(Status.FAIL, call, subject, message, "Name subnets and security groups of one VPC")
    return Outcome(Status.PASS, call, subject, f"exist, in {', '.join(vpcs)}")
