"""What tests need of Airflow that differs between its versions; for the product `aws_exec.executors.compat` has it."""

from __future__ import annotations

from functools import partial
from uuid import NAMESPACE_OID, uuid5

import airflow
import pytest
from airflow.executors import workloads
from packaging.version import Version

from aws_exec.executors import compat

try:
    from airflow.executors.workloads.base import BundleInfo
    from airflow.executors.workloads.task import TaskInstanceDTO
except ImportError:  # Airflow 3.1: one module
    from airflow.executors.workloads import BundleInfo
    from airflow.executors.workloads import TaskInstance as TaskInstanceDTO

try:
    from airflow.executors.workloads.callback import CallbackDTO, ExecuteCallback
    from airflow.models.callback import Callback
except ImportError:  # Airflow 3.1 runs none in executors
    Callback = CallbackDTO = ExecuteCallback = None

try:
    from airflow.observability.stats import initialize
except ImportError:
    initialize = None

__all__ = [
    "BundleInfo",
    "Callback",
    "CallbackDTO",
    "ExecuteCallback",
    "ExecuteTask",
    "TaskInstanceDTO",
    "initialize_stats",
    "is_3_1",
    "needs_callbacks",
    "needs_launch_ids",
    "needs_sentry_integrations",
    "needs_tokens_of_workloads",
    "of_34",
    "queued_callbacks",
    "queued_tasks",
    "ti_id",
    "unwrapped",
]

#: Of what Airflow's own launch ids give, which 3.1 and 3.2 do not have.
needs_launch_ids = pytest.mark.skipif(not compat.PRE_ASSIGNS, reason="this Airflow commits no launch id with QUEUED")

of_34 = pytest.mark.skipif(compat.TaskInstanceUuid is None, reason="this Airflow knows task instances by coordinates")

#: Before 3.2.2 they live as long as `[execution_api] jwt_expiration_time` (docs/compatibility.md).
needs_tokens_of_workloads = pytest.mark.skipif(
    Version(airflow.__version__) < Version("3.2.2"), reason="this Airflow mints no tokens for workloads"
)

#: It has no `[team=section]` in airflow.cfg, and no commands of providers.
is_3_1 = compat.ExecuteCallback is None

needs_sentry_integrations = pytest.mark.skipif(
    "sentry_integration" not in workloads.ExecuteTask.model_fields,
    reason="executors of this Airflow have no Sentry integration",
)
needs_callbacks = pytest.mark.skipif(Callback is None, reason="this Airflow runs no callbacks in executors")


class ExecuteTask(workloads.ExecuteTask):
    """Knows the key under which an executor reports it: Airflow 3.1 knows none, 3.4 one of coordinates."""

    @property
    def key(self):
        return compat.key_of(self)


if ExecuteCallback is not None and not hasattr(ExecuteCallback, "key"):

    class ExecuteCallback(ExecuteCallback):
        """In Airflow 3.2, likewise."""

        @property
        def key(self):
            return compat.key_of(self)


def ti_id(dag_id, task_id, run_id, map_index, try_number):
    """The id of a task instance's row: of its coordinates, so that a workload and a row of the same have the same."""
    return uuid5(NAMESPACE_OID, f"{dag_id}/{task_id}/{run_id}/{map_index}/{try_number}")


def queued_tasks(executor):
    """The executor's queue of tasks."""
    return compat.queues(executor)[0]


def queued_callbacks(executor):
    """The executor's queue of callbacks."""
    return compat.queues(executor)[1]


def unwrapped(method):
    """A method of an executor without what Airflow 3.4 wraps around it (`BaseExecutor.__init_subclass__`)."""
    return partial(method.__wrapped__, method.__self__) if hasattr(method, "__wrapped__") else method


def initialize_stats(factory):
    """Have Airflow's stats logger made by this factory, now or when it is next needed."""
    if initialize is not None:
        initialize(factory=factory, export_legacy_names=False)
    else:  # Airflow 3.1
        stats = compat.stats()
        stats.factory, stats.instance = factory, None
