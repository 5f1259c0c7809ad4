"""The least that an executor, and these commands, must be allowed, as an IAM policy. Pure.

Service Authorization Reference, Amazon ECS and AWS Batch: which resources and condition keys an action knows. What
knows none has `*`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from aws_exec.settings import BatchOptions, EcsOptions


def policy(
    services: Collection[str], ecs: EcsOptions, batch: BatchOptions, region: str, partition: str
) -> dict[str, Any]:
    """The policy document.

    Args:
        services: `"ecs"`, `"batch"`.
        ecs: the options of ECS; what they do not name is `*`.
        batch: likewise.
        region: of AWS; empty for any.
        partition: `aws`, `aws-cn`, ...; what is granted in one is nothing in another.
    """

    def root(service: str) -> str:
        return f"arn:{partition}:{service}:{region or '*'}:*"

    statements: list[dict[str, Any]] = []
    if "ecs" in services:
        statements += _ecs(ecs, root("ecs"))
    if "batch" in services:
        statements += _batch(batch, root("batch"))
    return {"Version": "2012-10-17", "Statement": [*statements, *_shared(services, partition, root("logs"))]}


def _ecs(options: EcsOptions, root: str) -> Iterator[dict[str, Any]]:
    cluster = _arn(options.cluster, f"{root}:cluster/")
    name = cluster.rpartition("/")[2]
    in_cluster = (
        {"ArnEquals": {"ecs:cluster": cluster}} if "*" not in cluster else {"ArnLike": {"ecs:cluster": cluster}}
    )
    tasks = f"{cluster.rpartition(':cluster/')[0]}:task/{name}/*"
    family = _arn(options.task_definition, f"{root}:task-definition/")
    revisions = family if ":" in family.rpartition("/")[2] else f"{family}:*"
    yield _allow("EcsLaunch", ["ecs:RunTask"], [revisions], in_cluster)
    yield _allow("EcsTag", ["ecs:TagResource"], [tasks], {"StringEquals": {"ecs:CreateAction": "RunTask"}})
    yield _allow("EcsFollow", ["ecs:DescribeTasks", "ecs:StopTask"], [tasks], in_cluster)
    yield _allow("EcsAdopt", ["ecs:ListTasks"], ["*"], in_cluster)
    yield _allow("EcsCluster", ["ecs:DescribeClusters"], [cluster])
    yield _allow("EcsCommandLine", ["ecs:DescribeTaskDefinition", "ecs:ListClusters"], ["*"])


def _batch(options: BatchOptions, root: str) -> Iterator[dict[str, Any]]:
    queues = [options.job_queue, *options.job_queues.values()]
    places = [_arn(queue, f"{root}:job-queue/") for queue in dict.fromkeys(filter(None, queues))] or [
        f"{root}:job-queue/*"
    ]
    definition = _arn(options.job_definition, f"{root}:job-definition/")
    revisions = definition if ":" in definition.rpartition("/")[2] else f"{definition}:*"
    plain = [definition] if revisions != definition and "*" not in definition else []
    yield _allow("BatchLaunch", ["batch:SubmitJob"], [*plain, revisions, *places])
    yield _allow("BatchTag", ["batch:TagResource"], [f"{root}:job/*"])
    yield _allow("BatchStop", ["batch:TerminateJob"], [f"{root}:job/*"])
    yield _allow("BatchFollow", ["batch:DescribeJobs", "batch:ListJobs"], ["*"])
    reads = ("DescribeJobQueues", "DescribeComputeEnvironments", "DescribeJobDefinitions")
    yield _allow("BatchCommandLine", [f"batch:{name}" for name in reads], ["*"])


def _shared(services: Collection[str], partition: str, logs: str) -> Iterator[dict[str, Any]]:
    if "ecs" in services:
        condition = {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}}
        yield _allow("PassRolesOfTasks", ["iam:PassRole"], [f"arn:{partition}:iam::*:role/*"], condition)
    yield _allow("ReadLogs", ["logs:GetLogEvents"], [f"{logs}:log-group:*:log-stream:*"])
    reads = ("logs:DescribeLogGroups", "ec2:DescribeSubnets", "ec2:DescribeSecurityGroups", "iam:GetRole")
    yield _allow("CheckHealth", [*reads, "servicequotas:GetServiceQuota"], ["*"])


def _allow(
    sid: str, actions: Sequence[str], resources: Sequence[str], condition: dict[str, Any] | None = None
) -> dict[str, Any]:
    document: dict[str, Any] = {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return {**document, "Condition": condition} if condition else document


def _arn(name: str, prefix: str) -> str:
    """The ARN of what may be named by its ARN, its name, or not at all."""
    return name if name.startswith("arn:") else f"{prefix}{name or '*'}"
