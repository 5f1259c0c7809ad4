"""ListJobs and DescribeJobs: filters, pages, limits, unknown jobs, tags."""

import time

import pytest
from botocore.exceptions import ClientError

from aws_exec.local import EmbeddedAws
from tests.local.helpers import client_of, job_of

NAMES = ["aw-one-dag", "AW-one-task", "aw-two-dag", "other"]


@pytest.fixture(scope="module")
def waiting():
    """Four jobs that wait, and one that was cancelled; nothing ever runs."""
    with EmbeddedAws(max_containers=0) as aws:
        batch = client_of(aws, "batch")
        arns = [batch.submit_job(**job_of(aws, jobName=name))["jobArn"] for name in NAMES]
        for arn in arns:
            aws.wait_for_status(arn, "RUNNABLE")
        gone = batch.submit_job(**job_of(aws, jobName="aw-one-gone"))["jobArn"]
        batch.cancel_job(jobId=gone, reason="not needed")
        yield aws, batch, arns


def _names(answer):
    return [one["jobName"] for one in answer["jobSummaryList"]]


def _by_name(pattern):
    return [{"name": "JOB_NAME", "values": [pattern]}]


def test_jobs_are_listed_by_status_and_running_ones_unless_told(waiting):
    aws, batch, _ = waiting
    queue = aws.names.job_queue

    assert sorted(_names(batch.list_jobs(jobQueue=queue, jobStatus="RUNNABLE"))) == sorted(NAMES)
    assert _names(batch.list_jobs(jobQueue=queue, jobStatus="FAILED")) == ["aw-one-gone"]
    assert _names(batch.list_jobs(jobQueue=queue)) == []


def test_a_queue_lists_its_own_jobs_only(waiting):
    aws, batch, _ = waiting
    order = [{"order": 1, "computeEnvironment": aws.names.compute_environment}]
    batch.create_job_queue(jobQueueName="empty", state="ENABLED", priority=1, computeEnvironmentOrder=order)

    assert _names(batch.list_jobs(jobQueue="empty", filters=_by_name("*"))) == []


def test_the_queue_may_be_named_by_its_arn(waiting):
    aws, batch, _ = waiting
    arn = f"arn:aws:batch:us-east-1:{aws.names.account}:job-queue/{aws.names.job_queue}"

    assert len(_names(batch.list_jobs(jobQueue=arn, jobStatus="RUNNABLE"))) == 4


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("aw-one-dag", ["aw-one-dag"]),
        ("aw-ONE-dag", ["aw-one-dag"]),
        ("aw-one*", ["aw-one-gone", "AW-one-task", "aw-one-dag"]),
        ("aw-one", []),
        ("*", ["aw-one-gone", "other", "aw-two-dag", "AW-one-task", "aw-one-dag"]),
    ],
)
def test_a_name_is_matched_whatever_its_case_or_the_status_newest_first(waiting, pattern, names):
    aws, batch, _ = waiting

    answer = batch.list_jobs(jobQueue=aws.names.job_queue, jobStatus="SUCCEEDED", filters=_by_name(pattern))

    assert _names(answer) == names


def test_jobs_are_filtered_by_when_they_were_made_and_by_definition(waiting):
    aws, batch, arns = waiting
    (second,) = batch.describe_jobs(jobs=[arns[1]])["jobs"]

    def listed(name, value):
        filters = [{"name": name, "values": [str(value)]}]
        return _names(batch.list_jobs(jobQueue=aws.names.job_queue, filters=filters))

    made = second["createdAt"]
    assert sorted(listed("AFTER_CREATED_AT", made - 1) + listed("BEFORE_CREATED_AT", made)) == sorted(
        [*NAMES, "aw-one-gone"],
    )
    assert "AW-one-task" in listed("AFTER_CREATED_AT", made - 1)
    assert "AW-one-task" not in listed("AFTER_CREATED_AT", made)
    assert len(listed("JOB_DEFINITION", "awsexec-job")) == len(listed("JOB_DEFINITION", second["jobDefinition"])) == 5
    assert listed("JOB_DEFINITION", "awsexec-multi") == []


def test_a_listed_job_is_told_of_in_short(waiting):
    aws, batch, arns = waiting

    (told,) = batch.list_jobs(jobQueue=aws.names.job_queue, filters=_by_name("other"))["jobSummaryList"]

    assert told == {
        "jobArn": arns[3],
        "jobId": arns[3].rpartition("/")[2],
        "jobName": "other",
        "jobDefinition": f"arn:aws:batch:us-east-1:{aws.names.account}:job-definition/awsexec-job:1",
        "status": "RUNNABLE",
        "createdAt": told["createdAt"],
        "container": {"reason": "0 of 0 container slots are busy"},
    }


def test_pages_hold_every_job_once(waiting):
    aws, batch, _ = waiting
    pages = batch.get_paginator("list_jobs").paginate(
        jobQueue=aws.names.job_queue,
        jobStatus="RUNNABLE",
        PaginationConfig={"PageSize": 3},
    )

    sizes = [_names(page) for page in pages]

    assert [len(names) for names in sizes] == [3, 1]
    assert sorted(name for names in sizes for name in names) == sorted(NAMES)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"filters": _by_name("a") * 2}, "Only one filter key-value pair can be specified."),
        ({"filters": [{"name": "JOB_NAME", "values": ["a", "b"]}]}, "Filter cannot take more than one value."),
        ({"filters": [{"name": "COLOUR", "values": ["a"]}]}, "Filter COLOUR is not supported."),
        ({"filters": [{"name": "AFTER_CREATED_AT", "values": ["noon"]}]}, "noon is not a time"),
        ({"filters": _by_name("a"), "maxResults": 101}, "between 1 and 100"),
        ({"maxResults": 1001}, "between 1 and 1000"),
        ({"nextToken": "of-nothing"}, "nextToken"),
        ({"jobQueue": "nowhere"}, "JobQueue nowhere not found."),
    ],
)
def test_a_wrong_listing_is_refused(waiting, arguments, words):
    aws, batch, _ = waiting

    with pytest.raises(ClientError, match=words) as caught:
        batch.list_jobs(**{"jobQueue": aws.names.job_queue, **arguments})

    assert caught.value.response["Error"]["Code"] == "ClientException"


def test_jobs_are_described_by_id_or_arn_and_unknown_ones_are_absent(waiting):
    _, batch, arns = waiting
    identifier = arns[0].rpartition("/")[2]

    jobs = batch.describe_jobs(jobs=[identifier, arns[0], arns[1], "a" * 32])["jobs"]

    assert [job["jobArn"] for job in jobs] == arns[:2]


@pytest.mark.parametrize("ids", [[], ["x"] * 101])
def test_none_or_too_many_jobs_cannot_be_described(waiting, ids):
    _, batch, _ = waiting

    with pytest.raises(ClientError) as caught:
        batch.describe_jobs(jobs=ids)

    assert caught.value.response["Error"]["Code"] == "ClientException"


def test_tags_are_told_with_the_job_and_can_be_changed(batch, submit, job):
    arn = submit(tags={"team": "risk", "Case_Kept": "Yes"})

    assert job(arn)["tags"] == {"team": "risk", "Case_Kept": "Yes"}
    batch.tag_resource(resourceArn=arn, tags={"more": "m"})
    batch.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert batch.list_tags_for_resource(resourceArn=arn)["tags"] == {"Case_Kept": "Yes", "more": "m"}


def test_a_job_that_ended_over_a_week_ago_is_forgotten():
    days = 0.0
    with EmbeddedAws(max_containers=0, clock=lambda: time.time() + days * 86400) as aws:
        batch = client_of(aws, "batch")
        arns = [batch.submit_job(**job_of(aws))["jobArn"] for _ in range(2)]
        batch.cancel_job(jobId=arns[0], reason="not needed")

        days = 6.9
        assert len(batch.describe_jobs(jobs=arns)["jobs"]) == 2
        days = 7.1
        assert [job["jobArn"] for job in batch.describe_jobs(jobs=arns)["jobs"]] == arns[1:]
        assert len(aws.ledger()) == 2


def test_a_job_can_be_forgotten_although_it_goes_on(aws, batch, submit):
    arn = submit("print('ran')")

    aws.faults.forget(arn)

    assert batch.describe_jobs(jobs=[arn])["jobs"] == []
    aws.wait_for_status(arn, "SUCCEEDED")


def test_a_new_job_can_be_in_no_answer_until_aws_catches_up(waiting):
    aws, batch, _ = waiting
    aws.faults.lag()
    arn = batch.submit_job(**job_of(aws, jobName="late"))["jobArn"]
    listed = {"jobQueue": aws.names.job_queue, "filters": _by_name("late")}
    assert (batch.describe_jobs(jobs=[arn])["jobs"], _names(batch.list_jobs(**listed))) == ([], [])

    aws.faults.catch_up()

    assert len(batch.describe_jobs(jobs=[arn])["jobs"]) == 1
    assert _names(batch.list_jobs(**listed)) == ["late"]
    batch.submit_job(**job_of(aws, jobName="late"))
    assert _names(batch.list_jobs(**listed)) == ["late", "late"]
    for one in batch.list_jobs(**listed)["jobSummaryList"]:
        aws.faults.forget(one["jobArn"])


def test_a_new_job_can_be_in_no_answer_for_some_seconds_though_it_runs_and_can_be_terminated():
    passed = 0.0
    with EmbeddedAws(start_delay=0, stop_delay=0, clock=lambda: time.time() + passed) as aws:
        batch = client_of(aws, "batch")
        aws.faults.lag(300)
        ran, stopped = (batch.submit_job(**job_of(aws, ["sleep", n]))["jobArn"] for n in ("0", "600"))
        aws.wait_for_status(ran, "SUCCEEDED")
        batch.terminate_job(jobId=stopped, reason="not needed")
        aws.wait_for_status(stopped, "FAILED")
        assert batch.describe_jobs(jobs=[ran, stopped])["jobs"] == []

        passed = 301.0

        assert len(batch.describe_jobs(jobs=[ran, stopped])["jobs"]) == 2
