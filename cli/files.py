"""Reading the awsexec.yaml that counts, for commands that need it to be in order."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from cli.console import printer
from cli.exits import Exit

if TYPE_CHECKING:
    from aws_exec.settings.file import AwsexecFile


def the_file(command: str, named: Path | None) -> AwsexecFile:
    """The awsexec.yaml that counts, read.

    Raises:
        typer.Exit: there is none, or it cannot be used; which has been told.
    """
    from aws_exec.settings.file import FileError, load_file  # noqa: PLC0415 - the CLI starts fast

    try:
        file = load_file(os.environ, named)
    except FileError as error:
        printer.fail(command, "awsexec.yaml cannot be used", map(str, error.complaints))
        raise typer.Exit(Exit.USAGE) from error
    if not file.located.source:
        printer.fail(command, "there is no awsexec.yaml: name one with --config, or in $AWSEXEC_CONFIG")
        raise typer.Exit(Exit.USAGE)
    return file
