"""One real Airflow on one local AWS emulator for all tests of this folder: starting it takes half a minute."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aws_exec.local import EmbeddedAws
from aws_exec.local.airflow.home import AirflowHome
from aws_exec.local.airflow.processes import LocalAirflow
from aws_exec.local.demo import plan
from tests.crash import case
from tests.e2e import logs
from tests.e2e.run import Run
from tests.tree import ROOT

#: A scheduler that is gone is missed after so many seconds. A third of it is what a heartbeat may take.
HEALTH_THRESHOLD = 12

EXECUTOR = {"deployment": "e2e", "poll_interval": "1", "shutdown_timeout": "1"}
#: The third cloud's: tests/third_cloud.
ON_PROCESSES = "tests.third_cloud.process_executor.ProcessExecutor"

SETTINGS = {
    # Airflow's example DAGs are loaded, as by default: once, for parsing them anew takes 25 s of one core.
    "dag_processor": {"min_file_process_interval": "1800"},
    "scheduler": {
        "scheduler_health_check_threshold": str(HEALTH_THRESHOLD),
        "orphaned_tasks_check_interval": "3",
        "job_heartbeat_sec": "2",
    },
    "aws_ecs_executor": EXECUTOR,
    "aws_batch_executor": EXECUTOR,
}


@pytest.fixture(scope="session")
def aws(tmp_path_factory) -> Iterator[EmbeddedAws]:
    output = tmp_path_factory.mktemp("containers")
    with EmbeddedAws(max_containers=3, stop_delay=plan.STOP_DELAY, output_directory=output) as aws:
        yield aws


@pytest.fixture(scope="session")
def processes(tmp_path_factory) -> Path:
    """The root of the third cloud."""
    return tmp_path_factory.mktemp("processes")


@pytest.fixture(scope="session")
def started(aws, processes, tmp_path_factory) -> Iterator[tuple[LocalAirflow, list[str]]]:
    """The Airflow, and what its logs complain of when all its components are well."""
    home = tmp_path_factory.mktemp("airflow")
    environment = {"AIRFLOW_HOME": str(AirflowHome(home, 0, "").for_containers), "NO_PROXY": "*", "COLOUR": "green"}
    airflow = LocalAirflow(
        home,
        executor=f"aws_exec.AwsEcsExecutor,aws_exec.AwsBatchExecutor,{ON_PROCESSES}",
        environment=aws.environment() | {"PYTHONPATH": str(ROOT)},
        dags=[plan.DAGS, Path(__file__).with_name("dags"), case.DAGS, ROOT / "tests" / "third_cloud" / "dags"],
        settings=SETTINGS
        | {"process_executor": EXECUTOR | {"root": str(processes), "environment": json.dumps(environment)}},
    )
    aws.container_environment |= airflow.container_environment()
    with airflow:
        yield airflow, logs.complaints(airflow.home.logs, {})


@pytest.fixture(scope="session")
def airflow(started) -> LocalAirflow:
    return started[0]


@pytest.fixture(scope="session")
def complaints_at_start(started) -> list[str]:
    return started[1]


@pytest.fixture(scope="session")
def trigger(aws, airflow) -> Callable[..., Run]:
    def trigger(dag_id: str, **conf: Any) -> Run:
        airflow.wait_for_dag(dag_id)
        return Run(aws, airflow, dag_id, airflow.trigger(dag_id, conf))

    return trigger
