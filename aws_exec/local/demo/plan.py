"""What the demo's DAGs do when all goes as planned: the yardstick of its summary and of its tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aws_exec.container.outcome import Outcome

DAGS = Path(__file__).with_name("dags")
DAG_ID = "air_quality"

#: The task whose return value is the result.
RESULT = "report"

#: Seconds from a container's exit to the end of its ECS task or Batch job. Tens of seconds on Fargate; longer here than
#: a task takes to come back: a retry delay, a poke interval or a trigger of 6 seconds (a container needs some of them
#: to exit after its task has ended), and a few beats of Airflow.
STOP_DELAY = 12.0

#: What the containers of each service are called.
SERVICES: Mapping[str, str] = {"ecs": "ECS task", "batch": "Batch job"}


@dataclass(frozen=True, slots=True)
class Expected:
    """What is to happen to one task instance.

    Attributes:
        launches: containers, over all its tries.
        tries: the try that succeeds; the container of each before it has the exit code of a failed task.
        because: why there is more than one container; empty if there is one.
        service: where all of them run: a key of `SERVICES`.
        state: how the task instance ends.
        exit_code: of the container of that try; None if it never starts.
        diagnosis: the rule by which `awsexec explain` explains it; empty if it is not asked.
    """

    launches: int = 1
    tries: int = 1
    because: str = ""
    service: str = "ecs"
    state: str = "success"
    exit_code: int | None = Outcome.DONE
    diagnosis: str = ""


EXPECTED: Mapping[str, Expected] = {
    "stations": Expected(),
    "calibration": Expected(launches=2, tries=2, because="failed on its first try, on purpose"),
    "readings_complete": Expected(launches=2, because="was rescheduled", service="batch"),
    "embargo": Expected(launches=2, because="was deferred"),
    **{f"summarise[{index}]": Expected(service="batch") for index in range(5)},
    RESULT: Expected(),
}

BAD_NIGHT = "bad_night"

#: The tasks of `BAD_NIGHT` that run when the scheduler is killed.
RUNNING = ("orders", "stock")

#: What the task definition of the task `export` names, which is in no registry.
EXPORT_DEFINITION, MISSING_IMAGE = "export", "acme/export:2.8"


def bad_night(*, limited: bool) -> Mapping[str, Expected]:
    """Return what is to happen to the tasks of `BAD_NIGHT`.

    Args:
        limited: whether the kernel enforces the memory limits of containers.
    """
    killed, rule = (Outcome.OUT_OF_MEMORY, "out-of-memory") if limited else (Outcome.KILLED, "task-killed")
    return {
        "orders": Expected(),
        "stock": Expected(service="batch"),
        "forecast": Expected(service="batch", state="failed", exit_code=killed, diagnosis=rule),
        "export": Expected(state="failed", exit_code=None, diagnosis="pull-not-found"),
    }
