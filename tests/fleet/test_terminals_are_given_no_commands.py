"""What containers and AWS say may hold escape sequences and newlines: no terminal obeys, no line breaks."""

import io
import sys

import pytest

from aws_exec.fleet import Explanation
from cli import explain
from cli.common import Format
from cli.console import printer
from cli.rows import Context
from cli.shown import Shower, logged, show_lines
from tests.fleet.scripts import given, launched
from tests.fleet.test_screens import NOW, job, screen
from tests.fleet.test_screens_of_one_job import FAILED

COMMAND = "\x1b]0;owned\x07\x1b[2J"
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
    shown = screen(80, colour, lambda: show_lines(explain._lines(FAILED, said)))

    assert ["\x1b]" in shown, "\x1b[2J" in shown, "\x07" in shown] == [False] * 3
    assert "          at main" in shown


@pytest.mark.parametrize("colour", [False, True], ids=["plain", "colour"])
def test_nor_do_the_names_in_a_row(colour):
    jobs = [job(1, f"load{COMMAND}", "running", age=1)]
    shown = screen(160, colour, lambda: Shower(Format.TABLE, Context(lambda: NOW)).show(jobs))

    assert ["\x1b]" in shown, "\x1b[2J" in shown, "\x07" in shown] == [False] * 3


def test_nor_does_an_error(capsys):
    printer.fail("awsexec", f"refused {COMMAND}", [f"see {COMMAND}"])

    assert capsys.readouterr().err == "awsexec: refused  ]0;owned  [2J\n  see  ]0;owned  [2J\n"


def test_nor_does_a_key_of_a_file(shell, tmp_path):
    path = tmp_path / "awsexec.yaml"
    path.write_text('"a\\e[2Jb": 1\n')
    done = shell("validate-config", str(path), "--effective")

    assert ("a" in done.err, "\x1b" in done.err) == (True, False)


def test_a_line_of_a_log_is_cleaned_for_a_terminal_only(monkeypatch):
    class Screen(io.StringIO):
        def isatty(self):
            return True

    line = f"\tat {COMMAND}"
    assert logged(line) == line
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Screen())
        assert logged(line) == "        at  ]0;owned  [2J"
