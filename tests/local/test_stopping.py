"""StopTask: SIGTERM, then SIGKILL; the description afterwards; no process of a container stays."""

import pytest

from aws_exec.local import EmbeddedAws
from tests.local.helpers import FOREVER, client_of, is_gone, register, request_of

STUBBORN = "import signal, threading; signal.signal(signal.SIGTERM, lambda *_: print('no')); print('up')\n"
STUBBORN += "while True: signal.pause()"
POLITE = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(5)); print('up'); signal.pause()"


def test_a_stopped_container_ends_by_sigterm_with_143_and_the_reason_given(aws, ecs, run, described):
    arn = run(FOREVER)
    aws.wait_for_output(arn, "up")

    answer = ecs.stop_task(cluster=aws.names.cluster, task=arn, reason="enough")

    assert answer["task"]["desiredStatus"] == "STOPPED"
    aws.wait_for_status(arn, "STOPPED")
    task = described(arn)
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "enough")
    assert task["containers"][0]["exitCode"] == 143


def test_a_container_may_end_well_on_sigterm_and_the_task_is_still_stopped_by_the_user(aws, ecs, run, described):
    arn = run(POLITE)
    aws.wait_for_output(arn, "up")

    ecs.stop_task(cluster=aws.names.cluster, task=arn.rpartition("/")[2])

    aws.wait_for_status(arn, "STOPPED")
    task = described(arn)
    assert task["containers"][0]["exitCode"] == 5
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "Task stopped by user")


def test_a_container_that_ignores_sigterm_is_killed_after_its_stop_timeout_with_137():
    with EmbeddedAws(start_delay=0, stop_delay=0, stop_timeout=0.1) as aws:
        ecs = client_of(aws, "ecs")
        arn = ecs.run_task(**request_of(aws, STUBBORN))["tasks"][0]["taskArn"]
        aws.wait_for_output(arn, "up")

        ecs.stop_task(cluster=aws.names.cluster, task=arn)

        assert aws.wait_for_exit(arn).exit_code == 137
        assert "no" in aws.output(arn)


def test_the_definitions_own_stop_timeout_counts(aws, ecs, run):
    """The server's is 10 s here; a definition with 0 is killed at once."""
    definition = register(ecs, "impatient", {"name": "airflow", "stopTimeout": 0})
    arn = run(STUBBORN, taskDefinition=definition)
    aws.wait_for_output(arn, "up")

    ecs.stop_task(cluster=aws.names.cluster, task=arn)

    assert aws.wait_for_exit(arn, timeout=5).exit_code == 137


def test_a_task_stopped_before_it_had_room_never_runs_and_has_no_exit_code():
    with EmbeddedAws(start_delay=0, stop_delay=0, max_containers=1) as aws:
        ecs = client_of(aws, "ecs")
        _, waiting = [ecs.run_task(**request_of(aws, FOREVER))["tasks"][0]["taskArn"] for _ in range(2)]

        ecs.stop_task(cluster=aws.names.cluster, task=waiting, reason="not needed")

        aws.wait_for_status(waiting, "STOPPED")
        task = ecs.describe_tasks(cluster=aws.names.cluster, tasks=[waiting])["tasks"][0]
        assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "not needed")
        assert "exitCode" not in task["containers"][0]
        assert "startedAt" not in task
        assert "RUNNING" not in aws.history(waiting)


def test_a_task_stopped_while_it_starts_never_runs():
    with EmbeddedAws(start_delay=600, stop_delay=0) as aws:
        ecs = client_of(aws, "ecs")
        arn = ecs.run_task(**request_of(aws, FOREVER))["tasks"][0]["taskArn"]
        aws.wait_for_status(arn, "PENDING")

        ecs.stop_task(cluster=aws.names.cluster, task=arn)

        line = aws.wait_for_status(arn, "STOPPED")
        assert (line.started, line.exit_code, line.stop_code) == (False, None, "UserInitiated")
        assert aws.history(arn) == ["PROVISIONING", "PENDING", "DEPROVISIONING", "STOPPED"]


def test_stopping_twice_changes_nothing(aws, ecs, run, described):
    arn = run()
    aws.wait_for_status(arn, "STOPPED")

    answer = ecs.stop_task(cluster=aws.names.cluster, task=arn, reason="too late")

    assert answer["task"]["stopCode"] == "EssentialContainerExited"
    assert described(arn)["stoppedReason"] == "Essential container in task exited"


def test_stopping_a_task_that_is_not_there_is_the_error_that_the_health_check_counts_on(aws, ecs):
    with pytest.raises(ecs.exceptions.InvalidParameterException) as caught:
        ecs.stop_task(cluster=aws.names.cluster, task="0" * 32)

    assert caught.value.response["Error"]["Message"] == "The referenced task was not found."


def test_stopping_in_a_cluster_that_is_not_there_says_so(ecs):
    with pytest.raises(ecs.exceptions.ClusterNotFoundException):
        ecs.stop_task(cluster="nowhere", task="0" * 32)


def test_stopping_a_task_deletes_its_tags(aws, ecs, run, described):
    arn = run(FOREVER, tags=[{"key": "team", "value": "risk"}])
    assert described(arn)["tags"] == [{"key": "team", "value": "risk"}]

    ecs.stop_task(cluster=aws.names.cluster, task=arn)

    assert described(arn)["tags"] == []


@pytest.mark.parametrize("detached", [False, True], ids=["in its group", "in a session of its own"])
def test_what_a_container_leaves_behind_is_killed_with_it(aws, run, detached):
    arn = run(
        f"""
        import subprocess
        child = subprocess.Popen(["sleep", "600"], start_new_session={detached})
        print("child", child.pid)
        """,
    )

    line = aws.wait_for_exit(arn)

    assert line.exit_code == 0
    assert is_gone(int(aws.wait_for_output(arn, "child").split()[1]))


def test_sigterm_is_for_the_main_process_which_may_still_ask_its_children(aws, ecs, run):
    """As in ECS: a supervisor gets the signal, and the task below it does not, unless the supervisor says so."""
    arn = run(
        """
        import signal, subprocess, sys
        code = "import sys; sys.stdin.read(); print('child ended by itself')"
        child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        print("up")
        signal.sigwait([signal.SIGTERM])
        child.communicate(b"go")
        sys.exit(child.returncode)
        """,
    )
    aws.wait_for_output(arn, "up")

    ecs.stop_task(cluster=aws.names.cluster, task=arn)

    assert aws.wait_for_exit(arn).exit_code == 0
    assert "child ended by itself" in aws.output(arn)
