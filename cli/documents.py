"""How commands show data: one document, as a table for people or as JSON, YAML or names for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from cli.console import printer


class Output(StrEnum):
    """What `-o` takes."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


def show_json(document: Any) -> None:
    """JSON on standard output, whatever the terminal's width."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def show_yaml(document: Any) -> None:
    """YAML on standard output."""
    import yaml  # noqa: PLC0415 - only who asks for it waits for it

    sys.stdout.write(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))


def show_rows(
    rows: Sequence[Mapping[str, Any]], output: Output, columns: Mapping[str, str], name: str = "name"
) -> None:
    """Rows of one kind.

    Args:
        rows: plain values.
        output: how.
        columns: of a table: the member, and its heading.
        name: the member that names a row.
    """
    if output is Output.JSON:
        show_json(list(rows))
    elif output is Output.YAML:
        show_yaml([dict(row) for row in rows])
    elif output is Output.NAME:
        sys.stdout.write("".join(f"{row[name]}\n" for row in rows))
    else:
        _table(rows, columns)


def _table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in columns.values():
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*("-" if row.get(member) is None else str(row[member]) for member in columns))
    printer.table(table)
