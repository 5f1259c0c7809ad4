"""An executor reads awsexec.yaml under Airflow's configuration, and its templates when a task is launched."""

from __future__ import annotations

import pytest
from airflow.sdk.exceptions import AirflowException

from tests.executors.harness import Scheduler, task
from tests.executors.services import environment_of, over_both

FILE = """
ecs: {cluster: of-the-file, platform_version: 1.3.0}
batch: {job_queue: of-the-file}
templates:
  threads: {env: {THREADS: 4}}
  wrong: {ecs: {launchTyp: EC2}, batch: {jobQeue: x}}
queues: {parallel: threads}
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "awsexec.yaml"
    path.write_text(FILE)
    monkeypatch.setenv("AWSEXEC_CONFIG", str(path))
    return path


def launch_of(scheduler, aws, *workloads):
    before = len(aws.launches())
    scheduler.queue(*workloads)
    scheduler.until(lambda: len(aws.launches()) > before)
    return aws.launches()[-1]


@over_both
def test_what_airflow_does_not_say_the_file_does(aws, service, file, started):
    location = service.required[0]
    assert launch_of(Scheduler(started(**{location: None})), aws, task()).location == "of-the-file"
    assert launch_of(Scheduler(started()), aws, task()).location == "fleet", "Airflow's configuration wins"


def test_a_default_of_the_providers_metadata_does_not_hide_the_file(aws, file, started):
    launch = launch_of(Scheduler(started()), aws, task())
    assert launch.request["platformVersion"] == "1.3.0"


@over_both
def test_a_template_is_found_by_name_and_by_queue(aws, file, started):
    scheduler = Scheduler(started())
    for workload in (task("a", executor_config={"template": "threads"}), task("b", queue="parallel")):
        assert environment_of(launch_of(scheduler, aws, workload).request)["THREADS"] == "4"
    assert "THREADS" not in environment_of(launch_of(scheduler, aws, task("c")).request)


@over_both
def test_a_template_that_is_none_fails_its_task_and_no_other(aws, file, started):
    scheduler = Scheduler(started())
    one = scheduler.queue(task("a", executor_config={"template": "treads"}))
    other = scheduler.queue(task("b", executor_config={"template": "wrong"}))
    scheduler.until_over(one, other)
    assert (scheduler.outcome(one), scheduler.outcome(other)) == ("failed", "failed")
    assert "Did you mean threads?" in scheduler.info(one)
    assert "Did you mean" in scheduler.info(other)
    assert aws.launches() == []


def test_a_file_that_cannot_be_used_is_told_at_start_with_every_place(file, started):
    file.write_text("ecs: {clustr: x}\ntemplates: {a: {cpu: many}}\n")
    with pytest.raises(AirflowException) as caught:
        started()
    assert f"{file}:1:7: ecs.clustr is not an option. Did you mean cluster?" in str(caught.value)
    assert f"{file}:2:22: templates.a.cpu is not an amount of CPU" in str(caught.value)


def test_a_wrong_option_is_told_with_its_place(file, started):
    file.write_text("ecs: {cluster: x, stop_grace: soon}\n")
    with pytest.raises(AirflowException, match=rf"{file}:1:31"):
        started()
