"""A missing permission is told apart from a missing resource, in every spelling of AWS."""

import pytest
from botocore.exceptions import ClientError

from aws_exec.clouds.calls import Calls
from aws_exec.clouds.ecs.adapter import EcsCloud
from aws_exec.clouds.errors import is_denied
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job
from aws_exec.metrics.meter import NoMeter

CODES = [
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "Client.UnauthorizedOperation",
    "UnauthorizedException",
    "UnauthorizedAccess",
    "NotAuthorized",
]
JOB = Job("arn:aws:ecs:us-east-1:123456789012:task/c1/" + "0" * 32, "")


class Forbidding:
    """A client that may do nothing; a launch only without tags."""

    def __init__(self, code):
        self.code = code

    def __getattr__(self, method):
        def call(**arguments):
            if method == "launch" and "tags" not in arguments:
                return {"launched": True}
            message = "not authorized to perform: ecs:TagResource"
            raise ClientError({"Error": {"Code": self.code, "Message": message}}, method)

        return call


@pytest.mark.parametrize("code", CODES)
def test_every_spelling_is_a_missing_right(code):
    assert is_denied(CallFailure(FailureKind.REFUSED, "ListTasks", code))


@pytest.mark.parametrize("code", ["ClusterNotFoundException", "BlockedException", "UnauthorizedSSOTokenError", ""])
def test_nothing_else_is(code):
    assert not is_denied(CallFailure(FailureKind.REFUSED, "ListTasks", code))


@pytest.mark.parametrize("code", CODES)
def test_what_may_not_be_listed_is_described(code):
    cloud = EcsCloud(lambda: Forbidding(code), cluster="c1", container_name="airflow", started_by="awsexec/ours")
    assert list(cloud.list_running("", [JOB])) == [JOB]
    assert cloud.list_fleet([""]) == []
    assert cloud.default_launch_type() == "FARGATE"


@pytest.mark.parametrize("code", CODES)
def test_a_launch_goes_without_the_tags_that_are_not_allowed(code):
    calls = Calls(lambda: Forbidding(code), lambda: True, tagging="ecs:TagResource", meter=NoMeter())
    tags = [{"key": "awsexec:dag-id", "value": "etl"}]
    assert calls.launch("Launch", "launch", {"tags": tags}) == {"launched": True}
