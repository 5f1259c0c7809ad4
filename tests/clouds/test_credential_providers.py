"""A failure while the SDK looks up credentials is one of the credentials: nothing was sent."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.exceptions import ClientError

from aws_exec.clouds.batch.adapter import BatchCloud
from aws_exec.clouds.cloud import Request
from aws_exec.clouds.ecs.adapter import EcsCloud
from aws_exec.clouds.errors import failure_of, is_denied
from aws_exec.clouds.session import build_client, open_session, session_client
from aws_exec.lifecycle.values import CallFailure, FailureKind

REGION = "eu-central-1"
ROLE = "arn:aws:iam::123456789012:role/scheduler"
#: What says of somebody else's environment where credentials are; gone from each test's.
ELSEWHERE = ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


class Answering(BaseHTTPRequestHandler):
    """AWS STS, with one answer; any other service counts."""

    status, code = 403, "AccessDenied"

    def do_POST(self):
        """Every API call is one."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if b"Action=AssumeRole" not in body:
            self.server.others.append(self.path)
        answer = f"<ErrorResponse><Error><Code>{self.code}</Code><Message>no</Message></Error></ErrorResponse>".encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def answering():
    """A server that answers for AWS; `others` are the calls that were not to STS."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answers", (Answering,), {}))
    server.others = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def aws(answering, monkeypatch, tmp_path):
    """No credentials but what a test sets, and an AWS at this URL."""
    for name in ELSEWHERE:
        monkeypatch.delenv(name, raising=False)
    url = f"http://127.0.0.1:{answering.server_port}"
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    return answering


Setting = Callable[[pytest.MonkeyPatch, os.PathLike], None]


def configured(text: str) -> Setting:
    """The profile in use."""
    return lambda _, directory: (directory / "config").write_text(f"[default]\n{text}\n")


def web_identity(token: str) -> Setting:
    """A token file, as on EKS."""

    def set_up(monkeypatch, directory):
        monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
        monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(directory / token))

    return set_up


def pod_identity(token: str) -> Setting:
    """A token file, as of EKS Pod Identity."""

    def set_up(monkeypatch, directory):
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/v1/credentials")
        monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", str(directory / token))

    return set_up


def process(program: str) -> Setting:
    """A `credential_process`."""
    return configured(f'credential_process = "{sys.executable}" -c "{program}"')


BROKEN = {
    "web identity, no token file": web_identity("none"),
    "web identity, the token file is a folder": web_identity("."),
    "Pod Identity, no token file": pod_identity("none"),
    "Pod Identity, the token file is a folder": pod_identity("."),
    "a process that prints no JSON": process("print(42, 43)"),
    "a process that prints another JSON": process("print([])"),
    "a process that prints nothing in UTF-8": process("import os; os.write(1, bytes([255]))"),
    "a process that fails": process("raise SystemExit(3)"),
    "a process that is not there": configured("credential_process = /no/such/program"),
    "a profile that names itself in a circle": configured(
        f"role_arn = {ROLE}\nsource_profile = b\n[profile b]\nrole_arn = {ROLE}\nsource_profile = default"
    ),
    "SSO, nobody has logged in": configured(
        "sso_start_url = https://example.com\nsso_region = eu-central-1\nsso_account_id = 1\nsso_role_name = r"
    ),
}


def clouds(client):
    """The adapters, with the launch of each."""
    ecs = EcsCloud(lambda: client("ecs"), cluster="c", container_name="airflow", started_by="us")
    batch = BatchCloud(lambda: client("batch"), job_queue="q", name_prefix="us", deployment="us")
    return {
        ecs: Request("L-1", "c", {"cluster": "c", "taskDefinition": "t"}),
        batch: Request("L-1", "q", {"jobName": "us-L-1", "jobQueue": "q", "jobDefinition": "d"}),
    }


def of_a_person(service):
    """As the command line builds it."""
    return session_client(open_session(), service, REGION)


def of_an_executor(service):
    """As an executor builds it, without a connection."""
    return build_client(service, find_connection=lambda _: None, conn_id="", region_name=REGION)


def faults(client) -> list[CallFailure]:
    """What comes of a launch, and of a check, on each service."""
    found = []
    for cloud, request in clouds(client).items():
        found += [cloud.submit([request])[0], cloud.check()]
    return found


@pytest.mark.parametrize("client", [of_a_person, of_an_executor])
@pytest.mark.parametrize("setting", BROKEN.values(), ids=BROKEN.keys())
def test_what_a_provider_raises_is_of_the_credentials_and_nothing_was_sent(setting, client, aws, monkeypatch, tmp_path):
    setting(monkeypatch, tmp_path)
    assert {fault.kind for fault in faults(client)} == {FailureKind.CREDENTIALS}
    assert aws.others == []


@pytest.mark.parametrize(
    ("broken", "provider"),
    [
        ("web identity, no token file", "assume-role-with-web-identity"),
        ("Pod Identity, no token file", "container-role"),
        ("a process that prints no JSON", "custom-process"),
        ("a process that is not there", "custom-process"),
    ],
)
def test_what_a_provider_raises_names_the_provider(broken, provider, aws, monkeypatch, tmp_path):
    BROKEN[broken](monkeypatch, tmp_path)
    assert {provider in fault.message for fault in faults(of_a_person)} == {True}


@pytest.mark.parametrize("variable", ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"])
@pytest.mark.parametrize("name", [".", "none"], ids=["a folder", "missing"])
def test_without_credentials_the_variable_that_names_no_file_is_told(variable, name, aws, monkeypatch, tmp_path):
    for each in ("config", "credentials"):
        (tmp_path / each).touch()
    path = str(tmp_path / name)
    monkeypatch.setenv(variable, path)
    found = faults(of_a_person)
    assert {(fault.kind, fault.code) for fault in found} == {(FailureKind.CREDENTIALS, "NoCredentialsError")}
    assert {fault.message for fault in found} == {f"Unable to locate credentials; {variable} is not a file: {path}"}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((403, "AccessDenied"), FailureKind.CREDENTIALS),
        ((400, "InvalidIdentityToken"), FailureKind.CREDENTIALS),
        ((400, "ValidationError"), FailureKind.CREDENTIALS),
        ((400, "Throttling"), FailureKind.THROTTLED),
        ((503, "ServiceUnavailable"), FailureKind.UNREACHED),
    ],
)
def test_what_sts_answers_is_no_answer_to_the_launch(answer, kind, aws, monkeypatch, tmp_path):
    aws.RequestHandlerClass.status, aws.RequestHandlerClass.code = answer
    (tmp_path / "token").write_text("token")
    web_identity("token")(monkeypatch, tmp_path)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    found = faults(of_an_executor)
    assert {fault.kind for fault in found} == {kind}
    assert not any(map(is_denied, found)), "the right to assume a role is not the right to launch"
    assert aws.others == []


def test_an_sts_that_cannot_be_reached_is_an_aws_that_cannot(aws, monkeypatch, tmp_path):
    (tmp_path / "token").write_text("token")
    web_identity("token")(monkeypatch, tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert {fault.kind for fault in faults(of_an_executor)} == {FailureKind.UNREACHED}
    assert aws.others == []


def test_what_the_service_itself_answers_is_not_of_the_credentials(aws, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    aws.RequestHandlerClass.status = 503
    assert {fault.kind for fault in faults(of_an_executor)} == {FailureKind.NO_ANSWER}
    assert len(aws.others) == 4


MFA = f"""role_arn = {ROLE}
source_profile = keys
mfa_serial = arn:aws:iam::123456789012:mfa/anna
[profile keys]
aws_access_key_id = key
aws_secret_access_key = secret"""


@pytest.mark.parametrize("client", [of_a_person, of_an_executor])
def test_nobody_is_asked_for_the_code_of_an_mfa_device(client, aws, monkeypatch, tmp_path):
    configured(MFA)(monkeypatch, tmp_path)
    found = faults(client)
    assert {(fault.kind, fault.code) for fault in found} == {(FailureKind.CREDENTIALS, "MfaRequired")}
    assert aws.others == []


def test_a_person_who_may_be_asked_is_asked_for_it(aws, monkeypatch, tmp_path):
    configured(MFA)(monkeypatch, tmp_path)
    session, asked = open_session(may_prompt=True), []
    provider = session._session.get_component("credential_provider").get_provider("assume-role")
    provider._prompter = lambda prompt: asked.append(prompt) or "123456"
    client = session_client(session, "ecs", REGION)
    with pytest.raises(ClientError) as raised:
        client.list_clusters()
    assert len(asked) == 1
    assert failure_of(raised.value, "ListClusters").kind is FailureKind.CREDENTIALS
