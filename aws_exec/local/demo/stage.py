"""What both acts of the demo work with: the emulator, Airflow, the screen, the time that is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from rich.text import Text

from aws_exec.local import EmbeddedAws
from aws_exec.local.airflow.processes import Found, LocalAirflow
from aws_exec.local.demo.screen import Screen
from aws_exec.local.demo.watch import DagRun

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
        return DagRun(self.aws, self.airflow, dag_id, self.airflow.trigger(dag_id, conf))

    def wait(self, run: DagRun, what: str, condition: Callable[[], Found | None]) -> Found:
        """Wait until a condition is true, and show the rows of a run meanwhile; return what it returned.

        Args:
            run: whose rows to show.
            what: is awaited, for people.
            condition: looked at again and again.

        Raises:
            LocalError: a component of Airflow died.
            TimeoutError: the demo's time is over.
        """
        with self.screen.waiting(what) as show:

            def look() -> Found | None:
                show(run.rows())
                return condition()

            return self.airflow.wait_until(look, self.left(), what, every=_REFRESH)
