"""Real task instance rows in Airflow's database, and what the scheduler does with them when it adopts."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

from airflow.jobs.job import Job
from airflow.models.dag import DagModel
from airflow.models.dag_version import DagVersion
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import delete, event, insert, select, update
from sqlalchemy.orm import lazyload, load_only

from tests.executors.versions import Callback, ti_id

DEAD, ALIVE = 7, 1
RUN = "manual__2026-11-22T00:00:00+00:00"


class Rows:
    """The rows of one running dag run; a context manager that leaves none behind."""

    def __init__(self) -> None:
        self.version = uuid4()
        now = datetime(2026, 11, 22, tzinfo=UTC)
        with create_session() as session:
            session.execute(insert(Job.__table__).values([{"id": DEAD, "state": "failed"}]))
            session.execute(insert(Job.__table__).values([{"id": ALIVE, "state": "running"}]))
            session.execute(insert(DagBundleModel.__table__).values(name="dags-folder"))
            session.execute(
                insert(DagModel.__table__).values(
                    dag_id="etl",
                    bundle_name="dags-folder",
                    relative_fileloc="etl.py",
                    max_active_tasks=16,
                    max_consecutive_failed_dag_runs=0,
                    has_task_concurrency_limits=False,
                )
            )
            session.execute(insert(DagVersion.__table__).values(id=self.version, dag_id="etl", version_number=1))
            session.execute(
                insert(DagRun.__table__).values(
                    dag_id="etl", run_id=RUN, run_type="manual", state="running", run_after=now, logical_date=now
                )
            )

    @staticmethod
    def _as_id(of):
        """As the primary key's column wants it: text in Airflow 3.1."""
        return TaskInstance.__table__.c.id.type.python_type(str(of))

    def clear(self):
        """Delete them, and the callbacks that tests have added."""
        with create_session() as session:
            for model in (TaskInstance, DagRun, DagVersion, DagModel, DagBundleModel, Job, Callback):
                if model is not None:
                    session.execute(delete(model))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.clear()

    def add(self, *names, state="queued", external_id=None, **fields):
        """One row per name; their ids."""
        values = [
            self._values(name, state, external_id(name) if callable(external_id) else external_id, **fields)
            for name in names
        ]
        with create_session() as session:
            session.execute(insert(TaskInstance.__table__), values)
        return [value["id"] for value in values]

    def replace(self, standings):
        """All the rows there are: of each (workload, state, external id)."""
        values = [
            self._values(workload.ti.task_id, state, external_id, id=self._as_id(workload.ti.id))
            for workload, state, external_id in standings
        ]
        with create_session() as session:
            session.execute(delete(TaskInstance))
            if values:
                session.execute(insert(TaskInstance.__table__), values)

    def _values(self, name, state, external_id, *, map_index=-1, **fields):
        values = {
            "task_id": name,
            "dag_id": "etl",
            "run_id": RUN,
            "try_number": 1,
            "max_tries": 3,
            "pool": "default_pool",
            "queue": "default",
            "operator": "PythonOperator",
            "state": state,
            "external_executor_id": external_id,
            "queued_by_job_id": DEAD,
            "dag_version_id": self.version,
            "executor_config": {},
            "priority_weight": 1,
            TaskInstance.map_index.expression.key: map_index,  # which Airflow 3.4 calls region_index
            **fields,
        }
        coordinates = values["dag_id"], name, values["run_id"], map_index, values["try_number"]
        return {"id": self._as_id(ti_id(*coordinates)), **values}

    def set(self, name, **fields):
        with create_session() as session:
            session.execute(update(TaskInstance).where(TaskInstance.task_id == name).values(**fields))

    def set_all(self, **fields):
        """Change every row."""
        with create_session() as session:
            session.execute(update(TaskInstance).values(**fields))

    def try_of(self, name):
        with create_session() as session:
            return session.scalar(select(TaskInstance.try_number).where(TaskInstance.task_id == name))


@contextmanager
def counted(session):
    """The statements sent on a session's connection meanwhile."""
    statements = []
    bind = session.get_bind()

    def note(_conn, _cursor, statement, *_):
        statements.append(statement)

    event.listen(bind, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(bind, "before_cursor_execute", note)


def adopt(executor):
    """As `adopt_or_reset_orphaned_tasks` does: few columns, one session; names of those that it would reset."""
    columns_of_34 = [TaskInstance.try_number, TaskInstance.region_id] if hasattr(TaskInstance, "region_id") else []
    with create_session() as session:
        query = (
            select(TaskInstance)
            .options(lazyload(TaskInstance.dag_run))
            .where(TaskInstance.state.in_(["queued", "running", "restarting"]), TaskInstance.queued_by_job_id == DEAD)
            .options(
                load_only(
                    TaskInstance.id,
                    TaskInstance.dag_id,
                    TaskInstance.task_id,
                    TaskInstance.run_id,
                    TaskInstance.map_index,
                    TaskInstance.state,
                    TaskInstance.external_executor_id,
                    *columns_of_34,
                )
            )
        )
        tis = list(session.scalars(query))
        with counted(session) as statements:
            begin, cpu = time.perf_counter(), time.thread_time()
            reset = executor.try_adopt_task_instances(tis)
            took = time.perf_counter() - begin, time.thread_time() - cpu
        taken = {ti.id for ti in tis} - {ti.id for ti in reset}
        for ti in tis:
            if ti.id in taken:
                ti.queued_by_job_id = ALIVE
        return Adoption([ti.task_id for ti in reset], statements, *took)


@dataclass(frozen=True)
class Adoption:
    """What came of it: the names given back, the statements sent, how long it took and what of that was work."""

    reset: list
    statements: list
    seconds: float
    cpu_seconds: float
