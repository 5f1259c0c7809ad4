"""The Batch adapter reads the responses of a stubbed client."""

import pytest

from aws_exec.clouds.cloud import Request
from aws_exec.clouds.errors import CloudError
from aws_exec.lifecycle.values import FailureKind, Job, Observation, Status, Termination
from tests.clouds.batch_answers import ARN, EXITED, ID, JOB, PULL, TOKEN, attempt, detail, ended, environment, several


class TestSubmit:
    def test_the_job_is_the_answer(self, batch):
        batch.answers("submit_job", {"jobName": "n", "jobId": ID, "jobArn": ARN})
        assert batch.submit() == Observation(JOB, Status.STARTING, token=TOKEN)

    def test_one_request_that_fails_does_not_take_the_others_with_it(self, batch):
        batch.raises("submit_job", "ClientException", "Job queue gone not found")
        batch.answers("submit_job", {"jobName": "n", "jobId": ID, "jobArn": ARN})
        request = Request(TOKEN, "ours", {"jobName": "n", "jobQueue": "ours", "jobDefinition": "d"})
        refused, made = batch.cloud.submit([request, request])
        assert refused.kind is FailureKind.REFUSED
        assert made.job == JOB

    @pytest.mark.parametrize(
        ("code", "message", "status", "kind"),
        [
            ("ServerException", "", 500, FailureKind.NO_ANSWER),
            ("TooManyRequestsException", "Too Many Requests", 429, FailureKind.THROTTLED),
            ("ClientException", "Job size must be less than 30 KiB, got 47 KiB", 400, FailureKind.INVALID),
            (
                "ClientException",
                "Error executing request, Exception : Job name should match valid pattern",
                400,
                FailureKind.INVALID,
            ),
            ("AccessDeniedException", "not authorized to perform: batch:SubmitJob", 403, FailureKind.REFUSED),
        ],
    )
    def test_a_refusal_says_what_it_means(self, batch, code, message, status, kind):
        assert batch.raises("submit_job", code, message, status).submit(tags={"a": "b"}).kind is kind

    def test_tags_are_dropped_with_one_warning_where_tagging_is_denied(self, batch, caplog):
        plain = {"jobName": "n", "jobQueue": "ours", "jobDefinition": "d"}
        batch.raises("submit_job", "AccessDeniedException", "not authorized to perform: batch:TagResource", 403)
        for _ in range(2):
            batch.answers("submit_job", {"jobName": "n", "jobId": ID, "jobArn": ARN}, plain)
        request = Request(TOKEN, "ours", {**plain, "tags": {"a": "b"}, "propagateTags": True})
        assert [each.job for each in batch.cloud.submit([request, request])] == [JOB, JOB]
        batch.stub.assert_no_pending_responses()
        assert sum("without tags" in record.message for record in caplog.records) == 1


class TestDescribe:
    @pytest.mark.parametrize("status", ["SUBMITTED", "PENDING", "RUNNABLE", "STARTING"])
    def test_a_job_that_never_ran_is_starting(self, batch, status):
        assert batch.see(detail(status)) == Observation(JOB, Status.STARTING, token=TOKEN, single_container=True)

    def test_only_one_container_tells_its_end_by_that_of_the_job(self, batch):
        assert batch.see(several({"name": "airflow"}, {"name": "sidecar"})).single_container is False

    def test_a_running_job_has_started(self, batch):
        assert batch.see(detail(startedAt=1)) == Observation(
            JOB, Status.RUNNING, started=True, token=TOKEN, single_container=True
        )

    @pytest.mark.parametrize("said", ["MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT", "CAPACITY:INSUFFICIENT - none"])
    def test_why_a_job_does_not_start_is_told(self, batch, said):
        assert batch.see(detail("RUNNABLE", statusReason=said)).waiting == said

    def test_a_job_that_batch_tries_again_does_not_wait_for_its_last_reason(self, batch):
        seen = batch.see(detail("RUNNABLE", statusReason=EXITED, attempts=[attempt(1)], retryStrategy={"attempts": 2}))
        assert seen == Observation(JOB, Status.RUNNING, started=True, token=TOKEN, single_container=True)

    def test_a_job_ends_with_the_exit_code_of_its_container(self, batch):
        answer = ended(statusReason=EXITED, attempts=[attempt(3, "Oops")])
        seen = batch.see(answer)
        assert (seen.status, seen.started) == (Status.STOPPED, True)
        assert seen.stop == Termination("batch", 3, started=True, reason=EXITED, container_reason="Oops")

    def test_a_job_that_batch_calls_succeeded_exited_0_even_if_it_does_not_say_so(self, batch):
        assert batch.see(ended("SUCCEEDED")).stop == Termination("batch", 0, started=True)
        assert batch.see(detail("SUCCEEDED")).started

    def test_a_job_that_could_not_start_has_no_exit_code_whatever_the_runtime_says(self, batch):
        never = attempt(127, PULL, started=False, status="Task failed to start")
        seen = batch.see(detail("FAILED", statusReason="Task failed to start", stoppedAt=2, attempts=[never]))
        assert not seen.started
        assert seen.stop == Termination("batch", reason="Task failed to start", container_reason=PULL)

    def test_a_job_that_failed_without_an_attempt_says_why_by_itself(self, batch):
        answer = detail("FAILED", statusReason="Container Overrides length must be at most 8192", stoppedAt=2)
        assert batch.see(answer).stop == Termination("batch", reason="Container Overrides length must be at most 8192")

    def test_a_lost_host_leaves_no_exit_code(self, batch):
        lost = "Host EC2 (instance i-1) terminated."
        seen = batch.see(ended(statusReason=lost, attempts=[attempt(status=lost)]))
        assert seen.stop == Termination("batch", started=True, reason=lost)

    @pytest.mark.parametrize("flag", ["isTerminated", "isCancelled"])
    def test_a_stop_by_somebody_is_on_purpose(self, batch, flag):
        seen = batch.see(detail("FAILED", statusReason="enough", stoppedAt=2, **{flag: True}))
        assert seen.stop == Termination("batch", reason="enough", user_initiated=True)

    @pytest.mark.parametrize(("exit_code", "on_purpose"), [(137, True), (0, False)])
    def test_a_stop_is_on_purpose_before_batch_calls_the_job_failed(self, batch, exit_code, on_purpose):
        answer = detail("RUNNING", statusReason="enough", isTerminated=True, startedAt=1, attempts=[attempt(exit_code)])
        assert batch.see(answer).stop.user_initiated is on_purpose

    @pytest.mark.parametrize(
        "said",
        ["Job attempt duration exceeded timeout", "Canceled by JobStateTimeLimit action due to reason: CAPACITY"],
    )
    def test_what_batch_ends_by_itself_is_nobodys_purpose(self, batch, said):
        assert not batch.see(ended(statusReason=said, isTerminated=True, isCancelled=True)).stop.user_initiated

    def test_who_is_told_to_stop_a_job_that_has_succeeded_has_not_stopped_it(self, batch):
        assert not batch.see(ended("SUCCEEDED", isTerminated=True)).stop.user_initiated


class TestAttempts:
    """Airflow admits the first container; a later one gets a 409, which hides why the first died."""

    def test_the_first_that_started_decides(self, batch):
        killed = attempt(137, "OutOfMemoryError: Container killed due to memory usage")
        answer = ended(attempts=[attempt(None, PULL, started=False), killed, attempt(1)], statusReason="the last")
        stop = batch.see(answer).stop
        assert (stop.exit_code, stop.reason) == (137, EXITED)
        assert stop.container_reason.startswith("OutOfMemoryError")

    def test_one_that_succeeded_decides_whatever_came_before(self, batch):
        assert batch.see(ended("SUCCEEDED", attempts=[attempt(1), attempt(0)])).stop.exit_code == 0

    def test_of_those_that_never_started_the_last_is_told(self, batch):
        attempts = [attempt(None, reason, started=False, status="Task failed to start") for reason in ("first", PULL)]
        assert batch.see(detail("FAILED", attempts=attempts)).stop.container_reason == PULL

    def test_nothing_has_ended_while_batch_may_try_again(self, batch):
        again = {"attempts": [attempt(1)], "retryStrategy": {"attempts": 3}}
        assert batch.see(detail("RUNNING", startedAt=2, **again)).stop is None
        assert batch.see(detail("RUNNABLE", **again)).started

    def test_without_another_attempt_the_end_of_the_container_is_the_end(self, batch):
        container = {"environment": environment(), "exitCode": 1}
        seen = batch.see(detail("RUNNING", startedAt=1, container=container))
        assert (seen.status, seen.stop.exit_code) == (Status.RUNNING, 1)


class TestSeveralContainers:
    def test_the_airflow_container_decides_and_sidecars_are_told(self, batch):
        proxy = {"name": "proxy", "exitCode": 143, "essential": True}
        airflow = {"name": "airflow", "exitCode": 0, "environment": environment()}
        seen = batch.see(several(proxy, airflow, {"name": "logs", "exitCode": 0}, startedAt=1))
        assert seen.token == TOKEN
        assert seen.stop == Termination("batch", 0, started=True, sidecars=("proxy: 143",))

    def test_attempts_have_containers_of_their_own(self, batch):
        told = [{"name": "proxy", "reason": "killed"}, {"name": "airflow", "exitCode": 5}]
        tried = {"startedAt": 1, "taskProperties": [{"containers": told}]}
        defined = ({"name": "proxy"}, {"name": "airflow", "exitCode": 1})
        stop = batch.see(several(*defined, attempts=[tried, attempt(1)])).stop
        assert (stop.exit_code, stop.sidecars) == (5, ("proxy: killed",))

    def test_the_container_that_carries_our_token_is_airflows_whatever_its_name(self, batch):
        ours = {"name": "renamed", "exitCode": 7, "environment": environment()}
        assert batch.see(several({"name": "airflow", "exitCode": 0}, ours, startedAt=1)).stop.exit_code == 7

    def test_else_the_first_essential_one_is(self, batch):
        containers = ({"name": "a", "essential": False, "exitCode": 1}, {"name": "b", "exitCode": 2}, {"name": "c"})
        assert batch.see(several(*containers, startedAt=1)).stop.exit_code == 2

    def test_success_says_nothing_of_a_container_that_is_not_essential(self, batch):
        ours = {"name": "airflow", "essential": False}
        assert batch.see(several(ours, {"name": "b"}, status="SUCCEEDED", startedAt=1)).stop.exit_code is None
        essential = {"name": "airflow"}
        assert batch.see(several(essential, {"name": "b"}, status="SUCCEEDED", startedAt=1)).stop.exit_code == 0


class TestTokens:
    def test_the_name_has_it_where_the_environment_has_not(self, batch):
        assert batch.see(detail(container={})).token == TOKEN

    def test_a_job_of_the_amazon_provider_has_none(self, batch):
        marker = [{"name": "AIRFLOW_IS_EXECUTOR_CONTAINER", "value": "true"}]
        assert batch.see(detail(jobName="airflow", container={"environment": marker})).token is None


class TestPages:
    def test_ids_are_asked_for_in_hundreds_and_what_is_not_answered_is_missing(self, batch):
        jobs = [Job(f"arn:aws:batch:us-east-1:1:job/{number}", "ours") for number in range(101)]
        batch.describes(asked=[str(number) for number in range(100)]).describes(asked=["100"])
        assert batch.cloud.describe("ours", jobs).missing == tuple(jobs)

    def test_one_id_that_the_service_cannot_take_does_not_blind_us_to_the_others(self, batch):
        odd = Job("not an arn", "ours")
        for _ in range(2):
            batch.raises("describe_jobs", "ClientException", "Exception : Invalid jobId not an arn")
        batch.describes(detail(startedAt=1), asked=[ID])
        description = batch.cloud.describe("ours", [odd, JOB])
        assert [seen.job for seen in description.seen] == [JOB]
        assert description.missing == (odd,)

    @pytest.mark.parametrize(
        ("code", "message", "kind"),
        [
            ("ThrottlingException", "Rate exceeded", FailureKind.THROTTLED),
            ("ClientException", "nobody knows this one", FailureKind.REFUSED),
            ("ExpiredTokenException", "expired", FailureKind.CREDENTIALS),
        ],
    )
    def test_a_failed_call_is_one_error_with_its_meaning_and_no_job_is_missing(self, batch, code, message, kind):
        with pytest.raises(CloudError) as raised:
            batch.raises("describe_jobs", code, message).cloud.describe("ours", [JOB])
        assert (raised.value.failure.kind, raised.value.failure.operation) == (kind, "DescribeJobs")

    def test_every_call_is_paced_and_none_is_made_after_the_close(self, batch):
        batch.allowed = [True, False]
        batch.lists(following="2", jobStatus="SUBMITTED")
        with pytest.raises(CloudError) as raised:
            batch.cloud.list_fleet(["ours"])
        assert raised.value.failure.kind is FailureKind.HELD
