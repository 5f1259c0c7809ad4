"""The steps of a crash case: start a run, set a crash point, wait for the crash, start the next scheduler."""

import configparser
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aws_exec.local import EmbeddedAws
from aws_exec.local.airflow.processes import ComponentDiedError, LocalAirflow
from tests.crash.case import Case, begin

#: Seconds until a scheduler that was told to die has died, a start of one included.
PATIENCE = 90


@dataclass
class Stage:
    """One case's hold on everything.

    Attributes:
        control: the directory that `scheduler/crashing.py` reads; `gone` says that the scheduler is not as it was.
        configuration: the text of airflow.cfg, as it is for all cases.
        directory: of the case.
    """

    aws: EmbeddedAws
    airflow: LocalAirflow
    control: Path
    directory: Path
    configuration: str
    _case: list[Case] = field(default_factory=list)

    @property
    def case(self) -> Case:
        """The run, once it has begun."""
        return self._case[0]

    def set_up(self) -> None:
        """Undo what an earlier case has left: what it armed, what it configured, the scheduler that it killed."""
        self.aws.faults.let_go()
        self.aws.faults.vacate()
        afresh = (self.control / "gone").exists()
        for left in self.control.iterdir():
            left.unlink()
        if afresh:
            _write_configuration(self.airflow, self.configuration)
            self.airflow.restart("scheduler")

    def begin(self, *, gated: bool = False, **conf: Any) -> Case:
        """Trigger the run."""
        self._case.append(begin(self.aws, self.airflow, self.directory, gated=gated, **conf))
        return self.case

    def arm(self, point: str, *, stop: bool = False) -> None:
        """Have the scheduler that gets there die at a point, or stop in its tracks."""
        if stop:
            (self.control / "stop").write_text("yes")
        (self.control / "point").write_text(point)

    def dies(self) -> None:
        """Wait until the scheduler has killed itself."""
        with pytest.raises(ComponentDiedError, match=r"Airflow's scheduler was killed"):
            self.airflow.wait_until(lambda: None, PATIENCE, "the scheduler kills itself")
        assert (self.control / "passed").exists()
        (self.control / "passed").unlink()
        self.kill()

    def stops(self) -> None:
        """Wait until the scheduler, told to stop at a point, has stopped in its tracks."""
        self.airflow.wait_until((self.control / "passed").exists, PATIENCE, "the scheduler stops")
        (self.control / "passed").unlink()

    def have(self, bug: str) -> None:
        """Have the executors a bug, from now on."""
        (self.control / "bug").write_text(bug)

    def configure(self, section: str, option: str, value: str) -> None:
        """Start a scheduler with an option of its own, for this case."""
        _write_configuration(self.airflow, self.configuration, (section, option, value))
        (self.control / "gone").touch()
        self.airflow.restart("scheduler")

    def kill(self) -> None:
        """Kill the scheduler, now."""
        (self.control / "gone").touch()
        self.airflow.kill9("scheduler")

    def end(self) -> None:
        """Have the scheduler end in order, as a rolling restart does."""
        (self.control / "gone").touch()
        self.airflow.end("scheduler", PATIENCE)

    def restart(self) -> None:
        """Start the next scheduler."""
        self.airflow.restart("scheduler")
        (self.control / "gone").unlink(missing_ok=True)

    def until_all_run(self) -> None:
        """Wait until every task runs its user code, which waits for the gate."""
        self.case.run.until(self.case.all_run, "all tasks run")

    def until_adopted(self) -> None:
        """Wait until all that is not over has another scheduler than now."""
        before = self.case.owners()
        self.case.run.until(lambda: not before & self.case.owners(), "the next scheduler has adopted all tasks")


def _write_configuration(airflow: LocalAirflow, text: str, *changes: tuple[str, str, str]) -> None:
    """Write airflow.cfg, with some options changed."""
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    for section, option, value in changes:
        parser.set(section, option, value)
    with (airflow.home.directory / "airflow.cfg").open("w") as file:
        parser.write(file)
