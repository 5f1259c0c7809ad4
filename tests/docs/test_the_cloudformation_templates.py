"""config-samples/aws: templates that CloudFormation takes, and that grant and name what the executors need."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cfnlint
import pytest
from cfnlint.decode.cfn_yaml import load

from tests.tree import ROOT

HERE = ROOT / "config-samples" / "aws"
TEMPLATES = sorted(HERE.glob("*.yaml"))

#: The operations that an executor calls, by what `tests/faults` drives; TerminateJobs is of the right of TerminateJob.
CALLED = {
    "ecs": {"RunTask", "StopTask", "DescribeTasks", "ListTasks", "DescribeClusters", "TagResource"},
    "batch": {"SubmitJob", "TerminateJob", "DescribeJobs", "ListJobs", "TagResource"},
}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_cfn_lint_has_nothing_to_say(path):
    found = cfnlint.lint_file(path, config={"regions": ["eu-central-1"]})
    assert [f"{match.rule.id} {match.message}" for match in found] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_the_scheduler_may_call_what_its_executor_calls_and_nothing_else(path):
    policy = load(str(path))["Resources"]["SchedulerPolicy"]
    granted = set(re.findall(rf'"{path.stem}:(\w+)"', json.dumps(policy, default=str)))
    assert granted - {"cluster", "CreateAction"} == CALLED[path.stem]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_the_api_server_may_read_the_logs_that_tasks_write_and_nothing_else(path):
    told = dict(re.findall(r"- \{Name: (AIRFLOW__\w+), Value: (.+)\}", path.read_text()))
    written = told["AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER"].removeprefix('!Sub "s3://').removesuffix('"')
    bucket, _, folder = written.partition("/")
    policy = load(str(path))["Resources"]["LogReaderPolicy"]["Properties"]["PolicyDocument"]
    prefix = {"StringLike": {"s3:prefix": {"Fn::Sub": f"{folder}/*"}}}
    arn = "arn:${AWS::Partition}:s3:::"
    assert json.loads(json.dumps(policy["Statement"], default=str)) == [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": {"Fn::Sub": f"{arn}{bucket}/{folder}/*"}},
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": {"Fn::Sub": f"{arn}{bucket}"}, "Condition": prefix},
    ]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_each_policy_is_among_the_outputs_and_the_readme_attaches_it(path):
    template = load(str(path))
    policies = [name for name, one in template["Resources"].items() if one["Type"] == "AWS::IAM::ManagedPolicy"]
    assert [name for name in template["Outputs"] if name.endswith("Policy")] == policies
    attached = re.findall(
        r"aws iam attach-role-policy .*--policy-arn (\w+)_OF_THE_OUTPUTS", (ROOT / "README.md").read_text()
    )
    assert attached == 2 * [re.sub(r"\B([A-Z])", r"_\1", name).upper() for name in policies]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_what_a_container_is_told_is_the_same_on_both_services(path):
    told = re.findall(r"- \{Name: (AIRFLOW__\w+), Value: (.+)\}", path.read_text())
    assert told == re.findall(r"- \{Name: (AIRFLOW__\w+), Value: (.+)\}", TEMPLATES[0].read_text())
    assert "AIRFLOW__CORE__EXECUTION_API_SERVER_URL" in dict(told)


def test_the_image_copies_what_is_there():
    copied = re.findall(r"^COPY \S+ (.+) \S+$", (HERE / "Dockerfile").read_text(), re.MULTILINE)
    sources = [Path(source) for line in copied for source in line.split()]
    assert [str(source) for source in sources if not (ROOT / source).exists()] == []
    assert {"pyproject.toml", "aws_exec", "cli"} <= {str(source) for source in sources}
