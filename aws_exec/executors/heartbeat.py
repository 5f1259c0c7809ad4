"""The beat: what becomes known goes into the machine, what it asks for is carried out, and the scheduler never waits.

What is to be told to Airflow is told at once (dictionary operations); what needs AWS or the database goes to the
dispatcher's threads. Nothing in here raises into the scheduler, or decides what happens to a job.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, ClassVar

from airflow.executors.base_executor import BaseExecutor

from aws_exec.dispatch.dispatcher import Dispatcher
from aws_exec.executors import compat, messages
from aws_exec.executors.locations import Locations
from aws_exec.executors.metrics import Levels, Metering
from aws_exec.lifecycle import Machine, effects, events
from aws_exec.lifecycle.values import Job, LaunchId
from aws_exec.metrics import catalogue
from aws_exec.redaction import writable

#: Seconds of a beat that intake, completions and ticks may take together; what is left waits for the next beat.
BUDGET = 0.020
#: Seconds between two looks of a beat for what the rows say of the ends that it has asked about.
ROW_LOOK = 0.002

#: Seconds after which an answer is overdue: no call of ours has longer timeouts.
OVERDUE = 120.0


class BeatingExecutor(compat.RunsCallbacks, BaseExecutor):
    """An executor around a machine and a dispatcher."""

    #: How often a beat looks for what the rows say of the ends that it has asked about.
    ROW_LOOKS: ClassVar[int] = 5

    #: The service's name: boto3's, `Capabilities.service`, and the one in the names of metrics.
    SERVICE: ClassVar[str]

    def __init__(self, *args: Any, clock: Callable[[], float] = time.monotonic, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._task_event_logs = compat.EventLogs()
        self._clock = clock
        self._entries = messages.Limiter()
        #: Ends (text, success) that wait until Airflow has read which job the task runs as.
        self._ends: dict[Any, tuple[str, bool]] = {}
        #: Keys that were accepted for adoption since the last beat although no launch here speaks for them.
        self._adopted_by_nobody: set[Any] = set()
        self._dispatcher: Dispatcher | None = None
        #: Launches whose end this beat has asked the rows about.
        self._ends_asked: set[LaunchId] = set()
        self._locations = Locations((), self._clock)
        #: Launches that were here when the last survey was asked for; replaced as a whole: lanes read it.
        self._had_at_survey: frozenset[LaunchId] = frozenset()
        #: Seconds of this beat's budget that the intake has used; `heartbeat()` takes in first, then syncs.
        self._spent = 0.0
        self.machine = Machine()
        #: Whether a request that is overdue was warned of, and still is.
        self._overdue = False
        self._metering = Metering(self.SERVICE, compat.metric_tags(self), self._clock)

    def sync(self) -> None:
        """One beat: take in what became known, hand over what is due. Never blocks, never raises."""
        begun = self._clock()
        try:
            deadline = begun + max(BUDGET - self._spent, BUDGET / 4)
            self._spent = 0.0
            self._free_slots_of_nobody()
            if self._dispatcher is not None:
                self._dispatcher.beat(self._clock())
            self._take_in_completions(deadline)
            self._hand_over_due(deadline)
            self._take_in_rows(deadline)
            self._metering.beat(begun, self._levels)
        except Exception:
            # What escapes here ends the scheduler; the next beat goes on where this one stopped.
            self.log.exception("A beat of %s failed", type(self).__name__)

    def get_event_buffer(self, dag_ids: Any = None) -> dict[Any, Any]:
        """Return and flush the events; of several tries of one task instance, those of the newest.

        Args:
            dag_ids: flush those of these DAGs only; all if None.
        """
        return compat.newest_tries(super().get_event_buffer(dag_ids))

    def _levels(self) -> Levels:
        """How much there is of what has a level."""
        store, dispatcher = self.machine.store, self._dispatcher
        return {
            catalogue.PENDING: len(store.launches) - len(store.watched),
            catalogue.ACTIVE: len(store.watched),
            catalogue.OUTSTANDING: dispatcher.outstanding if dispatcher is not None else 0,
            catalogue.OLDEST_REQUEST: self._wait_of_oldest(),
        }

    def _wait_of_oldest(self) -> float:
        """Seconds that the oldest request has waited; a completion that is overdue is warned of once."""
        oldest = self._dispatcher.oldest() if self._dispatcher is not None else None
        overdue = oldest is not None and oldest.seconds > OVERDUE
        if oldest is not None and overdue and not self._overdue:
            state = "a thread has begun it" if oldest.begun else "it is queued, behind the rate or for credentials"
            self.log.warning("A %s request has had no answer for %.0f s: %s", oldest.kind, oldest.seconds, state)
        self._overdue = overdue
        return oldest.seconds if oldest is not None else 0.0

    def _take_in_completions(self, deadline: float) -> None:
        dispatcher = self._dispatcher
        self._say_what_waited()
        self._carry_out()
        while dispatcher is not None and (event := dispatcher.peek()) is not None:
            self._handle(event)
            dispatcher.pop()
            if self._clock() >= deadline:
                return

    def _take_in_rows(self, deadline: float) -> None:
        """Wait, within the budget, for what the rows say of ends that became known just now.

        The answer takes a few milliseconds, the next beat may be a second away: Airflow would know so much later.
        """
        dispatcher = self._dispatcher
        asked, self._ends_asked = self._ends_asked, set()
        for _ in range(self.ROW_LOOKS if dispatcher is not None else 0):
            if self._clock() >= deadline or not any(map(self.machine.verifies_exit, asked)):
                return
            time.sleep(ROW_LOOK)
            self._take_in_completions(deadline)

    def _hand_over_due(self, deadline: float) -> None:
        self._handle(events.Tick())
        while self.machine.due(self._clock()) and self._clock() < deadline:
            self._handle(events.Tick())

    def _handle(self, event: events.Event) -> None:
        now = self._clock()
        wanted = self.machine.handle(event, now)
        self._metering.saw(event, wanted, now)
        if self.machine.store.unforeseen:
            self._say_unforeseen()
        self._carry_out()

    def _say_unforeseen(self) -> None:
        """A change of a phase that the table does not have: a bug of ours, which is not to go unnoticed."""
        while self.machine.store.unforeseen:
            before, after = self.machine.store.unforeseen.pop()
            self.log.error("A launch went from %s to %s, which nobody foresaw: please report this", before, after)

    def _carry_out(self) -> None:
        """Do what is in the outbox. An effect leaves it only when it is done: a signal in between loses none."""
        outbox = self.machine.store.outbox
        for number in list(outbox):
            effect = outbox[number]
            try:
                self._perform(number, effect)
            except Exception:
                # One effect that cannot be carried out must not hold up all that follow it, beat after beat.
                self.log.exception("%s could not be carried out", type(effect).__name__)
            outbox.pop(number, None)

    def _perform(self, number: int, effect: effects.Effect) -> None:
        match effect:
            case effects.Launched(key=key, job=job):
                self._say_running(key, job)
            case effects.Report():
                self._report(effect)
            case effects.Note():
                self._tell(effect.key, messages.note(effect))
            case effects.Release(key=key):
                self._release(key)
            case effects.Orphans():
                self._tell_orphans(effect)
            case _ if self._dispatcher is not None:
                if isinstance(effect, effects.VerifyExit):
                    self._ends_asked.add(effect.launch_id)
                elif isinstance(effect, effects.ListFleet):
                    self._begin_survey()
                self._dispatcher.dispatch(number, effect)

    def _begin_survey(self) -> None:
        records = self.machine.store.launches
        self._had_at_survey = frozenset([*records, *compat.queued_callbacks(self)])
        for location in {launch.location for launch in records.values() if launch.location}:
            self._locations.use(location)

    def _say_running(self, key: Any, job: Job) -> None:
        # The scheduler overwrites external_executor_id with it. A callback of a dead scheduler is first heard of here.
        self.running.add(key)
        self.running_state(key, job.arn)

    def _report(self, report: effects.Report) -> None:
        key: Any = report.key
        text = self._words(report)
        self._say_over(key, text, success=report.success)
        self.log.log(logging.DEBUG if report.success else logging.WARNING, "%s: %s", compat.named(self, key), text)
        if not report.success or messages.failed_sidecars(report):
            self._entries.forget(key)  # the last entry is never left out
            self._tell(key, text)
        self._entries.forget(key)

    def _words(self, report: effects.Report) -> str:
        """Why it is over; a bug in the words must not keep the key in `running` for ever."""
        try:
            return messages.report(report)
        except Exception:
            self.log.exception("The end of %s could not be put into words", compat.named(self, report.key))
            return f"{report.text} (the scheduler's log says why there is no more)"

    def _say_over(self, key: Any, text: str, *, success: bool) -> None:
        """Put a terminal event of ours into the buffer; past our `change_state`: that is how Airflow gives tasks up.

        The buffer holds one event per key. Where Airflow has not yet read which job the task runs as, its end waits for
        the next beat: otherwise the row would keep the launch id, and nobody could look the job up.
        """
        text = writable(text)
        if key in self.event_buffer and not compat.is_terminal(self.event_buffer[key][0]):
            self._ends[key] = (text, success)
        else:
            super().change_state(key, compat.final_state(key, success=success), text)

    def _free_slots_of_nobody(self) -> None:
        """Let go of the slots of accepted keys that nothing will be reported of.

        Airflow 3.4 adds every key that an adoption accepted to `running`, after `try_adopt_task_instances` returned
        (`BaseExecutor.__init_subclass__`). Only the end of a launch takes it out, and here is none.
        """
        while self._adopted_by_nobody:
            key = self._adopted_by_nobody.pop()
            if not self.machine.owns(key):
                self.running.discard(key)

    def _say_what_waited(self) -> None:
        for key, (text, success) in list(self._ends.items()):
            if key not in self.event_buffer:
                super().change_state(key, compat.final_state(key, success=success), text)
                self._ends.pop(key, None)

    def _tell_orphans(self, told: effects.Orphans) -> None:
        """After each survey: which containers nobody owns."""
        self._metering.meter.tell(catalogue.ORPHANS, len(told.found))
        if told.found:
            self.log.warning("%s", messages.orphans(told))

    def _release(self, key: Any) -> None:
        self.running.discard(key)
        self._entries.forget(key)
        self._forget_what_was_said(key)

    def _forget_what_was_said(self, key: Any) -> None:
        """The job of an earlier launch must not become the external id of the next, nor its end the next one's."""
        self._ends.pop(key, None)
        buffered = self.event_buffer.get(key)
        if buffered is not None and not compat.is_terminal(buffered[0]):
            self.event_buffer.pop(key, None)

    def _tell(self, key: Any, text: str) -> None:
        """Append to the task's event log, within its bound."""
        if compat.is_task_key(key) and (passed := self._entries.pass_on(key, text)):
            self.log_task_event(event="awsexec", extra=passed, ti_key=key)

    def send_message_to_task_logs(self, level: int, msg: str, *args: Any, ti: Any) -> None:
        """Append a message to a task's event log, which Airflow shows with the task instance; limited per task.

        Args:
            level: of `logging`; the scheduler's own log gets it, too.
            msg: with `%` placeholders for `args`.
            *args: as for `logging`.
            ti: a task instance, or its key.
        """
        try:
            text = msg % args if args else msg
            self.log.log(level, "%s", text)
            self._tell(compat.event_key(self, ti), text)
        except Exception:
            self.log.exception("A message could not be put into a task's event log")
