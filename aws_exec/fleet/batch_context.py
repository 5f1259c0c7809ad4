"""The context of a Batch job that does not start: its queue, the jobs before it, compute environments, the quota."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aws_exec.clouds.calls import Calls, id_of
from aws_exec.clouds.errors import CloudError
from aws_exec.fleet.model import FleetJob
from aws_exec.fleet.quotas import fargate_quota
from aws_exec.fleet.service import Clients, ContextLine


def context(calls: Calls, clients: Clients, job: FleetJob) -> list[ContextLine]:
    """Return `Service.context`; a call that fails is a line of its own, and hides no other line."""
    about = f"job queue {job.job.location}"
    try:
        queues = calls.read("DescribeJobQueues", "describe_job_queues", jobQueues=[job.job.location]).get("jobQueues")
    except CloudError as error:
        return [ContextLine(about, f"not known ({error.failure})")]
    if not queues:
        return [ContextLine(about, "does not exist", bad=True)]
    lines = [_queue(about, queues[0]), *_before(calls, job), *_environments(calls, queues[0])]
    return [*lines, fargate_quota(clients, job)] if job.size.fargate else lines


def _queue(about: str, queue: Mapping[str, Any]) -> ContextLine:
    state, status = queue.get("state", "?"), queue.get("status", "?")
    reason = f" ({queue['statusReason']})" if queue.get("statusReason") else ""
    return ContextLine(about, f"{state}, {status}{reason}", bad=state != "ENABLED" or status != "VALID")


def _before(calls: Calls, job: FleetJob) -> Iterator[ContextLine]:
    try:
        answer = calls.read("ListJobs", "list_jobs", jobQueue=job.job.location, jobStatus="RUNNABLE")
    except CloudError as error:
        yield ContextLine("jobs before it", f"not known ({error.failure})")
        return
    others = [each for each in answer.get("jobSummaryList") or () if each.get("jobId") != job.id]
    older = sum(1 for each in others if each.get("createdAt", 0) < (job.created or 0) * 1000)
    more = "or more " if answer.get("nextToken") else ""
    yield ContextLine("jobs before it", f"{older} {more}RUNNABLE jobs are older")


def _environments(calls: Calls, queue: Mapping[str, Any]) -> Iterator[ContextLine]:
    if not queue.get("computeEnvironmentOrder"):
        yield ContextLine("compute environments", "the queue has none", bad=True)
        return
    try:
        found = _environments_of(calls, queue)
    except CloudError as error:
        yield ContextLine("compute environments", f"not known ({error.failure})")
        return
    yield from map(environment, found)


def _environments_of(calls: Calls, queue: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the compute environments of a queue; raises CloudError."""
    names = [str(each["computeEnvironment"]) for each in queue.get("computeEnvironmentOrder") or ()]
    if not names:
        return ()
    answer = calls.read("DescribeComputeEnvironments", "describe_compute_environments", computeEnvironments=names)
    return answer.get("computeEnvironments") or ()


def on_spot(calls: Calls, queue: str) -> bool | None:
    """Return whether the jobs of a queue run on Fargate Spot, by the types of its compute environments; None: unknown.

    A job does not name its compute environment (AWS Batch API Reference, JobDetail), so it is unknown if the queue has
    both kinds.
    """
    try:
        queues = calls.read("DescribeJobQueues", "describe_job_queues", jobQueues=[queue]).get("jobQueues") or ()
        resources = [each.get("computeResources") or {} for one in queues for each in _environments_of(calls, one)]
    except CloudError:
        return None
    kinds = {str(each.get("type", "")) == "FARGATE_SPOT" for each in resources}
    return kinds.pop() if len(kinds) == 1 else None


def environment(each: Mapping[str, Any]) -> ContextLine:
    """Return the line of one compute environment of DescribeComputeEnvironments."""
    resources = each.get("computeResources") or {}
    state, status = each.get("state", "?"), each.get("status", "?")
    parts = [str(state), str(status), str(resources.get("type", ""))]
    if "maxvCpus" in resources:
        parts.append(f"{resources.get('desiredvCpus', '?')} of {resources['maxvCpus']} vCPUs")
    if each.get("statusReason"):
        parts.append(str(each["statusReason"]))
    bad = state != "ENABLED" or status != "VALID" or resources.get("maxvCpus") == 0
    name = id_of(str(each.get("computeEnvironmentName", "?")))
    return ContextLine(f"compute environment {name}", ", ".join(filter(None, parts)), bad)
