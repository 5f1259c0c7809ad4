"""Escape sequences and newlines in text from containers and AWS do not reach the terminal."""

import io
import sys

import pytest

from aws_exec.fleet import Explanation
from awsexec_cli.commands import explain
from awsexec_cli.exit_codes import Exit
from awsexec_cli.jobs import JobWriter
from awsexec_cli.output import Format, log_line, printer, write_lines
from awsexec_cli.termination import StopCommand, StopOptions
from tests.fleet.fleet import Fleet, identity
from tests.fleet.scripts import given, launched
from tests.fleet.shell import process
from tests.fleet.terminal import Terminal
from tests.fleet.test_job_screens import FAILED
from tests.fleet.test_screens import NOW, job, screen

COMMAND = "\x1b]0;owned\x07\x1b[2J"
RED, PLAIN = "\x1b[1;31m", "\x1b[0m"
REASON = f"CannotPullContainerError: no\n  such {COMMAND}image"


@pytest.mark.parametrize("command", ["describe", "explain"])
def test_a_reason_is_one_line_of_a_pipe(service, shell, tmp_path, command):
    (arn,) = launched(service, "load")
    service.end(arn, fails=REASON)
    done = shell(command, arn, **given(service, tmp_path))

    assert "\x1b" not in done.out
    assert "\x07" not in done.out
    (line,) = [line for line in done.out.splitlines() if "CannotPullContainerError: no" in line]
    assert line.endswith("image")


@pytest.mark.parametrize("colour", [False, True], ids=["plain", "colour"])
def test_the_end_of_a_log_commands_no_terminal(colour):
    said = Explanation("It failed.", None, (), [f"\tat main{COMMAND}"], healthy=False)
    shown = screen(80, colour, lambda: write_lines(explain.explanation_lines(FAILED, said)))

    assert ["\x1b]" in shown, "\x1b[2J" in shown, "\x07" in shown] == [False] * 3
    assert "          at main" in shown


@pytest.mark.parametrize("colour", [False, True], ids=["plain", "colour"])
def test_nor_do_the_names_in_a_row(colour):
    jobs = [job(1, f"load{COMMAND}", "running", age=1)]
    shown = screen(160, colour, lambda: JobWriter(Format.TABLE, now=lambda: NOW).write(jobs))

    assert ["\x1b]" in shown, "\x1b[2J" in shown, "\x07" in shown] == [False] * 3


def test_nor_does_an_error(capsys):
    printer.fail(f"refused {COMMAND}", details=[f"see {COMMAND}"])

    assert capsys.readouterr().err == "error: refused  ]0;owned  [2J\n  see  ]0;owned  [2J\n"


def test_nor_does_a_message(capsys):
    printer.say(f"etl/load@{COMMAND} runs\ntwice")

    assert capsys.readouterr().err == "etl/load@ ]0;owned  [2J runs\ntwice\n"


def test_nor_do_the_names_of_jobs_that_are_stopped(capsys):
    stop = StopCommand(
        Format.TABLE, may_prompt=False, options=StopOptions(dry_run=False, yes=True, reason="", foreign=False)
    )
    stop.report([(job(1, f"load{COMMAND}", "running", age=1), "failed", f"refused {COMMAND}")])

    shown = capsys.readouterr().out
    assert ("/load ]0;owned  [2J@" in shown, shown.endswith(" refused  ]0;owned  [2J\n")) == (True, True)


def test_nor_does_a_key_of_a_file(shell, tmp_path):
    path = tmp_path / "awsexec.yaml"
    path.write_text('"a\\e[2Jb": 1\n')
    done = shell("validate-config", str(path), "--effective")

    assert ("a" in done.err, "\x1b" in done.err) == (True, False)


@pytest.fixture(scope="module")
def painted(aws):
    """A job that prints a colour, and a command."""
    arn = Fleet(aws).task(identity("paints", dag="shop"), f"print({f'{RED}it failed{COMMAND}'!r}, flush=True)")
    aws.wait_until(lambda: next(one for one in aws.ledger() if one.arn == arn).over, timeout=30)
    return arn


def test_a_log_on_a_terminal_has_its_colours_and_no_commands(aws, painted):
    with Terminal("logs", painted, **aws.environment()) as shell:
        assert shell.ends() == Exit.OK

    assert f"{RED}it failed ]0;owned  [2J{PLAIN}" in shell.raw
    assert "\x1b[2J" not in shell.raw


def test_a_raw_log_on_a_terminal_has_its_colours_and_no_commands(aws, painted):
    with Terminal("logs", "--raw", painted, **aws.environment()) as shell:
        assert shell.ends() == Exit.OK

    assert shell.raw == f"{RED}it failed ]0;owned  [2J{PLAIN}\r\n"


def test_a_log_in_a_pipe_is_plain_and_raw_as_it_was_printed(aws, painted):
    assert process("logs", painted, **aws.environment()).out[15:] == "it failed ]0;owned  [2J\n"
    assert process("logs", "--raw", painted, **aws.environment()).out == f"{RED}it failed{COMMAND}\n"


def test_a_tab_is_as_wide_as_on_a_terminal(monkeypatch):
    class Screen(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdout", Screen())
    assert log_line("\tat main") == "        at main"
