"""The same commands as `airflow awsexec ...`: one group, which imports a command only when it is run.

Airflow builds its parser anew for every command of its own, so nothing but Airflow's own module is imported here.
"""

from __future__ import annotations

import sys
from argparse import REMAINDER, ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial

from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand

from awsexec_cli.commands import COMMANDS


class _Everything(Arg):
    """All that follows, options too: to this command's parser nothing looks like an option, `--help` neither."""

    def add_to_parser(self, parser: ArgumentParser) -> None:
        """As Airflow adds it."""
        parser.prefix_chars = "\0"
        super().add_to_parser(parser)


_ARGUMENTS = _Everything(  # type: ignore[no-untyped-call] # Airflow gives it no types
    ("arguments",), nargs=REMAINDER, metavar="ARGUMENTS", help="what `awsexec` takes after the command"
)


def get_commands() -> list[GroupCommand]:
    """What Airflow adds to its command line (`cli` of the provider metadata)."""
    subcommands = [
        ActionCommand(name=name, help=lazy.help, func=_runner(name), args=(_ARGUMENTS,))
        for name, lazy in COMMANDS.items()
    ]
    return [GroupCommand(name="awsexec", help="Operate Airflow on ECS and Batch", subcommands=subcommands)]


def _runner(name: str) -> Callable[[Namespace], None]:
    return partial(_run, name)


def _run(name: str, arguments: Namespace) -> None:
    from aws_exec.fleet.airflow_side import leave_standard_output  # noqa: PLC0415 - as below
    from awsexec_cli.app import main  # noqa: PLC0415 - every `airflow` command would wait for Typer and Rich

    leave_standard_output()
    rest = list(arguments.arguments)
    sys.argv = ["awsexec", name, *(rest[1:] if rest[:1] == ["--"] else rest)]
    main()
