"""A workload store end to end: an executor, the local AWS emulator, and containers that run Airflow's supervisor.

Everything that the emulator is ever sent is kept: no token is in it, but in what S3 gets.
"""

from __future__ import annotations

import io

import boto3
import pytest

from aws_exec.container.store import split
from aws_exec.local import EmbeddedAws
from tests.executors.harness import Scheduler, task
from tests.executors.services import BATCH, ECS
from tests.scripted.container import write_dag
from tests.scripted.execution_api import ScriptedExecutionApi


class RecordingAws(EmbeddedAws):
    """The emulator, which keeps every request.

    Attributes:
        heard: the service (as it is signed for), the path and the body of each.
    """

    def __init__(self, **how):
        self.heard: list[tuple[str, str, bytes]] = []
        super().__init__(**how)

    def _route(self, environ, start_response):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        signed = environ.get("HTTP_AUTHORIZATION", "").partition("/aws4_request")[0].rpartition("/")[2]
        self.heard.append((signed, environ["PATH_INFO"], body))
        return super()._route(environ, start_response)


@pytest.fixture
def api():
    with ScriptedExecutionApi() as api:
        yield api


@pytest.fixture
def aws(api, tmp_path):
    write_dag(tmp_path, "print('seen by the task')")
    environment = {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path / "dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": api.url,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_IS_EXECUTOR_CONTAINER": "true",
    }
    with RecordingAws(container_environment=environment, limits="none", stop_delay=0.1) as aws:
        yield aws


@pytest.fixture
def configured(monkeypatch, aws):
    """Say in the environment what executors need for the emulator, and options."""

    def configured(service, **options):
        for name, value in aws.environment().items():
            monkeypatch.setenv(name, value)
        for name, value in options.items():
            monkeypatch.setenv(service.variable(name), value)

    return configured


def workloads_in(aws):
    """The keys of the workloads in the emulator's bucket, which the tests of a process share."""
    s3 = boto3.client("s3", endpoint_url=aws.endpoint_url, region_name=aws.names.region)
    bucket, prefix = split(aws.names.workload_store)
    return [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())]


@pytest.mark.parametrize("service", [ECS, BATCH], ids=str)
def test_a_task_runs_and_its_token_was_never_sent_to_the_service(configured, aws, api, service, airflow_db):
    configured(service, workload_store=aws.names.workload_store, poll_interval="0.2", conn_id="")
    executor = type(service.executor.__name__, (service.executor,), {"CHECK_INTERVAL": None})(parallelism=10)
    executor.job_id = 1
    executor.start()
    try:
        scheduler = Scheduler(executor)
        workloads = [task(run_id=f"manual__{number}") for number in range(2)]
        scheduler.queue(*workloads)
        scheduler.until_over(*(workload.key for workload in workloads), deadline=120)
    finally:
        executor._heartbeat.dispatcher.close(0)
    assert [scheduler.outcomes(workload.key) for workload in workloads] == [["success"]] * 2
    assert api.states() == ["success"] * 2
    assert workloads_in(aws) == []
    stored = [body for signed, _, body in aws.heard if signed == "s3" and b"eyJ" in body]
    assert len(stored) == 2
    told = [(signed, path) for signed, path, body in aws.heard if signed != "s3" and b"eyJ" in body]
    assert told == [], "what is not S3 has a token"
    launched = [body for signed, _, body in aws.heard if signed == service.name and b"--workload" in body]
    assert len(launched) == 2
