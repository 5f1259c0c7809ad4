"""What ECS refuses, in its own words, and scripted failures."""

import pytest
from botocore.exceptions import ClientError

from aws_exec.local.ecs.request import OVERRIDES_LIMIT
from tests.local.helpers import register, request_of


def _override(**override):
    return {"overrides": {"containerOverrides": [override]}}


_STRATEGY = [{"capacityProvider": "FARGATE_SPOT"}]

REFUSED = {
    "both ways to capacity": (
        {"capacityProviderStrategy": _STRATEGY},
        "InvalidParameterException",
        "Specify either Launch Type or Capacity Provider Strategy, but not both.",
    ),
    "no such cluster": ({"cluster": "nowhere"}, "ClusterNotFoundException", "Cluster not found."),
    "no such task definition": (
        {"taskDefinition": "nothing"},
        "ClientException",
        "TaskDefinition not found.",
    ),
    "no such revision": ({"taskDefinition": "awsexec-task:99"}, "ClientException", "TaskDefinition not found."),
    "no network": (
        {"networkConfiguration": {}},
        "InvalidParameterException",
        "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
    ),
    "no such container": (
        _override(name="other", command=["true"]),
        "InvalidParameterException",
        "Override for container named other is not a container in the TaskDefinition.",
    ),
    "overrides too long": (
        _override(name="airflow", command=["x" * OVERRIDES_LIMIT]),
        "InvalidParameterException",
        "Container Overrides length must be at most 8192",
    ),
    "no container instances": (
        {"launchType": "EC2"},
        "InvalidParameterException",
        "No Container Instances were found in your cluster.",
    ),
    "no such launch type": (
        {"launchType": "MOON"},
        "InvalidParameterException",
        "launch type should be one of [EC2,FARGATE,EXTERNAL]",
    ),
    "a startedBy with a colon": (
        {"startedBy": "a:b"},
        "InvalidParameterException",
        "startedBy must match [A-Za-z0-9-/_]{0,128}.",
    ),
    "too many tags": (
        {"tags": [{"key": str(n), "value": ""} for n in range(51)]},
        "InvalidParameterException",
        "Tags can have at most 50 items.",
    ),
}


@pytest.mark.parametrize(("change", "code", "message"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_request_is_refused_with_the_field_that_is_wrong(aws, ecs, change, code, message):
    before = len(aws.ledger())

    with pytest.raises(ClientError) as caught:
        ecs.run_task(**request_of(aws, **change))

    error = caught.value.response["Error"]
    assert (error["Code"], error["Message"]) == (code, message)
    assert len(aws.ledger()) == before


def test_overrides_may_be_as_long_as_the_limit(aws, run, described):
    base = len('{"containerOverrides":[{"name":"airflow","command":["true",""]}]}')
    arn = run(**_override(name="airflow", command=["true", "x" * (OVERRIDES_LIMIT - base)]))

    assert len(described(arn)["overrides"]["containerOverrides"][0]["command"][1]) == OVERRIDES_LIMIT - base


def test_an_inactive_task_definition_is_refused(aws, ecs):
    definition = register(ecs, "retired", {"name": "airflow"})
    ecs.deregister_task_definition(taskDefinition=definition)

    with pytest.raises(ecs.exceptions.ClientException, match=r"TaskDefinition is inactive\."):
        ecs.run_task(**request_of(aws, taskDefinition=definition))


def test_a_deleted_cluster_is_not_found(aws, ecs):
    ecs.create_cluster(clusterName="deleted")
    ecs.delete_cluster(cluster="deleted")

    with pytest.raises(ecs.exceptions.ClusterNotFoundException):
        ecs.run_task(**request_of(aws, cluster="deleted"))


def test_a_capacity_provider_strategy_says_where_the_task_runs(aws, ecs, run, described):
    request = request_of(aws, capacityProviderStrategy=_STRATEGY)
    del request["launchType"]

    arn = ecs.run_task(**request)["tasks"][0]["taskArn"]

    task = described(arn)
    assert (task["capacityProviderName"], task["launchType"]) == ("FARGATE_SPOT", "FARGATE")


def test_the_next_requests_can_be_refused_for_a_reason(aws, ecs):
    aws.faults.refuse_next("RESOURCE:CPU", times=2, detail="none left")

    answers = [ecs.run_task(**request_of(aws)) for _ in range(3)]

    assert [len(answer["tasks"]) for answer in answers] == [0, 0, 1]
    assert answers[0]["failures"] == [
        {"arn": aws.names.cluster_arn, "reason": "RESOURCE:CPU", "detail": "none left"},
    ]


def test_several_copies_are_made_on_request_and_a_refused_one_does_not_spare_the_rest(aws, ecs):
    aws.faults.refuse_next("RESOURCE:CPU")

    answer = ecs.run_task(**request_of(aws, count=3))

    assert (len(answer["tasks"]), len(answer["failures"])) == (2, 1)


def test_the_next_task_can_be_kept_from_starting(aws, run, described):
    reason = "CannotPullContainerError: pull image manifest has been retried 5 time(s): not found"
    aws.faults.fail_next_start(reason)
    arn = run()

    line = aws.wait_for_status(arn, "STOPPED")

    assert not line.started
    task = described(arn)
    assert (task["stopCode"], task["stoppedReason"]) == ("TaskFailedToStart", reason)
    assert task["containers"][0]["reason"] == reason
    assert "exitCode" not in task["containers"][0]
    assert "startedAt" not in task


def test_the_next_call_can_be_answered_with_an_error(aws, ecs):
    aws.faults.raise_next("ListTasks", "ThrottlingException", "Rate exceeded")

    with pytest.raises(ClientError, match="Rate exceeded") as caught:
        ecs.list_tasks(cluster=aws.names.cluster)

    assert caught.value.response["Error"]["Code"] == "ThrottlingException"
    ecs.list_tasks(cluster=aws.names.cluster)


def test_a_task_can_lose_its_host_and_then_has_no_exit_code(aws, run, described):
    arn = run("import threading; print('up'); threading.Event().wait()")
    aws.wait_for_output(arn, "up")

    aws.faults.lose(arn, stop_code="SpotInterruption", reason="Your Spot Task was interrupted.")

    task = described(arn)
    assert (task["lastStatus"], task["stopCode"]) == ("STOPPED", "SpotInterruption")
    assert "exitCode" not in task["containers"][0]
    assert "startedAt" in task


def test_a_task_can_be_forgotten_and_is_then_missing_although_it_runs(aws, ecs, run):
    arn = run("import threading; print('up'); threading.Event().wait()")
    aws.wait_for_output(arn, "up")

    aws.faults.forget(arn)

    answer = ecs.describe_tasks(cluster=aws.names.cluster, tasks=[arn])
    assert (answer["tasks"], answer["failures"]) == ([], [{"arn": arn, "reason": "MISSING"}])
    assert aws.history(arn)[-1] == "RUNNING"
