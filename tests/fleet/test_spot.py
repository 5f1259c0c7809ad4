"""Spot of a Batch job on Fargate is known from its queue's compute environments, unless they are of both kinds."""

import pytest

from aws_exec.fleet.batch_context import on_spot


class Calls:
    """A queue with compute environments of these types."""

    def __init__(self, *types):
        self.types = types

    def read(self, operation, _method, **arguments):
        if operation == "DescribeJobQueues":
            assert arguments == {"jobQueues": ["fleet"]}
            order = [{"order": number, "computeEnvironment": kind} for number, kind in enumerate(self.types)]
            return {"jobQueues": [{"jobQueueName": "fleet", "computeEnvironmentOrder": order}]}
        assert arguments == {"computeEnvironments": list(self.types)}
        return {"computeEnvironments": [{"computeResources": {"type": kind}} for kind in self.types]}


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (["FARGATE_SPOT"], True),
        (["FARGATE_SPOT", "FARGATE_SPOT"], True),
        (["FARGATE"], False),
        (["FARGATE_SPOT", "FARGATE"], None),
        ([], None),
    ],
)
def test_what_runs_in_a_queue(types, expected):
    assert on_spot(Calls(*types), "fleet") is expected
