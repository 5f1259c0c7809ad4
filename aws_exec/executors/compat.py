"""The parts of Airflow that differ between its versions, or are not public; no other module uses them.

Written for Airflow 3.4. Each workaround names what the older version lacks.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, TypeAlias
from uuid import UUID

from airflow.configuration import conf
from airflow.executors import workloads
from airflow.executors.base_executor import BaseExecutor
from airflow.models.taskinstance import TaskInstance
from airflow.models.taskinstancekey import TaskInstanceKey
from airflow.utils.state import TaskInstanceState
from sqlalchemy import ColumnElement, null, select, tuple_
from sqlalchemy.orm import configure_mappers

from aws_exec.lifecycle.values import Key

try:
    from airflow.observability.stats import Stats
except ImportError:
    from airflow.stats import Stats  # type: ignore[assignment] # the same thing, elsewhere before Airflow 3.2

try:
    from airflow.executors.workloads.types import TaskInstanceUuid  # type: ignore[attr-defined] # new in Airflow 3.4
except ImportError:
    TaskInstanceUuid = None

#: `airflow.executors.workloads.WorkloadType`, by which Airflow 3.4 sorts an executor's queues; None before.
WorkloadType: Any = getattr(workloads, "WorkloadType", None)

#: The classes of the keys of task instances: the row's id from Airflow 3.4 on, where the iterations of a loop have the
#: same coordinates (DAG, task, run, try, map index); the coordinates before.
_TASK_KEYS: tuple[type, ...] = (TaskInstanceKey,) if TaskInstanceUuid is None else (TaskInstanceKey, TaskInstanceUuid)

#: Airflow 3.1 has no callback workloads; in 3.2 their key is a plain string.
ExecuteCallback: type | None = getattr(workloads, "ExecuteCallback", None)

#: Whether Airflow commits a launch id of its own with the QUEUED state (3.3). Before, a UUID in a row is a stale one.
PRE_ASSIGNS: bool = hasattr(BaseExecutor, "pre_assigns_external_executor_id")

#: Why Airflow 3.4 keeps a row only as one of the past: `superseded` where the task instance was cleared, `retry`, or
#: None. It hides such rows from queries that do not say `include_all_attempts`.
ARCHIVED: Any = getattr(TaskInstance, "archived_reason", null())

#: The columns from which `row_key` makes a row's key.
KEY_COLUMNS: Final = (
    TaskInstance.id,
    TaskInstance.dag_id,
    TaskInstance.task_id,
    TaskInstance.run_id,
    TaskInstance.try_number,
    TaskInstance.map_index,
)

#: DAG, task, run and map index: a task instance without its try.
Name: TypeAlias = tuple[str, str, str, int]

#: States in which nothing more is expected of an executor.
_TERMINAL = frozenset(
    {TaskInstanceState.SUCCESS.value, TaskInstanceState.FAILED.value, TaskInstanceState.REMOVED.value}
)


#: Where Airflow 3.1 finds a task's supervisor (`airflow.sdk.execution_time.context`).
_SUPERVISED = "airflow.sdk.execution_time.task_runner"


class EventLogs(deque[Any]):
    """The records that the scheduler saves into the tasks' event logs; keeps alive what it takes out.

    The scheduler hands `bulk_save_objects` a generator that pops from here, and SQLAlchemy holds what it is to save by
    weak references only: in Airflow 3.3.2 every record is collected, empty, before it is inserted, and the insert fails
    (`NOT NULL constraint failed: log.event`).
    """

    def __init__(self) -> None:
        super().__init__()
        self._taken: list[Any] = []

    def append(self, record: Any) -> None:
        """Add a record; those taken out before have been saved by now."""
        self._taken.clear()
        super().append(record)

    def popleft(self) -> Any:
        """Take the oldest record out."""
        record = super().popleft()
        self._taken.append(record)
        return record


class RunsCallbacks:
    """A base of executors that run tasks and callbacks: declares it the way this Airflow reads it."""

    if WorkloadType is None:
        supports_callbacks = True
    else:
        supported_workload_types = frozenset({WorkloadType.EXECUTE_TASK, WorkloadType.EXECUTE_CALLBACK})


def is_task(workload: object) -> bool:
    """Whether this workload runs a task instance."""
    return isinstance(workload, workloads.ExecuteTask)


def is_callback(workload: object) -> bool:
    """Whether this workload runs a callback."""
    return ExecuteCallback is not None and isinstance(workload, ExecuteCallback)


def is_task_key(key: Key) -> bool:
    """Whether this key names a task instance; what it does not name has no event log."""
    return isinstance(key, _TASK_KEYS)


def key_of(workload: Any) -> Key:
    """The key under which Airflow knows a workload."""
    key: Key = task_key(workload.ti) if is_task(workload) else workload.callback.key
    return key


def task_key(ti: Any) -> Key:
    """The key of a task instance: a row, a workload's `ti`, or the key itself."""
    if isinstance(ti, _TASK_KEYS):
        return ti
    key: Key = ti.key if TaskInstanceUuid is None else TaskInstanceUuid(ti.id)
    return key


def event_key(executor: BaseExecutor, ti: Any) -> Key:
    """The key of a task instance whose event log gets an entry; Airflow 3.4 needs its coordinates registered."""
    key = task_key(ti)
    if TaskInstanceUuid is not None and key is not ti:
        executor._register_task(ti)  # type: ignore[attr-defined] # noqa: SLF001 - as its own `queue_workload` does
    return key


def row_key(columns: Sequence[Any]) -> Key:
    """The key of the task instance whose row has these `KEY_COLUMNS`."""
    key: Key = TaskInstanceKey(*columns[1:]) if TaskInstanceUuid is None else TaskInstanceUuid(columns[0])
    return key


def rows_of(keys: Sequence[Any]) -> ColumnElement[bool]:
    """The condition that a row is that of one of these task keys; before Airflow 3.4, of any try of one."""
    if TaskInstanceUuid is None:
        return rows_named({(key.dag_id, key.task_id, key.run_id, key.map_index) for key in keys})
    return TaskInstance.id.in_([key.id for key in keys])


def rows_named(names: Collection[Name]) -> ColumnElement[bool]:
    """The condition that a row has one of these coordinates, of any try.

    Not `TaskInstance.filter_for_tis`, which pairs each DAG with each run: 250,000 pairs for 500 ends (Airflow 3.3.2).
    """
    columns = (TaskInstance.dag_id, TaskInstance.task_id, TaskInstance.run_id, TaskInstance.map_index)
    return tuple_(*columns).in_(names)


def task_instance_id(key: Key) -> str:
    """The id of the row that a task key names; empty before Airflow 3.4, whose keys do not have it."""
    return "" if isinstance(key, TaskInstanceKey) else str(key)


def named(executor: BaseExecutor, key: Key) -> object:
    """A key as people read it: with the coordinates of the task instance, as long as Airflow 3.4 knows them."""
    return getattr(executor, "_task_coordinates", {}).get(key, key)


def callback_key(callback_id: str) -> Key:
    """The key of a callback: in Airflow 3.2 its id."""
    from airflow.models import callback  # noqa: PLC0415 - needed where there are callbacks only

    kind = getattr(callback, "CallbackKey", str)
    key: Key = kind(callback_id)
    return key


def map_tables() -> None:
    """Import and map Airflow's tables, in the scheduler's thread, before any other thread queries them.

    If a lane's thread were the first, it would import them while it holds the mappers' lock. If the scheduler's thread
    imported one at that moment, it would wait for the lock while it holds the import lock: both would wait for ever.
    """
    from airflow.models import import_all_models  # noqa: PLC0415 - in the scheduler, where they are imported anyhow

    import_all_models()  # type: ignore[no-untyped-call] # Airflow annotates it not
    configure_mappers()


def past_tries(names: Collection[Name]) -> Any:
    """The query of the earlier tries of these coordinates: the members of a `Name`, the try number, state and start.

    None from Airflow 3.4 on, whose `task_instance` has every try.
    """
    if TaskInstanceUuid is not None:
        return None
    from airflow.models.taskinstancehistory import TaskInstanceHistory as Past  # noqa: PLC0415 - gone in Airflow 3.4

    columns = (Past.dag_id, Past.task_id, Past.run_id, Past.map_index)
    return select(*columns, Past.try_number, Past.state, Past.start_date).where(tuple_(*columns).in_(names))


def live_callbacks(ids: Sequence[UUID]) -> Any:
    """The query of those of these callbacks that are not terminal; Airflow 3.1 has none."""
    from airflow.models.callback import Callback  # noqa: PLC0415 - likewise
    from airflow.utils.state import CallbackState  # noqa: PLC0415 - likewise

    ended = (CallbackState.SUCCESS, CallbackState.FAILED)
    return select(Callback.id).where(Callback.id.in_(ids), Callback.state.not_in(ended))


def unfinished_callbacks(limit: int) -> Any:
    """The query of the ids of callbacks that an executor was given and that are not over, the youngest first.

    None in Airflow 3.1, which gives executors none.
    """
    if ExecuteCallback is None:
        return None
    from airflow.models.callback import Callback, CallbackType  # noqa: PLC0415 - likewise
    from airflow.utils.state import CallbackState  # noqa: PLC0415 - likewise

    given = (CallbackState.QUEUED, CallbackState.RUNNING)
    query = select(Callback.id).where(Callback.type == CallbackType.EXECUTOR.value, Callback.state.in_(given))
    return query.order_by(Callback.created_at.desc()).limit(limit)


def is_terminal(state: object) -> bool:
    """Whether this is a terminal state."""
    return str(getattr(state, "value", state)) in _TERMINAL


def final_state(key: Key, *, success: bool) -> Any:
    """The terminal state of what this key names; a callback has states of its own (not in Airflow 3.1)."""
    if is_task_key(key):
        return TaskInstanceState.SUCCESS if success else TaskInstanceState.FAILED
    from airflow.utils.state import CallbackState  # noqa: PLC0415 - where there are callback keys, there is this

    return CallbackState.SUCCESS if success else CallbackState.FAILED


def newest_tries(buffer: dict[Any, Any]) -> dict[Any, Any]:
    """An event buffer without the events of earlier tries where it has one of a later try of the same task instance.

    The scheduler reads one try of a task instance at a time, and loses the events of the others
    (`SchedulerJobRunner.process_executor_events`): the end of a first container would cost the second its ARN, or its
    end. Of a try that Airflow has moved on from it needs to hear nothing. Airflow 3.4 reads every try by its id.
    """
    newest: dict[Any, int] = {}
    for key in buffer:
        if isinstance(key, TaskInstanceKey):
            newest[key.primary] = max(key.try_number, newest.get(key.primary, key.try_number))
    return {
        key: event
        for key, event in buffer.items()
        if not isinstance(key, TaskInstanceKey) or key.try_number == newest[key.primary]
    }


def forget_queued(executor: BaseExecutor, key: Key) -> None:
    """Take a workload out of the executor's queues, if it is there."""
    for queue in queues(executor):
        queue.pop(key, None)


def queues(executor: BaseExecutor) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """The executor's queues of tasks and of callbacks, workloads by key; Airflow 3.1 has none of callbacks."""
    if WorkloadType is None:
        return executor.queued_tasks, getattr(executor, "queued_callbacks", {})
    by_type: Any = executor.executor_queues  # type: ignore[attr-defined] # new in Airflow 3.4
    return by_type[WorkloadType.EXECUTE_TASK], by_type[WorkloadType.EXECUTE_CALLBACK]


def queued_callbacks(executor: BaseExecutor) -> list[str]:
    """The ids of the callbacks in the executor's queue, which are their keys in Airflow 3.2."""
    return [str(getattr(key, "id", key)) for key in queues(executor)[1]]


def made_with(executor: BaseExecutor) -> dict[str, str]:
    """What the scheduler passes to `ExecuteTask.make` of this executor's: `sentry_integration`, from Airflow 3.2 on.

    As in `SchedulerJobRunner`: one that is no text is ignored. Airflow 3.1 knows none.
    """
    if "sentry_integration" not in workloads.ExecuteTask.model_fields:
        return {}
    integration: Any = executor.sentry_integration
    return {"sentry_integration": integration if isinstance(integration, str) else ""}


def mint_token(workload: Any, generator: Any) -> str:
    """A token for a workload, valid for `[scheduler] task_queued_timeout` from now. Never log it.

    Airflow 3.1 has no `generate_token`: there `ExecuteTask.make` calls the generator itself. Before 3.2.2 the token is
    valid for `[execution_api] jwt_expiration_time`.
    """
    subject = str(workload.ti.id if is_task(workload) else workload.callback.id)
    generate_token = getattr(type(workload), "generate_token", None)
    if generate_token is not None:
        return str(generate_token(subject, generator))
    return str(generator.generate({"sub": subject})) if generator else ""


def mint_token_of_no_task(subject: str, seconds: float) -> str:
    """Return a workload's token for a task instance that does not exist, valid for `seconds`. Never log it.

    Raises:
        LookupError: the secret that the API server knows is not configured here; Airflow would make one up.
    """
    from airflow.api_fastapi.auth.tokens import JWTGenerator, get_signing_args  # noqa: PLC0415 - of the probe alone

    unset = conf.get_default_value("api_auth", "jwt_secret", fallback="")
    secret = conf.get("api_auth", "jwt_secret", fallback="")
    if secret in ("", unset) and not conf.get("api_auth", "jwt_private_key_path", fallback=""):
        raise LookupError("[api_auth] jwt_secret is not configured here")
    generator = JWTGenerator(
        valid_for=seconds,
        audience=conf.get_mandatory_list_value("execution_api", "jwt_audience")[0],
        issuer=conf.get("api_auth", "jwt_issuer", fallback=None),
        **get_signing_args(make_secret_key_if_needed=False),
    )
    return str(generator.generate({"sub": subject, "scope": "workload"}))


def stats() -> Any:
    """Airflow's stats, as the scheduler has set them up: has `incr`, `gauge` and `timing` (milliseconds).

    Airflow 3.1 has `airflow.stats` instead. `airflow.sdk.observability.stats`, which newer versions recommend to
    others, is the task process's copy: nobody sets it up in a scheduler.
    """
    return Stats


def raw_options(executor: BaseExecutor, section: str, names: Iterable[str]) -> dict[str, str]:
    """The raw options of a section, of the executor's team if it has one; without those that are not set.

    Airflow would give the defaults of a provider's metadata for them. Our models know those too, and awsexec.yaml
    has precedence over the defaults, and Airflow's configuration over it.
    """
    source: Any = executor.conf
    with conf.make_sure_configuration_loaded(with_providers=False):
        found = {name: source.get(section, name, fallback=None) for name in names}
    return {name: str(value) for name, value in found.items() if value is not None}


def connection(conn_id: str) -> Any | None:
    """Return a connection of Airflow's; None if there is none.

    Airflow's own look-up treats a secrets backend that fails (Airflow's database while it does not answer, Vault) as
    one that does not have the connection. So where it finds none, each backend is queried again, and may raise.

    Where it finds none, Airflow 3.1 would use a task's supervisor next: outside a task that is an ImportError, of a
    name that this module has within a task only. It queries no database: its scheduler has the connections of
    environment variables and of the configured secrets backend.

    Raises:
        ImportError: of a secrets backend that is not installed: what it has would name the account.
        Exception: whatever a backend raises that cannot say whether it has the connection, for the same reason.
    """
    # Not before it is needed: who sets `conn_id` to empty does without. mypy sees no lazy exports.
    from airflow.exceptions import (  # type: ignore[attr-defined]  # noqa: PLC0415 -- see above
        AirflowNotFoundException,
    )
    from airflow.sdk import BaseHook  # noqa: PLC0415 -- see above
    from airflow.sdk.execution_time.supervisor import ensure_secrets_backend_loaded  # noqa: PLC0415 -- see above

    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        pass
    except ImportError as error:
        if error.name != _SUPERVISED:
            raise
    found = (backend.get_connection(conn_id=conn_id) for backend in ensure_secrets_backend_loaded())
    return next(filter(None, found), None)


def team_of(executor: BaseExecutor) -> str | None:
    """The team of this executor; None where there are no teams."""
    team: str | None = executor.team_name
    return team


def metric_tags(executor: BaseExecutor) -> dict[str, str]:
    """The tags of an executor's own gauges in Airflow (`executor.open_slots`): every metric of ours has them."""
    team = team_of(executor)
    return {"executor_class_name": type(executor).__name__, **({"team_name": team} if team else {})}


def health_threshold() -> float:
    """`[scheduler] scheduler_health_check_threshold`: seconds after which a silent scheduler is declared dead."""
    return conf.getfloat("scheduler", "scheduler_health_check_threshold", fallback=30.0)


def queued_timeout() -> float:
    """`[scheduler] task_queued_timeout`: seconds until Airflow revokes a queued task; its token lives as long."""
    return conf.getfloat("scheduler", "task_queued_timeout", fallback=600.0)


def default_deployment() -> str:
    """A short name for this Airflow: a hash of where its database and its API are, without user or password."""
    from sqlalchemy.engine import make_url  # noqa: PLC0415 - needed once, at start

    url = make_url(conf.get_mandatory_value("database", "sql_alchemy_conn"))
    where = f"{url.drivername.partition('+')[0]}://{url.host}:{url.port}/{url.database}"
    api = conf.get("api", "base_url", fallback="") or ""
    return hashlib.sha256(f"{where} {api}".encode()).hexdigest()[:12]
