"""Checks against AWS: every role that a request names exists, and Fargate has an execution role."""

import pytest

from aws_exec.aws_checks.batch import check_submit_job
from aws_exec.aws_checks.calls import CachedCalls
from tests.aws_checks.aws import ENVIRONMENT, JOB, Aws, answered, definition, live

ON_ECS = """\
ecs: {cluster: fleet, container_name: airflow, task_definition: task, launch_type: EC2, subnets: [subnet-1]}
templates:
  etl: {task_role: "arn:aws:iam::1:role/etl"}
  raw: {ecs: {overrides: {executionRoleArn: "arn:aws:iam::1:role/path/raw"}}}
"""
ON_BATCH = "batch: {job_queue: jobs, job_definition: job}\n"
BESIDE_A_SIDECAR = "batch: {job_queue: jobs, job_definition: job, container_name: main}\n"
RUN, DO = "arn:aws:iam::1:role/run", "arn:aws:iam::1:role/do"
NO_ROLE = "is for Fargate, and has no execution role"


def one(**members):
    """A job definition with one container, which has these members."""
    return {**JOB, "containerProperties": {"environment": ENVIRONMENT, **members}}


def several(**members):
    """A job definition with several containers, whose task has these members."""
    return {
        **JOB,
        "ecsProperties": {
            "taskProperties": [{"containers": [{"name": "main", "environment": ENVIRONMENT}], **members}]
        },
    }


def on_fargate(job):
    return {**job, "platformCapabilities": ["FARGATE"]}


def looked_up(text, **answers):
    """What is told of roles: the status, and which role; and which findings there are, and where."""
    checked = live(text, Aws(**answers))
    told = [(str(each.status), each.subject) for each in checked.outcomes if each.call == "iam:GetRole"]
    return told, [(each.rule, each.position.line, each.position.column) for each in checked.complaints]


def only(*existing):
    """An IAM that has these roles, and no other."""
    return lambda RoleName: {"Role": {}} if RoleName in existing else answered("NoSuchEntity")  # noqa: N803 - AWS's


def test_a_request_of_ecs_has_the_roles_that_it_names_and_else_those_of_its_task_definition():
    task = definition(executionRoleArn=RUN, taskRoleArn=DO)

    told, _ = looked_up(ON_ECS, describe_task_definition=task)

    assert told == [("PASS", "role run"), ("PASS", "role do"), ("PASS", "role etl"), ("PASS", "role raw")]


def test_a_role_that_a_template_of_ecs_names_and_that_is_not_there_is_found_where_it_is_named():
    told, found = looked_up(ON_ECS, get_role=only("run"))

    assert told == [("PASS", "role run"), ("FAIL", "role etl"), ("FAIL", "role raw")]
    assert found == [("live-role", 3, 20), ("live-role", 4, 45)]


def test_a_role_of_the_task_definition_that_every_request_replaces_is_not_asked_about():
    text = ON_ECS.partition("templates")[0].replace("}", ", run_task_kwargs: {overrides: {taskRoleArn: mine}}}")

    told, found = looked_up(text, describe_task_definition=definition(taskRoleArn=DO), get_role=only("run", "mine"))

    assert (told, found) == ([("PASS", "role run"), ("PASS", "role mine")], [])


@pytest.mark.parametrize(
    ("text", "job"),
    [
        (ON_BATCH, one(executionRoleArn=RUN, jobRoleArn=DO)),
        (BESIDE_A_SIDECAR, several(executionRoleArn=RUN, taskRoleArn=DO)),
    ],
    ids=["one container", "several"],
)
@pytest.mark.parametrize("where", [dict, on_fargate], ids=["EC2", "Fargate"])
def test_the_roles_of_a_job_definition_are_looked_up_as_those_of_a_task_definition(text, job, where):
    jobs = {"describe_job_definitions": {"jobDefinitions": [where(job)]}}

    assert looked_up(text, **jobs) == ([("PASS", "role run"), ("PASS", "role do")], [])
    missing = [("FAIL", "role run"), ("PASS", "role do")]
    assert looked_up(text, get_role=only("do"), **jobs) == (missing, [("live-role", 1, 42)])
    denied = [("SKIP", "role run"), ("SKIP", "role do")]
    assert looked_up(text, get_role=answered("AccessDenied"), **jobs) == (denied, [])


@pytest.mark.parametrize(
    ("text", "job"),
    [(ON_BATCH, one(jobRoleArn=DO)), (BESIDE_A_SIDECAR, several(taskRoleArn=DO))],
    ids=["one container", "several"],
)
def test_a_job_on_fargate_without_an_execution_role_is_wrong_and_one_on_instances_is_not(text, job):
    (wrong,) = live(text, Aws(describe_job_definitions={"jobDefinitions": [on_fargate(job)]})).complaints

    assert (wrong.rule, str(wrong.position), wrong.call) == ("live-role", "f:1:42", "batch:DescribeJobDefinitions")
    assert wrong.message == f"job definition job {NO_ROLE}"
    assert wrong.hint == "Register it with an executionRoleArn: Fargate pulls the image and writes the log by it"
    assert live(text, Aws(describe_job_definitions={"jobDefinitions": [job]})).complaints == []


def test_a_role_that_is_both_is_told_of_once():
    aws = Aws(describe_job_definitions={"jobDefinitions": [one(executionRoleArn=RUN, jobRoleArn=RUN)]})

    told = check_submit_job(CachedCalls(lambda _: aws), {"jobQueue": "jobs", "jobDefinition": "job"}, "")

    assert [each.subject for each in told if each.call == "iam:GetRole"] == ["role run"]
