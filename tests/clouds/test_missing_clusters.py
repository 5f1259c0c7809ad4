"""A cluster that does not exist does not hide the others."""

import logging

from aws_exec.lifecycle.values import Job
from tests.clouds.test_ecs_adapter import (
    ARN,
    JOB,
    OWNER,
    PREFIX,
    any_client,
    ecs,
    task,
)

__all__ = ["any_client", "ecs"]

GONE = Job(f"{PREFIX}/gone/{'2' * 32}", "gone")


def warnings(caplog) -> list[str]:
    return [record.message for record in caplog.records if record.levelno >= logging.WARNING]


def not_there(ecs, operation: str, asked: dict | None = None) -> None:
    ecs.stub.add_client_error(operation, "ClusterNotFoundException", "Cluster not found.", 400, expected_params=asked)


def test_a_launch_is_found_beside_a_cluster_that_is_gone_which_is_said_once(ecs, caplog):
    for desired in ("RUNNING", "STOPPED"):
        more = {} if desired == "RUNNING" else {"desiredStatus": desired}
        not_there(ecs, "list_tasks", {"cluster": "gone", "startedBy": OWNER} | more)
    ecs.answers("list_tasks", {"taskArns": [ARN]}, {"cluster": "ours", "startedBy": OWNER})
    ecs.answers("describe_tasks", {"tasks": [task(startedBy=OWNER)]})
    assert [seen.job for seen in ecs.cloud.find(["0f3e"], ["gone", "ours"])] == [JOB]
    assert len(warnings(caplog)) == 1
    assert "cluster gone" in warnings(caplog)[0]
    ecs.stub.assert_no_pending_responses()


def test_a_listing_tells_of_the_clusters_that_there_are(ecs):
    not_there(ecs, "list_tasks")
    ecs.answers("list_tasks", {"taskArns": [ARN]}).answers("describe_tasks", {"tasks": [task(startedBy=OWNER)]})
    assert [each.seen.job for each in ecs.cloud.list_fleet(["gone", "ours"])] == [JOB]


def test_all_jobs_of_a_cluster_that_is_gone_are_missing_and_it_is_said_once(ecs, caplog):
    for _ in range(2):
        not_there(ecs, "describe_tasks", {"cluster": "gone", "tasks": [GONE.arn]})
        ecs.answers("describe_tasks", {"tasks": [task()]}, {"cluster": "ours", "tasks": [ARN]})
        description = ecs.cloud.describe("", [GONE, JOB])
        assert ([seen.job for seen in description.seen], description.missing) == ([JOB], (GONE,))
    assert len(warnings(caplog)) == 1
