"""config-samples/aws: CloudFormation accepts the templates, and they grant and name what the executors need."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from textwrap import indent

import cfnlint
import pytest
from cfnlint.decode.cfn_yaml import load

from aws_exec.clouds.workload_store import ACTION
from aws_exec.lifecycle.identity import Identity
from aws_exec.settings.common.coercion import store_url
from tests.tree import ROOT

HERE = ROOT / "config-samples" / "aws"
TEMPLATES = sorted(HERE.glob("*.yaml"))

#: The operations that an executor calls, by what `tests/faults` drives; TerminateJobs is of the right of TerminateJob.
CALLED = {
    "ecs": {"RunTask", "StopTask", "DescribeTasks", "ListTasks", "DescribeClusters", "TagResource"},
    "batch": {"SubmitJob", "TerminateJob", "DescribeJobs", "ListJobs", "TagResource"},
}


def said_by_cfn_lint(path):
    found = cfnlint.lint_file(path, config={"regions": ["eu-central-1"]})
    return [f"{match.rule.id} {match.message}" for match in found]


def granted_to_the_scheduler(path):
    policy = load(str(path))["Resources"]["SchedulerPolicy"]
    granted = set(re.findall(rf'"{path.stem}:(\w+)"', json.dumps(policy, default=str)))
    return granted - {"cluster", "CreateAction"}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_cfn_lint_has_nothing_to_say(path):
    assert said_by_cfn_lint(path) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_the_scheduler_may_call_what_its_executor_calls_and_nothing_else(path):
    assert granted_to_the_scheduler(path) == CALLED[path.stem]


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
    assert {"AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "AIRFLOW__API__BASE_URL"} <= dict(told).keys()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_the_workload_store_is_written_by_the_scheduler_emptied_by_tasks_and_listed_by_nobody(path):
    template = json.loads(json.dumps(load(str(path)), default=str))
    resources = template["Resources"]
    objects = {"Fn::Sub": "${Workloads.Arn}/*"}
    policies = resources["TaskRole"]["Properties"]["Policies"]
    of_tasks = next(each for each in policies if each["PolicyName"] == "workloads")["PolicyDocument"]["Statement"]
    assert of_tasks == [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:DeleteObject"], "Resource": objects}]
    of_scheduler = resources["SchedulerPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    in_s3 = [each for each in of_scheduler if "s3:" in json.dumps(each)]
    assert in_s3 == [{"Effect": "Allow", "Action": ACTION, "Resource": objects}]
    bucket = resources["Workloads"]["Properties"]
    assert "VersioningConfiguration" not in bucket, "it would keep what was deleted"
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"], "Prefix" in rule) == ("Enabled", 2, False)
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert store_url(template["Outputs"]["WorkloadStore"]["Value"]["Fn::Sub"].replace("${Workloads}", "a-bucket"))


def test_the_right_to_stop_can_be_narrowed_as_operations_says(tmp_path):
    """What it says of the Service Authorization Reference is what cfn-lint has of it; the tag is one that jobs have."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    statement = next(each for each in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "TerminateJob" in each)
    whole = (
        (HERE / "batch.yaml").read_text().replace('["batch:TagResource", "batch:TerminateJob"]', "batch:TagResource")
    )
    before, outputs, after = whole.partition("\n  # For the role or user of the API server")
    narrowed = tmp_path / "batch.yaml"
    narrowed.write_text(before + indent(statement, 10 * " ") + outputs + after)
    assert said_by_cfn_lint(narrowed) == []
    assert granted_to_the_scheduler(narrowed) == CALLED["batch"]
    batch = json.loads((files(cfnlint) / "data/AdditionalSpecs/Policies.json").read_text())["batch"]
    assert batch["Actions"]["terminatejob"]["Resources"] == ["job"]
    assert "aws:ResourceTag/${TagKey}" in batch["Resources"]["job"]["ConditionKeys"]
    assert not batch["Actions"]["listjobs"], "nor describing"
    assert not batch["Actions"]["describejobs"]
    (tag,) = re.findall(r'"aws:ResourceTag/([^"]+)": (\w+)', statement)
    assert tag in Identity("production", "token").tags().items()


def test_the_image_copies_what_is_there():
    copied = re.findall(r"^COPY \S+ (.+) \S+$", (HERE / "Dockerfile").read_text(), re.MULTILINE)
    sources = [Path(source) for line in copied for source in line.split()]
    assert [str(source) for source in sources if not (ROOT / source).exists()] == []
    assert {"pyproject.toml", "aws_exec", "cli"} <= {str(source) for source in sources}
