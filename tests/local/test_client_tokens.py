"""RunTask's `clientToken`: at most one task per token, for as long as AWS remembers it."""

import boto3
import pytest
from botocore.config import Config

from aws_exec.local import EmbeddedAws
from tests.local.helpers import FOREVER, client_of, request_of


def _arns(answer):
    return [task["taskArn"] for task in answer["tasks"]]


def test_the_same_token_and_request_give_the_first_task_again(aws, ecs):
    request = request_of(aws, clientToken="same-1")

    first, second = ecs.run_task(**request), ecs.run_task(**request)

    assert _arns(first) == _arns(second)
    assert [line.token for line in aws.ledger()].count("same-1") == 1


def test_the_answer_asked_for_again_shows_the_task_as_it_is_now(aws, ecs):
    request = request_of(aws, clientToken="later-1")
    (arn,) = _arns(ecs.run_task(**request))
    aws.wait_for_status(arn, "STOPPED")

    (task,) = ecs.run_task(**request)["tasks"]

    assert (task["taskArn"], task["lastStatus"]) == (arn, "STOPPED")


def test_the_same_token_with_another_request_names_the_task_that_has_it(aws, ecs):
    (arn,) = _arns(ecs.run_task(**request_of(aws, clientToken="other-1")))

    with pytest.raises(ecs.exceptions.ConflictException) as caught:
        ecs.run_task(**request_of(aws, clientToken="other-1", startedBy="someone-else"))

    assert caught.value.response["resourceIds"] == [arn]
    assert [line.token for line in aws.ledger()].count("other-1") == 1


def test_a_token_counts_within_its_cluster(aws, ecs):
    ecs.create_cluster(clusterName="second")

    here = _arns(ecs.run_task(**request_of(aws, clientToken="cluster-1")))
    there = _arns(ecs.run_task(**request_of(aws, clientToken="cluster-1", cluster="second")))

    assert here != there


def test_requests_without_a_token_are_all_different_since_the_sdk_fills_one_in(aws, ecs):
    request = request_of(aws)

    assert _arns(ecs.run_task(**request)) != _arns(ecs.run_task(**request))


def test_a_retry_by_the_sdk_launches_nothing_more(aws):
    patient = boto3.client(
        "ecs",
        endpoint_url=aws.endpoint_url,
        region_name=aws.names.region,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(retries={"total_max_attempts": 3, "mode": "standard"}),
    )
    before = len(aws.ledger())
    aws.faults.raise_next("RunTask", "ServerException", "once", status=500)

    patient.run_task(**request_of(aws))

    assert len(aws.ledger()) == before + 1


def test_a_refused_request_may_be_made_again_with_its_token(aws, ecs):
    request = request_of(aws, clientToken="refused-1")
    aws.faults.refuse_next("RESOURCE:MEMORY")

    refused, made = ecs.run_task(**request), ecs.run_task(**request)

    assert (refused["tasks"], refused["failures"][0]["reason"]) == ([], "RESOURCE:MEMORY")
    assert len(made["tasks"]) == 1


def test_a_refusal_may_be_remembered_for_its_token(aws, ecs):
    """Whether AWS does so is not documented; both can be had here."""
    request = request_of(aws, clientToken="refused-2")
    aws.faults.refuse_next("RESOURCE:MEMORY", remembered=True)

    first, second = ecs.run_task(**request), ecs.run_task(**request)

    assert first["failures"] == second["failures"]
    assert second["tasks"] == []


@pytest.mark.parametrize(
    ("program", "hours", "same"),
    [("", 0.9, True), ("", 1.1, False), (FOREVER, 23, True), (FOREVER, 25, False)],
    ids=["ended for less than an hour", "ended for over an hour", "runs for 23 hours", "runs for 25 hours"],
)
def test_a_token_lives_an_hour_longer_than_its_task_and_a_day_at_most(program, hours, same):
    passed = 0.0
    with EmbeddedAws(start_delay=0, stop_delay=0, clock=lambda: __import__("time").time() + passed) as aws:
        ecs = client_of(aws, "ecs")
        request = request_of(aws, program, clientToken="aged-1")
        (arn,) = _arns(ecs.run_task(**request))
        aws.wait_for_status(arn, "RUNNING" if program else "STOPPED")

        passed = hours * 3600

        assert (_arns(ecs.run_task(**request)) == [arn]) is same
