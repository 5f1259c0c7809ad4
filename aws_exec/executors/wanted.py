"""Whether Airflow still wants a container, by its rows: one that was marked failed must not wait for room, and start.

A task instance that ended without a container having been let in since it was queued was ended by somebody else. Who
that was stands in Airflow's audit log, where a person did it in the UI or by the API; nobody is named otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from airflow.models.log import Log
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import State
from sqlalchemy import select

from aws_exec.executors import compat
from aws_exec.executors.rows import asking, chunks
from aws_exec.lifecycle.values import CLOCKS_APART, Key, LaunchId

#: Entries of the audit log that are looked at for one run, the youngest: a run is rarely changed by hand.
_ENTRIES = 200

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


@dataclass
class _Audit:
    """Who ended what, by Airflow's audit log; each run is looked up once."""

    session: Any
    runs: dict[Run, list[_Entry]] = field(default_factory=dict)

    def says(self, name: compat.Name, state: str, since: datetime | None = None) -> str:
        """How a task instance came to its state (empty: it is gone); without a name where the log has none.

        Entries from before `since` are of an earlier try, or of the run before it was cleared.
        """
        dag_id, task_id, run_id, _ = name
        for at, of_task, event, owner, extra in self._entries((dag_id, run_id)):
            if since is not None and at < since:
                continue
            by = f" by {owner}" if owner else ""
            if event == "delete_dag_run" and not state:
                return f"its run was deleted{by}"
            if event == "patch_dag_run" and state and extra.get("state") in ("failed", "success"):
                return f"its run was marked {extra['state']}{by}"
            if event in _TASK_EVENTS and of_task in (None, task_id) and state and extra.get("new_state") == state:
                return f"marked {state}{by}"
        return f"its task instance is {state}" if state else _GONE

    def _entries(self, run: Run) -> list[_Entry]:
        if run not in self.runs:
            query = select(Log.dttm, Log.task_id, Log.event, Log.owner, Log.extra)
            query = query.where(
                Log.dag_id == run[0], Log.run_id == run[1], Log.event.in_((*_TASK_EVENTS, *_RUN_EVENTS))
            )
            found = self.session.execute(query.order_by(Log.id.desc()).limit(_ENTRIES))
            self.runs[run] = [(*named, _extra(text)) for *named, text in found]
        return self.runs[run]


def unwanted(
    launches: Iterable[tuple[LaunchId, Key]], named: Callable[[Key], object] = lambda key: key
) -> dict[LaunchId, str]:
    """Which of these launches Airflow no longer wants, and why; callbacks are always wanted.

    One SELECT per 500, and one for each run of those that are not wanted.

    Args:
        launches: with their keys.
        named: the coordinates of a key that has none, or the key (`compat.named`).
    """
    keys: dict[LaunchId, Any] = {launch_id: key for launch_id, key in launches if compat.is_task_key(key)}
    with asking() as session:
        rows = _rows(session, keys.values())
        names = {row.name for row in rows.values()}
        audit = _Audit(session)
        found: dict[LaunchId, str] = {}
        for launch_id, key in keys.items():
            row = rows.get(key)
            name = _name(named(key))
            if row is not None and row.cleared and not row.was_let_in:
                found[launch_id] = _CLEARED
            elif row is not None and row.ended and not row.was_let_in:
                found[launch_id] = audit.says(row.name, row.state, row.since)
            elif row is None and (name is None or name not in names):
                found[launch_id] = _GONE if name is None else audit.says(name, "")
        return found


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
