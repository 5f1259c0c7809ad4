"""The cost of a job so far: its size times its billed time, by the table of `settings.common.prices`. Pure.

An estimate: in the table's Region; Spot by its share, if it is known to be Spot; at least a minute is billed (AWS
Fargate pricing, Linux).
"""

from __future__ import annotations

from aws_exec.fleet.model import FleetJob
from aws_exec.settings.common.prices import Prices, hourly

#: Seconds that are billed at least.
LEAST = 60.0


def cost_so_far(job: FleetJob, now: float, prices: Prices) -> float | None:
    """Return the cost in the table's currency; None without a price: on your own instances, or of unknown size."""
    an_hour = hourly(prices, job.size)
    seconds = job.billed(now)
    return None if an_hour is None else an_hour * (max(seconds, LEAST) if seconds else 0.0) / 3600
