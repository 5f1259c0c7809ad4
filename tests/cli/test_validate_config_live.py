"""`awsexec validate-config --live` against the local AWS emulator."""

import json

import pytest

from aws_exec.local import EmbeddedAws
from awsexec_cli.exit_codes import Exit
from tests.cli.helpers import labels


@pytest.fixture(scope="module")
def aws():
    with EmbeddedAws() as aws:
        yield aws


@pytest.fixture
def live(run, tmp_path, aws):
    def live(text, *more):
        path = tmp_path / "awsexec.yaml"
        path.write_text(text)
        options = ("--live", "--region", aws.names.region, "--endpoint-url", aws.endpoint_url)
        return run("validate-config", str(path), *options, *more)

    return live


def test_each_line_says_which_call_it_is_from(live, aws):
    done = live(f"batch: {{job_queue: {aws.names.job_queue}, job_definition: {aws.names.job_definition}}}\n")
    assert done.returncode == Exit.OK
    assert [line.split(":", 2)[:2] for line in done.stdout.splitlines()] == [
        ["PASS  batch", "DescribeJobQueues"],
        ["PASS  batch", "DescribeComputeEnvironments"],
        ["PASS  batch", "DescribeJobDefinitions"],
        ["PASS  logs", "DescribeLogGroups"],
        ["PASS  iam", "GetRole"],
        ["PASS  batch", "DescribeComputeEnvironments"],
    ]


def test_what_does_not_exist_fails_in_every_format(live, aws):
    text = f"batch: {{job_queue: nope, job_definition: {aws.names.job_definition}}}\n"
    told = live(text, "-o", "json")
    assert told.returncode == Exit.FAILED
    document = json.loads(told.stdout)
    (finding,) = document["findings"]
    assert (finding["rule"], finding["line"], finding["column"]) == ("live-job-queue", 1, 20)
    assert (finding["message"], finding["call"]) == ("job queue nope does not exist", "batch:DescribeJobQueues")
    assert document["live"][0]["status"] == "FAIL"
    sarif = live(text, "-o", "sarif")
    (result,) = json.loads(sarif.stdout)["runs"][0]["results"]
    assert (sarif.returncode, result["ruleId"]) == (Exit.FAILED, "live-job-queue")
    assert result["properties"] == {"call": "batch:DescribeJobQueues"}
    assert result["locations"][0]["physicalLocation"]["region"]["startColumn"] == 20
    assert "PASS  batch:DescribeJobDefinitions" in sarif.stderr
    github = live(text, "-o", "github").stdout
    assert "line=1,col=20,title=live-job-queue::job queue nope does not exist (batch:DescribeJobQueues)" in github
    shown = live(text).stdout.splitlines()
    assert shown[0].endswith(":1:20: error: job queue nope does not exist [live-job-queue]")
    assert shown[2:4] == [f"    {' ' * 19}{'^' * 4}", "    call: batch:DescribeJobQueues"]


def test_aws_is_not_asked_about_an_executor_that_airflow_does_not_start(run, tmp_path, aws):
    path = tmp_path / "awsexec.yaml"
    path.write_text(
        f"ecs: {{cluster: {aws.names.cluster}, task_definition: {aws.names.task_definition}, "
        f"container_name: {aws.names.container}}}\nbatch: {{job_queue: nope, job_definition: nope}}\n"
    )
    cfg = tmp_path / "airflow.cfg"
    cfg.write_text("[core]\nexecutor = aws_exec.AwsEcsExecutor\n")
    options = ("--live", "--region", aws.names.region, "--endpoint-url", aws.endpoint_url)
    done = run("validate-config", str(path), str(cfg), *options)
    assert [line for line in done.stdout.splitlines() if "batch" in line or "nope" in line] == []
    assert "DescribeTaskDefinition" in done.stdout


def test_a_live_finding_can_be_ignored_as_any_other(live, aws):
    text = f"batch: {{job_queue: nope, job_definition: {aws.names.job_definition}}}\n"
    assert live(text, "--ignore", "live-job-queue").returncode == Exit.OK


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--profile", "nobody"], Exit.CREDENTIALS, "no such AWS profile"),
        (
            ["--region", "eu-central-1"],
            Exit.CREDENTIALS,
            "the AWS credentials are missing, expired or invalid (DescribeJobQueues",
        ),
        ([], Exit.USAGE, "no AWS Region is set"),
        (["--region", "eu-centrall-1"], Exit.USAGE, 'unknown AWS Region "eu-centrall-1"'),
    ],
    ids=["no profile", "no credentials", "no region", "no such region"],
)
def test_what_keeps_aws_from_being_asked_is_an_error_and_a_hint(run, tmp_path, options, code, said):
    path = tmp_path / "awsexec.yaml"
    path.write_text("batch: {job_queue: q, job_definition: d}\n")
    nothing = dict.fromkeys(("AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID"), "")
    nothing |= dict.fromkeys(("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"), "/nonexistent")
    done = run("validate-config", str(path), "--live", *options, AWS_EC2_METADATA_DISABLED="true", **nothing)

    assert (done.returncode, done.stdout, labels(done.stderr)) == (code, "", ["error", "hint"])
    assert said in done.stderr
