"""What is read of Airflow's database: which rows are still ours, and what a dead scheduler had queued.

Adoption reads on the scheduler's own session, one SELECT per 500 rows. The rest runs on the dispatcher's threads, with
sessions of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from airflow.models.taskinstance import TaskInstance
from airflow.models.taskinstancekey import TaskInstanceKey
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import select
from sqlalchemy.orm import object_session

from aws_exec.executors import compat
from aws_exec.executors.workload import UUID_FORM, QueuedRow, Workload
from aws_exec.lifecycle.values import Key, LaunchId

log = logging.getLogger(__name__)

#: What adoption reads of every row.
_COLUMNS = (
    TaskInstance.id,
    TaskInstance.dag_id,
    TaskInstance.task_id,
    TaskInstance.run_id,
    TaskInstance.try_number,
    TaskInstance.map_index,
    TaskInstance.state,
    TaskInstance.external_executor_id,
    TaskInstance.queue,
)

#: Rows read by one SELECT: below the parameter limits of every database that Airflow supports.
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Row:
    """What adoption needs of a task instance."""

    ti_id: str
    key: Key
    state: str
    external_id: str
    queue: str | None
    executor_config: Any

    def __repr__(self) -> str:
        """Without the executor_config: its environment may hold secrets."""
        return f"Row(ti_id={self.ti_id!r}, key={self.key!r}, state={self.state!r}, external_id={self.external_id!r})"

    @property
    def queued(self) -> bool:
        """Only such a row may be launched."""
        return self.state == TaskInstanceState.QUEUED.value


def adoptable(tis: Sequence[TaskInstance]) -> Iterator[tuple[TaskInstance, Row]]:
    """Read what adoption needs, in one SELECT per 500 rows: each lazy attribute would be a query under row locks."""
    for start in range(0, len(tis), CHUNK):
        chunk = {str(ti.id): ti for ti in tis[start : start + CHUNK]}
        for row in _read(list(chunk.values())):
            yield chunk[row.ti_id], row


def _read(tis: Sequence[TaskInstance]) -> Iterator[Row]:
    session: Any = object_session(tis[0])
    ours = TaskInstance.id.in_([ti.id for ti in tis])
    try:
        found = session.execute(select(*_COLUMNS, TaskInstance.executor_config).where(ours)).all()
    except Exception:
        # One that cannot be unpickled here must not cost the others their try: it only says where to look.
        log.exception("An executor_config could not be read; its task is looked for in the configured cluster")
        found = [(*row, None) for row in session.execute(select(*_COLUMNS).where(ours))]
    for ti_id, dag_id, task_id, run_id, try_number, map_index, state, external_id, queue, config in found:
        key = TaskInstanceKey(dag_id, task_id, run_id, try_number, map_index)
        yield Row(str(ti_id), key, _text(state), external_id or "", queue, config)


def still_ours(launches: Iterable[tuple[LaunchId, Key]], job_id: Any) -> frozenset[LaunchId]:
    """Which launches nobody else has taken over: their row is QUEUED, by this scheduler, and names no other launch.

    Callbacks are never handed to a second scheduler (Airflow queries them only while PENDING): they stay ours.
    """
    ours = {launch_id for launch_id, key in launches if not compat.is_task_key(key)}
    tasks = {key: launch_id for launch_id, key in launches if compat.is_task_key(key)}
    keys: list[Any] = list(tasks)
    with create_session() as session:
        for start in range(0, len(keys), CHUNK):
            condition = TaskInstance.filter_for_tis(keys[start : start + CHUNK])
            if condition is None:
                continue
            query = select(
                TaskInstance.dag_id,
                TaskInstance.task_id,
                TaskInstance.run_id,
                TaskInstance.try_number,
                TaskInstance.map_index,
                TaskInstance.queued_by_job_id,
                TaskInstance.external_executor_id,
            ).where(condition, TaskInstance.state == TaskInstanceState.QUEUED)
            for dag_id, task_id, run_id, try_number, map_index, queued_by, external_id in session.execute(query):
                launch_id = tasks.get(TaskInstanceKey(dag_id, task_id, run_id, try_number, map_index))
                if launch_id is None or str(queued_by) != str(job_id):
                    continue
                if not _names_another(external_id or "", launch_id):
                    ours.add(launch_id)
    return frozenset(ours)


def _names_another(external_id: str, launch_id: LaunchId) -> bool:
    """Whether a row has been queued anew, for another launch; where Airflow pre-assigns none, a UUID tells nothing."""
    return compat.PRE_ASSIGNS and bool(UUID_FORM.fullmatch(external_id)) and external_id != launch_id


def fresh_workload(row: QueuedRow, job_id: Any) -> Workload | None:
    """What an adopted row would run, read now; None if it is no longer QUEUED, for this try and by this scheduler."""
    from airflow.executors.workloads import ExecuteTask  # noqa: PLC0415 - needs the models above to be mapped

    with create_session() as session:
        ti = session.get(TaskInstance, _as_id(row.ti_id))
        if ti is None or ti.state != TaskInstanceState.QUEUED or ti.key != row.key:
            return None
        if str(ti.queued_by_job_id) != str(job_id):
            return None
        return Workload(row.key, [ExecuteTask.make(ti)], ti.queue, ti.executor_config or None)


def _as_id(ti_id: str) -> Any:
    """The primary key as the column's type wants it: a UUID, or text on an older Airflow."""
    kind = TaskInstance.__table__.c.id.type.python_type
    return kind(ti_id)


def _text(state: Any) -> str:
    return str(getattr(state, "value", state))
