"""Joins what Airflow says of its task instances with what the embedded AWS launched: one row for each container."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from aws_exec.local import EmbeddedAws
from aws_exec.local.airflow.processes import LocalAirflow
from aws_exec.local.airflow.records import Event, TaskInstance, named
from aws_exec.local.script import Launch

#: Events of a task's log that say how a container's turn ended, as Airflow names them: they are states.
_TURN_ENDS = {"success", "failed", "up_for_retry", "up_for_reschedule", "deferred", "skipped"}

#: What a task instance does not come back from.
_FINAL = {"success", "failed", "skipped", "upstream_failed", "removed"}


@dataclass(frozen=True, slots=True)
class Row:
    """A container, or a task instance that has none yet.

    Attributes:
        task: `task` or `task[2]`.
        try_number: 0 before the first.
        state: how its turn ended as Airflow has it, or the task instance's state while it has not; empty if none.
        launch: None while there is none.
        return_of: the task's previous container, as it was when this one was first seen; None if it is the first, or if
            nobody saw.
    """

    task: str
    try_number: int
    state: str
    launch: Launch | None = None
    return_of: Launch | None = None

    @property
    def job(self) -> str:
        """The short id of its ECS task or Batch job; empty if there is none."""
        return short_id(self.launch) if self.launch else ""


class Returns:
    """Remembers how a task's old container was when its next one was first seen.

    The ledger is read under one lock: two lines of one reading are true at the same moment.
    """

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._before: dict[str, Launch] = {}

    def look(self, ledger: Sequence[Launch]) -> Mapping[str, Launch]:
        """Take in one reading of the ledger; returns what is known so far, by the new container's ARN."""
        latest: dict[str, Launch] = {}
        for launch in ledger:
            before = latest.get(task_of(launch))
            if before is not None and launch.arn not in self._seen:
                self._before[launch.arn] = before
            self._seen.add(launch.arn)
            latest[task_of(launch)] = launch
        return self._before


@dataclass
class DagRun:
    """One run of a DAG: what Airflow and the emulator know of it.

    Attributes:
        triggered: when, by the monotonic clock.
    """

    aws: EmbeddedAws
    airflow: LocalAirflow
    dag_id: str
    run_id: str
    returns: Returns = field(default_factory=Returns)
    triggered: float = field(default_factory=time.monotonic)

    @property
    def launches(self) -> list[Launch]:
        """Its containers, in the order of launch."""
        return [launch for launch in self.aws.ledger() if launch.identity.get("AWSEXEC_RUN_ID") == self.run_id]

    @property
    def instances(self) -> dict[str, TaskInstance]:
        """Its task instances, as `task` or `task[2]`."""
        return {one.name: one for one in self.airflow.records.task_instances(self.dag_id, self.run_id)}

    @property
    def events(self) -> list[Event]:
        """Its event log."""
        return self.airflow.records.events(self.dag_id, self.run_id)

    def final_state(self) -> str:
        """Return its state once it and all its containers have ended; empty before."""
        state = self.airflow.records.run_state(self.dag_id, self.run_id)
        return state if state in {"success", "failed"} and all(map(has_exited, self.launches)) else ""

    def rows(self) -> list[Row]:
        """Return one row for each container, and for each task instance that has none yet."""
        launches = self.launches
        return rows(self.instances.values(), launches, self.events, self.returns.look(launches))


def has_exited(launch: Launch) -> bool:
    """Whether a container has exited or will never start; its ECS task or Batch job may still be stopping."""
    return launch.over or launch.ended_at is not None


def short_id(launch: Launch) -> str:
    """The first characters of the id of an ECS task or Batch job: enough to name it."""
    return launch.arn.rpartition("/")[2][:8]


def task_of(launch: Launch) -> str:
    """The task instance of a container, as `Row.task` names it."""
    identity = launch.identity
    return named(identity.get("AWSEXEC_TASK_ID", "?"), int(identity.get("AWSEXEC_MAP_INDEX", "-1")))


def rows(
    instances: Iterable[TaskInstance],
    ledger: Iterable[Launch],
    events: Iterable[Event],
    returns: Mapping[str, Launch],
) -> list[Row]:
    """What is to be shown: every container in the order of launch, then what has none yet."""
    now = {one.name: one for one in instances}
    ends: dict[tuple[str, int], list[str]] = defaultdict(list)
    for event in events:
        if event.event in _TURN_ENDS:
            ends[named(event.task_id, event.map_index), event.try_number].append(event.event)
    launches = list(ledger)
    last = {task_of(launch): launch.arn for launch in launches}
    turns: Counter[tuple[str, int]] = Counter()
    made = []
    for launch in launches:
        task, number = task_of(launch), int(launch.identity.get("AWSEXEC_TRY_NUMBER", "0"))
        over = ends[task, number][turns[task, number] :][:1]
        turns[task, number] += 1
        current = (now[task].state or "") if last[task] == launch.arn and task in now else ""
        state = current if current in _FINAL or not over else over[0]
        made.append(Row(task, number, state, launch, returns.get(launch.arn)))
    return made + [Row(task, one.try_number, one.state or "") for task, one in now.items() if task not in last]
