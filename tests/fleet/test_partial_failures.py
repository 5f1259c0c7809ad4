"""If a part fails, the rest is done, the failures are listed, and the exit code is 3."""

import json

import pytest

from aws_exec.fleet import FleetJob, FleetQuery, State, list_fleet
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.values import Job
from awsexec_cli.exit_codes import Exit
from tests.cli.helpers import labels
from tests.fleet.scripts import given, launched
from tests.scripted.services import ScriptedEcs, denied


@pytest.fixture
def service():
    with ScriptedEcs(clusters=["fleet"]) as service:
        yield service


@pytest.fixture
def awsexec(shell, service, tmp_path):
    return lambda *arguments: shell(*arguments, **given(service, tmp_path))


def test_a_cluster_that_is_not_there_hides_no_other(service, awsexec):
    (arn,) = launched(service, "load")
    done = awsexec("list", "--cluster", "fleet", "--cluster", "gone", "-o", "name")

    assert (done.code, done.out.split()) == (Exit.PARTIAL, [arn])
    assert done.err.startswith('error: ECS cluster "gone" not found')
    assert labels(done.err) == ["error", "hint"]


def test_what_could_not_be_stopped_is_listed(service, awsexec):
    launched(service, "extract", "load")
    service.goes_wrong(denied("StopTask"), "StopTask", times=1)
    done = awsexec("terminate-all", "--yes")
    ((stopped, _),) = service.stops()

    assert done.code == Exit.PARTIAL
    assert done.err.endswith(
        "Stop requested for 1 job, 1 failed; not waiting for its container to exit (30s by default)\n"
    )
    (left,) = done.out.splitlines()
    assert left.startswith("failed  ")
    assert stopped.rpartition("/")[2] not in left
    assert "access denied" in left


def test_where_none_could_be_stopped_for_want_of_a_right_the_code_is_that_of_credentials(service, awsexec):
    launched(service, "extract", "load")
    service.goes_wrong(denied("StopTask"), "StopTask")
    done = awsexec("terminate-all", "--yes", "-o", "json")

    assert done.code == Exit.CREDENTIALS
    assert {each["outcome"] for each in json.loads(done.out)} == {"failed"}


class Remembers:
    """A service that lists what ended long ago too, as ECS does."""

    name = "ecs"

    def __init__(self, jobs):
        self.jobs = jobs

    def locations(self):
        return ["fleet"]

    def pages(self, location, wanted):
        yield list(self.jobs)

    def describe(self, location, ids):
        return [self.jobs[each] for each in ids]


def test_what_ended_before_is_not_listed():
    def job(name, stopped):
        state = State.RUNNING if stopped is None else State.FAILED
        return FleetJob("ecs", Job(name, "fleet"), Identity("ours", "t-1"), state, "", stopped=stopped)

    jobs = {"runs": job("runs", None), "just": job("just", 100.0), "long": job("long", 99.0)}
    pages = list_fleet([Remembers(jobs)], FleetQuery(ended_since=100.0))

    assert {each.job.arn for page in pages for each in page} == {"runs", "just"}
