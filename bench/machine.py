"""What the figures were taken on: enough to judge them, nothing that names a machine or its owner."""

from __future__ import annotations

import os
import platform
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

PACKAGES = ("awsexec", "apache-airflow", "apache-airflow-providers-amazon", "boto3")

#: From this share on somebody else is using the cores, and times are provisional.
BUSY = 0.1


def describe() -> dict[str, Any]:
    """The machine, the versions, and how busy it is with other things now."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
        "busy_before": _busy(3.0),
    }


def _busy(seconds: float) -> float | None:
    """The share of all cores that is in use while we sleep; None where /proc does not tell."""
    before = _ticks()
    if before is None:
        return None
    time.sleep(seconds)
    after = _ticks() or before
    total = sum(after) - sum(before)
    idle = sum(after[3:5]) - sum(before[3:5])
    return round(1 - idle / total, 3) if total else None


def _ticks() -> list[int] | None:
    """/proc/stat's first line (proc(5)): user, nice, system, idle, iowait, ..."""
    try:
        first = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
    except OSError:
        return None
    return [int(word) for word in first.split()[1:9]]
