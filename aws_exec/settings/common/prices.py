"""The hourly cost of a job by its size: an estimate from a dated price table, which a file may replace. Pure.

The table is of us-east-1, Linux/x86, as of mid-2026, second-hand; Spot varies by the minute.
Your own instances (EC2 launch types, Batch on EC2, GPUs) have no price here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: GiB of ephemeral storage that every Fargate task has free of charge.
FREE_STORAGE = 20


@dataclass(frozen=True, slots=True)
class Prices:
    """Fargate's prices, in one currency per hour.

    Attributes:
        dated: when it was valid.
        region: in which it is valid.
        vcpu, gb: on demand, for one vCPU, for one GiB of memory.
        storage_gb: for one GiB of ephemeral storage beyond the free 20.
        spot_share: Spot's share of the price; an estimate.
        currency: of all prices.
    """

    dated: str = "2026-07"
    region: str = "us-east-1"
    vcpu: float = 0.04048
    gb: float = 0.004445
    storage_gb: float = 0.000111
    spot_share: float = 0.3
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class Size:
    """The resources of a job.

    Attributes:
        vcpu: vCPUs; None if unknown.
        memory_mib: MiB; None if unknown.
        gpu: GPUs.
        storage_gib: ephemeral storage, GiB; 0 if unknown.
        fargate: whether it runs on Fargate, which has a price; None: unknown.
        spot: whether on Fargate Spot; None: unknown.
    """

    vcpu: float | None = None
    memory_mib: int | None = None
    gpu: int = 0
    storage_gib: int = 0
    fargate: bool | None = False
    spot: bool | None = False


def prices_of(document: object) -> Prices:
    """Return a price table from a file; ours has the prices that it does not name.

    Raises:
        ValueError: with the wrong price.
    """
    known = Prices()
    if not isinstance(document, Mapping):
        raise ValueError("is not a mapping of prices")  # noqa: TRY004 - the content of a file is wrong
    for name, value in document.items():
        if name not in Prices.__slots__:
            raise ValueError(f"{name} is not known; there are: {', '.join(Prices.__slots__)}")
        expected = type(getattr(known, name))
        if expected is float and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
            raise ValueError(f"{name} is not a price")
    values: dict[str, Any] = {
        name: str(value) if isinstance(getattr(known, name), str) else float(value) for name, value in document.items()
    }
    return Prices(**values)


def hourly(prices: Prices, size: Size) -> float | None:
    """Return the hourly cost of a job of this size on Fargate; Spot's price only if it is known to be Spot.

    Returns:
        In the table's currency; None without a price: on your own instances, or of unknown size.
    """
    if size.fargate is False or size.vcpu is None or size.memory_mib is None:
        return None
    share = prices.spot_share if size.spot else 1.0
    compute = size.vcpu * prices.vcpu + size.memory_mib / 1024 * prices.gb
    return share * compute + max(size.storage_gib - FREE_STORAGE, 0) * prices.storage_gb
