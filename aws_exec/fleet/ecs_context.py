"""The context of an ECS task that does not start: its cluster, capacity, the account's Fargate quota."""

from __future__ import annotations

from collections.abc import Iterator

from aws_exec.clouds.calls import Calls
from aws_exec.clouds.errors import CloudError
from aws_exec.fleet.model import FleetJob
from aws_exec.fleet.quotas import fargate_quota
from aws_exec.fleet.service import Clients, ContextLine


def context(calls: Calls, clients: Clients, job: FleetJob) -> list[ContextLine]:
    """Return `Service.context`; a call that fails is a line of its own, and hides no other line."""
    lines = [*_cluster(calls, job.job.location)]
    if job.size.fargate:
        lines.append(fargate_quota(clients, job))
    return lines


def _cluster(calls: Calls, name: str) -> Iterator[ContextLine]:
    about = f"cluster {name}"
    try:
        answer = calls.read("DescribeClusters", "describe_clusters", clusters=[name])
    except CloudError as error:
        yield ContextLine(about, f"not known ({error.failure})")
        return
    for cluster in answer.get("clusters") or ():
        status = str(cluster.get("status") or "?")
        running, pending = cluster.get("runningTasksCount", 0), cluster.get("pendingTasksCount", 0)
        yield ContextLine(about, f"{status}, {running} tasks run, {pending} are pending", bad=status != "ACTIVE")
        providers = cluster.get("capacityProviders") or ()
        if providers:
            yield ContextLine("capacity providers", ", ".join(map(str, providers)))
        instances = cluster.get("registeredContainerInstancesCount", 0)
        if instances or not providers:
            yield ContextLine("container instances", f"{instances} registered")
        return
    yield ContextLine(about, "does not exist", bad=True)
