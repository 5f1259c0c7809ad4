"""Groups of commands: their help for want of a command, and errors that know of which command they are."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import Any, NoReturn, cast

import typer
from typer.core import TyperGroup

from awsexec_cli.exit_codes import Exit

#: Wrong usage, whichever click Typer brings along: its own copy or the package.
UsageError = cast("type[Exception]", typer.BadParameter.__bases__[0])


class Group(TyperGroup):
    """A group whose commands are named where they are used wrongly."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; what its parser refuses before there is a context of it (`list --dag`) is given one."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            if getattr(error, "ctx", None) is None and (name := ctx.invoked_subcommand):
                refused: Any = error
                command: Any = self.get_command(ctx, name)
                refused.ctx = typer.Context(command, parent=ctx, info_name=name)
            raise


def no_command(context: typer.Context) -> NoReturn:
    """Show the help of a group on standard error: it was not asked for, and nothing was done."""
    with redirect_stdout(sys.stderr):
        context.get_help()  # Rich prints it, and returns nothing
    raise typer.Exit(Exit.USAGE)
