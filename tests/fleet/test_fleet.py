"""The library over both services, on real containers: listing, ownership, logs, stopping."""

import dataclasses
import time

import pytest

from aws_exec.fleet import (
    Filter,
    FleetOptions,
    FleetQuery,
    MisusedError,
    Problem,
    State,
    Stopping,
    UnknownJobError,
    Until,
    check_ours,
    is_well,
    list_fleet,
    logs,
    open_fleet,
    wait,
    within,
)
from aws_exec.fleet.following import LogFollower
from tests.fleet.fleet import FAILS, JWT, OURS, Fleet, identity, workload


@pytest.fixture(scope="module")
def running(aws):
    """What runs, by name."""
    fleet = Fleet(aws)
    jobs = {
        "task": fleet.task(identity("extract")),
        "mapped": fleet.task(identity("load", map_index="2")),
        "job": fleet.job(identity("train")),
        "theirs": fleet.task(identity("extract", deployment="theirs")),
        "legacy": fleet.job(None, command=workload("old")),
        "nobody's": fleet.task(None, command=["python", "-c", "import threading; threading.Event().wait()"]),
    }
    aws.wait_until(lambda: all(one.status == "RUNNING" for one in aws.ledger()), timeout=30)
    for name in ("task", "job"):
        aws.wait_for_output(jobs[name], "token=")
    yield jobs
    for arn in jobs.values():
        if not next(one for one in aws.ledger() if one.arn == arn).over:
            aws.faults.lose(arn)


@pytest.fixture(scope="module")
def fleet(aws, running):
    given = aws.environment()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        with open_fleet(FleetOptions(), {**given, "AIRFLOW__AWS_ECS_EXECUTOR__DEPLOYMENT": OURS}) as fleet:
            yield fleet


def surveyed(fleet, deployment=""):
    pages = list(list_fleet(fleet.services.values(), FleetQuery(deployment)))
    assert not [page for page in pages if isinstance(page, Problem)]
    return {job.job.arn: job for page in pages for job in page}


def test_every_airflow_job_of_both_services_and_nothing_else(fleet, running):
    jobs = surveyed(fleet)

    assert jobs.keys() == {arn for name, arn in running.items() if name != "nobody's"}
    assert {job.state for job in jobs.values()} == {State.RUNNING}
    legacy = jobs[running["legacy"]]
    assert (legacy.identity.dag_id, legacy.task, legacy.identity.run_id) == ("legacy", "old[4]", "r9")
    assert (legacy.identity.deployment, legacy.identity.token) == ("", "")
    task = jobs[running["task"]]
    assert (task.identity.deployment, task.job.location, task.definition) == (OURS, "awsexec", "awsexec-task:1")
    assert (task.size.vcpu, task.size.memory_mib, task.size.fargate) == (0.25, 512, True)
    assert next(moment.what for moment in task.timeline) == "queued"


def test_only_one_deployments_tasks_are_listed_where_only_they_are_wanted(fleet, running):
    jobs = surveyed(fleet, OURS)

    assert running["theirs"] not in jobs
    assert running["task"] in jobs


def test_filters_know_patterns_states_and_age(fleet, running):
    jobs, now = surveyed(fleet).values(), time.time()

    def fitting(**how):
        return {job.job.arn for job in jobs if Filter(**how).fits(job, now)}

    assert fitting(dags=["leg*"]) == {running["legacy"]}
    assert fitting(tasks=["load[2]"]) == fitting(tasks=["lo*"]) == {running["mapped"]}
    assert fitting(states=["RUNNING"], runs=["r1"], deployment="theirs") == {running["theirs"]}
    assert fitting(older_than=3600) == fitting(states=["failed"]) == set()


@pytest.mark.parametrize("name", ["task", "job"])
def test_a_job_is_found_by_what_it_is_called(fleet, running, name):
    arn = running[name]
    job_id = arn.rpartition("/")[2]
    for text in (arn, job_id, job_id[:12]):
        assert [job.job.arn for job in fleet.locate([text], ended=False)] == [arn]
    assert [job.job.arn for job in fleet.locate(["etl/train@r1"], ended=False)] == [running["job"]]


def test_what_is_not_there_or_not_only_one_is_said(fleet, running):
    with pytest.raises(UnknownJobError, match="no Airflow job etl/nothing found"):
        fleet.locate(["etl/nothing"], ended=True)
    with pytest.raises(MisusedError, match="is in eu-west-1, not in us-east-1"):
        fleet.locate([running["task"].replace("us-east-1", "eu-west-1")], ended=False)


def test_the_log_is_found_by_the_definition_and_shows_no_token(fleet, running):
    for name in ("task", "job"):
        [job] = fleet.locate([running[name]], ended=False)
        location = logs.location_of(fleet.services[job.service], job)
        lines = [line.text for line in logs.read(fleet.client, location)]

        assert lines == ["up and running", "token=***"]
        assert [line.text for line in logs.read(fleet.client, location, tail=1)] == ["token=***"]


def test_what_aws_says_of_a_job_shows_no_token(fleet, running):
    for name in ("task", "job", "legacy"):
        [job] = fleet.locate([running[name]], ended=False)
        said = str(fleet.services[job.service].document(job))

        assert JWT not in said
        assert "DB_PASSWORD" in said


def test_a_job_is_waited_for_and_followed_to_its_end(aws, fleet):
    arn = Fleet(aws).job(identity("fails"), FAILS)
    [job] = fleet.locate([arn], ended=True)

    [ended] = within(30, lambda: wait(fleet.services, [job], Until.STOPPED), lambda: "it does not end")

    assert (ended.state, ended.exit_code, is_well(ended, Until.STOPPED)) == (State.FAILED, 3, False)
    *entries, end = LogFollower(fleet.services, fleet.client).follow([ended])
    assert [(followed.id, line.text) for followed, line in entries] == [
        (ended.id, "before the end"),
        (ended.id, "it went wrong"),
    ]
    assert (end.problem, end.job.state) == ("", State.FAILED)


def test_others_are_refused_and_ours_are_stopped_each_with_its_outcome(aws, fleet, running):
    jobs = surveyed(fleet)
    ours = [jobs[running[name]] for name in ("task", "mapped", "job")]
    deployments = {"ecs": OURS, "batch": OURS}
    with pytest.raises(MisusedError, match="1 of 4 jobs belong to another deployment"):
        check_ours([*ours, jobs[running["theirs"]]], deployments, "this shell is ours")
    check_ours(ours, deployments, "this shell is ours")
    gone = dataclasses.replace(ours[0], job=dataclasses.replace(ours[0].job, location="no-such-cluster"))

    stopping = Stopping(fleet.services, fleet.retries, [*ours[1:], gone], "for the test")
    stopping.start()
    outcomes = {job.job.arn: fault for job, fault in stopping.outcomes()}

    # The cluster in the ARN is the one that is asked.
    assert outcomes == {job.job.arn: None for job in ours}
    aws.wait_until(lambda: all(one.over for one in aws.ledger() if one.arn in outcomes), timeout=30)
    assert {one.stopped_reason for one in aws.ledger() if one.arn in outcomes} == {"for the test"}
