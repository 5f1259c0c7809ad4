"""Shell completion: IDs and addresses of running jobs, and names of templates; never an error."""

import sys

import pytest

from tests.fleet.scripts import given, launched
from tests.fleet.shell import process

PROGRAM = [sys.executable, "-c", "import sys; sys.argv[0] = 'awsexec'; from awsexec_cli.app import main; main()"]


@pytest.fixture
def offered(service, tmp_path):
    """What is offered for the last word of a line."""

    def offered(*words, **more):
        line = ["awsexec", *words]
        asked = {"_AWSEXEC_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(line), "COMP_CWORD": str(len(line) - 1)}
        done = process(program=PROGRAM, **{**given(service, tmp_path), **more, **asked})
        assert (done.code, done.err) == (0, "")
        return done.out.split()

    return offered


def test_ids_and_addresses_of_what_runs(service, offered):
    (arn,) = launched(service, "load")
    job_id = arn.rpartition("/")[2]

    assert offered("describe", job_id[:3]) == [job_id]
    assert offered("describe", "etl/l") == ["etl/load@r1"]
    service.down()
    assert offered("describe", "etl") == []


@pytest.mark.parametrize("before", [True, False], ids=["before the command", "after it"])
def test_what_the_line_says_of_aws_counts(service, offered, before):
    launched(service, "load", cluster="other")
    nowhere = {"AWS_ENDPOINT_URL_ECS": "", "AWS_DEFAULT_REGION": ""}
    there = ["--endpoint-url", service.get_url(), "--region", "eu-west-1", "--executor", "ecs"]
    line = [*there, "describe", "--cluster", "other"] if before else ["describe", "--cluster", "other", *there]

    assert offered(*line, "etl/", **nowhere) == ["etl/load@r1"]


def test_names_of_templates(offered, tmp_path):
    path, other = tmp_path / "awsexec.yaml", tmp_path / "other.yaml"
    path.write_text("templates: {small: {cpu: 1}, large: {cpu: 4}}")
    other.write_text("templates: {largest: {cpu: 16}}")
    configured = {"AWSEXEC_CONFIG": str(path)}

    assert offered("render", "l", **configured) == ["large"]
    assert offered("--config", str(other), "render", "l", **configured) == ["largest"]
    path.write_text("templates: 3")
    assert offered("render", "l", **configured) == []
