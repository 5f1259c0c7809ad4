"""What a template costs an hour: an estimate from a dated price table, which a file may replace. Pure.

The table is of us-east-1, Linux/x86, as of mid-2026, second-hand; Spot varies by the minute.
Instances that one owns (EC2 launch types, Batch on EC2, GPUs) have no price here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_exec.settings.file.units import UNITS_PER_VCPU

#: GiB of ephemeral storage that every Fargate task has for nothing.
FREE_STORAGE = 20


@dataclass(frozen=True, slots=True)
class Prices:
    """What Fargate costs, in one currency an hour.

    Attributes:
        dated: when it was looked up.
        region: where it holds.
        vcpu, gb: on demand, for one vCPU, for one GiB of memory.
        storage_gb: for one GiB of ephemeral storage beyond the free 20.
        spot_share: what Spot costs of that, as a share; an estimate.
        currency: of all of it.
    """

    dated: str = "2026-07"
    region: str = "us-east-1"
    vcpu: float = 0.04048
    gb: float = 0.004445
    storage_gb: float = 0.000111
    spot_share: float = 0.3
    currency: str = "USD"


def prices_of(document: object) -> Prices:
    """A price table of one's own; what it does not name is as in ours.

    Raises:
        ValueError: naming what is wrong.
    """
    known = Prices()
    if not isinstance(document, Mapping):
        raise ValueError("is not a mapping of prices")  # noqa: TRY004 - what a file says
    for name, value in document.items():
        if name not in Prices.__slots__:
            raise ValueError(f"{name} is not known; there are: {', '.join(Prices.__slots__)}")
        wanted = type(getattr(known, name))
        if wanted is float and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
            raise ValueError(f"{name} is not a price")
    said: dict[str, Any] = {
        name: str(value) if isinstance(getattr(known, name), str) else float(value) for name, value in document.items()
    }
    return Prices(**said)


def hourly(
    prices: Prices, cpu_units: float | None, memory_mib: float | None, *, storage_gib: float = 0, spot: bool = False
) -> float | None:
    """What a task of this size costs an hour on Fargate; None if its size is not known."""
    if cpu_units is None or memory_mib is None:
        return None
    share = prices.spot_share if spot else 1.0
    compute = cpu_units / UNITS_PER_VCPU * prices.vcpu + memory_mib / 1024 * prices.gb
    return share * compute + max(storage_gib - FREE_STORAGE, 0) * prices.storage_gb


def summary(name: str, levels: Any, prices: Prices) -> dict[str, Any]:
    """What `awsexec templates` shows of one template: its name, service, size and cost; None where nothing is said."""
    merged: dict[str, Any] = {}
    for level in levels:
        merged |= level.model_dump(mode="json", exclude_unset=True)
    elsewhere = (
        merged.get("gpu") or merged.get("capacity_provider") or merged.get("launch_type") not in (None, "FARGATE")
    )
    cost = None
    if not elsewhere:
        storage = merged.get("ephemeral_storage") or 0
        spot = bool(merged.get("spot"))
        cost = hourly(prices, merged.get("cpu"), merged.get("memory"), storage_gib=storage, spot=spot)
    return {
        "name": name,
        "executor": merged.get("executor"),
        "extends": levels[-1].extends,
        "cpu": None if merged.get("cpu") is None else merged["cpu"] / UNITS_PER_VCPU,
        "memory_mib": merged.get("memory"),
        "gpu": merged.get("gpu"),
        "spot": merged.get("spot"),
        "cost_per_hour": None if cost is None else round(cost, 5),
        "description": levels[-1].description,
    }
