"""A token bucket as a pure value, with additive increase and multiplicative decrease.

AWS throttles with token buckets of its own (ECS API Reference, "Request throttling"); ours has the same shape, starts
at the documented rate, halves when AWS throttles, and grows back slowly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

#: The lowest part of the configured rate: a throttled lane must keep trying.
FLOOR = 1 / 32
#: Seconds of a full recovery from the floor: a faster one would be throttled again at once.
RECOVERY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Bucket:
    """The calls that are allowed now, and their refill.

    Attributes:
        rate: the configured refill, calls per second; more than 0.
        burst: the most that is saved up, calls; at least 1.
        level: calls saved up at `at`.
        at: when `level` was true, seconds.
        rate_factor: the part of `rate` that is used, between FLOOR and 1.
    """

    rate: float
    burst: float
    level: float
    at: float
    rate_factor: float = 1.0

    @classmethod
    def full(cls, rate: float, burst: float, now: float) -> Bucket:
        """Return a full bucket."""
        if rate <= 0 or burst < 1:
            raise ValueError(f"a bucket needs a rate above 0 and a burst of at least 1, not {rate} and {burst}")
        return cls(rate=rate, burst=burst, level=burst, at=now)

    def refilled(self, now: float) -> Bucket:
        """Return the bucket at a later time; time that runs backwards refills nothing."""
        passed = max(0.0, now - self.at)
        rate_factor = min(1.0, self.rate_factor + passed / RECOVERY_SECONDS)
        level = min(self.burst, self.level + passed * self.rate * self.rate_factor)
        return replace(self, level=level, at=max(now, self.at), rate_factor=rate_factor)

    def wait(self, now: float) -> float:
        """Return the seconds until a call is allowed; 0 if one is now."""
        current = self.refilled(now)
        return max(0.0, (1.0 - current.level) / (current.rate * current.rate_factor))

    def take(self, now: float) -> Bucket:
        """Return the bucket after one call. A call before its time leaves a debt that later calls wait for."""
        current = self.refilled(now)
        return replace(current, level=current.level - 1.0)

    def throttled(self, now: float) -> Bucket:
        """Return the bucket after a throttle: half the rate, and no saved tokens."""
        current = self.refilled(now)
        return replace(current, rate_factor=max(FLOOR, current.rate_factor / 2), level=min(current.level, 0.0))
