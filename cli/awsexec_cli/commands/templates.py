"""`awsexec templates`: list templates with their size and cost."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from awsexec_cli.options import Options, accepting
from awsexec_cli.output import Format, clean, printer, write_rows

if TYPE_CHECKING:
    from aws_exec.settings.common.prices import Prices
    from aws_exec.settings.rules.configuration import Configuration

app = typer.Typer(add_completion=False)


@app.command(cls=accepting("output", "config"))
def templates(
    context: typer.Context,
    prices: Annotated[
        Path | None, typer.Option(help="YAML file of prices (vcpu, gb, ...)", show_default="built-in table")
    ] = None,
) -> None:
    """List the templates of awsexec.yaml with their size and cost per hour.

    The cost is an estimate for Fargate, from a dated price table, of the
    request that the template and the options make. Templates with GPUs, for
    your own instances, without a size, or with a size that Fargate does not
    have show no cost. If only AWS knows whether a template runs on Fargate
    (a job queue, a cluster without a strategy here), a message on standard
    error names it, and `fargate` is null in JSON.

    Examples:
      awsexec templates
      awsexec templates --prices eu-central-1.yaml -o json
    """
    from aws_exec.settings.file.units import size  # noqa: PLC0415 - the CLI starts fast
    from aws_exec.settings.rules.costs import summaries  # noqa: PLC0415 - likewise

    options: Options = context.obj
    configuration = _configuration(options)
    table = _prices(prices)
    rows = summaries(configuration, table)
    cost = f"{table.currency}/h"
    columns = {"name": "NAME", "executor": "EXECUTOR", "cpu": "VCPU", "memory": "MEMORY", "gpu": "GPU", "spot": "SPOT"}
    if options.format in (Format.TABLE, Format.WIDE):
        rows = [{**row, "memory": None if row["memory_mib"] is None else size(row["memory_mib"])} for row in rows]
        rows = [{**row, "cpu": None if row["cpu"] is None else f"{row['cpu']:g}"} for row in rows]
        spot = f"Spot assumed at {table.spot_share:.0%} of them"
        printer.say(f"Prices: Fargate, {table.region}, {table.dated}; {spot}")
        if perhaps := [row["name"] for row in rows if row["cost_per_hour"] is not None and not row["fargate"]]:
            printer.say(clean(f"Prices assume Fargate; AWS decides at launch for: {', '.join(perhaps)}"))
    write_rows(rows, options.format, {**columns, "cost_per_hour": cost, "description": "DESCRIPTION"})


def _configuration(options: Options) -> Configuration:
    """Return the configuration that an executor would read; errors in airflow.cfg are left to `validate-config`."""
    from aws_exec.settings.rules.configuration import Configuration  # noqa: PLC0415 - the CLI starts fast
    from aws_exec.settings.rules.sources import Kind, found_here, read_sources  # noqa: PLC0415 - likewise

    file = options.file()
    others = [each for each in found_here(os.environ, options.config) if each.kind is not Kind.AWSEXEC]
    (airflow,) = read_sources(others, os.environ, with_environment=True).configurations
    return Configuration(file, airflow.airflow)


def _prices(path: Path | None) -> Prices:
    from aws_exec.settings.common.prices import Prices, prices_of  # noqa: PLC0415 - likewise
    from aws_exec.settings.file.discovery import read_bytes  # noqa: PLC0415 - the CLI starts fast
    from aws_exec.settings.file.yaml_text import read_yaml  # noqa: PLC0415 - likewise

    if path is None:
        return Prices()
    content, complaints = read_bytes(path)
    document: Any = None
    if not complaints:
        document, complaints = read_yaml(content, str(path))
    try:
        if complaints:
            raise ValueError(str(complaints[0]))  # noqa: TRY301 - reported below
        return prices_of(document.data)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--prices") from error
