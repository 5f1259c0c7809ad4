"""The work of the row lane: what is asked of Airflow's database, and asked as one where many wait for the same answer.

Thousands of containers may end at once, each an effect of its own: while one question is answered the others gather,
and are asked together, five hundred to a SELECT.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from aws_exec.clouds.lane_faults import fault_in, unasked
from aws_exec.clouds.lane_log import LaneLog
from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.orphans import Owner
from aws_exec.lifecycle.values import Key, LaunchId, Trouble

#: Launches, each with the key of what it runs.
Launches: TypeAlias = tuple[tuple[LaunchId, Key], ...]
#: Which of some launches something is true of.
Which: TypeAlias = Callable[[Launches], Iterable[LaunchId]]

#: Whose these containers are, in their order.
Owners: TypeAlias = Callable[[Sequence[Identity]], Iterable[Owner]]

#: What the lane carries out. A survey asks here first of which launches it is to tell the end; the rest is a read.
Question: TypeAlias = do.RowEffect | do.Survey

#: Ends asked about at once: one SELECT (`aws_exec.executors.rows.CHUNK`).
TOGETHER = 500


def every(launches: Launches) -> list[LaunchId]:
    """Where there is no database to ask: it is true of all."""
    return [launch_id for launch_id, _ in launches]


def nobody_to_ask(identities: Sequence[Identity]) -> list[Owner]:
    """Where there is no database to ask: each is somebody's, for all we know."""
    return [Owner(waits=True)] * len(identities)


@dataclass(frozen=True, slots=True)
class Rows:
    """What is asked of Airflow's database: each is called on a thread of the row lane, and may raise anything.

    Attributes:
        confirm: which of these launches are still ours.
        settle: the ends of which of these launches are news to Airflow.
        owners: whose these containers are.
        unfinished: which callbacks some executor was given, and are not over, and are not followed here: their launch
            ids.
    """

    confirm: Which = every
    settle: Which = every
    owners: Owners = nobody_to_ask
    unfinished: Callable[[], Iterable[LaunchId]] = tuple


class RowQuestions:
    """Asks, and makes the answers completions. Never raises: exactly one answer for each effect.

    Args:
        rows: whom to ask.
        log: says what the database did not answer.
    """

    def __init__(self, rows: Rows, log: LaneLog) -> None:
        self._rows = rows
        self._log = log

    def ask(
        self,
        effect: Question,
        take_along: Callable[[Callable[[Question], bool], int], list[Question]],
    ) -> Sequence[tuple[int, on.Completion | do.Survey]]:
        """Ask one question, and with it those like it that wait.

        Args:
            effect: the question.
            take_along: takes more of them out of the lane.

        Returns:
            The completion of each, by its ask; of a survey what is left of it to be asked, if the database answered.
        """
        if isinstance(effect, do.Confirm):
            return [(effect.ask, self._confirmed(effect))]
        if isinstance(effect, do.AskOwners):
            return [(effect.ask, self._owners_told(effect))]
        if isinstance(effect, do.Survey):
            return [(effect.ask, self._begun(effect))]
        more = take_along(lambda other: isinstance(other, do.Settle), TOGETHER - 1)
        return self._settled([effect, *(other for other in more if isinstance(other, do.Settle))])

    def _confirmed(self, effect: do.Confirm) -> on.Completion:
        try:
            ours = frozenset(self._rows.confirm(effect.launches))
        except BaseException as error:  # noqa: BLE001 -- exactly one completion, whatever the database raises
            return unasked(effect, fault_in(error, "confirm", Trouble.UNREACHED, self._log))
        return on.Confirmed(effect.ask, tuple(launch_id for launch_id, _ in effect.launches), ours)

    def _owners_told(self, effect: do.AskOwners) -> on.Completion:
        try:
            owners = tuple(self._rows.owners([sighting.identity for sighting in effect.sightings]))
        except BaseException as error:  # noqa: BLE001 -- likewise
            return unasked(effect, fault_in(error, "owners", Trouble.UNREACHED, self._log))
        return on.OwnersTold(effect.ask, effect.sightings, owners)

    def _begun(self, effect: do.Survey) -> on.Completion | do.Survey:
        try:
            return replace(effect, ended_of=tuple(self._rows.unfinished()))
        except BaseException as error:  # noqa: BLE001 -- likewise
            return unasked(effect, fault_in(error, "callbacks", Trouble.UNREACHED, self._log))

    def _settled(self, effects: Sequence[do.Settle]) -> list[tuple[int, on.Completion]]:
        try:
            awaited = frozenset(self._rows.settle(tuple((effect.launch_id, effect.key) for effect in effects)))
        except BaseException as error:  # noqa: BLE001 -- likewise
            fault = fault_in(error, "settle", Trouble.UNREACHED, self._log)
            return [(each.ask, unasked(each, fault)) for each in effects]
        return [(each.ask, on.Settled(each.ask, each.launch_id, each.launch_id in awaited)) for each in effects]
