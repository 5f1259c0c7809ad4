"""The Batch adapter against answers that a stubbed client gives, one after the other."""

import logging
import uuid

import boto3
import pytest
from botocore.stub import ANY, Stubber

from aws_exec.clouds.batch import BY_NAME, BatchCloud
from aws_exec.clouds.cloud import Request
from aws_exec.clouds.errors import CloudError
from aws_exec.clouds.session import client_config
from aws_exec.lifecycle.values import Job, Observation, Status, Stop, Trouble, launch_of

QUEUE = "arn:aws:batch:us-east-1:123456789012:job-queue/ours"
ID = "11111111-1111-1111-1111-111111111111"
ARN = f"arn:aws:batch:us-east-1:123456789012:job/{ID}"
JOB = Job(ARN, "ours")
LAUNCH = "0b9a6c1e-4c1b-4d5e-9d53-1f2e3d4c5b6a"
TOKEN = f"{LAUNCH}-1"
NAME = f"airflow-{TOKEN}-etl-load"
PULL = "CannotPullContainerError: manifest unknown"
EXITED = "Essential container in task exited"


def environment(token: str = TOKEN, deployment: str = "test") -> list[dict]:
    return [{"name": "AWSEXEC_TOKEN", "value": token}, {"name": "AWSEXEC_DEPLOYMENT", "value": deployment}]


def detail(status: str = "RUNNING", number: int = 1, **more) -> dict:
    """A job; `number` makes its id."""
    job_id = ID.replace("1", str(number))
    return {
        "jobArn": ARN.replace(ID, job_id),
        "jobId": job_id,
        "jobName": NAME,
        "jobQueue": QUEUE,
        "jobDefinition": "d",
        "startedAt": 0,  # botocore's model requires it of a job that has not started, too
        "status": status,
        "container": {"environment": environment()},
    } | more


def ended(status: str = "FAILED", **more) -> dict:
    """A job that started once."""
    return detail(status, **{"startedAt": 1, "stoppedAt": 2} | more)


def attempt(exit_code: int | None = None, reason: str = "", *, started: bool = True, status: str = EXITED) -> dict:
    told = {"exitCode": exit_code, "reason": reason or None}
    made = {"container": {name: value for name, value in told.items() if value is not None}, "statusReason": status}
    return {**made, "startedAt": 1} if started else made


def several(*containers: dict, status: str = "FAILED", **more) -> dict:
    """A job of a multi-container definition."""
    return detail(status, container={}, ecsProperties={"taskProperties": [{"containers": list(containers)}]}, **more)


class Batch:
    """A cloud whose client answers as scripted."""

    def __init__(self, client):
        self.stub = Stubber(client)
        self.allowed = [True] * 1000
        self.cloud = BatchCloud(
            lambda: client,
            job_queue="ours",
            name_prefix="airflow",
            deployment="test",
            container_name="airflow",
            before_read=lambda: self.allowed.pop(0),
        )

    def answers(self, operation: str, answer: dict, asked: dict | None = None) -> "Batch":
        self.stub.add_response(operation, answer, asked)
        return self

    def raises(self, operation: str, code: str, message: str = "", status: int = 400) -> "Batch":
        self.stub.add_client_error(operation, code, message, status)
        return self

    def describes(self, *jobs: dict, asked: list[str] | None = None) -> "Batch":
        return self.answers("describe_jobs", {"jobs": list(jobs)}, {"jobs": asked} if asked else None)

    def lists(self, *jobs: dict, following: str | None = None, **asked) -> "Batch":
        summaries = [{"jobId": each["jobId"], "jobName": each["jobName"]} for each in jobs]
        answer = {"jobSummaryList": summaries} | ({"nextToken": following} if following else {})
        return self.answers("list_jobs", answer, {"jobQueue": "ours"} | asked)

    def lists_by_name(self, family: str, *jobs: dict, queue: str = "ours") -> "Batch":
        filters = [{"name": "JOB_NAME", "values": [f"airflow-{family}*"]}]
        return self.lists(*jobs, jobQueue=queue, filters=filters)

    def submit(self, **arguments):
        request = {"jobName": "n", "jobQueue": "ours", "jobDefinition": "d"} | arguments
        [answer] = self.cloud.submit([Request(TOKEN, "ours", request)])
        self.stub.assert_no_pending_responses()
        return answer

    def see(self, answer: dict) -> Observation:
        self.describes(answer)
        [seen] = self.cloud.describe("ours", [JOB]).seen
        return seen


@pytest.fixture(scope="module")
def any_client():
    session = boto3.session.Session(aws_access_key_id="testing", aws_secret_access_key="testing")
    return session.client("batch", region_name="us-east-1", config=client_config())


@pytest.fixture
def batch(any_client):
    batch = Batch(any_client)
    with batch.stub:
        yield batch


class TestSubmit:
    def test_the_job_is_the_answer(self, batch):
        batch.answers("submit_job", {"jobName": "n", "jobId": ID, "jobArn": ARN})
        assert batch.submit() == Observation(JOB, Status.STARTING, token=TOKEN)

    def test_one_request_that_fails_does_not_take_the_others_with_it(self, batch):
        batch.raises("submit_job", "ClientException", "Job queue gone not found")
        batch.answers("submit_job", {"jobName": "n", "jobId": ID, "jobArn": ARN})
        request = Request(TOKEN, "ours", {"jobName": "n", "jobQueue": "ours", "jobDefinition": "d"})
        refused, made = batch.cloud.submit([request, request])
        assert refused.trouble is Trouble.REFUSED
        assert made.job == JOB

    @pytest.mark.parametrize(
        ("code", "message", "status", "trouble"),
        [
            ("ServerException", "", 500, Trouble.NO_ANSWER),
            ("TooManyRequestsException", "Too Many Requests", 429, Trouble.THROTTLED),
            ("ClientException", "Job size must be less than 30 KiB, got 47 KiB", 400, Trouble.INVALID),
            (
                "ClientException",
                "Error executing request, Exception : Job name should match valid pattern",
                400,
                Trouble.INVALID,
            ),
            ("AccessDeniedException", "not authorized to perform: batch:SubmitJob", 403, Trouble.REFUSED),
        ],
    )
    def test_a_refusal_says_what_it_means(self, batch, code, message, status, trouble):
        assert batch.raises("submit_job", code, message, status).submit(tags={"a": "b"}).trouble is trouble

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
        assert batch.see(detail(status)) == Observation(JOB, Status.STARTING, token=TOKEN)

    def test_a_running_job_has_started(self, batch):
        assert batch.see(detail(startedAt=1)) == Observation(JOB, Status.RUNNING, started=True, token=TOKEN)

    @pytest.mark.parametrize("said", ["MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT", "CAPACITY:INSUFFICIENT - none"])
    def test_why_a_job_does_not_start_is_told(self, batch, said):
        assert batch.see(detail("RUNNABLE", statusReason=said)).waiting == said

    def test_a_job_that_batch_tries_again_does_not_wait_for_its_last_reason(self, batch):
        seen = batch.see(detail("RUNNABLE", statusReason=EXITED, attempts=[attempt(1)], retryStrategy={"attempts": 2}))
        assert seen == Observation(JOB, Status.RUNNING, started=True, token=TOKEN)

    def test_a_job_ends_with_the_exit_code_of_its_container(self, batch):
        answer = ended(statusReason=EXITED, attempts=[attempt(3, "Oops")])
        seen = batch.see(answer)
        assert (seen.status, seen.started) == (Status.STOPPED, True)
        assert seen.stop == Stop("batch", 3, started=True, reason=EXITED, container_reason="Oops")

    def test_a_job_that_batch_calls_succeeded_exited_0_even_if_it_does_not_say_so(self, batch):
        assert batch.see(ended("SUCCEEDED")).stop == Stop("batch", 0, started=True)
        assert batch.see(detail("SUCCEEDED")).started

    def test_a_job_that_could_not_start_has_no_exit_code_whatever_the_runtime_says(self, batch):
        never = attempt(127, PULL, started=False, status="Task failed to start")
        seen = batch.see(detail("FAILED", statusReason="Task failed to start", stoppedAt=2, attempts=[never]))
        assert not seen.started
        assert seen.stop == Stop("batch", reason="Task failed to start", container_reason=PULL)

    def test_a_job_that_failed_without_an_attempt_says_why_by_itself(self, batch):
        answer = detail("FAILED", statusReason="Container Overrides length must be at most 8192", stoppedAt=2)
        assert batch.see(answer).stop == Stop("batch", reason="Container Overrides length must be at most 8192")

    def test_a_lost_host_leaves_no_exit_code(self, batch):
        lost = "Host EC2 (instance i-1) terminated."
        seen = batch.see(ended(statusReason=lost, attempts=[attempt(status=lost)]))
        assert seen.stop == Stop("batch", started=True, reason=lost)

    @pytest.mark.parametrize("flag", ["isTerminated", "isCancelled"])
    def test_a_stop_by_somebody_is_on_purpose(self, batch, flag):
        seen = batch.see(detail("FAILED", statusReason="enough", stoppedAt=2, **{flag: True}))
        assert seen.stop == Stop("batch", reason="enough", on_purpose=True)

    @pytest.mark.parametrize(
        "said",
        ["Job attempt duration exceeded timeout", "Canceled by JobStateTimeLimit action due to reason: CAPACITY"],
    )
    def test_what_batch_ends_by_itself_is_nobodys_purpose(self, batch, said):
        assert not batch.see(ended(statusReason=said, isTerminated=True, isCancelled=True)).stop.on_purpose

    def test_who_is_told_to_stop_a_job_that_has_succeeded_has_not_stopped_it(self, batch):
        assert not batch.see(ended("SUCCEEDED", isTerminated=True)).stop.on_purpose


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
        assert seen.stop == Stop("batch", 0, started=True, sidecars=("proxy: 143",))

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
        ("code", "message", "trouble"),
        [
            ("ThrottlingException", "Rate exceeded", Trouble.THROTTLED),
            ("ClientException", "nobody knows this one", Trouble.REFUSED),
            ("ExpiredTokenException", "expired", Trouble.CREDENTIALS),
        ],
    )
    def test_a_failed_call_is_one_error_with_its_meaning_and_no_job_is_missing(self, batch, code, message, trouble):
        with pytest.raises(CloudError) as raised:
            batch.raises("describe_jobs", code, message).cloud.describe("ours", [JOB])
        assert (raised.value.fault.trouble, raised.value.fault.operation) == (trouble, "DescribeJobs")

    def test_every_call_is_paced_and_none_is_made_after_the_close(self, batch):
        batch.allowed = [True, False]
        batch.lists(following="2", jobStatus="SUBMITTED")
        with pytest.raises(CloudError) as raised:
            batch.cloud.survey(["ours"])
        assert raised.value.fault.trouble is Trouble.HELD


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
        families = [str(uuid.uuid4()) for _ in range(BY_NAME + 1)]
        jobs = [self.job_of(family, number) for number, family in enumerate(families)]
        batch.describes()
        for status in ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING"):
            batch.lists(jobStatus=status)
        batch.lists(*jobs[:10], following="2", jobStatus="RUNNING")
        batch.lists(*jobs[10:-1], jobStatus="RUNNING", nextToken="2")
        batch.lists_by_name(families[-1]).describes(*jobs[:-1])
        found = batch.cloud.find(families, ["ours"])
        assert [launch_of(seen.token) for seen in found] == families[:-1]
        batch.stub.assert_no_pending_responses()

    def test_many_that_are_not_active_are_looked_for_among_the_finished(self, batch):
        families = [str(uuid.uuid4()) for _ in range(BY_NAME + 1)]
        jobs = [self.job_of(family, number, "FAILED") for number, family in enumerate(families)]
        batch.describes()
        for status in ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING"):
            batch.lists(jobStatus=status)
        # Nothing more is listed than is needed: there is a second page, and another status.
        batch.lists(*jobs, following="2", jobStatus="FAILED").lists(jobStatus="SUCCEEDED").describes(*jobs)
        assert len(batch.cloud.find(families, ["ours"])) == len(families)
        batch.stub.assert_no_pending_responses()

    def job_of(self, family: str, number: int, status: str = "RUNNING") -> dict:
        made = detail(status, jobName=f"airflow-{family}-1-etl", container={"environment": environment(f"{family}-1")})
        return made | {"jobId": str(number), "jobArn": f"arn:aws:batch:us-east-1:1:job/{number}"}

    def test_without_the_right_to_list_jobs_are_found_by_id_and_it_is_said_once(self, batch, caplog):
        caplog.set_level(logging.WARNING)
        for _ in range(2):
            batch.describes().raises("list_jobs", "AccessDeniedException", "no batch:ListJobs", 403)
            assert batch.cloud.find([LAUNCH], ["ours"]) == []
        assert len(caplog.records) == 1

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
        assert [seen.job for seen in batch.cloud.survey(["ours"])] == [JOB]


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
        assert [each and each.trouble for each in answers] == [None, Trouble.NO_ANSWER, None, Trouble.REFUSED]

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
        assert batch.cloud.stop([JOB, JOB], "r") == [None, None]
        batch.stub.assert_no_pending_responses()

    def test_a_bulk_call_that_fails_fails_for_each(self, batch):
        batch.raises("terminate_jobs", "ThrottlingException")
        assert [fault.trouble for fault in batch.cloud.stop([JOB, JOB], "r")] == [Trouble.THROTTLED] * 2

    def test_a_job_that_batch_does_not_know_needs_no_stopping(self, batch):
        batch.raises("terminate_job", "ClientException", "Job 1 does not exist")
        batch.raises("terminate_job", "AccessDeniedException", "no", 403)
        unknown, denied = batch.cloud.stop([JOB], "r")[0], batch.cloud.stop([JOB], "r")[0]
        assert unknown is None
        assert denied.trouble is Trouble.REFUSED


class TestCheck:
    def test_an_empty_answer_is_the_good_one(self, batch):
        assert batch.describes(asked=["a" * 32]).cloud.check() is None

    @pytest.mark.parametrize(
        ("code", "trouble"),
        [
            ("AccessDeniedException", Trouble.REFUSED),
            ("ExpiredTokenException", Trouble.CREDENTIALS),
            ("ThrottlingException", Trouble.THROTTLED),
        ],
    )
    def test_any_fault_is_told(self, batch, code, trouble):
        assert batch.raises("describe_jobs", code).cloud.check().trouble is trouble
