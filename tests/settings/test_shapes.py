"""botocore's model of a call, as far as requests are checked against it."""

from __future__ import annotations

import pytest

from aws_exec.settings.common import shape
from aws_exec.settings.common.shape import RUN_TASK, SUBMIT_JOB, conform, shape_of


@pytest.mark.parametrize("text", [None, "[", r"\p{Cntrl}+", "(?<name>x)"])
def test_a_pattern_that_python_cannot_express_is_left_to_aws(text):
    assert shape._pattern(text) is None


def test_a_pattern_that_python_can_express_is_checked():
    assert shape._pattern("[a-z]+").fullmatch("abc")


@pytest.mark.parametrize("value", [["team"], "team", 3])
def test_what_takes_names_and_values_takes_nothing_else(value):
    request = {"jobName": "j", "jobQueue": "q", "jobDefinition": "d", "parameters": value}
    (finding,) = conform(request, shape_of(SUBMIT_JOB), operation=SUBMIT_JOB).findings
    assert finding.path == "parameters"
    assert "expected an object" in finding.message


ARN = "arn:aws-eusc:batch:eusc-de-east-1:123456789012:job-queue/q"
TASK = {"taskDefinition": "t"}
JOB = {"jobName": "j", "jobQueue": "q", "jobDefinition": "d"}


@pytest.mark.parametrize(
    ("operation", "request_", "path"),
    [
        (SUBMIT_JOB, {**JOB, "tags": {"step": "^GATC"}}, "tags.step"),
        (SUBMIT_JOB, {**JOB, "tags": {"a,b": "x"}}, "tags.a,b"),
        (SUBMIT_JOB, {**JOB, "jobQueue": "my queue"}, "jobQueue"),
        (SUBMIT_JOB, {**JOB, "jobDefinition": "d:latest"}, "jobDefinition"),
        (SUBMIT_JOB, {**JOB, "shareIdentifier": "a" * 257}, "shareIdentifier"),
        (SUBMIT_JOB, {**JOB, "dependsOn": [{"jobId": "j"}] * 21}, "dependsOn"),
        (
            SUBMIT_JOB,
            {**JOB, "retryStrategy": {"evaluateOnExit": [{"onExitCode": "1??", "action": "EXIT"}]}},
            "retryStrategy.evaluateOnExit[0].onExitCode",
        ),
        (RUN_TASK, {**TASK, "tags": [{"key": "step", "value": "^GATC"}]}, "tags[0].value"),
        (RUN_TASK, {**TASK, "cluster": "a.b"}, "cluster"),
        (RUN_TASK, {"taskDefinition": "t:latest"}, "taskDefinition"),
        (RUN_TASK, {**TASK, "propagateTags": "SERVICE"}, "propagateTags"),
        (RUN_TASK, {**TASK, "placementStrategy": [{"type": "random"}] * 6}, "placementStrategy"),
        (
            RUN_TASK,
            {**TASK, "overrides": {"containerOverrides": [{"name": "air flow"}]}},
            "overrides.containerOverrides[0].name",
        ),
    ],
)
def test_what_only_a_page_of_aws_says_holds_like_what_its_model_says(operation, request_, path):
    assert [one.path for one in conform(request_, shape_of(operation), operation=operation).findings] == [path]


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        (SUBMIT_JOB, {**JOB, "jobQueue": ARN, "jobDefinition": "d:7", "tags": {"Größe + 1": "a_b.c:/=+-@ é", "e": ""}}),
        (SUBMIT_JOB, {**JOB, "retryStrategy": {"evaluateOnExit": [{"onExitCode": "13*", "action": "RETRY"}]}}),
        (RUN_TASK, {"taskDefinition": "t_-1:7", "cluster": "arn:aws:ecs:eu-central-1:123456789012:cluster/a"}),
    ],
)
def test_what_the_pages_allow_passes(operation, request_):
    assert conform(request_, shape_of(operation), operation=operation).findings == ()


@pytest.mark.parametrize("operation", [RUN_TASK, SUBMIT_JOB])
def test_every_documented_limit_is_of_a_member_that_there_is(operation):
    def paths(node, path=""):
        yield path
        for name, member in node.members.items():
            yield from paths(member, f"{path}.{name}" if path else name)
        if node.item is not None:
            yield from paths(node.item, path + ("{}" if node.key else "[]"))
        if node.key is not None:
            yield path + "{key}"

    assert set(shape._DOCUMENTED[operation]) - set(paths(shape_of(operation))) == set()
