"""Durations as people write them and read them."""

from __future__ import annotations

import re
from typing import Final

_DURATION: Final = re.compile(r"(\d+\.?\d*|\.\d+)\s*(ms|s|sec|m|min|h|d)?", re.ASCII)
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(text: str) -> float:
    """Return the seconds of `5`, `0.5`, `20s`, `2m`, `1h`, `3d`.

    Raises:
        ValueError: it is not a duration.
    """
    found = _DURATION.fullmatch(text.strip().lower())
    if not found:
        raise ValueError("is not a duration: a number of seconds, or 20s, 2m, 1h")
    return float(found[1]) * _SECONDS[found[2] or "s"]


def format_duration(seconds: float) -> str:
    """Return `45s`, `9m05s`, `12m`, `3h05m`, `2d04h`."""
    whole = int(seconds)
    if whole < 60:  # noqa: PLR2004 -- a minute
        return f"{whole}s"
    if whole < 3600:  # noqa: PLR2004 -- an hour
        rest = f"{whole % 60:02d}s" if whole < 600 else ""  # noqa: PLR2004 -- from ten minutes on, seconds do not matter
        return f"{whole // 60}m{rest}"
    if whole < 86400:  # noqa: PLR2004 -- a day
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"
