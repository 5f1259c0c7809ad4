"""Checks against AWS: a failure is a finding with a rule, at the position of the wrong value."""

from collections import Counter

import pytest

from aws_exec.settings.rules.catalogue import RULES
from tests.aws_checks.aws import (
    AIRFLOW,
    ANSWERS,
    ENVIRONMENT,
    JOB,
    UNLOGGED,
    Aws,
    answered,
    definition,
    live,
    positions,
)

FILE = """\
ecs:
  cluster: fleet
  container_name: airflow
  task_definition: task
  capacity_provider_strategy: [{capacityProvider: FARGATE, weight: 1}]
  subnets: [subnet-1]
  security_groups: [sg-1]
batch: {job_queue: jobs, job_definition: job, workload_store: "s3://store/x"}
templates:
  large:
    executor: ecs
    cpu: 4
    memory: 8GiB
  other: {executor: batch, job_queue: gpu}
"""
ON_FARGATE = {"status": "ACTIVE", "capacityProviders": ["FARGATE"]}
WELL = {
    **ANSWERS,
    "describe_clusters": {"clusters": [ON_FARGATE]},
    "get_service_quota": {"Quota": {"Value": 1000}},
    "head_bucket": {},
}
LOGS = {"logDriver": "awslogs", "options": {"awslogs-group": "/logs"}}


def found(**answers):
    return positions(live(FILE, Aws(**{**WELL, **answers})))


_OF_ECS = ("describe_clusters", "describe_task_definition", "describe_subnets", "describe_security_groups")
_OF_BATCH = ("describe_job_queues", "describe_job_definitions", "head_bucket")

#: What AWS answers, and where what it means is written.
CASES = [
    (dict.fromkeys(_OF_ECS, answered("ServiceUnavailable")), [("live-answer", 1, 1)]),
    (dict.fromkeys(_OF_BATCH, answered("ThrottlingException")), [("live-answer", 8, 1)]),
    ({"describe_clusters": {"clusters": []}}, [("live-cluster", 2, 12)]),
    ({"describe_clusters": {"clusters": [{"status": "INACTIVE"}]}}, [("live-cluster", 2, 12)]),
    ({"describe_clusters": {"clusters": [{"status": "ACTIVE"}]}}, [("live-capacity-provider", 5, 31)]),
    (
        {"describe_clusters": {"clusters": [{"status": "ACTIVE", "capacityProviders": ["mine"]}]}},
        [("live-capacity-provider", 5, 31)],
    ),
    ({"describe_task_definition": definition(status="INACTIVE")}, [("live-task-definition", 4, 20)]),
    ({"describe_task_definition": answered("ClientException")}, [("live-task-definition", 4, 20)]),
    (
        {"describe_task_definition": definition(containerDefinitions=[{"name": "other"}])},
        [("live-container", 3, 19)],
    ),
    (
        {"describe_job_definitions": {"jobDefinitions": [{**JOB, "ecsProperties": {"taskProperties": [
            {"containers": [{"name": "main"}]}]}}]}},
        [("live-container", 8, 1)],
    ),
    ({"get_role": answered("NoSuchEntity")}, [("live-role", 4, 20)]),
    ({"get_role": answered("NoSuchEntityException")}, [("live-role", 4, 20)]),
    ({"describe_subnets": answered("InvalidSubnetID.NotFound")}, [("live-network", 6, 12)]),
    ({"describe_security_groups": {"SecurityGroups": [{"VpcId": "vpc-2"}]}}, [("live-network", 7, 20)]),
    ({"describe_log_groups": {"logGroups": [{"logGroupName": "/aws/batch/job"}]}}, [("live-log-group", 4, 20)]),
    (
        {"describe_job_definitions": {"jobDefinitions": [
            {**JOB, "containerProperties": {
                "environment": ENVIRONMENT, "logConfiguration": {**LOGS, "options": {"awslogs-group": "/mine"}}}}]}},
        [("live-log-group", 8, 42)],
    ),
    ({"describe_job_queues": {"jobQueues": []}}, [("live-job-queue", 8, 20), ("live-job-queue", 14, 39)]),
    (
        {"describe_job_queues": {"jobQueues": [{"state": "DISABLED", "status": "VALID"}]}},
        [("live-job-queue", 8, 20), ("live-job-queue", 14, 39)],
    ),
    (
        {"describe_compute_environments": {"computeEnvironments": [
            {"state": "DISABLED", "status": "VALID", "computeEnvironmentName": "ce"}]}},
        [("live-compute-environment", 8, 20), ("live-compute-environment", 14, 39)],
    ),
    (
        {"describe_compute_environments": answered("ClientException")},
        [("live-job-queue", 8, 20), ("live-job-queue", 14, 39)],
    ),
    (
        {"describe_compute_environments": {"computeEnvironments": [
            {"state": "ENABLED", "status": "INVALID", "computeEnvironmentName": "ce"}]}},
        [("live-compute-environment", 8, 20), ("live-compute-environment", 14, 39)],
    ),
    ({"describe_job_definitions": {}}, [("live-job-definition", 8, 42)]),
    ({"describe_job_definitions": answered("ClientException")}, [("live-job-definition", 8, 42)]),
    (
        {"describe_task_definition": definition(containerDefinitions=[UNLOGGED])},
        [("live-log-driver", 4, 20)],
    ),
    (
        {"describe_task_definition": definition(
            containerDefinitions=[{**AIRFLOW, "memory": 512}])},
        [("live-container-limit", 13, 13)],
    ),
    ({"describe_task_definition": definition(cpu="256", memory="4096")}, [("live-size", 4, 20)]),
    ({"describe_task_definition": definition(cpu="512", memory="512")}, [("live-size", 4, 20)]),
    ({"get_service_quota": {"Quota": {"Value": 100}}}, [("live-quota", 12, 10)]),
    ({"get_service_quota": {"Quota": {"Value": 127}}}, [("live-quota", 12, 10)]),
    ({"head_bucket": answered("404")}, [("live-workload-store", 8, 63)]),
    ({"head_bucket": answered("NoSuchBucket")}, [("live-workload-store", 8, 63)]),
    (
        {"describe_task_definition": definition(containerDefinitions=[{**AIRFLOW, "logConfiguration": {}}])},
        [("live-log-driver", 4, 20)],
    ),
    (
        {"describe_task_definition": definition(
            containerDefinitions=[{**AIRFLOW, "memory": 8191}])},
        [("live-container-limit", 13, 13)],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("answers", "expected"), CASES, ids=[f"{number} {next(iter(each[0]))}" for number, each in enumerate(CASES)]
)
def test_a_finding_is_where_the_mend_is(answers, expected):
    assert found(**answers) == expected


API, FOLDER = "AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER"
#: An Airflow that reads logs in S3; its containers of Batch write them there.
REMOTE = {"AIRFLOW__LOGGING__REMOTE_LOGGING": "True", FOLDER: "s3://logs/airflow"}


def defined(*, image="registry/task:7", secrets=(), files=(), **variables):
    """What `describe_task_definition` answers: an Airflow container with these variables."""
    environment = [{"name": name, "value": value} for name, value in variables.items()]
    more = {"image": image, "secrets": list(secrets), "environmentFiles": list(files), "environment": environment}
    return {"describe_task_definition": definition(containerDefinitions=[{**AIRFLOW, **more}])}


#: What a container knows, what Airflow is told, and the findings on it.
CONTAINERS = [
    (defined(**{API: "http://localhost:8080/execution/"}), {}, ["live-execution-api"]),
    (defined(**{API: "https://airflow.example.org/"}), {}, ["live-execution-api"]),
    (defined(), {}, ["execution-api-unset"]),
    (defined(secrets=[{"name": API, "valueFrom": "arn"}]), {}, []),
    (defined(files=[{"type": "s3", "value": "arn"}]), {}, []),
    (defined(**{API: "https://a/execution/"}), REMOTE, ["remote-logging"]),
    (defined(**{API: "https://a/execution/", **REMOTE, FOLDER: "s3://other"}), REMOTE, ["remote-logging"]),
    (defined(**{API: "https://a/execution/", **REMOTE, FOLDER: "s3://logs/airflow/"}), REMOTE, []),
    (
        {**defined(**{API: "https://a/execution/", **REMOTE}), "head_bucket": answered("404")},
        REMOTE,
        ["live-log-folder"],
    ),
    (
        {**defined(**{API: "https://a/execution/", **REMOTE}), "head_bucket": answered("NoSuchBucket")},
        REMOTE,
        ["live-log-folder"],
    ),
    (defined(image="apache/airflow:2.10.3", **{API: "https://a/execution/"}), {}, ["live-image-version"]),
    (defined(image="1.dkr.ecr.x/my-airflow:3.99-py3", **{API: "https://a/execution/"}), {}, ["live-image-version"]),
]


@pytest.mark.parametrize(("answers", "told", "expected"), CONTAINERS)
def test_a_container_is_judged_by_its_definition_and_by_airflows_options(answers, told, expected):
    text = FILE.partition("batch:")[0]
    checked = live(text, Aws(**{**WELL, **answers}), told)

    assert [one.rule for one in checked.complaints] == expected


def test_the_job_definition_of_a_container_is_judged_alike():
    job = {**JOB, "containerProperties": {}}
    text = "batch: {job_queue: jobs, job_definition: job}\n"
    checked = live(text, Aws(**{**WELL, "describe_job_definitions": {"jobDefinitions": [job]}}))

    assert positions(checked) == [("execution-api-unset", 1, 42)]


def test_every_live_rule_is_found_in_two_ways():
    ways = Counter(rule for _, expected in CASES for rule in {rule for rule, *_ in expected})
    ways += Counter(rule for *_, expected in CONTAINERS for rule in expected)

    assert {rule: ways[rule] for rule in RULES if rule.startswith("live-") and ways[rule] < 2} == {}


def test_what_a_template_leaves_to_the_definition_is_judged_with_it():
    text = FILE.replace("    memory: 8GiB\n", "")
    aws = Aws(**{**WELL, "describe_task_definition": definition(cpu="512", memory="1024")})
    (found,) = live(text, aws).complaints

    assert (found.rule, str(found.position)) == ("live-size", "f:12:10")
    assert found.message == "task definition task results in 4 vCPU with 1 GiB, which is not a Fargate size"
    assert found.hint == "The next size is cpu 4, memory 8 GiB"


@pytest.mark.parametrize(
    ("platform", "memory", "expected"),
    [("FARGATE", "4096", []), ("FARGATE", "5000", [("live-size", 1, 42), ("live-size", 3, 12)]), ("EC2", "5000", [])],
)
def test_a_job_on_fargate_has_one_of_its_sizes(platform, memory, expected):
    text = "batch: {job_queue: jobs, job_definition: job}\ntemplates:\n  s: {cpu: 0.5, executor: batch}\n"
    needs = [{"type": "VCPU", "value": "0.5"}, {"type": "MEMORY", "value": memory}]
    properties = {"environment": ENVIRONMENT, "resourceRequirements": needs, "executionRoleArn": "run"}
    job = {**JOB, "platformCapabilities": [platform], "containerProperties": properties}
    aws = Aws(**{**WELL, "describe_job_definitions": {"jobDefinitions": [job]}})

    assert positions(live(text, aws)) == expected


def test_where_the_environment_says_it_that_is_the_place():
    said = {"AIRFLOW__AWS_ECS_EXECUTOR__CLUSTER": "elsewhere"}
    aws = Aws(**{**WELL, "describe_clusters": {"clusters": []}})

    assert [str(one.position) for one in live(FILE, aws, said).complaints] == ["$AIRFLOW__AWS_ECS_EXECUTOR__CLUSTER"]


def test_what_may_not_be_asked_is_no_finding():
    denied = {operation: answered("AccessDeniedException") for operation in WELL}

    assert found(**denied) == []


@pytest.mark.parametrize("code", ["403", "AccessDenied", "SlowDown"])
def test_a_bucket_that_may_not_be_listed_is_no_finding(code):
    assert found(head_bucket=answered(code)) == []


def test_without_a_finding_there_is_none():
    assert found() == []
