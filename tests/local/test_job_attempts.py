"""`retryStrategy` and `dependsOn`: attempts, and jobs that wait for other jobs."""

import pytest

from aws_exec.local.batch.job import retries
from tests.local.helpers import FOREVER

FAILS_ONCE = """
    import os
    print("attempt", os.environ["AWS_BATCH_JOB_ATTEMPT"])
    raise SystemExit(0 if os.environ["AWS_BATCH_JOB_ATTEMPT"] == "2" else 1)
"""

LOST_ONCE = """
    import os, signal
    if os.environ["AWS_BATCH_JOB_ATTEMPT"] == "1":
        print("up")
        signal.pause()
"""


def test_a_job_that_failed_is_tried_again_and_each_attempt_is_told_of(aws, submit, job):
    arn = submit(FAILS_ONCE, retryStrategy={"attempts": 3})

    line = aws.wait_for_status(arn, "SUCCEEDED")

    told = job(arn)
    assert [attempt["container"]["exitCode"] for attempt in told["attempts"]] == [1, 0]
    assert len({attempt["container"]["taskArn"] for attempt in told["attempts"]}) == 2
    assert told["startedAt"] == told["attempts"][1]["startedAt"]
    assert told["retryStrategy"] == {"attempts": 3, "evaluateOnExit": []}
    assert aws.output(arn) == ["attempt 2"]
    assert (line.attempts, line.exit_code) == (2, 0)
    assert aws.history(arn) == ["SUBMITTED", *["RUNNABLE", "STARTING", "RUNNING"] * 2, "SUCCEEDED"]


def test_a_job_has_failed_when_its_attempts_are_used_up(aws, submit, job):
    arn = submit("raise SystemExit(4)", retryStrategy={"attempts": 2})

    line = aws.wait_for_status(arn, "FAILED")

    assert [attempt["container"]["exitCode"] for attempt in job(arn)["attempts"]] == [4, 4]
    assert line.attempts == 2


def test_an_attempt_that_never_started_is_tried_again(aws, submit, job):
    aws.faults.fail_next_start("CannotPullContainerError: gone for a moment")
    arn = submit(retryStrategy={"attempts": 2})

    aws.wait_for_status(arn, "SUCCEEDED")

    first, second = job(arn)["attempts"]
    assert first["container"]["reason"] == first["statusReason"] == "CannotPullContainerError: gone for a moment"
    assert "startedAt" not in first
    assert "exitCode" not in first["container"]
    assert second["container"]["exitCode"] == 0


def test_a_rule_can_end_a_job_that_has_attempts_left(aws, submit, job):
    rules = [{"action": "EXIT", "onExitCode": "7"}]
    arn = submit("raise SystemExit(7)", retryStrategy={"attempts": 3, "evaluateOnExit": rules})

    aws.wait_for_status(arn, "FAILED")

    assert len(job(arn)["attempts"]) == 1


FAILED = {"onStatusReason": "Essential container in task exited", "onReason": "", "onExitCode": "137"}
LOST = {"onStatusReason": "Host EC2 (instance i-1) terminated.", "onReason": "", "onExitCode": ""}


@pytest.mark.parametrize(
    ("rules", "found", "again"),
    [
        ([], FAILED, True),
        ([{"action": "EXIT", "onExitCode": "1"}], FAILED, True),
        ([{"action": "EXIT", "onExitCode": "13*"}], FAILED, False),
        ([{"action": "exit", "onExitCode": "137"}], FAILED, False),
        ([{"action": "EXIT", "onExitCode": "137", "onReason": "OutOfMemoryError*"}], FAILED, True),
        ([{"action": "RETRY", "onStatusReason": "Host EC2*"}, {"action": "EXIT", "onReason": "*"}], LOST, True),
        ([{"action": "RETRY", "onStatusReason": "Host EC2*"}, {"action": "EXIT", "onReason": "*"}], FAILED, False),
    ],
    ids=[
        "no rules",
        "none matches",
        "a pattern matches",
        "an action in lower case",
        "one condition of two",
        "the first rule decides",
        "what nothing else matched",
    ],
)
def test_the_first_rule_that_matches_decides_and_without_one_it_is_tried_again(rules, found, again):
    assert retries(rules, found) is again


def test_a_job_waits_for_the_job_that_it_depends_on(aws, batch, submit, job):
    first = submit(FOREVER)
    second = submit(dependsOn=[{"jobId": first.rpartition("/")[2]}])
    aws.wait_for_status(second, "PENDING")

    batch.terminate_job(jobId=first, reason="not needed")

    assert aws.wait_for_status(second, "FAILED").stopped_reason == "Dependent Job failed"
    assert job(second)["attempts"] == []


def test_a_job_runs_once_its_dependencies_have_succeeded(aws, submit):
    first = submit()
    second = submit(dependsOn=[{"jobId": first.rpartition("/")[2]}])

    aws.wait_for_status(second, "SUCCEEDED")

    assert aws.history(first)[-1] == "SUCCEEDED"


def test_a_job_whose_host_is_lost_has_no_exit_code(aws, submit, job):
    arn = submit(FOREVER)
    aws.wait_for_output(arn, "up")

    aws.faults.lose(arn)

    told = job(arn)
    assert (told["status"], told["statusReason"]) == ("FAILED", "Host EC2 (instance i-0a45ec00000000001) terminated.")
    assert "exitCode" not in told["container"]
    assert "startedAt" in told


def test_a_job_whose_host_is_lost_is_tried_again(aws, submit, job):
    arn = submit(LOST_ONCE, retryStrategy={"attempts": 2})
    aws.wait_for_output(arn, "up")

    aws.faults.lose(arn, reason="Host EC2 (instance i-2) terminated.")

    aws.wait_for_status(arn, "SUCCEEDED")
    assert [attempt["statusReason"] for attempt in job(arn)["attempts"]] == [
        "Host EC2 (instance i-2) terminated.",
        "Essential container in task exited",
    ]
