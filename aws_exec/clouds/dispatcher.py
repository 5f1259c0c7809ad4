"""Carries I/O effects out, off the scheduler's thread, and answers each with exactly one completion event.

Rules of the file. Whatever happens in a call (an exception of any kind, a withdrawal, the shutdown), its effect is
completed once: `Asks.complete` is the only place that writes to the inbox, and forgets the ask as it does. What the
scheduler's thread calls (`dispatch`, `peek`, `pop`, `beat`) neither waits nor raises, and takes no lock that a signal
handler's `SystemExit` could leave locked: `dispatch` is one append to a deque, which a router thread works off.

Lanes: launches, stops, reads (Observe, Watch, Find, Survey) and rows (Confirm, Settle, AskOwners; Survey, before it is
a read) have threads of their own, so that a thousand submits never starve a describe. Launches and stops may share a
pacer (ECS counts RunTask and StopTask together); stops go first.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeAlias

from aws_exec.clouds.cloud import Cloud, Request
from aws_exec.clouds.lane import Lane, Workers
from aws_exec.clouds.lane_asks import Asks
from aws_exec.clouds.lane_faults import failed, fault_before_sending, fault_in
from aws_exec.clouds.lane_finds import Finds, answer_to, merged
from aws_exec.clouds.lane_gate import (
    FIRST_RENEWAL_SECONDS,
    LONGEST_RENEWAL_SECONDS,
    CredentialsGate,
    still_unauthenticated,
)
from aws_exec.clouds.lane_lessons import Lessons
from aws_exec.clouds.lane_log import LaneLog
from aws_exec.clouds.lane_pace import Pacer
from aws_exec.clouds.lane_rows import Question, RowQuestions, Rows
from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.orphans import Sighting
from aws_exec.lifecycle.values import Fault, LaunchId, Observation, Trouble
from aws_exec.metering.meter import Meter, NoMeter

#: What the read lane carries out.
Reading: TypeAlias = do.Observe | do.Watch | do.Find | do.Survey
#: Launches, stops, reads, rows.
Lanes: TypeAlias = tuple[Lane[do.Submit], Lane[do.StopJob], Lane[Reading], Lane[Question]]


class Dispatcher:
    """The lanes of one executor. Cheap to build; threads start in `start()` only, so that a process may fork before.

    Args:
        cloud: whom to call.
        compose: makes the request of a Submit, at the moment of launching (it mints the task's token). An exception
            with a `fault` attribute (`CloudError`) becomes that fault, any other a refusal that is tried again.
        rows: asks Airflow's database.
        survey: what runs of this deployment, and has ended of those: the adapter's `survey`, for the places there are.
        launches: the pacer of Submit; `stops` that of StopJob, the same one if None.
        reads: the pacer whose `take` the adapter calls before each API call of a read (`before_read`); here it is only
            told of throttles, and closed.
        renew: rebuilds the client after the credentials failed; None: there is nothing to rebuild.
        renewal: seconds before the first rebuild, and at most between two.
        bad_credentials: error codes that mean bad credentials, beside those that the adapter classifies so.
        clock: seconds, monotonic; the clock of the machine's events.
        lease: seconds; no launch is sent when the last `beat` is older (a third of the scheduler's health threshold:
            after that another scheduler may have adopted it).
        workers: threads at most, by lane.
        meter: is told of throttles.
    """

    def __init__(
        self,
        cloud: Cloud,
        *,
        compose: Callable[[do.Submit], Request],
        rows: Rows,
        survey: Callable[[Sequence[LaunchId]], Sequence[Sighting]] = lambda _: (),
        launches: Pacer,
        reads: Pacer,
        stops: Pacer | None = None,
        renew: Callable[[], object] | None = None,
        renewal: tuple[float, float] = (FIRST_RENEWAL_SECONDS, LONGEST_RENEWAL_SECONDS),
        bad_credentials: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
        lease: float = 10.0,
        workers: Workers | None = None,
        meter: Meter = NoMeter(),  # noqa: B008 -- it has no state
    ) -> None:
        self._cloud = cloud
        self._compose = compose
        self._survey = survey
        self._renew = renew
        self._clock = clock
        self._lease = lease
        self._beat = clock()
        self._launch_pacer = launches
        self._stop_pacer = stops or launches
        self._read_pacer = reads
        self._log = LaneLog(clock)
        self._gate = CredentialsGate(self._mend, self._wake, *renewal)
        self._lessons = Lessons(self._gate, bad_credentials, clock, self._log, meter)
        self._finds = Finds()
        self._questions = RowQuestions(rows, self._log)
        self._launches, self._stops, self._reads, self._rows = self._lanes(workers or Workers())
        #: What was dispatched and not yet routed. The bell says that there is something, or that we have closed.
        self._intake: deque[tuple[int, do.IoEffect | do.Withdraw]] = deque()
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._routing = threading.Lock()
        self._last_number = 0
        self._asks = Asks()
        self._closed = False

    # -- the scheduler's side -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the threads; what was dispatched before is carried out now."""
        self._beat = self._clock()
        for lane in self._all_lanes():
            lane.start()
        threading.Thread(target=self._route_for_ever, name="awsexec-dispatch", daemon=True).start()

    def dispatch(self, number: int, effect: do.IoEffect | do.Withdraw) -> None:
        """Have an effect carried out. Never waits or raises.

        Args:
            number: of the effect, growing; one that was seen already is ignored, so that a caller who was interrupted
                may repeat itself.
            effect: what to do. After `close()` it is completed with HELD at once.
        """
        self._intake.append((number, effect))
        if self._closed:
            self._route()
        else:
            self._bell.put(None)

    def peek(self) -> on.Completion | None:
        """The oldest completion that was not popped; None if there is none."""
        return self._asks.peek()

    def pop(self) -> None:
        """The completion last peeked at has been handled. A SystemExit before this loses nothing: peek again."""
        self._asks.pop()

    def beat(self, now: float) -> None:
        """The scheduler is alive: launches may be sent for another `lease` seconds."""
        self._beat = now

    @property
    def outstanding(self) -> int:
        """Effects dispatched and not completed."""
        return len(self._intake) + self._asks.outstanding

    def idle(self) -> bool:
        """Whether nothing is outstanding and every completion was popped."""
        return not self.outstanding and self._asks.peek() is None

    def close(self, timeout: float) -> bool:
        """End: complete what is queued with HELD, and wait at most `timeout` seconds for the calls in flight.

        Stops that are queued are sent within that time: nobody else would send them.

        Returns:
            Whether all of them ended. One that did not is completed if it ever does; its thread is a daemon.
        """
        self._closed = True
        self._bell.put(None)
        self._read_pacer.close()
        for lane in (self._launches, self._reads, self._rows):
            self._close(lane)
        self._route()
        settled = self._asks.wait_until_settled(timeout)
        self._gate.close()
        self._close(self._stops)
        for pacer in (self._launch_pacer, self._stop_pacer):
            pacer.close()
        return settled

    def _close(self, lane: Lane[Any]) -> None:
        for effect in lane.close():
            self._hold(effect, "Closed", "the executor is shutting down")

    # -- routing ------------------------------------------------------------------------------------------------------

    def _lanes(self, workers: Workers) -> Lanes:
        held = self._gate.is_paused
        return (
            Lane("launch", self._submit, workers.launches, pacer=self._launch_pacer, paused=held),
            Lane("stop", self._stop, workers.stops, pacer=self._stop_pacer, urgent=True, paused=held),
            Lane("read", self._read, workers.reads, paused=held),
            Lane("row", self._ask_rows, workers.rows),
        )

    def _all_lanes(self) -> Lanes:
        return self._launches, self._stops, self._reads, self._rows

    def _route_for_ever(self) -> None:
        while not self._closed:
            self._bell.get()
            self._route()

    def _route(self) -> None:
        """Put what was dispatched into its lane. It leaves the intake last: `outstanding` never counts too few."""
        with self._routing:
            while self._intake:
                number, effect = self._intake[0]
                if number > self._last_number:
                    self._route_one(effect)
                    self._last_number = number
                self._intake.popleft()

    def _route_one(self, effect: do.IoEffect | do.Withdraw) -> None:
        if isinstance(effect, do.Withdraw):
            self._withdraw(effect.ask)
            return
        self._asks.open(effect.ask)
        match effect:
            case do.Submit():
                taken = self._launches.put(effect.ask, effect)
            case do.StopJob():
                taken = self._stops.put(effect.ask, effect)
            case do.Confirm() | do.Settle() | do.AskOwners() | do.Survey():
                taken = self._rows.put(effect.ask, effect)
            case do.Observe() | do.Watch():
                taken = self._reads.put(effect.ask, effect)
            case do.Find():
                self._finds.add(effect)
                taken = self._reads.put(effect.ask, effect)
        if not taken:
            self._hold(effect, "Closed", "the executor is shutting down")

    def _withdraw(self, ask: int) -> None:
        if (effect := self._launches.remove(ask)) is not None:
            self._hold(effect, "Withdrawn", "no longer wanted")
            return
        # A worker may have taken it from the queue and not sent it yet; it looks there before it does.
        self._asks.withdraw(ask)

    def _hold(self, effect: do.IoEffect, code: str, message: str) -> None:
        self._asks.complete(effect.ask, failed(effect, Fault(Trouble.HELD, type(effect).__name__, code, message)))

    # -- the lanes' work: none of these may raise ---------------------------------------------------------------------

    def _submit(self, effect: do.Submit) -> bool:
        if self._is_held(effect):
            return False
        request: Request | None = None
        begun = self._lessons.begin()
        try:
            request = effect.request if isinstance(effect.request, Request) else self._compose(effect)
        except BaseException as error:  # noqa: BLE001 -- exactly one completion, whatever compose raises
            # What composing asks of AWS (is there a strategy?) are reads.
            fault = fault_before_sending(error, "compose", self._log)
            fault = self._lessons.learn(fault, begun, self._read_pacer, launch=True)
            self._asks.complete(effect.ask, failed(effect, fault))
            return False
        # Composing takes time (a token is minted): what must hold when it is sent is looked at again.
        if self._is_held(effect):
            return False

        def call() -> on.Completion:
            answer = self._cloud.submit([request])[0]
            if isinstance(answer, Observation):
                return on.Accepted(effect.ask, effect.launch_id, answer)
            return failed(effect, answer, request)

        self._asks.complete(effect.ask, self._lessons.answer(effect, call, self._launch_pacer, request))
        return True

    def _is_held(self, effect: do.Submit) -> bool:
        """Complete a launch that must not be sent (any more); whether that was so."""
        now = self._clock()
        if self._asks.is_withdrawn(effect.ask):
            self._hold(effect, "Withdrawn", "no longer wanted")
        elif self._closed:
            self._hold(effect, "Closed", "the executor is shutting down")
        elif effect.not_after is not None and now > effect.not_after:
            self._hold(effect, "TooLate", "its deadline passed before it could be sent")
        elif now - self._beat > self._lease:
            self._hold(effect, "LeaseLapsed", f"the scheduler has not beaten for {now - self._beat:.0f} s")
        else:
            return False
        return True

    def _stop(self, effect: do.StopJob) -> bool:
        """Stop a job, and with it those that wait for the same reason, as many as one call takes."""
        more = self._cloud.capabilities.stop_batch - 1
        stops = [effect, *self._stops.take_along(lambda other: other.reason == effect.reason, more)]
        begun = self._lessons.begin()
        faults: list[Fault | None]
        try:
            answers = self._cloud.stop([stop.job for stop in stops], effect.reason)
            faults = [fault for _, fault in zip(stops, answers, strict=True)]
        except BaseException as error:  # noqa: BLE001 -- exactly one completion each, whatever an adapter raises
            faults = [fault_in(error, "StopJob", Trouble.NO_ANSWER, self._log)] * len(stops)
        for stop, fault in zip(stops, faults, strict=True):
            told = fault and self._lessons.learn(fault, begun, self._stop_pacer)
            self._asks.complete(stop.ask, on.StopAnswered(stop.ask, stop.launch_id, told))
        return True

    def _read(self, effect: Reading) -> bool:
        if isinstance(effect, do.Find):
            self._find(self._finds.take(effect.ask))
            return True

        def call() -> on.Completion:
            if isinstance(effect, do.Survey):
                return on.Surveyed(effect.ask, tuple(self._survey(effect.ended_of)))
            jobs = effect.jobs
            if isinstance(effect, do.Watch):
                jobs = tuple(self._cloud.watch(effect.place, jobs))
                if not 0 < len(jobs) <= effect.at_once:
                    return on.Watched(effect.ask, effect.place, jobs)
            description = self._cloud.describe(effect.place, jobs)
            return on.Observed(effect.ask, description.seen, description.missing)

        self._asks.complete(effect.ask, self._lessons.answer(effect, call, self._read_pacer))
        return True

    def _find(self, finds: list[do.Find]) -> None:
        if not finds:
            return
        together = merged(finds)

        def call() -> on.Completion:
            seen = self._cloud.find(together.families, together.places)
            return on.Found(together.ask, together.launch_ids, tuple(seen))

        answer = self._lessons.answer(together, call, self._read_pacer)
        for find in finds:
            self._asks.complete(find.ask, answer_to(find, answer))

    def _ask_rows(self, effect: Question) -> bool:
        for ask, answer in self._questions.ask(effect, self._rows.take_along):
            if not isinstance(answer, do.Survey):
                self._asks.complete(ask, answer)
            elif not self._reads.put(ask, answer):
                self._hold(answer, "Closed", "the executor is shutting down")
        return True

    # -- credentials --------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        for lane in self._all_lanes():
            lane.wake()

    def _mend(self) -> Fault | None:
        try:
            if self._renew is not None:
                self._renew()
            return still_unauthenticated(self._cloud.check())
        except BaseException as error:  # noqa: BLE001 -- the gate tries again; its thread must live
            return fault_in(error, "renew", Trouble.CREDENTIALS, self._log)
