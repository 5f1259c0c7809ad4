"""What Airflow's database says of a DAG run, read without disturbing anybody.

Looking every half second through the REST API would keep the API server from the containers; a read of a WAL database
costs nobody anything.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

#: Seconds to wait for a writer that holds the file.
_PATIENCE = 10.0

#: Airflow 3.4 has a row for every try, renamed `map_index`, and keeps what a try returned beside its row.
_IS_34 = tuple(map(int, version("apache-airflow-core").split(".")[:2])) >= (3, 4)

_TASK_INSTANCES = (
    "SELECT task_id, region_index, try_number, state, external_executor_id, queued_by_job_id FROM task_instance "
    "WHERE dag_id = ? AND run_id = ? AND working_set IS TRUE "
    "ORDER BY queued_dttm IS NULL, queued_dttm, task_id, region_index"
    if _IS_34
    else "SELECT task_id, map_index, try_number, state, external_executor_id, queued_by_job_id FROM task_instance "
    "WHERE dag_id = ? AND run_id = ? ORDER BY queued_dttm IS NULL, queued_dttm, task_id, map_index"
)
_RETURNED = (
    "SELECT value FROM xcom_v2 JOIN task_instance ON task_instance.id = task_instance_id "
    "WHERE dag_id = ? AND run_id = ? AND task_id = ? AND key = 'return_value' AND working_set IS TRUE"
    if _IS_34
    else "SELECT value FROM xcom WHERE dag_id = ? AND run_id = ? AND task_id = ? AND key = 'return_value'"
)

#: Answers a query, whose parameters are question marks, with all its rows.
Ask: TypeAlias = Callable[[str, Sequence[object]], list[tuple[Any, ...]]]


@dataclass(frozen=True, slots=True)
class TaskInstance:
    """One row of `task_instance`.

    Attributes:
        task_id: of its DAG.
        map_index: -1 for a task that is not mapped.
        try_number: the current one, from 1; 0 before the first.
        state: Airflow's word; None before it has any.
        external_executor_id: what the executor calls its job; None if unset.
        queued_by: the id of the scheduler's job that queued or adopted it; None if unset.
    """

    task_id: str
    map_index: int
    try_number: int
    state: str | None
    external_executor_id: str | None
    queued_by: int | None

    @property
    def name(self) -> str:
        """`task` or `task[2]`."""
        return named(self.task_id, self.map_index)


@dataclass(frozen=True, slots=True)
class Event:
    """One row of a task's event log (`log`).

    Attributes:
        at: ISO 8601, as the database has it.
        event: its kind: `awsexec`, `state mismatch`, ...
        extra: its text.
    """

    at: str
    task_id: str
    map_index: int
    try_number: int
    event: str
    extra: str


def named(task_id: str, map_index: int) -> str:
    """`task` or `task[2]`."""
    return task_id if map_index < 0 else f"{task_id}[{map_index}]"


class Records:
    """Reads one Airflow's database, once it has been migrated."""

    def __init__(self, ask: Ask) -> None:
        """Read what answers (`sqlite_file`)."""
        self._ask = ask

    def known_dags(self) -> set[str]:
        """The DAGs that have been parsed and serialised."""
        return {row[0] for row in self._rows("SELECT dag_id FROM serialized_dag")}

    def import_errors(self) -> dict[str, str]:
        """DAG files of `[core] dags_folder` that cannot be imported: file -> traceback."""
        return dict(self._rows("SELECT filename, stacktrace FROM import_error WHERE bundle_name = 'dags-folder'"))

    def run_state(self, dag_id: str, run_id: str) -> str | None:
        """The state of a DAG run; None if there is no such run."""
        rows = self._rows("SELECT state FROM dag_run WHERE dag_id = ? AND run_id = ?", dag_id, run_id)
        return rows[0][0] if rows else None

    def task_instances(self, dag_id: str, run_id: str) -> list[TaskInstance]:
        """The task instances of a run, in the order in which they were made."""
        return [TaskInstance(*row) for row in self._rows(_TASK_INSTANCES, dag_id, run_id)]

    def events(self, dag_id: str, run_id: str) -> list[Event]:
        """The event log of a run, oldest first."""
        rows = self._rows(
            "SELECT dttm, task_id, map_index, try_number, event, extra FROM log "
            "WHERE dag_id = ? AND run_id = ? ORDER BY id",
            dag_id,
            run_id,
        )
        return [
            Event(at, task, -1 if index is None else index, number or 0, kind, extra or "")
            for at, task, index, number, kind, extra in rows
        ]

    def returned(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """What a task that is not mapped returned (its XCom); None if nothing."""
        rows = self._rows(_RETURNED, dag_id, run_id, task_id)
        return _decoded(rows[0][0]) if rows else None

    def _rows(self, query: str, *arguments: object) -> list[tuple[Any, ...]]:
        return self._ask(query, arguments)


def sqlite_file(database: Path) -> Ask:
    """Ask an SQLite file; every question is a connection of its own."""

    def ask(query: str, arguments: Sequence[object]) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=_PATIENCE)
        with contextlib.closing(connection):
            return connection.execute(query, arguments).fetchall()

    return ask


def _decoded(value: Any) -> Any:
    """An XCom as Airflow keeps it: JSON, and in JSON once more for what was sent through the execution API."""
    decoded = json.loads(value)
    return json.loads(decoded) if isinstance(decoded, str) and decoded[:1] in '[{"' else decoded
