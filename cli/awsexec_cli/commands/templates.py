"""`awsexec templates`: what there is, how large, what it costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from awsexec_cli.documents import show_rows
from awsexec_cli.files import the_configuration
from awsexec_cli.options import Format, OutputOption, before
from awsexec_cli.output import clean, printer

if TYPE_CHECKING:
    from aws_exec.settings.common.prices import Prices

COMMAND = "awsexec templates"

app = typer.Typer(add_completion=False)


@app.command()
def templates(
    config: Annotated[Path | None, typer.Option(help="The awsexec.yaml.")] = None,
    prices: Annotated[
        Path | None, typer.Option(help="A YAML file of prices, in place of the built-in table (vcpu, gb, ...).")
    ] = None,
    output: OutputOption = None,
) -> None:
    """List the templates of awsexec.yaml, with their size and cost per hour.

    The cost is an estimate for Fargate from a dated price table, for the
    request that the template makes with the options. There is none for
    GPUs, for your own instances, for what is no size of Fargate's, or where
    no size is named. Where only AWS knows whether it is Fargate (a job
    queue, a cluster without a strategy here) that is said on stderr, and
    `fargate` is null in JSON.

    Examples:
      awsexec templates
      awsexec templates --prices eu-central-1.yaml -o json
    """
    from aws_exec.settings.file.units import size  # noqa: PLC0415 - the CLI starts fast
    from aws_exec.settings.rules.costs import summaries  # noqa: PLC0415 - likewise

    configuration = the_configuration(COMMAND, config)
    table = _prices(prices)
    rows = summaries(configuration, table)
    cost = f"{table.currency}/h"
    columns = {"name": "NAME", "executor": "EXECUTOR", "cpu": "VCPU", "memory": "MEMORY", "gpu": "GPU", "spot": "SPOT"}
    how = output or before.options.format
    if how in (Format.TABLE, Format.WIDE):
        rows = [{**row, "memory": None if row["memory_mib"] is None else size(row["memory_mib"])} for row in rows]
        rows = [{**row, "cpu": None if row["cpu"] is None else f"{row['cpu']:g}"} for row in rows]
        told = f"Prices: Fargate, {table.region}, {table.dated}; Spot at {table.spot_share:.0%} of them, by guess."
        printer.err.print(told, highlight=False, soft_wrap=True)
        if perhaps := [row["name"] for row in rows if row["cost_per_hour"] is not None and not row["fargate"]]:
            told = clean(f"As if on Fargate, which is not said here: {', '.join(perhaps)}.")
            printer.err.print(told, highlight=False, markup=False, soft_wrap=True)
    show_rows(rows, how, {**columns, "cost_per_hour": cost, "description": "DESCRIPTION"})


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
            raise ValueError(str(complaints[0]))  # noqa: TRY301 - one way to tell it
        return prices_of(document.data)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--prices") from error
