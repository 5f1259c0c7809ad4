"""One run of the crash DAG: its directory, the lines of its user code, and the verdict of the checker."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_exec.local import EmbeddedAws
from aws_exec.local.airflow.processes import LocalAirflow
from aws_exec.local.airflow.records import named
from tests.crash.checker import Evidence, Expected, Ran, problems
from tests.e2e.run import Run

DAG_ID = "survives"
DAGS = Path(__file__).with_name("dags")

TASKS = ("on_ecs[0]", "on_ecs[1]", "on_batch[0]", "on_batch[1]")

#: `[core]` of components that are started often and have no use for Airflow's 80 example DAGs, which take 25 s of one
#: core to parse. The containers keep Airflow's default, which costs them nothing.
WITHOUT_EXAMPLES = {"load_examples": "False"}


@dataclass
class Case:
    """A run on its way, or over.

    Attributes:
        run: of the DAG.
        directory: has `ran/`, and `gate` once user code may end.
    """

    run: Run
    directory: Path

    @property
    def ran(self) -> list[Ran]:
        """What user code has written down so far."""
        notes = [json.loads(note.read_text()) for note in (self.directory / "ran").glob("*.json")]
        return [Ran(named(note["task_id"], note["map_index"]), note["try_number"], note["token"]) for note in notes]

    def open_gate(self) -> None:
        """Let user code end."""
        (self.directory / "gate").touch()

    def owners(self) -> set[int | None]:
        """The schedulers whose task instances these are."""
        return {one.queued_by for one in self.run.instances.values()}

    def names(self) -> dict[str, str]:
        """What each row calls its container: a launch id, or an ARN."""
        return {name: one.external_executor_id or "" for name, one in self.run.instances.items()}

    def names_its_containers(self) -> bool:
        """Whether every row has the ARN of a container."""
        return {launch.arn for launch in self.run.launches}.issuperset(self.names().values())

    def is_queued_anew(self, before: Mapping[str, str]) -> bool:
        """Whether every row is QUEUED for another launch than then."""
        names = self.names()
        queued = all(state == "queued" for state in self.run.states.values())
        return queued and all(name not in ("", before[task]) for task, name in names.items())

    def all_run(self) -> bool:
        """Whether every task runs its user code."""
        running = [state == "running" for state in self.run.states.values()]
        return len(running) == len(TASKS) == len(self.ran) and all(running)

    def evidence(self) -> Evidence:
        """What there is to read of it now."""
        return Evidence(list(self.run.instances.values()), self.run.launches, self.ran)

    def problems(self, expected: Expected | Mapping[str, Expected] = Expected()) -> list[str]:  # noqa: B008 - frozen
        """What the checker says, once the run and its containers are over.

        Args:
            expected: of each task, or of all.
        """
        self.run.over()
        tasks = dict.fromkeys(TASKS, expected) if isinstance(expected, Expected) else expected
        return problems(self.evidence(), tasks)


def begin(aws: EmbeddedAws, airflow: LocalAirflow, directory: Path, *, gated: bool = False, **conf: Any) -> Case:
    """Trigger a run.

    Args:
        aws: where its containers run.
        airflow: runs it.
        directory: an empty one.
        gated: whether user code waits for the gate.
        conf: of the run, besides.
    """
    (directory / "ran").mkdir()
    gate = {"gate": str(directory / "gate")} if gated else {}
    airflow.wait_for_dag(DAG_ID)
    run_id = airflow.trigger(DAG_ID, {"ran": str(directory / "ran"), **gate, **conf})
    return Case(Run(aws, airflow, DAG_ID, run_id), directory)
