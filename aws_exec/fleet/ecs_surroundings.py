"""What may keep an ECS task from starting: its cluster, the cluster's capacity, the account's Fargate quota."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from aws_exec.clouds.calls import Calls
from aws_exec.clouds.errors import CloudError, fault_of
from aws_exec.fleet.model import FleetJob
from aws_exec.fleet.service import Fact
from aws_exec.live.capacity import FARGATE_QUOTA, SPOT_QUOTA


def surroundings(calls: Calls, clients: Callable[[str], Any], job: FleetJob) -> list[Fact]:
    """See `Service.surroundings`; what may not be read is said, and hides nothing else."""
    facts = [*_cluster(calls, job.job.place)]
    if job.size.fargate:
        facts.append(_quota(clients, SPOT_QUOTA if job.size.spot else FARGATE_QUOTA))
    return facts


def _cluster(calls: Calls, name: str) -> Iterator[Fact]:
    about = f"cluster {name}"
    try:
        answer = calls.read("DescribeClusters", "describe_clusters", clusters=[name])
    except CloudError as error:
        yield Fact(about, f"not known ({error.fault})")
        return
    for cluster in answer.get("clusters") or ():
        status = str(cluster.get("status") or "?")
        running, pending = cluster.get("runningTasksCount", 0), cluster.get("pendingTasksCount", 0)
        yield Fact(about, f"{status}, {running} tasks run, {pending} are pending", bad=status != "ACTIVE")
        providers = cluster.get("capacityProviders") or ()
        if providers:
            yield Fact("capacity providers", ", ".join(map(str, providers)))
        instances = cluster.get("registeredContainerInstancesCount", 0)
        if instances or not providers:
            yield Fact("container instances", f"{instances} registered")
        return
    yield Fact(about, "does not exist", bad=True)


def fargate_quota(clients: Callable[[str], Any], code: str) -> float:
    """How many vCPUs may run at a time.

    Raises:
        CloudError: the service did not say.
    """
    try:
        answer = clients("service-quotas").get_service_quota(ServiceCode="fargate", QuotaCode=code)
        return float(answer["Quota"]["Value"])
    except CloudError:
        raise
    except Exception as error:
        raise CloudError(fault_of(error, "GetServiceQuota")) from error


def _quota(clients: Callable[[str], Any], code: str) -> Fact:
    about = "Fargate Spot quota" if code == SPOT_QUOTA else "Fargate quota"
    try:
        return Fact(about, f"{fargate_quota(clients, code):g} vCPUs at a time ({code})")
    except CloudError as error:
        return Fact(about, f"not known ({error.fault.code or error.fault})")
