"""Amounts with units, converted to AWS's units: CPU units, MiB, GiB, seconds.

Every function takes the written value, returns the amount, and raises `ValueError` with what was expected.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from aws_exec.settings.common.coercion import seconds

#: Plain numbers from here on are CPU units, smaller ones vCPUs: 256 units are the smallest Fargate size, and AWS sells
#: no container with 256 vCPUs.
FIRST_UNITS = 256
UNITS_PER_VCPU = 1024

#: Service Quotas of the service `fargate`, in vCPUs that may run at a time: name and code, by whether of Spot.
FARGATE_QUOTAS: Mapping[bool, tuple[str, str]] = {
    False: ("Fargate quota", "L-3032A538"),
    True: ("Fargate Spot quota", "L-36FBB829"),
}

#: Larger than any machine: a larger value is a mistake.
_MOST_MIB = 64 * 1024 * 1024
_MOST_UNITS = 1024 * UNITS_PER_VCPU

_CPU = re.compile(r"(\d+\.?\d*|\.\d+)\s*(vcpus?|cpus?|units?)?", re.ASCII | re.IGNORECASE)
_SIZE = re.compile(r"(\d+\.?\d*|\.\d+)\s*(mi?b?|gi?b?|ti?b?)?", re.ASCII | re.IGNORECASE)
_MIB: Mapping[str, int] = {"m": 1, "g": 1024, "t": 1024 * 1024}


def cpu_units(value: object) -> int:
    """Return the CPU units (1024 are one vCPU) of `0.5`, `4`, `"2 vCPU"`, or of `512`, `"512 units"`."""
    found = _CPU.fullmatch(_text(value))
    if not found:
        raise ValueError("is not an amount of CPU: write vCPUs as in 0.5 or 4, or CPU units as in 512")
    amount, unit = float(found[1]), (found[2] or "").lower()
    in_units = unit.startswith("unit") or (not unit and amount >= FIRST_UNITS)
    return _whole(amount if in_units else amount * UNITS_PER_VCPU, _MOST_UNITS, "CPU units")


def mebibytes(value: object) -> int:
    """Return the MiB of `1GiB`, `"1.5 GB"` (AWS's GB are GiB), `512MiB`, or of `512`."""
    found = _SIZE.fullmatch(_text(value))
    if not found:
        raise ValueError("is not an amount of memory: write it as in 1GiB or 512MiB, or in MiB as in 512")
    return _whole(float(found[1]) * _MIB[(found[2] or "m")[0].lower()], _MOST_MIB, "MiB")


def gibibytes(value: object) -> int:
    """Return the GiB of `50GiB`, or of `50`."""
    text = _text(value)
    mib = mebibytes(f"{text}GiB" if re.fullmatch(r"[\d.]+", text) else text)
    return _whole(mib / 1024, _MOST_MIB // 1024, "GiB")


def whole_seconds(value: object) -> int:
    """Return the seconds of `2h`, `90m`, or of `7200`."""
    found = seconds(value)
    if found is None or not math.isfinite(found):
        raise ValueError("is not a duration: a number of seconds, or 20s, 2m, 1h")
    return _whole(found, 10**9, "seconds")


def vcpus(units: float) -> str:
    """Return CPU units as vCPUs, for people and for AWS Batch: `0.5`, `4`."""
    return f"{units / UNITS_PER_VCPU:g}"


def size(mib: float) -> str:
    """Return MiB as text: `512 MiB`, `16 GiB`."""
    return f"{mib / 1024:g} GiB" if mib % 512 == 0 and mib >= 1024 else f"{mib:g} MiB"  # noqa: PLR2004 - halves of one


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return ""
    return f"{value:.6f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value).strip()


def _whole(amount: float, most: int, unit: str) -> int:
    if not 0 < amount <= most:
        raise ValueError(f"is out of range: more than 0 and at most {most:,} {unit}")
    if not math.isclose(amount, round(amount), abs_tol=1e-6):
        raise ValueError(f"is not a whole number of {unit}")
    return round(amount)
