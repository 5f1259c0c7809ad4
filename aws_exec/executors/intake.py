"""The intake of workloads from Airflow's queue: each gets its launch id; one that cannot be queued fails alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from aws_exec.executors import compat
from aws_exec.executors.heartbeat import BUDGET, Heartbeat
from aws_exec.executors.reporter import Reporter
from aws_exec.executors.workload import LaunchIds, Workload
from aws_exec.lifecycle import events
from aws_exec.redaction import redact

if TYPE_CHECKING:
    from aws_exec.executors.base import Command, ContainerExecutor, ExecutorConfig


class Intake:
    """Queues the workloads of one executor. All of it runs on the scheduler's thread."""

    def __init__(
        self,
        executor: ContainerExecutor,
        heartbeat: Heartbeat,
        reporter: Reporter,
        launch_ids: LaunchIds,
        clock: Callable[[], float],
    ) -> None:
        self._executor = executor
        self._heartbeat = heartbeat
        self._reporter = reporter
        self._launch_ids = launch_ids
        self._clock = clock

    def take(self, workloads: Sequence[Any]) -> None:
        """Queue as many workloads as the heartbeat budget allows; one that cannot be queued does not affect others."""
        begun = self._clock()
        for workload in workloads:
            try:
                self._take_one(workload)
            except Exception as error:
                self._executor.log.exception("A workload could not be queued")
                self._refuse(workload, error)
            self._heartbeat.intake_seconds = self._clock() - begun
            if self._heartbeat.intake_seconds >= BUDGET:
                return

    def add(self, key: Any, command: Command, queue: str | None, executor_config: ExecutorConfig | None) -> None:
        """Queue one workload, with its launch id."""
        launch_id = self._launch_ids.assign(command[0] if len(command) == 1 else None)
        self._reporter.forget(key)
        workload = Workload(key, command, queue, executor_config or None)
        self._heartbeat.handle(events.WorkloadQueued(launch_id=launch_id, key=key, workload=workload))

    def _take_one(self, workload: Any) -> None:
        key = compat.key_of(workload)
        ti = getattr(workload, "ti", None)
        config = getattr(ti, "executor_config", None)
        self._executor.execute_async(key, [workload], getattr(ti, "queue", None), config)
        self._executor.running.add(key)  # type: ignore[arg-type] # Airflow's annotation knows no callback keys
        compat.forget_queued(self._executor, key)

    def _refuse(self, workload: Any, error: Exception) -> None:
        """Fail one workload that cannot be queued, and no other."""
        try:
            key: Any = compat.key_of(workload)
        except Exception:
            # A kind that Airflow does not queue here: without a key nothing can be reported.
            self._executor.log.exception("A workload of type %s has no key", type(workload).__name__)
            return
        compat.forget_queued(self._executor, key)
        text = redact(f"awsexec could not take the task in: {type(error).__name__}: {error}")
        self._reporter.end(key, text, success=False)
        self._reporter.message(key, text)
