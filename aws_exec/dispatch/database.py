"""The work of the database lane: batched queries of Airflow's database.

Thousands of containers may exit at once, and thousands of launches may be adopted at once. Queries that arrive while
one runs are batched, up to 500 rows per SELECT.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.orphans import Owner
from aws_exec.lifecycle.values import Key, LaunchId

#: Launches, each with the key of what it runs.
Launches: TypeAlias = tuple[tuple[LaunchId, Key], ...]
#: Return which of these launches are still ours, each with what it runs if its row is to be read, else with None.
VerifyOwnershipQuery: TypeAlias = Callable[[Launches, Collection[LaunchId]], Mapping[LaunchId, object]]
#: Return the launches whose exit is to be reported, each with whether its row is RUNNING.
VerifyExitsQuery: TypeAlias = Callable[[Launches], Mapping[LaunchId, bool]]

#: Return the owners of these containers, in the same order.
FindOwnersQuery: TypeAlias = Callable[[Sequence[Identity]], Iterable[Owner]]

#: What the lane carries out. A fleet listing first finds out here which ends to search for; the rest of it is a read.
Query: TypeAlias = do.RowEffect | do.ListFleet

#: Rows read by one SELECT (`aws_exec.executors.airflow_db.CHUNK`).
TOGETHER = 500


def all_ours(launches: Launches, _read: Collection[LaunchId]) -> dict[LaunchId, object]:
    """Without a database: all are ours."""
    return dict.fromkeys(every(launches))


def every(launches: Launches) -> list[LaunchId]:
    """Return all launch ids."""
    return [launch_id for launch_id, _ in launches]


def all_reported(launches: Launches) -> dict[LaunchId, bool]:
    """Without a database: every exit is to be reported, and no row says RUNNING."""
    return dict.fromkeys(every(launches), False)


def all_waiting(identities: Sequence[Identity]) -> list[Owner]:
    """Without a database: each may have an owner that waits for it."""
    return [Owner(waits=True)] * len(identities)


def none_unwanted(_launches: Launches) -> Mapping[LaunchId, str]:
    """Without a database: Airflow wants all of them."""
    return {}


@dataclass(frozen=True, slots=True)
class DatabaseQueries:
    """The queries of Airflow's database. Each is called on a thread of the database lane, and may raise anything.

    Attributes:
        verify_ownership: which of these launches are still ours, and what they run if their rows are to be read.
        verify_exits: the launches whose exit is to be reported, each with whether its row is RUNNING.
        find_owners: the owners of these containers.
        find_unwanted: which of these launches, none of which has started, Airflow no longer wants, and why.
        unfinished_callbacks: the launch ids of callbacks that are queued or running and not followed here.
    """

    verify_ownership: VerifyOwnershipQuery = all_ours
    verify_exits: VerifyExitsQuery = all_reported
    find_owners: FindOwnersQuery = all_waiting
    find_unwanted: Callable[[Launches], Mapping[LaunchId, str]] = none_unwanted
    unfinished_callbacks: Callable[[], Iterable[LaunchId]] = tuple


class DatabaseWork:
    """Runs queries, and makes completions of their results. An exception goes to the lane, which completes the effects.

    Args:
        queries: of Airflow's database.
        clock: seconds, monotonic; the clock of the machine's events.
    """

    def __init__(self, queries: DatabaseQueries, clock: Callable[[], float]) -> None:
        self._queries = queries
        self._clock = clock

    def answer(
        self,
        effect: Query,
        take_more: Callable[[Callable[[Query], bool], int], list[Query]],
    ) -> Sequence[tuple[int, on.Completion | do.ListFleet]]:
        """Run one query, together with queued ones of the same kind.

        Args:
            effect: the query.
            take_more: takes more of them from the lane.

        Returns:
            The completion of each, by its request id; of a ListFleet the rest of it, which is a read.
        """
        match effect:
            case do.FindOwners():
                owners = tuple(self._queries.find_owners([member.identity for member in effect.members]))
                return [
                    (
                        effect.request_id,
                        on.OwnersFound(request_id=effect.request_id, members=effect.members, owners=owners),
                    )
                ]
            case do.CheckWanted():
                return [
                    (
                        effect.request_id,
                        on.WantedChecked(
                            request_id=effect.request_id,
                            unwanted=tuple(self._queries.find_unwanted(effect.launches).items()),
                        ),
                    )
                ]
            case do.ListFleet():
                return [(effect.request_id, replace(effect, ended_of=tuple(self._queries.unfinished_callbacks())))]
            case do.VerifyOwnership() | do.VerifyExit():
                fits = _fill(TOGETHER, type(effect))
                fits(effect)
                together = [effect, *take_more(fits, TOGETHER)]
        verifications = [each for each in together if isinstance(each, do.VerifyOwnership)]
        return self._ownership_verified(verifications) or self._exits_verified(
            [each for each in together if isinstance(each, do.VerifyExit)]
        )

    def _ownership_verified(self, effects: Sequence[do.VerifyOwnership]) -> list[tuple[int, on.Completion]]:
        if not effects:
            return []
        launches = tuple(launch for each in effects for launch in each.launches)
        asked_at = self._clock()
        ours = self._queries.verify_ownership(launches, frozenset[LaunchId]().union(*(each.read for each in effects)))
        return [(each.request_id, _verified_of(each, ours, asked_at)) for each in effects]

    def _exits_verified(self, effects: Sequence[do.VerifyExit]) -> list[tuple[int, on.Completion]]:
        awaited = self._queries.verify_exits(tuple((effect.launch_id, effect.key) for effect in effects))
        failed = tuple((effect.launch_id, effect.key) for effect in effects if effect.failed)
        unwanted = self._queries.find_unwanted(failed) if failed else {}
        return [(each.request_id, _exit_verified(each, awaited, unwanted)) for each in effects]


def _exit_verified(
    effect: do.VerifyExit, awaited: Mapping[LaunchId, bool], unwanted: Mapping[LaunchId, str]
) -> on.ExitVerified:
    mine = effect.launch_id
    return on.ExitVerified(
        request_id=effect.request_id,
        launch_id=mine,
        awaited=mine in awaited,
        unreported=awaited.get(mine, False),
        unwanted=unwanted.get(mine, ""),
    )


def _fill(room: int, kind: type[Query]) -> Callable[[Query], bool]:
    """Return a filter for queries of this kind whose rows fit into the same SELECT."""

    def fits(effect: Query) -> bool:
        nonlocal room
        rows = len(effect.launches) if isinstance(effect, do.VerifyOwnership) else 1
        if not isinstance(effect, kind) or rows > room:
            return False
        room -= rows
        return True

    return fits


def _verified_of(effect: do.VerifyOwnership, ours: Mapping[LaunchId, object], asked_at: float) -> on.OwnershipVerified:
    """Return the part of a batched result that belongs to one effect."""
    ids = tuple(launch_id for launch_id, _ in effect.launches)
    workloads = {launch_id: ours[launch_id] for launch_id in ids if launch_id in effect.read and launch_id in ours}
    return on.OwnershipVerified(
        request_id=effect.request_id,
        launch_ids=ids,
        ours=frozenset(each for each in ids if each in ours),
        workloads=workloads,
        read_at=asked_at,
    )
