"""The adoption of task instances of a dead scheduler: they become launches of this executor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from aws_exec.executors import airflow_db, compat
from aws_exec.executors.fleet_listing import FleetLister
from aws_exec.executors.heartbeat import Heartbeat
from aws_exec.executors.startup import Startup
from aws_exec.executors.workload import UUID_FORM, LaunchIds, QueuedRow
from aws_exec.lifecycle import events
from aws_exec.lifecycle.values import Key

if TYPE_CHECKING:
    from aws_exec.executors.base import ContainerExecutor


class Adoption:
    """Adopts for one executor, on the scheduler's thread; reads only from the session that Airflow passes."""

    def __init__(
        self,
        executor: ContainerExecutor,
        heartbeat: Heartbeat,
        startup: Startup,
        fleet_lister: FleetLister,
        launch_ids: LaunchIds,
    ) -> None:
        self._executor = executor
        self._heartbeat = heartbeat
        self._startup = startup
        self._fleet_lister = fleet_lister
        self._launch_ids = launch_ids
        #: Keys that were adopted since the last heartbeat although no launch here reports them.
        self._unowned: set[Key] = set()

    def adopt(self, tis: Sequence[Any]) -> Sequence[Any]:
        """Adopt the task instances that can be identified; return the rest. Never raises."""
        # By identity: after an error of the database even `ti.id` may be a query that raises.
        adopted: set[int] = set()
        try:
            for ti, row in airflow_db.adoptable(tis):
                if self._try_adopt(row):
                    adopted.add(id(ti))
        except Exception:
            self._executor.log.exception("Adoption stopped after %d of %d task instances", len(adopted), len(tis))
        if adopted:
            self._executor.log.info("Adopted %d task instances from another scheduler", len(adopted))
        return [ti for ti in tis if id(ti) not in adopted]

    def free_unowned_slots(self) -> None:
        """Free the slots of adopted keys that no launch here reports.

        Airflow 3.4 adds every adopted key to `running`, after `try_adopt_task_instances` has returned
        (`BaseExecutor.__init_subclass__`). Only the end of a launch removes it, and these keys have no launch.
        """
        while self._unowned:
            key = self._unowned.pop()
            if not self._heartbeat.machine.owns(key):
                self._executor.running.discard(key)

    def _try_adopt(self, row: airflow_db.Row) -> bool:
        """Return whether the row was adopted; one that cannot be read must not cost the others their try."""
        try:
            return self._adopt(row)
        except Exception:
            self._executor.log.exception("%s could not be adopted", compat.named(self._executor, row.key))
            return False

    def _adopt(self, row: airflow_db.Row) -> bool:
        location = self._startup.ready().location_of(row.executor_config, row.queue)
        self._fleet_lister.locations.use(location)
        job = self._executor.job_of(row.external_id, location)
        if job is not None:
            # Derived from the job, so that each later scheduler gives its replacements the same tokens.
            launch_id = str(uuid5(NAMESPACE_URL, job.arn))
        elif UUID_FORM.fullmatch(row.external_id):
            launch_id = row.external_id
        else:
            return False
        self._launch_ids.remember(launch_id)
        self._heartbeat.handle(
            events.Adopted(
                launch_id=launch_id,
                key=row.key,
                job=job,
                workload=QueuedRow(row.key) if row.queued else None,
                location=location,
                origin=row.origin,
            )
        )
        if self._heartbeat.machine.owns(row.key):
            self._executor.running.add(row.key)  # type: ignore[arg-type] # likewise
        else:
            self._unowned.add(row.key)
        return True
