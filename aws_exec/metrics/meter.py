"""Meters: any thread records values, one thread adds them up, without a lock.

A signal handler's `SystemExit` may interrupt the thread that drains between any two bytecodes. That costs a few values,
and leaves no lock locked.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple, Protocol

from aws_exec.lifecycle.values import FailureKind
from aws_exec.metrics.catalogue import Kind, Metric

#: Values that may wait to be drained: more than the lanes record between two heartbeats. A scheduler that stalls for
#: minutes loses the oldest, and does not run out of memory.
_MAX_RECORDED = 50_000
#: Samples of one timer that are kept between two flushes: enough for percentiles, few enough to be sent within a
#: heartbeat.
SAMPLES = 100


class Series(NamedTuple):
    """One metric, for one value of its `by` and of its other tags, in their order; empty where it has none."""

    metric: Metric
    by: str = ""
    tags: tuple[str, ...] = ()


class Meter(Protocol):
    """Records values of metrics. Thread-safe, never waits, never raises."""

    def record(self, metric: Metric, value: float = 1, by: str = "", *tags: str) -> None:
        """Record a value: an increment (counter), the present value (gauge), seconds (timer)."""
        ...


class NoMeter:
    """A meter that ignores all values."""

    def record(self, metric: Metric, value: float = 1, by: str = "", *tags: str) -> None:
        """Ignore the value."""


class Tally:
    """A meter that adds values up until they are taken.

    Attributes:
        counts, gauges: by series, since they were last taken.
        times: seconds, the last `SAMPLES` of each series since then.
    """

    def __init__(self) -> None:
        self._recorded: deque[tuple[Series, float]] = deque(maxlen=_MAX_RECORDED)
        self.counts: dict[Series, float] = {}
        self.gauges: dict[Series, float] = {}
        self.times: dict[Series, deque[float]] = {}

    def record(self, metric: Metric, value: float = 1, by: str = "", *tags: str) -> None:
        """See `Meter`; call it from any thread."""
        self._recorded.append((Series(metric, by, tags), value))

    def drain(self) -> None:
        """Add up the recorded values; call it from one thread only."""
        while self._recorded:
            series, value = self._recorded.popleft()
            if series.metric.kind is Kind.COUNTER:
                self.counts[series] = self.counts.get(series, 0) + value
            elif series.metric.kind is Kind.GAUGE:
                self.gauges[series] = value
            else:
                self.times.setdefault(series, deque(maxlen=SAMPLES)).append(value)

    def clear(self) -> None:
        """Start again: the sums have been taken."""
        self.counts, self.gauges, self.times = {}, {}, {}


def word(kind: FailureKind) -> str:
    """Return a kind of failure as the value of a tag: `no_answer`."""
    return kind.name.lower()
