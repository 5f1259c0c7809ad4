"""Which job queue a task's job goes to: by the task, by its Airflow queue, or the configured one."""

import pytest

from aws_exec.settings import OptionsError, SubmitJobBuilder, load_batch_options

PLAIN = {"job_queue": "jobs", "job_definition": "airflow", "job_queues": '{"gpu": "gpu-jobs"}'}


@pytest.mark.parametrize(
    ("queue", "executor_config", "job_queue"),
    [
        (None, None, "jobs"),
        ("default", None, "jobs"),
        ("unknown to us", {}, "jobs"),
        ("gpu", None, "gpu-jobs"),
        ("gpu", {"containerOverrides": {"memory": 2048}}, "gpu-jobs"),
        ("gpu", {"jobQueue": "of-the-task"}, "of-the-task"),
        ("default", {"job_queue": "of-the-task"}, "of-the-task"),
    ],
)
def test_the_task_decides_then_its_airflow_queue_then_the_option(identity, command, queue, executor_config, job_queue):
    builder = SubmitJobBuilder(load_batch_options(PLAIN.get))
    plan = builder.build(identity, command, executor_config, queue)
    assert (plan.location, plan.arguments["jobQueue"]) == (job_queue, job_queue)
    assert builder.location(executor_config, queue) == job_queue


@pytest.mark.parametrize("raw", ['["gpu"]', '{"gpu": 1}', '{"gpu": ""}', "{gpu: x}"])
def test_a_map_of_queues_that_is_none_is_told_at_start(raw):
    with pytest.raises(OptionsError) as caught:
        load_batch_options({**PLAIN, "job_queues": raw}.get)
    (problem,) = caught.value.problems
    assert (problem.option, problem.variable) == ("job_queues", "AIRFLOW__AWS_BATCH_EXECUTOR__JOB_QUEUES")
