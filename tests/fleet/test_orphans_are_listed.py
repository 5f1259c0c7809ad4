"""What runs and nobody owns, by the rule of the executor's own survey."""

import os
import subprocess
import sys

import pytest

from aws_exec.fleet import Asked, Filter, open_fleet
from aws_exec.fleet.orphans import find_orphans
from aws_exec.lifecycle.orphans import Owner
from tests.fleet.scripts import given, launched


@pytest.fixture
def fleet(service, monkeypatch, tmp_path):
    shell = given(service, tmp_path)
    for name, value in shell.items():
        monkeypatch.setenv(name, value)
    with open_fleet(Asked(executor="ecs"), shell) as fleet:
        yield fleet


def test_what_no_row_waits_for_is_an_orphan_unless_it_is_anothers(service, fleet):
    kept, left, replaced = launched(service, "kept", "left", "replaced")
    (other,) = launched(service, "replaced")
    launched(service, "theirs", deployment="theirs")
    rows = {"kept": Owner(waits=True, names=kept), "replaced": Owner(waits=True, names=other)}

    def told(identities):
        return [rows.get(who.task_id, Owner()) for who in identities]

    found, problems = find_orphans(fleet, Filter(), 0.0, told)
    chosen, _ = find_orphans(fleet, Filter(tasks=["left"]), 0.0, told)

    assert problems == []
    assert {job.job.arn for job in found} == {left, replaced}
    assert [job.job.arn for job in chosen] == [left]


def test_a_database_that_cannot_be_reached_is_one_clear_line(tmp_path):
    asking = "from aws_exec.fleet.airflow_side import owners; from tests.fleet.fleet import identity\n"
    asking += "try: owners([identity('load')])\nexcept Exception as error: print(type(error).__name__, error)"
    nowhere = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/no/such/folder/airflow.db",
    }
    done = subprocess.run(
        [sys.executable, "-c", asking], env=os.environ | nowhere, capture_output=True, text=True, check=True
    )
    (said,) = [line for line in done.stdout.splitlines() if "Error" in line]
    assert said.startswith("FleetError --orphans needs Airflow's database, which cannot be reached (OperationalError")
    assert said.endswith("run it where the scheduler's configuration is")
