"""The heartbeat: feeds completions to the machine and carries out its effects, within 20 ms.

Effects for Airflow are carried out at once, by the reporter: they are dictionary operations. Effects that need AWS or
the database go to the dispatcher's threads. The scheduler's thread never waits for AWS, and for the database at most
10 ms, for exits that are being verified. Nothing here decides what happens to a job.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from airflow.executors.base_executor import BaseExecutor

from aws_exec.dispatch.dispatcher import Dispatcher
from aws_exec.executors import compat
from aws_exec.executors.fleet_listing import FleetLister
from aws_exec.executors.metrics import ExecutorMetrics, Levels
from aws_exec.executors.reporter import Reporter
from aws_exec.lifecycle import Machine, effects, events
from aws_exec.lifecycle.values import LaunchId
from aws_exec.metrics import catalogue

#: Seconds of a heartbeat that intake, completions and Ticks may take together; the rest waits for the next one.
BUDGET = 0.020
#: Seconds between two polls of a heartbeat for the exits that it verifies.
EXIT_POLL_SECONDS = 0.002

#: Launches whose story a debug dump contains.
STORIES = 20

#: Seconds after which an answer is overdue: no call of ours has longer timeouts.
OVERDUE = 120.0


class Heartbeat:
    """Feeds the machine of one executor, and carries out its effects. All of it runs on the scheduler's thread.

    Attributes:
        machine: every launch of the executor; replaced by one with the executor's policy when it starts.
        dispatcher: None until the executor starts.
        intake_seconds: the part of this heartbeat's budget that the intake used: Airflow queues first, then syncs.
    """

    #: How often a heartbeat polls for the exits that it verifies.
    EXIT_POLLS: ClassVar[int] = 5

    def __init__(
        self,
        executor: BaseExecutor,
        reporter: Reporter,
        fleet_lister: FleetLister,
        metrics: ExecutorMetrics,
        clock: Callable[[], float],
    ) -> None:
        self.machine = Machine()
        self.dispatcher: Dispatcher | None = None
        self.intake_seconds = 0.0
        self._executor = executor
        self._reporter = reporter
        self._fleet_lister = fleet_lister
        self._metrics = metrics
        self._clock = clock
        #: Launches whose exit this heartbeat verifies.
        self._exits_asked: set[LaunchId] = set()
        #: Whether an overdue request was logged, and still is overdue.
        self._overdue = False

    def run(self) -> None:
        """Handle completions, report to Airflow, dispatch what is due."""
        begun = self._clock()
        deadline = begun + max(BUDGET - self.intake_seconds, BUDGET / 4)
        self.intake_seconds = 0.0
        if self.dispatcher is not None:
            self.dispatcher.renew_lease(self._clock())
        self.handle_completions(deadline)
        self.run_ticks(deadline)
        self._wait_for_verified_exits(deadline)
        self._metrics.heartbeat(begun, self.levels)

    def handle_completions(self, deadline: float) -> None:
        """Feed the machine the dispatcher's completions, until the deadline."""
        self._reporter.report_waiting()
        self._carry_out()
        while self.dispatcher is not None and (event := self.dispatcher.peek()) is not None:
            self.handle(event)
            self.dispatcher.pop()
            if self._clock() >= deadline:
                return

    def run_ticks(self, deadline: float) -> None:
        """Feed the machine Ticks until nothing is due any more, until the deadline."""
        self.handle(events.Tick())
        while self.machine.due(self._clock()) and self._clock() < deadline:
            self.handle(events.Tick())

    def handle(self, event: events.Event) -> None:
        """Feed the machine an event, and carry out its effects."""
        now = self._clock()
        new_effects = self.machine.handle(event, now)
        self._metrics.record(event, new_effects, now)
        if self.machine.store.unexpected:
            self._log_unexpected()
        self._carry_out()

    def levels(self) -> Levels:
        """Return the gauges as they are now."""
        store, dispatcher = self.machine.store, self.dispatcher
        return {
            catalogue.PENDING: len(store.launches) - len(store.watched),
            catalogue.ACTIVE: len(store.watched),
            catalogue.OUTSTANDING: dispatcher.outstanding if dispatcher is not None else 0,
            catalogue.OLDEST_REQUEST: self._wait_of_oldest(),
        }

    def stories(self) -> list[str]:
        """Return the stories of the launches that have waited longest for their start."""
        return [self._story(key) for key in self.machine.longest_waiting(STORIES)]

    def _story(self, key: Any) -> str:
        return f"{compat.named(self._executor, key)}:\n{self.machine.story(key, self._clock())}"

    def phases(self) -> Mapping[str, int]:
        """Return the number of launches in each phase."""
        return dict(Counter(launch.phase.value for launch in self.machine.store.launches.values()))

    def _wait_for_verified_exits(self, deadline: float) -> None:
        """Wait, within the budget, until the database lane has verified the exits that became known just now.

        That takes a few milliseconds; the next heartbeat, and so the report to Airflow, may be a second away.
        """
        asked, self._exits_asked = self._exits_asked, set()
        for _ in range(self.EXIT_POLLS if self.dispatcher is not None else 0):
            if self._clock() >= deadline or not any(map(self.machine.verifies_exit, asked)):
                return
            time.sleep(EXIT_POLL_SECONDS)
            self.handle_completions(deadline)

    def _carry_out(self) -> None:
        """Carry out the effects in the outbox. Each leaves it only when it is done: a signal in between loses none."""
        outbox = self.machine.store.outbox
        for number in list(outbox):
            effect = outbox[number]
            try:
                self._perform(number, effect)
            except Exception:
                # One effect that cannot be carried out must not hold up all that follow it in every heartbeat.
                self._executor.log.exception("%s could not be carried out", type(effect).__name__)
            outbox.pop(number, None)

    def _perform(self, number: int, effect: effects.Effect) -> None:
        match effect:
            case effects.Launched(key=key, job=job):
                self._reporter.running(key, job)
            case effects.Report():
                self._reporter.report(effect)
            case effects.Note():
                self._reporter.note(effect)
            case effects.Release(key=key):
                self._reporter.release(key)
            case effects.Orphans():
                self._metrics.orphans(len(effect.found))
                self._reporter.orphans(effect)
            case _ if self.dispatcher is not None:
                if isinstance(effect, effects.VerifyExit):
                    self._exits_asked.add(effect.launch_id)
                elif isinstance(effect, effects.ListFleet):
                    self._fleet_lister.prepare(self.machine.store.launches)
                self.dispatcher.dispatch(number, effect)

    def _log_unexpected(self) -> None:
        """Log a change that the tables of transitions do not allow: a bug of ours, which must not go unnoticed."""
        while self.machine.store.unexpected:
            key, before, after = self.machine.store.unexpected.pop()
            self._executor.log.error(
                "A launch went from %s to %s, which nobody foresaw: please report this\n%s",
                before,
                after,
                self._story(key),
            )

    def _wait_of_oldest(self) -> float:
        """Return the seconds that the oldest request has waited; warn once of one that is overdue."""
        oldest = self.dispatcher.oldest() if self.dispatcher is not None else None
        overdue = oldest is not None and oldest.seconds > OVERDUE
        if oldest is not None and overdue and not self._overdue:
            state = "a thread has begun it" if oldest.begun else "it is queued, behind the rate or for credentials"
            self._executor.log.warning(
                "A %s request has had no answer for %.0f s: %s", oldest.kind, oldest.seconds, state
            )
        self._overdue = overdue
        return oldest.seconds if oldest is not None else 0.0
