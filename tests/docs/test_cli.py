"""docs/cli.md: commands, exit codes and members match the program."""

import pytest

from aws_exec.fleet import FleetJob, State, plain
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.values import Job
from awsexec_cli.commands import COMMANDS
from awsexec_cli.exit_codes import Exit
from docs.tables import HERE

PAGE = (HERE / "cli.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name if name != "local" else "local up" for name in COMMANDS])
def test_every_command_is_there_with_an_example(name):
    part = PAGE.partition(f"\n## awsexec {name}\n")[2].partition("\n## ")[0]

    assert f"\n  awsexec {name}" in part


def test_only_what_takes_all_shared_options_is_said_to():
    part = PAGE.partition("\n## awsexec validate-config\n")[2].partition("\n## ")[0]

    assert "every command over the fleet takes" not in part
    assert ["`--config PATH`" in part, "`--endpoint-url URL`" in part, "`--team" in part] == [True, True, False]
    assert PAGE.count("And the options that every command over the fleet takes.") == 8


def test_every_exit_code_is_there():
    assert [code for code in Exit if f"| {code.value} |" not in PAGE] == []


def test_every_member_of_a_job_is_there():
    job = FleetJob("ecs", Job("arn", "fleet"), Identity("ours", "t-1"), State.RUNNING, "RUNNING")
    members = PAGE.partition("## A job as JSON")[2].partition("<!--")[0]

    assert [name for name in plain(job, 0.0, None) if f"`{name}`" not in members] == []
