"""What Airflow's stats are told, recorded at the seam that Airflow has for it: the factory of its stats logger."""

from __future__ import annotations

from collections import defaultdict

from tests.executors.versions import initialize_stats


class Recorder:
    """A stats logger."""

    def __init__(self) -> None:
        self.counts = defaultdict(float)
        self.gauges = {}
        self.times = defaultdict(list)
        #: The tags of each name.
        self.tags = defaultdict(list)

    def install(self):
        """Stand for the configured one. An executor that is built later puts that back in its place."""
        initialize_stats(lambda: self)
        return self

    def incr(self, stat, count=1, rate=1, *, tags=None):
        self.counts[stat] += count
        self.tags[stat].append(tags)

    def gauge(self, stat, value, rate=1, delta=False, *, tags=None):
        self.gauges[stat] = value
        self.tags[stat].append(tags)

    def timing(self, stat, dt, *, tags=None):
        self.times[stat].append(dt)
        self.tags[stat].append(tags)

    def ours(self):
        """The names of ours that were emitted, by kind."""
        told = {"counter": self.counts, "gauge": self.gauges, "timer": self.times}
        return {kind: {name for name in names if name.startswith("awsexec.")} for kind, names in told.items()}

    def all_counts(self, prefix):
        """Our counters, without the prefix."""
        return {name.removeprefix(prefix): int(count) for name, count in self.counts.items() if name.startswith(prefix)}
