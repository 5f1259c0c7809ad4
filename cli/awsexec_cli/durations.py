"""Spans of time as options take them."""

from __future__ import annotations

import math

import typer

from aws_exec.durations import parse_duration


def span(text: str | None) -> float | None:
    """Seconds of `90s`, `10m`, `2h`, `3d`, or of `90`; None stays None.

    Raises:
        typer.BadParameter: it is none.
    """
    if text is None:
        return None
    try:
        found = parse_duration(text)
    except ValueError:
        found = math.inf
    if not math.isfinite(found):
        raise typer.BadParameter(f"{text!r} is no span of time: write it as in 90s, 10m, 2h or 3d")
    return found
