"""A task that cannot run fails, on either service, with the reason in its log, and affects no other task."""

import pytest

from aws_exec.container.outcome import Outcome

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def bad_config(trigger):
    run = trigger("bad_config")
    run.over()
    return run


GOOD = ["with_good_config", "batch_with_good_config", "batch_beside_a_sidecar"]
BAD = {
    "with_command": "command",
    "with_unknown_field": "nope",
    "batch_with_command": "command",
    "batch_with_unknown_field": "nope",
}


def test_a_bad_executor_config_fails_its_own_task_only(bad_config):
    assert bad_config.states == {**dict.fromkeys(BAD, "failed"), **dict.fromkeys(GOOD, "success")}


def test_a_bad_executor_config_never_becomes_a_container(bad_config):
    assert sorted(launch.identity["AWSEXEC_TASK_ID"] for launch in bad_config.launches) == sorted(GOOD)


@pytest.mark.parametrize(("task", "field"), BAD.items())
def test_the_event_log_names_the_field_that_is_wrong(bad_config, task, field):
    assert "executor_config" in bad_config.said(task)
    assert field in bad_config.said(task)


@pytest.mark.parametrize("task", GOOD)
def test_a_good_executor_config_reaches_the_container(bad_config, task):
    assert bad_config.airflow.records.returned("bad_config", bad_config.run_id, task) == "green"


def test_a_job_of_several_containers_is_the_airflow_containers(aws, bad_config):
    """Its definition is `awsexec-multi`, whose sidecar would run for ever."""
    (launch,) = [one for one in bad_config.launches if one.identity["AWSEXEC_TASK_ID"] == "batch_beside_a_sidecar"]

    assert (launch.container, launch.exit_code) == (aws.names.container, 0)
    ended = aws.wait_until(lambda: next((one for one in aws.ledger() if one.arn == launch.arn and one.over), None))
    assert ended.status == "SUCCEEDED"


def test_a_container_that_is_killed_is_not_replaced_and_its_end_is_told(trigger):
    run = trigger("killed")

    assert run.over() == "failed"
    killed = [("batch", int(Outcome.KILLED)), ("ecs", 137)]
    assert sorted((launch.service, launch.exit_code) for launch in run.launches) == killed
    for launch in run.launches:
        said = run.said(launch.identity["AWSEXEC_TASK_ID"])
        assert str(launch.exit_code) in said
        assert launch.arn in said


def test_an_image_that_cannot_be_pulled_fails_the_task_with_the_reason(aws, trigger):
    reason = (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref "
        "docker.io/library/nope:latest: docker.io/library/nope:latest: not found"
    )
    aws.faults.fail_next_start(reason, times=2)

    run = trigger("never_starts")

    assert run.over() == "failed"
    assert sorted((launch.service, launch.started) for launch in run.launches) == [("batch", False), ("ecs", False)]
    for launch in run.launches:
        said = run.said(launch.identity["AWSEXEC_TASK_ID"])
        assert "docker.io/library/nope:latest" in said
        assert launch.arn in said


def test_a_job_that_batch_cannot_place_is_told_of_while_it_waits_and_runs_once_it_can(aws, trigger):
    aws.faults.hold_next("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT - The job asks for more than any instance has.")

    run = trigger("held")
    run.until(lambda: "JOB_RESOURCE_REQUIREMENT" in run.said("on_batch"), "its event log says why it waits")
    assert run.states == {"on_batch": "queued"}
    aws.faults.release()

    assert run.over() == "success"
    (launch,) = run.launches
    assert (launch.exit_code, launch.attempts) == (0, 1)
