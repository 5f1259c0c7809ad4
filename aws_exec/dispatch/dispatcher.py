"""The dispatcher: carries out I/O effects on threads, and answers each with exactly one completion event.

Rules of the file. Whatever happens in a call (an exception of any kind, a withdrawal, the shutdown), its effect gets
one completion: only `OpenRequests.complete` writes to the inbox, and the first completion counts. What the scheduler's
thread calls (`dispatch`, `peek`, `pop`, `renew_lease`) neither waits nor raises, and takes no lock that a signal
handler's `SystemExit` could leave locked: `dispatch` is one append to a deque, which a router thread empties.

If a lane's work raises, the lane passes the exception to `_lost`, the only place that turns one into a completion. The
router replaces dead lane and credentials threads once a second; renewing the lease replaces a dead router.

Lanes: launches, stops, reads (Describe, ListRunning, FindByLaunchId, ListFleet) and queries (VerifyOwnership,
VerifyExit, FindOwners, CheckWanted; ListFleet, before it is a read) have threads of their own, so that a thousand
submits never starve a describe. Launches and stops may share a pacer (ECS counts RunTask and StopTask together); stops
go first.
"""

from __future__ import annotations

import _thread
import queue
import sys
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, TypeAlias

from aws_exec.clouds.cloud import Cloud, Request
from aws_exec.clouds.errors import CloudError
from aws_exec.clouds.workload_store import PUT_OBJECT
from aws_exec.dispatch.completions import OpenRequests, Pending
from aws_exec.dispatch.credentials import (
    FIRST_RENEWAL_SECONDS,
    LONGEST_RENEWAL_SECONDS,
    CredentialsGate,
    still_unauthenticated,
)
from aws_exec.dispatch.database import DatabaseQueries, DatabaseWork, Query
from aws_exec.dispatch.failures import failed, failure_in, failure_of_lost
from aws_exec.dispatch.feedback import Begun, Feedback
from aws_exec.dispatch.lane import Lane, Workers
from aws_exec.dispatch.log import LaneLog
from aws_exec.dispatch.pacing import Pacer
from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.orphans import FleetMember
from aws_exec.lifecycle.values import CallFailure, FailureKind, LaunchId, Observation, launch_of
from aws_exec.metrics.meter import Meter, NoMeter

#: The effects of the read lane.
Reading: TypeAlias = do.Describe | do.ListRunning | do.FindByLaunchId | do.ListFleet
#: Launches, stops, reads, queries.
Lanes: TypeAlias = tuple[Lane[do.Submit], Lane[do.StopJob], Lane[Reading], Lane[Query]]


_DATABASE_TIMED_OUT = CallFailure(
    FailureKind.UNREACHED, "database", "NoAnswer", "Airflow's database did not answer in time"
)
_CLOSED = ("Closed", "the executor is shutting down")

#: Seconds between two checks that all threads are alive: a completion may be a second late.
THREAD_CHECK_SECONDS = 1.0


#: Seconds after which a query of Airflow's database is given up: a SELECT takes milliseconds, a connection that lost
#: its other end never answers.
DATABASE_TIMEOUT_SECONDS = 30.0
#: Threads that may hang in a query at a time.
MAX_HUNG_THREADS = 2


class Waiting(NamedTuple):
    """An open request: seconds since it was dispatched, its kind, whether a thread has begun it."""

    seconds: float
    kind: str
    begun: bool


class Dispatcher:
    """The lanes of one executor. Cheap to build; threads start in `start()` only, so that a process may fork before.

    Args:
        cloud: the service to call.
        compose: makes the request of a Submit, at the moment of launching (it mints the task's token). An exception
            with a `failure` attribute (`CloudError`) becomes that failure, any other a refusal that is tried again.
        queries: of Airflow's database.
        list_fleet: what runs of this deployment, and has ended of those: the adapter's `list_fleet`, for the locations
            there are.
        launches: the pacer of Submit; `stops` that of StopJob, the same one if None.
        reads: the pacer whose `take` the adapter calls before each API call of a read (`before_read`); the dispatcher
            reports throttles to it, and closes it.
        renew: rebuilds the client after the credentials failed; None: nothing to rebuild.
        renewal: seconds before the first rebuild, and at most between two.
        bad_credentials: error codes that mean bad credentials, beside those that the adapter classifies so.
        clock: seconds, monotonic; the clock of the machine's events.
        lease: seconds; no launch is sent when the last `renew_lease` is older (a third of the scheduler's health
            threshold: after that another scheduler may have adopted it).
        workers: threads at most, by lane.
        meter: counts throttles.
        thread_check: seconds between two checks that all threads are alive.
    """

    def __init__(
        self,
        cloud: Cloud,
        *,
        compose: Callable[[do.Submit], Request],
        queries: DatabaseQueries,
        list_fleet: Callable[[Sequence[LaunchId]], Sequence[FleetMember]] = lambda _: (),
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
        thread_check: float = THREAD_CHECK_SECONDS,
    ) -> None:
        self._cloud = cloud
        self._compose = compose
        self._list_fleet = list_fleet
        self._renew = renew
        self._clock = clock
        self._lease = lease
        self._lease_renewed_at = clock()
        self._launch_pacer = launches
        self._stop_pacer = stops or launches
        self._read_pacer = reads
        self._log = LaneLog(clock)
        self._gate = CredentialsGate(self._renew_credentials, self._wake, *renewal, clock=clock)
        self._feedback = Feedback(self._gate, bad_credentials, clock, self._log, meter)
        self._database_work = DatabaseWork(queries, clock)
        self._launches, self._stops, self._reads, self._queries = self._lanes(workers or Workers())
        #: Effects that are dispatched and not yet routed, with the time. `_wakeup` signals that it has one, or `close`.
        self._intake: deque[tuple[int, do.IoEffect | do.Withdrawal, float]] = deque()
        self._wakeup: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._routing = threading.Lock()
        self._router: threading.Thread | None = None
        self._thread_check = thread_check
        self._next_thread_check = time.monotonic() + thread_check
        self._last_number = 0
        self._requests = OpenRequests()
        self._closed = False

    # -- the scheduler's side -----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the threads; effects that were dispatched before are carried out now."""
        self._lease_renewed_at = self._clock()
        for lane in self._all_lanes():
            lane.start()
        self._start_router()

    def dispatch(self, number: int, effect: do.IoEffect | do.Withdrawal) -> None:
        """Queue an effect for its lane. Never waits or raises.

        Args:
            number: the effect's number, increasing; a known number is ignored, so an interrupted caller may repeat the
                call.
            effect: the effect. After `close()` it is completed with HELD at once.
        """
        self._intake.append((number, effect, self._clock()))
        if self._closed:
            self._route()
        else:
            self._wakeup.put(None)

    def peek(self) -> on.Completion | None:
        """Return the oldest completion that was not popped; None if there is none."""
        return self._requests.peek()

    def pop(self) -> None:
        """Remove the completion last peeked at, once it is handled; after a SystemExit before that, peek again."""
        self._requests.pop()

    def renew_lease(self, now: float) -> None:
        """Renew the lease: launches may be sent for another `lease` seconds. Called in each heartbeat."""
        self._lease_renewed_at = now
        if self._router is not None and not self._router.is_alive():
            # One step: starting a `threading.Thread` takes locks that a signal could leave locked.
            with suppress(RuntimeError):  # out of threads: the next heartbeat tries again
                _thread.start_new_thread(self._replace_router, ())

    @property
    def outstanding(self) -> int:
        """The number of effects dispatched and not completed."""
        return len(self._intake) + self._requests.outstanding

    def oldest(self) -> Waiting | None:
        """Return the request that has waited longest for its completion; None if none waits."""
        now, waiting = self._clock(), []
        if (pending := self._requests.oldest) is not None:
            waiting.append(Waiting(now - pending.since, type(pending.effect).__name__, pending.owner is not None))
        with suppress(IndexError):  # the router empties it
            _, effect, since = self._intake[0]
            waiting.append(Waiting(now - since, type(effect).__name__, begun=False))
        return max(waiting, default=None)

    def idle(self) -> bool:
        """Return whether nothing is outstanding and every completion was popped."""
        return not self.outstanding and self._requests.peek() is None

    def close(self, timeout: float) -> bool:
        """End: complete queued effects with HELD, and wait at most `timeout` seconds for launches and stops.

        Queued stops are sent within that time: no other scheduler would send them. Reads and queries are not waited
        for: their results are not needed any more.

        Returns:
            Whether all launches and stops ended. A call that did not is completed if it ever does; its thread is a
            daemon.
        """
        self._closed = True
        self._wakeup.put(None)
        self._read_pacer.close()
        for lane in (self._launches, self._reads, self._queries):
            self._close(lane)
        self._route()
        completed = self._requests.wait_until_completed(timeout)
        self._gate.close()
        self._close(self._stops)
        for pacer in (self._launch_pacer, self._stop_pacer):
            pacer.close()
        return completed

    def _close(self, lane: Lane[Any]) -> None:
        for effect in lane.close():
            self._hold_if_unclaimed(effect.request_id, *_CLOSED)

    # -- routing ------------------------------------------------------------------------------------------------------

    def _lanes(self, workers: Workers) -> Lanes:
        held = self._gate.is_paused
        common: dict[str, Any] = {"lost": self._lost, "claim": self._claim, "clock": self._clock}
        return (
            Lane("launch", self._submit, workers.launches, pacer=self._launch_pacer, paused=held, **common),
            Lane("stop", self._stop, workers.stops, pacer=self._stop_pacer, urgent=True, paused=held, **common),
            Lane("read", self._read, workers.reads, paused=held, **common),
            Lane("database", self._query_database, workers.database, **common),
        )

    def _all_lanes(self) -> Lanes:
        return self._launches, self._stops, self._reads, self._queries

    def _start_router(self) -> None:
        self._router = threading.Thread(target=self._route_for_ever, name="awsexec-dispatch", daemon=True)
        self._router.start()

    def _replace_router(self) -> None:
        with self._routing:
            if self._router is not None and not self._router.is_alive():
                self._start_router()

    def _route_for_ever(self) -> None:
        # Until the last is completed: a thread that dies after `close` leaves something to complete, too.
        while not self._closed or self.outstanding:
            try:
                with suppress(queue.Empty):
                    self._wakeup.get(timeout=self._thread_check)
                self._route()
                self._check_threads()
            except BaseException as error:  # noqa: BLE001 -- an interrupted effect is routed again
                self._log.unforeseen(error, "dispatch")

    def _check_threads(self) -> None:
        """Replace the threads that have died; once per `thread_check`."""
        now = time.monotonic()
        if now >= self._next_thread_check:
            self._next_thread_check = now + self._thread_check
            for lane in self._all_lanes():
                lane.replace_dead_threads()
            self._gate.ensure_thread()
            self._queries.abandon(DATABASE_TIMEOUT_SECONDS, CloudError(_DATABASE_TIMED_OUT), MAX_HUNG_THREADS)

    def _route(self) -> None:
        """Put dispatched effects into their lanes. An effect leaves the intake last: `outstanding` is never too low.

        An interruption leaves the effect in the intake, and the next call repeats all of it.
        """
        with self._routing:
            while self._intake:
                number, effect, since = self._intake[0]
                if isinstance(effect, do.Withdraw):
                    self._withdraw(effect.request_id)
                elif isinstance(effect, do.WithdrawAll):
                    for request_id in self._requests.launches():
                        self._withdraw(request_id)
                else:
                    if number > self._last_number:
                        self._requests.open(effect, since)
                        self._last_number = number
                    self._to_lane(effect)
                self._intake.popleft()

    def _to_lane(self, effect: do.IoEffect) -> None:
        """Put an effect into its lane, unless a worker has claimed it already."""
        if not self._requests.is_unclaimed(effect.request_id):
            return
        match effect:
            case do.Submit():
                taken = self._launches.put(effect.request_id, effect)
            case do.StopJob():
                taken = self._stops.put(effect.request_id, effect)
            case do.VerifyOwnership() | do.VerifyExit() | do.FindOwners() | do.CheckWanted() | do.ListFleet():
                taken = self._queries.put(effect.request_id, effect)
            case do.Describe() | do.ListRunning() | do.FindByLaunchId():
                taken = self._reads.put(effect.request_id, effect)
        if not taken:
            self._hold_if_unclaimed(effect.request_id, *_CLOSED)

    def _withdraw(self, request_id: int) -> None:
        self._hold_if_unclaimed(request_id, "Withdrawn", "no longer wanted")
        self._launches.remove(request_id)
        # A worker may have taken it from the queue and not sent it yet; it checks this before it sends.
        self._requests.withdraw(request_id)

    def _hold_if_unclaimed(self, request_id: int, code: str, message: str) -> None:
        """Complete an effect with HELD, if no worker has claimed it."""
        for pending in self._requests.take_over([request_id], self):
            self._hold(pending.effect, code, message)

    def _hold(self, effect: do.IoEffect, code: str, message: str) -> None:
        self._requests.complete(
            effect.request_id, failed(effect, CallFailure(FailureKind.HELD, type(effect).__name__, code, message))
        )

    # -- the lanes' work: what it raises goes to `_lost` --------------------------------------------------------------

    def _claim(self, request_id: int, worker: object) -> bool:
        return self._requests.claim(request_id, worker, self._feedback.begin())

    def _lost(self, effects: Sequence[do.IoEffect], worker: object, error: BaseException) -> bool:
        """Complete what a worker has begun and cannot finish; return whether AWS may have been called for it."""
        lost = self._requests.take_over([effect.request_id for effect in effects], worker)
        if not lost:
            # None, or completed already: an exception after a completion is a bug of ours.
            failure_in(error, "completed", FailureKind.NO_ANSWER, self._log)
            return bool(effects)
        first = lost[0]
        sent = any(pending.sent for pending in lost)
        failure = failure_of_lost(first.effect, error, self._log, sent=sent)
        failure = self._apply_feedback(first, failure, sent=sent)
        for pending in lost:
            self._requests.complete(pending.effect.request_id, failed(pending.effect, failure, pending.request))
        return sent

    def _apply_feedback(self, pending: Pending, failure: CallFailure, *, sent: bool) -> CallFailure:
        match pending.effect:
            case do.VerifyOwnership() | do.VerifyExit() | do.FindOwners() | do.CheckWanted():
                return failure
            case do.ListFleet() if not sent:
                return failure  # only Airflow's database was involved
            case do.Submit() if sent or failure.operation == PUT_OBJECT:  # which each launch calls once
                pacer = self._launch_pacer
            case do.StopJob():
                pacer = self._stop_pacer
            case _:
                # Composing a launch calls AWS for reads, too.
                pacer = self._read_pacer
        return self._feedback.apply(failure, pending.begun, pacer, launch=isinstance(pending.effect, do.Submit))

    def _submit(self, effect: do.Submit) -> bool:
        if self._hold_if_unsendable(effect):
            return False
        request = effect.request if isinstance(effect.request, Request) else self._compose(effect)
        # Composing takes time: check lease and deadline again.
        if self._hold_if_unsendable(effect):
            return False
        begun = self._mark_sent([effect], request)
        answer = self._cloud.submit([request])[0]
        if isinstance(answer, Observation):
            self._requests.complete(
                effect.request_id, on.Accepted(request_id=effect.request_id, launch_id=effect.launch_id, seen=answer)
            )
        else:
            failure = self._feedback.apply(answer, begun, self._launch_pacer, launch=True)
            self._requests.complete(effect.request_id, failed(effect, failure, request))
        return True

    def _mark_sent(self, effects: Sequence[do.IoEffect], request: Request | None = None) -> Begun:
        """Mark effects as sent, and return the start of that step."""
        begun = self._feedback.begin()
        self._requests.mark_sent([effect.request_id for effect in effects], begun, request)
        return begun

    def _hold_if_unsendable(self, effect: do.Submit) -> bool:
        """Complete a Submit that must not be sent (any more) with HELD; return whether it was one."""
        now = self._clock()
        if self._requests.is_withdrawn(effect.request_id):
            self._hold(effect, "Withdrawn", "no longer wanted")
        elif self._closed:
            self._hold(effect, *_CLOSED)
        elif effect.not_after is not None and now > effect.not_after:
            self._hold(effect, "TooLate", "its deadline passed before it could be sent")
        elif now - self._lease_renewed_at > self._lease:
            self._hold(effect, "LeaseLapsed", f"no heartbeat of the scheduler for {now - self._lease_renewed_at:.0f} s")
        elif effect.read_at is not None and now - effect.read_at > self._lease:
            failure = CallFailure(
                FailureKind.HELD, "Submit", "Outdated", f"its row was read {now - effect.read_at:.0f} s ago"
            )
            self._requests.complete(
                effect.request_id,
                on.Unaccepted(request_id=effect.request_id, launch_id=effect.launch_id, failure=failure, outdated=True),
            )
        else:
            return False
        return True

    def _stop(self, effect: do.StopJob) -> bool:
        """Stop a job, together with queued ones that have the same reason, as many as one call takes."""
        more = self._cloud.capabilities.stop_batch - 1
        stops = [effect, *self._stops.take_more(lambda other: other.reason == effect.reason, more)]
        begun = self._mark_sent(stops)
        answers = self._cloud.stop([stop.job for stop in stops], effect.reason)
        for stop, answer in zip(stops, answers, strict=True):
            failure = answer and self._feedback.apply(answer, begun, self._stop_pacer)
            self._requests.complete(
                stop.request_id, on.StopAnswered(request_id=stop.request_id, launch_id=stop.launch_id, failure=failure)
            )
        return True

    def _read(self, effect: Reading) -> bool:
        if isinstance(effect, do.FindByLaunchId):
            self._find(effect)
            return True
        self._mark_sent([effect])
        self._requests.complete(effect.request_id, self._seen(effect))
        return True

    def _seen(self, effect: do.Describe | do.ListRunning | do.ListFleet) -> on.Completion:
        if isinstance(effect, do.ListFleet):
            return on.FleetListed(request_id=effect.request_id, members=tuple(self._list_fleet(effect.ended_of)))
        jobs = effect.jobs
        if isinstance(effect, do.ListRunning):
            jobs = tuple(self._cloud.list_running(effect.location, jobs))
            if not 0 < len(jobs) <= effect.at_once:
                return on.RunningListed(request_id=effect.request_id, location=effect.location, unlisted=jobs)
        description = self._cloud.describe(effect.location, jobs)
        return on.Described(request_id=effect.request_id, seen=description.seen, missing=description.missing)

    def _find(self, effect: do.FindByLaunchId) -> None:
        """Search for launches, together with those of all queued searches: each search lists the fleet anyway.

        A scheduler that adopts thousands of launches sends many searches; those that arrive while one runs are batched.
        """
        more = self._reads.take_more(lambda other: isinstance(other, do.FindByLaunchId), sys.maxsize)
        finds = [effect, *(other for other in more if isinstance(other, do.FindByLaunchId))]
        self._mark_sent(finds)
        token_bases = dict.fromkeys(token_base for find in finds for token_base in find.token_bases)
        locations = dict.fromkeys(location for find in finds for location in find.locations)
        seen: defaultdict[LaunchId, list[Observation]] = defaultdict(list)
        for each in self._cloud.find(tuple(token_bases), tuple(locations)):
            seen[launch_of(each.token or "")].append(each)
        for find in finds:
            # Each gets only its own of the thousands that were found: the scheduler's thread reads them.
            own = tuple(each for token_base in dict.fromkeys(find.token_bases) for each in seen[token_base])
            self._requests.complete(
                find.request_id, on.FoundByLaunchId(request_id=find.request_id, launch_ids=find.launch_ids, seen=own)
            )

    def _query_database(self, effect: Query) -> bool:
        for request_id, answer in self._database_work.answer(effect, self._queries.take_more):
            if not isinstance(answer, do.ListFleet):
                self._requests.complete(request_id, answer)
                continue
            # The rest of it is a read: a worker of that lane becomes its owner.
            self._requests.release(request_id)
            if not self._reads.put(request_id, answer):
                self._hold_if_unclaimed(request_id, *_CLOSED)
        return True

    # -- credentials --------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        for lane in self._all_lanes():
            lane.wake()

    def _renew_credentials(self) -> CallFailure | None:
        try:
            if self._renew is not None:
                self._renew()
            return still_unauthenticated(self._cloud.check())
        except BaseException as error:  # noqa: BLE001 -- the gate tries again; its thread must not die
            return failure_in(error, "renew", FailureKind.CREDENTIALS, self._log)
