"""Whose the containers of the fleet are, by Airflow's rows: of task instances, callbacks, and schedulers.

One SELECT per 500 containers for each kind of row, on the dispatcher's row thread, in a session of its own. What
follows from a row is decided in `aws_exec.lifecycle.orphans`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from airflow.jobs.job import Job as SchedulerJob
from airflow.jobs.job import JobState
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import TaskInstanceState
from sqlalchemy import ColumnElement, select

from aws_exec.executors import compat
from aws_exec.executors.airflow_db import CHUNK, asking, chunks
from aws_exec.executors.workload import UUID_FORM
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.orphans import Owner
from aws_exec.lifecycle.values import LaunchId

#: States in which a task instance has a container, or is about to have one.
_HAVE_A_CONTAINER = (TaskInstanceState.QUEUED, TaskInstanceState.RUNNING, TaskInstanceState.RESTARTING)


def owners(identities: Sequence[Identity], job_id: Any) -> list[Owner]:
    """What the database says of each container's task instance or callback, in their order.

    Args:
        identities: who the containers say that they are.
        job_id: of this executor's scheduler, which is alive.
    """
    with asking() as session:
        tasks = _tasks(session, identities)
        callbacks = _live_callbacks(session, identities)
        alive = _live_schedulers(session, identities) | {str(job_id)}

    def owner(identity: Identity) -> Owner:
        if not identity.callback_id:
            return tasks.get((identity.task_instance or _name(identity), identity.try_number), Owner())
        if identity.callback_id not in callbacks:
            return Owner()
        # Who launched it follows it; where that is not known, somebody may.
        abandoned = bool(identity.scheduler) and identity.scheduler not in alive
        return Owner(waits=True, key=compat.callback_key(identity.callback_id) if abandoned else None)

    return [owner(identity) for identity in identities]


def last_changes(identities: Sequence[Identity]) -> list[float | None]:
    """When each container's task instance last moved on, in their order; None where it has no row.

    Seconds since the epoch: when its current try was queued, where it has a container, else when its row was written.
    Heartbeats write the row of a task that runs.
    """
    found: dict[str | compat.Name, float] = {}
    columns = (TaskInstance.state, TaskInstance.queued_dttm, TaskInstance.updated_at)
    with asking() as session:
        for condition in _conditions(identities):
            query = select(*compat.KEY_COLUMNS, *columns).where(condition)
            # With the rows that Airflow 3.4 has archived, which it hides from other queries: they have moved on, too.
            for *key, state, queued, updated in session.execute(query.execution_options(include_all_attempts=True)):
                changed = queued if state in _HAVE_A_CONTAINER else updated
                if changed is not None:
                    found |= {row: max(changed.timestamp(), found.get(row, 0.0)) for row in _row(key)}
    return [None if each.callback_id else found.get(each.task_instance or _name(each)) for each in identities]


def unfinished_callbacks() -> list[LaunchId]:
    """The ids, which are the launch ids, of callbacks that some executor was given and that are not over; the youngest.

    Airflow hands a callback out once: where the executor that was given it is gone, nobody waits for it any more.
    """
    query = compat.unfinished_callbacks(CHUNK)
    if query is None:
        return []
    with asking() as session:
        return [str(each) for each in session.scalars(query)]


def _tasks(session: Any, identities: Sequence[Identity]) -> dict[tuple[str | compat.Name, str], Owner]:
    """The rows that have a container, by what a container may say of its row, and by try."""
    found: dict[tuple[str | compat.Name, str], Owner] = {}
    for condition in _conditions(identities):
        query = select(*compat.KEY_COLUMNS, TaskInstance.state, TaskInstance.external_executor_id)
        query = query.where(condition, TaskInstance.state.in_(_HAVE_A_CONTAINER))
        for *key, state, external_id in session.execute(query):
            runs = state == TaskInstanceState.RUNNING
            owner = Owner(waits=True, names=external_id or "", task=compat.row_key(key), runs=runs)
            found |= {(row, str(key[4])): owner for row in _row(key)}
    return found


def _conditions(identities: Sequence[Identity]) -> Iterator[ColumnElement[bool]]:
    """The conditions, one per SELECT, that a row is of the task instance of one of these containers."""
    tasks = [identity for identity in identities if not identity.callback_id]
    for names in chunks(_name(identity) for identity in tasks if not identity.task_instance):
        yield compat.rows_named(names)
    for ids in chunks(_as_id(each.task_instance) for each in tasks if UUID_FORM.fullmatch(each.task_instance)):
        yield TaskInstance.id.in_(ids)


def _row(key: Sequence[Any]) -> tuple[str, compat.Name]:
    """What a container may say of the row with these `compat.KEY_COLUMNS`: since Airflow 3.4, and before."""
    ti_id, dag_id, task_id, run_id, _, map_index = key
    return str(ti_id), (dag_id, task_id, run_id, map_index)


def _as_id(ti_id: str) -> Any:
    """The primary key as the column's type wants it: a UUID, or text on an older Airflow."""
    kind = TaskInstance.__table__.c.id.type.python_type
    return kind(ti_id)


def _live_callbacks(session: Any, identities: Iterable[Identity]) -> set[str]:
    """The callbacks whose end Airflow does not know."""
    live: set[str] = set()
    ids = (UUID(identity.callback_id) for identity in identities if UUID_FORM.fullmatch(identity.callback_id))
    for chunk in chunks(ids):
        live |= {str(each) for each in session.scalars(compat.live_callbacks(chunk))}
    return live


def _live_schedulers(session: Any, identities: Iterable[Identity]) -> set[str]:
    """Those of the schedulers that launched callbacks which Airflow calls healthy."""
    live: set[str] = set()
    since = datetime.now(tz=UTC) - timedelta(seconds=compat.health_threshold())
    ids = (int(each.scheduler) for each in identities if each.callback_id and each.scheduler.isdecimal())
    for chunk in chunks(ids):
        query = select(SchedulerJob.id).where(
            SchedulerJob.id.in_(chunk), SchedulerJob.state == JobState.RUNNING, SchedulerJob.latest_heartbeat > since
        )
        live |= {str(each) for each in session.scalars(query)}
    return live


def _name(identity: Identity) -> compat.Name:
    index = identity.map_index
    return identity.dag_id, identity.task_id, identity.run_id, int(index) if index.lstrip("-").isdecimal() else -1
