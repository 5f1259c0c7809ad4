"""The preview shows every job to stop; matching jobs that stay are reported."""

import json
import re

import pytest

from awsexec_cli.exit_codes import Exit
from tests.fleet.fleet import OURS
from tests.fleet.scripts import given, launched, reaching
from tests.fleet.shell import process


@pytest.fixture
def awsexec(shell, service, tmp_path):
    return lambda *arguments: shell(*arguments, **given(service, tmp_path))


def test_where_only_other_deployments_jobs_fit_they_are_counted(service, awsexec):
    launched(service, "load", deployment="theirs")
    launched(service, "load", deployment="staging")
    done = awsexec("terminate-all", "--yes", "-o", "json")

    assert (done.code, json.loads(done.out)) == (Exit.OK, [])
    assert done.err == (
        f'warning: 2 jobs match, but none belongs to deployment "{OURS}"\nhint: --include-foreign stops them, too\n'
    )


@pytest.mark.parametrize(
    ("deployment", "hint"), [("theirs", "--deployment theirs"), ("their own", "--deployment 'their own'")]
)
def test_the_only_other_deployment_is_named(service, awsexec, deployment, hint):
    (arn,) = launched(service, "load", deployment=deployment)
    all_of_them = awsexec("terminate-all", "--yes")
    named = awsexec("terminate", arn, "--yes")
    other = awsexec("terminate", arn, "--yes", "--deployment", "other")

    matches = f'warning: 1 job matches, but does not belong to deployment "{OURS}"'
    assert (all_of_them.code, all_of_them.err) == (Exit.OK, f"{matches}\nhint: {hint}\n")
    belongs = f'error: the job belongs to deployment "{deployment}"'
    assert (named.code, named.err) == (Exit.USAGE, f'{belongs}; this shell is "{OURS}"\nhint: {hint}\n')
    assert (other.code, other.err) == (Exit.USAGE, f'{belongs}; --deployment is "other"\nhint: {hint}\n')
    assert service.stops() == []


def test_a_name_that_nobody_chose_is_said_to_be_derived(service, tmp_path):
    (arn,) = launched(service, "load", deployment="theirs")
    # A process: importing Airflow changes the log of this one.
    done = process("terminate", arn, "--yes", **reaching(service, tmp_path), AIRFLOW__AWS_ECS_EXECUTOR__CLUSTER="fleet")

    assert done.code == Exit.USAGE
    said = (
        r'error: the job belongs to deployment "theirs"; this shell is "[0-9a-f]{12}" \(derived from the database URL\)'
    )
    assert re.fullmatch(rf"{said}\nhint: --deployment theirs\n", done.err)
    assert service.stops() == []


def test_of_several_jobs_those_of_other_deployments_are_listed(service, awsexec):
    (ours,) = launched(service, "load")
    (theirs,) = launched(service, "load", deployment="theirs")
    done = awsexec("terminate", ours, theirs, "--yes")

    assert done.code == Exit.USAGE
    assert done.err == (
        f'error: 1 of 2 jobs belong to another deployment; this shell is "{OURS}"\n'
        f'  {ids([theirs])[0]}  etl/load@r1  deployment "theirs"\n'
        "hint: --include-foreign stops them, too\n"
    )
    assert service.stops() == []


def test_where_nothing_fits_there_is_nothing_to_stop(service, awsexec):
    launched(service, "load", deployment="theirs")

    assert awsexec("terminate-all", "--dag", "other", "--yes").err.endswith("; nothing was stopped.\n")


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_jobs_of_other_deployments_that_are_left_out_are_counted(service, awsexec, more):
    (ours,) = launched(service, "load")
    launched(service, "load", deployment="theirs")
    done = awsexec("terminate-all", "--yes", "-o", "json", *more)

    assert [each["arn"] for each in json.loads(done.out)] == [ours]
    assert done.err.splitlines()[:2] == [
        f'warning: 1 job matches, but does not belong to deployment "{OURS}"',
        "hint: --include-foreign stops them, too",
    ]


@pytest.mark.parametrize("more", [["--include-foreign"], ["--deployment", OURS]])
def test_nothing_is_left_out_where_it_is_said_whose_are_meant(service, awsexec, more):
    launched(service, "load")
    launched(service, "load", deployment="theirs")

    assert "warning" not in awsexec("terminate-all", "--yes", *more).err


def test_in_a_pipe_the_preview_is_not_cut(service, awsexec):
    launched(service, "load_the_readings_of_every_station", dag="models_of_the_whole_city", run="r" * 60)
    done = awsexec("terminate-all", "--dry-run")

    row = done.err.splitlines()[1]
    for word in ("models_of_the_whole_city", "load_the_readings_of_every_station", "r" * 60):
        assert word in row


def ids(arns):
    return [arn.rpartition("/")[2] for arn in arns]


def test_of_two_containers_of_one_task_instance_the_other_is_named(service, awsexec):
    arns = launched(service, "dup", "dup")
    done = awsexec("terminate", "etl/dup", "--yes", "-o", "name")

    (stopped,) = done.out.split()
    (other,) = set(arns) - {stopped}
    assert done.code == Exit.OK
    assert done.err.splitlines()[0] == (
        f"etl/dup@r1 runs in 2 containers; the newest is {ids([stopped])[0]}, the others are "
        f"{ids([other])[0]}: name others to stop by their IDs"
    )


def test_a_container_that_is_named_or_over_is_not_told_of_as_another(service, awsexec):
    first, second, over = launched(service, "dup", "dup", "dup")
    service.end(over)
    done = awsexec("terminate", "etl/dup", *ids([first, second]), "--yes", "-o", "name")

    assert set(done.out.split()) == {first, second}
    assert "etl/dup@r1 runs in" not in done.err
