"""`check-health` checks every executor that is configured, even in part."""

import json

import pytest

from aws_exec.fleet import FleetOptions, open_fleet
from aws_exec.fleet.health import check_health
from aws_exec.fleet.opening import Fleet
from aws_exec.lifecycle.identity import started_by
from awsexec_cli.exit_codes import Exit
from tests.aws_checks.aws import answered
from tests.cli.helpers import labels

#: ECS without a cluster, Batch with all it takes.
NO_CLUSTER = """
ecs: {container_name: airflow, region_name: eu-central-1}
batch: {job_queue: fleet, job_definition: airflow, region_name: eu-central-1}
"""
#: A team that runs on Batch, and calls itself otherwise, beside others who run on ECS.
TEAMS = """
deployment: production
ecs: {cluster: fleet, container_name: airflow, task_definition: airflow, region_name: eu-central-1}
teams:
  risk:
    deployment: risk
    ecs: {cluster: fleet-of-risk, container_name: airflow, task_definition: airflow, region_name: eu-central-1}
    batch: {job_queue: fleet, job_definition: airflow, region_name: eu-central-1}
"""


class Refused(Fleet):
    """A fleet at an AWS that allows nothing, and remembers for whom it was asked."""

    asked_for = ()

    def client(self, service, region=""):
        return self

    def __getattr__(self, operation):
        if operation.startswith("_"):
            raise AttributeError(operation)

        def call(**arguments):
            if "startedBy" in arguments:
                self.asked_for = (*self.asked_for, arguments["startedBy"])
            raise answered("AccessDeniedException")

        return call


@pytest.fixture
def given(tmp_path):
    """The environment with a file."""

    def given(text):
        path = tmp_path / "awsexec.yaml"
        path.write_text(text)
        return {"AIRFLOW_HOME": str(tmp_path), "AWSEXEC_CONFIG": str(path)}

    return given


def checked(environment, **asked):
    with open_fleet(FleetOptions(**asked), environment) as opened:
        fleet = Refused(FleetOptions(**asked), opened.configured)
        return check_health(fleet), fleet


def test_an_executor_without_a_cluster_is_looked_at_beside_one_with_a_job_queue(given):
    (ecs, batch), _ = checked(given(NO_CLUSTER))

    assert (ecs.executor, ecs.failed) == ("AwsEcsExecutor", True)
    assert {"option cluster", "option task_definition"} <= {each.subject for each in ecs.outcomes}
    assert batch.executor == "AwsBatchExecutor"


def test_everything_that_is_wrong_with_the_options_is_told_one_by_one(given):
    (ecs, _), _ = checked(given(NO_CLUSTER))
    cluster = next(each for each in ecs.outcomes if each.subject == "option cluster")

    assert (cluster.status, cluster.message) == ("FAIL", "is required")
    assert cluster.hint == "Write it as in cluster: airflow (awsexec.yaml)"
    assert not [each for each in ecs.outcomes if "options cannot be used" in each.message]


def test_an_executor_that_airflow_does_not_start_is_left_out(given):
    """The section may be of another Airflow that reads the same file."""
    environment = given(NO_CLUSTER) | {"AIRFLOW__CORE__EXECUTOR": "aws_exec.AwsBatchExecutor"}
    branches, _ = checked(environment)

    assert [branch.executor for branch in branches] == ["AwsBatchExecutor"]


def test_an_executor_that_only_a_team_has_is_looked_at(given):
    branches, _ = checked(given(TEAMS))

    names = ["AwsEcsExecutor", "AwsEcsExecutor of team risk", "AwsBatchExecutor of team risk"]
    assert [branch.executor for branch in branches] == names


def test_an_executor_that_only_core_executor_names_lacks_its_options(tmp_path):
    named = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__MULTI_TEAM": "True",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor;risk=aws_exec.AwsBatchExecutor",
    }
    (branch,), _ = checked(named)

    assert (branch.executor, branch.failed) == ("AwsBatchExecutor of team risk", True)
    assert {each.subject for each in branch.outcomes} == {"option job_definition", "option job_queue"}
    assert checked(named, team="risk")[0] == [branch]


def test_of_one_service_only_that_is_looked_at(given):
    branches, _ = checked(given(TEAMS), executor="batch")

    assert [branch.executor for branch in branches] == ["AwsBatchExecutor of team risk"]


def test_adoption_is_tried_under_the_name_of_each_team(given):
    _, fleet = checked(given(TEAMS))

    assert fleet.asked_for == (started_by("production"), started_by("risk"))


def test_what_cannot_be_tried_is_said(given):
    (branch,), _ = checked(given(TEAMS), executor="batch")

    untried = {each.call for each in branch.outcomes if "cannot be tried" in each.message}
    assert untried == {"batch:SubmitJob", "batch:TerminateJob"}


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-central-1", "aws"),
        ("cn-north-1", "aws-cn"),
        ("us-gov-west-1", "aws-us-gov"),
        ("nowhere", "aws"),
    ],
)
def test_the_policy_is_of_the_partition_and_has_the_teams_executors(shell, given, region, partition):
    text = TEAMS.replace("eu-central-1", region)
    document = json.loads(shell("check-health", "--policy", **given(text)).out)
    statements = {each["Sid"]: each for each in document["Statement"]}

    clusters = [f"arn:{partition}:ecs:{region}:*:cluster/{name}" for name in ("fleet", "fleet-of-risk")]
    assert statements["EcsCluster"]["Resource"] == clusters
    assert statements["BatchStop"]["Resource"] == [f"arn:{partition}:batch:{region}:*:job/*"]
    arns = {each for one in statements.values() for each in one["Resource"]} - {"*"}
    assert {arn.split(":")[1] for arn in arns} == {partition}


def test_the_policy_has_each_executors_region_and_what_templates_name_and_a_definition_with_and_without_revision(
    shell, given
):
    text = """
ecs: {cluster: fleet, container_name: airflow, task_definition: "airflow:7", region_name: eu-central-1}
batch: {job_queue: fleet, job_definition: airflow, region_name: us-east-1, job_queues: {heavy: heavy}}
templates:
  gpu: {executor: batch, job_queue: gpu, batch: {jobDefinition: gpu}}
  big: {executor: ecs, ecs: {cluster: big}}
"""
    done = shell("check-health", "--policy", **given(text))
    statements = {each["Sid"]: each for each in json.loads(done.out)["Statement"]}

    ecs, batch = "arn:aws:ecs:eu-central-1:*:", "arn:aws:batch:us-east-1:*:"
    assert statements["EcsLaunch"]["Resource"] == [f"{ecs}task-definition/airflow:7"]
    assert statements["EcsLaunch"]["Condition"] == {
        "ArnLike": {"ecs:cluster": [f"{ecs}cluster/fleet", f"{ecs}cluster/big"]}
    }
    assert statements["EcsFollow"]["Resource"] == [f"{ecs}task/fleet/*", f"{ecs}task/big/*"]
    assert statements["BatchLaunch"]["Resource"] == [
        *(f"{batch}job-definition/{name}" for name in ("airflow", "airflow:*", "gpu", "gpu:*")),
        *(f"{batch}job-queue/{name}" for name in ("fleet", "gpu", "heavy")),
    ]
    assert {arn.split(":")[3] for arn in statements["ReadLogs"]["Resource"]} == {"eu-central-1", "us-east-1"}
    assert "replace role/* with the two roles of the task definition" in done.err


def test_the_policy_can_be_yaml(shell, given):
    done = shell("check-health", "--policy", "-o", "yaml", **given(TEAMS))

    assert (done.code, done.out.splitlines()[0]) == (Exit.OK, "Version: '2012-10-17'")


def test_the_policy_of_what_is_not_configured_is_of_what_was_asked_for(shell, given):
    document = json.loads(shell("check-health", "--policy", "--executor", "batch", **given("{}")).out)

    assert {each["Sid"][:5] for each in document["Statement"]} == {"Batch", "ReadL", "Check"}


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ({}, Exit.USAGE, "no AWS Region is set"),
        ({"AWS_DEFAULT_REGION": "eu-centrall-1"}, Exit.USAGE, 'unknown AWS Region "eu-centrall-1"'),
        ({"AWS_PROFILE": "nobody"}, Exit.CREDENTIALS, "no such AWS profile"),
    ],
    ids=["no region", "wrong region", "no profile"],
)
def test_what_is_wrong_with_the_shell_is_told_as_by_every_command(shell, given, more, code, said):
    text = NO_CLUSTER.replace(", region_name: eu-central-1", "")
    done = shell("check-health", **given(text), **more)

    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert labels(done.err) == ["error", "hint"]
