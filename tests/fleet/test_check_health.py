"""`check-health`: a tree for each executor, a remedy for each failure, and an exit code by the worst."""

import json

import pytest

from awsexec_cli.exit_codes import Exit
from tests.fleet.shell import process, running
from tests.scripted.s3 import ScriptedS3


@pytest.fixture
def given(aws):
    """What is configured, of what the embedded AWS has."""
    return aws.environment()


def checks(done):
    return {branch["executor"]: {each["subject"]: each for each in branch["checks"]} for branch in json.loads(done.out)}


def test_all_is_well(shell, given):
    done = shell("check-health", **given)

    assert (done.code, done.err) == (Exit.OK, "0 failed, 0 warned, 3 not checked\n")
    lines = done.out.splitlines()
    assert lines[0] == "AwsEcsExecutor"
    assert "AwsBatchExecutor" in lines
    assert {line.split()[1] for line in lines if line[0] in "├└"} == {"PASS", "SKIP"}
    for word in ("identity", "cluster", "task definition", "container", "log group", "subnets", "stopping", "quota"):
        assert any(word in line for line in lines), word
    skipped = [line for line in lines if line[0] in "├└" and line.split()[1] == "SKIP"]
    assert [line for line in skipped if "cannot be tried without launching" not in line] == []
    assert any("role awsexec-execution: exists" in line for line in lines), "of the job definition"


def test_what_local_up_prints_is_all_that_it_takes(tmp_path):
    with running("local", "up", "--region", "eu-west-1", TMPDIR=str(tmp_path)) as up:
        exports = {}
        while "AIRFLOW__AWS_BATCH_EXECUTOR__JOB_NAME" not in exports:
            name, _, value = up.stdout.readline().removeprefix("export ").partition("=")
            exports[name] = value.strip()
        done = process("check-health", **exports)

    assert (done.code, done.err) == (Exit.OK, "0 failed, 0 warned, 3 not checked\n")
    assert "PASS  subnets" in done.out
    assert "PASS  security groups" in done.out


@pytest.mark.parametrize("other", ["ECS", "BATCH"])
def test_every_call_for_an_executor_goes_to_its_own_region(shell, given, other):
    """Also those to STS, EC2, ...; the other executor may be elsewhere, or not be configured."""
    named = {name: value for name, value in given.items() if not name.startswith(f"AIRFLOW__AWS_{other}")}
    del named["AWS_DEFAULT_REGION"]
    done = shell("check-health", **named)

    assert (done.code, done.err) == (Exit.OK, f"0 failed, 0 warned, {1 if other == 'BATCH' else 2} not checked\n")


def test_what_is_wrong_is_told_with_its_remedy(shell, given):
    wrong = {
        "AIRFLOW__AWS_ECS_EXECUTOR__CLUSTER": "gone",
        "AIRFLOW__AWS_ECS_EXECUTOR__CONTAINER_NAME": "other",
        "AIRFLOW__AWS_BATCH_EXECUTOR__JOB_QUEUE": "gone",
        "AIRFLOW__CORE__PARALLELISM": "5000",
    }
    done = shell("check-health", "-o", "json", **{**given, **wrong})
    found = checks(done)

    assert done.code == Exit.FAILED
    ecs, batch = found["AwsEcsExecutor"], found["AwsBatchExecutor"]
    assert (ecs["cluster gone"]["status"], ecs["cluster gone"]["call"]) == ("FAIL", "ecs:DescribeClusters")
    assert ecs["cluster gone"]["remedy"]
    definition = ecs["task definition awsexec-task"]
    assert definition["message"] == "has no container other; it has: airflow"
    assert (batch["job queue gone"]["status"], batch["job queue gone"]["message"]) == ("FAIL", "does not exist")


def test_by_name_it_shows_what_failed(shell, given):
    done = shell("check-health", "-o", "name", **{**given, "AIRFLOW__AWS_BATCH_EXECUTOR__JOB_QUEUE": "gone"})

    assert (done.code, done.out, done.err) == (Exit.FAILED, "job queue gone\n", "")


def test_what_depends_on_a_cluster_or_queue_that_is_missing_is_skipped_and_fails_once(shell, given):
    wrong = {f"AIRFLOW__AWS_{name}": "gone" for name in ("ECS_EXECUTOR__CLUSTER", "BATCH_EXECUTOR__JOB_QUEUE")}
    found = checks(shell("check-health", "-o", "json", **{**given, **wrong}))

    ecs, batch = found["AwsEcsExecutor"], found["AwsBatchExecutor"]
    assert [subject for subject, each in ecs.items() if each["status"] == "FAIL"] == ["cluster gone"]
    assert [subject for subject, each in batch.items() if each["status"] == "FAIL"] == ["job queue gone"]
    for each in (ecs["adoption"], ecs["following tasks"], ecs["stopping tasks"], batch["adoption"]):
        assert each["status"] == "SKIP"
        assert each["message"] in ("cannot be tried without cluster gone", "cannot be tried without job queue gone")
    assert batch["following jobs"]["status"] == "PASS"


@pytest.mark.parametrize(
    ("option", "value", "remedy"),
    [
        ("ECS_EXECUTOR__SUBNETS", "subnet-0123", "Name subnets of this Region and account"),
        ("ECS_EXECUTOR__SECURITY_GROUPS", "sg-0123", "Name security groups of this Region and account"),
        ("ECS_EXECUTOR__TASK_DEFINITION", "gone", "Name an active revision of this Region and account"),
        ("ECS_EXECUTOR__CLUSTER", "gone", "Name a cluster of this Region and account"),
        ("BATCH_EXECUTOR__JOB_DEFINITION", "gone", "Name an active revision"),
        ("BATCH_EXECUTOR__JOB_QUEUE", "gone", "Name a job queue of this Region and account"),
    ],
)
def test_whatever_does_not_exist_has_a_remedy(shell, given, option, value, remedy):
    done = shell("check-health", "-o", "json", **{**given, f"AIRFLOW__AWS_{option}": value})
    failed = [each for found in checks(done).values() for each in found.values() if each["status"] == "FAIL"]

    assert (done.code, [each["remedy"] for each in failed]) == (Exit.FAILED, [remedy])


def test_quotas_that_are_too_small_for_the_parallelism_are_a_warning(shell, given):
    done = shell("check-health", "--executor", "batch", "-o", "json", **{**given, "AIRFLOW__CORE__PARALLELISM": "5000"})
    size = checks(done)["AwsBatchExecutor"]["size of the compute environments"]

    assert (done.code, size["status"]) == (Exit.OK, "WARN")
    assert size["message"] == "256 vCPUs at a time; [core] parallelism 5000 x 0.25 vCPU is 1250"


def test_a_right_that_is_missing_fails_where_nothing_works_without_it(shell, aws, given):
    said = "User: x is not authorized to perform: ecs:StopTask"
    aws.faults.raise_next("StopTask", "AccessDeniedException", said)
    aws.faults.raise_next("ListTasks", "AccessDeniedException", said)
    found = checks(shell("check-health", "--executor", "ecs", "-o", "json", **given))["AwsEcsExecutor"]

    assert (found["stopping tasks"]["status"], found["stopping tasks"]["remedy"]) == ("FAIL", "Allow ecs:StopTask")
    assert (found["adoption"]["status"], found["following tasks"]["status"]) == ("WARN", "PASS")


def test_as_a_probe_it_says_nothing_and_ends_in_time(shell, given):
    well = shell("check-health", "--quiet", **given)
    late = shell("check-health", "--quiet", "--timeout", "0s", **given)

    assert (well.code, well.out, well.err) == (Exit.OK, "", "")
    assert (late.code, late.out) == (Exit.TIMED_OUT, "")
    assert [line.partition(":")[0] for line in late.err.splitlines()] == ["error", "hint"]


def test_without_credentials_nothing_else_is_asked(shell, given):
    done = shell("check-health", **{**given, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""})

    assert done.code == Exit.CREDENTIALS
    assert "FAIL  credentials:" in done.out
    assert "hint: Log in" in done.out
    assert "SKIP  everything else" in done.out


def test_an_aws_that_cannot_be_reached_fails_and_a_probe_sees_it(shell, given):
    silent = {**given, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    told = checks(shell("check-health", "-o", "json", **silent))
    probe = shell("check-health", "--quiet", **silent)

    assert (probe.code, probe.out, probe.err) == (Exit.FAILED, "", "")
    for found in told.values():
        assert {subject: each["status"] for subject, each in found.items()} == {
            "credentials": "FAIL",
            "everything else": "SKIP",
        }
        assert found["credentials"]["call"] == "sts:GetCallerIdentity"
        assert found["credentials"]["remedy"] == "Check --region, --endpoint-url and the network"


@pytest.mark.parametrize(("executor", "call"), [("ecs", "ecs:DescribeClusters"), ("batch", "batch:DescribeJobQueues")])
def test_a_service_that_cannot_be_reached_fails_where_others_can_be(shell, given, executor, call):
    silent = {**given, f"AWS_ENDPOINT_URL_{executor.upper()}": "http://127.0.0.1:9"}
    done = shell("check-health", "--executor", executor, "-o", "json", **silent)
    (found,) = checks(done).values()

    assert (done.code, found["credentials"]["status"]) == (Exit.FAILED, "PASS")
    failed = {each["call"]: each["remedy"] for each in found.values() if each["status"] == "FAIL"}
    assert failed[call] == "Check --region, --endpoint-url and the network"


def test_options_that_leave_no_room_for_a_task_fail_and_nothing_is_asked(shell, given):
    variable = {"name": "A", "value": "x" * 9000}
    kwargs = json.dumps({"containerOverrides": {"environment": [variable]}})
    named = {**given, "AIRFLOW__AWS_BATCH_EXECUTOR__SUBMIT_JOB_KWARGS": kwargs}
    done = shell("check-health", "--executor", "batch", "-o", "json", **named)
    ((subject, found),) = checks(done)["AwsBatchExecutor"].items()

    told = (subject, found["status"], found["call"])
    assert (done.code, *told) == (Exit.FAILED, "option submit_job_kwargs", "FAIL", None)
    assert "AWS takes 8,192" in found["message"]


def test_nothing_to_check_is_wrong_usage(shell, tmp_path):
    done = shell("check-health", AIRFLOW_HOME=str(tmp_path), AWS_DEFAULT_REGION="eu-central-1")

    assert (done.code, done.out) == (Exit.USAGE, "")
    assert "no executor is configured" in done.err


def test_where_airflow_starts_none_of_ours_it_is_said_what_it_starts(shell, tmp_path):
    done = shell("check-health", AIRFLOW_HOME=str(tmp_path), AIRFLOW__CORE__EXECUTOR="LocalExecutor")

    assert (done.code, done.out) == (Exit.USAGE, "")
    assert "[core] executor names no executor of awsexec, only LocalExecutor\nhint: set " in done.err


@pytest.mark.parametrize(
    ("executor", "meant"),
    [
        ("aws_exec.AwsEcsExecutr", "aws_exec.AwsEcsExecutor"),
        ("aws_exce.AwsEcsExecutor", "aws_exec.AwsEcsExecutor"),
        ("LocalExecutr", "LocalExecutor"),
    ],
)
def test_a_misspelt_executor_is_not_checked_as_if_it_were_right(shell, given, executor, meant):
    """Airflow does not start with it, whatever the options are."""
    named = {**given, "AIRFLOW__CORE__EXECUTOR": executor}
    checked, validated = shell("check-health", **named), shell("validate-config", **named)

    assert [(done.code, meant in done.err + done.out) for done in (checked, validated)] == [(Exit.USAGE, True)] * 2
    assert checked.out == ""


def test_of_a_service_without_an_executor_it_is_said_what_is_configured(shell, given):
    ecs = {name: value for name, value in given.items() if not name.startswith("AIRFLOW__AWS_BATCH")}
    done = shell("check-health", "--executor", "batch", **ecs)

    assert (done.code, done.out) == (Exit.USAGE, "")
    assert "no such executor is configured, only AwsEcsExecutor\nhint: set " in done.err


def test_the_policy_names_what_is_configured_and_asks_nobody(shell, given):
    given = {
        **given,
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AIRFLOW__AWS_ECS_EXECUTOR__TASK_DEFINITION": "airflow:7",
    }
    document = json.loads(shell("check-health", "--policy", **given).out)
    statements = {each["Sid"]: each for each in document["Statement"]}

    assert document["Version"] == "2012-10-17"
    assert statements["EcsLaunch"]["Resource"] == ["arn:aws:ecs:us-east-1:*:task-definition/airflow:7"]
    assert "arn:aws:batch:us-east-1:*:job-queue/awsexec-queue" in statements["BatchLaunch"]["Resource"]
    actions = {action for each in statements.values() for action in each["Action"]}
    assert actions >= {
        "ecs:RunTask",
        "ecs:StopTask",
        "ecs:DescribeTasks",
        "ecs:ListTasks",
        "ecs:TagResource",
        "iam:PassRole",
        "batch:SubmitJob",
        "batch:DescribeJobs",
        "batch:ListJobs",
        "batch:TerminateJob",
        "logs:GetLogEvents",
    }
    assert not [action for action in actions if "*" in action]


@pytest.fixture
def stored(given):
    """With a workload store for both executors."""
    stores = {f"AIRFLOW__AWS_{each}_EXECUTOR__WORKLOAD_STORE": "s3://{}/production/" for each in ("ECS", "BATCH")}
    return lambda bucket: {**given, **{name: url.format(bucket) for name, url in stores.items()}}


def test_a_workload_store_is_looked_at_and_what_was_not_looked_at_is_said(shell, aws, stored):
    done = shell("check-health", "-o", "json", **stored(aws.names.bucket))

    assert done.code == Exit.OK
    for executor in checks(done).values():
        bucket, writing = executor[f"bucket {aws.names.bucket}"], executor["writing workloads"]
        assert (bucket["status"], bucket["message"], bucket["call"]) == ("PASS", "exists", "s3:HeadBucket")
        assert (writing["status"], writing["call"]) == ("SKIP", "s3:PutObject")
        assert "without writing" in writing["message"]


@pytest.mark.parametrize(("bucket", "status"), [("workloads", "PASS"), ("gone", "FAIL")])
def test_a_bucket_that_may_not_be_listed_exists_all_the_same(shell, stored, bucket, status):
    with ScriptedS3("workloads") as s3:
        found = checks(shell("check-health", "-o", "json", **stored(bucket), AWS_ENDPOINT_URL_S3=s3.url))

    for executor in found.values():
        assert executor[f"bucket {bucket}"]["status"] == status


def test_the_policy_has_the_workload_store_and_says_what_the_tasks_need(shell, stored):
    done = shell("check-health", "--policy", **stored("workloads"))
    statements = {each["Sid"]: each for each in json.loads(done.out)["Statement"]}

    objects = "arn:aws:s3:::workloads/production/*"
    assert (statements["WorkloadStore"]["Action"], statements["WorkloadStore"]["Resource"]) == (
        ["s3:PutObject"],
        [objects],
    )
    assert f"The task role needs s3:GetObject and s3:DeleteObject on {objects}." in done.err


def test_the_policy_of_a_shell_without_an_executor_says_what_it_is_for(shell):
    done = shell("check-health", "--policy")

    assert json.loads(done.out)["Statement"]
    assert "No executor is configured here: the policy is for every cluster and job queue." in done.err
    assert done.code == Exit.OK


def test_the_policy_without_a_store_has_nothing_of_it(shell, given):
    done = shell("check-health", "--policy", **given)

    assert "s3:" not in done.out + done.err


@pytest.mark.parametrize("how", ["text", "json"])
def test_a_terminal_takes_nothing_in_it_for_a_command(shell, given, how):
    named = {**given, "AIRFLOW__AWS_ECS_EXECUTOR__CONN_ID": "gone\x1b]0;x\x07\x9b"}
    done = shell("check-health", "--executor", "ecs", "--format", how, **named)

    assert "gone ]0;x" in done.out + done.err
    assert [character for character in done.out if not character.isprintable() and character != "\n"] == []
