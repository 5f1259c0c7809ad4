"""A task that cannot run fails with the reason where its author looks, and harms no other."""

import pytest

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def bad_config(trigger):
    run = trigger("bad_config")
    run.over()
    return run


def test_a_bad_executor_config_fails_its_own_task_only(bad_config):
    assert bad_config.states == {
        "with_command": "failed",
        "with_unknown_field": "failed",
        "with_good_config": "success",
    }


def test_a_bad_executor_config_never_becomes_a_container(bad_config):
    assert [launch.identity["AWSEXEC_TASK_ID"] for launch in bad_config.launches] == ["with_good_config"]


@pytest.mark.parametrize(("task", "field"), [("with_command", "command"), ("with_unknown_field", "nope")])
def test_the_event_log_names_the_field_that_is_wrong(bad_config, task, field):
    assert "executor_config" in bad_config.said(task)
    assert field in bad_config.said(task)


def test_a_good_executor_config_reaches_the_container(bad_config):
    returned = bad_config.airflow.records.returned("bad_config", bad_config.run_id, "with_good_config")

    assert returned == "green"


def test_a_container_that_is_killed_is_not_replaced_and_its_end_is_told(trigger):
    run = trigger("killed")

    assert run.over() == "failed"
    (launch,) = run.launches
    assert launch.exit_code == 137
    said = run.said("kills_its_container")
    assert "137" in said
    assert launch.arn in said


def test_an_image_that_cannot_be_pulled_fails_the_task_with_the_reason(aws, trigger):
    reason = (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref "
        "docker.io/library/nope:latest: docker.io/library/nope:latest: not found"
    )
    aws.faults.fail_next_start(reason)

    run = trigger("never_starts")

    assert run.over() == "failed"
    (launch,) = run.launches
    assert not launch.started
    assert "docker.io/library/nope:latest" in run.said("has_no_image")
