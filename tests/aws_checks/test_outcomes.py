"""Checks against AWS: each outcome names its call; what is missing fails, what is not allowed is skipped."""

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from aws_exec.aws_checks.calls import CredentialsError
from tests.aws_checks.aws import AIRFLOW, ANSWERS, ENABLED, JOB, UNLOGGED, Aws, answered, definition, live, positions

FILE = """
ecs:
  cluster: fleet
  container_name: airflow
  task_definition: task
  capacity_provider_strategy: [{capacityProvider: mine, weight: 1}]
  subnets: [subnet-1]
  security_groups: [sg-1]
batch: {job_queue: jobs, job_definition: job}
templates:
  large: {executor: ecs, cpu: 1, memory: 2GiB}
"""

ON_BATCH = """
batch: {job_queue: jobs, job_definition: job}
templates: {s: {cpu: 2, memory: 4GiB}}
"""
ROOMY = """
batch:
  job_queue: jobs
  job_definition: job
  submit_job_kwargs: {containerOverrides: {environment: [{name: A, value: %s}]}}
"""


RESTARTED = {"restartPolicy": {"enabled": True, "restartAttemptPeriod": 60}}


@pytest.fixture
def told():
    """What is told of the file, by an AWS that answers so; without what passes, unless it is all."""

    def told(*, text=FILE, everything=False, **answers):
        aws = Aws(**answers)
        outcomes = live(text, aws).outcomes
        assert [name for name in aws.asked if not name.startswith(("describe_", "get_"))] == [], "reads only"
        return [(str(one.status), one.call, one.message) for one in outcomes if everything or one.status != "PASS"]

    return told


def test_where_all_is_well_every_check_passes_and_names_its_call(told):
    outcomes = told(everything=True)
    assert {status for status, _, _ in outcomes} == {"PASS"}
    assert {call for _, call, _ in outcomes} == {
        "ecs:DescribeClusters",
        "ecs:DescribeTaskDefinition",
        "ec2:DescribeSubnets",
        "ec2:DescribeSecurityGroups",
        "iam:GetRole",
        "logs:DescribeLogGroups",
        "batch:DescribeJobQueues",
        "batch:DescribeComputeEnvironments",
        "batch:DescribeJobDefinitions",
    }


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"describe_clusters": {"clusters": []}}, ("FAIL", "ecs:DescribeClusters", "does not exist")),
        (
            {"describe_clusters": {"clusters": [{"status": "ACTIVE", "capacityProviders": ["FARGATE"]}]}},
            ("FAIL", "ecs:DescribeClusters", "is not associated with the cluster, which has: FARGATE"),
        ),
        (
            {"describe_task_definition": definition(status="INACTIVE")},
            ("FAIL", "ecs:DescribeTaskDefinition", "is INACTIVE"),
        ),
        (
            {"describe_task_definition": definition(containerDefinitions=[{"name": "other"}])},
            ("FAIL", "ecs:DescribeTaskDefinition", "has no container airflow; it has: other"),
        ),
        (
            {"describe_task_definition": definition(networkMode="bridge")},
            ("FAIL", "ecs:DescribeTaskDefinition", "has the network mode bridge, which takes no subnets"),
        ),
        (
            {"describe_task_definition": definition(containerDefinitions=[{**AIRFLOW, "memory": 512}])},
            ("WARN", "ecs:DescribeTaskDefinition", "limits its container to 512 MiB, and the task is given 2048"),
        ),
        (
            {"describe_task_definition": definition(containerDefinitions=[{**AIRFLOW, **RESTARTED}])},
            (
                "WARN",
                "ecs:DescribeTaskDefinition",
                "restarts the container airflow when it has exited, and Airflow refuses its second start",
            ),
        ),
        (
            {"describe_task_definition": definition(containerDefinitions=[UNLOGGED])},
            ("WARN", "logs:DescribeLogGroups", "has no log driver"),
        ),
        (
            {"describe_log_groups": {"logGroups": [{"logGroupName": "/logs-of-others"}]}},
            ("FAIL", "logs:DescribeLogGroups", "does not exist"),
        ),
        (
            {"describe_security_groups": {"SecurityGroups": [{"VpcId": "vpc-2"}]}},
            ("FAIL", "ec2:DescribeSecurityGroups", "are not in one VPC, but in vpc-1, vpc-2"),
        ),
        ({"describe_job_queues": {"jobQueues": []}}, ("FAIL", "batch:DescribeJobQueues", "does not exist")),
        (
            {"describe_job_queues": {"jobQueues": [{"state": "DISABLED", "status": "VALID"}]}},
            ("FAIL", "batch:DescribeJobQueues", "is DISABLED and VALID"),
        ),
        (
            {
                "describe_compute_environments": {
                    "computeEnvironments": [
                        {
                            "state": "ENABLED",
                            "status": "INVALID",
                            "statusReason": "no role",
                            "computeEnvironmentName": "c",
                        }
                    ]
                }
            },
            ("FAIL", "batch:DescribeComputeEnvironments", "is ENABLED and INVALID: no role"),
        ),
        (
            {"describe_job_definitions": {"jobDefinitions": [{**JOB, "status": "INACTIVE"}]}},
            ("FAIL", "batch:DescribeJobDefinitions", "is INACTIVE"),
        ),
        ({"describe_job_definitions": {}}, ("FAIL", "batch:DescribeJobDefinitions", "does not exist")),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_is_not_so_is_told_once(told, answers, expected):
    assert told(**answers) == [expected]


@pytest.mark.parametrize("operation", ANSWERS)
@pytest.mark.parametrize("code", ["AccessDeniedException", "UnauthorizedOperation", "AccessDenied"])
def test_a_missing_right_skips_the_check_and_no_other(told, operation, code):
    outcomes = told(everything=True, **{operation: answered(code)})
    skipped = [(status, message) for status, _, message in outcomes if status != "PASS"]
    assert set(skipped) == {("SKIP", f"not allowed ({code})")}
    assert len({call for status, call, _ in outcomes if status == "PASS"}) >= 5


def test_a_service_that_does_not_answer_is_skipped(told):
    error = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
    assert [status for status, *_ in told(describe_clusters=error)] == ["SKIP"]


def test_an_executor_of_which_nothing_was_answered_is_a_finding():
    """All of it skipped reads as if all were well; where a right is missing, AWS has answered."""
    text = "batch: {job_queue: jobs, job_definition: job}"
    error = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
    silent = live(text, Aws(**dict.fromkeys(ANSWERS, error)))
    denied = live(text, Aws(**dict.fromkeys(ANSWERS, answered("AccessDeniedException"))))
    partly = live(text, Aws(describe_job_queues=error))

    ((rule, line, _),) = positions(silent)
    (said,) = silent.complaints
    assert (rule, line) == ("live-answer", 1)
    assert said.message.startswith("AWS answered nothing: ")
    assert said.hint == "Check --region, --endpoint-url and the network"
    assert [one.subject for one in silent.outcomes if one.status == "FAIL"] == ["AWS"]
    assert positions(denied) == positions(partly) == []


def test_what_is_not_answered_is_told_by_whoever_asked_first(told):
    """The size of the compute environments is asked for after their state: the same call, and told once."""
    (skipped,) = told(text=ON_BATCH, describe_compute_environments=answered("AccessDeniedException"))
    assert skipped == ("SKIP", "batch:DescribeComputeEnvironments", "not allowed (AccessDeniedException)")


def test_why_a_compute_environment_is_not_valid_shows_no_secret(told):
    broken = {**ENABLED, "status": "INVALID", "computeEnvironmentName": "ce", "statusReason": "password=hunter2 is bad"}
    ((_, _, message),) = told(describe_compute_environments={"computeEnvironments": [broken]})
    assert message == "is ENABLED and INVALID: password=*** is bad"


def test_of_a_request_that_is_too_long_to_be_sent_nothing_is_asked():
    """The rules tell it: no task at all could be launched."""
    aws = Aws()
    assert (live(ROOMY % ("x" * 9000), aws).outcomes, aws.asked) == ([], [])
    assert live(ROOMY % "x", aws).outcomes != []


@pytest.mark.parametrize("operation", ANSWERS)
@pytest.mark.parametrize(
    "code", ["ClientException", "InvalidParameterValue", "AccessDenied", "Throttling", "Unavailable"]
)
def test_whatever_is_not_answered_as_it_should_be_says_what_to_do(operation, code):
    outcomes = live(FILE, Aws(**{operation: answered(code)})).outcomes

    assert [one.subject for one in outcomes if one.status != "PASS" and not one.hint] == []


@pytest.mark.parametrize("error", [NoCredentialsError(), answered("ExpiredTokenException")])
def test_without_credentials_nothing_can_be_asked(told, error):
    with pytest.raises(CredentialsError):
        told(describe_clusters=error)


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        (64, []),
        (63, [("WARN", "servicequotas:GetServiceQuota", "63 vCPUs at a time; [core] parallelism 32 x 2 vCPU is 64")]),
    ],
)
def test_the_quota_is_enough_for_as_many_tasks_as_airflow_runs(told, quota, expected):
    text = """
ecs: {cluster: fleet, container_name: airflow, task_definition: task, launch_type: FARGATE, subnets: [subnet-1]}
templates: {s: {cpu: 2, memory: 4GiB}}
"""
    assert told(text=text, get_service_quota={"Quota": {"Value": quota}}) == expected
