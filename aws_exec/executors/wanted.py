"""Whether Airflow still wants a container, by its rows: one that was marked failed must not wait for room, and start.

A task instance that ended without a container having been let in since it was queued was ended by somebody else. Who
that was stands in Airflow's audit log, where a person did it in the UI or by the API; nobody is named otherwise.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from airflow.models.log import Log
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import State
from sqlalchemy import select, tuple_

from aws_exec.executors import compat
from aws_exec.executors.airflow_db import asking, chunks
from aws_exec.lifecycle.values import CLOCKS_APART, Key, LaunchId

#: Entries of the audit log that are looked at for one run, and read by one SELECT, the youngest: a run is rarely
#: changed by hand.
_OF_ONE_RUN = 200
_ENTRIES = 5000

#: What the audit log calls what ends a task instance: by itself, or with its run.
_TASK_EVENTS = ("patch_task_instance", "patch_task_group_instances")
_RUN_EVENTS = ("patch_dag_run", "delete_dag_run")

#: What is said of a task instance that has no row any more, and of one whose row Airflow 3.4 replaced by another.
_GONE = "its task instance was deleted"
_CLEARED = "its task instance was cleared"

Run: TypeAlias = tuple[str, str]
#: An entry of the audit log: when, the task (None: of the whole run), the event, who, what else it says.
_Entry: TypeAlias = tuple[datetime, str | None, str, str | None, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Row:
    """A try of a task instance."""

    name: compat.Name
    state: str
    ended: bool
    cleared: bool
    queued_at: datetime | None
    let_in_at: datetime | None

    @property
    def since(self) -> datetime | None:
        """When it was queued, by a clock that may be behind the scheduler's; None if nobody knows."""
        return None if self.queued_at is None else self.queued_at - timedelta(seconds=CLOCKS_APART)

    @property
    def was_let_in(self) -> bool:
        """Whether a container has been let in since it was queued."""
        return self.let_in_at is not None and (self.since is None or self.let_in_at >= self.since)


@dataclass(frozen=True, slots=True)
class _End:
    """A task instance that somebody else has ended: its state (empty: it is gone), and since when that may be."""

    name: compat.Name
    state: str = ""
    since: datetime | None = None

    @property
    def run(self) -> Run:
        """Its run."""
        return self.name[0], self.name[2]


def unwanted(
    launches: Iterable[tuple[LaunchId, Key]], named: Callable[[Key], object] = lambda key: key
) -> dict[LaunchId, str]:
    """Which of these launches Airflow no longer wants, and why; callbacks are always wanted.

    One SELECT per 500, and one per 500 runs of those that are not wanted: thousands of runs may be ended at once.

    Args:
        launches: with their keys.
        named: the coordinates of a key that has none, or the key (`compat.named`).
    """
    keys: dict[LaunchId, Any] = {launch_id: key for launch_id, key in launches if compat.is_task_key(key)}
    with asking() as session:
        rows = _rows(session, keys.values())
        names = {row.name for row in rows.values()}
        found: dict[LaunchId, str] = {}
        ends: dict[LaunchId, _End] = {}
        for launch_id, key in keys.items():
            row = rows.get(key)
            name = _name(named(key))
            if row is None:
                if name is None:
                    found[launch_id] = _GONE
                elif name not in names:
                    ends[launch_id] = _End(name)
            elif row.cleared and not row.was_let_in:
                found[launch_id] = _CLEARED
            elif row.ended and not row.was_let_in:
                ends[launch_id] = _End(row.name, row.state, row.since)
        audit = _audit(session, (end.run for end in ends.values()))
    return found | {launch_id: _said(end, audit.get(end.run, ())) for launch_id, end in ends.items()}


def _audit(session: Any, runs: Iterable[Run]) -> Mapping[Run, list[_Entry]]:
    """What Airflow's audit log has of each run, the youngest first."""
    found: defaultdict[Run, list[_Entry]] = defaultdict(list)
    for chunk in chunks(runs):
        query = select(Log.dag_id, Log.run_id, Log.dttm, Log.task_id, Log.event, Log.owner, Log.extra).where(
            tuple_(Log.dag_id, Log.run_id).in_(chunk), Log.event.in_((*_TASK_EVENTS, *_RUN_EVENTS))
        )
        for dag_id, run_id, *entry, text in session.execute(query.order_by(Log.id.desc()).limit(_ENTRIES)):
            entries = found[dag_id, run_id]
            if len(entries) < _OF_ONE_RUN:
                entries.append((*entry, _extra(text)))
    return found


def _said(end: _End, entries: Iterable[_Entry]) -> str:
    """How a task instance came to its state; without a name where the log has none."""
    state = end.state
    for at, of_task, event, owner, extra in entries:
        if end.since is not None and at < end.since:
            continue  # of an earlier try, or of the run before it was cleared
        by = f" by {owner}" if owner else ""
        if event == "delete_dag_run" and not state:
            return f"its run was deleted{by}"
        if event == "patch_dag_run" and state and extra.get("state") in ("failed", "success"):
            return f"its run was marked {extra['state']}{by}"
        if event in _TASK_EVENTS and of_task in (None, end.name[1]) and state and extra.get("new_state") == state:
            return f"marked {state}{by}"
    return f"its task instance is {state}" if state else _GONE


def _name(key: Any) -> compat.Name | None:
    """What a key says of its task instance; None where it is an id only."""
    return None if compat.task_instance_id(key) else (key.dag_id, key.task_id, key.run_id, key.map_index)


def _rows(session: Any, keys: Iterable[Any]) -> dict[Key, _Row]:
    """The rows of task keys, and before Airflow 3.4 of other tries of the same task instances."""
    found: dict[Key, _Row] = {}
    columns = (compat.ARCHIVED, TaskInstance.state, TaskInstance.queued_dttm, TaskInstance.last_heartbeat_at)
    for chunk in chunks(keys):
        query = select(*compat.KEY_COLUMNS, *columns).where(compat.rows_of(chunk))
        for *key, archived, state, queued_at, let_in_at in session.execute(
            query.execution_options(include_all_attempts=True)
        ):
            _, dag_id, task_id, run_id, _, map_index = key
            text = str(getattr(state, "value", state))
            ended, cleared = state in State.finished, archived == "superseded"
            row = _Row((dag_id, task_id, run_id, map_index), text, ended, cleared, queued_at, let_in_at)
            found[compat.row_key(key)] = row
    return found


def _extra(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
