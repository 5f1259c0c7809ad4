"""The Amazon provider's executors and ours through the same crashes, each on an Airflow of its own: `make crash-rival`.

Prints a table for docs/reliability.md. On SQLite: one scheduler at a time.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from aws_exec.local import EmbeddedAws
from aws_exec.local.airflow.processes import LocalAirflow
from tests.crash.case import DAGS, WITHOUT_EXAMPLES, Case, begin
from tests.crash.playing import LAUNCHES

AMAZON = "airflow.providers.amazon.aws.executors"
EXECUTORS = {
    "Amazon provider": f"{AMAZON}.ecs.ecs_executor.AwsEcsExecutor,{AMAZON}.batch.batch_executor.AwsBatchExecutor",
    "awsexec": "aws_exec.AwsEcsExecutor,aws_exec.AwsBatchExecutor",
}
SETTINGS = {
    "core": WITHOUT_EXAMPLES,
    "scheduler": {
        "scheduler_health_check_threshold": "9",
        "orphaned_tasks_check_interval": "2",
        "job_heartbeat_sec": "1",
    },
}

#: Seconds for a case to come to its end, burnt tries and waiting for capacity included.
PATIENCE = 240


def unanswered(aws: EmbeddedAws, airflow: LocalAirflow, directory: Path) -> Case:
    """Killed when AWS has carried out the first launch call, and not answered it."""
    for operation in LAUNCHES:
        aws.faults.stall_next(operation, acted=True, times=4)
    case = begin(aws, airflow, directory)
    airflow.wait_until(lambda: aws.faults.stalled, 60, "a launch call is at AWS")
    airflow.kill9("scheduler")
    aws.faults.let_go()
    airflow.restart("scheduler")
    return case


def while_jobs_run(aws: EmbeddedAws, airflow: LocalAirflow, directory: Path) -> Case:
    """Killed when all user code runs; it ends when the next scheduler has had time to look at it."""
    case = begin(aws, airflow, directory, gated=True)
    airflow.wait_until(case.all_run, 120, "all tasks run")
    before = case.owners()
    airflow.kill9("scheduler")
    airflow.restart("scheduler")
    airflow.wait_until(lambda: not before & case.owners(), 120, "the next scheduler has them")
    case.open_gate()
    return case


CRASHES: dict[str, Callable[[EmbeddedAws, LocalAirflow, Path], Case]] = {
    "AWS has acted, no answer yet": unanswered,
    "while jobs run": while_jobs_run,
}


def measure(executor: str, crash: str) -> str:
    """One line of the table."""
    with tempfile.TemporaryDirectory() as scratch, EmbeddedAws(max_containers=8) as aws:
        (Path(scratch) / "case").mkdir()
        airflow = LocalAirflow(
            Path(scratch) / "airflow",
            executor=EXECUTORS[executor],
            environment=aws.environment(),
            dags=[DAGS],
            settings=SETTINGS,
        )
        aws.container_environment |= airflow.container_environment()
        with airflow:
            case = CRASHES[crash](aws, airflow, Path(scratch) / "case")
            run = case.run

            def over() -> bool:
                state = airflow.records.run_state(run.dag_id, run.run_id)
                return state in {"success", "failed"} and all(one.ended_at or one.over for one in aws.ledger())

            airflow.wait_until(over, PATIENCE, "the run and its containers are over")
            instances = run.instances.values()
            burnt = sum(one.try_number - 1 for one in instances)
            failed = sum(one.state != "success" for one in instances)
            figures = (len(instances), len(aws.ledger()), len(case.ran), burnt, failed)
            return f"| {crash} | {executor} | " + " | ".join(map(str, figures)) + " |"


def main() -> None:
    """Measure, and print as it comes."""
    heads = ("killed", "executor", "tasks", "containers launched", "runs of user code", "tries burnt", "tasks failed")
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    sys.stdout.write("\n".join(lines) + "\n")
    for crash in CRASHES:
        for executor in EXECUTORS:
            sys.stdout.write(measure(executor, crash) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
