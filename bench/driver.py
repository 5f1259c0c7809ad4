"""Beats an executor as Airflow's scheduler does, through the interface that all executors have, and takes the time.

Of an executor it calls `start`, `queue_workload`, `heartbeat`, `get_event_buffer` and `try_adopt_task_instances`.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

#: Seconds from one beat to the next: while there is something to do, the scheduler's loop goes on at once, and the rest
#: of it (queueing, committing) takes about so long; an idle one sleeps ([scheduler] scheduler_idle_sleep_time).
BUSY, IDLE = 0.02, 1.0


@dataclass(frozen=True, slots=True)
class Beat:
    """One heartbeat.

    Attributes:
        at: when it began; monotonic, seconds.
        seconds: that it took.
        cpu: seconds of them in which the scheduler's thread worked.
    """

    at: float
    seconds: float
    cpu: float


@dataclass
class Driver:
    """A scheduler that only beats.

    Attributes:
        executor: any.
        beats: all of them.
        states: how often each state was told.
        listeners: called with key, state and info of every event, right after the beat that brought it.
    """

    executor: Any
    beats: list[Beat] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    listeners: list[Callable[[Any, str, Any], None]] = field(default_factory=list)

    def start(self) -> None:
        """Start the executor and beat once: Airflow parses its list of metrics in the first beat of a process."""
        self.executor.start()
        self.beat()
        # What importing Airflow has left is not walked by every collection from here on; what is made from here is.
        gc.collect()
        gc.freeze()

    def queue(self, workloads: Iterable[Any]) -> None:
        """As the scheduler does with what it has set to QUEUED."""
        for workload in workloads:
            self.executor.queue_workload(workload, session=None)

    def beat(self) -> int:
        """One heartbeat; how many events came of it."""
        cpu, begin = time.thread_time(), time.perf_counter()
        at = time.monotonic()
        self.executor.heartbeat()
        self.beats.append(Beat(at, time.perf_counter() - begin, time.thread_time() - cpu))
        events = self.executor.get_event_buffer()
        for key, (state, info) in events.items():
            text = str(getattr(state, "value", state))
            self.states[text] += 1
            for listener in self.listeners:
                listener(key, text, info)
        return len(events)

    def until(self, condition: Callable[[], bool], limit: float, *, busy: bool = False) -> bool:
        """Beat until a condition holds or the time is over; whether it held.

        Args:
            condition: looked at after each beat.
            limit: seconds.
            busy: the scheduler has other things to do all the time: it does not sleep between idle beats.
        """
        end = time.monotonic() + limit
        while time.monotonic() < end:
            events = self.beat()
            if condition():
                return True
            time.sleep(BUSY if events or busy else max(0.0, min(IDLE, end - time.monotonic())))
        return False

    def rest(self, seconds: float) -> None:
        """Beat for a while."""
        self.until(lambda: False, seconds)

    def told(self, state: str) -> int:
        """How often a state was told."""
        return self.states[state]

    def since(self, moment: float) -> list[Beat]:
        """The beats that began from a moment on."""
        return [beat for beat in self.beats if beat.at >= moment]


def summary(beats: Sequence[Beat]) -> dict[str, float]:
    """What is told of beats, in milliseconds."""
    lengths = sorted(beat.seconds * 1000 for beat in beats)
    return {
        "beats": len(lengths),
        "longest_ms": round(lengths[-1], 2),
        "longest_cpu_ms": round(max(beat.cpu for beat in beats) * 1000, 2),
        "second_longest_ms": round(lengths[-2], 2) if len(lengths) > 1 else round(lengths[-1], 2),
        "median_ms": round(statistics.median(lengths), 3),
    }


def numbered(prefix: str, count: int, start: int = 0) -> Iterator[str]:
    """Names."""
    return (f"{prefix}{number:06d}" for number in range(start, start + count))
