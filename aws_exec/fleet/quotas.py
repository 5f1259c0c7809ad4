"""The account's quota of Fargate, which tasks on ECS and Batch jobs on Fargate share."""

from __future__ import annotations

from aws_exec.clouds.errors import CloudError, failure_of
from aws_exec.fleet.model import FleetJob
from aws_exec.fleet.service import Clients, ContextLine
from aws_exec.settings.file.units import FARGATE_QUOTAS


def fargate_quota(clients: Clients, job: FleetJob) -> ContextLine:
    """Return how many vCPUs may run at a time, On-Demand or Spot, as for a job; "not known" if it cannot be read."""
    about, code = FARGATE_QUOTAS[bool(job.size.spot)]
    try:
        return ContextLine(about, f"{_vcpus(clients, job.region, code):g} vCPUs at a time ({code})")
    except CloudError as error:
        return ContextLine(about, f"not known ({error.failure.code or error.failure})")


def _vcpus(clients: Clients, region: str, code: str) -> float:
    try:
        answer = clients("service-quotas", region).get_service_quota(ServiceCode="fargate", QuotaCode=code)
        return float(answer["Quota"]["Value"])
    except CloudError:
        raise
    except Exception as error:
        raise CloudError(failure_of(error, "GetServiceQuota")) from error
