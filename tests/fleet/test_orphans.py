"""Running jobs that no task instance owns, by the rule of the executor."""

import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from aws_exec.fleet import Filter, FleetJob, FleetOptions, State, open_fleet
from aws_exec.fleet.orphans import SHUTDOWN_SECONDS, find_orphans
from aws_exec.lifecycle.orphans import Owner
from aws_exec.lifecycle.values import Job
from awsexec_cli.exit_codes import Exit
from tests.cli.helpers import labels
from tests.fleet.fleet import OURS, identity
from tests.fleet.scripts import given, launched
from tests.scripted.services import expired


@pytest.fixture
def fleet(service, monkeypatch, tmp_path):
    shell = given(service, tmp_path)
    for name, value in shell.items():
        monkeypatch.setenv(name, value)
    with open_fleet(FleetOptions(executor="ecs"), shell) as fleet:
        yield fleet


def long_ago(identities):
    """No task has moved on lately: none has a row any more."""
    return [None for _ in identities]


def test_what_no_row_waits_for_is_an_orphan_unless_it_is_anothers(service, fleet):
    kept, left, replaced = launched(service, "kept", "left", "replaced")
    (other,) = launched(service, "replaced")
    launched(service, "theirs", deployment="theirs")
    rows = {"kept": Owner(waits=True, names=kept), "replaced": Owner(waits=True, names=other)}

    def told(identities):
        return [rows.get(who.task_id, Owner()) for who in identities]

    found, problems = find_orphans(fleet, Filter(), 0.0, told, long_ago)
    chosen, _ = find_orphans(fleet, Filter(tasks=["left"]), 0.0, told, long_ago)

    assert problems == []
    assert {job.job.arn for job in found} == {left, replaced}
    assert [job.job.arn for job in chosen] == [left]


def test_what_ends_while_the_database_is_asked_is_no_orphan(service, fleet):
    left, ended = launched(service, "left", "ended")

    def told(identities):
        service.end(ended)
        return [Owner() for _ in identities]

    found, problems = find_orphans(fleet, Filter(), 0.0, told, long_ago)

    assert ([job.job.arn for job in found], problems) == ([left], [])


def test_a_container_whose_task_moved_on_a_moment_ago_is_no_orphan_yet(service, fleet):
    tasks = ("just", "nearly", "before", "without-a-row")
    arns = dict(zip(tasks, launched(service, *tasks), strict=True))
    changes = {"just": 1_000.0, "nearly": 1_000.0 - SHUTDOWN_SECONDS + 1, "before": 1_000.0 - SHUTDOWN_SECONDS}

    found, problems = find_orphans(
        fleet,
        Filter(),
        1_000.0,
        lambda identities: [Owner() for _ in identities],
        lambda identities: [changes.get(who.task_id) for who in identities],
    )

    assert ({job.job.arn for job in found}, problems) == ({arns["before"], arns["without-a-row"]}, [])


class Looked:
    """A service with two containers of one task; the first ended after it was listed."""

    name = "ecs"

    def locations(self):
        return ["fleet"]

    def pages(self, location, wanted):
        yield ["ended", "runs"]

    def describe(self, location, ids):
        states = {"ended": State.FAILED, "runs": State.RUNNING}
        return [FleetJob("ecs", Job(each, location), identity("load"), states[each], "") for each in ids]


def test_what_has_ended_when_it_is_looked_at_is_not_what_a_row_can_wait_for():
    """The row has not been told yet of the one that replaced it."""
    fleet = SimpleNamespace(services={"ecs": Looked()}, deployments_of=lambda jobs, named: {"ecs": named})
    rows = [Owner(waits=True, names="ended")]

    assert find_orphans(fleet, Filter(deployment=OURS), 0.0, lambda identities: rows, long_ago) == ([], [])


def test_where_nothing_runs_the_database_is_not_asked(service, fleet):
    launched(service, "theirs", deployment="theirs")

    def told(identities):
        raise AssertionError("it is asked")

    found, problems = find_orphans(fleet, Filter(), 0.0, told, long_ago)

    assert (found, problems) == ([], [])


def test_where_nothing_could_be_looked_at_nothing_is_said_of_orphans(service, shell, tmp_path):
    """The code is that of the reason, and Airflow, which is not configured here, is not asked."""
    service.goes_wrong(expired())
    nowhere = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/no/such/folder/airflow.db"}
    done = shell("list", "--orphans", **given(service, tmp_path), **nowhere)

    assert (done.code, done.out) == (Exit.CREDENTIALS, "")
    assert "the AWS credentials have expired" in done.err
    assert labels(done.err) == ["error", "hint"]


@pytest.mark.parametrize("database", ["no/such/folder/airflow.db", "without_tables.db"])
def test_a_database_that_cannot_be_read_is_one_clear_line(database, tmp_path):
    asking = "from aws_exec.fleet.airflow_side import owners; from tests.fleet.fleet import identity\n"
    asking += "try: owners([identity('load')])\n"
    asking += "except Exception as error: print(type(error).__name__, error, error.hint)"
    nowhere = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/{database}",
    }
    done = subprocess.run(
        [sys.executable, "-c", asking], env=os.environ | nowhere, capture_output=True, text=True, check=True
    )
    (said,) = [line for line in done.stdout.splitlines() if "Error" in line]
    assert said.startswith("MisusedError --orphans needs Airflow's database, which cannot be read (OperationalError")
    assert said.endswith("run it where the scheduler's configuration is")
