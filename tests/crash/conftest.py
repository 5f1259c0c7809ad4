"""The crash matrix's Airflow: on PostgreSQL, where several schedulers may run, with executors that die when told to."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aws_exec.local import EmbeddedAws
from aws_exec.local.airflow.processes import LocalAirflow
from aws_exec.local.airflow.records import Records
from tests.crash.case import DAGS, WITHOUT_EXAMPLES
from tests.crash.stage import Stage

HERE = Path(__file__).parent

ENDS = ("passed", "failed", "error")
CASE = ("crash matrix", "case")

#: A scheduler that is gone is missed after so many seconds; low, because every case waits for it.
HEALTH_THRESHOLD = 9

#: A task that is silent so long is given up; its container says every five seconds that it lives.
HEARTBEAT_TIMEOUT = 30

EXECUTOR = {"deployment": "crash", "poll_interval": "1", "shutdown_timeout": "1", "stop_grace": "5"}
SETTINGS = {
    "core": WITHOUT_EXAMPLES,
    "scheduler": {
        "scheduler_health_check_threshold": str(HEALTH_THRESHOLD),
        "orphaned_tasks_check_interval": "2",
        "job_heartbeat_sec": "1",
        "task_queued_timeout_check_interval": "2",
        "task_instance_heartbeat_timeout": str(HEARTBEAT_TIMEOUT),
        "task_instance_heartbeat_timeout_detection_interval": "2",
    },
    "aws_ecs_executor": EXECUTOR,
    "aws_batch_executor": EXECUTOR,
}


@pytest.fixture(scope="session")
def aws(tmp_path_factory) -> Iterator[EmbeddedAws]:
    with EmbeddedAws(max_containers=8, output_directory=tmp_path_factory.mktemp("containers")) as aws:
        yield aws


@pytest.fixture(scope="session")
def control(tmp_path_factory) -> Path:
    """What `scheduler/crashing.py` reads."""
    return tmp_path_factory.mktemp("control")


@pytest.fixture(scope="session")
def database() -> Iterator[Any]:
    from tests.crash.postgres import postgres  # noqa: PLC0415 - what it needs only `make crash` installs

    with postgres() as database:
        yield database


@pytest.fixture(scope="session")
def airflow(aws, control, database, tmp_path_factory) -> Iterator[LocalAirflow]:
    path = os.pathsep.join([str(HERE / "scheduler"), str(HERE.parents[1])])
    airflow = LocalAirflow(
        tmp_path_factory.mktemp("airflow"),
        executor="crashing.AwsEcsExecutor,crashing.AwsBatchExecutor",
        environment={**aws.environment(), "PYTHONPATH": path, "CRASH_CONTROL": str(control)},
        dags=[DAGS],
        settings={**SETTINGS, "database": {"sql_alchemy_conn": database.url}},
    )
    airflow.records = Records(database.ask)
    aws.container_environment |= airflow.container_environment()
    with airflow:
        yield airflow


@pytest.fixture(scope="session")
def configuration(airflow) -> str:
    return (airflow.home.directory / "airflow.cfg").read_text()


@pytest.fixture
def stage(aws, airflow, control, configuration, tmp_path) -> Stage:
    """For one case; whatever the one before did, a scheduler runs and nothing is armed."""
    stage = Stage(aws, airflow, control, tmp_path, configuration)
    stage.set_up()
    return stage


def pytest_collection_modifyitems(items) -> None:
    """Mark the cases for the count below: a report knows its test's properties, and not its markers."""
    for item in items:
        if item.get_closest_marker("crash"):
            item.user_properties.append(CASE)


def pytest_terminal_summary(terminalreporter) -> None:
    """Say how many cases there were; each has tasks on both services."""
    stats = terminalreporter.stats
    ends = {how: sum(CASE in one.user_properties for one in stats.get(how, ())) for how in ENDS}
    if any(ends.values()):
        told = ", ".join(f"{count} {how}" for how, count in ends.items() if count)
        terminalreporter.write_line(f"crash matrix: {sum(ends.values())} cases, each on ECS and Batch: {told}")
