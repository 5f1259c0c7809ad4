"""What an Airflow has logged, and what of it is a complaint that comes from us."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from tests.tree import ROOT

_COMPLAINS = re.compile(r"\[(warning|error|critical)\s*\]|Traceback|Warning:")
_OURS = re.compile(r"aws_?exec", re.IGNORECASE)


def sizes(folder: Path) -> dict[Path, int]:
    """The log files there are, and how long each is."""
    return {path: path.stat().st_size for path in folder.rglob("*.log")}


def complaints(folder: Path, before: dict[Path, int]) -> list[str]:
    """The lines written since `before` that are a warning, an error or a traceback, and name a module of ours."""
    return [
        f"{path.name}: {line}"
        for path in sorted(sizes(folder))
        for line in _lines(path, before.get(path, 0))
        if _COMPLAINS.search(line) and _OURS.search(line.replace(str(ROOT), ""))
    ]


def _lines(path: Path, start: int) -> Iterator[str]:
    """Each line; a traceback belongs to the line before it. Task logs are JSON: the level is put before their text."""
    text = path.read_bytes()[start:].decode(errors="replace")
    for line in re.sub(r"\n(?=[ \t]|Traceback|[\w.]+(?:Error|Exception)\b)", " ", text).splitlines():
        if line.startswith("{"):
            yield f"[{json.loads(line).get('level', '')}] {line}"
        else:
            yield line
