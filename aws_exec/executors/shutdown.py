"""The shutdown by `end` and `terminate`: heartbeats until nothing is unfinished, or the time is over."""

from __future__ import annotations

import time
from collections.abc import Callable

from airflow.executors.base_executor import BaseExecutor

from aws_exec.executors.heartbeat import BUDGET, Heartbeat
from aws_exec.executors.metrics import ExecutorMetrics
from aws_exec.lifecycle import events

#: Seconds that pending calls get at the end, at most; and their share of the whole time.
CLOSING = 5.0
CLOSING_SHARE = 0.1

#: Seconds between two heartbeats, at least: an interval of 0 must not keep a core busy. And at most: an answer of AWS
#: takes about as long.
SHORTEST_PAUSE = 0.05
LONGEST_PAUSE = 0.1

#: Seconds that `terminate()` waits for the containers that it stops, at least: one may take 30 to die of SIGTERM.
TERMINATING = 40.0


class Shutdown:
    """Ends one executor."""

    def __init__(
        self, executor: BaseExecutor, heartbeat: Heartbeat, metrics: ExecutorMetrics, clock: Callable[[], float]
    ) -> None:
        self._executor = executor
        self._heartbeat = heartbeat
        self._metrics = metrics
        self._clock = clock

    def run(self, event: events.Event, interval: float, timeout: float) -> None:
        """Feed the machine `Draining` or `Terminating`, and wait for what is unfinished. Never raises.

        Args:
            event: which of them.
            interval: seconds between two heartbeats, at most.
            timeout: seconds in all.
        """
        try:
            self._heartbeat.handle(event)
            end = self._clock() + timeout
            self._wait(end - min(CLOSING, CLOSING_SHARE * timeout), interval)
            self._close(end)
        except Exception:
            self._executor.log.exception("%s could not end in order", type(self._executor).__name__)

    def _wait(self, deadline: float, interval: float) -> None:
        while self._heartbeat.machine.unfinished(deadline) and (left := deadline - self._clock()) > 0:
            self._executor.sync()
            time.sleep(min(max(interval, SHORTEST_PAUSE), left, LONGEST_PAUSE))
        self._executor.sync()

    def _close(self, end: float) -> None:
        log, dispatcher, machine = self._executor.log, self._heartbeat.dispatcher, self._heartbeat.machine
        closing = min(CLOSING, max(end - self._clock(), 0.0))
        if dispatcher is not None and not dispatcher.close(closing):
            log.warning("Calls to AWS are still under way; leaving them")
        self._metrics.flush(self._heartbeat.levels())
        self._heartbeat.handle_completions(self._clock() + BUDGET)
        if unanswered := machine.unfinished():
            log.warning("AWS has not answered %d launches and stops; leaving them", unanswered)
        if watched := len(machine.store.watched):
            log.info("Leaving %d jobs to be adopted by the next scheduler", watched)
