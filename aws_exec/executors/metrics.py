"""The metrics of one executor: events and effects become counters, gauges and timers of Airflow's stats.

Cheap on purpose: recording is an append, a heartbeat adds up what was recorded since the last one, and Airflow's stats
are called once in `FLUSH_SECONDS` at most. They run on the scheduler's thread, as Airflow's own do; what they raise is
logged once, and not raised.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from aws_exec.executors import compat
from aws_exec.lifecycle import effects, events
from aws_exec.lifecycle.values import FailureKind
from aws_exec.metrics import catalogue as of
from aws_exec.metrics.launches import Launches
from aws_exec.metrics.meter import Meter, Series, Tally, word

log = logging.getLogger(__name__)

#: Seconds between two flushes, at least. StatsD itself flushes every 10 s: each of its values gets a fresh gauge.
FLUSH_SECONDS = 5.0

#: Seconds that an operation counts as failing after its last try: it is tried again within 120 while a launch needs it
#: (`aws_exec.lifecycle.policy.BACKOFF`); when none does, nothing would show that it works again.
FAILING_SECONDS = 180.0

#: The values of gauges.
Levels: TypeAlias = Mapping[of.Metric, float]

#: Kinds of failures of a service that cannot be used; a throttle and an invalid request are answers of one that can.
_UNUSABLE = frozenset(
    word(kind) for kind in (FailureKind.UNREACHED, FailureKind.NO_ANSWER, FailureKind.CREDENTIALS, FailureKind.REFUSED)
)


class ExecutorMetrics:
    """The metrics of one executor; all of it is called on the scheduler's thread.

    Args:
        service: `"ecs"` or `"batch"`.
        tags: that every metric carries.
        clock: seconds, monotonic.

    Attributes:
        meter: records a value; from any thread.
    """

    def __init__(self, service: str, tags: dict[str, str], clock: Callable[[], float]) -> None:
        self._prefix = f"{of.PREFIX}.{service}."
        self._tags = tags
        self._clock = clock
        self._flushed = clock()
        self._tally = Tally()
        self._watch = Launches(self._tally)
        #: Operations that failed whenever they were tried, with the time of the last try.
        self._failing: dict[str, float] = {}
        self._failed = False
        self.meter: Meter = self._tally

    def record(self, event: events.Event, new_effects: Sequence[effects.Effect], now: float) -> None:
        """Record an event and the effects that it led to. Never raises."""
        if new_effects or not isinstance(event, events.Tick):
            try:
                self._watch.saw(event, new_effects, now)
            except Exception:
                log.exception("%s could not be counted", type(event).__name__)

    def heartbeat(self, begun: float, levels: Callable[[], Levels]) -> None:
        """Record a heartbeat that ends now; flush, if it is time. Never raises.

        Args:
            begun: when it began, on the clock.
            levels: returns the gauges as they are now; called before a flush only.
        """
        now = self._clock()
        self._tally.record(of.SYNC, now - begun)
        self._tally.drain()
        if now - self._flushed >= FLUSH_SECONDS:
            self.flush(levels())

    def adoption(self, seconds: float) -> None:
        """Record how long an adoption took."""
        self.meter.record(of.ADOPTION, seconds)

    def orphans(self, count: int) -> None:
        """Record how many containers of a fleet listing nobody owns."""
        self.meter.record(of.ORPHANS, count)

    def flush(self, levels: Levels) -> None:
        """Emit everything to Airflow's stats. Never raises."""
        self._flushed = self._clock()
        self._tally.drain()
        for metric, level in {**levels, of.HEALTHY: self._health(self._flushed)}.items():
            self._tally.gauges[Series(metric)] = level
        try:
            self._emit()
        except Exception:
            if not self._failed:
                self._failed = True
                log.exception("Metrics cannot be emitted; this is said once")
        finally:
            self._tally.clear()

    def _emit(self) -> None:
        stats = compat.stats()
        for series, count in self._tally.counts.items():
            stats.incr(self._name(series), int(count), tags=self._tags_of(series))
        for series, value in self._tally.gauges.items():
            stats.gauge(self._name(series), value, tags=self._tags_of(series))
        for series, times in self._tally.times.items():
            name, tags = self._name(series), self._tags_of(series)
            for seconds in times:
                stats.timing(name, seconds * 1000, tags=tags)

    def _name(self, series: Series) -> str:
        return self._prefix + series.metric.name + (f".{series.by}" if series.metric.by else "")

    def _tags_of(self, series: Series) -> dict[str, str]:
        own = {series.metric.by: series.by} if series.metric.by else {}
        return {**self._tags, **own, **dict(zip(series.metric.tags, series.tags, strict=True))}

    def _health(self, now: float) -> int:
        """1 while the service can be used, as far as anybody has tried lately; else 0."""
        failed: Counter[str] = Counter()
        for series, count in self._tally.counts.items():
            if series.metric is of.API_ERRORS and series.tags[0] in _UNUSABLE:
                failed[series.by] += int(count)
        for series, count in self._tally.counts.items():
            if series.metric is of.API_CALLS and failed[series.by] < count:
                self._failing.pop(series.by, None)
            elif series.metric is of.API_CALLS:
                self._failing[series.by] = now
        self._failing = {name: at for name, at in self._failing.items() if now - at < FAILING_SECONDS}
        return int(not self._failing)
