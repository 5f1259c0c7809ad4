"""What an embedded AWS has at its start: a cluster, a queue, and what to run on them."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends

from aws_exec.local.batch.api import BatchService
from aws_exec.local.batch.request import LOG_GROUP
from aws_exec.local.ecs.api import EcsService
from aws_exec.local.errors import LocalError

#: What may run on Fargate at a time; how many containers do run decides `max_containers`.
VCPUS = 256
_IMAGE = "awsexec/local"
#: Of the default VPC's 172.31.0.0/16, above what its own subnets have.
_BLOCK = "172.31.240.0/20"
#: The sidecar of `multi_definition`: it would run for ever, and ends on SIGTERM.
_SIDECAR = ["python", "-c", "import signal; signal.pause()"]
#: The execution role of the job definitions: jobs on Fargate must have one.
_ROLE = "awsexec-execution"


@dataclass(frozen=True, slots=True)
class Names:
    """What is made ready in an embedded AWS.

    Attributes:
        account, region: where all of it is.
        cluster, task_definition: for ECS, on Fargate.
        container: the one container of the task definition, and the essential one of `multi_definition`.
        log_group: where the task definition's container logs.
        subnet, security_group: for `networkConfiguration`; there is no network behind them.
        job_queue, compute_environment: for Batch, on Fargate.
        job_definition: of one container (`containerProperties`).
        multi_definition: of several (`ecsProperties`): `container`, and `sidecar`, which waits to be stopped.
        job_log_group: where jobs log.
        bucket: in S3, made when S3 is first asked.
    """

    account: str = DEFAULT_ACCOUNT_ID
    region: str = "us-east-1"
    cluster: str = "awsexec"
    task_definition: str = "awsexec-task"
    container: str = "airflow"
    log_group: str = "/awsexec"
    subnet: str = "subnet-0a45ec00000000001"
    security_group: str = "sg-0a45ec00000000001"
    job_queue: str = "awsexec-queue"
    compute_environment: str = "awsexec-ce"
    job_definition: str = "awsexec-job"
    multi_definition: str = "awsexec-multi"
    job_log_group: str = LOG_GROUP
    bucket: str = "awsexec-store"

    @property
    def cluster_arn(self) -> str:
        """The cluster's ARN."""
        return f"arn:aws:ecs:{self.region}:{self.account}:cluster/{self.cluster}"

    @property
    def workload_store(self) -> str:
        """What the executors' option `workload_store` may be."""
        return f"s3://{self.bucket}/workloads"


def make_ready(names: Names, ecs: EcsService, batch: BatchService) -> None:
    """Make everything that `names` names.

    Raises:
        LocalError: there is no such Region.
    """
    regions = list(logs_backends[names.account].regions)
    if names.region not in regions:
        like = get_close_matches(names.region, regions, n=1)
        raise LocalError(f'unknown AWS Region "{names.region}"', f'did you mean "{like[0]}"?' if like else "")
    _cluster(names, ecs)
    _execution_role(names)
    _job_definitions(names, batch)
    for group in (names.log_group, names.job_log_group):
        logs_backends[names.account][names.region].ensure_log_group(group)


def make_network(names: Names) -> None:
    """Make what `names` names of EC2, in the default VPC; once EC2 is asked: to import moto's takes seconds."""
    from moto.ec2.models import ec2_backends  # noqa: PLC0415 - see above

    backend: Any = ec2_backends[names.account][names.region]
    vpc, zone = backend.default_vpc.id, next(iter(backend.subnets))
    if names.subnet in backend.subnets[zone]:
        return  # by another embedded AWS of this process
    subnet = backend.create_subnet(vpc, _BLOCK, availability_zone=zone)
    _call(subnet, names.subnet, backend.subnets[zone])
    _call(backend.create_security_group("awsexec", "awsexec", vpc), names.security_group, backend.groups[vpc])


def make_bucket(names: Names) -> None:
    """Make the bucket, once S3 is asked, unless another embedded AWS of this process has."""
    from moto.s3.models import s3_backends  # noqa: PLC0415 - likewise

    backend: Any = s3_backends[names.account]["aws"]
    if names.bucket not in backend.buckets:
        backend.create_bucket(names.bucket, names.region)


def _call(thing: Any, name: str, things: dict[str, Any]) -> None:
    """Give one of moto's things, which it calls as it likes, an id."""
    things[name] = things.pop(thing.id)
    thing.id = name


def _cluster(names: Names, ecs: EcsService) -> None:
    backend = ecs.backend(names.account, names.region)
    backend.create_cluster(names.cluster, capacity_providers=["FARGATE", "FARGATE_SPOT"])
    register_task_definition(names, ecs, names.task_definition, _IMAGE)


def register_task_definition(names: Names, ecs: EcsService, family: str, image: str) -> None:
    """Register a task definition for the container that `names` names, of an image."""
    options = {
        "awslogs-group": names.log_group,
        "awslogs-region": names.region,
        "awslogs-stream-prefix": names.container,
    }
    container = {
        "name": names.container,
        "image": image,
        "logConfiguration": {"logDriver": "awslogs", "options": options},
    }
    ecs.backend(names.account, names.region).register_task_definition(
        family,
        [container],
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        cpu="256",
        memory="512",
    )


def _execution_role(names: Names) -> None:
    """Make the role, unless another embedded AWS of this process has: moto keeps one IAM for all of them."""
    iam = iam_backends[names.account]["aws"]
    if all(role.name != _ROLE for role in iam.get_roles()):
        iam.create_role(_ROLE, "{}", "/", None, "", [], None)


def _job_definitions(names: Names, batch: BatchService) -> None:
    backend = batch.backend(names.account, names.region)
    resources = {"type": "FARGATE", "maxvCpus": VCPUS, "subnets": [names.subnet], "securityGroupIds": []}
    backend.add_environment(names.compute_environment, resources)
    priority: Any = 1  # a number, as in the API; moto declares a string, and likewise for the order
    order: Any = [{"order": 1, "computeEnvironment": names.compute_environment}]
    backend.create_job_queue(names.job_queue, priority, None, "ENABLED", order)
    common: dict[str, Any] = {
        "parameters": None,
        "_type": "container",
        "tags": None,
        "retry_strategy": None,
        "timeout": None,
        "platform_capabilities": ["FARGATE"],
        "propagate_tags": False,
    }
    size = [{"type": "VCPU", "value": "0.25"}, {"type": "MEMORY", "value": "512"}]
    role = f"arn:aws:iam::{names.account}:role/{_ROLE}"
    properties = {"image": _IMAGE, "command": [], "resourceRequirements": size, "executionRoleArn": role}
    backend.register_job_definition(
        names.job_definition,
        container_properties=properties,
        node_properties=None,
        eks_properties=None,
        **common,
    )
    main = {"name": names.container, "image": _IMAGE, "essential": True, "resourceRequirements": size}
    sidecar = {"name": "sidecar", "image": _IMAGE, "essential": False, "command": _SIDECAR}
    tasks = [{"containers": [main, sidecar], "executionRoleArn": role}]
    backend.register_multiple(names.multi_definition, {"taskProperties": tasks}, **common)
