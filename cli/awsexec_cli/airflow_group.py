"""The commands as a group of Airflow's command line: `airflow awsexec ...`.

Airflow imports this module for each of its own commands, so a command of ours is imported only when it runs.
"""

from __future__ import annotations

import sys
from argparse import REMAINDER, ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial

from airflow.cli.cli_config import ActionCommand, Arg, GroupCommand

from awsexec_cli.commands import COMMANDS


class _Everything(Arg):
    """All arguments that follow, options and `--help` too: this parser takes nothing for an option."""

    def add_to_parser(self, parser: ArgumentParser) -> None:
        """Add it as Airflow does."""
        parser.prefix_chars = "\0"
        super().add_to_parser(parser)


_ARGUMENTS = _Everything(  # type: ignore[no-untyped-call] # Airflow gives it no types
    ("arguments",), nargs=REMAINDER, metavar="ARGUMENTS", help="arguments of the awsexec command"
)


def get_commands() -> list[GroupCommand]:
    """Return what Airflow adds to its command line (`cli` of the provider metadata)."""
    subcommands = [
        ActionCommand(name=name, help=lazy.help, func=_runner(name), args=(_ARGUMENTS,))
        for name, lazy in COMMANDS.items()
    ]
    return [GroupCommand(name="awsexec", help="Operate Airflow on ECS and Batch", subcommands=subcommands)]


def _runner(name: str) -> Callable[[Namespace], None]:
    return partial(_run, name)


def _run(name: str, arguments: Namespace) -> None:
    from aws_exec.fleet.airflow_side import leave_standard_output  # noqa: PLC0415 - see above
    from awsexec_cli.app import main  # noqa: PLC0415 - imports Typer and Rich

    leave_standard_output()
    rest = list(arguments.arguments)
    sys.argv = ["awsexec", name, *(rest[1:] if rest[:1] == ["--"] else rest)]
    main()
