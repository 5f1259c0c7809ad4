"""A job of the local AWS emulator is a process that runs, described as Batch describes jobs."""

import ast
import os

from aws_exec.local import EmbeddedAws
from tests.local.helpers import FOREVER, client_of, job_of, request_of, several_of

SECONDS = 1000.0


def test_a_job_runs_its_command_and_succeeds_when_it_exits_0(aws, submit, job):
    arn = submit("print('ran')")

    aws.wait_for_status(arn, "SUCCEEDED")

    told = job(arn)
    assert (told["status"], told["statusReason"]) == ("SUCCEEDED", "Essential container in task exited")
    assert told["container"]["exitCode"] == 0
    assert aws.output(arn) == ["ran"]


def test_a_job_whose_command_exits_otherwise_has_failed_and_its_exit_code_is_told(aws, submit, job):
    arn = submit("raise SystemExit(3)")

    aws.wait_for_status(arn, "FAILED")

    told = job(arn)
    assert (told["status"], told["statusReason"]) == ("FAILED", "Essential container in task exited")
    assert told["container"]["exitCode"] == 3
    assert (told["isCancelled"], told["isTerminated"]) == (False, False)
    (attempt,) = told["attempts"]
    assert attempt["statusReason"] == told["statusReason"]
    assert (attempt["startedAt"], attempt["stoppedAt"]) == (told["startedAt"], told["stoppedAt"])
    same = ("exitCode", "taskArn", "logStreamName")
    assert [attempt["container"][name] for name in same] == [told["container"][name] for name in same]


def test_a_job_goes_through_every_status_in_order(aws, submit):
    arn = submit()

    aws.wait_for_status(arn, "SUCCEEDED")

    assert aws.history(arn) == ["SUBMITTED", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]


def test_the_answer_to_submit_job_names_the_job_in_three_ways(aws, batch):
    answer = batch.submit_job(**job_of(aws, jobName="Named_1-x"))

    assert answer["jobName"] == "Named_1-x"
    assert answer["jobArn"] == f"arn:aws:batch:us-east-1:{aws.names.account}:job/{answer['jobId']}"


def test_every_call_makes_a_job_since_there_is_no_token(aws, submit):
    first, second = submit(jobName="same"), submit(jobName="same")

    assert first != second


def test_times_are_epoch_milliseconds_in_order(aws, submit, job):
    arn = submit()
    line = aws.wait_for_status(arn, "SUCCEEDED")

    told = job(arn)

    assert told["createdAt"] == int(line.created_at * SECONDS)
    assert told["createdAt"] <= told["startedAt"] <= line.ended_at * SECONDS
    assert told["startedAt"] <= told["stoppedAt"]


def test_a_job_just_submitted_has_no_task_no_log_and_no_times_but_one(aws, batch):
    with EmbeddedAws(max_containers=0) as full:
        batch = client_of(full, "batch")
        arn = batch.submit_job(**job_of(full))["jobArn"]
        full.wait_for_status(arn, "RUNNABLE")

        (told,) = batch.describe_jobs(jobs=[arn])["jobs"]

    assert (told["status"], told["attempts"]) == ("RUNNABLE", [])
    assert not {"startedAt", "stoppedAt", "statusReason"} & told.keys()
    assert not {"taskArn", "logStreamName", "exitCode"} & told["container"].keys()


def test_a_starting_job_has_a_task_and_a_running_one_a_log_stream():
    with EmbeddedAws(start_delay=600) as slow:
        batch = client_of(slow, "batch")
        arn = batch.submit_job(**job_of(slow))["jobArn"]
        slow.wait_for_status(arn, "STARTING")

        (told,) = batch.describe_jobs(jobs=[arn])["jobs"]

    assert told["container"]["taskArn"].startswith("arn:aws:ecs:us-east-1:")
    assert "logStreamName" not in told["container"]


def test_the_container_knows_its_job_attempt_queue_and_compute_environment(aws, submit):
    arn = submit("import os; print({n: v for n, v in os.environ.items() if n.startswith('AWS_BATCH')})")

    assert ast.literal_eval(aws.wait_for_output(arn, "{")) == {
        "AWS_BATCH_JOB_ID": arn.rpartition("/")[2],
        "AWS_BATCH_JOB_ATTEMPT": "1",
        "AWS_BATCH_JQ_NAME": "awsexec-queue",
        "AWS_BATCH_CE_NAME": "awsexec-ce",
    }


def test_environment_is_layered_starter_then_definition_then_override_and_told_merged(aws, batch, submit, job):
    layers = [{"name": "SHADE", "value": "definition"}, {"name": "LAYER", "value": "definition"}]
    definition = _register(batch, "layered", environment=layers)
    program = "import os; print('saw', *(os.environ[name] for name in ('GIVEN', 'SHADE', 'LAYER')), sep='|')"
    override = {
        "command": ["python", "-c", program],
        "environment": [{"name": "LAYER", "value": "override"}],
        "resourceRequirements": [{"type": "VCPU", "value": "2"}],
    }

    arn = submit(jobDefinition=definition, containerOverrides=override)

    assert aws.wait_for_output(arn, "saw") == "saw|to all|definition|override"
    told = job(arn)
    assert told["jobDefinition"] == definition
    assert told["container"]["environment"] == [layers[0], {"name": "LAYER", "value": "override"}]
    sizes = {one["type"]: one["value"] for one in told["container"]["resourceRequirements"]}
    assert sizes == {"VCPU": "2", "MEMORY": "512"}


def test_without_a_command_the_definitions_runs_with_its_parameters(aws, batch, submit, job):
    command = ["python", "-c", "import sys; print('got', *sys.argv[1:])", "Ref::what", "of=Ref::whose"]
    definition = _register(batch, "parameters", command=command, parameters={"what": "this", "whose": "nobody"})

    arn = submit(jobDefinition=definition, containerOverrides={}, parameters={"whose": "mine"})

    assert aws.wait_for_output(arn, "got") == "got this of=mine"
    assert job(arn)["parameters"] == {"what": "this", "whose": "mine"}
    assert job(arn)["container"]["command"][3:] == ["this", "of=mine"]


def test_output_is_in_the_log_group_of_batch(aws, logs, submit, job):
    arn = submit("print('one'); print('two')")
    aws.wait_for_status(arn, "SUCCEEDED")

    told = job(arn)["container"]

    assert told["logStreamName"] == f"awsexec-job/default/{told['taskArn'].rpartition('/')[2]}"
    stream = {"logGroupName": "/aws/batch/job", "logStreamName": told["logStreamName"]}
    events = logs.get_log_events(**stream, startFromHead=True)["events"]
    assert [event["message"] for event in events] == ["one", "two"]


def test_tasks_and_jobs_share_the_room_that_there_is():
    with EmbeddedAws(start_delay=0, stop_delay=0, max_containers=1) as aws:
        ecs, batch = client_of(aws, "ecs"), client_of(aws, "batch")
        task = ecs.run_task(**request_of(aws, FOREVER))["tasks"][0]["taskArn"]
        aws.wait_for_status(task, "RUNNING")
        job = batch.submit_job(**job_of(aws))["jobArn"]
        aws.wait_for_status(job, "RUNNABLE")
        assert aws.history(job) == ["SUBMITTED", "RUNNABLE"]

        ecs.stop_task(cluster=aws.names.cluster, task=task)

        aws.wait_for_status(job, "SUCCEEDED")
        assert [line.service for line in aws.ledger()] == ["ecs", "batch"]


def test_a_job_of_several_containers_is_told_of_in_ecs_properties(aws, batch, job):
    arn = batch.submit_job(**several_of(aws, "raise SystemExit(0)"))["jobArn"]
    aws.wait_for_status(arn, "SUCCEEDED")

    told = job(arn)

    assert told["container"] == {}
    (task,) = told["ecsProperties"]["taskProperties"]
    assert {one["name"]: one["exitCode"] for one in task["containers"]} == {"airflow": 0, "sidecar": 143}
    assert task["containers"][0]["command"][-1] == "raise SystemExit(0)"
    assert task["containers"][1]["logStreamName"].startswith("awsexec-multi/sidecar/")
    (attempt,) = told["attempts"]
    (tried,) = attempt["taskProperties"]
    assert tried["taskArn"] == task["taskArn"]
    assert {one["name"]: one["exitCode"] for one in tried["containers"]} == {"airflow": 0, "sidecar": 143}


def test_a_job_of_several_containers_fails_with_its_essential_one(aws, batch, job):
    arn = batch.submit_job(**several_of(aws, "raise SystemExit(5)"))["jobArn"]

    line = aws.wait_for_status(arn, "FAILED")

    assert line.exit_code == 5


def test_a_sidecar_that_fails_fails_nothing(aws, batch, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    sidecar = {"name": "sidecar", "command": ["python", "-c", "raise SystemExit(9)"]}
    arn = batch.submit_job(**several_of(aws, f"open({str(gate)!r}).read()", sidecar))["jobArn"]
    aws.wait_until(lambda: [one for one in aws._all_tasks()[arn].current.containers if one.exit_code == 9])
    assert aws.history(arn)[-1] == "RUNNING"

    gate.write_text("go on")

    assert aws.wait_for_status(arn, "SUCCEEDED").exit_code == 0


def _register(batch, name, parameters=None, **container):
    size = [{"type": "VCPU", "value": "1"}, {"type": "MEMORY", "value": "512"}]
    answer = batch.register_job_definition(
        jobDefinitionName=name,
        type="container",
        parameters=parameters or {},
        platformCapabilities=["FARGATE"],
        containerProperties={"image": "any", "resourceRequirements": size, **container},
    )
    return answer["jobDefinitionArn"]
