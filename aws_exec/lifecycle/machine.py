"""The machine that decides what happens to each launch: start reading here.

`HANDLERS` maps each event type to its handler: a plain function `(transaction, event, now)` that reads launches from
the transaction, puts changed ones back, and adds the effects that follow. One file per concept:

* `ticks.py`: which launches are due, and the next step of each
* `launching.py`: from the queued workload to its job; `deadlines.py`: start deadlines
* `ownership.py`: whether a launch is still this executor's; `adoption.py`: launches of dead schedulers
* `watching.py`: when jobs are listed and described; `exits.py`: what the exit of a job means
* `stopping.py`: how a launch is stopped; `fleet.py`: the fleet listing, orphans included

Rules of these files: events in, effects out, `now` is an argument. No clock, thread, log, randomness or I/O. `handle`
accepts every event in every state: one that does not fit the state of its launch is late or a duplicate, and is
ignored. `Launch` is immutable: a handler stores a changed copy. All changes of one event are committed together
(`store.py`).

A launch is reported to Airflow at most once (`exits.report`); the caller then ends or detaches it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from math import inf
from types import MappingProxyType
from typing import Any

from aws_exec.lifecycle import adoption, exits, fleet, history, launching, ownership, stopping, ticks, watching
from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.launch import Launch
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.policy import Policy
from aws_exec.lifecycle.store import LaunchStore, Transaction
from aws_exec.lifecycle.values import Key, LaunchId

HANDLERS: Mapping[type, Callable[[Transaction, Any, float], None]] = MappingProxyType(
    {
        # From Airflow, through the executor.
        on.WorkloadQueued: launching.workload_queued,
        on.Adopted: adoption.adopted,
        on.Revoked: stopping.revoked,
        on.FailedByAirflow: stopping.failed_by_airflow,
        on.Tick: ticks.tick,
        on.Draining: stopping.draining,
        on.Terminating: stopping.terminating,
        # From the dispatcher: the completion of each effect.
        on.Accepted: launching.accepted,
        on.Unaccepted: launching.unaccepted,
        on.FoundByLaunchId: launching.found,
        on.FindByLaunchIdFailed: launching.find_failed,
        on.OwnershipVerified: ticks.ownership_verified,
        on.VerifyOwnershipFailed: ownership.verify_failed,
        on.WantedChecked: ownership.wanted_checked,
        on.Described: watching.described,
        on.RunningListed: watching.running_listed,
        on.DescribeFailed: watching.describe_failed,
        on.ExitVerified: exits.exit_verified,
        on.VerifyExitFailed: exits.verify_exit_failed,
        on.StopAnswered: stopping.stop_answered,
        on.FleetListed: fleet.fleet_listed,
        on.OwnersFound: fleet.owners_found,
        on.ListFleetFailed: fleet.list_fleet_failed,
    },
)


class Machine:
    """Every launch of one executor, from intake to end."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.store = LaunchStore()

    def handle(self, event: on.Event, now: float) -> list[do.Effect]:
        """Handle one event and return its effects; they also stay in the store's outbox until carried out."""
        self.store.recover()
        transaction = Transaction(self.store, self.policy)
        HANDLERS[type(event)](transaction, event, now)
        self.store.commit(transaction.change(event, now))
        return list(transaction.effects.values())

    def due(self, now: float) -> bool:
        """Return whether work is left for another Tick at `now`: one handles at most `launches_per_tick` launches."""
        first = self.store.next_due()
        return bool(self.store.state.backlog) or (first is not None and first <= now)

    def unfinished(self, by: float = inf) -> int:
        """Return how many launches `end()` or `terminate()` must still wait for.

        After `Terminating`: every job that has not ended, and every request that may become one. After `Draining`: only
        what no other scheduler could finish: submits without an answer and stops that AWS has not accepted. The
        adopting scheduler follows running jobs and verifies exits again.

        Args:
            by: when the executor stops waiting; later retries are not counted.
        """
        launches = self.store.launches.values()
        if self.store.state.terminating:
            # Also launches without a stop reason yet: Ticks set it for thousands, a few at a time.
            return sum(each.stopping is not None or stopping.may_have_job(each) for each in launches)
        return sum(_is_unfinished(each, by) for each in launches)

    def owns(self, key: Key) -> bool:
        """Return whether this executor reports this key."""
        launches = (self.store.launches[launch_id] for launch_id in self.store.by_key.get(key, ()))
        return any(not launch.detached for launch in launches)

    def longest_waiting(self, limit: int) -> list[Key]:
        """Return up to `limit` keys whose user code has not started, longest waiting first."""
        return list(islice(self.store.unstarted.values(), limit))

    def story(self, key: Key, now: float) -> str:
        """Return the history of a key's launches, one line per event. Contains no workload, command or request."""
        store = self.store
        launches = [store.launches[launch_id] for launch_id in store.by_key.get(key, ())]
        return history.story(key, filter(None, store.history), launches, now)

    def verifies_exit(self, launch_id: LaunchId) -> bool:
        """Return whether the exit of this launch is being verified."""
        launch = self.store.launches.get(launch_id)
        return launch is not None and bool(launch.verifying_exit)


def _is_unfinished(launch: Launch, by: float) -> bool:
    """Return whether a request is pending, or a stop not yet accepted, that no other scheduler would finish."""
    if launch.phase is Phase.LAUNCHING:
        return True
    if launch.stopping is None or launch.phase is Phase.ENDED:
        return False
    if launch.request_id is not None:
        return True
    # A stop that AWS has accepted is due again (`restop_after`), too, but only in case it had no effect.
    refused = launch.phase is not Phase.STOPPING or launch.retries.failures > 0
    return refused and launch.due is not None and launch.due <= by
