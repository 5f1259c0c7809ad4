"""Every query on Airflow's tables.

* adoption: the task instances of a dead scheduler;
* launches: which are still this scheduler's, what adopted ones run, which exits Airflow waits for;
* unwanted launches: which task instances somebody else has ended, and who;
* owners: the task instance or callback of each container.

Adoption reads on the scheduler's own session. Everything else runs on the dispatcher's one database thread, in a
session of its own: Airflow's pool (5 connections and 10 more) is the scheduler's. Each query reads up to 500 rows with
one SELECT. What differs between Airflow's versions is in `compat`.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar
from uuid import UUID

from airflow.jobs.job import Job as SchedulerJob
from airflow.jobs.job import JobState
from airflow.models.log import Log
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import State, TaskInstanceState
from sqlalchemy import ColumnElement, LargeBinary, select, tuple_, type_coerce
from sqlalchemy.orm import Session, defer, joinedload, object_session
from sqlalchemy.orm.attributes import set_committed_value

from aws_exec.chunked import chunked
from aws_exec.dispatch.lane import is_abandoned
from aws_exec.dispatch.log import is_of_database
from aws_exec.executors import compat
from aws_exec.executors.workload import UUID_FORM, UnreadableRow, Workload
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.orphans import Owner, TaskRow
from aws_exec.lifecycle.values import CLOCKS_APART, Key, LaunchId, Origin

if TYPE_CHECKING:
    from aws_exec.executors.base import ContainerExecutor

log = logging.getLogger(__name__)

#: Rows read by one SELECT: below the parameter limits of every database that Airflow supports.
CHUNK = 500

T = TypeVar("T")


@contextmanager
def database_session() -> Iterator[Session]:
    """A session on Airflow's database, for the dispatcher's database thread.

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
    return chunked(dict.fromkeys(items), CHUNK)


def _unpickler(session: Session) -> Callable[[bytes | None], Any]:
    """Return what reads an executor_config as Airflow's own column does; it raises whatever unpickling does."""
    column: Any = TaskInstance.__table__.c.executor_config
    unpickle: Callable[[bytes | None], Any] = column.type.result_processor(session.get_bind().dialect, None)
    return unpickle


def _text(state: Any) -> str:
    return str(getattr(state, "value", state))


class AirflowDatabase:
    """The queries of one executor's lanes. Each method runs on the dispatcher's database thread, and may raise."""

    def __init__(self, executor: ContainerExecutor) -> None:
        self._executor = executor

    def verify_ownership(
        self, launches: Sequence[tuple[LaunchId, Key]], read: Collection[LaunchId]
    ) -> dict[LaunchId, Workload | UnreadableRow | None]:
        """Return which launches are still this scheduler's, with what those to be read run."""
        known = [launch for launch in launches if launch[0] not in read]
        adopted = [launch for launch in launches if launch[0] in read]
        job_id = self._executor.job_id
        found: dict[LaunchId, Workload | UnreadableRow | None] = {}
        if known:
            found |= dict.fromkeys(still_ours(known, job_id))
        if adopted:
            found |= read_workloads(adopted, job_id, **compat.made_with(self._executor))
        return found

    def verify_exits(self, launches: Sequence[tuple[LaunchId, Key]]) -> Mapping[LaunchId, bool]:
        """Return the launches whose exit Airflow waits for, each with whether its row is RUNNING."""
        return awaited(launches, self._executor.job_id)

    def find_owners(self, identities: Sequence[Identity]) -> list[Owner]:
        """Return the owner of each container, in their order."""
        return owners(identities, self._executor.job_id)

    def find_unwanted(self, launches: Sequence[tuple[LaunchId, Key]]) -> Mapping[LaunchId, str]:
        """Return the launches that Airflow no longer wants, with the reason; none if the executor checks none."""
        if self._executor.CHECK_INTERVAL is None:
            return {}
        return unwanted(launches, partial(compat.named, self._executor))

    def unfinished_callbacks(self) -> list[LaunchId]:
        """Return the callbacks that some executor was given and that are not over."""
        return unfinished_callbacks()


# -- adoption and launches ---------------------------------------------------------------------------------------------


#: The columns that adoption reads.
_COLUMNS = (
    *compat.KEY_COLUMNS,
    TaskInstance.state,
    TaskInstance.external_executor_id,
    TaskInstance.queue,
    TaskInstance.queued_dttm,
)

#: An executor_config as the database has it: unpickled one by one, so that one that cannot be costs no other anything.
_PICKLED_CONFIG: Final = type_coerce(TaskInstance.executor_config, LargeBinary)


@dataclass(frozen=True, slots=True)
class Row:
    """The part of a task instance that adoption needs."""

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
        """The origin that a container of this row has in its identity."""
        return Origin(str(self.try_number), self.queued_at.timestamp() if self.queued_at is not None else None)

    @property
    def queued(self) -> bool:
        """Whether it is QUEUED: only then may it be launched."""
        return self.state == TaskInstanceState.QUEUED.value


def adoptable(tis: Sequence[TaskInstance]) -> Iterator[tuple[TaskInstance, Row]]:
    """Read what adoption needs, in one SELECT per 500 rows: each lazy attribute would be a query under row locks."""
    for each in chunked(tis, CHUNK):
        chunk = {str(ti.id): ti for ti in each}
        for row in _read(list(chunk.values())):
            yield chunk[row.ti_id], row


def _read(tis: Sequence[TaskInstance]) -> Iterator[Row]:
    session: Any = object_session(tis[0])
    found = session.execute(select(*_COLUMNS, _PICKLED_CONFIG).where(TaskInstance.id.in_([ti.id for ti in tis])))
    unpickled = _unpickler(session)
    for *named, state, external_id, queue, queued_at, pickled in found:
        ti_id, *_, number, _ = named
        key = compat.row_key(named)
        try:
            config = unpickled(pickled)
        except Exception:
            # It only decides where to look, and must not cost the task its try.
            log.exception("The executor_config of %s cannot be read; it is searched for in the configured cluster", key)
            config = None
        yield Row(str(ti_id), key, number, _text(state), external_id or "", queue, queued_at, config)


@dataclass(frozen=True, slots=True)
class _Standing:
    """The state of one try, and the launch that it is for."""

    state: str
    queued_by: Any
    external_id: str

    @property
    def is_queued(self) -> bool:
        """Whether it is QUEUED."""
        return self.state == TaskInstanceState.QUEUED.value

    @property
    def runs(self) -> bool:
        """Whether it is RUNNING."""
        return self.state == TaskInstanceState.RUNNING.value

    def is_for(self, launch_id: LaunchId, job_id: Any) -> bool:
        """Whether this scheduler queued or adopted it, and it names no other launch."""
        return str(self.queued_by) == str(job_id) and not _names_another(self.external_id, launch_id)


def still_ours(launches: Iterable[tuple[LaunchId, Key]], job_id: Any) -> frozenset[LaunchId]:
    """Return the launches that nobody else took over: the row is QUEUED, by this scheduler, and names no other launch.

    Callbacks are never handed to a second scheduler (Airflow queries them only while PENDING): they stay ours.
    """
    launches = list(launches)
    rows = _standings(launches, [TaskInstanceState.QUEUED])
    return frozenset(
        launch_id
        for launch_id, key in launches
        if not compat.is_task_key(key) or (key in rows and rows[key].is_for(launch_id, job_id))
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
    """Return the launches whose exit may be reported: all but those whose row has, or waits for, a next container.

    Each with whether its row is RUNNING: the API server has received no result. A row that is RUNNING for another
    launch, or that another scheduler has adopted, says nothing of this one.

    `SchedulerJobRunner.process_executor_events` (Airflow 3.3.2) fails a task instance that is SCHEDULED or QUEUED when
    the end of its try is reported, unless it was deferred. A row that is QUEUED for the very launch that ended is
    right to be failed: its container never reached the API server. Callbacks have no next container.
    """
    launches = list(launches)
    rows = _standings(launches, [*_BETWEEN_CONTAINERS, TaskInstanceState.RUNNING])
    found: dict[LaunchId, bool] = {}
    for launch_id, key in launches:
        row = rows.get(key)
        if row is None or ((row.is_queued or row.runs) and row.is_for(launch_id, job_id)):
            found[launch_id] = row is not None and row.runs
    return found


def _standings(launches: Sequence[tuple[LaunchId, Key]], states: Sequence[TaskInstanceState]) -> dict[Key, _Standing]:
    """Return the rows of these tries that are in one of these states, by key; one SELECT per 500."""
    keys: list[Any] = [key for _, key in launches if compat.is_task_key(key)]
    found: dict[Key, _Standing] = {}
    with database_session() as session:
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
    """Whether a row was queued again, for another launch; where Airflow pre-assigns none, a UUID means nothing."""
    return compat.PRE_ASSIGNS and bool(UUID_FORM.fullmatch(external_id)) and external_id != launch_id


def read_workloads(
    launches: Iterable[tuple[LaunchId, Key]], job_id: Any, **made_with: Any
) -> dict[LaunchId, Workload | UnreadableRow]:
    """Read what these adopted launches run; without those that `still_ours` would leave out.

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
    with database_session() as session:
        for chunk in chunks(by_key):
            ours = (compat.rows_of(chunk), TaskInstance.state == TaskInstanceState.QUEUED)
            for ti, pickled in session.execute(query.where(*ours)):
                standing = _Standing(_text(ti.state), ti.queued_by_job_id, ti.external_executor_id or "")
                launch_id = by_key.get(compat.task_key(ti))
                if launch_id is not None and standing.is_for(launch_id, job_id):
                    found[launch_id] = _workload(session, ti, pickled, made_with)
    return found


def _workload(
    session: Session, ti: TaskInstance, pickled: bytes | None, made_with: Mapping[str, Any]
) -> Workload | UnreadableRow:
    """Return what a row runs; one that cannot be read must not fail the others of its SELECT."""
    from airflow.executors.workloads import ExecuteTask  # noqa: PLC0415 - needs the models above to be mapped

    try:
        set_committed_value(ti, "executor_config", _unpickler(session)(pickled))
        return Workload(compat.task_key(ti), [ExecuteTask.make(ti, **made_with)], ti.queue, ti.executor_config or None)
    except Exception as error:
        if is_of_database(error):
            raise
        return UnreadableRow(compat.task_key(ti), type(error).__name__)


# -- unwanted launches -------------------------------------------------------------------------------------------------


#: Entries of the audit log that are looked at for one run, and read by one SELECT, the youngest: a run is rarely
#: changed by hand.
_OF_ONE_RUN = 200
_ENTRIES = 5000

#: What the audit log calls what ends a task instance: by itself, or with its run.
_TASK_EVENTS = ("patch_task_instance", "patch_task_group_instances")
_RUN_EVENTS = ("patch_dag_run", "delete_dag_run")

#: The reason where a task instance has no row any more, and where Airflow has gone on to its next try.
_DELETED = "its task instance was deleted"
_CLEARED = "its task instance was cleared"

Run: TypeAlias = tuple[str, str]
#: An entry of the audit log: when, the task (None: of the whole run), the event, who, further members.
_Entry: TypeAlias = tuple[datetime, str | None, str, str | None, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Try:
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
    """Return the launches that Airflow no longer wants, with the reason; callbacks are always wanted.

    One SELECT per 500, and one per 500 of those that are not wanted: thousands of runs may be ended at once.

    Args:
        launches: with their keys.
        named: the coordinates of a key that has none, or the key (`compat.named`).
    """
    keys: dict[LaunchId, Any] = {launch_id: key for launch_id, key in launches if compat.is_task_key(key)}
    with database_session() as session:
        rows = _tries(session, keys.values())
        names = {row.name for row in rows.values()}
        found: dict[LaunchId, str] = {}
        ends: dict[LaunchId, _End] = {}
        replaced: dict[LaunchId, tuple[compat.Name, int]] = {}
        for launch_id, key in keys.items():
            row = rows.get(key)
            name = _name_of_key(named(key))
            if row is None:
                if name is None:
                    found[launch_id] = _DELETED
                elif compat.task_instance_id(key) or name not in names:
                    ends[launch_id] = _End(name)
                else:
                    replaced[launch_id] = (name, key.try_number)
            elif row.cleared and not row.was_let_in:
                found[launch_id] = _CLEARED
            elif row.ended and not row.was_let_in:
                ends[launch_id] = _End(row.name, row.state, row.since)
        audit = _audit(session, (end.run for end in ends.values()))
        cleared = _cleared(session, replaced.values())
    found |= {launch_id: _CLEARED for launch_id, each in replaced.items() if each in cleared}
    return found | {launch_id: _how_it_ended(end, audit.get(end.run, ())) for launch_id, end in ends.items()}


def _cleared(session: Any, tries: Iterable[tuple[compat.Name, int]]) -> set[tuple[compat.Name, int]]:
    """Return which of these tries, each of which has a next one, no container ever started.

    Airflow before 3.4 gives the row of a task instance that is cleared to its next try, and keeps a copy of the last.
    A try that failed while it started has started, and so has one that was deferred: they are left alone.
    """
    wanted = set(tries)
    found: set[tuple[compat.Name, int]] = set()
    for names in chunks(name for name, _ in wanted):
        for dag_id, task_id, run_id, map_index, number, _, started in session.execute(compat.past_tries(names)):
            if started is None:
                found.add(((dag_id, task_id, run_id, map_index), number))
    return found & wanted


def _audit(session: Any, runs: Iterable[Run]) -> Mapping[Run, list[_Entry]]:
    """Return the entries of Airflow's audit log on each run, the youngest first."""
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


def _how_it_ended(end: _End, entries: Iterable[_Entry]) -> str:
    """Return how a task instance came to its state; without a name where the log has none."""
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
    return f"its task instance is {state}" if state else _DELETED


def _name_of_key(key: Any) -> compat.Name | None:
    """Return the coordinates in a key; None where it is an id only."""
    return None if compat.task_instance_id(key) else (key.dag_id, key.task_id, key.run_id, key.map_index)


def _tries(session: Any, keys: Iterable[Any]) -> dict[Key, _Try]:
    """Return the rows of task keys, and before Airflow 3.4 of other tries of the same task instances."""
    found: dict[Key, _Try] = {}
    columns = (compat.ARCHIVED, TaskInstance.state, TaskInstance.queued_dttm, TaskInstance.last_heartbeat_at)
    for chunk in chunks(keys):
        query = select(*compat.KEY_COLUMNS, *columns).where(compat.rows_of(chunk))
        for *key, archived, state, queued_at, let_in_at in session.execute(
            query.execution_options(include_all_attempts=True)
        ):
            _, dag_id, task_id, run_id, _, map_index = key
            ended, cleared = state in State.finished, archived == "superseded"
            row = _Try((dag_id, task_id, run_id, map_index), _text(state), ended, cleared, queued_at, let_in_at)
            found[compat.row_key(key)] = row
    return found


def _extra(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


# -- owners ------------------------------------------------------------------------------------------------------------


#: States in which a task instance has a container, or is about to have one.
_HAVE_A_CONTAINER = (TaskInstanceState.QUEUED, TaskInstanceState.RUNNING, TaskInstanceState.RESTARTING)


def owners(identities: Sequence[Identity], job_id: Any) -> list[Owner]:
    """Return the owner of each container, in their order: its task instance or callback, as the database has it.

    Args:
        identities: of the containers.
        job_id: of this executor's scheduler, which is alive.
    """
    with database_session() as session:
        tasks = _tasks(session, identities)
        callbacks = _live_callbacks(session, identities)
        alive = _live_schedulers(session, identities) | {str(job_id)}

    def owner(identity: Identity) -> Owner:
        if not identity.callback_id:
            return tasks.get((identity.task_instance or _name_of_container(identity), identity.try_number), Owner())
        if identity.callback_id not in callbacks:
            return Owner()
        # Who launched it follows it; where that is not known, somebody may.
        abandoned = bool(identity.scheduler) and identity.scheduler not in alive
        return Owner(waits=True, key=compat.callback_key(identity.callback_id) if abandoned else None)

    return [owner(identity) for identity in identities]


def last_changes(identities: Sequence[Identity]) -> list[float | None]:
    """Return when each container's task instance last changed, in their order; None where it has no row.

    Seconds since the epoch: when its current try was queued, where it has a container, else when its row was written.
    Heartbeats write the row of a task that runs.
    """
    found: dict[str | compat.Name, float] = {}
    columns = (TaskInstance.state, TaskInstance.queued_dttm, TaskInstance.updated_at)
    with database_session() as session:
        for condition in _conditions(identities):
            query = select(*compat.KEY_COLUMNS, *columns).where(condition)
            # With the rows that Airflow 3.4 has archived, which it hides from other queries: they have changed, too.
            for *key, state, queued, updated in session.execute(query.execution_options(include_all_attempts=True)):
                changed = queued if state in _HAVE_A_CONTAINER else updated
                if changed is not None:
                    found |= {row: max(changed.timestamp(), found.get(row, 0.0)) for row in _row(key)}
    return [
        None if each.callback_id else found.get(each.task_instance or _name_of_container(each)) for each in identities
    ]


def task_rows(identities: Sequence[Identity]) -> list[TaskRow | None]:
    """Return the row of each container's task instance, in their order; None where it has none."""
    found: dict[str | compat.Name, TaskRow] = {}
    columns = (compat.ARCHIVED, TaskInstance.state, TaskInstance.max_tries, TaskInstance.external_executor_id)
    with database_session() as session:
        for condition in _conditions(identities):
            query = select(*compat.KEY_COLUMNS, *columns).where(condition).order_by(TaskInstance.try_number)
            for *key, archived, state, max_tries, names in session.execute(
                query.execution_options(include_all_attempts=True)
            ):
                row = TaskRow(_text(archived or state or ""), key[4], max_tries, names or "")
                found |= dict.fromkeys(_row(key), row)
    return [
        None if each.callback_id else found.get(each.task_instance or _name_of_container(each)) for each in identities
    ]


def try_states(identities: Sequence[Identity]) -> list[str]:
    """Return the state of each container's try, in their order; empty where it has no row, and for callbacks.

    A try that Airflow retries is `up_for_retry` until the next one is scheduled, then `failed`.
    """
    found: dict[tuple[str | compat.Name, str], str] = {}
    with database_session() as session:
        for names in chunks(map(_name_of_container, identities)):
            past = compat.past_tries(names)
            for *name, number, state, _ in () if past is None else session.execute(past):
                found[tuple(name), str(number)] = _text(state)
        for condition in _conditions(identities):
            query = select(*compat.KEY_COLUMNS, TaskInstance.state).where(condition, TaskInstance.state.is_not(None))
            for *key, state in session.execute(query.execution_options(include_all_attempts=True)):
                found |= {(row, str(key[4])): _text(state) for row in _row(key)}
    return [found.get((each.task_instance or _name_of_container(each), each.try_number), "") for each in identities]


def unfinished_callbacks() -> list[LaunchId]:
    """Return the ids (the launch ids) of the youngest callbacks that some executor was given and that are not over.

    Airflow hands a callback out once: where the executor that was given it is gone, nobody waits for it any more.
    """
    query = compat.unfinished_callbacks(CHUNK)
    if query is None:
        return []
    with database_session() as session:
        return [str(each) for each in session.scalars(query)]


def _tasks(session: Any, identities: Sequence[Identity]) -> dict[tuple[str | compat.Name, str], Owner]:
    """Return the rows that have a container, by what identifies a row in a container, and by try."""
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
    """Return the conditions, one per SELECT, that a row is of the task instance of one of these containers."""
    tasks = [identity for identity in identities if not identity.callback_id]
    for names in chunks(_name_of_container(identity) for identity in tasks if not identity.task_instance):
        yield compat.rows_named(names)
    for ids in chunks(_as_id(each.task_instance) for each in tasks if UUID_FORM.fullmatch(each.task_instance)):
        yield TaskInstance.id.in_(ids)


def _row(key: Sequence[Any]) -> tuple[str, compat.Name]:
    """Return what identifies the row with these `compat.KEY_COLUMNS` in a container: since Airflow 3.4, and before."""
    ti_id, dag_id, task_id, run_id, _, map_index = key
    return str(ti_id), (dag_id, task_id, run_id, map_index)


def _as_id(ti_id: str) -> Any:
    """The primary key as the column's type wants it: a UUID, or text on an older Airflow."""
    kind = TaskInstance.__table__.c.id.type.python_type
    return kind(ti_id)


def _live_callbacks(session: Any, identities: Iterable[Identity]) -> set[str]:
    """Return the callbacks that are not terminal."""
    live: set[str] = set()
    ids = (UUID(identity.callback_id) for identity in identities if UUID_FORM.fullmatch(identity.callback_id))
    for chunk in chunks(ids):
        live |= {str(each) for each in session.scalars(compat.live_callbacks(chunk))}
    return live


def _live_schedulers(session: Any, identities: Iterable[Identity]) -> set[str]:
    """Return the healthy ones of the schedulers that launched callbacks."""
    live: set[str] = set()
    since = datetime.now(tz=UTC) - timedelta(seconds=compat.health_threshold())
    ids = (int(each.scheduler) for each in identities if each.callback_id and each.scheduler.isdecimal())
    for chunk in chunks(ids):
        query = select(SchedulerJob.id).where(
            SchedulerJob.id.in_(chunk), SchedulerJob.state == JobState.RUNNING, SchedulerJob.latest_heartbeat > since
        )
        live |= {str(each) for each in session.scalars(query)}
    return live


def _name_of_container(identity: Identity) -> compat.Name:
    index = identity.map_index
    return identity.dag_id, identity.task_id, identity.run_id, int(index) if index.lstrip("-").isdecimal() else -1
