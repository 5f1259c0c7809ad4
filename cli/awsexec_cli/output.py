"""The one printer: data on standard output, talk on standard error; no colours but on terminals, none with NO_COLOR."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterable
from functools import cached_property, partial

from rich.console import Console, RenderableType

#: Set to anything but nothing or 0, tracebacks are shown, as with `--debug`.
DEBUG_VARIABLE = "AWSEXEC_DEBUG"


#: Characters of a line that goes to a pipe: more than any row has.
_PIPE = 10_000

#: What is printed is data, and shown as it is: `[core]` is no markup, `:key:` no emoji, a number has no colour.
_console = partial(Console, markup=False, emoji=False, highlight=False)


def clean(text: str) -> str:
    """One line, without what a terminal would take for a command."""
    return "".join(character if character.isprintable() else " " for character in text)


class Printer:
    """Owns standard output and standard error.

    Attributes:
        debug: whether tracebacks of unexpected errors are shown.
    """

    def __init__(self) -> None:
        self.debug = os.environ.get(DEBUG_VARIABLE, "0") not in {"", "0"}

    @cached_property
    def out(self) -> Console:
        """For data: what a script would read."""
        return _console()

    @cached_property
    def err(self) -> Console:
        """For talk: what a person would read."""
        return _console(stderr=True)

    def table(self, table: RenderableType) -> None:
        """A table, on standard output; one line a row where that is no terminal, and so has no width."""
        if self.out.is_terminal:
            self.out.print(table)
            return
        console = _console(width=_PIPE)
        with console.capture() as captured:
            console.print(table)
        sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().removesuffix("\n").split("\n")))
        sys.stdout.flush()

    def fail(self, command: str, message: str, details: Iterable[str] = ()) -> None:
        """Say in one line what went wrong, and then what there is to add.

        Args:
            command: what was asked for: `awsexec demo`.
            message: why it cannot be; whatever comes after its first line is put on the same line.
            details: more lines; none if the one says it all.
        """
        from aws_exec.redaction import redact  # noqa: PLC0415 - the CLI starts fast; compiles a dozen expressions

        line = clean(" ".join(redact(message).split()))
        self.err.print(f"{command}:", style="bold red", end=" ")
        self.err.print(line, soft_wrap=True)
        for detail in details:
            self.err.print(f"  {clean(redact(detail))}", soft_wrap=True)

    def crash(self, command: str, error: BaseException) -> None:
        """Say in one line that something unforeseen happened; with the traceback if that was asked for."""
        if self.debug:
            from aws_exec.redaction import redact  # noqa: PLC0415 - likewise

            told = redact("".join(traceback.format_exception(error)), longest=sys.maxsize)
            self.err.print(told, soft_wrap=True)
        hint = "" if self.debug else f" (awsexec --debug ..., or {DEBUG_VARIABLE}=1, shows where)"
        self.fail(command, f"unexpected {type(error).__name__}: {error}{hint}")


printer = Printer()
