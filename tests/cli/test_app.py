"""`awsexec` itself: start-up time, imports, an error and a hint for each failure, exit codes."""

import importlib
import re

import pytest
import typer

import aws_exec
from awsexec_cli.app import COMMANDS
from awsexec_cli.exit_codes import Exit
from tests.cli.helpers import awsexec, program

#: Takes long to import, or compiles much; nothing of it is needed to tell what commands there are.
HEAVY = {"airflow", "boto3", "botocore", "moto", "flask", "sqlalchemy", "aws_exec.redaction", "aws_exec.settings"}

BROKEN = """
import awsexec_cli.app, sys, types
import typer
broken = types.ModuleType("broken")
broken.app = typer.Typer()
@broken.app.command()
def boom() -> None:
    raise LookupError("nobody thought\\nof this")
sys.modules["broken"] = broken
awsexec_cli.app.COMMANDS["boom"] = awsexec_cli.commands.Lazy("broken", "Breaks.")
awsexec_cli.app.main()
"""


def test_help_lists_every_command_and_every_exit_code():
    done = awsexec("--help")

    assert (done.returncode, done.stderr) == (Exit.OK, "")
    assert re.findall(r"^│ ([a-z][a-z-]*)  ", done.stdout, re.MULTILINE) == list(COMMANDS)
    (told,) = re.findall(r"Exit codes:\s+(.*?)\n *\n", done.stdout, re.DOTALL)
    assert [int(each.split()[0]) for each in told.split(",")] == sorted(Exit)


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"], ["local", "up", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments):
    done = program(
        "import atexit\n"
        f"atexit.register(lambda: print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr))\n"
        "from awsexec_cli.app import main; main()",
        *arguments,
    )

    assert (done.returncode, done.stderr.strip()) == (Exit.OK, "[]")


def test_who_asks_for_the_fleet_imports_no_rule():
    """Listing and completion read the configuration; what else may be wrong with it is for `validate-config`."""
    rules = ["aws_exec.settings.rules.check", "aws_exec.settings.rules.fargate", "aws_exec.aws_checks"]
    done = program(f"import aws_exec.fleet\nprint([name for name in {rules!r} if name in sys.modules])")

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_the_list_imports_no_command():
    done = program(
        "import atexit\n"
        "commands = ('awsexec_cli.commands.demo', 'awsexec_cli.commands.local')\n"
        "atexit.register(lambda: print([m for m in commands if m in sys.modules], file=sys.stderr))\n"
        "from awsexec_cli.app import main; main()",
        "--help",
    )

    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_what_the_list_says_is_the_first_line_of_the_commands_own_help(name):
    command = typer.main.get_command(importlib.import_module(COMMANDS[name].module).app)

    assert command.help.splitlines()[0] == COMMANDS[name].help


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS), ["local", "up"]], ids=" ".join)
def test_help_names_values_as_a_shell_does(run, command):
    """Not by their types in Python: `<bool>`, `<list[str]>`."""
    shown = run(*command, "--help").stdout

    assert re.findall(r"<\w+|list\[|\w range\b", shown) == []


def test_version():
    done = awsexec("--version")

    assert (done.returncode, done.stdout) == (Exit.OK, f"awsexec {aws_exec.__version__}\n")


def test_no_command_is_wrong_usage_and_shows_the_help():
    for group in ([], ["local"]):
        done = awsexec(*group)

        assert (done.returncode, done.stdout) == (Exit.USAGE, "")
        assert f"Usage: {' '.join(['awsexec', *group])} [OPTIONS] COMMAND" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], ['no such command "nope"', "awsexec --help shows what is possible"]),
        (["lst"], ['no such command "lst"', 'did you mean "list"?']),
        (["local", "upp"], ['no such command "upp"', 'did you mean "up"?']),
        (["--zzz"], ['no such option "--zzz"', "awsexec --help shows what is possible"]),
        (["demo", "--prot", "1"], ['no such option "--prot"', 'did you mean "--port"?']),
        (["list", "--dag"], ['option "--dag" needs a value', "awsexec list --help shows what is possible"]),
        (["local", "up", "--port"], ['option "--port" needs a value', "awsexec local up --help shows what is"]),
        (["--region"], ['option "--region" needs a value', "awsexec --help shows what is possible"]),
        (
            ["list", "--state", "runing"],
            ['invalid --state "runing"', 'did you mean "running"?'],
        ),
        (["list", "--older-than", "5x"], ['invalid duration "5x"', "write it as 90s, 10m, 2h or 3d"]),
        (["local", "up", "--region", "us-wst-1"], ['unknown AWS Region "us-wst-1"', 'did you mean "us-west-1"?']),
    ],
)
def test_wrong_usage_is_an_error_and_a_hint(arguments, said):
    done = awsexec(*arguments)

    assert (done.returncode, done.stdout) == (Exit.USAGE, "")
    lines = done.stderr.splitlines()
    assert all(
        line.startswith(f"{label}: {text}") for line, label, text in zip(lines, ["error", "hint"], said, strict=True)
    )


@pytest.mark.parametrize("module", ["typer", "awsexec_cli.commands.list_jobs", "boto3"])
def test_ctrl_c_while_it_is_imported_is_one_line(module):
    interrupting = (
        "import os, signal\n"
        "class Pressed:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Pressed())\n"
    )
    done = program(f"{interrupting}from awsexec_cli.__main__ import main; main()", "list")

    assert (done.returncode, done.stdout, done.stderr) == (Exit.INTERRUPTED, "", "interrupted\n")


def test_an_unexpected_error_says_how_to_see_more():
    done = program(BROKEN, "boom")

    assert (done.returncode, done.stdout) == (Exit.FAILED, "")
    assert done.stderr == (
        "error: unexpected LookupError: nobody thought of this\n"
        "hint: awsexec --debug ... or AWSEXEC_DEBUG=1 shows the traceback\n"
    )


@pytest.mark.parametrize(("arguments", "environment"), [(["--debug"], {}), ([], {"AWSEXEC_DEBUG": "1"})])
def test_debug_shows_the_traceback_too(arguments, environment):
    done = program(BROKEN, *arguments, "boom", **environment)

    assert done.returncode == Exit.FAILED
    assert "Traceback (most recent call last):" in done.stderr
    assert done.stderr.endswith("error: unexpected LookupError: nobody thought of this\n")


@pytest.mark.parametrize("arguments", [[], ["--debug"]])
def test_no_unexpected_error_shows_a_secret(arguments):
    broken = BROKEN.replace(r"nobody thought\nof this", "cannot connect to postgres://airflow:hunter2@db/airflow")
    done = program(broken, *arguments, "boom")

    assert "unexpected LookupError: cannot connect to postgres://***@db/airflow" in done.stderr
    assert "hunter2@" not in done.stderr


def test_nor_does_what_there_is_to_add():
    done = program(
        "from awsexec_cli.output import printer\n"
        "printer.fail('no: password=hunter2', hint='not api_key=hunter2',\n"
        "             details=['see postgres://airflow:hunter2@db/airflow'])"
    )

    assert done.stderr == "error: no: password=***\n  see postgres://***@db/airflow\nhint: not api_key=***\n"


def test_no_colours_where_there_is_no_terminal_or_nobody_wants_them():
    piped, unwanted = awsexec("nope"), awsexec("nope", NO_COLOR="1", FORCE_COLOR="1")

    assert "\x1b[" not in piped.stderr
    assert "\x1b[31m" not in unwanted.stderr


@pytest.mark.parametrize("command", [["demo"], ["local", "up"]])
def test_a_missing_extra_is_one_line_with_the_remedy(command):
    done = program("sys.modules['moto'] = None\nfrom awsexec_cli.app import main; main()", *command)

    assert (done.returncode, done.stdout) == (Exit.USAGE, "")
    assert done.stderr.endswith("hint: pip install 'awsexec[local]'\n")
    assert done.stderr.count("\n") == 2
