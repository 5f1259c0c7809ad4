"""Spans of time as options take them."""

from __future__ import annotations

import typer


def span(text: str | None) -> float | None:
    """Seconds of `90s`, `10m`, `2h`, `3d`, or of `90`; None stays None.

    Raises:
        typer.BadParameter: it is none.
    """
    if text is None:
        return None
    from aws_exec.settings.common.coercion import seconds  # noqa: PLC0415 - the CLI starts fast

    try:
        days = text[:-1] if text.endswith("d") else ""
        found = float(days) * 86400 if days else seconds(text)
    except ValueError:
        found = None
    if found is None or not 0 <= float(found) < float("inf"):
        raise typer.BadParameter(f"{text!r} is no span of time: write it as in 90s, 10m, 2h or 3d")
    return float(found)
