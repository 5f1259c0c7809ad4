"""The HTTP server of the local AWS emulator: loopback, keep-alive, scripts of other processes, no web pages."""

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlsplit

import boto3
import pytest

from aws_exec.local import EmbeddedAws, PortInUseError
from aws_exec.local.http import HttpServer
from tests.local.helpers import job_of, request_of


def _ask(aws, method, path, body=None, headers=None):
    connection = HTTPConnection(urlsplit(aws.endpoint_url).netloc, timeout=10)
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_only_loopback_is_listened_on(aws):
    assert aws.endpoint_url.startswith("http://127.0.0.1:")
    assert aws._http._server.socket.getsockname()[0] == "127.0.0.1"


def test_a_connection_is_kept_open_for_the_next_request(aws):
    connection = HTTPConnection(urlsplit(aws.endpoint_url).netloc, timeout=10)
    sockets = []
    for _ in range(3):
        connection.request("GET", "/awsexec/calls")
        connection.getresponse().read()
        sockets.append(connection.sock)
    connection.close()

    assert sockets[0] is not None
    assert sockets == [sockets[0]] * 3


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://example.com"}, {"Host": "rebound.example.com:80"}],
    ids=["another site's page", "a page whose name was rebound"],
)
def test_a_web_page_cannot_run_commands(aws, headers):
    status, _ = _ask(aws, "POST", "/", {}, headers)

    assert status == 403


@pytest.mark.parametrize(
    ("header", "body"),
    [("Expect: 100-continue\r\nContent-Length: 2", b"{}"), ("Transfer-Encoding: chunked", b"2\r\n{}\r\n0\r\n\r\n")],
    ids=["announced", "in chunks"],
)
def test_a_body_may_be_announced_or_sent_in_chunks(aws, header, body):
    with socket.create_connection(("127.0.0.1", urlsplit(aws.endpoint_url).port), timeout=10) as client:
        client.sendall(f"POST /awsexec/let-go HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n".encode())
        answers = client.makefile("rb")
        if "Expect" in header:
            assert answers.readline() == b"HTTP/1.1 100 Continue\r\n"
            answers.readline()
        client.sendall(body)

        assert answers.readline() == b"HTTP/1.1 200 OK\r\n"


def test_closing_answers_the_request_under_way_and_leaves_no_thread():
    arrived, go_on, before = threading.Event(), threading.Event(), set(threading.enumerate())

    def app(_, start_response):
        arrived.set()
        go_on.wait(10)
        start_response("200 OK", [])
        return [b"done"]

    def ask():
        connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
        connection.request("GET", "/")
        answer = connection.getresponse().read()
        connection.close()
        return answer

    server = HttpServer(0, app)
    server.start()
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(ask)
        assert arrived.wait(10)
        closed = threads.submit(server.close)
        go_on.set()
        closed.result(10)

        assert answer.result(10) == b"done"
    for thread in set(threading.enumerate()) - before:
        thread.join(1)  # it has left the server, and may not have ended
    assert set(threading.enumerate()) == before


def test_a_port_in_use_is_refused_in_one_sentence(aws):
    port = urlsplit(aws.endpoint_url).port

    with pytest.raises(PortInUseError, match=f"cannot listen on port {port}: Address already in use"):
        EmbeddedAws(port=port)


def test_the_port_asked_for_is_the_port_had():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    with EmbeddedAws(port=port) as aws:
        assert aws.endpoint_url == f"http://127.0.0.1:{port}"


def test_what_to_export_is_all_that_a_client_needs(aws, monkeypatch):
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)

    cluster = boto3.client("ecs").describe_clusters(clusters=[aws.names.cluster])["clusters"][0]

    assert cluster["clusterArn"] == aws.names.cluster_arn
    assert boto3.client("sts").get_caller_identity()["Account"] == aws.names.account


def test_what_to_export_names_the_executors_options(aws):
    section = "AIRFLOW__AWS_ECS_EXECUTOR__"

    options = {k.removeprefix(section): v for k, v in aws.environment().items() if k.startswith(section)}

    assert options == {
        "REGION_NAME": "us-east-1",
        "CLUSTER": "awsexec",
        "CONTAINER_NAME": "airflow",
        "TASK_DEFINITION": "awsexec-task",
        "LAUNCH_TYPE": "FARGATE",
        "SECURITY_GROUPS": aws.names.security_group,
        "SUBNETS": aws.names.subnet,
    }


def test_what_to_export_names_the_options_of_the_batch_executor(aws):
    section = "AIRFLOW__AWS_BATCH_EXECUTOR__"

    options = {k.removeprefix(section): v for k, v in aws.environment().items() if k.startswith(section)}

    assert options == {
        "REGION_NAME": "us-east-1",
        "JOB_QUEUE": "awsexec-queue",
        "JOB_DEFINITION": "awsexec-job",
        "JOB_NAME": "awsexec",
    }


def test_queue_compute_environment_and_definitions_are_ready(aws, batch):
    names = aws.names
    (queue,) = batch.describe_job_queues(jobQueues=[names.job_queue])["jobQueues"]
    (environment,) = batch.describe_compute_environments()["computeEnvironments"]
    found = batch.describe_job_definitions(status="ACTIVE")["jobDefinitions"]

    assert (queue["state"], queue["status"]) == ("ENABLED", "VALID")
    assert queue["computeEnvironmentOrder"] == [{"order": 1, "computeEnvironment": "awsexec-ce"}]
    assert (environment["computeEnvironmentName"], environment["type"]) == ("awsexec-ce", "MANAGED")
    assert (environment["state"], environment["status"]) == ("ENABLED", "VALID")
    assert environment["computeResources"]["type"] == "FARGATE"
    assert [one["jobDefinitionName"] for one in found] == [names.job_definition, names.multi_definition]


def test_a_job_is_in_the_ledger_too(aws, batch):
    environment = [{"name": "AWSEXEC_TOKEN", "value": "read-2"}, {"name": "SECRET", "value": "s"}]
    override = {"command": ["python", "-c", "raise SystemExit(4)"], "environment": environment}
    arn = batch.submit_job(**job_of(aws, jobName="told-of", containerOverrides=override))["jobArn"]
    aws.wait_for_status(arn, "FAILED")

    _, body = _ask(aws, "GET", "/awsexec/ledger")

    line = next(line for line in json.loads(body) if line["arn"] == arn)
    times = {name: line.pop(name) for name in ("created_at", "ended_at")}
    assert line == {
        "service": "batch",
        "arn": arn,
        "token": "read-2",
        "started_by": "",
        "container": "default",
        "identity": {"AWSEXEC_TOKEN": "read-2"},
        "status": "FAILED",
        "started": True,
        "exit_code": 4,
        "stop_code": "",
        "stopped_reason": "Essential container in task exited",
        "name": "told-of",
        "attempts": 1,
    }
    assert times["created_at"] < times["ended_at"]


def test_another_process_can_hold_hide_and_release_jobs(aws, batch):
    _ask(aws, "POST", "/awsexec/hold", {"reason": "CAPACITY:NONE - none"})
    _ask(aws, "POST", "/awsexec/lag", {})
    arn = batch.submit_job(**job_of(aws, ["true"]))["jobArn"]
    assert batch.describe_jobs(jobs=[arn])["jobs"] == []

    _ask(aws, "POST", "/awsexec/catch-up", {})
    aws.wait_for_status(arn, "RUNNABLE")
    (told,) = batch.describe_jobs(jobs=[arn])["jobs"]
    assert told["statusReason"] == "CAPACITY:NONE - none"

    _ask(aws, "POST", "/awsexec/release", {})
    aws.wait_for_status(arn, "SUCCEEDED")


def test_the_ledger_can_be_read_from_another_process(aws, ecs):
    override = {
        "name": "airflow",
        "command": ["python", "-c", "raise SystemExit(4)"],
        "environment": [{"name": "AWSEXEC_TOKEN", "value": "read-1"}, {"name": "SECRET", "value": "s"}],
    }
    request = request_of(aws, clientToken="read-1", overrides={"containerOverrides": [override]}, startedBy="awsexec/x")
    arn = ecs.run_task(**request)["tasks"][0]["taskArn"]
    aws.wait_for_status(arn, "STOPPED")

    status, body = _ask(aws, "GET", "/awsexec/ledger")

    line = json.loads(body)[-1]
    times = {name: line.pop(name) for name in ("created_at", "ended_at")}
    assert status == 200
    assert line == {
        "service": "ecs",
        "arn": arn,
        "token": "read-1",
        "started_by": "awsexec/x",
        "container": "airflow",
        "identity": {"AWSEXEC_TOKEN": "read-1"},
        "status": "STOPPED",
        "started": True,
        "exit_code": 4,
        "stop_code": "EssentialContainerExited",
        "stopped_reason": "Essential container in task exited",
        "name": "",
        "attempts": 1,
    }
    assert times["created_at"] < times["ended_at"]


def test_another_process_can_script_refusals_failed_starts_and_errors(aws, ecs):
    _ask(aws, "POST", "/awsexec/refuse", {"reason": "AGENT"})
    assert ecs.run_task(**request_of(aws))["failures"][0]["reason"] == "AGENT"

    _ask(aws, "POST", "/awsexec/fail-to-start", {"reason": "CannotPullContainerError: gone"})
    arn = ecs.run_task(**request_of(aws))["tasks"][0]["taskArn"]
    assert aws.wait_for_status(arn, "STOPPED").stopped_reason == "CannotPullContainerError: gone"

    _ask(aws, "POST", "/awsexec/raise", {"operation": "RunTask", "code": "ServerException", "status": 500})
    with pytest.raises(ecs.exceptions.ServerException):
        ecs.run_task(**request_of(aws))


def test_another_process_can_make_aws_forget_or_lose_a_task(aws, ecs):
    arns = [ecs.run_task(**request_of(aws, ["sleep", "600"]))["tasks"][0]["taskArn"] for _ in range(2)]
    for arn in arns:
        aws.wait_for_status(arn, "RUNNING")

    _ask(aws, "POST", "/awsexec/forget", {"task": arns[0]})
    _ask(aws, "POST", "/awsexec/lose", {"task": arns[1], "reason": "gone"})

    answer = ecs.describe_tasks(cluster=aws.names.cluster, tasks=arns)
    assert [failure["arn"] for failure in answer["failures"]] == arns[:1]
    assert [task["stoppedReason"] for task in answer["tasks"]] == ["gone"]
    aws.faults.lose(arns[0])


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/awsexec/refuse", {"cause": "AGENT"}, 400),
        ("POST", "/awsexec/forget", {"task": "arn:of-nothing"}, 400),
        ("POST", "/awsexec/refuse", ["AGENT"], 400),
        ("GET", "/awsexec/secrets", None, 404),
    ],
)
def test_a_wrong_control_request_is_told_so(aws, method, path, body, status):
    told, answer = _ask(aws, method, path, body)

    assert told == status
    assert json.loads(answer)["error"]


def test_calls_are_counted_by_operation(aws, ecs):
    before = aws.calls().get("ListClusters", 0)

    ecs.list_clusters()

    assert aws.calls()["ListClusters"] == before + 1


def test_a_request_that_moto_cannot_answer_is_a_500_and_the_server_goes_on(aws, ecs):
    headers = {"X-Amz-Target": "AmazonEC2ContainerServiceV20141113.SubmitTaskStateChange"}
    scope = "Credential=x/20260101/us-east-1/ecs/aws4_request"
    headers["Authorization"] = f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=x"

    status, _ = _ask(aws, "POST", "/", {}, headers)

    assert status == 500
    assert ecs.list_clusters()["clusterArns"]
