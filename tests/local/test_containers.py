"""A task of the local AWS emulator is a process that runs, described as ECS describes tasks."""

import sys
from pathlib import Path

from aws_exec.local import EmbeddedAws
from tests.local.helpers import FOREVER, client_of, register, request_of


def test_a_container_runs_its_command_and_its_exit_code_is_told(aws, run, described):
    arn = run("import sys; sys.exit(3)")

    aws.wait_for_status(arn, "STOPPED")

    task = described(arn)
    assert (task["lastStatus"], task["desiredStatus"]) == ("STOPPED", "STOPPED")
    assert task["stopCode"] == "EssentialContainerExited"
    assert task["stoppedReason"] == "Essential container in task exited"
    (container,) = task["containers"]
    assert (container["name"], container["lastStatus"], container["exitCode"]) == ("airflow", "STOPPED", 3)
    assert container["runtimeId"].startswith(arn.rpartition("/")[2])
    assert container["containerArn"].startswith(arn.replace(":task/", ":container/"))


def test_a_task_goes_through_every_status_in_order(aws, run):
    arn = run()

    aws.wait_for_status(arn, "STOPPED")

    assert aws.history(arn) == [
        "PROVISIONING",
        "PENDING",
        "ACTIVATING",
        "RUNNING",
        "DEACTIVATING",
        "STOPPING",
        "DEPROVISIONING",
        "STOPPED",
    ]


def test_every_time_is_told_and_they_are_in_order(aws, run, described):
    arn = run()
    aws.wait_for_status(arn, "STOPPED")

    task = described(arn)

    names = [
        "createdAt",
        "connectivityAt",
        "pullStartedAt",
        "pullStoppedAt",
        "startedAt",
        "executionStoppedAt",
        "stoppedAt",
    ]
    times = [task[name] for name in names]
    assert times == sorted(times)
    assert task["startedAt"] <= task["stoppingAt"] <= task["stoppedAt"]


def test_a_task_just_made_is_provisioning_and_nothing_of_it_has_started(aws, ecs):
    answer = ecs.run_task(**request_of(aws, startedBy="awsexec/just-made"))

    (task,) = answer["tasks"]
    assert (task["lastStatus"], task["desiredStatus"]) == ("PROVISIONING", "RUNNING")
    assert [c["lastStatus"] for c in task["containers"]] == ["PENDING"]
    assert task["startedBy"] == "awsexec/just-made"
    assert task["launchType"] == "FARGATE"
    assert "startedAt" not in task


def test_the_container_has_its_exit_code_while_the_task_is_still_stopping():
    """As on Fargate, where a task takes tens of seconds to stop: a launch is over when its container is."""
    with EmbeddedAws(start_delay=0, stop_delay=600) as aws:
        ecs = client_of(aws, "ecs")
        arn = ecs.run_task(**request_of(aws, "import sys; sys.exit(7)"))["tasks"][0]["taskArn"]

        aws.wait_for_exit(arn)

        task = ecs.describe_tasks(cluster=aws.names.cluster, tasks=[arn])["tasks"][0]
        assert task["lastStatus"] == "DEACTIVATING"
        assert task["desiredStatus"] == "STOPPED"
        assert task["containers"][0]["exitCode"] == 7
        assert "stoppedAt" not in task


def test_a_start_takes_as_long_as_it_is_told_to():
    with EmbeddedAws(start_delay=600) as aws:
        ecs = client_of(aws, "ecs")
        arn = ecs.run_task(**request_of(aws))["tasks"][0]["taskArn"]

        aws.wait_for_status(arn, "PENDING")

        assert aws.history(arn) == ["PROVISIONING", "PENDING"]


def test_python_is_the_interpreter_that_runs_the_embedded_aws(aws, run):
    arn = run("import sys; print(sys.executable)")

    assert aws.wait_for_output(arn, "/") == sys.executable


def test_environment_is_layered_starter_then_definition_then_override(aws, ecs, run):
    definition = register(
        ecs,
        "layered",
        {
            "name": "airflow",
            "environment": [{"name": "SHADE", "value": "definition"}, {"name": "LAYER", "value": "definition"}],
        },
    )
    program = "import os; print('saw', *(os.environ[name] for name in ('GIVEN', 'SHADE', 'LAYER')), sep='|')"
    override = {
        "name": "airflow",
        "command": ["python", "-c", program],
        "environment": [{"name": "LAYER", "value": "override"}],
    }

    arn = run(taskDefinition=definition, overrides={"containerOverrides": [override]})

    assert aws.wait_for_output(arn, "saw") == "saw|to all|definition|override"


def test_what_the_starter_has_in_its_environment_stays_with_the_starter(aws, run, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "the server's own")
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "the server's own")

    arn = run("import os; print('env', sorted(pair for pair in os.environ.items() if pair[0][:3] in ('AWS', 'AIR')))")

    theirs = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
        "AWS_REGION": "us-east-1",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }
    assert aws.wait_for_output(arn, "env") == f"env {sorted(theirs.items())}"


def test_a_program_that_does_not_exist_never_starts(aws, run, described):
    arn = run(["no-such-program", "--at-all"])

    aws.wait_for_status(arn, "STOPPED")

    task = described(arn)
    assert task["stopCode"] == "TaskFailedToStart"
    assert task["stoppedReason"] == "Task failed to start"
    (container,) = task["containers"]
    assert container["reason"].startswith("CannotStartContainerError:")
    assert 'exec: "no-such-program": executable file not found in $PATH' in container["reason"]
    assert "exitCode" not in container
    assert "startedAt" not in task
    assert not aws.ledger()[-1].started


def test_output_is_in_cloudwatch_line_by_line_with_its_time(aws, logs, run, described):
    arn = run(
        "import sys; print('one'); print('', flush=True); print('two\\u2713', file=sys.stderr); print('no end', end='')"
    )
    aws.wait_for_exit(arn)

    stream = f"airflow/airflow/{arn.rpartition('/')[2]}"
    events = logs.get_log_events(logGroupName=aws.names.log_group, logStreamName=stream, startFromHead=True)["events"]

    assert [event["message"] for event in events] == ["one", "two✓", "no end"]
    started = described(arn)["startedAt"].timestamp() * 1000
    assert all(event["timestamp"] >= int(started) - 1000 for event in events)


def test_without_a_stream_prefix_the_stream_is_the_runtime_id_of_the_container(aws, ecs, logs, described):
    options = {"awslogs-group": aws.names.log_group}
    definition = register(
        ecs, "no-prefix", {"name": "airflow", "logConfiguration": {"logDriver": "awslogs", "options": options}}
    )
    request = request_of(aws, "print('one')", taskDefinition=definition)
    arn = ecs.run_task(**request)["tasks"][0]["taskArn"]
    aws.wait_for_exit(arn)

    stream = described(arn)["containers"][0]["runtimeId"]
    events = logs.get_log_events(logGroupName=aws.names.log_group, logStreamName=stream)["events"]

    assert [event["message"] for event in events] == ["one"] == aws.output(arn)


def test_output_goes_to_plain_files_too_when_asked(tmp_path: Path):
    with EmbeddedAws(start_delay=0, output_directory=tmp_path) as aws:
        arn = client_of(aws, "ecs").run_task(**request_of(aws, "print('kept')"))["tasks"][0]["taskArn"]
        aws.wait_for_exit(arn)

    (file,) = tmp_path.iterdir()
    assert file.name == f"airflow_airflow_{arn.rpartition('/')[2]}.log"
    assert file.read_text() == "kept\n"


def test_no_more_tasks_run_than_there_is_room_for_and_the_rest_wait_their_turn():
    with EmbeddedAws(start_delay=0, stop_delay=0, max_containers=2) as aws:
        ecs = client_of(aws, "ecs")
        arns = [ecs.run_task(**request_of(aws, FOREVER))["tasks"][0]["taskArn"] for _ in range(4)]
        first, second, third, fourth = arns
        aws.wait_for_status(first, "RUNNING")
        aws.wait_for_status(second, "RUNNING")
        cluster = ecs.describe_clusters(clusters=[aws.names.cluster])["clusters"][0]
        assert (cluster["runningTasksCount"], cluster["pendingTasksCount"]) == (2, 2)
        assert aws.history(third) == aws.history(fourth) == ["PROVISIONING"]

        ecs.stop_task(cluster=aws.names.cluster, task=second)

        aws.wait_for_status(third, "RUNNING")
        assert aws.history(fourth) == ["PROVISIONING"]


def _sidecar(program: str, *, essential: bool) -> dict:
    return {
        "name": "sidecar",
        "essential": essential,
        "entryPoint": ["python", "-u"],
        "command": ["-c", program],
    }


def test_when_the_essential_container_ends_the_sidecar_is_stopped(aws, ecs, run, described):
    definition = register(ecs, "with-sidecar", {"name": "airflow"}, _sidecar(FOREVER, essential=False))
    arn = run(
        "print('done', repr(input_)) if (input_ := open('/dev/stdin').read()) else None", taskDefinition=definition
    )

    aws.wait_for_status(arn, "STOPPED")

    exits = {c["name"]: c["exitCode"] for c in described(arn)["containers"]}
    assert exits == {"airflow": 0, "sidecar": 143}
    assert aws.ledger()[-1].exit_code == 0


def test_when_a_sidecar_that_is_not_essential_ends_the_task_runs_on(aws, ecs, run, described):
    definition = register(ecs, "brief", {"name": "airflow"}, _sidecar("print('bye')", essential=False))
    arn = run(FOREVER, taskDefinition=definition)
    aws.wait_for_output(arn, "bye", "sidecar")
    aws.wait_for_output(arn, "up")

    sidecar = aws.wait_until(lambda: next((c for c in _containers(aws, arn) if c.exit_code is not None), None))

    assert (sidecar.name, sidecar.exit_code) == ("sidecar", 0)
    assert described(arn)["lastStatus"] == "RUNNING"
    assert [c["lastStatus"] for c in described(arn)["containers"]] == ["RUNNING", "STOPPED"]


def _containers(aws, arn):
    return aws._all_tasks()[arn].containers


def test_when_a_sidecar_that_is_essential_ends_the_task_ends_with_it(aws, ecs, run, described):
    program = "import sys; print('bye'); sys.exit(9)"
    definition = register(ecs, "vital", {"name": "airflow"}, _sidecar(program, essential=True))

    arn = run(FOREVER, taskDefinition=definition)

    aws.wait_for_status(arn, "STOPPED")
    assert {c["name"]: c["exitCode"] for c in described(arn)["containers"]} == {"airflow": 143, "sidecar": 9}
    assert described(arn)["stopCode"] == "EssentialContainerExited"


def test_a_container_runs_in_its_working_directory(aws, ecs, run, tmp_path):
    definition = register(ecs, "elsewhere", {"name": "airflow", "workingDirectory": str(tmp_path)})

    arn = run("import os; print(os.getcwd())", taskDefinition=definition)

    assert aws.wait_for_output(arn, "/") == str(tmp_path)


def test_a_container_that_prints_nothing_has_an_empty_stream(aws, logs, run):
    arn = run("pass")
    aws.wait_for_exit(arn)

    stream = f"airflow/airflow/{arn.rpartition('/')[2]}"

    assert logs.get_log_events(logGroupName=aws.names.log_group, logStreamName=stream)["events"] == []


def test_the_room_of_a_container_is_free_once_it_has_ended_though_its_task_still_stops():
    with EmbeddedAws(start_delay=0, stop_delay=600, max_containers=1) as aws:
        ecs = client_of(aws, "ecs")
        first, second = [ecs.run_task(**request_of(aws))["tasks"][0]["taskArn"] for _ in range(2)]

        aws.wait_for_exit(second)

        tasks = ecs.describe_tasks(cluster=aws.names.cluster, tasks=[first, second])["tasks"]
        assert [task["lastStatus"] for task in tasks] == ["DEACTIVATING", "DEACTIVATING"]
        assert all("executionStoppedAt" in task for task in tasks)
