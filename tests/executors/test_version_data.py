"""Airflow 3.4 hands every workload what a DAG bundle says of its version: it is part of the container's command."""

from __future__ import annotations

import pytest

from tests.executors.harness import task
from tests.executors.services import over_both
from tests.executors.versions import BundleInfo

pytestmark = [
    over_both,
    pytest.mark.skipif("version_data" not in BundleInfo.model_fields, reason="this Airflow has no version data"),
]


def of_bundle(size):
    """A workload whose bundle says this many characters of its version."""
    bundle = BundleInfo(name="dags-folder", version="1", version_data={"manifest": "x" * size})
    return task().model_copy(update={"bundle_info": bundle})


def test_the_container_gets_it(scheduler, aws):
    workload = of_bundle(100)
    scheduler.until_over(scheduler.queue(workload))
    (launch,) = aws.launches()
    assert launch.workload["bundle_info"]["version_data"] == {"manifest": "x" * 100}


def test_where_it_is_too_long_for_aws_the_task_fails_and_is_told_that_it_is_the_version_data(scheduler, aws):
    key = scheduler.queue(of_bundle(8192))
    scheduler.until_over(key)
    assert scheduler.outcomes(key) == ["failed"]
    assert "AWS takes 8,192" in scheduler.info(key)
    assert "shorten the version data of the DAG's bundle" in scheduler.info(key)
    assert aws.launches() == []
