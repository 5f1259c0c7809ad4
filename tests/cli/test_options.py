"""Global options: accepted before the command and after it; the one after it wins."""

import itertools

import pytest

FILE = """
ecs: {cluster: fleet, container_name: airflow, task_definition: task, subnets: [subnet-1]}
templates: {%s: {executor: ecs, cpu: 1, memory: 2GiB}}
"""


@pytest.fixture
def files(tmp_path):
    """Two files with a template each: `one` and `two`."""
    paths = [tmp_path / f"{name}.yaml" for name in ("one", "two")]
    for path in paths:
        path.write_text(FILE % path.stem)
    return [str(path) for path in paths]


@pytest.mark.parametrize("where", itertools.product([True, False], repeat=2), ids=str)
def test_an_option_means_the_same_before_the_command_and_after_it(run, files, where):
    given = (("--config", files[0]), ("-o", "name"))
    before = [word for option, first in zip(given, where, strict=True) if first for word in option]
    after = [word for option, first in zip(given, where, strict=True) if not first for word in option]

    assert run(*before, "templates", *after).stdout == "one\n"


def test_the_option_after_the_command_wins(run, files):
    done = run("-o", "json", "--config", files[0], "templates", "--config", files[1], "-o", "name")

    assert done.stdout == "two\n"


def test_the_next_command_knows_nothing_of_it(run, files):
    assert run("-o", "name", "templates", "--config", files[0]).stdout == "one\n"
    assert run("templates", "--config", files[0]).stdout != "one\n"


@pytest.mark.parametrize("command", ["list", "check-health"])
def test_where_aws_is_may_be_named_before_the_command_and_after_it(run, files, command):
    where = ("--config", files[0], "--region", "eu-west-1", "--endpoint-url", "nowhere", "--executor", "ecs")
    before, after = run(*where, command), run(command, *where)

    assert (before.returncode, before.stdout, before.stderr) == (after.returncode, after.stdout, after.stderr)
    assert "nowhere" in before.stderr + before.stdout
