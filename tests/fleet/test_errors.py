"""Whatever AWS refuses: one clear line, the right exit code, no traceback, no secret."""

import json

import pytest

from awsexec_cli.exit_codes import Exit
from tests.cli.helpers import labels
from tests.fleet.scripts import REGION, launched, reaching
from tests.scripted.services import ScriptedEcs, denied, error, expired, no_cluster

ID = "0123456789abcdef0123456789abcdef"
ARN = f"arn:aws:ecs:{REGION}:123456789012:task/fleet/{ID}"

KEYLESS = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}


@pytest.fixture(scope="module")
def service():
    with ScriptedEcs() as service:
        yield service


@pytest.fixture
def ecs(shell, service, tmp_path):
    service.goes_right()

    def ecs(*arguments, **more):
        given = {
            **reaching(service, tmp_path),
            "AIRFLOW__AWS_ECS_EXECUTOR__CLUSTER": "fleet",
            **more,
        }
        done = shell(*arguments, **given)
        assert "Traceback" not in done.err
        assert "unexpected" not in done.err
        return done

    return ecs


COMMANDS = [["list"], ["terminate-all", "--include-foreign", "--yes"], ["describe", "etl/load"], ["describe", ARN]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    "refused",
    [
        (expired(), Exit.CREDENTIALS, "the AWS credentials have expired"),
        (denied("ListTasks"), Exit.CREDENTIALS, "check-health --policy prints the permissions needed"),
        (no_cluster(), Exit.NOT_FOUND, "check --cluster, --queue, --region and --profile"),
    ],
    ids=["expired", "denied", "no cluster"],
)
def test_what_aws_refuses(ecs, service, command, refused):
    trick, code, said = refused
    service.goes_wrong(trick)
    done = ecs(*command)

    if command[1:] == [ARN] and code is Exit.NOT_FOUND:
        said = "no Airflow job"  # the task went with its cluster
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert labels(done.err) == ["error", "hint"]


def test_a_throttle_that_lasts(ecs, service):
    service.goes_wrong(error("ThrottlingException", "Rate exceeded"))
    done = ecs("list")

    assert (done.code, done.out) == (Exit.FAILED, "")
    assert "AWS throttles these calls" in done.err
    assert service.calls()["ListTasks"] >= 5


def test_a_throttle_that_passes_is_waited_for(ecs, service):
    service.goes_wrong(error("ThrottlingException", "Rate exceeded"), times=2)
    done = ecs("list", "-o", "json")

    assert (done.code, done.out, done.err) == (Exit.OK, "[]\n", "")


#: Of a profile whose role wants the code of an MFA device.
MFA = """[profile careful]
role_arn = arn:aws:iam::123456789012:role/operator
source_profile = keys
mfa_serial = arn:aws:iam::123456789012:mfa/anna
[profile keys]
aws_access_key_id = key
aws_secret_access_key = secret
"""


def test_no_input_keeps_botocore_from_asking_for_an_mfa_code(ecs, service, tmp_path):
    (tmp_path / "config").write_text(MFA)
    before = service.calls()
    done = ecs("--no-input", "list", "--profile", "careful", **KEYLESS, AWS_CONFIG_FILE=str(tmp_path / "config"))

    assert (done.code, done.out) == (Exit.CREDENTIALS, "")
    assert "the AWS profile needs an MFA code" in done.err
    assert service.calls() == before


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (KEYLESS, Exit.CREDENTIALS, "no AWS credentials found"),
        ({"AWS_PROFILE": "nobody"}, Exit.CREDENTIALS, "no such AWS profile"),
        (
            {**KEYLESS, "AWS_ROLE_ARN": "arn:aws:iam::1:role/a", "AWS_WEB_IDENTITY_TOKEN_FILE": "/nonexistent"},
            Exit.CREDENTIALS,
            "the AWS credentials are missing, expired or invalid",
        ),
        ({"AWS_DEFAULT_REGION": ""}, Exit.USAGE, "no AWS Region is set"),
        (
            {"AWS_DEFAULT_REGION": "eu-centrall-1", "AWS_ENDPOINT_URL_ECS": ""},
            Exit.USAGE,
            'unknown AWS Region "eu-centrall-1"',
        ),
        ({"AWS_ENDPOINT_URL_ECS": "http://127.0.0.1:9"}, Exit.FAILED, "AWS cannot be reached"),
        ({"AIRFLOW__AWS_ECS_EXECUTOR__LAUNCH_RATE": "fast"}, Exit.USAGE, "the executors' options are wrong"),
        ({"AWSEXEC_CONFIG": "/nonexistent/awsexec.yaml"}, Exit.USAGE, "the configuration cannot be used"),
    ],
    ids=[
        "no credentials",
        "no profile",
        "no token file",
        "no region",
        "wrong region",
        "unreachable",
        "options",
        "config",
    ],
)
def test_what_is_wrong_with_the_shell(ecs, given, code, said):
    done = ecs("list", **given)

    assert (done.code, done.out) == (code, "")
    assert said in done.err.splitlines()[0]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["describe", "etl/nothing"], Exit.NOT_FOUND, "no Airflow job etl/nothing found"),
        (["logs", ID], Exit.NOT_FOUND, f"no Airflow job {ID} found"),
        (["wait", ARN], Exit.NOT_FOUND, "no Airflow job"),
        (["describe", ARN.replace(REGION, "us-east-1")], Exit.USAGE, "use --region us-east-1"),
        (["explain", "what?"], Exit.USAGE, 'not a job: "what?"\nhint: use an ID'),
        (["list", "--older-than", "long"], Exit.USAGE, 'invalid duration "long"'),
        (["wait", ID, "--for", "ever"], Exit.USAGE, "hint: use stopped or running"),
        (["list", "-o", "xml"], Exit.USAGE, 'invalid --output "xml"'),
    ],
)
def test_what_is_asked_wrongly(ecs, arguments, code, said):
    done = ecs(*arguments)

    assert (done.code, done.out) == (code, "")
    assert said in done.err
    assert labels(done.err) == ["error", "hint"]


def test_a_reference_without_a_run_means_the_newest_except_for_stopping(ecs, service):
    for run in ("old", "new"):
        launched(service, "load", cluster="runs", run=run)
    described = ecs("describe", "etl/load", "--cluster", "runs", "-o", "json")
    before = service.calls()["StopTask"]
    stopped = ecs("terminate", "etl/load", "--cluster", "runs", "--yes")

    assert json.loads(described.out)["run_id"] == "new"
    assert described.err == "etl/load has jobs in 2 runs; using the newest: etl/load@new\n"
    assert stopped.code == Exit.USAGE
    assert ["etl/load@old" in stopped.err, "etl/load@new" in stopped.err] == [True, True]
    assert service.calls()["StopTask"] == before


def test_a_duration_without_a_unit_is_seconds_for_now(ecs):
    done = ecs("list", "--older-than", "90", "-o", "json")

    assert (done.code, done.out) == (Exit.OK, "[]\n")
    assert done.err == 'warning: "90" has no unit and is read as seconds\nhint: write 90s\n'


def test_several_jobs_of_one_name_are_listed(ecs, service):
    for index in "01":
        launched(service, "load", cluster="twice", map_index=index)
    done = ecs("describe", "etl/load", "--cluster", "twice")

    assert done.code == Exit.USAGE
    assert done.err.startswith("error: etl/load matches 2 jobs\n")
    assert done.err.endswith("hint: be more specific or use an ID\n")
    assert ["etl/load[0]@r1" in done.err, "etl/load[1]@r1" in done.err] == [True, True]
