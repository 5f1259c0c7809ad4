"""What a command to stop leaves running, though it was meant perhaps, is told on standard error."""

import json

import pytest

from cli.exits import Exit
from tests.fleet.fleet import OURS
from tests.fleet.scripts import given, launched


@pytest.fixture
def awsexec(shell, service, tmp_path):
    return lambda *arguments: shell(*arguments, **given(service, tmp_path))


def test_where_only_other_deployments_jobs_fit_they_are_counted(service, awsexec):
    launched(service, "load", deployment="theirs")
    launched(service, "load", deployment="staging")
    done = awsexec("terminate-all", "--yes", "-o", "json")

    assert (done.code, json.loads(done.out)) == (Exit.OK, [])
    assert done.err == (
        f"Nothing to stop: 2 jobs fit, none of deployment {OURS}: name --deployment, or --include-foreign\n"
    )


def test_where_nothing_fits_there_is_nothing_to_stop(service, awsexec):
    launched(service, "load", deployment="theirs")

    assert awsexec("terminate-all", "--dag", "other", "--yes").err == "Nothing to stop.\n"


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_jobs_of_other_deployments_that_are_left_out_are_counted(service, awsexec, more):
    (ours,) = launched(service, "load")
    launched(service, "load", deployment="theirs")
    done = awsexec("terminate-all", "--yes", "-o", "json", *more)

    assert [each["arn"] for each in json.loads(done.out)] == [ours]
    assert done.err.splitlines()[0] == (
        f"Left out: 1 job that fits, not of deployment {OURS}: name --deployment, or --include-foreign"
    )


@pytest.mark.parametrize("more", [["--include-foreign"], ["--deployment", OURS]])
def test_nothing_is_left_out_where_it_is_said_whose_are_meant(service, awsexec, more):
    launched(service, "load")
    launched(service, "load", deployment="theirs")

    assert "Left out" not in awsexec("terminate-all", "--yes", *more).err
