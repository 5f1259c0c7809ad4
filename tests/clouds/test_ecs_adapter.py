"""The ECS adapter reads the responses of a stubbed client."""

import logging

import pytest
from botocore.stub import Stubber

from aws_exec.clouds.cloud import Request
from aws_exec.clouds.ecs.adapter import EcsCloud
from aws_exec.clouds.errors import CloudError
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job, Observation, Status, Termination
from tests.clouds.http_adapters import client

PREFIX = "arn:aws:ecs:us-east-1:123456789012:task"
ARN = f"{PREFIX}/ours/{'1' * 32}"
JOB = Job(ARN, "ours")
TOKEN = "0f3e-1"
OWNER = "awsexec/test"
MISSING = {"arn": ARN, "reason": "MISSING"}


def override(token: str = TOKEN) -> dict:
    return {"containerOverrides": [{"name": "airflow", "environment": [{"name": "AWSEXEC_TOKEN", "value": token}]}]}


def task(status: str = "RUNNING", *containers: dict, arn: str = ARN, **more) -> dict:
    return {"taskArn": arn, "lastStatus": status, "containers": list(containers), "overrides": override()} | more


def container(name: str = "airflow", **more) -> dict:
    return {"name": name} | more


class Ecs:
    """A cloud whose client answers as scripted."""

    def __init__(self, client):
        self.stub = Stubber(client)
        self.allowed = [True] * 100
        self.cloud = EcsCloud(
            lambda: client,
            cluster="ours",
            container_name="airflow",
            started_by=OWNER,
            before_read=lambda: self.allowed.pop(0),
        )

    def answers(self, operation: str, answer: dict, asked: dict | None = None) -> "Ecs":
        self.stub.add_response(operation, answer, asked)
        return self

    def raises(self, operation: str, code: str, message: str = "", **fields) -> "Ecs":
        self.stub.add_client_error(operation, code, message, 400, modeled_fields=fields or None)
        return self

    def submit(self, **arguments):
        request = Request(TOKEN, "ours", {"taskDefinition": "t", "cluster": "ours", "clientToken": TOKEN} | arguments)
        [answer] = self.cloud.submit([request])
        self.stub.assert_no_pending_responses()
        return answer

    def see(self, answer: dict) -> Observation:
        self.answers("describe_tasks", {"tasks": [answer]})
        [seen] = self.cloud.describe("ours", [JOB]).seen
        return seen


@pytest.fixture(scope="module")
def any_client():
    return client("ecs", region_name="us-east-1")


@pytest.fixture
def ecs(any_client):
    ecs = Ecs(any_client)
    with ecs.stub:
        yield ecs


class TestSubmit:
    def test_the_task_is_the_answer(self, ecs):
        ecs.answers("run_task", {"tasks": [task("PROVISIONING")]})
        assert ecs.submit() == Observation(JOB, Status.STARTING, token=TOKEN)

    def test_a_failure_is_a_refusal_with_or_without_a_reason(self, ecs):
        ecs.answers("run_task", {"failures": [{"reason": "RESOURCE:MEMORY", "arn": "i"}]}).answers(
            "run_task",
            {"failures": [{}]},
        )
        [full, bare] = ecs.cloud.submit([Request(TOKEN, "ours", {"taskDefinition": "t"})] * 2)
        assert (full.kind, full.code) == (FailureKind.NO_CAPACITY, "RESOURCE:MEMORY")
        assert bare.kind is FailureKind.NO_CAPACITY

    def test_an_empty_answer_leaves_it_open(self, ecs):
        assert ecs.answers("run_task", {}).submit().kind is FailureKind.NO_ANSWER

    def test_one_request_that_fails_does_not_take_the_others_with_it(self, ecs):
        ecs.raises("run_task", "AccessDeniedException").answers("run_task", {"tasks": [task()]})
        requests = [Request(token, "ours", {"taskDefinition": "t"}) for token in ("a-1", TOKEN)]
        refused, made = ecs.cloud.submit(requests)
        assert refused.kind is FailureKind.REFUSED
        assert made.job == JOB

    def test_a_conflict_names_the_task_that_has_the_token_and_it_is_ours(self, ecs):
        ecs.raises("run_task", "ConflictException", resourceIds=[ARN])
        ecs.answers("describe_tasks", {"tasks": [task(startedAt=1)]}, {"cluster": "ours", "tasks": [ARN]})
        assert ecs.submit() == Observation(JOB, Status.RUNNING, started=True, token=TOKEN)

    def test_the_task_of_a_conflict_is_ours_even_if_it_cannot_be_described_yet(self, ecs):
        ecs.raises("run_task", "ConflictException", resourceIds=[ARN])
        ecs.answers("describe_tasks", {"failures": [MISSING]})
        assert ecs.submit() == Observation(JOB, Status.STARTING, token=TOKEN)

    def test_a_conflict_that_names_only_an_unknown_id_is_asked_about_again(self, ecs):
        ecs.raises("run_task", "ConflictException", resourceIds=["1" * 32]).raises("describe_tasks", "ServerException")
        assert ecs.submit().kind is FailureKind.NO_ANSWER

    def test_a_conflict_that_names_no_task_means_that_the_token_is_spent(self, ecs):
        ecs.raises("run_task", "ConflictException").answers("list_tasks", {"taskArns": []}).answers(
            "list_tasks", {"taskArns": []}
        )
        assert ecs.submit().kind is FailureKind.NO_CAPACITY

    def test_tags_are_dropped_with_one_warning_where_tagging_is_denied(self, ecs, caplog):
        tagged = {"tags": [{"key": "a", "value": "b"}]}
        plain = {"taskDefinition": "t", "cluster": "ours", "clientToken": TOKEN}
        denied = "User: arn:x is not authorized to perform: ecs:TagResource on resource: y"
        ecs.raises("run_task", "AccessDeniedException", denied)
        ecs.answers("run_task", {"tasks": [task()]}, plain).answers("run_task", {"tasks": [task()]}, plain)
        request = Request(TOKEN, "ours", plain | tagged)
        assert [each.job for each in ecs.cloud.submit([request, request])] == [JOB, JOB]
        ecs.stub.assert_no_pending_responses()
        assert sum("without tags" in record.message for record in caplog.records) == 1

    def test_a_denied_launch_is_not_asked_for_again(self, ecs):
        ecs.raises("run_task", "AccessDeniedException", "not authorized to perform: ecs:RunTask")
        assert ecs.submit(tags=[{"key": "a"}]).kind is FailureKind.REFUSED


class TestDescribe:
    @pytest.mark.parametrize("status", ["PROVISIONING", "PENDING", "ACTIVATING", "DEPROVISIONING", "STOPPING"])
    def test_a_task_that_never_ran_is_starting_until_it_has_stopped(self, ecs, status):
        assert ecs.see(task(status, container())) == Observation(
            JOB, Status.STARTING, token=TOKEN, single_container=True
        )

    def test_only_one_container_tells_its_end_by_that_of_the_task(self, ecs):
        assert ecs.see(task("RUNNING", container(), container("sidecar"))).single_container is False

    @pytest.mark.parametrize("status", ["RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING"])
    def test_a_task_that_ran_is_running_until_it_has_stopped(self, ecs, status):
        seen = ecs.see(task(status, container(), startedAt=1))
        assert seen == Observation(JOB, Status.RUNNING, started=True, token=TOKEN, single_container=True)

    def test_a_container_may_run_before_its_task_does(self, ecs):
        assert ecs.see(task("PENDING", container(lastStatus="RUNNING"), container("proxy"))).started

    def test_the_airflow_container_decides_and_sidecars_are_told(self, ecs):
        containers = (container("proxy", exitCode=143), container(exitCode=0), container("logs", exitCode=0))
        seen = ecs.see(task("STOPPED", *containers, startedAt=1, stopCode="EssentialContainerExited"))
        code = "EssentialContainerExited"
        assert seen.stop == Termination("ecs", 0, started=True, code=code, sidecars=("proxy: 143",))

    def test_the_airflow_container_may_end_before_its_task(self, ecs):
        seen = ecs.see(task("RUNNING", container(exitCode=0), container("proxy"), startedAt=1))
        assert seen == Observation(
            JOB, Status.RUNNING, started=True, token=TOKEN, stop=Termination("ecs", 0, started=True)
        )

    def test_a_task_that_failed_to_start_has_no_exit_code_whatever_the_runtime_says(self, ecs):
        reason = "CannotStartContainerError: exec: no such file"
        failed = container(exitCode=127, reason=reason)
        seen = ecs.see(task("STOPPED", failed, stopCode="TaskFailedToStart", stoppedReason="Task failed to start"))
        assert not seen.started
        assert seen.stop == Termination(
            "ecs",
            code="TaskFailedToStart",
            reason="Task failed to start",
            container_reason=reason,
        )

    def test_a_lost_host_leaves_no_exit_code(self, ecs):
        seen = ecs.see(task("STOPPED", container(), startedAt=1, stoppedReason="Host EC2 terminated."))
        assert seen.stop == Termination("ecs", started=True, reason="Host EC2 terminated.")

    def test_a_stop_by_a_user_is_on_purpose(self, ecs):
        seen = ecs.see(task("STOPPED", container(exitCode=137), startedAt=1, stopCode="UserInitiated"))
        assert seen.stop == Termination("ecs", 137, started=True, code="UserInitiated", user_initiated=True)

    def test_the_only_container_is_airflows_whatever_its_name(self, ecs):
        seen = ecs.see(task("STOPPED", container("renamed", exitCode=5), startedAt=1))
        assert seen.stop == Termination("ecs", 5, started=True)

    def test_a_task_without_a_container_of_that_name_says_so(self, ecs):
        seen = ecs.see(task("STOPPED", container("a", exitCode=0), container("b"), startedAt=1, stoppedReason="Done"))
        assert seen.stop.exit_code is None
        assert seen.stop.reason == "none of its containers (a, b) is called 'airflow' (container_name). Done"

    def test_a_task_of_the_amazon_provider_has_no_token(self, ecs):
        environment = [{"name": "AIRFLOW_IS_EXECUTOR_CONTAINER", "value": "true"}]
        overrides = {"containerOverrides": [{"name": "airflow", "environment": environment}]}
        assert ecs.see(task(overrides=overrides)).token is None
        assert ecs.see(task(overrides={})).token is None

    def test_each_task_is_asked_for_in_the_cluster_of_its_arn(self, ecs):
        other = Job(f"{PREFIX}/theirs/{'2' * 32}", "ours")
        old = Job(f"{PREFIX}/{'3' * 32}", "ours")
        ecs.answers("describe_tasks", {"tasks": [task()]}, {"cluster": "ours", "tasks": [ARN, old.arn]})
        ecs.answers("describe_tasks", {"tasks": [task(arn=other.arn)]}, {"cluster": "theirs", "tasks": [other.arn]})
        assert [seen.job for seen in ecs.cloud.describe("ours", [JOB, other, old]).seen] == [JOB, other]

    def test_one_id_that_the_service_cannot_take_does_not_blind_us_to_the_others(self, ecs):
        odd = Job("not an arn", "ours")
        refused = "InvalidParameterException"
        ecs.raises("describe_tasks", refused, "Invalid identifier").raises("describe_tasks", refused, "Invalid id")
        ecs.answers("describe_tasks", {"tasks": [task()]}, {"cluster": "ours", "tasks": [ARN]})
        description = ecs.cloud.describe("ours", [odd, JOB])
        assert [seen.job for seen in description.seen] == [JOB]
        assert description.missing == (odd,)

    def test_what_the_service_does_not_tell_of_is_neither_seen_nor_missing(self, ecs):
        other = Job(f"{PREFIX}/ours/{'2' * 32}", "ours")
        ecs.answers("describe_tasks", {"tasks": [task()], "failures": [{"arn": other.arn, "reason": "ODD"}]})
        description = ecs.cloud.describe("ours", [JOB, other])
        assert (len(description.seen), description.missing) == (1, ())
        ecs.answers("describe_tasks", {"failures": [{"arn": other.arn, "reason": "ODD"}]})
        with pytest.raises(CloudError) as raised:
            ecs.cloud.describe("ours", [other])
        assert raised.value.failure == CallFailure(FailureKind.REFUSED, "DescribeTasks", "ODD", f"({other.arn})")

    def test_a_failure_that_says_so_is_a_throttle_of_describing(self, ecs):
        ecs.answers("describe_tasks", {"failures": [{"arn": ARN, "reason": "Rate exceeded"}]})
        with pytest.raises(CloudError) as raised:
            ecs.cloud.describe("ours", [JOB])
        assert raised.value.failure == CallFailure(FailureKind.THROTTLED, "DescribeTasks", "Rate exceeded", f"({ARN})")

    def test_what_the_service_does_not_tell_of_is_warned_of_as_of_the_call_that_was_made(self, ecs, caplog):
        ecs.answers("describe_tasks", {"tasks": [task()], "failures": [{"arn": f"{ARN}2", "reason": "ODD"}]})
        ecs.cloud.describe("ours", [JOB, Job(f"{ARN}2", "ours")])
        [warned] = caplog.messages
        assert warned == f"DescribeTasks did not tell of some tasks: DescribeTasks: ODD: ({ARN}2)"

    @pytest.mark.parametrize(
        ("code", "message", "kind"),
        [
            ("ThrottlingException", "Rate exceeded", FailureKind.THROTTLED),
            ("InvalidParameterException", "Rate exceeded", FailureKind.THROTTLED),
            ("AccessDeniedException", "no ecs:DescribeTasks", FailureKind.REFUSED),
            ("ExpiredTokenException", "expired", FailureKind.CREDENTIALS),
        ],
    )
    def test_a_failed_call_is_one_error_with_its_meaning(self, ecs, code, message, kind):
        with pytest.raises(CloudError) as raised:
            ecs.raises("describe_tasks", code, message).cloud.describe("ours", [JOB])
        assert raised.value.failure.kind is kind
        assert raised.value.failure.operation == "DescribeTasks"


class TestTheFleet:
    def test_every_call_is_paced_and_none_is_made_after_the_close(self, ecs):
        ecs.allowed = [True, True, True, False]
        ecs.answers("list_tasks", {"taskArns": [ARN], "nextToken": "2"}, {"cluster": "ours", "startedBy": OWNER})
        ecs.answers("describe_tasks", {"tasks": [task(startedBy=OWNER)]})
        ecs.answers("list_tasks", {"taskArns": [ARN]}, {"cluster": "ours", "startedBy": OWNER, "nextToken": "2"})
        with pytest.raises(CloudError) as raised:
            ecs.cloud.list_fleet(["ours"])
        assert raised.value.failure.kind is FailureKind.HELD
        ecs.stub.assert_no_pending_responses()

    def test_the_stopped_are_listed_by_cluster_if_the_service_takes_one_filter_only(self, ecs):
        theirs = f"{PREFIX}/ours/{'2' * 32}"
        both = {"cluster": "ours", "startedBy": OWNER, "desiredStatus": "STOPPED"}
        for first in (True, False):
            ecs.answers("list_tasks", {"taskArns": []}, {"cluster": "ours", "startedBy": OWNER})
            if first:
                ecs.stub.add_client_error("list_tasks", "InvalidParameterException", expected_params=both)
            ecs.answers("list_tasks", {"taskArns": [ARN, theirs]}, {"cluster": "ours", "desiredStatus": "STOPPED"})
            tasks = [task("STOPPED", startedBy=OWNER), task("STOPPED", arn=theirs, startedBy="others")]
            ecs.answers("describe_tasks", {"tasks": tasks})
            assert [seen.job for seen in ecs.cloud.find(["0f3e"], ["ours"])] == [JOB]
        ecs.stub.assert_no_pending_responses()

    def test_without_the_right_to_list_nothing_is_found_and_it_is_said_once(self, ecs, caplog):
        caplog.set_level(logging.WARNING)
        for _ in range(3):
            ecs.raises("list_tasks", "AccessDeniedException", "no ecs:ListTasks")
        assert ecs.cloud.find(["0f3e"], ["ours"]) == []
        assert ecs.cloud.list_fleet(["ours"]) == []
        assert len(caplog.records) == 1

    def test_any_other_trouble_of_a_listing_is_told(self, ecs):
        with pytest.raises(CloudError, match="ListTasks: ThrottlingException"):
            ecs.raises("list_tasks", "ThrottlingException").cloud.find(["0f3e"], ["ours"])


class TestTheRest:
    def test_a_failed_stop_does_not_spare_the_next(self, ecs):
        ecs.raises("stop_task", "AccessDeniedException").answers("stop_task", {})
        refused, stopped = ecs.cloud.stop([JOB, JOB], "x" * 1000)
        assert refused.kind is FailureKind.REFUSED
        assert stopped is None

    @pytest.mark.parametrize(
        ("code", "message", "kind"),
        [
            ("InvalidParameterException", "The referenced task was not found.", None),
            ("AccessDeniedException", "not authorized to perform: ecs:StopTask", FailureKind.REFUSED),
            ("ClusterNotFoundException", "Cluster not found.", FailureKind.REFUSED),
            ("ExpiredTokenException", "expired", FailureKind.CREDENTIALS),
            ("ThrottlingException", "Rate exceeded", FailureKind.THROTTLED),
        ],
    )
    def test_the_check_knows_the_one_good_answer(self, ecs, code, message, kind):
        fault = ecs.raises("stop_task", code, message).cloud.check()
        assert (fault.kind if fault else None) is kind

    def test_a_check_that_stops_something_is_no_good_answer(self, ecs):
        assert ecs.answers("stop_task", {}).cloud.check().kind is FailureKind.REFUSED

    def test_fargate_is_chosen_where_the_cluster_has_no_strategy(self, ecs):
        strategy = [{"capacityProvider": "FARGATE_SPOT"}]
        ecs.answers("describe_clusters", {"clusters": [{"defaultCapacityProviderStrategy": strategy}]})
        ecs.answers("describe_clusters", {"clusters": [{"defaultCapacityProviderStrategy": []}]})
        ecs.raises("describe_clusters", "AccessDeniedException").answers(
            "describe_clusters", {"clusters": []}, {"clusters": ["theirs"]}
        )
        assert [ecs.cloud.default_launch_type() for _ in range(3)] == [None, "FARGATE", "FARGATE"]
        with pytest.raises(CloudError, match="there is no cluster theirs"):
            ecs.cloud.default_launch_type("theirs")
