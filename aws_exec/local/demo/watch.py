"""Joins what Airflow says of its task instances with what the embedded AWS launched: one row for each container."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aws_exec.local.airflow_records import Event, TaskInstance, named
from aws_exec.local.script import Launch

#: Events of a task's log that say how a container's turn ended, as Airflow names them: they are states.
_TURN_ENDS = {"success", "failed", "up_for_retry", "up_for_reschedule", "deferred", "skipped"}


@dataclass(frozen=True, slots=True)
class Row:
    """A container, or a task instance that has none yet.

    Attributes:
        task: `task` or `task[2]`.
        try_number: 0 before the first.
        state: how its turn ended as Airflow has it, or the task instance's state while it has not; empty if none.
        launch: None while there is none.
        return_of: the status that the task's previous container had when this one was first seen; empty if it is the
            first, or if nobody saw.
    """

    task: str
    try_number: int
    state: str
    launch: Launch | None = None
    return_of: str = ""

    @property
    def job(self) -> str:
        """The short id of its ECS task; empty if there is none."""
        return self.launch.arn.rpartition("/")[2][:8] if self.launch else ""


class Returns:
    """Remembers in which status a task's old container was when its next one was first seen.

    The ledger is read under one lock: two lines of one reading are true at the same moment.
    """

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._status: dict[str, str] = {}

    def look(self, ledger: Sequence[Launch]) -> Mapping[str, str]:
        """Take in one reading of the ledger; returns what is known so far, by the new container's ARN."""
        latest: dict[str, Launch] = {}
        for launch in ledger:
            before = latest.get(task_of(launch))
            if before is not None and launch.arn not in self._seen:
                self._status[launch.arn] = before.status
            self._seen.add(launch.arn)
            latest[task_of(launch)] = launch
        return self._status


def task_of(launch: Launch) -> str:
    """The task instance of a container, as `Row.task` names it."""
    identity = launch.identity
    return named(identity.get("AWSEXEC_TASK_ID", "?"), int(identity.get("AWSEXEC_MAP_INDEX", "-1")))


def rows(
    instances: Iterable[TaskInstance],
    ledger: Iterable[Launch],
    events: Iterable[Event],
    returns: Mapping[str, str],
) -> list[Row]:
    """What is to be shown: every container in the order of launch, then what has none yet."""
    states = {one.name: one.state or "" for one in instances}
    tries = {one.name: one.try_number for one in instances}
    ends: dict[str, list[str]] = defaultdict(list)
    for event in events:
        if event.event in _TURN_ENDS:
            ends[named(event.task_id, event.map_index)].append(event.event)
    launches = list(ledger)
    last = {task_of(launch): launch.arn for launch in launches}
    turn: Counter[str] = Counter()
    made = []
    for launch in launches:
        task = task_of(launch)
        over = ends[task][turn[task]] if turn[task] < len(ends[task]) else ""
        turn[task] += 1
        current = last[task] == launch.arn
        state = states.get(task, "") if current else over or "gone"
        number = int(launch.identity.get("AWSEXEC_TRY_NUMBER", "0"))
        made.append(Row(task, number, state, launch, returns.get(launch.arn, "")))
    return made + [Row(task, tries[task], state) for task, state in states.items() if task not in last]
