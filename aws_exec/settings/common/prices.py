"""What a job of a size costs an hour: an estimate from a dated price table, which a file may replace. Pure.

The table is of us-east-1, Linux/x86, as of mid-2026, second-hand; Spot varies by the minute.
Instances that one owns (EC2 launch types, Batch on EC2, GPUs) have no price here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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


@dataclass(frozen=True, slots=True)
class Size:
    """What a job is given.

    Attributes:
        vcpu: vCPUs; None if it is not said.
        memory_mib: MiB; None if it is not said.
        gpu: GPUs.
        storage_gib: ephemeral storage, GiB; 0 if it is not said.
        fargate: whether it runs on Fargate, which has a price; None: nobody says.
        spot: whether on Fargate Spot; None: nobody says.
    """

    vcpu: float | None = None
    memory_mib: int | None = None
    gpu: int = 0
    storage_gib: int = 0
    fargate: bool | None = False
    spot: bool | None = False


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
        expected = type(getattr(known, name))
        if expected is float and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
            raise ValueError(f"{name} is not a price")
    values: dict[str, Any] = {
        name: str(value) if isinstance(getattr(known, name), str) else float(value) for name, value in document.items()
    }
    return Prices(**values)


def hourly(prices: Prices, size: Size) -> float | None:
    """What a job of this size costs an hour, if it is on Fargate; on Spot only where that is known.

    Returns:
        In the table's currency; None where there is no price: on instances of one's own, or of unknown size.
    """
    if size.fargate is False or size.vcpu is None or size.memory_mib is None:
        return None
    share = prices.spot_share if size.spot else 1.0
    compute = size.vcpu * prices.vcpu + size.memory_mib / 1024 * prices.gb
    return share * compute + max(size.storage_gib - FREE_STORAGE, 0) * prices.storage_gb
