"""A location that AWS refuses, from a DAG author, does not hide the others."""

import logging
import uuid

import pytest

from aws_exec.clouds.batch.adapter import BY_NAME
from aws_exec.clouds.errors import CloudError
from aws_exec.lifecycle.values import FailureKind, LaunchId
from tests.clouds.batch_answers import JOB as BATCH_JOB
from tests.clouds.batch_answers import LAUNCH, detail, ended, environment
from tests.clouds.test_ecs_adapter import ARN, JOB, OWNER, any_client, ecs, task

__all__ = ["any_client", "ecs"]

AWAY = "arn:aws:ecs:eu-west-1:123456789012:cluster/theirs"
QUEUE_AWAY = "arn:aws:batch:eu-west-1:123456789012:job-queue/theirs"
ACTIVE = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
#: What Batch may say of an identifier that is not valid: words that nobody knows, and some that are known.
REFUSALS = ["the region is another", "Error executing request, Exception : Invalid jobQueue arn"]


def warnings(caplog, about):
    said = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    return [message for message in said if about in message]


class TestClusters:
    def test_a_listing_tells_of_the_others_and_says_so_once(self, ecs, caplog):
        for _ in range(2):
            ecs.raises("list_tasks", "InvalidParameterException", "Identifier is for eu-west-1")
            ecs.answers("list_tasks", {"taskArns": [ARN]}, {"cluster": "ours", "startedBy": OWNER})
            ecs.answers("describe_tasks", {"tasks": [task(startedBy=OWNER)]})
            assert [each.seen.job for each in ecs.cloud.list_fleet([AWAY, "ours"])] == [JOB]
        assert len(warnings(caplog, AWAY)) == 1
        ecs.stub.assert_no_pending_responses()

    def test_a_launch_is_found_beside_it_among_the_stopped_of_its_owner(self, ecs):
        """That the cluster is refused says nothing of the filters, which the next one takes."""
        for _ in range(3):
            ecs.raises("list_tasks", "InvalidParameterException", "Identifier is for eu-west-1")
        ecs.answers("list_tasks", {"taskArns": []}, {"cluster": "ours", "startedBy": OWNER})
        ecs.answers(
            "list_tasks", {"taskArns": [ARN]}, {"cluster": "ours", "startedBy": OWNER, "desiredStatus": "STOPPED"}
        )
        ecs.answers("describe_tasks", {"tasks": [task("STOPPED", startedBy=OWNER)]})
        assert [seen.job for seen in ecs.cloud.find(["0f3e"], [AWAY, "ours"])] == [JOB]
        ecs.stub.assert_no_pending_responses()

    def test_a_cluster_whose_tasks_must_not_be_described_does_not_hide_the_others(self, ecs, caplog):
        ecs.answers("list_tasks", {"taskArns": [ARN]})
        ecs.raises("describe_tasks", "AccessDeniedException", "not authorized to perform: ecs:DescribeTasks")
        ecs.answers("list_tasks", {"taskArns": [ARN]}, {"cluster": "ours", "startedBy": OWNER})
        ecs.answers("describe_tasks", {"tasks": [task(startedBy=OWNER)]})
        assert [each.seen.job for each in ecs.cloud.list_fleet([AWAY, "ours"])] == [JOB]
        assert len(warnings(caplog, AWAY)) == 1

    @pytest.mark.parametrize("location", ["", "ours"])
    def test_the_configured_one_is_not_passed_over(self, ecs, location):
        ecs.raises("list_tasks", "InvalidParameterException", "what is this?")
        with pytest.raises(CloudError) as raised:
            ecs.cloud.list_fleet([location])
        assert raised.value.failure.kind is FailureKind.INVALID

    def test_nor_is_what_a_cluster_says_in_the_middle_of_its_list(self, ecs):
        ecs.answers("list_tasks", {"taskArns": [ARN], "nextToken": "2"})
        ecs.answers("describe_tasks", {"tasks": [task(startedBy=OWNER)]})
        ecs.raises("list_tasks", "InvalidParameterException", "the token has expired")
        with pytest.raises(CloudError):
            ecs.cloud.list_fleet([AWAY])


def family_of(number: int) -> LaunchId:
    return str(uuid.UUID(int=number))


class TestQueues:
    @pytest.mark.parametrize("message", REFUSALS)
    def test_a_listing_tells_of_the_others_and_says_so_once(self, batch, caplog, message):
        for _ in range(2):
            batch.raises("list_jobs", "ClientException", message)
            for status in ACTIVE[:-1]:
                batch.lists(jobStatus=status)
            batch.lists(detail(), jobStatus="RUNNING").describes(detail(startedAt=1))
            assert [each.seen.job for each in batch.cloud.list_fleet([QUEUE_AWAY, "ours"])] == [BATCH_JOB]
        assert len(warnings(caplog, QUEUE_AWAY)) == 1
        batch.stub.assert_no_pending_responses()

    @pytest.mark.parametrize("message", REFUSALS)
    def test_a_launch_is_found_beside_it(self, batch, message):
        batch.describes().raises("list_jobs", "ClientException", message).lists_by_name(LAUNCH, detail())
        batch.describes(detail())
        assert [seen.job for seen in batch.cloud.find([LAUNCH], [QUEUE_AWAY, "ours"])] == [BATCH_JOB]

    def test_of_what_is_nowhere_else_nobody_knows_whether_it_has_a_job(self, batch):
        batch.describes().raises("list_jobs", "ClientException", REFUSALS[0]).lists_by_name(LAUNCH)
        with pytest.raises(CloudError, match="ListJobs: ClientException"):
            batch.cloud.find([LAUNCH], [QUEUE_AWAY, "ours"])

    @pytest.mark.parametrize("code", ["ClientException", "ServerException", "ThrottlingException"])
    def test_the_configured_one_is_not_passed_over(self, batch, code):
        with pytest.raises(CloudError):
            batch.raises("list_jobs", code, REFUSALS[0]).cloud.list_fleet(["ours"])

    def test_nor_is_what_a_queue_says_in_the_middle_of_its_list(self, batch):
        batch.lists(detail(), following="2", jobQueue=QUEUE_AWAY, jobStatus="SUBMITTED")
        batch.raises("list_jobs", "ClientException", "the token has expired")
        with pytest.raises(CloudError):
            batch.cloud.list_fleet([QUEUE_AWAY])

    def test_the_active_are_listed_once_however_many_ends_are_asked_about(self, batch):
        token_bases = [family_of(number) for number in range(BY_NAME + 1)]
        token = f"{token_bases[0]}-1"
        job = ended(jobName=f"airflow-{token}-etl", container={"environment": environment(token)})
        for status in ACTIVE:
            batch.lists(jobStatus=status)
        batch.lists(job, jobStatus="FAILED").lists(jobStatus="SUCCEEDED").describes(job)
        assert [each.identity.token for each in batch.cloud.list_fleet(["ours"], token_bases)] == [token]
        batch.stub.assert_no_pending_responses()
