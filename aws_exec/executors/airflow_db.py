"""What is read of Airflow's database: which rows are still ours, and what a dead scheduler had queued.

Adoption reads on the scheduler's own session. Everything else is asked on the dispatcher's one row thread, in a session
of its own: Airflow's pool (5 connections and 10 more) is the scheduler's. One SELECT per 500 rows, either way.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import LargeBinary, select, type_coerce
from sqlalchemy.orm import Session, defer, joinedload, object_session
from sqlalchemy.orm.attributes import set_committed_value

from aws_exec.dispatch.lane import is_abandoned
from aws_exec.dispatch.log import is_of_database
from aws_exec.executors import compat
from aws_exec.executors.workload import UUID_FORM, UnreadableRow, Workload
from aws_exec.lifecycle.values import Key, LaunchId, Origin

log = logging.getLogger(__name__)

#: What adoption reads of every row.
_COLUMNS = (
    *compat.KEY_COLUMNS,
    TaskInstance.state,
    TaskInstance.external_executor_id,
    TaskInstance.queue,
    TaskInstance.queued_dttm,
)

#: An executor_config as the database has it: unpickled one by one, so that one that cannot be costs no other anything.
_PICKLED_CONFIG: Final = type_coerce(TaskInstance.executor_config, LargeBinary)

#: Rows read by one SELECT: below the parameter limits of every database that Airflow supports.
CHUNK = 500

T = TypeVar("T")


@contextmanager
def asking() -> Iterator[Session]:
    """A session on Airflow's database, for the dispatcher's row thread.

    A thread that the lane has given up may get its answer all the same, minutes later. Its connection does not go back
    into Airflow's pool then: the next user might wait for it as long.
    """
    with create_session() as session:
        try:
            yield session
        finally:
            if is_abandoned():
                session.invalidate()


def chunks(items: Iterable[T]) -> Iterator[list[T]]:
    """Items, each once, as many at a time as one SELECT takes."""
    unique = list(dict.fromkeys(items))
    for start in range(0, len(unique), CHUNK):
        yield unique[start : start + CHUNK]


@dataclass(frozen=True, slots=True)
class Row:
    """What adoption needs of a task instance."""

    ti_id: str
    key: Key
    try_number: int
    state: str
    external_id: str
    queue: str | None
    queued_at: datetime | None
    executor_config: Any

    def __repr__(self) -> str:
        """Without the executor_config: its environment may hold secrets."""
        return f"Row(ti_id={self.ti_id!r}, key={self.key!r}, state={self.state!r}, external_id={self.external_id!r})"

    @property
    def origin(self) -> Origin:
        """What a container must say of itself to be this row's."""
        return Origin(str(self.try_number), self.queued_at.timestamp() if self.queued_at is not None else None)

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
    found = session.execute(select(*_COLUMNS, _PICKLED_CONFIG).where(TaskInstance.id.in_([ti.id for ti in tis])))
    for *named, state, external_id, queue, queued_at, pickled in found:
        ti_id, *_, number, _ = named
        key = compat.row_key(named)
        try:
            config = _unpickled(session, pickled)
        except Exception:
            # It only says where to look, and must not cost the task its try.
            log.exception("The executor_config of %s cannot be read; it is looked for in the configured cluster", key)
            config = None
        yield Row(str(ti_id), key, number, _text(state), external_id or "", queue, queued_at, config)


@dataclass(frozen=True, slots=True)
class _Standing:
    """How the row of one try stands."""

    state: str
    queued_by: Any
    external_id: str

    def is_queued_for(self, launch_id: LaunchId, job_id: Any) -> bool:
        """Whether it is QUEUED, by this scheduler, and names no other launch."""
        if self.state != TaskInstanceState.QUEUED.value or str(self.queued_by) != str(job_id):
            return False
        return not _names_another(self.external_id, launch_id)


def still_ours(launches: Iterable[tuple[LaunchId, Key]], job_id: Any) -> frozenset[LaunchId]:
    """Which launches nobody else has taken over: their row is QUEUED, by this scheduler, and names no other launch.

    Callbacks are never handed to a second scheduler (Airflow queries them only while PENDING): they stay ours.
    """
    launches = list(launches)
    rows = _standings(launches, [TaskInstanceState.QUEUED])
    return frozenset(
        launch_id
        for launch_id, key in launches
        if not compat.is_task_key(key) or (key in rows and rows[key].is_queued_for(launch_id, job_id))
    )


#: States of a task instance that waits for another container under the same try number: `schedule_tis` leaves it as
#: it is after a reschedule or a deferral, and counts up after anything else (Airflow 3.3.2, models/dagrun.py).
_BETWEEN_CONTAINERS = (
    TaskInstanceState.QUEUED,
    TaskInstanceState.SCHEDULED,
    TaskInstanceState.DEFERRED,
    TaskInstanceState.UP_FOR_RESCHEDULE,
)


def awaited(launches: Iterable[tuple[LaunchId, Key]], job_id: Any) -> dict[LaunchId, bool]:
    """Whose ends Airflow waits for, or will not mind: all but those whose row waits for a next container.

    Each with whether its row is RUNNING: nobody has told the API server a result.

    `SchedulerJobRunner.process_executor_events` (Airflow 3.3.2) fails a task instance that is SCHEDULED or QUEUED when
    the end of its try is reported, unless it was deferred. A row that is QUEUED for the very launch that ended is
    right to be failed: its container never told the API server anything. Callbacks know nothing of this.
    """
    launches = list(launches)
    rows = _standings(launches, [*_BETWEEN_CONTAINERS, TaskInstanceState.RUNNING])
    running = {key for key, row in rows.items() if row.state == TaskInstanceState.RUNNING.value}
    return {
        launch_id: key in running
        for launch_id, key in launches
        if key not in rows or key in running or rows[key].is_queued_for(launch_id, job_id)
    }


def _standings(launches: Sequence[tuple[LaunchId, Key]], states: Sequence[TaskInstanceState]) -> dict[Key, _Standing]:
    """The rows of these tries that are in one of these states, by key; one SELECT per 500."""
    keys: list[Any] = [key for _, key in launches if compat.is_task_key(key)]
    found: dict[Key, _Standing] = {}
    with asking() as session:
        for chunk in chunks(keys):
            query = select(
                *compat.KEY_COLUMNS,
                TaskInstance.state,
                TaskInstance.queued_by_job_id,
                TaskInstance.external_executor_id,
            ).where(compat.rows_of(chunk), TaskInstance.state.in_(states))
            for *key, state, queued_by, external_id in session.execute(query):
                found[compat.row_key(key)] = _Standing(_text(state), queued_by, external_id or "")
    return found


def _names_another(external_id: str, launch_id: LaunchId) -> bool:
    """Whether a row has been queued anew, for another launch; where Airflow pre-assigns none, a UUID tells nothing."""
    return compat.PRE_ASSIGNS and bool(UUID_FORM.fullmatch(external_id)) and external_id != launch_id


def read_workloads(
    launches: Iterable[tuple[LaunchId, Key]], job_id: Any, **made_with: Any
) -> dict[LaunchId, Workload | UnreadableRow]:
    """What these adopted launches run, by their rows, read now; without those that `still_ours` would leave out.

    Args:
        launches: with the keys of their task instances.
        job_id: of this executor's scheduler.
        made_with: what the scheduler passes to `ExecuteTask.make` beside the row (`compat.made_with`).
    """
    by_key: dict[Any, LaunchId] = {key: launch_id for launch_id, key in launches}
    found: dict[LaunchId, Workload | UnreadableRow] = {}
    query = select(TaskInstance, _PICKLED_CONFIG).options(
        # A row whose DAG is gone must not be left out, as by an inner join: it would be taken for another scheduler's.
        joinedload(TaskInstance.dag_model, innerjoin=False),
        defer(TaskInstance.executor_config),
    )
    with asking() as session:
        for chunk in chunks(by_key):
            ours = (compat.rows_of(chunk), TaskInstance.state == TaskInstanceState.QUEUED)
            for ti, pickled in session.execute(query.where(*ours)):
                standing = _Standing(_text(ti.state), ti.queued_by_job_id, ti.external_executor_id or "")
                launch_id = by_key.get(compat.task_key(ti))
                if launch_id is not None and standing.is_queued_for(launch_id, job_id):
                    found[launch_id] = _workload(session, ti, pickled, made_with)
    return found


def _workload(
    session: Session, ti: TaskInstance, pickled: bytes | None, made_with: Mapping[str, Any]
) -> Workload | UnreadableRow:
    """What a row runs; one of which that cannot be told costs the others of its SELECT nothing."""
    from airflow.executors.workloads import ExecuteTask  # noqa: PLC0415 - needs the models above to be mapped

    try:
        set_committed_value(ti, "executor_config", _unpickled(session, pickled))
        return Workload(compat.task_key(ti), [ExecuteTask.make(ti, **made_with)], ti.queue, ti.executor_config or None)
    except Exception as error:
        if is_of_database(error):
            raise
        return UnreadableRow(compat.task_key(ti), type(error).__name__)


def _unpickled(session: Session, pickled: bytes | None) -> Any:
    """An executor_config, as Airflow's own column reads it; raises whatever unpickling does."""
    process: Any = TaskInstance.__table__.c.executor_config.type.result_processor(session.get_bind().dialect, None)
    return process(pickled)


def _text(state: Any) -> str:
    return str(getattr(state, "value", state))
