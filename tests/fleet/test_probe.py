"""`check-health --probe`: a container for each executor that reports what it sees, on the local AWS emulator."""

import json
from pathlib import Path

import pytest

from aws_exec.local import EmbeddedAws
from awsexec_cli.exit_codes import Exit
from tests.fleet.fleet import client_of
from tests.scripted.execution_api import ScriptedExecutionApi

_DAG = """
from airflow.sdk import dag, task

@dag(schedule=None)
def etl():
    @task
    def load(): ...
    load()

etl()
"""
BUCKET = "logs-of-tasks"


@pytest.fixture(scope="module")
def aws():
    with EmbeddedAws(start_delay=0, stop_delay=0, stop_timeout=1) as aws:
        yield aws


@pytest.fixture
def api():
    with ScriptedExecutionApi() as api:
        api.answers["run"] = 404
        yield api


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An Airflow home with a DAG."""
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "etl.py").write_text(_DAG)
    return tmp_path


@pytest.fixture
def inside(aws, api, home, bucket):
    """The environment of the containers: that of a healthy deployment."""
    given = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": api.url,
        "AIRFLOW__LOGGING__REMOTE_LOGGING": "True",
        "AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER": f"s3://{BUCKET}/airflow",
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    aws.container_environment.clear()
    aws.container_environment.update(given)
    return aws.container_environment


@pytest.fixture(scope="module")
def bucket(aws):
    client_of(aws, "s3").create_bucket(Bucket=BUCKET)


@pytest.fixture
def given(aws, home, inside):
    """The environment of the shell: beside the scheduler's configuration."""
    return {**aws.environment(), "AIRFLOW_HOME": str(home), "AIRFLOW__API_AUTH__JWT_SECRET": "a-secret" * 8}


@pytest.fixture
def probe(shell, given):
    """Probe one executor; returns what the command said, and its checks by subject."""

    def probe(*arguments, executor="ecs", **more):
        done = shell(
            "check-health", "--probe", "--yes", "--executor", executor, "-o", "json", *arguments, **given, **more
        )
        branches = json.loads(done.out)
        return done, {each["subject"]: each for branch in branches for each in branch["checks"]}

    return probe


@pytest.mark.parametrize("executor", ["ecs", "batch"])
def test_a_healthy_deployment_passes(probe, executor):
    done, checks = probe(executor=executor)

    assert {subject: each["status"] for subject, each in checks.items() if each["status"] not in ("PASS", "SKIP")} == {}
    assert done.code == Exit.OK
