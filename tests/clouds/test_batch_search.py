"""The Batch adapter finds and stops jobs of a stubbed client."""

import logging
import uuid

import pytest
from botocore.stub import ANY

from aws_exec.clouds.batch.adapter import BY_NAME
from aws_exec.clouds.errors import CloudError
from aws_exec.lifecycle.values import FailureKind, Job, Observation, Status, launch_of
from tests.clouds.batch_answers import (
    ARN,
    ID,
    JOB,
    LAUNCH,
    NAME,
    TOKEN,
    detail,
    ended,
    environment,
)


class TestFind:
    def test_a_bare_id_is_tried_as_a_job_id_first_which_the_amazon_provider_saves(self, batch):
        theirs = detail(jobName="airflow", container={}, startedAt=1)
        batch.describes(theirs, asked=[ID])
        [seen] = batch.cloud.find([ID], ["ours"])
        assert seen == Observation(JOB, Status.RUNNING, started=True, token=f"{ID}-0")
        batch.stub.assert_no_pending_responses()

    def test_few_are_looked_for_by_name_in_each_queue(self, batch):
        other = detail(jobName=NAME.replace("0b9a", "0b9b"))
        batch.describes(asked=[LAUNCH]).lists_by_name(LAUNCH, detail(), other).lists_by_name(LAUNCH, queue="gpu")
        batch.describes(detail(startedAt=1), asked=[ID])
        assert [(seen.job, seen.token) for seen in batch.cloud.find([LAUNCH], ["ours", "gpu", "ours"])] == [
            (JOB, TOKEN)
        ]

    def test_a_job_is_in_the_place_where_it_was_found(self, batch):
        batch.describes().lists_by_name(LAUNCH).lists_by_name(LAUNCH, detail(), queue="gpu").describes(detail())
        [seen] = batch.cloud.find([LAUNCH], ["ours", "gpu"])
        assert seen.job == Job(ARN, "gpu")

    def test_of_two_jobs_of_one_token_the_one_that_lives_is_told_last(self, batch):
        jobs = [detail(startedAt=1), ended(number=2)]
        batch.describes().lists_by_name(LAUNCH, *jobs).describes(*jobs)
        assert [seen.status for seen in batch.cloud.find([LAUNCH], ["ours"])] == [Status.STOPPED, Status.RUNNING]

    def test_many_are_looked_for_among_the_active_and_the_few_left_by_name(self, batch):
        token_bases = [str(uuid.uuid4()) for _ in range(BY_NAME + 1)]
        jobs = [self.job_of(family, number) for number, family in enumerate(token_bases)]
        batch.describes()
        for status in ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING"):
            batch.lists(jobStatus=status)
        batch.lists(*jobs[:10], following="2", jobStatus="RUNNING")
        batch.lists(*jobs[10:-1], jobStatus="RUNNING", nextToken="2")
        batch.lists_by_name(token_bases[-1]).describes(*jobs[:-1])
        found = batch.cloud.find(token_bases, ["ours"])
        assert [launch_of(seen.token) for seen in found] == token_bases[:-1]
        batch.stub.assert_no_pending_responses()

    def test_many_that_are_not_active_are_looked_for_among_the_finished(self, batch):
        token_bases = [str(uuid.uuid4()) for _ in range(BY_NAME + 1)]
        jobs = [self.job_of(family, number, "FAILED") for number, family in enumerate(token_bases)]
        batch.describes()
        for status in ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"):
            batch.lists(jobStatus=status)
        # Nothing more is listed than is needed: there is a second page, and another status.
        batch.lists(*jobs, following="2", jobStatus="FAILED").lists(jobStatus="SUCCEEDED").describes(*jobs)
        assert len(batch.cloud.find(token_bases, ["ours"])) == len(token_bases)
        batch.stub.assert_no_pending_responses()

    def job_of(self, family: str, number: int, status: str = "RUNNING") -> dict:
        made = detail(status, jobName=f"airflow-{family}-1-etl", container={"environment": environment(f"{family}-1")})
        return made | {"jobId": str(number), "jobArn": f"arn:aws:batch:us-east-1:1:job/{number}"}

    def test_without_the_right_to_list_nobody_knows_whether_a_launch_has_a_job_and_it_is_said_once(self, batch, caplog):
        caplog.set_level(logging.WARNING)
        for _ in range(2):
            batch.describes().raises("list_jobs", "AccessDeniedException", "no batch:ListJobs", 403)
            with pytest.raises(CloudError) as raised:
                batch.cloud.find([LAUNCH], ["ours"])
            assert (raised.value.failure.kind, raised.value.failure.operation) == (FailureKind.REFUSED, "ListJobs")
        assert len(caplog.records) == 1

    def test_without_the_right_to_list_jobs_are_found_by_id(self, batch):
        batch.describes(detail(jobName="airflow", container={}), asked=[ID])
        assert [seen.job for seen in batch.cloud.find([ID], ["ours"])] == [JOB]
        batch.stub.assert_no_pending_responses()

    def test_a_queue_that_may_not_be_listed_matters_only_for_what_no_other_has(self, batch):
        batch.describes().raises("list_jobs", "AccessDeniedException", "no", 403).lists_by_name(LAUNCH, detail())
        batch.describes(detail())
        assert [seen.job for seen in batch.cloud.find([LAUNCH], ["gpu", "ours"])] == [JOB]

    def test_without_the_right_to_list_the_fleet_is_empty(self, batch):
        batch.raises("list_jobs", "AccessDeniedException", "no batch:ListJobs", 403)
        assert batch.cloud.list_fleet(["ours"]) == []

    def test_a_queue_that_is_gone_hides_no_other(self, batch):
        gone = "Error executing request, Exception : Job queue gone does not exist"
        batch.describes().raises("list_jobs", "ClientException", gone).lists_by_name(LAUNCH, detail())
        batch.describes(detail())
        assert len(batch.cloud.find([LAUNCH], ["gone", "ours"])) == 1

    def test_any_other_trouble_of_a_listing_is_told(self, batch):
        with pytest.raises(CloudError, match="ListJobs: ThrottlingException"):
            batch.describes().raises("list_jobs", "ThrottlingException").cloud.find([LAUNCH], ["ours"])


class TestSurvey:
    def test_the_active_statuses_are_listed_in_their_order_and_ours_are_told(self, batch):
        foreign = detail(number=2, container={"environment": environment(deployment="another")})
        nobodys = detail(number=3, jobName="airflow-nightly")
        just_ended = detail("SUCCEEDED", number=4, startedAt=1)
        batch.lists(jobStatus="SUBMITTED").lists(jobStatus="PENDING").lists(jobStatus="RUNNABLE")
        batch.lists(detail(), jobStatus="STARTING").lists(detail(), foreign, nobodys, just_ended, jobStatus="RUNNING")
        batch.describes(detail(startedAt=1), foreign, just_ended, asked=[ID, foreign["jobId"], just_ended["jobId"]])
        assert [each.seen.job for each in batch.cloud.list_fleet(["ours"])] == [JOB]


class TestStop:
    def test_one_job_is_terminated_by_its_id_with_a_reason_that_fits(self, batch):
        batch.answers("terminate_job", {}, {"jobId": ID, "reason": "x" * 1024})
        assert batch.cloud.stop([JOB], "x" * 2000) == [None]

    def test_batch_wants_a_reason(self, batch):
        batch.answers("terminate_job", {}, {"jobId": ID, "reason": ANY})
        assert batch.cloud.stop([JOB], "") == [None]

    def test_many_are_terminated_in_one_call_each_with_an_answer_of_its_own(self, batch):
        jobs = [Job(str(number)) for number in range(4)]
        errors = [
            {"job": "1", "code": "ServerException", "message": "sorry"},
            {"job": "2", "code": "ClientException", "message": "Job 2 not found"},
            {"job": "3", "code": "AccessDeniedException", "message": "not authorized"},
        ]
        batch.answers("terminate_jobs", {"successful": ["0"], "errors": errors}, {"jobs": list("0123"), "reason": "r"})
        answers = batch.cloud.stop(jobs, "r")
        assert [each and each.kind for each in answers] == [None, FailureKind.NO_ANSWER, None, FailureKind.REFUSED]

    def test_fifty_at_a_time(self, batch):
        for _ in range(2):
            batch.answers("terminate_jobs", {"successful": [], "errors": []}, {"jobs": ANY, "reason": "r"})
        assert batch.cloud.stop([Job(str(number)) for number in range(52)], "r") == [None] * 52
        batch.stub.assert_no_pending_responses()

    def test_a_service_that_does_not_know_the_bulk_call_is_asked_one_by_one(self, batch):
        batch.raises("terminate_jobs", "UnknownOperationException", status=404)
        for _ in range(4):
            batch.answers("terminate_job", {})
        assert batch.cloud.stop([JOB, JOB], "r") == [None, None]
        assert batch.cloud.capabilities.stop_batch == 1
        assert batch.cloud.stop([JOB, JOB], "r") == [None, None]
        batch.stub.assert_no_pending_responses()

    def test_a_bulk_call_that_fails_fails_for_each(self, batch):
        batch.raises("terminate_jobs", "ThrottlingException")
        assert [fault.kind for fault in batch.cloud.stop([JOB, JOB], "r")] == [FailureKind.THROTTLED] * 2

    def test_a_job_that_batch_does_not_know_needs_no_stopping(self, batch):
        batch.raises("terminate_job", "ClientException", "Job 1 does not exist")
        batch.raises("terminate_job", "AccessDeniedException", "no", 403)
        unknown, denied = batch.cloud.stop([JOB], "r")[0], batch.cloud.stop([JOB], "r")[0]
        assert unknown is None
        assert denied.kind is FailureKind.REFUSED


class TestCheck:
    def test_an_empty_answer_is_the_good_one(self, batch):
        assert batch.describes(asked=["a" * 32]).cloud.check() is None

    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("AccessDeniedException", FailureKind.REFUSED),
            ("ExpiredTokenException", FailureKind.CREDENTIALS),
            ("ThrottlingException", FailureKind.THROTTLED),
        ],
    )
    def test_any_fault_is_told(self, batch, code, kind):
        assert batch.raises("describe_jobs", code).cloud.check().kind is kind
