"""What both acts of the demo work with: the emulator, Airflow, the screen, the time that is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from rich.text import Text

from aws_exec.local import EmbeddedAws, Launch
from aws_exec.local.airflow.processes import Found, LocalAirflow
from aws_exec.local.airflow.records import Event, TaskInstance
from aws_exec.local.demo.screen import Screen
from aws_exec.local.demo.watch import Returns, Row, rows

#: How often the table is refreshed, seconds: a person sees no more.
_REFRESH = 0.5

#: Explains a job, given the environment of the emulator's clients and the job's ARN: the rule of the diagnosis, and the
#: lines that `awsexec explain` prints. A function of the command line's, which is above this package.
Explain: TypeAlias = Callable[[Mapping[str, str], str], tuple[str, Sequence[Text]]]


@dataclass
class Stage:
    """One running demo.

    Attributes:
        timeout: seconds for everything up to the end of the last act.
        max_containers: how many run at a time.
    """

    screen: Screen
    aws: EmbeddedAws
    airflow: LocalAirflow
    explain: Explain
    timeout: float
    max_containers: int
    began: float

    def left(self) -> float:
        """Return the seconds left of the timeout."""
        return max(self.began + self.timeout - time.monotonic(), 0.0)

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> DagRun:
        """Start a run of a DAG."""
        return DagRun(self, dag_id, self.airflow.trigger(dag_id, conf))


@dataclass
class DagRun:
    """One run of a DAG: what Airflow and the emulator know of it.

    Attributes:
        triggered: when, by the monotonic clock.
    """

    stage: Stage
    dag_id: str
    run_id: str
    triggered: float = field(default_factory=time.monotonic)
    returns: Returns = field(default_factory=Returns)

    @property
    def launches(self) -> list[Launch]:
        """Its containers, in the order of launch."""
        return [one for one in self.stage.aws.ledger() if one.identity.get("AWSEXEC_RUN_ID") == self.run_id]

    @property
    def instances(self) -> list[TaskInstance]:
        """Its task instances."""
        return self.stage.airflow.records.task_instances(self.dag_id, self.run_id)

    @property
    def events(self) -> list[Event]:
        """Its event log."""
        return self.stage.airflow.records.events(self.dag_id, self.run_id)

    def final_state(self) -> str:
        """Return its state once it and all its containers have ended; empty before."""
        state = self.stage.airflow.records.run_state(self.dag_id, self.run_id)
        return state if state in {"success", "failed"} and all(map(has_exited, self.launches)) else ""

    def rows(self) -> list[Row]:
        """Return one row for each container, and for each task instance that has none yet."""
        launches = self.launches
        return rows(self.instances, launches, self.events, self.returns.look(launches))

    def wait(self, what: str, condition: Callable[[], Found | None]) -> Found:
        """Wait until a condition is true, and show the rows meanwhile; return what it returned.

        Args:
            what: is awaited, for people.
            condition: looked at again and again.

        Raises:
            LocalError: a component of Airflow died.
            TimeoutError: the demo's time is over.
        """
        with self.stage.screen.waiting(what) as show:

            def look() -> Found | None:
                show(self.rows())
                return condition()

            return self.stage.airflow.wait_until(look, self.stage.left(), what, every=_REFRESH)


def has_exited(launch: Launch) -> bool:
    """Whether a container has exited or will never start; its ECS task or Batch job may still be stopping."""
    return launch.over or launch.ended_at is not None
