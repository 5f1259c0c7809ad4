"""`awsexec validate-config --live` against an AWS that answers: the embedded one."""

import json

import pytest

from aws_exec.local import EmbeddedAws
from cli.exits import Exit


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
    ]


def test_what_does_not_exist_fails_in_every_format(live, aws):
    text = f"batch: {{job_queue: nope, job_definition: {aws.names.job_definition}}}\n"
    told = live(text, "--format", "json")
    assert told.returncode == Exit.FAILED
    document = json.loads(told.stdout)
    assert (document["findings"], document["live"][0]["status"]) == ([], "FAIL")
    assert document["live"][0]["call"] == "batch:DescribeJobQueues"
    sarif = live(text, "--format", "sarif")
    assert (sarif.returncode, json.loads(sarif.stdout)["runs"][0]["results"]) == (Exit.FAILED, [])
    assert "FAIL  batch:DescribeJobQueues: job queue nope does not exist." in sarif.stderr
