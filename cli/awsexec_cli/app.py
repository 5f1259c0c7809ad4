"""`awsexec`: finds the command, and keeps tracebacks from whoever asked for something else.

Commands are imported when they are run, not when they are listed: `awsexec --help` answers at once.
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
from awsexec_cli.groups import Group, UsageError, no_command
from awsexec_cli.options import (
    ConfigOption,
    EndpointOption,
    ExecutorOption,
    NoInputOption,
    Options,
    OutputOption,
    ProfileOption,
    RegionOption,
    TeamOption,
    before,
)
from awsexec_cli.output import printer
from awsexec_cli.stdio import lost, make_ready

#: Where awsexec.yaml is (`aws_exec.settings.file.discovery`).
CONFIG_VARIABLE = "AWSEXEC_CONFIG"


class _Commands(Group):
    """The commands, by name; listed without being imported."""

    _listing = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - Typer's signature
        """All names, in the order of the list above."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - Typer's signature
        """The command; for the list only its name and help."""
        lazy = COMMANDS.get(cmd_name)
        if lazy is None:
            return None
        if self._listing:
            return TyperCommand(cmd_name, help=lazy.help)
        command = typer.main.get_command(importlib.import_module(lazy.module).app)
        command.name = cmd_name
        return command

    def invoke(self, ctx: Any) -> Any:
        """Run the command; Ctrl-C while it is imported is told here: Typer would end without a word."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            printer.fail("awsexec", "interrupted")
            raise typer.Exit(Exit.INTERRUPTED) from error

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The help of `awsexec` itself."""
        self._listing = True
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
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of unexpected errors.")] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True),
    ] = False,
    output: OutputOption = None,
    executor: ExecutorOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    endpoint_url: EndpointOption = None,
    config: ConfigOption = None,
    no_input: NoInputOption = False,
    team: TeamOption = None,
) -> None:
    """Run Airflow tasks on Amazon ECS and AWS Batch, one container per task.

    Examples:
      awsexec demo             see it work on this machine, no AWS account
      awsexec local up         an AWS of one's own, in the foreground
      awsexec list             what runs, on both services
      awsexec check-health     whether the executors could work; what is missing
      awsexec COMMAND --help   everything about a command

    The options but --debug and --version may also stand after the command;
    they are of the commands that ask AWS. --install-completion teaches the
    shell to complete commands, options and job ids.

    Exit codes:
      0 fine, 1 findings or failure, 2 wrong usage, 3 some of it failed,
      4 credentials, 5 not found, 124 timed out, 130 interrupted
    """
    printer.debug = printer.debug or debug
    before.options = Options(output, executor, region, profile, endpoint_url, config, no_input, team)
    if config is not None:
        os.environ[CONFIG_VARIABLE] = str(config)  # commands with a --config of their own read it from there
    if context.invoked_subcommand is None:
        no_command(context)


def main() -> None:
    """Run the command line, and exit as `awsexec_cli.exit_codes` says."""
    make_ready()
    code = _run()
    sys.stdout.flush()
    if why := lost():
        printer.fail("awsexec", f"standard output cannot be written: {why}")
        code = code or Exit.FAILED
    if code == Exit.INTERRUPTED and threading.active_count() > 1:
        # Calls that nobody waits for any more would hold the process until AWS answers them.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _run() -> int:
    try:
        # Not standalone: an Exit is returned as its code, and what went wrong is told by our printer.
        return int(app(standalone_mode=False) or Exit.OK)
    except UsageError as error:
        return _misused(error)
    except (KeyboardInterrupt, typer.Abort):
        printer.fail("awsexec", "interrupted")
        return Exit.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence: nobody should meet a traceback
        printer.crash("awsexec", error)
        return Exit.FAILED


def _misused(error: Any) -> int:
    context = error.ctx
    path = context.command_path if context is not None else "awsexec"
    message = error.format_message().strip().replace(": Value error, ", ": ")  # as pydantic begins each of its own
    printer.fail(path, f"{message.rstrip('.')}. See {path} --help.")
    return Exit.USAGE


if __name__ == "__main__":
    main()
