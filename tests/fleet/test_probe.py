"""`check-health --probe`: a container for each executor that reports what it sees, on the local AWS emulator."""

import json
import signal
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jwt
import pytest

from aws_exec.local import EmbeddedAws
from awsexec_cli.exit_codes import Exit
from tests.fleet.fleet import client_of
from tests.fleet.shell import running
from tests.fleet.terminal import CTRL_C, Terminal
from tests.scripted.execution_api import ScriptedExecutionApi
from tests.scripted.http import Answer, HttpServer
from tests.scripted.s3 import ScriptedS3
from tests.scripted.tricks import error

pytestmark = pytest.mark.containers

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
#: The image of the emulator's definitions.
IMAGE = "awsexec/local"
SECRET = "the-secret-of-the-api-server-" * 3
DENIED = b"<Error><Code>AccessDenied</Code><Message>not authorized to perform: s3:PutObject</Message></Error>"


@pytest.fixture(scope="module")
def aws():
    with EmbeddedAws(start_delay=0, stop_delay=0, stop_timeout=1) as aws:
        client_of(aws, "s3").create_bucket(Bucket=BUCKET)
        yield aws


@pytest.fixture
def api():
    """The Execution API, which knows no task instance."""
    with ScriptedExecutionApi() as api:
        api.answers["run"] = 404
        yield api


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An Airflow home with a DAG."""
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "etl.py").write_text(_DAG)
    return tmp_path


@pytest.fixture(autouse=True)
def inside(aws, api, home):
    """The environment of the containers: that of a healthy deployment, to be broken."""
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
    aws.container_environment |= given
    yield aws.container_environment
    aws.container_environment.clear()
    aws.images.clear()


@pytest.fixture
def given(aws, home):
    """The environment of the shell: beside the scheduler's configuration."""
    return {**aws.environment(), "AIRFLOW_HOME": str(home), "AIRFLOW__API_AUTH__JWT_SECRET": SECRET}


@pytest.fixture
def probe(shell, given):
    """Probe one executor; returns what the command did, and the checks of its one branch by subject."""

    def probe(*arguments, executor="ecs", **more):
        words = ["check-health", "--probe", "--yes", "--executor", executor, "-o", "json", *arguments]
        done = shell(*words, **{**given, **more})
        (branch,) = json.loads(done.out)
        return done, {each["subject"]: each for each in branch["checks"]}

    return probe


def of_status(checks, *statuses):
    return {subject for subject, each in checks.items() if each["status"] in statuses}


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """A service of AWS that always answers so; its URL."""
    server = HttpServer(lambda _path, _body: answer)
    server.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.close()


def distribution(folder: Path, version: str) -> str:
    """A folder for PYTHONPATH in which Airflow is installed, as far as its version goes."""
    info = folder / f"apache_airflow_core-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: apache-airflow-core\nVersion: {version}\n")
    return str(folder)


@pytest.fixture(scope="module")
def bare(tmp_path_factory) -> str:
    """The Python of an image with nothing in it."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, with_pip=False)
    return str(folder / "bin" / "python")


@pytest.mark.parametrize("executor", ["ecs", "batch"])
def test_a_healthy_deployment_passes(probe, api, aws, executor):
    done, checks = probe(executor=executor)

    assert (of_status(checks, "WARN", "FAIL"), done.code) == (set(), Exit.OK)
    seen = (
        "container",
        "Python",
        "Airflow",
        "awsexec",
        "Amazon provider",
        "CPU",
        "memory",
        "disk",
        "Execution API",
        "token",
        "clock",
        "task role",
        "remote log folder",
        "DAG bundle dags-folder",
        "cost",
    )
    assert of_status(checks, "PASS") >= set(seen)
    assert "launching" not in checks
    assert checks["DAG bundle dags-folder"]["message"].startswith("1 DAG in ")
    assert checks["cost"]["message"].startswith("$0.0002")
    assert [operation for operation, _ in api.asked] == ["run"]
    assert client_of(aws, "s3").list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


# ------------------------------------------------------------------------------------------------- broken deployments


@pytest.mark.parametrize(
    ("url", "step"),
    [
        ("http://127.0.0.1:9/execution/", "TCP"),
        ("http://no-such-host.invalid/execution/", "DNS"),
        ("https://{host}/execution/", "TLS"),
        ("{host}/execution/", "URL: it needs http:// or https://"),
        ("http://{host}/elsewhere/", "answers 404"),
        ("airflow.internal", "URL"),
    ],
)
def test_a_wrong_url_of_the_execution_api_is_named_by_the_step_at_which_it_fails(probe, api, inside, url, step):
    host = api.url.split("/")[2]
    inside["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] = url.format(host=host)
    done, checks = probe()

    assert (of_status(checks, "FAIL"), done.code) == ({"Execution API"}, Exit.FAILED)
    assert step in checks["Execution API"]["message"]
    assert checks["Execution API"]["remedy"]


def test_a_server_that_is_not_airflows_is_named_with_its_url_and_its_status(probe, inside):
    with answering(Answer(b"<h1>It works</h1>", status=405)) as url:
        inside["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] = url
        _, checks = probe()

    message = checks["Execution API"]["message"]
    assert message == f"{url} answers 405, which is not the Execution API's answer: no detail"


def test_tls_to_a_port_that_speaks_plain_http_is_told_from_a_bad_certificate(probe, api, inside):
    inside["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] = api.url.replace("http:", "https:")
    _, checks = probe()

    assert "plain HTTP" in checks["Execution API"]["remedy"]


def test_a_container_without_a_url_of_the_execution_api_lacks_the_option(probe, inside):
    del inside["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]
    inside["AIRFLOW__API__BASE_URL"] = "http://127.0.0.1:9"
    _, checks = probe()

    assert "execution_api_server_url is not set" in checks["Execution API"]["message"]
    assert "Set AIRFLOW__CORE__EXECUTION_API_SERVER_URL" in checks["Execution API"]["remedy"]


def test_a_refused_token_is_told_from_an_api_that_is_away(probe, api):
    api.answers["run"] = 403
    _, checks = probe()

    assert (of_status(checks, "FAIL"), checks["Execution API"]["status"]) == ({"token"}, "PASS")
    assert "jwt_secret" in checks["token"]["remedy"]


def test_without_a_secret_here_the_token_is_not_checked(probe, api):
    api.answers["run"] = 403
    done, checks = probe(AIRFLOW__API_AUTH__JWT_SECRET="")

    assert (done.code, checks["token"]["status"]) == (Exit.OK, "SKIP")
    assert checks["token"]["message"] == "not checked: [api_auth] jwt_secret is not configured here"


def test_an_image_without_airflow_fails(probe, aws, bare):
    aws.images[IMAGE] = bare
    done, checks = probe()

    assert (of_status(checks, "FAIL"), done.code) == ({"Airflow"}, Exit.FAILED)
    assert checks["Airflow"]["message"] == "the image's Python has no Airflow"
    assert checks["Airflow"]["remedy"].startswith("Build the image with apache-airflow==")


def test_an_image_without_awsexec_warns_and_shows_its_airflow(probe, aws, bare, inside, tmp_path):
    aws.images[IMAGE] = bare
    inside["PYTHONPATH"] = distribution(tmp_path / "site", "3.0.1")
    _, checks = probe()

    assert (of_status(checks, "WARN"), of_status(checks, "FAIL")) == ({"awsexec"}, {"Airflow"})
    assert checks["Airflow"]["message"].startswith("3.0.1 in the image, ")


def test_another_version_of_airflow_fails(probe, inside, tmp_path):
    inside["PYTHONPATH"] = distribution(tmp_path / "site", "3.0.1")
    done, checks = probe()

    assert (of_status(checks, "FAIL"), done.code) == ({"Airflow"}, Exit.FAILED)
    assert checks["Airflow"]["message"].startswith("3.0.1 in the image, ")


def test_a_log_folder_that_may_not_be_written_fails(probe, inside):
    with answering(Answer(DENIED, status=403)) as url:
        inside["AWS_ENDPOINT_URL_S3"] = url
        _, checks = probe()

    assert of_status(checks, "FAIL") == {"remote log folder"}
    assert "AccessDenied" in checks["remote log folder"]["message"]
    assert checks["remote log folder"]["remedy"].startswith("Allow the task role s3:PutObject")


def test_a_bucket_that_does_not_exist_fails(probe, inside):
    inside["AIRFLOW__LOGGING__REMOTE_BASE_LOG_FOLDER"] = "s3://no-such-bucket/airflow"
    _, checks = probe()

    assert of_status(checks, "FAIL") == {"remote log folder"}
    assert checks["remote log folder"]["remedy"].startswith("Create the bucket")


def test_a_bundle_without_dags_fails(probe, home):
    (home / "dags" / "etl.py").unlink()
    _, checks = probe()

    assert of_status(checks, "FAIL") == {"DAG bundle dags-folder"}
    assert checks["DAG bundle dags-folder"]["message"].startswith("there are no DAGs in ")


def test_a_bundle_that_is_not_there_fails(probe, inside):
    inside["AIRFLOW__CORE__DAGS_FOLDER"] = "/no/such/folder"
    _, checks = probe()

    assert of_status(checks, "FAIL") == {"DAG bundle dags-folder"}
    assert "/no/such/folder" in checks["DAG bundle dags-folder"]["message"]


def test_a_dag_file_that_cannot_be_imported_warns(probe, home):
    (home / "dags" / "other.py").write_text("from airflow.sdk import dag\nimport no_such_module\n")
    _, checks = probe()

    assert of_status(checks, "WARN", "FAIL") == {"DAG bundle dags-folder"}
    assert checks["DAG bundle dags-folder"]["message"].endswith("No module named 'no_such_module'")


@pytest.mark.parametrize(("ahead", "status"), [(3600, "FAIL"), (-60, "WARN")])
def test_a_clock_that_is_off_is_named(probe, api, ahead, status):
    api.ahead = ahead
    _, checks = probe()

    assert of_status(checks, "WARN", "FAIL") == {"clock"}
    assert (checks["clock"]["status"], checks["clock"]["remedy"][:11]) == (status, "Synchronise")


def test_a_memory_that_is_too_small_fails_by_the_kernels_count(probe, aws, home):
    if aws.limits_problem:
        pytest.skip(aws.limits_problem)
    (home / "dags" / "other.py").write_text("# airflow dag\nfilled = [b'x' * 1000000 for _ in range(1000)]\n")
    done, checks = probe()

    assert (of_status(checks, "FAIL"), done.code) == ({"memory"}, Exit.FAILED)
    assert checks["memory"]["message"] == "the kernel killed the checks, which need more than 512 MiB"
    assert checks["memory"]["remedy"].startswith("Give tasks more memory")


def test_checks_that_another_signal_ends_did_not_run_out_of_memory(probe, home):
    (home / "dags" / "other.py").write_text("# airflow dag\nimport os\nos.abort()\n")
    _, checks = probe()

    assert of_status(checks, "FAIL") == {"process"}
    assert checks["process"]["message"] == "a signal ended the checks: SIGABRT"


def test_a_container_that_has_no_route_to_its_image_has_the_diagnosis(probe, aws):
    reason = (
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref "
        "registry.example/airflow:1: dial tcp 10.0.0.1:443: i/o timeout"
    )
    aws.faults.fail_next_start(reason)
    done, checks = probe()

    assert (of_status(checks, "FAIL"), done.code) == ({"container"}, Exit.FAILED)
    assert checks["container"]["message"].startswith("never started: ")
    assert "NAT" in checks["container"]["remedy"]


def test_a_log_that_cannot_be_read_here_fails(probe):
    denied = json.dumps({"__type": "AccessDeniedException", "message": "logs:GetLogEvents"}).encode()
    with answering(Answer(denied, status=400)) as url:
        _, checks = probe(AWS_ENDPOINT_URL_CLOUDWATCH_LOGS=url)

    assert of_status(checks, "FAIL") == {"container log"}
    assert "AccessDeniedException" in checks["container log"]["message"]
    assert "logs:GetLogEvents" in checks["container log"]["remedy"]


STORE = {"AIRFLOW__AWS_ECS_EXECUTOR__WORKLOAD_STORE": f"s3://{BUCKET}/workloads"}


def test_a_workload_store_is_written_here_and_read_and_emptied_there(probe, aws):
    done, checks = probe(**STORE)

    assert (of_status(checks, "WARN", "FAIL"), done.code) == (set(), Exit.OK)
    assert (checks["workload store"]["status"], checks["token"]["status"]) == ("PASS", "PASS")
    assert client_of(aws, "s3").list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


def test_a_workload_store_that_the_container_may_not_read_fails(probe, inside):
    with answering(Answer(DENIED, status=403)) as url:
        inside["AWS_ENDPOINT_URL_S3"] = url
        _, checks = probe(**STORE)

    assert of_status(checks, "FAIL") == {"remote log folder", "workload store"}
    assert "AccessDenied" in checks["workload store"]["message"]
    assert "cannot read it from the workload store" in checks["token"]["message"]
    assert checks["workload store"]["remedy"].startswith("Allow the task role s3:GetObject and s3:DeleteObject")


def test_a_workload_store_that_cannot_be_written_here_fails(probe):
    with ScriptedS3(BUCKET) as s3:
        s3.goes_wrong(error("AccessDenied", "Access Denied", status=403), "PutObject")
        done, checks = probe(AWS_ENDPOINT_URL_S3=s3.url, **STORE)

    assert (of_status(checks, "FAIL"), done.code) == ({"workload store"}, Exit.FAILED)
    assert "AccessDenied" in checks["workload store"]["message"]
    assert checks["workload store"]["call"] == "s3:PutObject"
    assert "writing workloads" not in checks, "it was tried"


def test_a_workload_store_without_a_bucket_fails_before_anything_is_launched(probe):
    done, checks = probe(AIRFLOW__AWS_ECS_EXECUTOR__WORKLOAD_STORE="s3://no-such-bucket/workloads")

    assert (of_status(checks, "FAIL"), done.code) == ({"bucket no-such-bucket"}, Exit.FAILED)
    assert checks["probe"]["message"].startswith("not launched")


def test_an_image_without_awsexec_fails_where_there_is_a_workload_store(probe, aws, bare):
    aws.images[IMAGE] = bare
    _, checks = probe(**STORE)

    assert of_status(checks, "FAIL") == {"Airflow", "awsexec"}


# ----------------------------------------------------------------------------------------------- launching and stopping


def launched(aws):
    return {launch.arn for launch in aws.ledger()}


@pytest.fixture
def before(aws):
    """What was launched before this test."""
    return launched(aws)


def test_without_a_terminal_nothing_is_launched_unasked(shell, given, aws, before):
    done = shell("check-health", "--probe", **given)

    assert (done.code, done.out) == (Exit.USAGE, "")
    assert "error: cannot confirm the launch of containers without a terminal\nhint: pass --yes" in done.err
    assert launched(aws) == before


def test_a_person_sees_what_will_be_launched_and_may_refuse(given, aws, before):
    with Terminal("check-health", "--probe", **given) as terminal:
        terminal.shows("Launch 2 containers? [y/N]:")
        terminal.type("n\n")

        assert terminal.ends() == Exit.FAILED
    assert "AwsEcsExecutor: 0.25 vCPU 512 MiB, awsexec-task in awsexec, us-east-1: $0.0123 an hour" in terminal.text
    assert "AwsBatchExecutor: 0.25 vCPU 512 MiB, awsexec-job in awsexec-queue, us-east-1: $0.0123" in terminal.text
    assert "Nothing was launched." in terminal.text
    assert launched(aws) == before


@pytest.fixture
def no_room(aws):
    """Whatever is launched waits."""
    aws.faults.occupy()
    yield
    aws.faults.vacate()


def test_ctrl_c_stops_what_was_launched(given, aws, before, no_room):
    with Terminal("check-health", "--probe", "--yes", **given) as terminal:
        seen = terminal.shows("AwsEcsExecutor: launched")
        if "AwsBatchExecutor: launched" not in terminal.text:
            terminal.shows("AwsBatchExecutor: launched", after=seen)
        terminal.type(CTRL_C)

        assert terminal.ends() == Exit.INTERRUPTED
    arns = launched(aws) - before
    assert len(arns) == 2
    for arn in arns:
        aws.wait_for_status(arn, "STOPPED" if ":task/" in arn else "FAILED")
    assert terminal.text.count(": requested the stop of ") == 2
    assert "PASS" not in terminal.text


def test_sigterm_stops_what_was_launched(given, aws, before, no_room):
    with running("check-health", "--probe", "--yes", "--executor", "ecs", **given) as command:
        assert any(": launched " in line for line in command.stderr)
        command.send_signal(signal.SIGTERM)
        _, said = command.communicate(timeout=60)

    assert command.returncode == Exit.INTERRUPTED
    assert "AwsEcsExecutor: requested the stop of " in said
    (arn,) = launched(aws) - before
    aws.wait_for_status(arn, "STOPPED")


def test_what_does_not_start_in_time_is_diagnosed_and_stopped(probe, aws, before, no_room):
    done, checks = probe("--timeout", "3s")

    assert (done.code, of_status(checks, "FAIL")) == (Exit.TIMED_OUT, {"container"})
    assert checks["container"]["message"].startswith("did not end within 3s. It has not started: PROVISIONING")
    (arn,) = launched(aws) - before
    aws.wait_for_status(arn, "STOPPED")


def test_a_job_that_the_queue_keeps_has_the_reason_of_batch(probe, aws):
    aws.faults.hold_next("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job resource requirements are too high")
    done, checks = probe("--timeout", "5s", executor="batch")

    assert (done.code, of_status(checks, "FAIL")) == (Exit.TIMED_OUT, {"container"})
    assert "RUNNABLE" in checks["container"]["message"]
    assert checks["container"]["remedy"]


def test_a_launch_that_is_refused_has_the_diagnosis(probe, aws, before):
    aws.faults.raise_next("RunTask", "AccessDeniedException", "User: x is not authorized to perform: iam:PassRole")
    done, checks = probe()

    assert (done.code, of_status(checks, "FAIL")) == (Exit.FAILED, {"launch"})
    assert checks["launch"]["call"] == "ecs:RunTask"
    assert "iam:PassRole" in checks["launch"]["message"]
    assert launched(aws) == before


def test_a_container_that_cannot_be_stopped_is_named(shell, given, aws, before, no_room):
    # The health check stops a task that does not exist.
    aws.faults.raise_next("StopTask", "InvalidParameterException", "The referenced task was not found")
    aws.faults.raise_next("StopTask", "AccessDeniedException", "not authorized to perform: ecs:StopTask")
    done = shell("check-health", "--probe", "--yes", "--executor", "ecs", "--timeout", "1s", **given)

    (arn,) = launched(aws) - before
    assert f"cannot stop {arn.rpartition('/')[2]} in awsexec" in done.err
    assert "it ends by itself 2m00s after its start" in done.err


def test_nothing_is_launched_for_an_executor_with_a_failed_check(probe, aws, before):
    done, checks = probe(AIRFLOW__AWS_ECS_EXECUTOR__CLUSTER="gone")

    assert (done.code, of_status(checks, "FAIL")) == (Exit.FAILED, {"cluster gone"})
    assert (checks["probe"]["status"], checks["launching"]["status"]) == ("SKIP", "SKIP")
    assert launched(aws) == before


def test_its_token_is_short_and_for_nobody_and_is_not_shown(probe, aws, before):
    done, _ = probe("--timeout", "90s")

    (arn,) = launched(aws) - before
    (task,) = client_of(aws, "ecs").describe_tasks(cluster="awsexec", tasks=[arn])["tasks"]
    options = json.loads(task["overrides"]["containerOverrides"][0]["command"][-1])
    claims = jwt.decode(options["bearer"], options={"verify_signature": False})
    assert (claims["exp"] - claims["iat"], claims["sub"], claims["scope"]) == (90, options["subject"], "workload")
    assert options["bearer"] not in done.out + done.err + "".join(aws.output(arn))


def test_with_a_workload_store_its_token_is_not_in_the_command(probe, aws, before):
    _, checks = probe(**STORE)

    (arn,) = launched(aws) - before
    (task,) = client_of(aws, "ecs").describe_tasks(cluster="awsexec", tasks=[arn])["tasks"]
    assert json.loads(task["overrides"]["containerOverrides"][0]["command"][-1])["bearer"] == ""
    assert checks["token"]["message"] == "the API server accepts tokens that are signed here"


def test_its_container_is_of_no_deployment_that_a_scheduler_follows(probe, aws, before):
    probe(AIRFLOW__AWS_ECS_EXECUTOR__DEPLOYMENT="production")

    (arn,) = launched(aws) - before
    (task,) = client_of(aws, "ecs").describe_tasks(cluster="awsexec", tasks=[arn])["tasks"]
    assert task["startedBy"] == "awsexec/awsexec-probe"


FILE = """
ecs: {cluster: awsexec}
templates:
  large: {executor: ecs, cpu: 1, memory: 2GiB}
  odd: {executor: ecs, cpu: 3, memory: 1GiB}
"""


@pytest.fixture
def templates(home, given):
    (home / "awsexec.yaml").write_text(FILE)
    given["AWSEXEC_CONFIG"] = str(home / "awsexec.yaml")


@pytest.mark.usefixtures("templates")
def test_a_templates_container_has_its_size(shell, given, aws, before):
    done = shell("check-health", "--probe", "--yes", "--template", "large", **given)

    assert done.code == Exit.OK
    assert "AwsEcsExecutor: 1 vCPU 2 GiB, awsexec-task in awsexec" in done.err
    assert "AwsBatchExecutor\n└─ SKIP  everything: template large is for the other executor" in done.out
    (arn,) = launched(aws) - before
    (task,) = client_of(aws, "ecs").describe_tasks(cluster="awsexec", tasks=[arn])["tasks"]
    assert (task["cpu"], task["memory"]) == ("1024", "2048")
    assert "PASS  memory: Airflow and the DAG files use " in done.out


@pytest.mark.usefixtures("templates")
def test_a_template_with_a_size_that_does_not_exist_is_not_launched(shell, given, aws, before):
    done = shell("check-health", "--probe", "--yes", "--template", "odd", **given)

    assert done.code == Exit.FAILED
    assert "FAIL  template: templates.odd" in done.out
    assert "SKIP  probe: not launched" in done.out
    assert launched(aws) == before


@pytest.mark.usefixtures("templates")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--probe", "--yes", "--template", "huge"], Exit.NOT_FOUND, 'template "huge" not found'),
        (["--template", "large"], Exit.USAGE, "add --probe"),
        (["--probe", "--yes", "--template", "large", "--executor", "batch"], Exit.USAGE, "no such executor"),
    ],
)
def test_a_template_that_cannot_be_probed_is_an_error(shell, given, words, code, said):
    done = shell("check-health", *words, **given)

    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert "launched" not in done.err
