"""The names of values in help: `--cluster CLUSTER`, not Typer's Python types (`<list[str]>`); flags have none."""

from __future__ import annotations

import re
from typing import Any

import typer

#: What help calls the value of a Python type, as Typer displays it; anything else is a list of choices.
_NAMES = {"bool": "", "path": "PATH", "file": "FILE", "dir": "DIR", "int range": "N", "float range": "N"}


def name_values(command: Any, context: Any) -> None:
    """Name the values of a command's options, and of those of its subcommands, which lack a name.

    Args:
        command: whose options to name.
        context: of the command above it; None if there is none.
    """
    own = typer.Context(command, parent=context, info_name=command.name)
    for each in (*command.params, command.get_help_option(own)):
        if not hasattr(each, "display_type"):  # an older Typer, which names values itself
            continue
        if each.param_type_name == "argument":
            each.display_type_rich = lambda ctx: None  # noqa: ARG005 - Typer's name; the argument's own says enough
        elif each.metavar is None:
            each.metavar = _metavar(each, own)
    for each in getattr(command, "commands", {}).values():
        name_values(each, own)


def _metavar(option: Any, context: Any) -> str:
    label = re.sub(r"^list\[(.*)\]$", r"\1", option.display_type(context)[1:-1])
    if label == "str":
        return str(option.opts[0].rpartition("-")[2]).upper()
    return _NAMES.get(label.lower(), label)
