"""Shell completion: IDs and addresses of running jobs, and names of templates; never an error."""

import sys

import pytest

from tests.fleet.scripts import given, launched
from tests.fleet.shell import process

PROGRAM = [sys.executable, "-c", "import sys; sys.argv[0] = 'awsexec'; from awsexec_cli.app import main; main()"]


@pytest.fixture
def offered(service, tmp_path):
    """What is offered for the last word of a line."""

    def offered(*words, shell="bash", **more):
        line = " ".join(["awsexec", *words])
        asked = {"_AWSEXEC_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
        asked |= {
            "_TYPER_COMPLETE_ARGS": line,
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words)),
        }
        done = process(program=PROGRAM, **{**given(service, tmp_path), **more, **asked})
        assert (done.code, done.err) == (0, "")
        return done.out.split() if shell == "bash" else done.out.splitlines()

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


def test_ended_jobs_are_completed_only_where_a_command_can_do_something_with_them(service, offered):
    ended, active = launched(service, "load", "loaf")
    service.end(ended)

    for command in ("describe", "explain", "logs"):
        assert sorted(offered(command, "etl/loa")) == ["etl/load@r1", "etl/loaf@r1"]
    for command in ("terminate", "wait"):
        assert offered(command, "etl/loa") == ["etl/loaf@r1"]
    assert active != ended


RUN = "scheduled__2026-11-22T00:00:00+00:00"


def test_zsh_gets_addresses_with_brackets_and_colons_and_their_descriptions(service, offered):
    """As the argument of `_arguments`: a colon ends a value there unless it is escaped."""
    (arn,) = launched(service, "load", map_index="3", run=RUN)
    escaped = RUN.replace(":", r"\\:")

    assert offered("describe", "etl/l", shell="zsh") == [
        f"""_arguments '*: :(("etl/load[3]@{escaped}":"running, {arn.rpartition("/")[2]}"))'"""
    ]
    assert offered("describe", r"etl/load\[3\]", shell="zsh")[0].startswith("_arguments '*: :((\"etl/load[3]@")


def test_fish_gets_addresses_with_brackets_and_colons_and_their_descriptions(service, offered):
    (arn,) = launched(service, "load", map_index="3", run=RUN)

    assert offered("describe", "etl/l", shell="fish") == [f"etl/load[3]@{RUN}\trunning, {arn.rpartition('/')[2]}"]
