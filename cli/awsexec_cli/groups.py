"""Groups of commands: without a command they print their help, and their errors name the command."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from awsexec_cli.exit_codes import Exit
from awsexec_cli.usage import Misuse, UsageError, similar


class Group(TyperGroup):
    """A group whose usage errors know the command that was called, and similar names of an unknown one."""

    def resolve_command(self, ctx: Any, args: Any) -> Any:
        """Return the command to run; raise a usage error with a similar name if there is none."""
        name = str(args[0])
        if not ctx.resilient_parsing and not name.startswith("-") and self.get_command(ctx, name) is None:
            error = Misuse(f'no such command "{name}"', similar(name, self.list_commands(ctx)))
            error.ctx = ctx
            raise error
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; give a context to an error that its parser raises before it has one (`list --dag`)."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            if getattr(error, "ctx", None) is None and (name := ctx.invoked_subcommand):
                refused: Any = error
                command: Any = self.get_command(ctx, name)
                refused.ctx = typer.Context(command, parent=ctx, info_name=name)
            raise


def no_command(context: typer.Context) -> NoReturn:
    """Print a group's help to standard error, and exit: nobody asked for it, and nothing was done."""
    with redirect_stdout(sys.stderr):
        context.get_help()  # Rich prints it, and returns nothing
    raise typer.Exit(Exit.USAGE)
