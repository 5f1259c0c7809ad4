"""What Airflow will do with the tasks of stopped jobs: by its rows, and only where its database is at hand."""

import threading

import pytest

from aws_exec.fleet import FleetError, FleetOptions, FleetQuery, after_stop, list_fleet, open_fleet
from aws_exec.lifecycle.orphans import TaskRow
from awsexec_cli.exit_codes import Exit
from tests.fleet.scripts import given, launched
from tests.fleet.shell import process
from tests.fleet.terminal import Terminal


@pytest.fixture
def shell_given(service, tmp_path):
    return {**given(service, tmp_path), "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/airflow.db"}


@pytest.fixture
def fleet(shell_given, monkeypatch):
    for name, value in shell_given.items():
        monkeypatch.setenv(name, value)
    with open_fleet(FleetOptions(executor="ecs"), shell_given) as fleet:
        yield fleet


def jobs(fleet):
    return [job for page in list_fleet(fleet.services.values(), FleetQuery()) for job in page]


@pytest.mark.parametrize(
    ("row", "reaction"),
    [
        (TaskRow("running", 1, 0, ""), "fail"),
        (TaskRow("running", 1, 2, ""), "retry 2 of 3"),
        (TaskRow("queued", 1, 1, ""), "retry 2 of 2"),
        (TaskRow("restarting", 1, 0, ""), "retry 2 of 1"),
        (TaskRow("success", 1, 2, ""), "nothing: success"),
        (TaskRow("deferred", 1, 2, ""), "nothing: deferred"),
        (TaskRow("", 1, 2, ""), "nothing: cleared"),
        (TaskRow("running", 2, 2, ""), "nothing: now try 2"),
        (TaskRow("running", 1, 2, "arn:of:another:container"), "not known"),
        (None, "nothing: deleted"),
    ],
)
def test_the_row_decides(service, fleet, row, reaction):
    launched(service, "load")

    assert after_stop(fleet, jobs(fleet), lambda identities: [row] * len(identities)) == [reaction]


def test_a_row_that_names_the_job_waits_for_it(service, fleet):
    launched(service, "load")
    [job] = jobs(fleet)

    for name in (job.job.arn, job.id, job.identity.launch_id):
        assert after_stop(fleet, [job], lambda _, name=name: [TaskRow("running", 1, 0, name)]) == ["fail"]


def test_the_database_is_asked_about_jobs_of_its_deployment_only(service, fleet):
    launched(service, "theirs", deployment="theirs")
    launched(service, "load")
    asked = []

    def task_rows(identities):
        asked.extend(who.task_id for who in identities)
        return [TaskRow("running", 1, 0, "") for _ in identities]

    found = jobs(fleet)
    reactions = dict(zip([job.identity.task_id for job in found], after_stop(fleet, found, task_rows), strict=True))

    assert (reactions, asked) == ({"load": "fail", "theirs": "not known"}, ["load"])


def test_without_a_configured_database_airflow_is_not_imported(service, tmp_path, monkeypatch):
    shell = given(service, tmp_path)
    for name, value in shell.items():
        monkeypatch.setenv(name, value)
    launched(service, "load")

    def task_rows(identities):
        raise AssertionError("it is asked")

    with (
        open_fleet(FleetOptions(executor="ecs"), shell) as fleet,
        pytest.raises(FleetError, match=r"^Airflow's database is not configured in this shell$"),
    ):
        after_stop(fleet, jobs(fleet), task_rows)


def test_a_database_that_does_not_answer_delays_nobody(service, fleet):
    launched(service, "load")
    hangs = threading.Event()

    try:
        with pytest.raises(FleetError, match=r"did not answer within 0s$"):
            after_stop(fleet, jobs(fleet), lambda identities: identities and hangs.wait(60), limit=0.0)
    finally:
        hangs.set()


def test_a_dry_run_says_why_it_does_not_know(service, shell, tmp_path, shell_given):
    launched(service, "load")
    unconfigured = shell("terminate-all", "--dry-run", **given(service, tmp_path))
    unreadable = process("terminate-all", "--dry-run", **shell_given)
    unasked = shell("terminate-all", "--yes", **shell_given)

    said = "What Airflow will do is not known here: Airflow's database"
    assert f"{said} is not configured in this shell\n" in unconfigured.err
    assert f"{said} cannot be read (OperationalError)\n" in unreadable.err
    assert {unconfigured.code, unreadable.code, unasked.code} == {Exit.OK}
    assert "What Airflow" not in unasked.err


def test_a_person_who_is_asked_reads_it_first(service, tmp_path):
    launched(service, "load")
    with Terminal("terminate-all", **given(service, tmp_path)) as shell:
        shell.shows("What Airflow will do is not known here: Airflow's database is not configured in this shell")
        shell.shows("Stop this job? [y/N]")
        shell.type("n\n")
        assert shell.ends() == Exit.FAILED
