"""Whose a launch is by now, as its row tells: asked before anything is launched after a gap."""

from __future__ import annotations

from uuid import uuid4

import pytest

from aws_exec.executors.airflow_db import still_ours
from tests.executors.harness import task
from tests.executors.rows import ALIVE, DEAD, RUN
from tests.executors.versions import needs_launch_ids

ARN = "arn:aws:ecs:eu-central-1:123456789012:task/fleet/0123456789abcdef0123456789abcdef"


def is_ours(rows, launch_id, **fields):
    rows.add("load", **{"queued_by_job_id": ALIVE, **fields})
    return still_ours([(launch_id, task("load", run_id=RUN).key)], ALIVE) == {launch_id}


@pytest.mark.parametrize("named", ["itself", None, "", ARN, "celery-17"])
def test_a_queued_row_of_ours_that_names_no_other_launch_is_still_ours(rows, named):
    launch_id = str(uuid4())
    assert is_ours(rows, launch_id, external_id=launch_id if named == "itself" else named)


@needs_launch_ids
def test_one_that_was_queued_anew_for_another_launch_is_not(rows):
    assert not is_ours(rows, str(uuid4()), external_id=str(uuid4()))


@pytest.mark.parametrize("fields", [{"queued_by_job_id": DEAD}, {"state": "running"}, {"try_number": 2}])
def test_nor_is_one_that_somebody_else_has_or_that_runs_or_is_of_another_try(rows, fields):
    assert not is_ours(rows, str(uuid4()), **fields)
