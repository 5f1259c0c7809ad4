"""ListTasks and DescribeTasks: filters, pages, unknown tasks, tags."""

import time

import pytest

from aws_exec.local import EmbeddedAws
from tests.local.helpers import FOREVER, client_of, register, request_of


@pytest.fixture(scope="module")
def fleet():
    """Five waiting tasks, of two starters and two families, on a cluster of their own; nothing ever runs."""
    with EmbeddedAws(start_delay=0, stop_delay=0, max_containers=0) as aws:
        ecs = client_of(aws, "ecs")
        other = register(ecs, "other", {"name": "airflow"})
        requests = [
            request_of(aws, startedBy="awsexec/one"),
            request_of(aws, startedBy="awsexec/one"),
            request_of(aws, startedBy="awsexec/two"),
            request_of(aws, taskDefinition=other),
            request_of(aws, taskDefinition=other),
        ]
        arns = [ecs.run_task(**request)["tasks"][0]["taskArn"] for request in requests]
        ecs.stop_task(cluster=aws.names.cluster, task=arns[4])
        aws.wait_for_status(arns[4], "STOPPED")
        yield aws, ecs, arns


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [0, 1, 2, 3]),
        ({"desiredStatus": "STOPPED"}, [4]),
        ({"desiredStatus": "PENDING"}, []),
        ({"startedBy": "awsexec/one"}, [0, 1]),
        ({"startedBy": "awsexec/one", "desiredStatus": "RUNNING"}, [0, 1]),
        ({"startedBy": "awsexec/one", "desiredStatus": "STOPPED"}, []),
        ({"startedBy": "awsexec"}, []),
        ({"family": "other"}, [3]),
        ({"family": "other", "desiredStatus": "STOPPED"}, [4]),
        ({"launchType": "FARGATE"}, [0, 1, 2, 3]),
        ({"launchType": "EC2"}, []),
        ({"serviceName": "any"}, []),
    ],
)
def test_listing_finds_what_matches_every_filter_and_wants_running_ones_unless_told(fleet, filters, found):
    aws, ecs, arns = fleet

    answer = ecs.list_tasks(cluster=aws.names.cluster, **filters)

    assert answer["taskArns"] == [arns[n] for n in found]
    assert "nextToken" not in answer


def test_a_listing_comes_in_pages(fleet):
    aws, ecs, arns = fleet

    pages = ecs.get_paginator("list_tasks").paginate(cluster=aws.names.cluster, PaginationConfig={"PageSize": 3})

    assert [page["taskArns"] for page in pages] == [arns[:3], arns[3:4]]


def test_started_by_goes_with_no_other_filter(fleet):
    aws, ecs, _ = fleet

    with pytest.raises(ecs.exceptions.InvalidParameterException, match="cannot specify startedBy with other"):
        ecs.list_tasks(cluster=aws.names.cluster, startedBy="awsexec/one", family="other")


def test_another_clusters_tasks_are_not_listed(fleet):
    _, ecs, _ = fleet
    ecs.create_cluster(clusterName="empty")

    assert ecs.list_tasks(cluster="empty")["taskArns"] == []


def test_listing_a_cluster_that_is_not_there_says_so(fleet):
    _, ecs, _ = fleet

    with pytest.raises(ecs.exceptions.ClusterNotFoundException):
        ecs.list_tasks(cluster="nowhere")


def test_tasks_are_described_by_id_or_arn_and_the_unknown_are_missing(fleet):
    aws, ecs, arns = fleet
    unknown = "f" * 32

    answer = ecs.describe_tasks(cluster=aws.names.cluster, tasks=[arns[0], arns[1].rpartition("/")[2], unknown])

    assert [task["taskArn"] for task in answer["tasks"]] == arns[:2]
    missing = arns[0].replace(arns[0].rpartition("/")[2], unknown)
    assert answer["failures"] == [{"arn": missing, "reason": "MISSING"}]


def test_a_hundred_tasks_can_be_described_at_once_and_not_one_more(fleet):
    aws, ecs, _ = fleet
    ids = [f"{n:032x}" for n in range(101)]

    assert len(ecs.describe_tasks(cluster=aws.names.cluster, tasks=ids[:100])["failures"]) == 100
    with pytest.raises(ecs.exceptions.InvalidParameterException, match="taskIds can have at most 100 items"):
        ecs.describe_tasks(cluster=aws.names.cluster, tasks=ids)


def test_describing_nothing_is_refused(fleet):
    aws, ecs, _ = fleet

    with pytest.raises(ecs.exceptions.InvalidParameterException, match="Tasks cannot be empty"):
        ecs.describe_tasks(cluster=aws.names.cluster, tasks=[])


def test_an_arn_of_another_cluster_is_refused(fleet):
    _, ecs, arns = fleet
    ecs.create_cluster(clusterName="elsewhere")

    with pytest.raises(ecs.exceptions.InvalidParameterException) as caught:
        ecs.describe_tasks(cluster="elsewhere", tasks=arns[:1])

    message = "Invalid identifier: Identifier is for cluster awsexec. Your cluster is elsewhere"
    assert caught.value.response["Error"]["Message"] == message


def test_overrides_are_echoed_with_every_container_named(aws, ecs, described):
    sidecar = {"name": "sidecar", "essential": False, "command": ["true"]}
    definition = register(ecs, "echoed", {"name": "airflow"}, sidecar)
    override = {"name": "airflow", "command": ["true"], "environment": [{"name": "A", "value": "b"}]}
    request = request_of(aws, taskDefinition=definition, overrides={"containerOverrides": [override], "cpu": "512"})

    arn = ecs.run_task(**request)["tasks"][0]["taskArn"]

    task = described(arn)
    assert task["overrides"]["containerOverrides"] == [override, {"name": "sidecar"}]
    assert task["cpu"] == "512"
    assert task["group"] == "family:echoed"
    assert task["taskDefinitionArn"] == definition


def test_tags_are_shown_when_asked_for_and_those_of_the_definition_only_when_propagated(aws, ecs):
    definition = register(ecs, "tagged", {"name": "airflow"})
    ecs.tag_resource(resourceArn=definition, tags=[{"key": "from", "value": "definition"}])
    given = [{"key": "awsexec:dag-id", "value": "daily"}]

    plain = request_of(aws, taskDefinition=definition, tags=given)
    both = [{"key": "from", "value": "definition"}, *given]
    for request, tags in ((plain, given), ({**plain, "propagateTags": "TASK_DEFINITION"}, both)):
        arn = ecs.run_task(**request)["tasks"][0]["taskArn"]
        asked = {"cluster": aws.names.cluster, "tasks": [arn]}
        assert ecs.describe_tasks(**asked, include=["TAGS"])["tasks"][0]["tags"] == tags
        assert ecs.describe_tasks(**asked)["tasks"][0]["tags"] == []


def test_a_tasks_tags_can_be_listed_and_changed(aws, ecs):
    arn = ecs.run_task(**request_of(aws, tags=[{"key": "a", "value": "1"}]))["tasks"][0]["taskArn"]

    ecs.tag_resource(resourceArn=arn, tags=[{"key": "b", "value": "2"}])
    ecs.untag_resource(resourceArn=arn, tagKeys=["a"])

    assert ecs.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]


def test_a_stopped_task_is_described_for_an_hour_and_missing_after_it_but_stays_in_the_ledger():
    passed = 0.0
    with EmbeddedAws(start_delay=0, stop_delay=0, clock=lambda: time.time() + passed) as aws:
        ecs = client_of(aws, "ecs")
        ended, running = [ecs.run_task(**request_of(aws, program))["tasks"][0]["taskArn"] for program in ("", FOREVER)]
        aws.wait_for_status(ended, "STOPPED")
        aws.wait_for_status(running, "RUNNING")
        asked = {"cluster": aws.names.cluster, "tasks": [ended, running]}

        passed = 3590.0
        assert len(ecs.describe_tasks(**asked)["tasks"]) == 2
        passed = 3610.0
        answer = ecs.describe_tasks(**asked)

        assert [task["taskArn"] for task in answer["tasks"]] == [running]
        assert answer["failures"] == [{"arn": ended, "reason": "MISSING"}]
        assert ecs.list_tasks(cluster=aws.names.cluster, desiredStatus="STOPPED")["taskArns"] == []
        assert [line.arn for line in aws.ledger()] == [ended, running]


def test_the_clients_own_waiter_sees_a_task_stop(aws, ecs, run):
    arn = run()

    ecs.get_waiter("tasks_stopped").wait(
        cluster=aws.names.cluster, tasks=[arn], WaiterConfig={"Delay": 0, "MaxAttempts": 10_000}
    )

    assert aws.history(arn)[-1] == "STOPPED"
