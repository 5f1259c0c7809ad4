"""`awsexec render`: a template as what it becomes."""

from __future__ import annotations

import os
import pprint
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from awsexec_cli.arguments import complete_templates
from awsexec_cli.documents import show_document, write
from awsexec_cli.exit_codes import Exit
from awsexec_cli.files import the_file
from awsexec_cli.options import Executor as Whose
from awsexec_cli.options import Format, before
from awsexec_cli.output import printer

if TYPE_CHECKING:
    from aws_exec.settings.file import AwsexecFile
    from aws_exec.settings.file.terms import Service

COMMAND = "awsexec render"

app = typer.Typer(add_completion=False)


class Rendering(StrEnum):
    """What `-o` takes here."""

    PYTHON = "python"
    JSON = "json"
    YAML = "yaml"


class Executor(StrEnum):
    """What `--executor` takes here: a request is of one service."""

    ECS = "ecs"
    BATCH = "batch"


@app.command()
def render(
    name: Annotated[str, typer.Argument(metavar="TEMPLATE", show_default=False, autocompletion=complete_templates)],
    *,
    merged: Annotated[
        bool, typer.Option("--merged", help="The whole RunTask or SubmitJob request, with all options.")
    ] = False,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="TERM=VALUE", help="Laid over the template; YAML.")
    ] = None,
    executor: Annotated[Executor | None, typer.Option(help="Where the file and the template leave it open.")] = None,
    team: Annotated[str | None, typer.Option(help="Whose options --merged takes.")] = None,
    config: Annotated[Path | None, typer.Option(help="The awsexec.yaml.")] = None,
    output: Annotated[
        Rendering | None, typer.Option("--output", "-o", help="How to write it.", show_default="python")
    ] = None,
) -> None:
    """Show the executor_config of a template, or the exact request that it makes.

    Examples:
      awsexec render large
      awsexec render large --set memory=24GiB -o json
      awsexec render gpu --merged
    """
    from aws_exec.settings.common.problems import InvalidExecutorConfig, OptionsError  # noqa: PLC0415 - the CLI starts fast

    said, how = before.options, output or _said_before()
    file = the_file(COMMAND, config)
    try:
        document = _document(
            file, name, _changes(changes or []), executor or _asked_for(), team or said.team, merged=merged
        )
    except LookupError as error:
        printer.fail(COMMAND, str(error.args[0]))
        raise typer.Exit(Exit.NOT_FOUND) from error
    except (InvalidExecutorConfig, OptionsError) as error:
        printer.fail(COMMAND, str(error))
        raise typer.Exit(Exit.FAILED) from error
    if how is Rendering.PYTHON:
        write(pprint.pformat(document, width=100, sort_dicts=False) + "\n")
    else:
        show_document(document, Format(how.value))


def _asked_for() -> Executor | None:
    """What `--executor` before the command means here; `all` leaves it open."""
    said = before.options.executor
    return None if said in (None, Whose.ALL) else Executor(said)


def _said_before() -> Rendering:
    """What `-o` before the command means here."""
    said = before.options.output
    if said is None:
        return Rendering.PYTHON
    if said.value not in {each.value for each in Rendering}:
        message = f"{str(said)!r} is for tables: a template is written as python, json or yaml"
        raise typer.BadParameter(message, param_hint="--output")
    return Rendering(said)


def _document(
    file: AwsexecFile, name: str, changes: dict[str, Any], executor: Executor | None, team: str | None, *, merged: bool
) -> dict[str, Any]:
    from aws_exec.settings.file import rendering  # noqa: PLC0415 - the CLI starts fast

    levels = rendering.levels_of(file, name, changes)
    service = _service(file, levels, executor)
    if not merged:
        return rendering.executor_config(file, name, service, changes)
    from aws_exec.settings.common.launch import TYPICAL  # noqa: PLC0415 - likewise
    from aws_exec.settings.rules.airflow_text import of_environment  # noqa: PLC0415 - likewise
    from aws_exec.settings.rules.check import Checked  # noqa: PLC0415 - likewise
    from aws_exec.settings.rules.configuration import Configuration  # noqa: PLC0415 - likewise

    configuration = Configuration(file, [of_environment(os.environ)])
    if unknown := configuration.nothing_of(team):
        printer.fail(COMMAND, unknown)
        raise typer.Exit(Exit.USAGE)
    section = Checked(configuration, service, team).section()
    return rendering.merged_request(section.builder, TYPICAL, name, changes)


def _service(file: AwsexecFile, levels: Any, executor: Executor | None) -> Service:
    from aws_exec.settings.file.in_dags import only_service  # noqa: PLC0415 - the CLI starts fast
    from aws_exec.settings.file.templates import service_of  # noqa: PLC0415 - likewise

    if executor is not None:
        return "ecs" if executor is Executor.ECS else "batch"
    found = service_of(levels) or only_service(file)
    if found is None:
        raise typer.BadParameter("the template is for both services: say which", param_hint="--executor")
    return found


def _changes(given: list[str]) -> dict[str, Any]:
    from aws_exec.settings.file.yaml_text import read_yaml  # noqa: PLC0415 - the CLI starts fast

    found = {}
    for pair in given:
        term, equals, value = pair.partition("=")
        document, complaints = read_yaml(value.encode(), term)
        if not equals or not term or document is None or complaints:
            raise typer.BadParameter(f"{pair!r} is not TERM=VALUE", param_hint="--set")
        found[term] = document.data
    return found
