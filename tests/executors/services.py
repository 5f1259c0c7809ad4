"""What differs between the services, for tests that run over both: names, and how each says the same thing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter

import pytest

from aws_exec import AwsBatchExecutor, AwsEcsExecutor
from tests.scripted.services import ScriptedBatch, ScriptedEcs, Trick, denied, error, no_cluster, no_queue, refusal

#: What every plain deployment says.
SHARED = {
    "launch_rate": "1000",
    "launch_burst": "1000",
    "describe_rate": "1000",
    "poll_interval": "0.05",
    "shutdown_timeout": "0",
}


@dataclass(frozen=True)
class Service:
    """One service, its executor, and the words of its API."""

    name: str
    executor: type
    scripted: type
    #: What a plain deployment says.
    options: Mapping[str, str]
    required: tuple[str, ...]
    launch: str
    describe: str
    list: str
    stop: str
    #: The operation of the health check.
    check: str
    #: The option and the class attribute: how many containers may die before they start.
    attempts: str
    batch_size: str
    #: The executor_config that sends a task elsewhere.
    elsewhere: Mapping[str, str]
    #: What the service says of a location that does not exist.
    no_place: Trick
    #: An answered refusal to launch that may pass.
    refused: Trick
    #: All the operations that stop something.
    stops: tuple[str, ...]
    #: What it says of a container that has just ended.
    ended: str
    kwargs: str

    @property
    def section(self):
        return f"aws_{self.name}_executor"

    def variable(self, option, team=""):
        prefix = f"{team.upper()}___" if team else ""
        return f"AIRFLOW__{prefix}{self.section.upper()}__{option.upper()}"

    def denied(self, operation):
        return denied(operation, self.name)

    @property
    def tagging_denied(self):
        return denied("TagResource", self.name)

    def __str__(self):
        return self.name


ECS = Service(
    name="ecs",
    executor=AwsEcsExecutor,
    scripted=ScriptedEcs,
    options={
        **SHARED,
        "cluster": "fleet",
        "container_name": "airflow",
        "task_definition": "airflow:7",
        "launch_type": "FARGATE",
        "subnets": "subnet-1,subnet-2",
    },
    required=("cluster", "container_name", "task_definition"),
    launch="RunTask",
    describe="DescribeTasks",
    list="ListTasks",
    stop="StopTask",
    check="StopTask",
    attempts="max_run_task_attempts",
    batch_size="DESCRIBE_TASKS_BATCH_SIZE",
    elsewhere={"cluster": "elsewhere"},
    no_place=no_cluster(),
    refused=refusal(),
    stops=("StopTask",),
    ended="EssentialContainerExited",
    kwargs="run_task_kwargs",
)

BATCH = Service(
    name="batch",
    executor=AwsBatchExecutor,
    scripted=ScriptedBatch,
    options={**SHARED, "job_queue": "fleet", "job_definition": "airflow:7", "job_name": "airflow"},
    required=("job_queue", "job_definition"),
    launch="SubmitJob",
    describe="DescribeJobs",
    list="ListJobs",
    stop="TerminateJob",
    check="DescribeJobs",
    attempts="max_submit_job_attempts",
    batch_size="DESCRIBE_JOBS_BATCH_SIZE",
    elsewhere={"jobQueue": "elsewhere"},
    no_place=no_queue(),
    refused=denied("SubmitJob", "batch"),
    stops=("TerminateJob", "TerminateJobs"),
    ended="Essential container in task exited",
    kwargs="submit_job_kwargs",
)


def environment_of(request):
    """The environment of the container that these arguments launch."""
    own = request.get("containerOverrides") or request["overrides"]["containerOverrides"][0]
    return {pair["name"]: pair["value"] for pair in own["environment"]}


#: For a test, or for a whole file (`pytestmark`), that both executors are to pass.
over_both = pytest.mark.parametrize("service", [ECS, BATCH], indirect=True, ids=attrgetter("name"))
over_batch = pytest.mark.parametrize("service", [BATCH], indirect=True, ids=attrgetter("name"))

#: An error of a kind that nobody has heard of.
UNHEARD_OF = error("BrandNewException", "what is this")


def without_checks(kind):
    """The same executor class, for tasks without rows: it would stop them as unwanted."""
    return type(kind.__name__, (kind,), {"CHECK_INTERVAL": None})
