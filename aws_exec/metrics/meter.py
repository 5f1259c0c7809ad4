"""Telling and collecting: any thread tells, one thread drains, nobody waits for a lock.

A signal handler's `SystemExit` may interrupt the thread that drains between any two bytecodes; what that costs is a
few numbers, never a lock that stays locked.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple, Protocol

from aws_exec.lifecycle.values import FailureKind
from aws_exec.metrics.catalogue import Kind, Metric

#: What may wait to be drained: more than the lanes tell of between two beats of a scheduler that is alive. A scheduler
#: that stalls for minutes loses the oldest; it does not run out of memory.
_TOLD_AT_MOST = 50_000
#: Samples of one timer that are kept between two flushes: enough for percentiles, few enough to be sent within a beat.
SAMPLES = 100


class Series(NamedTuple):
    """One metric, for one value of its `by` and of its other tags, in their order; empty where it has none."""

    metric: Metric
    by: str = ""
    tags: tuple[str, ...] = ()


class Meter(Protocol):
    """To be told of what happened. Thread-safe, never waits, never raises."""

    def record(self, metric: Metric, value: float = 1, by: str = "", *tags: str) -> None:
        """Tell of a metric: how many more (counter), how much now (gauge), how many seconds (timer)."""
        ...


class NoMeter:
    """Nobody listens."""

    def record(self, metric: Metric, value: float = 1, by: str = "", *tags: str) -> None:
        """Forget it."""


class Tally:
    """Collects what it is told until it is taken.

    Attributes:
        counts, gauges: by series, since they were last taken.
        times: seconds, the last `SAMPLES` of each series since then.
    """

    def __init__(self) -> None:
        self._told: deque[tuple[Series, float]] = deque(maxlen=_TOLD_AT_MOST)
        self.counts: dict[Series, float] = {}
        self.gauges: dict[Series, float] = {}
        self.times: dict[Series, deque[float]] = {}

    def record(self, metric: Metric, value: float = 1, by: str = "", *tags: str) -> None:
        """As `Meter.tell`; from any thread."""
        self._told.append((Series(metric, by, tags), value))

    def drain(self) -> None:
        """Add up what was told; from one thread only."""
        while self._told:
            series, value = self._told.popleft()
            if series.metric.kind is Kind.COUNTER:
                self.counts[series] = self.counts.get(series, 0) + value
            elif series.metric.kind is Kind.GAUGE:
                self.gauges[series] = value
            else:
                self.times.setdefault(series, deque(maxlen=SAMPLES)).append(value)

    def clear(self) -> None:
        """Begin anew: what was added up has been taken."""
        self.counts, self.gauges, self.times = {}, {}, {}


def word(kind: FailureKind) -> str:
    """A trouble as the value of a tag: `no_answer`."""
    return kind.name.lower()
