"""Of many running jobs, only those that a listing no longer has are described."""

from __future__ import annotations

import logging

import pytest
from botocore.exceptions import ClientError

from aws_exec.clouds.batch.adapter import BatchCloud
from aws_exec.clouds.ecs.adapter import EcsCloud
from aws_exec.clouds.errors import CloudError
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.effects import ListRunning
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job
from tests.dispatch.harness import rig

TASK = "arn:aws:ecs:us-east-1:123456789012:task/{}/{}"
THERE, HERE, GONE = (Job(TASK.format(cluster, "0" * 31 + str(n)), "") for n, cluster in enumerate(("c2", "c1", "c1")))
RUNS, ENDED = (Job(f"arn:aws:batch:us-east-1:123456789012:job/{n}", "q") for n in range(2))


class Lists:
    """A client of both services that lists pages, or refuses to."""

    def __init__(self, **pages):
        self.pages = pages
        self.denied = ""
        self.asked = []

    def _list(self, operation, where, member, arguments):
        self.asked.append(arguments)
        if self.denied:
            raise ClientError({"Error": {"Code": self.denied, "Message": "no"}}, operation)
        pages = self.pages[where]
        number = int(arguments.get("nextToken", 0))
        answer = {member: pages[number]}
        return answer | ({"nextToken": str(number + 1)} if number + 1 < len(pages) else {})

    def list_tasks(self, **arguments):
        return self._list("ListTasks", arguments["cluster"], "taskArns", arguments)

    def list_jobs(self, **arguments):
        return self._list("ListJobs", arguments["jobQueue"], "jobSummaryList", arguments)


def ecs(client):
    return EcsCloud(lambda: client, cluster="c1", container_name="airflow", started_by="awsexec/ours")


def batch(client):
    return BatchCloud(lambda: client, job_queue="q", name_prefix="awsexec", deployment="ours")


def test_tasks_are_listed_by_owner_in_the_cluster_of_their_arn_on_every_page():
    client = Lists(c1=[[HERE.arn], []], c2=[[], [THERE.arn]])
    assert list(ecs(client).list_running("", [THERE, HERE, GONE])) == [GONE]
    assert [(each["cluster"], each["startedBy"]) for each in client.asked] == [
        ("c2", "awsexec/ours"),
        ("c2", "awsexec/ours"),
        ("c1", "awsexec/ours"),
        ("c1", "awsexec/ours"),
    ]
    assert all("desiredStatus" not in each for each in client.asked)


def test_jobs_are_listed_by_status_in_their_queue():
    client = Lists(q=[[{"jobId": "7"}], [{"jobId": "0"}]])
    assert list(batch(client).list_running("q", [RUNS, ENDED])) == [ENDED]
    assert {each["jobStatus"] for each in client.asked} == {"RUNNING"}


@pytest.mark.parametrize(("cloud", "jobs"), [(ecs, [HERE, GONE]), (batch, [RUNS, ENDED])])
def test_without_the_right_to_list_all_are_described_and_it_is_asked_for_once(cloud, jobs, caplog):
    client = Lists(c1=[[HERE.arn]], q=[[{"jobId": "0"}]])
    client.denied = "AccessDeniedException"
    watching = cloud(client)
    assert [list(watching.list_running(jobs[0].location, jobs)) for _ in range(2)] == [jobs, jobs]
    assert len(client.asked) == 1
    said = [record for record in caplog.records if "described instead" in record.getMessage()]
    assert [record.levelno for record in said] == [logging.WARNING]


@pytest.mark.parametrize(("cloud", "jobs"), [(ecs, [HERE]), (batch, [RUNS])])
def test_what_the_service_does_not_say_is_not_guessed(cloud, jobs):
    client = Lists()
    client.denied = "ThrottlingException"
    with pytest.raises(CloudError) as raised:
        cloud(client).list_running(jobs[0].location, jobs)
    assert raised.value.failure.kind is FailureKind.THROTTLED


def test_the_tasks_of_a_cluster_that_is_gone_are_described():
    client = Lists()
    client.denied = "ClusterNotFoundException"
    assert list(ecs(client).list_running("", [HERE])) == [HERE]


def test_the_lane_answers_with_what_is_no_longer_listed_or_with_the_fault():
    with rig() as it:
        [job] = [it.cloud.add("launch1-1", deployment="ours")]
        it.cloud.start(job)
        it.dispatch(ListRunning(request_id=1, location="", jobs=(job,), at_once=99))
        assert it.one() == on.RunningListed(request_id=1, location="", unlisted=())
        slow_down = CallFailure(FailureKind.THROTTLED, "ListTasks", "ThrottlingException")
        it.cloud.fail("list_running", slow_down)
        it.dispatch(ListRunning(request_id=2, location="", jobs=(job,), at_once=99))
        assert it.one() == on.DescribeFailed(request_id=2, failure=slow_down)


@pytest.mark.parametrize("at_once", [2, 20, 99])
def test_what_is_no_longer_listed_is_described_in_the_same_breath_if_one_call_does_it(at_once):
    with rig() as it:
        [job] = [it.cloud.add("launch1-1", deployment="ours")]
        it.cloud.start(job)
        few = tuple(Job(f"arn:nobody{number}") for number in range(at_once))
        it.dispatch(ListRunning(request_id=1, location="", jobs=(job, *few), at_once=at_once))
        assert it.one() == on.Described(request_id=1, seen=(), missing=few)
        many = (*few, Job("arn:one more"))
        it.dispatch(ListRunning(request_id=2, location="", jobs=(job, *many), at_once=at_once))
        assert it.one() == on.RunningListed(request_id=2, location="", unlisted=many)
