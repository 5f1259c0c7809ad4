"""What happens to a job next is decided here: this file and the three that it names below, and by no other.

Rules of these files: events in, effects out, `now` is an argument. No clock, thread, log, randomness or I/O. `handle`
is total: an event that does not fit the state of its launch is late or doubled, and changes nothing. A record is
replaced, never patched; everything an event leads to is committed in one step (`aws_exec.lifecycle.store`).

A launch that reports does so once (`_report`), and is silent from then on. A launch that is `doomed` is on its way to
being stopped and followed until the cloud confirms its end; no newer launch of its key starts before that.

This file: what Airflow says, and the beat. `launching.py`: until there is a job. `watching.py`: from the job on.
`fleet.py`: what a survey of the fleet shows. When jobs are looked at is in `sweeping.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import inf
from types import MappingProxyType
from typing import ClassVar

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.fleet import Surveying
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.policy import Policy
from aws_exec.lifecycle.store import Kind, Launch, LaunchStore, Transaction, earliest
from aws_exec.lifecycle.sweeping import Handlers, Workers
from aws_exec.lifecycle.values import Key, LaunchId, Termination
from aws_exec.lifecycle.watching import TERMINATED, UNWANTED


class Machine(Surveying):
    """Every launch of one executor, from intake to end."""

    def __init__(self, policy: Policy | None = None) -> None:
        super().__init__(policy or Policy(), LaunchStore())

    def handle(self, event: on.Event, now: float) -> list[do.Effect]:
        """Take one event in; what is to be done about it is returned, and in the store's outbox until carried out."""
        self.store.recover()
        transaction = Transaction(self.store)
        self.HANDLERS[type(event)](self, transaction, event, now)
        self.store.commit(transaction.change())
        return list(transaction.effects.values())

    def due(self, now: float) -> bool:
        """Whether another Tick at `now` would find something to do: one Tick looks at so many launches at most."""
        first = self.store.next_due()
        return bool(self.store.state.backlog) or (first is not None and first <= now)

    def unfinished(self, by: float = inf) -> int:
        """How many launches an ending executor still waits for, of those where something can happen until then.

        After `Terminating`: every job that has not ended, and every request that may become one. Else only what no
        other scheduler could finish: a request whose answer is out, and a stop that is decided and that AWS has not
        accepted. A job that runs is adopted; the end of one is verified again by whoever adopts it.

        Args:
            by: when the executor stops waiting; later retries are not counted.
        """
        if self.store.state.terminating:
            # Not only what is doomed: Ticks doom thousands, a few at a time.
            return sum(bool(launch.stop_reason) or _may_have_job(launch) for launch in self.store.launches.values())
        return sum(_is_unfinished(launch, by) for launch in self.store.launches.values())

    def owns(self, key: Key) -> bool:
        """Whether a launch speaks for this key."""
        launches = (self.store.launches[launch_id] for launch_id in self.store.by_key.get(key, ()))
        return any(not launch.detached for launch in launches)

    def verifies_exit(self, launch_id: LaunchId) -> bool:
        """Whether it is being asked what the end of this launch means."""
        launch = self.store.launches.get(launch_id)
        return launch is not None and bool(launch.verifying_exit)

    # -- from Airflow -------------------------------------------------------------------------------------------------

    def _taken(self, transaction: Transaction, event: on.WorkloadQueued, now: float) -> None:
        if transaction.get(event.launch_id) is not None:
            return
        for older in transaction.of_key(event.key):
            self._supersede(transaction, older, now)
        stalls = transaction.state.stalls
        launch = Launch(event.launch_id, event.key, workload=event.workload, stalls=stalls, due=now)
        transaction.put(replace(launch, launch_by=self._launch_by(now)))

    def _launch_by(self, now: float) -> float | None:
        """When a launch that is taken in now must have started; None: whenever."""
        return now + self.policy.launch_timeout if self.policy.launch_timeout else None

    def _adopted(self, transaction: Transaction, event: on.Adopted, now: float) -> None:
        if self._owner(transaction, event.key) is not None:
            return
        mine = transaction.get(event.launch_id)
        if mine is not None and not mine.stop_reason:
            # It was lost to another scheduler, only followed since, and has come back: it reports again.
            back = replace(mine, detached=False, stalls=transaction.state.stalls)
            if mine.workload is None:
                back = replace(back, workload=event.workload, read_from_row=event.workload is not None)
            if back.job and not back.started:
                back = self._timed(back, now)
            transaction.put(back)
            return
        if mine is not None:
            return
        job = event.job
        holder = self._of_job(transaction, job) if job else None
        if holder is not None and holder.detached and not holder.stop_reason:
            transaction.drop(holder)  # it only followed what is now to be reported (again)
        elif holder is not None:
            job = None  # left in the row by another launch: Airflow does not clear it for the next try
        start_by = self._start_by(now) if job else None
        launch_by = self._launch_by(now) if event.workload is not None else None
        launch = Launch(
            event.launch_id,
            event.key,
            workload=event.workload,
            read_from_row=event.workload is not None,
            location=event.location or (job.location if job else ""),
            stalls=transaction.state.stalls,
            job=job,
            expected_origin=event.origin if job else None,
            phase=Phase.ACTIVE if job else Phase.UNCERTAIN,
            containers=1 if job else 0,
            must_search=job is None,
            submit_in_doubt=job is None,
            launch_by=launch_by,
            start_by=start_by,
            due=earliest(launch_by, start_by) if job else now,
        )
        transaction.put(launch if job else self._wait_for_survey(transaction, launch, now))

    def _revoked(self, transaction: Transaction, event: on.Revoked, now: float) -> None:
        self._take_back(transaction, event.key, "Airflow revoked the task", now, say=True)

    def _given_up(self, transaction: Transaction, event: on.FailedByAirflow, now: float) -> None:
        self._take_back(transaction, event.key, "Airflow gave the task up", now, say=False)

    def _take_back(self, transaction: Transaction, key: Key, why: str, now: float, *, say: bool) -> None:
        launch = self._owner(transaction, key)
        if launch is None:
            return
        if say:
            doing = "it ran" if launch.started else "its job was starting" if launch.job else launch.phase.value
            stop = Termination(self.policy.service, reason=launch.waiting) if launch.waiting else None
            text = f"Revoked by Airflow while {doing}"
            transaction.want(do.Note(key=key, text=text, job=launch.own_job, stop=stop, fault=launch.fault))
        transaction.want(do.Release(key=key))
        self._doom(transaction, replace(launch, detached=True), why, now)

    def _wanted_checked(self, transaction: Transaction, event: on.WantedChecked, now: float) -> None:
        check = transaction.state.check
        if event.request_id == check.request_id:
            transaction.state = replace(transaction.state, check=replace(check, request_id=0))
            self._leave(transaction, Kind.UNWANTED, event.unwanted, now)

    def _drop_unwanted(self, transaction: Transaction, unwanted: Sequence[tuple[LaunchId, str]], now: float) -> None:
        """Free the keys of what Airflow no longer wants, and stop it before it starts."""
        for launch_id, why in unwanted:
            launch = transaction.get(launch_id)
            if launch is None or launch.detached or launch.started or launch.stop_reason:
                continue
            text = f"{UNWANTED}: {why}"
            transaction.want(do.Note(key=launch.key, text=text, job=launch.own_job))
            transaction.want(do.Release(key=launch.key))
            self._doom(transaction, replace(launch, detached=True), text, now)

    def _draining(self, transaction: Transaction, _: on.Draining, _now: float) -> None:
        self._drain(transaction)

    def _terminating(self, transaction: Transaction, _: on.Terminating, now: float) -> None:
        self._drain(transaction)
        transaction.state = replace(transaction.state, terminating=True)
        self._leave(transaction, Kind.TERMINATE, list(self.store.launches), now)

    def _terminate(self, transaction: Transaction, launch_ids: Sequence[LaunchId], now: float) -> None:
        for launch in filter(None, map(transaction.get, launch_ids)):
            if _may_have_job(launch):
                self._doom(transaction, launch, TERMINATED, now, withdraw=False)

    def _drain(self, transaction: Transaction) -> None:
        transaction.state = replace(transaction.state, draining=True)
        self._withdraw_all(transaction)

    def _withdraw_all(self, transaction: Transaction) -> None:
        """Take back every Submit that is out: none of them may have been sent yet."""
        if any(launch.phase is Phase.LAUNCHING for launch in self.store.launches.values()):
            transaction.want(do.WithdrawAll())

    # -- the beat -----------------------------------------------------------------------------------------------------

    def _tick(self, transaction: Transaction, _: on.Tick, now: float) -> None:
        last = transaction.state.last_tick
        transaction.state = replace(transaction.state, last_tick=now)
        if last is not None and now - last > self.policy.stall_after:
            self._doubt_everything(transaction)
        if transaction.state.backlog:
            self._go_on(transaction, now)
        else:
            if due := self.store.due_by(now, self.policy.launches_per_tick):
                # Each is read when its turn comes: one before it may have changed it.
                self._wake_each(transaction, filter(None, map(transaction.get, due)), now)
            if self._sweep_is_due(now):
                self._sweep(transaction, now)
            elif self._check_is_due(transaction, now):
                self._check_wanted(transaction, now)
        self._survey(transaction, now)

    def _confirmed(self, transaction: Transaction, event: on.OwnershipVerified, now: float) -> None:
        """Launch at once what was read of rows: it would grow old behind thousands that are due."""
        super()._confirmed(transaction, event, now)
        read = (launch for launch in map(transaction.get, event.launch_ids) if launch is not None and launch.reading)
        self._wake_each(
            transaction, (launch for launch in read if launch.phase in (Phase.WAITING, Phase.UNCERTAIN)), now
        )

    def _wake_each(self, transaction: Transaction, launches: Iterable[Launch], now: float) -> None:
        to_find: list[Launch] = []
        to_confirm: list[Launch] = []
        for launch in launches:
            self._wake(transaction, launch, now, to_find, to_confirm)
        self._find(transaction, to_find)
        self._confirm(transaction, to_confirm)

    def _doubt_everything(self, transaction: Transaction) -> None:
        """Doubt all that may still be launched, or launched again: each when its turn comes (`_is_doubtful`).

        What the rows answer to an earlier request may be older than the gap: `_confirmed` asks again.
        """
        state = transaction.state
        transaction.state = replace(state, stalls=state.stalls + 1, stalled_at_request=state.last_request_id)
        # What is out may still wait in its lane, where the lease is whole again by now.
        self._withdraw_all(transaction)

    def _wake(
        self,
        transaction: Transaction,
        launch: Launch,
        now: float,
        to_find: list[Launch],
        to_confirm: list[Launch],
    ) -> None:
        draining = transaction.state.draining
        if self._is_late(launch, now) and not draining:
            self._too_late(transaction, launch, now)
        elif launch.phase is Phase.STOPPING and launch.job is not None:
            self._stop(transaction, launch, launch.job)
        elif launch.phase is Phase.ACTIVE:
            # Its Airflow container ended a while ago, and the rest of it still runs.
            if draining:
                transaction.put(replace(launch, due=None))
            else:
                self._doom(transaction, launch, "Its Airflow container ended", now)
        elif launch.stop_reason:
            to_find.append(launch)
        elif draining:
            transaction.put(replace(launch, due=None))
        elif self._is_blocked(transaction, launch):
            self._park(transaction, launch)
        elif launch.predecessor is not None or self._is_doubtful(transaction, launch):
            to_confirm.append(launch)
        elif self._must_be_found(launch):
            to_find.append(launch)
        else:
            self._launch(transaction, launch, to_confirm)

    def _launch(self, transaction: Transaction, launch: Launch, to_confirm: list[Launch]) -> None:
        if launch.unlisted_since is not None:
            self._park(transaction, launch)  # the answer to the survey wakes it
        elif launch.must_be_read and launch.reading is None:
            to_confirm.append(launch)
        else:
            self._submit(transaction, launch)

    def _is_late(self, launch: Launch, now: float) -> bool:
        return launch.deadline is not None and now >= launch.deadline

    def _too_late(self, transaction: Transaction, launch: Launch, now: float) -> None:
        if launch.launch_by is not None and now >= launch.launch_by:
            text = f"User code had not started within launch_timeout ({self.policy.launch_timeout:g} s)"
        else:
            text = f"Its job had not started {self.policy.start_timeout:g} s after it was accepted"
        why = Termination(self.policy.service, reason=launch.waiting) if launch.waiting else None
        self._report(transaction, launch, success=False, text=text, stop=why, fault=launch.fault)
        self._doom(transaction, replace(launch, detached=True), text, now)

    def _is_blocked(self, transaction: Transaction, launch: Launch) -> bool:
        """Another container of the task instance may still start user code: that must not meet this launch."""
        return any(
            (other.stop_reason or other.superseded) and not other.container_exited
            for other in transaction.of_key(launch.key)
            if other.launch_id != launch.launch_id
        )

    HANDLERS: ClassVar[Handlers] = MappingProxyType(
        {
            **Surveying.HANDLERS,
            on.WorkloadQueued: _taken,
            on.Adopted: _adopted,
            on.Revoked: _revoked,
            on.FailedByAirflow: _given_up,
            on.OwnershipVerified: _confirmed,
            on.WantedChecked: _wanted_checked,
            on.Tick: _tick,
            on.Draining: _draining,
            on.Terminating: _terminating,
        },
    )
    WORKERS: ClassVar[Workers] = MappingProxyType(
        {**Surveying.WORKERS, Kind.TERMINATE: _terminate, Kind.UNWANTED: _drop_unwanted}
    )


def _may_have_job(launch: Launch) -> bool:
    """Whether it has a job, or a request of it may have made one."""
    return launch.job is not None or launch.submit_in_doubt or launch.phase is Phase.LAUNCHING


def _is_unfinished(launch: Launch, by: float) -> bool:
    """Whether an answer is out that nobody else would get, or a stop that nobody else would send."""
    if launch.phase is Phase.LAUNCHING:
        return True
    if not launch.stop_reason or launch.job_stopped:
        return False
    if launch.request_id is not None:
        return True
    # A stop that AWS has accepted is due again (`restop_after`), too, but only in case it had no effect.
    refused = launch.phase is not Phase.STOPPING or launch.failures > 0
    return refused and launch.due is not None and launch.due <= by
