"""The reference of `awsexec` in cli.md, from the program itself: every command, its help, its options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from awsexec_cli.app import app
from awsexec_cli.commands import COMMANDS
from awsexec_cli.metavars import name_values
from awsexec_cli.options import GLOBAL_OPTIONS
from docs.parts import table

#: Listed once, at the top: every command over the fleet accepts them.
_SHARED = {option.opts[0] for option in GLOBAL_OPTIONS}


def reference() -> str:
    """The generated part of the page."""
    root: Any = typer.main.get_command(app)
    name_values(root, None)
    parts = ["## Before every command", _options(root, "awsexec", keep_shared=True)]
    context = typer.Context(root, info_name="awsexec")
    for name in COMMANDS:
        parts += _command(root.get_command(context, name), f"awsexec {name}")
    return "\n\n".join(part for part in parts if part)


def _command(command: Any, name: str) -> Iterator[str]:
    subcommands = getattr(command, "commands", None)
    if subcommands:
        for each, sub in subcommands.items():
            yield from _command(sub, f"{name} {each}")
        return
    yield f"## {name}"
    yield f"```text\n{_help(command)}\n```"
    yield _options(command, name, keep_shared=False)


def _help(command: Any) -> str:
    lines = [line.rstrip() for line in str(command.help).splitlines()]
    text = "\n".join(lines).strip()
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text


def _options(command: Any, name: str, *, keep_shared: bool) -> str:
    context = command.make_context(name, [], resilient_parsing=True)
    over_the_fleet = not keep_shared and {opt for each in command.params for opt in each.opts} >= _SHARED
    rows = []
    for each in command.params:
        if each.param_type_name == "argument":
            rows.append((f"`{each.metavar or each.name.upper()}`", _escaped(each.help or "")))
        elif not (over_the_fleet and each.opts[0] in _SHARED) and (record := each.get_help_record(context)):
            rows.append((f"`{record[0]}`", _escaped(record[1])))
    shared = "\n\nAnd the options that every command over the fleet takes." if over_the_fleet else ""
    return (table(("option", "meaning"), rows) if rows else "") + shared


def _escaped(text: str) -> str:
    """For a table of the page; what is escaped for Rich is so no more."""
    return " ".join(text.replace("\\[", "[").replace("<", "&lt;").split())
