"""One run of a DAG on a real Airflow and an embedded AWS: what both say of it, and the waiting for it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aws_exec.local import EmbeddedAws, Launch
from aws_exec.local.airflow.processes import LocalAirflow
from aws_exec.local.airflow.records import TaskInstance
from aws_exec.local.demo.watch import Returns, Row, rows


@dataclass
class Run:
    """One run of a DAG, on its way or over."""

    aws: EmbeddedAws
    airflow: LocalAirflow
    dag_id: str
    run_id: str
    returns: Returns = field(default_factory=Returns)

    @property
    def instances(self) -> dict[str, TaskInstance]:
        found = self.airflow.records.task_instances(self.dag_id, self.run_id)
        return {instance.name: instance for instance in found}

    @property
    def states(self) -> dict[str, str | None]:
        return {name: instance.state for name, instance in self.instances.items()}

    @property
    def launches(self) -> list[Launch]:
        return [launch for launch in self.aws.ledger() if launch.identity["AWSEXEC_RUN_ID"] == self.run_id]

    def rows(self) -> list[Row]:
        events = self.airflow.records.events(self.dag_id, self.run_id)
        launches = self.launches
        return rows(self.instances.values(), launches, events, self.returns.look(launches))

    def said(self, task_id: str) -> str:
        """What the executor wrote into a task's event log."""
        events = self.airflow.records.events(self.dag_id, self.run_id, task_id)
        return "\n".join(event.extra for event in events if event.event == "awsexec")

    def until(self, predicate: Callable[[], Any], what: str, timeout: float = 90) -> Any:
        """Wait for something; every wait of these tests is this one."""
        return self.airflow.wait_until(predicate, timeout, what)

    def ended(self) -> str | None:
        """The run's state once it and its containers have ended; None before. Looks at what has come back."""
        self.rows()
        state = self.airflow.records.run_state(self.dag_id, self.run_id)
        done = state in {"success", "failed"} and all(launch.ended_at or launch.over for launch in self.launches)
        return state if done else None

    def over(self, timeout: float = 150) -> str:
        """Wait for the end of the run and of its containers; returns the run's state."""
        return self.until(self.ended, f"{self.dag_id} is over", timeout)
