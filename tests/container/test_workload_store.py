"""A workload in a store: fetched by a real container, deleted, shown nowhere; and what the exit code says if not."""

from __future__ import annotations

from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ResponseStreamingError

from aws_exec.container.bootstrap import stored_command
from aws_exec.container.outcome import Outcome
from aws_exec.container.store import outcome_of_failure
from tests.container.conftest import Container
from tests.executors.harness import task
from tests.scripted.container import text_of
from tests.scripted.s3 import ScriptedS3
from tests.scripted.tricks import cut_short, error, reset, server_error

REGION = "eu-central-1"
KEY = "production/0f8fad5b-d9cb-469f-a165-70867728950e/00112233445566778899aabbccddeeff"
KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
DENIED = error(
    "AccessDenied",
    "User: arn:aws:sts::123456789012:assumed-role/task/0 is not authorized to perform: s3:GetObject on resource: x "
    "because no identity-based policy allows the s3:GetObject action",
    status=403,
)


@pytest.fixture
def s3():
    with ScriptedS3() as s3:
        s3.objects[KEY] = text_of(task()).encode()
        yield s3


@pytest.fixture
def start_stored(start, s3):
    """Start the container of a task whose workload is in the store."""
    command = stored_command(f"s3://{s3.bucket}/{KEY}", REGION)

    def start_stored(body="pass", **named):
        return start(body, command=command, **{"AWS_ENDPOINT_URL_S3": s3.url, **KEYS, **named})

    return start_stored


def test_the_entry_is_short_enough_for_every_command():
    program, option, entry, *words = stored_command("s3://bucket/key", REGION)
    assert (program, option, words) == ("python", "-c", ["--workload", "s3://bucket/key", REGION])
    assert len(entry) <= 250


def test_a_workload_is_fetched_and_deleted_before_the_task_runs(start_stored, s3, api):
    container = Container(start_stored())
    assert (container.code, api.states()) == (Outcome.DONE, ["success"]), container.output
    assert s3.objects == {}
    assert s3.calls == {"GetObject": 1, "DeleteObject": 1}
    assert container.record["outcome"] == "done"


def test_neither_ps_nor_an_environment_shows_the_token(start_stored, api, home):
    process = start_stored("while not os.path.exists('seen'): time.sleep(0.1)")
    assert api.running.wait(60)
    seen = [_of_process(Path("/proc") / str(pid)) for pid in _family(process.pid)]
    assert len(seen) >= 3, "the entry, the supervisor and the task"
    assert "--workload" in seen[0][0]
    assert not [text for texts in seen for text in texts if "a-token" in text]
    (home / "seen").touch()
    assert Container(process).code == Outcome.DONE


def _of_process(folder):
    return [(folder / name).read_text() for name in ("cmdline", "environ")]


def _family(pid):
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(each for child in children for each in _family(int(child)))]


@pytest.mark.parametrize("may_list", [True, False])
def test_a_workload_that_is_gone_says_so(start_stored, s3, api, may_list):
    s3.objects.clear()
    s3.may_list = may_list
    container = Container(start_stored())
    assert (container.code, api.asked) == (Outcome.WORKLOAD_GONE, []), container.output
    assert container.record["outcome"] == "workload-gone"
    assert f"s3://{s3.bucket}/{KEY}" in container.output


def test_of_two_containers_one_has_the_workload(start_stored, s3, api):
    first, second = Container(start_stored()), Container(start_stored())
    assert (first.code, second.code) == (Outcome.DONE, Outcome.WORKLOAD_GONE)
    assert api.states() == ["success"]


@pytest.mark.containers
@pytest.mark.parametrize(
    "trick",
    [DENIED, error("AccessDenied", "Access Denied", status=403), error("NoSuchBucket", "No such bucket", status=404)],
    ids=["denied", "another account's", "no bucket"],
)
def test_a_workload_that_cannot_be_fetched_says_so(start_stored, s3, api, trick):
    s3.goes_wrong(trick, "GetObject")
    container = Container(start_stored())
    assert (container.code, api.asked) == (Outcome.WORKLOAD_NOT_FETCHED, []), container.output
    assert str(trick.body["message"]) in container.output
    assert s3.objects


@pytest.mark.containers
def test_a_container_without_credentials_says_so(start_stored, s3):
    nowhere = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true"}
    container = Container(start_stored(**nowhere))
    assert container.code == Outcome.WORKLOAD_NOT_FETCHED, container.output
    assert "credentials" in container.output


@pytest.mark.containers
@pytest.mark.parametrize(
    "trick",
    [server_error(), error("SlowDown", "Please reduce your request rate.", status=503), reset(), cut_short()],
    ids=["server error", "throttled", "unanswered", "cut short"],
)
def test_what_passes_is_waited_for_and_nothing_is_deleted_before_it_was_read(start_stored, s3, api, trick):
    s3.goes_wrong(trick, "GetObject", times=2)
    container = Container(start_stored())
    assert (container.code, api.states(), s3.objects) == (Outcome.DONE, ["success"], {}), container.output
    assert s3.calls["GetObject"] == 3


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://s3"),
        ResponseStreamingError(error="broken"),
        ModuleNotFoundError("botocore"),
        ClientError({}, "GetObject"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_whatever_else_goes_wrong_says_nothing_of_the_workload(error):
    assert outcome_of_failure(error) is Outcome.WORKLOAD_NOT_FETCHED


@pytest.mark.containers
def test_a_workload_that_cannot_be_deleted_runs_all_the_same(start_stored, s3, api):
    s3.goes_wrong(error("AccessDenied", "Access Denied", status=403), "DeleteObject")
    container = Container(start_stored())
    assert (container.code, api.states()) == (Outcome.DONE, ["success"]), container.output
    assert "the workload stays at s3://" in container.output


def test_an_image_without_awsexec_says_so_and_leaves_the_workload(start_stored, s3, api, plain_python):
    container = Container(start_stored(python=plain_python))
    assert (container.code, api.asked) == (Outcome.WORKLOAD_STORE_NEEDS_AWSEXEC, []), container.output
    assert container.lines == ["the image has no awsexec to fetch the workload"]
    assert s3.objects


@pytest.mark.containers
def test_an_image_with_an_older_awsexec_says_so(start_stored, s3, home):
    (home / "aws_exec").mkdir()
    (home / "aws_exec" / "__init__.py").write_text("")
    assert Container(start_stored()).code == Outcome.WORKLOAD_STORE_NEEDS_AWSEXEC


@pytest.mark.containers
def test_a_broken_image_is_not_taken_for_one_without_awsexec(start_stored, home):
    (home / "aws_exec" / "container").mkdir(parents=True)
    (home / "aws_exec" / "__init__.py").write_text("")
    (home / "aws_exec" / "container" / "__init__.py").write_text("import no_such_module")
    container = Container(start_stored())
    assert container.code == 1
    assert "no_such_module" in container.output
