"""Reading the awsexec.yaml that counts, for commands that need it to be in order."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from awsexec_cli.exit_codes import Exit
from awsexec_cli.output import printer

if TYPE_CHECKING:
    from aws_exec.settings.file import AwsexecFile
    from aws_exec.settings.rules.configuration import Configuration


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


def the_configuration(command: str, named: Path | None) -> Configuration:
    """The awsexec.yaml that counts, under what airflow.cfg and this shell's environment say, as an executor reads them.

    What is wrong with airflow.cfg is left to `validate-config`.

    Raises:
        typer.Exit: as `the_file`.
    """
    from aws_exec.settings.rules.configuration import Configuration  # noqa: PLC0415 - the CLI starts fast
    from aws_exec.settings.rules.sources import Kind, found_here, read_sources  # noqa: PLC0415 - likewise

    file = the_file(command, named)
    others = [each for each in found_here(os.environ, named) if each.kind is not Kind.AWSEXEC]
    (airflow,) = read_sources(others, os.environ, with_environment=True).configurations
    return Configuration(file, airflow.airflow)
