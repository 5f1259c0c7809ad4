"""Data is printed unchanged: brackets are no markup, a colon is no emoji, and piped lines have no trailing spaces."""

import json

import pytest

from awsexec_cli.exit_codes import Exit
from tests.cli.helpers import awsexec

ODD = """\
ecs: {cluster: "c[/x]", container_name: a, task_definition: t}
templates:
  s: {cpu: 1, memory: 2GiB, description: "for [/x] of [team], :warning: 1.5"}
  b: {cpu: 1, memory: 2GiB, description: "two\\nlines, \\e[31mred"}
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "awsexec.yaml"
    path.write_text(ODD)
    return str(path)


def test_a_description_is_shown_as_it_was_written(run, path):
    done = run("templates", "--config", path)

    assert done.returncode == Exit.OK
    assert "for [/x] of [team], :warning: 1.5\n" in done.stdout


def test_a_description_neither_breaks_a_row_nor_commands_a_terminal(run, path):
    done = run("templates", "--config", path)

    assert len(done.stdout.splitlines()) == 3
    assert "two lines,  [31mred\n" in done.stdout
    plain = json.loads(run("templates", "--config", path, "-o", "json").stdout)
    assert plain[1]["description"] == "two\nlines, \x1b[31mred"


def test_so_is_the_value_of_an_option(run, path):
    done = run("validate-config", path, "--effective")

    assert done.returncode == Exit.OK
    assert "c[/x]" in done.stdout


def test_so_is_the_region_of_a_price_table(run, path, tmp_path):
    prices = tmp_path / "prices.yaml"
    prices.write_text("region: here [/x]\n")
    done = run("templates", "--config", path, "--prices", str(prices))

    assert done.returncode == Exit.OK
    assert "Prices: Fargate, here [/x]," in done.stderr


def test_the_rules_name_the_sections_of_airflow_cfg(run):
    from aws_exec.settings.rules.catalogue import RULES  # noqa: PLC0415 - a test of the command line

    done = run("validate-config", "--list-rules")

    said = [line.split(maxsplit=2)[2] for line in done.stdout.splitlines()[1:]]
    assert said == [rule.holds for rule in RULES.values()]
    assert "[core]" in done.stdout
    assert "[scheduler]" in done.stdout


def test_no_row_of_a_table_has_trailing_spaces_in_a_pipe(run, path):
    for command in (["templates", "--config", path], ["validate-config", "--list-rules"]):
        lines = run(*command).stdout.splitlines()
        assert lines == [line.rstrip() for line in lines]


@pytest.mark.parametrize("command", ["list", "describe"])
def test_the_help_shows_the_brackets_of_a_job(command):
    assert "task[map]" in awsexec(command, "--help").stdout
