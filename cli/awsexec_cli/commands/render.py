"""`awsexec render`: show what a template becomes."""

from __future__ import annotations

import os
import pprint
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from awsexec_cli import options as shared
from awsexec_cli.exit_codes import Exit
from awsexec_cli.options import Options, accepting, complete_templates
from awsexec_cli.output import Format, printer, write, write_document
from awsexec_cli.usage import Misuse

if TYPE_CHECKING:
    from aws_exec.settings.file import AwsexecFile
    from aws_exec.settings.file.terms import Service

app = typer.Typer(add_completion=False)


class Rendering(StrEnum):
    """The values of `-o` here."""

    PYTHON = "python"
    JSON = "json"
    YAML = "yaml"


class Executor(StrEnum):
    """The values of `--executor` here: a request is for one service."""

    ECS = "ecs"
    BATCH = "batch"


@app.command(cls=accepting("config", "team"))
def render(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="TEMPLATE", show_default=False, autocompletion=complete_templates)],
    *,
    merged: Annotated[
        bool, typer.Option("--merged", help="Show the whole RunTask or SubmitJob request, with all options")
    ] = False,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="TERM=VALUE", help="Change a term of the template; VALUE is YAML (repeatable)"),
    ] = None,
    executor: Annotated[
        Executor | None, typer.Option(help="Service, if the file and the template leave it open")
    ] = None,
    output: Annotated[
        Rendering | None, typer.Option("--output", "-o", help="Output format", show_default="python")
    ] = None,
) -> None:
    """Show the executor_config of a template, or the exact request that it makes.

    Examples:
      awsexec render large
      awsexec render large --set memory=24GiB -o json
      awsexec render gpu --merged
    """
    from aws_exec.settings.common.problems import InvalidExecutorConfig, OptionsError  # noqa: PLC0415 - the CLI starts fast

    options: Options = context.obj
    how = output or _rendering_of(options)
    file = options.file()
    service = executor or _executor_of(options)
    try:
        document = _document(file, name, _changes(changes or []), service, options.team, merged=merged)
    except LookupError as error:
        printer.fail(str(error.args[0]), hint=str(error.args[1]))
        raise typer.Exit(Exit.NOT_FOUND) from error
    except (InvalidExecutorConfig, OptionsError) as error:
        message, *details = str(error).splitlines()
        printer.fail(message, hint="awsexec validate-config checks every option and template", details=details)
        raise typer.Exit(Exit.FAILED) from error
    if how is Rendering.PYTHON:
        write(pprint.pformat(document, width=100, sort_dicts=False) + "\n")
    else:
        write_document(document, Format(how.value))


def _executor_of(options: Options) -> Executor | None:
    """Return what `--executor` before the command means here; `all` leaves the service open."""
    given = options.executor
    return None if given in (None, shared.Executor.ALL) else Executor(given)


def _rendering_of(options: Options) -> Rendering:
    """Return what `-o` before the command means here."""
    given = options.output
    if given is None:
        return Rendering.PYTHON
    if given.value not in {each.value for each in Rendering}:
        raise Misuse(f'invalid --output "{given}" for a template', "use python, json or yaml")
    return Rendering(given)


def _document(
    file: AwsexecFile, name: str, changes: dict[str, Any], executor: Executor | None, team: str | None, *, merged: bool
) -> dict[str, Any]:
    from aws_exec.settings.file import rendering  # noqa: PLC0415 - the CLI starts fast

    levels = rendering.levels_of(file, name, changes)
    service = _service(file, levels, executor)
    if not merged:
        return rendering.executor_config(file, name, service, changes)
    from aws_exec.lifecycle.identity import Identity  # noqa: PLC0415 - likewise
    from aws_exec.settings.rules.airflow_text import of_environment  # noqa: PLC0415 - likewise
    from aws_exec.settings.rules.check import Checked  # noqa: PLC0415 - likewise
    from aws_exec.settings.rules.configuration import Configuration  # noqa: PLC0415 - likewise

    configuration = Configuration(file, [of_environment(os.environ)])
    if unknown := configuration.nothing_of(team):
        printer.fail(unknown, hint=configuration.known_teams())
        raise typer.Exit(Exit.USAGE)
    section = Checked(configuration, service, team).section()
    # In words that tags, names and tokens may have.
    placeholders = Identity("DEPLOYMENT", "LAUNCH_ID-1", "DAG_ID", "TASK_ID", "RUN_ID", "MAP_INDEX", "TRY_NUMBER")
    return rendering.merged_request(section.builder, placeholders, name, changes)


def _service(file: AwsexecFile, levels: Any, executor: Executor | None) -> Service:
    from aws_exec.settings.file.in_dags import only_service  # noqa: PLC0415 - the CLI starts fast
    from aws_exec.settings.file.templates import service_of  # noqa: PLC0415 - likewise

    if executor is not None:
        return "ecs" if executor is Executor.ECS else "batch"
    found = service_of(levels) or only_service(file)
    if found is None:
        raise Misuse("the template is for both services", "pass --executor ecs or --executor batch")
    return found


def _changes(given: list[str]) -> dict[str, Any]:
    from aws_exec.settings.file.yaml_text import read_yaml  # noqa: PLC0415 - the CLI starts fast

    found = {}
    for pair in given:
        term, equals, value = pair.partition("=")
        document, complaints = read_yaml(value.encode(), term)
        if not equals or not term or document is None or complaints:
            raise Misuse(f'invalid --set "{pair}": it needs TERM=VALUE', "for example --set memory=24GiB")
        found[term] = document.data
    return found
