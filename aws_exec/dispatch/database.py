"""The work of the row lane: what is asked of Airflow's database, and asked as one where many wait for the same answer.

Thousands of containers may end at once, and thousands of launches be adopted: while one question is answered the others
gather, and are asked together, five hundred rows to a SELECT.
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
#: Which of some launches are still ours, and of those that are to be read what they run; None for the others.
Confirming: TypeAlias = Callable[[Launches, Collection[LaunchId]], Mapping[LaunchId, object]]
#: Of some launches those whose end is news to Airflow, each with whether its row says that it runs.
Ends: TypeAlias = Callable[[Launches], Mapping[LaunchId, bool]]

#: Whose these containers are, in their order.
Owners: TypeAlias = Callable[[Sequence[Identity]], Iterable[Owner]]

#: What the lane carries out. A survey asks here first of which launches it is to tell the end; the rest is a read.
Question: TypeAlias = do.RowEffect | do.ListFleet

#: Rows asked about at once: one SELECT (`aws_exec.executors.airflow_db.CHUNK`).
TOGETHER = 500


def all_ours(launches: Launches, _read: Collection[LaunchId]) -> dict[LaunchId, object]:
    """Where there is no database to ask: all are ours."""
    return dict.fromkeys(every(launches))


def every(launches: Launches) -> list[LaunchId]:
    """Where there is no database to ask: it is true of all."""
    return [launch_id for launch_id, _ in launches]


def all_reported(launches: Launches) -> dict[LaunchId, bool]:
    """Where there is no database to ask: every end is news, and has been reported to the API server."""
    return dict.fromkeys(every(launches), False)


def nobody_to_ask(identities: Sequence[Identity]) -> list[Owner]:
    """Where there is no database to ask: each is somebody's, for all we know."""
    return [Owner(waits=True)] * len(identities)


def none_unwanted(_launches: Launches) -> Mapping[LaunchId, str]:
    """Where there is no database to ask: all are wanted."""
    return {}


@dataclass(frozen=True, slots=True)
class Rows:
    """What is asked of Airflow's database: each is called on a thread of the row lane, and may raise anything.

    Attributes:
        confirm: which of these launches are still ours, and what those of them run whose rows are to be read.
        settle: the ends of which of these launches are news to Airflow, each with whether its row says that it runs.
        owners: whose these containers are.
        unwanted: which of these launches, none of which has started, Airflow no longer wants, and why.
        unfinished: which callbacks some executor was given, and are not over, and are not followed here: their launch
            ids.
    """

    confirm: Confirming = all_ours
    settle: Ends = all_reported
    owners: Owners = nobody_to_ask
    unwanted: Callable[[Launches], Mapping[LaunchId, str]] = none_unwanted
    unfinished: Callable[[], Iterable[LaunchId]] = tuple


class RowQuestions:
    """Asks, and makes the answers completions. What the database raises goes on to the lane, which completes those.

    Args:
        rows: whom to ask.
        clock: seconds, monotonic; the clock of the machine's events.
    """

    def __init__(self, rows: Rows, clock: Callable[[], float]) -> None:
        self._rows = rows
        self._clock = clock

    def answer(
        self,
        effect: Question,
        take_along: Callable[[Callable[[Question], bool], int], list[Question]],
    ) -> Sequence[tuple[int, on.Completion | do.ListFleet]]:
        """Ask one question, and with it those like it that wait.

        Args:
            effect: the question.
            take_along: takes more of them out of the lane.

        Returns:
            The completion of each, by its request id; of a survey what is left of it to be asked.
        """
        match effect:
            case do.FindOwners():
                owners = tuple(self._rows.owners([sighting.identity for sighting in effect.sightings]))
                return [
                    (
                        effect.request_id,
                        on.OwnersFound(request_id=effect.request_id, sightings=effect.sightings, owners=owners),
                    )
                ]
            case do.CheckWanted():
                return [
                    (
                        effect.request_id,
                        on.WantedChecked(
                            request_id=effect.request_id, unwanted=tuple(self._rows.unwanted(effect.launches).items())
                        ),
                    )
                ]
            case do.ListFleet():
                return [(effect.request_id, replace(effect, ended_of=tuple(self._rows.unfinished())))]
            case do.VerifyOwnership() | do.VerifyExit():
                fits = _fill(TOGETHER, type(effect))
                fits(effect)
                together = [effect, *take_along(fits, TOGETHER)]
        confirms = [each for each in together if isinstance(each, do.VerifyOwnership)]
        return self._confirmed(confirms) or self._settled(
            [each for each in together if isinstance(each, do.VerifyExit)]
        )

    def _confirmed(self, effects: Sequence[do.VerifyOwnership]) -> list[tuple[int, on.Completion]]:
        if not effects:
            return []
        launches = tuple(launch for each in effects for launch in each.launches)
        asked_at = self._clock()
        ours = self._rows.confirm(launches, frozenset[LaunchId]().union(*(each.read for each in effects)))
        return [(each.request_id, _answer_to(each, ours, asked_at)) for each in effects]

    def _settled(self, effects: Sequence[do.VerifyExit]) -> list[tuple[int, on.Completion]]:
        awaited = self._rows.settle(tuple((effect.launch_id, effect.key) for effect in effects))
        failed = tuple((effect.launch_id, effect.key) for effect in effects if effect.failed)
        unwanted = self._rows.unwanted(failed) if failed else {}
        return [(each.request_id, _settled(each, awaited, unwanted)) for each in effects]


def _settled(
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


def _fill(room: int, kind: type[Question]) -> Callable[[Question], bool]:
    """Whether a question is of this kind, and its rows go into the SELECT with those of the ones before."""

    def fits(effect: Question) -> bool:
        nonlocal room
        rows = len(effect.launches) if isinstance(effect, do.VerifyOwnership) else 1
        if not isinstance(effect, kind) or rows > room:
            return False
        room -= rows
        return True

    return fits


def _answer_to(effect: do.VerifyOwnership, ours: Mapping[LaunchId, object], asked_at: float) -> on.OwnershipVerified:
    """Its own of an answer to several."""
    ids = tuple(launch_id for launch_id, _ in effect.launches)
    workloads = {launch_id: ours[launch_id] for launch_id in ids if launch_id in effect.read and launch_id in ours}
    return on.OwnershipVerified(
        request_id=effect.request_id,
        launch_ids=ids,
        ours=frozenset(each for each in ids if each in ours),
        workloads=workloads,
        read_at=asked_at,
    )
