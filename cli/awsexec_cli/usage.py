"""Wrong usage: an error of the parser, or of a command that refuses its options, as a message and a hint."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, cast

import typer

#: A usage error of the click that Typer uses: its own copy, or the package.
UsageError = cast("type[Exception]", typer.BadParameter.__bases__[0])

#: How the parser reports a value that is none of the choices.
_CHOICE = re.compile(
    r"^Invalid value for '(?P<option>--[\w-]+)'.*?: '(?P<given>.*)' is not one of (?P<choices>'.*')$", re.DOTALL
)
#: How the parser reports what it misses or refuses, and how we do.
_IN_OUR_WORDS = (
    (re.compile(r"^Got unexpected extra arguments?(?:\(s\))? \((.*)\)$", re.DOTALL), r'unexpected argument "\1"'),
    (re.compile(r"^Missing argument '(.*?)(?:\.\.\.)?'$"), r"missing argument \1"),
    (re.compile(r"^Option '(.*)' requires an argument$"), r'option "\1" needs a value'),
    (re.compile(r"^Invalid value for '(--[\w-]+)'.*?: (.*)$", re.DOTALL), r"invalid \1: \2"),
    (re.compile(r"Input should be greater than or equal to "), "it must be at least "),
    (re.compile(r"Input should be less than or equal to "), "it must be at most "),
    (re.compile(r"Input should be a valid integer.*"), "it must be a whole number"),
    (re.compile(r"Input should be a valid number.*"), "it must be a number"),
)


class Misuse(typer.BadParameter):
    """Wrong usage that a command or a group found itself.

    Attributes:
        hint: what to do; empty if the help says it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def format_message(self) -> str:
        """Return the message alone: it names the option."""
        return str(self.message)


def similar(name: str, known: Iterable[str]) -> str:
    """Return `did you mean "list"?`; empty if nothing is similar."""
    close = get_close_matches(name[:120], list(known), n=1)
    return f'did you mean "{close[0]}"?' if close else ""


def misuse(error: Any) -> tuple[str, str]:
    """Return the message and the hint of a usage error; the hint is empty if the help says what to do."""
    if isinstance(error, Misuse):
        return error.format_message(), error.hint
    if name := getattr(error, "option_name", "") if hasattr(error, "possibilities") else "":
        return f'no such option "{name}"', similar(name, error.possibilities or ())
    message = error.format_message().strip().rstrip(".")
    message = message.replace(": Value error, ", ": ")  # pydantic begins its messages with it
    if choice := _CHOICE.search(message):
        choices = re.findall(r"'([^']*)'", choice["choices"])
        known = f"use {', '.join(choices[:-1])} or {choices[-1]}"
        return f'invalid {choice["option"]} "{choice["given"]}"', similar(choice["given"].lower(), choices) or known
    for pattern, ours in _IN_OUR_WORDS:
        message = pattern.sub(ours, message)
    return message[:1].lower() + message[1:], ""
