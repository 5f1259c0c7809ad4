"""What a job has cost so far: its size, for as long as it is paid for, by the one table (`settings.prices`). Pure.

An estimate: of the table's Region; Spot by its share, where it is known to be Spot; a minute is paid for at least (AWS
Fargate pricing, Linux).
"""

from __future__ import annotations

from aws_exec.fleet.model import FleetJob
from aws_exec.settings.common.prices import Prices, hourly

#: Seconds that are paid for at least.
LEAST = 60.0


def cost_so_far(job: FleetJob, now: float, prices: Prices) -> float | None:
    """In the table's currency; None where there is no price: on instances of one's own, or of unknown size."""
    an_hour = hourly(prices, job.size)
    seconds = job.billed(now)
    return None if an_hour is None else an_hour * (max(seconds, LEAST) if seconds else 0.0) / 3600
