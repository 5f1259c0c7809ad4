"""Jobs end: TerminateJob, CancelJob, their bulk calls, and the timeout."""

import time

import pytest
from botocore.exceptions import ClientError

from aws_exec.local import EmbeddedAws
from tests.local.helpers import FOREVER, client_of, is_gone, job_of

GRACEFUL = """
    import signal, sys
    signal.signal(signal.SIGTERM, lambda *_: (print("asked"), sys.exit(0)))
    print("up")
    signal.pause()
"""


def test_a_running_job_is_asked_to_end_and_has_failed_whatever_it_exits_with(aws, batch, submit, job):
    arn = submit(GRACEFUL, retryStrategy={"attempts": 3})
    aws.wait_for_output(arn, "up")

    batch.terminate_job(jobId=arn.rpartition("/")[2], reason="not needed")

    aws.wait_for_status(arn, "FAILED")
    told = job(arn)
    assert aws.output(arn) == ["up", "asked"]
    assert (told["statusReason"], told["isTerminated"], told["isCancelled"]) == ("not needed", True, False)
    assert told["container"]["exitCode"] == 0
    assert len(told["attempts"]) == 1


def test_a_job_deaf_to_sigterm_is_killed():
    with EmbeddedAws(start_delay=0, stop_delay=0, stop_timeout=0) as aws:
        batch = client_of(aws, "batch")
        program = "import os, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(os.getpid()); signal.pause()"
        arn = batch.submit_job(**job_of(aws, program))["jobArn"]
        pid = int(aws.wait_for_output(arn, ""))

        batch.terminate_job(jobId=arn, reason="deaf")

        assert aws.wait_for_status(arn, "FAILED").exit_code == 137
        assert is_gone(pid)


def test_the_reason_is_shown_while_the_job_still_runs(aws, batch, submit, job):
    arn = submit(f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {FOREVER}")
    aws.wait_for_status(arn, "RUNNING")

    batch.terminate_job(jobId=arn.rpartition("/")[2], reason="not needed")

    told = job(arn)
    assert (told["status"], told["statusReason"], told["isTerminated"]) == ("RUNNING", "not needed", True)


@pytest.mark.parametrize("verb", ["terminate_job", "cancel_job"])
def test_a_job_that_waits_never_runs(verb):
    with EmbeddedAws(max_containers=0) as aws:
        batch = client_of(aws, "batch")
        arn = batch.submit_job(**job_of(aws))["jobArn"]
        aws.wait_for_status(arn, "RUNNABLE")

        getattr(batch, verb)(jobId=arn, reason="not needed")

        (told,) = batch.describe_jobs(jobs=[arn])["jobs"]
        assert (told["status"], told["statusReason"], told["attempts"]) == ("FAILED", "not needed", [])
        assert (told["isTerminated"], told["isCancelled"]) == (verb == "terminate_job", verb == "cancel_job")
        assert "startedAt" not in told
        assert not aws.ledger()[0].started
        assert aws.ledger()[0].over


def test_a_job_cancelled_while_it_waits_gives_up_its_turn():
    with EmbeddedAws(start_delay=0, stop_delay=0, max_containers=1) as aws:
        batch = client_of(aws, "batch")
        first, second, third = (batch.submit_job(**job_of(aws, code))["jobArn"] for code in (FOREVER, FOREVER, ""))
        aws.wait_for_output(first, "up")
        aws.wait_for_status(third, "RUNNABLE")

        batch.cancel_job(jobId=second, reason="not needed")
        batch.terminate_job(jobId=first, reason="not needed")

        aws.wait_for_status(third, "SUCCEEDED")
        aws.wait_until(lambda: aws._all_tasks()[second].current.stopped)
        assert aws.history(second) == ["SUBMITTED", "RUNNABLE", "FAILED"]
        assert not aws.ledger()[1].started


def test_a_job_that_starts_is_stopped_before_it_has():
    with EmbeddedAws(start_delay=600, stop_delay=0) as aws:
        batch = client_of(aws, "batch")
        arn = batch.submit_job(**job_of(aws))["jobArn"]
        aws.wait_for_status(arn, "STARTING")

        batch.cancel_job(jobId=arn, reason="too late for this")
        assert aws.history(arn)[-1] == "STARTING"
        batch.terminate_job(jobId=arn, reason="not needed")

        line = aws.wait_for_status(arn, "FAILED")
        assert (line.started, line.stopped_reason) == (False, "not needed")
        (told,) = batch.describe_jobs(jobs=[arn])["jobs"]
        assert not told["isCancelled"]
        assert "startedAt" not in told["attempts"][0]


def test_cancelling_a_running_job_succeeds_and_does_nothing(aws, batch, submit, job):
    arn = submit(FOREVER)
    aws.wait_for_output(arn, "up")

    batch.cancel_job(jobId=arn, reason="not needed")

    assert (job(arn)["status"], job(arn)["isCancelled"]) == ("RUNNING", False)


def test_a_job_that_is_over_stays_as_it_is(aws, batch, submit, job):
    arn = submit()
    aws.wait_for_status(arn, "SUCCEEDED")
    before = job(arn)

    batch.terminate_job(jobId=arn, reason="too late")

    assert job(arn) == before


def test_a_job_whose_container_has_ended_by_itself_is_not_terminated():
    with EmbeddedAws(start_delay=0, stop_delay=600) as aws:
        batch = client_of(aws, "batch")
        arn = batch.submit_job(**job_of(aws))["jobArn"]
        aws.wait_for_exit(arn)

        batch.terminate_job(jobId=arn, reason="too late")

        (told,) = batch.describe_jobs(jobs=[arn])["jobs"]
        assert (told["status"], told["isTerminated"]) == ("RUNNING", False)


def test_many_jobs_are_terminated_at_once_each_with_a_result_of_its_own(aws, batch, submit):
    arns = [submit(FOREVER), submit(FOREVER)]
    for arn in arns:
        aws.wait_for_output(arn, "up")
    aws.faults.raise_next("TerminateJob", "ThrottlingException", "Rate exceeded")

    answer = batch.terminate_jobs(jobs=[*arns, "no-such-job"], reason="all of them")

    assert answer["successful"] == [arns[1], "no-such-job"]
    assert answer["errors"] == [{"job": arns[0], "code": "ThrottlingException", "message": "Rate exceeded"}]
    assert aws.wait_for_status(arns[1], "FAILED").stopped_reason == "all of them"
    assert aws.history(arns[0])[-1] == "RUNNING"


def test_many_jobs_are_cancelled_at_once():
    with EmbeddedAws(max_containers=0) as aws:
        batch = client_of(aws, "batch")
        arns = [batch.submit_job(**job_of(aws))["jobArn"] for _ in range(2)]

        answer = batch.cancel_jobs(jobs=arns, reason="all of them")

        assert (answer["successful"], answer["errors"]) == (arns, [])
        assert [line.status for line in aws.ledger()] == ["FAILED", "FAILED"]


@pytest.mark.parametrize(
    ("verb", "arguments"),
    [
        ("terminate_job", {"jobId": "x", "reason": ""}),
        ("terminate_job", {"jobId": "x", "reason": "r" * 1025}),
        ("cancel_job", {"jobId": "", "reason": "r"}),
        ("terminate_jobs", {"jobs": [], "reason": "r"}),
        ("terminate_jobs", {"jobs": ["x"] * 51, "reason": "r"}),
        ("cancel_jobs", {"jobs": ["x"], "reason": ""}),
    ],
)
def test_a_wrong_request_to_end_jobs_is_refused(batch, verb, arguments):
    with pytest.raises(ClientError) as caught:
        getattr(batch, verb)(**arguments)

    assert caught.value.response["Error"]["Code"] == "ClientException"


def test_a_job_that_nobody_knows_is_terminated_without_complaint(batch):
    batch.terminate_job(jobId="no-such-job", reason="r")


def test_an_attempt_that_runs_too_long_is_stopped_and_not_tried_again():
    passed = 0.0
    with EmbeddedAws(start_delay=0, stop_delay=0, clock=lambda: time.time() + passed) as aws:
        batch = client_of(aws, "batch")
        request = job_of(aws, FOREVER, timeout={"attemptDurationSeconds": 60}, retryStrategy={"attempts": 2})
        arn = batch.submit_job(**request)["jobArn"]
        aws.wait_for_output(arn, "up")
        passed = 50.0
        (told,) = batch.describe_jobs(jobs=[arn])["jobs"]
        assert (told["status"], told["timeout"]) == ("RUNNING", {"attemptDurationSeconds": 60})

        passed = 61.0
        batch.describe_jobs(jobs=[arn])

        line = aws.wait_for_status(arn, "FAILED")
        assert (line.stopped_reason, line.exit_code) == ("Job attempt duration exceeded timeout", 143)
        (told,) = batch.describe_jobs(jobs=[arn])["jobs"]
        assert (told["isTerminated"], len(told["attempts"])) == (False, 1)


def test_a_timeout_needs_no_call_to_be_acted_on():
    """A timer does it too: by the clock here, a job has run for nearly a minute as soon as it runs."""
    with EmbeddedAws(start_delay=0, stop_delay=0, clock=lambda: time.time() + 59.95) as aws:
        request = job_of(aws, FOREVER, timeout={"attemptDurationSeconds": 60})
        arn = client_of(aws, "batch").submit_job(**request)["jobArn"]

        assert aws.wait_for_status(arn, "FAILED").stopped_reason == "Job attempt duration exceeded timeout"
