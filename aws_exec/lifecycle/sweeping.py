"""When the jobs are looked at, and how: listed where many run, described where something may have happened.

A sweep describes every job, in calls of bounded size. Where more jobs of a location run than one call describes, those
that are known to run are listed instead, at a twentieth of the cost, and what the listing no longer has is described.
An Airflow container that is not essential ends under a task that goes on, and no listing tells that: so of those with
more containers each sweep describes some all the same, and all of them within `look_interval`.

When the fleet is surveyed is here, too, and when it is asked whether Airflow still wants what has not started. What an
answer means for a job is decided in `watching.py`, what a survey shows in `fleet.py`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias, TypeVar

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.policy import Policy
from aws_exec.lifecycle.store import Check, Kind, Launch, LaunchStore, Transaction
from aws_exec.lifecycle.values import Job

T = TypeVar("T")

#: A sweep begins so much of a poll_interval before it is due, at most: one that takes long must not double the calls.
_EARLIEST = 0.25

#: What takes in each kind of event: a method of the machine's classes, with the draft to write to, the event, the time.
Handlers: TypeAlias = Mapping[type, Callable[[Any, Transaction, Any, float], None]]
#: What does the next items of each kind of work: a method, likewise.
Workers: TypeAlias = Mapping[Kind, Callable[[Any, Transaction, Any, float], None]]


class Sweeping:
    """The sweeps over the jobs that are followed, and the surveys of the fleet."""

    WORKERS: ClassVar[Workers] = MappingProxyType({})

    def __init__(self, policy: Policy, store: LaunchStore) -> None:
        self.policy = policy
        self.store = store

    def _leave(self, transaction: Transaction, kind: Kind, items: Sequence[Any], now: float) -> None:
        """Do it now if it is little and nothing else is left already; else leave it to Ticks, a step each."""
        at_once = not transaction.state.backlog and len(items) <= self.policy.launches_per_tick
        transaction.leave(kind, items)
        if at_once:
            self._go_on(transaction, now)

    def _go_on(self, transaction: Transaction, now: float) -> None:
        """Do a step of what is left."""
        kind, items = transaction.next_of_backlog(self.policy.launches_per_tick)
        self.WORKERS[kind](self, transaction, items, now)

    def _sweep_is_due(self, now: float) -> bool:
        state = self.store.state
        return bool(self.store.watched) and not state.sweeping and now >= state.next_sweep

    def _sweep(self, transaction: Transaction, now: float) -> None:
        number = transaction.state.sweeps
        transaction.state = replace(transaction.state, sweeps=number + 1, sweep_from=now)
        for location, (alone, crowded, others) in self._by_location().items():
            if len(alone) + len(crowded) > self.policy.observe_batch:
                rounds = self.policy.describe_rounds
                looked_at = crowded[number % rounds :: rounds]
                del crowded[number % rounds :: rounds]
                self._watch(transaction, location, alone + crowded)
            else:
                looked_at = alone + crowded
            self._observe(transaction, location, others + looked_at)

    def _by_location(self) -> dict[str, tuple[list[Job], list[Job], list[Job]]]:
        """The jobs of each location: those that a listing tells the end of, those that it may not, and the others."""
        locations: defaultdict[str, tuple[list[Job], list[Job], list[Job]]] = defaultdict(lambda: ([], [], []))
        launches = self.store.launches
        for launch_id, job in self.store.watched.items():
            launch = launches[launch_id]
            locations[job.location][(0 if launch.single_container else 1) if _is_settled(launch) else 2].append(job)
        return locations

    def _watch(self, transaction: Transaction, location: str, jobs: list[Job]) -> None:
        if jobs:
            transaction.want(
                do.ListRunning(
                    request_id=self._next_of_sweep(transaction),
                    location=location,
                    jobs=tuple(jobs),
                    at_once=self.policy.observe_batch,
                )
            )

    def _observe(self, transaction: Transaction, location: str, jobs: list[Job]) -> None:
        for chunk in chunks(jobs, self.policy.observe_batch):
            transaction.want(
                do.Describe(request_id=self._next_of_sweep(transaction), location=location, jobs=tuple(chunk))
            )

    def _next_of_sweep(self, transaction: Transaction) -> int:
        """A new request id that the sweep waits for."""
        request_id = transaction.new_request_id()
        transaction.state = replace(transaction.state, sweeping=transaction.state.sweeping | {request_id})
        return request_id

    def _swept(self, transaction: Transaction, request_id: int, now: float) -> None:
        state = transaction.state
        if request_id not in state.sweeping:
            return
        rest = state.sweeping - {request_id}
        following = state.next_sweep
        if not rest:
            # What the next one finds is known as late after its beginning: it begins so much earlier.
            early = min(now - state.sweep_from, _EARLIEST * self.policy.poll_interval)
            following = max(now, state.sweep_from + self.policy.poll_interval - early)
        transaction.state = replace(state, sweeping=rest, next_sweep=following)

    def _watched(self, transaction: Transaction, event: on.RunningListed, now: float) -> None:
        if event.request_id not in transaction.state.sweeping:
            return
        self._observe(transaction, event.location, [job for job in event.unlisted if job.arn in self.store.by_arn])
        self._swept(transaction, event.request_id, now)

    def _observe_failed(self, transaction: Transaction, event: on.DescribeFailed, now: float) -> None:
        self._swept(transaction, event.request_id, now)

    def _check_is_due(self, transaction: Transaction, now: float) -> bool:
        check = transaction.state.check
        due = self.policy.check_interval is not None and not check.request_id and now >= check.due
        return due and bool(self.store.unstarted) and not transaction.state.draining

    def _check_wanted(self, transaction: Transaction, now: float) -> None:
        """Ask whether Airflow still wants what has not started."""
        request_id = transaction.new_request_id()
        transaction.want(do.CheckWanted(request_id=request_id, launches=tuple(self.store.unstarted.items())))
        transaction.state = replace(
            transaction.state, check=Check(now + (self.policy.check_interval or 0.0), request_id)
        )

    def _survey(self, transaction: Transaction, now: float) -> None:
        state = transaction.state
        due = self.policy.orphan_interval is not None and now >= state.survey.due
        if not due or state.fleet_request or state.survey.findings is not None or state.draining:
            return
        request_id = transaction.new_request_id()
        transaction.want(do.ListFleet(request_id=request_id))
        survey = replace(state.survey, began=now)
        transaction.state = replace(transaction.state, fleet_request=request_id, survey=survey)

    def _wait_for_survey(self, transaction: Transaction, launch: Launch, now: float) -> Launch:
        """An adopted launch that may be launched, once a survey has shown that no earlier container of it lives.

        Its scheduler may have been killed between freeing the key and stopping the container: Airflow then queues the
        same task instance again, and would let that container run it.
        """
        if launch.workload is None or self.policy.orphan_interval is None:
            return launch
        transaction.state = replace(transaction.state, survey=replace(transaction.state.survey, due=now))
        return replace(launch, unlisted_since=now)

    def _of_job(self, transaction: Transaction, job: Job) -> Launch | None:
        # By the ARN alone: a pushed state change may name its location otherwise.
        launch_id = self.store.by_arn.get(job.arn)
        launch = transaction.get(launch_id) if launch_id is not None else None
        return launch if launch is not None and launch.job is not None and launch.job.arn == job.arn else None

    HANDLERS: ClassVar[Handlers] = MappingProxyType({on.RunningListed: _watched, on.DescribeFailed: _observe_failed})


def chunks(items: list[T], size: int) -> list[list[T]]:
    """The items in their order, in lists of at most `size`."""
    return [items[start : start + size] for start in range(0, len(items), size)]


def _is_settled(launch: Launch) -> bool:
    """Its Airflow container runs, and the next thing to happen to it is its end."""
    return launch.started and launch.phase is Phase.ACTIVE and not launch.container_exited and not launch.absences
