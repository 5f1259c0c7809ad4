"""`--team`: the commands use the locations of that team's executors, and own their jobs."""

import json

import pytest

from awsexec_cli.exit_codes import Exit
from tests.fleet.scripts import REGION, launched, reaching
from tests.scripted.services import ScriptedEcs

FILE = """
ecs: {cluster: fleet, container_name: airflow, task_definition: airflow}
deployment: production
teams:
  risk:
    deployment: risk
    ecs: {cluster: fleet-of-risk, container_name: main, task_definition: risk:3}
"""


@pytest.fixture
def service():
    with ScriptedEcs(clusters=["fleet", "fleet-of-risk"]) as service:
        yield service


@pytest.fixture
def awsexec(shell, service, tmp_path):
    path = tmp_path / "awsexec.yaml"
    path.write_text(FILE)

    def awsexec(*arguments):
        given = {
            **reaching(service, tmp_path),
            "AWSEXEC_CONFIG": str(path),
        }
        return shell(*arguments, **given)

    return awsexec


def test_a_teams_cluster_and_deployment_are_its_own(service, awsexec):
    (ours,) = launched(service, "load", deployment="production")
    (theirs,) = launched(service, "load", cluster="fleet-of-risk", deployment="risk")

    assert awsexec("list", "-o", "name").out.split() == [ours]
    assert awsexec("--team", "risk", "list", "-o", "name").out.split() == [theirs]
    refused = awsexec("terminate", "--yes", "--cluster", "fleet-of-risk", theirs)
    assert refused.code == Exit.USAGE
    assert "deployment risk" in refused.err
    done = awsexec("terminate-all", "--team", "risk", "--yes", "-o", "name")
    assert (done.code, done.out.split()) == (Exit.OK, [theirs])
    assert [arn for arn, _ in service.stops()] == [theirs]


def test_the_policy_is_for_what_the_team_uses(awsexec):
    document = json.loads(awsexec("check-health", "--policy", "--team", "risk", "--executor", "ecs").out)
    statements = {each["Sid"]: each for each in document["Statement"]}

    assert statements["EcsCluster"]["Resource"] == [f"arn:aws:ecs:{REGION}:*:cluster/fleet-of-risk"]
    assert statements["EcsLaunch"]["Resource"] == [f"arn:aws:ecs:{REGION}:*:task-definition/risk:3"]


def test_a_team_of_which_nothing_is_said_is_wrong_usage(awsexec):
    done = awsexec("list", "--team", "rsik")

    assert (done.code, done.out) == (Exit.USAGE, "")
    assert 'team "rsik" is not configured\nhint: configured teams: risk' in done.err
