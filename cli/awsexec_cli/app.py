"""The `awsexec` command: finds the command to run, and turns every error into one line and an exit code.

A command is imported when it runs, not when it is listed, so that `awsexec --help` starts fast.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

import aws_exec
from awsexec_cli.commands import COMMANDS
from awsexec_cli.exit_codes import Exit
from awsexec_cli.groups import Group, no_command
from awsexec_cli.metavars import name_values
from awsexec_cli.options import GLOBAL_OPTIONS
from awsexec_cli.output import printer
from awsexec_cli.stdio import make_ready, write_failure
from awsexec_cli.usage import UsageError, misuse


class _Commands(Group):
    """The commands by name, and the global options; listing the commands does not import them."""

    _listing = False

    def __init__(self, *arguments: Any, **given: Any) -> None:
        super().__init__(*arguments, **given)
        self.params = [*self.params, *GLOBAL_OPTIONS]

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's signature
        """Return the names in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; in the list only its name and help."""
        lazy = COMMANDS.get(cmd_name)
        if lazy is None:
            return None
        if self._listing:
            return TyperCommand(cmd_name, help=lazy.help)
        command = typer.main.get_command(importlib.import_module(lazy.module).app)
        command.name = cmd_name
        name_values(command, ctx)
        return command

    def invoke(self, ctx: Any) -> Any:
        """Run the command, and report Ctrl-C during its import: Typer would exit without a message."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            printer.say("interrupted")
            raise typer.Exit(Exit.INTERRUPTED) from error

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help of `awsexec` itself."""
        self._listing = True
        name_values(self, None)
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False


app = typer.Typer(
    name="awsexec",
    cls=_Commands,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        printer.out.print(f"awsexec {aws_exec.__version__}", highlight=False)
        raise typer.Exit(Exit.OK)


@app.callback(invoke_without_command=True)
def awsexec(
    context: typer.Context,
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Print tracebacks of unexpected errors")] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Run Airflow tasks on Amazon ECS and AWS Batch, one container per task.

    Examples:
      awsexec demo             see it work on this machine, no AWS account
      awsexec local up         run the local AWS emulator in the foreground
      awsexec list             list running jobs of both services
      awsexec check-health     check that the executors can work
      awsexec COMMAND --help   everything about a command

    Commands that call AWS also accept these options after their name, except
    --debug and --version. --install-completion makes the shell complete
    commands, options and job IDs.

    Exit codes:
      0 success, 1 findings or failure, 2 wrong usage, 3 partial failure,
      4 credentials, 5 not found, 124 timed out, 130 interrupted
    """
    printer.debug = printer.debug or debug
    if context.invoked_subcommand is None:
        no_command(context)


def main() -> None:
    """Run the command line, and exit with a code of `awsexec_cli.exit_codes`."""
    make_ready()
    code = _run()
    sys.stdout.flush()
    if why := write_failure():
        printer.fail(f"standard output cannot be written: {why}")
        code = code or Exit.FAILED
    if code == Exit.INTERRUPTED and threading.active_count() > 1:
        # Threads that still wait for AWS would keep the process alive.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _run() -> int:
    try:
        # Not standalone: an Exit is returned as its code, and our printer reports errors.
        return int(app(prog_name="awsexec", standalone_mode=False) or Exit.OK)
    except UsageError as error:
        return _misused(error)
    except (KeyboardInterrupt, typer.Abort):
        printer.say("interrupted")
        return Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defense: no user should see a traceback
        printer.crash(error)
        return Exit.FAILED


def _misused(error: Any) -> int:
    path = error.ctx.command_path if error.ctx is not None else "awsexec"
    message, hint = misuse(error)
    printer.fail(message, hint=hint or f"{path} --help shows what is possible")
    return Exit.USAGE


if __name__ == "__main__":
    main()
