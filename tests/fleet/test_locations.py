"""The locations of the fleet are those of the executors: options, templates and queues."""

from __future__ import annotations

import pytest

from aws_exec.fleet import MisusedError
from aws_exec.fleet.opening import FleetOptions, open_fleet

ARN = "arn:aws:batch:us-east-1:123456789012:job/11111111-2222-3333-4444-555555555555"
TWO_REGIONS = """
ecs: {cluster: fleet, container_name: airflow, task_definition: airflow, region_name: eu-central-1}
batch: {job_queue: fleet, job_definition: airflow, region_name: us-east-1}
"""

TEMPLATES = """
batch: {job_definition: d, job_queue: q}
queues: {gpu: gpu}
templates: {gpu: {executor: batch, job_queue: g}, big: {executor: ecs, ecs: {cluster: k}}}
"""


@pytest.fixture
def opened(tmp_path):
    def opened(text, **asked):
        path = tmp_path / "awsexec.yaml"
        path.write_text(text)
        return open_fleet(FleetOptions(config=path, **asked), {"AIRFLOW_HOME": str(tmp_path)})

    return opened


@pytest.mark.parametrize(
    ("text", "clusters", "queues"),
    [
        ("ecs: {cluster: a, container_name: c, task_definition: t}", ("a",), ()),
        ("ecs: {cluster: a, container_name: c, task_definition: t, run_task_kwargs: {cluster: b}}", ("b",), ()),
        ("ecs: {cluster: a}", ("a",), ()),
        ("batch: {job_definition: d, submit_job_kwargs: {jobQueue: q}}", (), ("q",)),
        ("batch: {job_definition: d, job_queue: q, job_queues: {x: r, y: q}}", (), ("q", "r")),
        (
            TEMPLATES,
            (),
            ("q", "g"),
        ),
    ],
    ids=["option", "kwargs win", "not enough to launch with", "kwargs alone", "queues", "templates of the service"],
)
def test_it_looks_where_tasks_are_sent(opened, text, clusters, queues):
    with opened(text) as fleet:
        assert (fleet.configured.clusters, fleet.configured.queues) == (clusters, queues)
        assert set(fleet.services) == {name for name, locations in (("ecs", clusters), ("batch", queues)) if locations}


def test_a_jobs_arn_is_held_against_the_region_of_its_own_service(opened):
    with opened(TWO_REGIONS) as fleet, pytest.raises(MisusedError) as refused:
        fleet.locate([ARN.replace("us-east-1", "eu-west-1")], ended=False)
    assert str(refused.value).endswith("is in eu-west-1, not in us-east-1")
    assert refused.value.hint == "use --region eu-west-1"


def test_a_job_of_a_service_that_is_not_looked_at_is_told_so_first(opened):
    with (
        opened(TWO_REGIONS, executor="ecs") as fleet,
        pytest.raises(MisusedError, match="is on batch, which this command does not search"),
    ):
        fleet.locate([ARN], ended=False)
