"""Ownership of running containers, from the fleet listing and Airflow's rows. Pure.

A container is *owned* if its task instance's row, of its try, is in a state that has a container (QUEUED, RUNNING,
RESTARTING), unless that row names another container that runs. A row that names a container which is not listed may
have missed the event that names its replacement: it owns every container of its try. A row that waits for its next
container (DEFERRED, UP_FOR_RESCHEDULE, SCHEDULED) owns none: the old one is stopping, and is gone long before the
second listing. A callback's container is owned while the callback's row is not terminal.

A container becomes an orphan when two listings `Policy.orphan_age` apart both find no owner. A container that this
executor follows is never one, whatever the rows say, nor is one that another deployment launched.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.values import Key, Observation


@dataclass(frozen=True, slots=True)
class FleetMember:
    """One container of the fleet, and its identity.

    A listing has an ended container only if it may be of a callback whose end Airflow does not know.
    """

    seen: Observation
    identity: Identity


@dataclass(frozen=True, slots=True)
class Owner:
    """The state of a container's task instance or callback in Airflow's database, for the container's try.

    Attributes:
        waits: the row is in a state that has a container; a callback's is not terminal.
        names: the row's external executor id; empty if it has none (a callback's never has).
        key: of a callback that is to be followed here, because the scheduler that launched it is dead; else None.
        task: the key of the task instance, if it waits; else None.
        runs: its user code runs: the row is RUNNING.
    """

    waits: bool = False
    names: str = ""
    key: Key | None = None
    task: Key | None = None
    runs: bool = False


@dataclass(frozen=True, slots=True)
class TaskRow:
    """The row of a task instance, whatever its state.

    Attributes:
        state: Airflow's; why it was archived, if it was (Airflow 3.4); empty if it has none.
        try_number: of its current try.
        max_tries: the retries that it has; 0: none.
        names: its external executor id; empty if it has none.
    """

    state: str
    try_number: int
    max_tries: int
    names: str


@dataclass(frozen=True, slots=True)
class Orphan:
    """A container without an owner for at least `unowned_for` seconds."""

    member: FleetMember
    unowned_for: float


def is_owned(member: FleetMember, owner: Owner, alive: Collection[str]) -> bool:
    """Return whether a container has an owner.

    Args:
        member: the container.
        owner: the state of its task instance or callback.
        alive: the ARNs and launch ids of all containers in the listing.
    """
    if not owner.waits:
        return False
    mine = {member.seen.job.arn, member.identity.launch_id}
    return owner.names in mine or owner.names not in alive


def alive_in(members: Sequence[FleetMember]) -> frozenset[str]:
    """Return the names that a row may have for the containers of a listing: ARNs and launch ids."""
    arns = {member.seen.job.arn for member in members}
    return frozenset(arns | {member.identity.launch_id for member in members})
