"""How commands show data: as a table for people, or as JSON, YAML or names for programs; one place knows how."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from awsexec_cli.options import Format
from awsexec_cli.output import clean, printer
from awsexec_cli.stdio import speaks_utf8


def write(text: str) -> None:
    """Data, at once, whatever the terminal's width."""
    sys.stdout.write(text)
    sys.stdout.flush()


def show_document(document: Any, how: Format) -> None:
    """One document that is not a table: YAML where that is asked for, else JSON."""
    write(as_yaml(document) if how is Format.YAML else as_json(document, indent=2) + "\n")


def as_json(document: Any, indent: int | None = None) -> str:
    """JSON; what standard output has no letter for is escaped as JSON has it."""
    return json.dumps(document, indent=indent, ensure_ascii=not speaks_utf8())


def as_yaml(document: Any) -> str:
    """YAML, keys in their order; escaped likewise."""
    import yaml  # noqa: PLC0415 - only who asks for it waits for it

    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=speaks_utf8()))


def show_rows(rows: Sequence[Mapping[str, Any]], how: Format, columns: Mapping[str, str], name: str = "name") -> None:
    """Rows of one kind.

    Args:
        rows: plain values.
        how: the format; `wide` is `table`, which has all there is.
        columns: of a table: the member, and its heading.
        name: the member that names a row.
    """
    if how in (Format.JSON, Format.YAML):
        show_document([dict(row) for row in rows], how)
    elif how is Format.NAME:
        write("".join(f"{row[name]}\n" for row in rows))
    else:
        _table(rows, columns)


def _table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in columns.values():
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*("-" if row.get(member) is None else clean(str(row[member])) for member in columns))
    printer.table(table)
