"""The minimal IAM policy of the executors and the commands. Pure.

Service Authorization Reference, Amazon ECS and AWS Batch: which resources and condition keys an action supports. An
action that supports none has `*`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_exec.settings.file.terms import Service


@dataclass(frozen=True, slots=True)
class Needs:
    """The resources that one executor uses.

    Attributes:
        region: of AWS; empty for any.
        locations: its clusters or job queues, by name or ARN; none: any.
        definitions: its task or job definitions, by name, `name:revision` or ARN; none: any.
        stores: its workload store, `s3://bucket/prefix`, if it has one.
    """

    region: str = ""
    locations: Sequence[str] = ()
    definitions: Sequence[str] = ()
    stores: Sequence[str] = ()

    def arns(self, names: Sequence[str], partition: str, service: Service, kind: str) -> list[str]:
        """Return the ARNs of resources that are given by ARN, by name, or not at all."""
        prefix = f"arn:{partition}:{service}:{self.region or '*'}:*:{kind}/"
        return [name if name.startswith("arn:") else prefix + name for name in names or ("*",)]


def policy(needs: Mapping[Service, Sequence[Needs]], partition: str) -> dict[str, Any]:
    """Return the policy document.

    Args:
        needs: of the executors of each service; an empty list: any resource of that service.
        partition: `aws`, `aws-cn`, ...; a grant holds in one partition only.
    """
    statements: list[dict[str, Any]] = []
    for service, executors in needs.items():
        statements += _STATEMENTS[service](executors or [Needs()], partition)
    everybody = [each for executors in needs.values() for each in executors]
    if objects := _each(everybody, lambda one: [objects_of(store, partition) for store in one.stores]):
        statements.append(_allow("WorkloadStore", ["s3:PutObject"], objects))
    regions = {each.region for each in everybody} or {""}
    return {"Version": "2012-10-17", "Statement": [*statements, *_shared(partition, regions)]}


def objects_of(store: str, partition: str) -> str:
    """Return the ARN of everything in a workload store."""
    return f"arn:{partition}:s3:::{store.removeprefix('s3://')}/*"


def _ecs(executors: Sequence[Needs], partition: str) -> Iterator[dict[str, Any]]:
    clusters = _each(executors, lambda one: one.arns(one.locations, partition, "ecs", "cluster"))
    operator = "ArnLike" if any("*" in cluster for cluster in clusters) else "ArnEquals"
    in_cluster = {operator: {"ecs:cluster": clusters}}
    tasks = [f"{cluster.replace(':cluster/', ':task/')}/*" for cluster in clusters]
    named = _each(executors, lambda one: one.arns(one.definitions, partition, "ecs", "task-definition"))
    revisions = [each if _has_revision(each) else f"{each}:*" for each in named]
    yield _allow("EcsLaunch", ["ecs:RunTask"], revisions, in_cluster)
    yield _allow("EcsTag", ["ecs:TagResource"], tasks, {"StringEquals": {"ecs:CreateAction": "RunTask"}})
    yield _allow("EcsFollow", ["ecs:DescribeTasks", "ecs:StopTask"], tasks, in_cluster)
    yield _allow("EcsAdopt", ["ecs:ListTasks"], ["*"], in_cluster)
    yield _allow("EcsCluster", ["ecs:DescribeClusters"], clusters)
    yield _allow("EcsCommandLine", ["ecs:DescribeTaskDefinition", "ecs:ListClusters"], ["*"])
    passed = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
    yield _allow("PassRolesOfTasks", ["iam:PassRole"], [f"arn:{partition}:iam::*:role/*"], passed)


def _batch(executors: Sequence[Needs], partition: str) -> Iterator[dict[str, Any]]:
    queues = _each(executors, lambda one: one.arns(one.locations, partition, "batch", "job-queue"))
    named = _each(executors, lambda one: one.arns(one.definitions, partition, "batch", "job-definition"))
    # If a request names a definition without its revision, IAM checks the ARN without one, too.
    revisions = [arn for each in named for arn in ([each] if _has_revision(each) else [each, f"{each}:*"])]
    jobs = _each(executors, lambda one: one.arns((), partition, "batch", "job"))
    yield _allow("BatchLaunch", ["batch:SubmitJob"], [*revisions, *queues])
    yield _allow("BatchTag", ["batch:TagResource"], jobs)
    yield _allow("BatchStop", ["batch:TerminateJob"], jobs)
    yield _allow("BatchFollow", ["batch:DescribeJobs", "batch:ListJobs"], ["*"])
    reads = ("DescribeJobQueues", "DescribeComputeEnvironments", "DescribeJobDefinitions")
    yield _allow("BatchCommandLine", [f"batch:{name}" for name in reads], ["*"])


_STATEMENTS: Mapping[Service, Callable[[Sequence[Needs], str], Iterator[dict[str, Any]]]] = {
    "ecs": _ecs,
    "batch": _batch,
}


def _shared(partition: str, regions: Collection[str]) -> Iterator[dict[str, Any]]:
    streams = [f"arn:{partition}:logs:{region or '*'}:*:log-group:*:log-stream:*" for region in sorted(regions)]
    yield _allow("ReadLogs", ["logs:GetLogEvents"], streams)
    reads = ("logs:DescribeLogGroups", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups", "iam:GetRole")
    yield _allow("CheckHealth", [*reads, "servicequotas:GetServiceQuota"], ["*"])


def _each(executors: Sequence[Needs], arns: Callable[[Needs], Sequence[str]]) -> list[str]:
    """Return the ARNs of all executors, each once."""
    return list(dict.fromkeys(arn for one in executors for arn in arns(one)))


def _has_revision(arn: str) -> bool:
    """Return whether an ARN has a revision (`...:task-definition/name:7`), or is a wildcard."""
    name = arn.rpartition("/")[2]
    return ":" in name or name == "*"


def _allow(
    sid: str, actions: Sequence[str], resources: Sequence[str], condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    document: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return {**document, "Condition": condition} if condition else document
