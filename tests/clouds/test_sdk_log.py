"""At DEBUG botocore logs whole requests and answers; a task's token is in both."""

import json
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from aws_exec.clouds.cloud import Request
from aws_exec.clouds.ecs.adapter import EcsCloud
from aws_exec.clouds.sdk_log import Redaction, keep_secrets_out
from aws_exec.clouds.session import build_client
from aws_exec.executors import compat
from aws_exec.lifecycle.values import Observation

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ0YXNrIn0.c2lnbmF0dXJlLW9mLWl0"
SESSION = "FwoGZXIvYXdzE" * 12


class Echo(BaseHTTPRequestHandler):
    """Answers RunTask with a task that has the overrides it was asked for."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        arn = "arn:aws:ecs:us-east-1:123456789012:task/ours/1"
        body = json.dumps({"tasks": [{"taskArn": arn, "overrides": asked["overrides"]}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def endpoint():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_launch_at_debug_leaves_no_token_in_the_log(endpoint, monkeypatch, caplog):
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-ours")
    monkeypatch.setenv("AWS_SESSION_TOKEN", SESSION)
    for name in ("", "botocore"):  # others here may have set one of their own
        caplog.set_level(logging.DEBUG, name)
    client = build_client("ecs", find_connection=compat.connection, conn_id=None, region_name="us-east-1")
    cloud = EcsCloud(lambda: client, cluster="ours", container_name="airflow", started_by="awsexec/test")
    workload = json.dumps({"token": JWT, "ti": {"dag_id": "etl"}})
    container = {"name": "airflow", "command": ["python", "-m", "airflow", "--json-string", workload]}
    request = {"taskDefinition": "t", "overrides": {"containerOverrides": [container]}}
    [answer] = cloud.submit([Request("0f3e-1", "ours", request)])
    assert isinstance(answer, Observation)
    said = caplog.text + "".join(f"{record.msg}{record.args}" for record in caplog.records)
    assert "RunTask" in said
    assert {"botocore.endpoint", "botocore.parsers"} <= {record.name for record in caplog.records}
    for secret in (*JWT.split("."), SESSION, "AKIAIOSFODNN7EXAMPLE", "secret-of-ours"):
        assert secret not in said


def test_a_message_that_cannot_be_formatted_raises_nothing():
    record = logging.LogRecord("botocore.endpoint", logging.DEBUG, "", 0, "%d", ("x",), None)
    assert Redaction().filter(record) is True
    assert record.getMessage() == "(a message of botocore.endpoint that cannot be formatted)"


def test_each_logger_is_filtered_once_and_those_that_came_later_too():
    logging.getLogger("botocore.newcomer")
    for _ in range(3):
        keep_secrets_out()
    for name in ("botocore.newcomer", "botocore.endpoint", "urllib3.connectionpool"):
        assert sum(isinstance(each, Redaction) for each in logging.getLogger(name).filters) == 1
