"""How long the command line takes to answer, as a shell sees it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

#: The fastest of so many: what another process took is not ours.
TIMES = 7

#: Where the samples are, seen from the root of the repository.
SAMPLES = Path("config-samples")


def measure(environment: dict[str, str]) -> dict[str, Any]:
    """Seconds of `awsexec --help`, and of `awsexec validate-config` on a sample if there is that command yet."""
    sample = min(SAMPLES.glob("*.yaml"), default=None)
    return {
        "help_seconds": _fastest(["--help"], environment),
        "validate_config_seconds": _fastest(["validate-config", str(sample)], environment) if sample else None,
    }


def _fastest(words: list[str], environment: dict[str, str]) -> float | None:
    """Seconds; None if the command fails."""
    took = []
    for _ in range(TIMES):
        begin = time.perf_counter()
        done = subprocess.run(
            [str(Path(sys.executable).with_name("awsexec")), *words],
            env=environment,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if done.returncode:
            return None
        took.append(time.perf_counter() - begin)
    return round(min(took), 3)
