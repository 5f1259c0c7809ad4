"""The state of each job's task in Airflow's database, and `list --airflow`."""

import json

import pytest

from aws_exec.fleet import FleetOptions, FleetQuery, list_fleet, open_fleet
from aws_exec.fleet.airflow_states import with_airflow_states
from aws_exec.fleet.task_state import UNKNOWN, Source, TaskState
from awsexec_cli.exit_codes import Exit
from tests.fleet.scripts import given, launched
from tests.fleet.shell import process


@pytest.fixture
def fleet(service, monkeypatch, tmp_path):
    shell = given(service, tmp_path)
    for name, value in shell.items():
        monkeypatch.setenv(name, value)
    with open_fleet(FleetOptions(executor="ecs"), shell) as fleet:
        yield fleet


@pytest.fixture
def listed(fleet):
    """The running jobs."""
    return lambda: [job for page in list_fleet(fleet.services.values(), FleetQuery()) for job in page]


def by_task(jobs):
    return {job.identity.task_id: job.task_state for job in jobs}


def test_one_query_has_the_states_of_all_jobs_of_the_deployment_and_of_no_others(service, fleet, listed):
    launched(service, "load", "extract", "unknown")
    launched(service, "theirs", deployment="theirs")
    asked = []

    def states(identities):
        asked.append(sorted(who.task_id for who in identities))
        return [{"load": "running", "extract": "up_for_retry"}.get(who.task_id, "") for who in identities]

    assert by_task(with_airflow_states(fleet, listed(), states=states)) == {
        "load": TaskState("running", Source.AIRFLOW),
        "extract": TaskState("up_for_retry", Source.AIRFLOW),
        "unknown": UNKNOWN,
        "theirs": UNKNOWN,
    }
    assert asked == [["extract", "load", "unknown"]]


def test_the_deployment_of_the_database_can_be_named(service, fleet, listed):
    launched(service, "ours")
    launched(service, "theirs", deployment="theirs")
    found = with_airflow_states(fleet, listed(), "theirs", lambda identities: ["running"] * len(identities))

    assert by_task(found) == {"ours": UNKNOWN, "theirs": TaskState("running", Source.AIRFLOW)}


def test_without_a_job_of_the_deployment_the_database_is_not_read(service, fleet, listed):
    launched(service, "theirs", deployment="theirs")

    def states(identities):
        raise AssertionError("it is read")

    assert by_task(with_airflow_states(fleet, listed(), states=states)) == {"theirs": UNKNOWN}


def test_a_database_that_cannot_be_read_is_an_error(service, tmp_path):
    launched(service, "load")
    nowhere = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/no/such/folder/airflow.db"}
    done = process("list", "--airflow", **given(service, tmp_path), **nowhere)

    assert (done.code, done.out) == (Exit.USAGE, "")
    assert "--airflow needs Airflow's database, which cannot be read (" in done.err


def test_a_list_that_finds_nothing_reads_no_database(service, shell, tmp_path):
    done = shell("list", "--airflow", "-o", "json", **given(service, tmp_path))

    assert (done.code, json.loads(done.out)) == (Exit.OK, [])
