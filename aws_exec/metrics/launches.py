"""Counts and times of launches, computed from the machine's events and effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_exec.lifecycle import effects, events
from aws_exec.lifecycle.values import Key, Observation
from aws_exec.metrics import catalogue as of
from aws_exec.metrics.meter import Meter, word


@dataclass(slots=True)
class _Waiting:
    """A launch whose user code has not started.

    Attributes:
        since: when Airflow handed it in.
        accepted: when its current job was accepted; None before the first is.
        arn: of that job; empty before.
    """

    since: float
    accepted: float | None = None
    arn: str = ""


class Launches:
    """Counts launches, and measures how long they take until user code runs; on one thread.

    A `SystemExit` between any two lines costs one value, and breaks nothing after it.

    Args:
        meter: records the values.
    """

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        #: Launches that have not started yet: the newest of each key.
        self._waiting: dict[Key, _Waiting] = {}
        self._by_arn: dict[str, Key] = {}

    def saw(self, event: events.Event, new_effects: Sequence[effects.Effect], now: float) -> None:
        """Count an event and its effects."""
        seen = self._heard(event, now)
        for effect in new_effects:
            if isinstance(effect, effects.Launched):
                self._accepted(effect, now)
        if self._by_arn:
            # A container that has exited in the answer that first shows it has started, too.
            for each in seen:
                if each.started and (key := self._by_arn.get(each.job.arn)) is not None:
                    self._started(key, now)
        for effect in new_effects:
            self._ended(effect)

    def _heard(self, event: events.Event, now: float) -> Sequence[Observation]:
        """Count an event; the jobs that it shows."""
        match event:
            case events.WorkloadQueued():
                self._forget(event.key)
                self._waiting[event.key] = _Waiting(now)
                self._meter.record(of.TAKEN)
            case events.Adopted():
                self._meter.record(of.ADOPTED)
            case events.Accepted():
                self._meter.record(of.REQUESTS, 1, "accepted")
                return (event.seen,)
            case events.Unaccepted():
                self._meter.record(of.REQUESTS, 1, word(event.failure.kind))
            case events.Described() | events.FoundByLaunchId():
                return event.seen
        return ()

    def _accepted(self, effect: effects.Launched, now: float) -> None:
        waiting = self._waiting.get(effect.key)
        if waiting is None:
            return
        if waiting.accepted is None:
            self._meter.record(of.QUEUED_TO_ACCEPTED, now - waiting.since)
        self._by_arn.pop(waiting.arn, None)
        waiting.accepted, waiting.arn = now, effect.job.arn
        self._by_arn[waiting.arn] = effect.key

    def _started(self, key: Key, now: float) -> None:
        waiting = self._waiting.get(key)
        if waiting is not None and waiting.accepted is not None:
            self._meter.record(of.QUEUED_TO_RUNNING, now - waiting.since)
            self._meter.record(of.ACCEPTED_TO_RUNNING, now - waiting.accepted)
        self._forget(key)

    def _ended(self, effect: effects.Effect) -> None:
        match effect:
            case effects.Report():
                self._meter.record(of.LAUNCHES, 1, "succeeded" if effect.success else "failed")
                if effect.containers > 1:
                    self._meter.record(of.REPLACED, effect.containers - 1)
                self._forget(effect.key)
            case effects.Release():
                self._meter.record(of.LAUNCHES, 1, "released")
                self._forget(effect.key)

    def _forget(self, key: Key) -> None:
        waiting = self._waiting.get(key)
        if waiting is not None:
            self._by_arn.pop(waiting.arn, None)
            self._waiting.pop(key, None)
