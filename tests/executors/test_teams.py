"""Options of a team: from its environment variables or its section, and from nowhere else."""

from __future__ import annotations

import logging

import pytest
from airflow.configuration import conf
from airflow.sdk.exceptions import AirflowException

from tests.executors.harness import Scheduler, task
from tests.executors.services import ECS, over_both, without_checks
from tests.executors.versions import is_3_1

pytestmark = over_both

THEIRS = {
    "ecs": {"cluster": "theirs", "container_name": "main", "task_definition": "team:1"},
    "batch": {"job_queue": "theirs", "job_definition": "team:1"},
}


@pytest.fixture
def of_team(service, configured):
    """Build the executor of a team, as Airflow does; it is ended when the test ends."""
    executors = []

    def of_team(name="risk"):
        executor = without_checks(service.executor)(parallelism=10, team_name=name)
        executor.job_id = 1
        executor._log = logging.getLogger("aws_exec.executor")
        executors.append(executor)
        executor.start()
        return Scheduler(executor)

    yield of_team
    for executor in executors:
        if executor._heartbeat.dispatcher is not None:
            executor._heartbeat.dispatcher.close(0)


def by_environment(service, monkeypatch, options):
    for option, value in options.items():
        monkeypatch.setenv(service.variable(option, team="risk"), value)


def by_section(service, _monkeypatch, options):
    """As in airflow.cfg."""
    lines = [f"{option} = {value}" for option, value in options.items()]
    conf.read_string("\n".join([f"[risk={service.section}]", *lines]))


@pytest.fixture
def no_sections_left():
    before = set(conf.sections())
    yield
    for section in set(conf.sections()) - before:
        conf.remove_section(section)


@pytest.mark.usefixtures("no_sections_left")
@pytest.mark.parametrize("say", [by_environment] if is_3_1 else [by_environment, by_section])
def test_a_teams_executor_reads_the_teams_options_only(aws, service, of_team, monkeypatch, say):
    say(service, monkeypatch, THEIRS[service.name])
    scheduler = of_team()
    scheduler.queue(task())
    scheduler.until(aws.launches)
    (launch,) = aws.launches()
    assert launch.location == "theirs"
    definition = launch.request["taskDefinition" if service is ECS else "jobDefinition"]
    assert definition == "team:1"
    if service is ECS:
        assert launch.container["name"] == "main"
        assert "networkConfiguration" not in launch.request, "the global subnets are not the team's"
    else:
        assert launch.request["jobName"].startswith("awsexec-"), "the global job_name is not the team's"


def test_there_is_no_fall_back_to_the_global_section(service, of_team):
    with pytest.raises(AirflowException) as caught:
        of_team()
    for option in service.required:
        assert service.variable(option, team="risk") in str(caught.value)


@pytest.mark.usefixtures("no_sections_left")
def test_two_teams_and_everybody_else_have_executors_of_their_own(aws, service, of_team, started, monkeypatch):
    location = service.required[0]
    for team in ("risk", "web"):
        for option, value in {**THEIRS[service.name], location: team}.items():
            monkeypatch.setenv(service.variable(option, team=team), value)
    for scheduler, name in ((of_team("risk"), "risk"), (of_team("web"), "web"), (Scheduler(started()), "fleet")):
        scheduler.queue(task(name))
        scheduler.until(lambda name=name: name in {launch.environment["AWSEXEC_TASK_ID"] for launch in aws.launches()})
    assert {launch.environment["AWSEXEC_TASK_ID"]: launch.location for launch in aws.launches()} == {
        "risk": "risk",
        "web": "web",
        "fleet": "fleet",
    }
