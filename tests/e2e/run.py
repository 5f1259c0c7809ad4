"""One run of a DAG on a real Airflow and the local AWS emulator: what both say of it, and the waiting for it."""

from collections.abc import Callable
from typing import Any

from aws_exec.local.demo.watch import DagRun


class Run(DagRun):
    """One run of a DAG, on its way or over."""

    @property
    def states(self) -> dict[str, str | None]:
        return {name: instance.state for name, instance in self.instances.items()}

    def said(self, task_id: str) -> str:
        """What the executor wrote into a task's event log."""
        return "\n".join(event.extra for event in self.events if (event.task_id, event.event) == (task_id, "awsexec"))

    def until(self, predicate: Callable[[], Any], what: str, timeout: float = 90) -> Any:
        """Wait for something; every wait of these tests is this one."""
        return self.airflow.wait_until(predicate, timeout, what)

    def ended(self) -> str | None:
        """The run's state once it and its containers have ended; None before. Looks at what has come back."""
        self.rows()
        return self.final_state() or None

    def over(self, timeout: float = 150) -> str:
        """Wait for the end of the run and of its containers; returns the run's state."""
        return self.until(self.ended, f"{self.dag_id} is over", timeout)
