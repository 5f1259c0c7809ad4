"""Airflow 3.1 and 3.2: what they lack is made up for in `compat`, and nowhere else."""

from __future__ import annotations

from typing import ClassVar

import jwt
from airflow.executors.base_executor import BaseExecutor
from airflow.executors.workloads import ExecuteTask

from aws_exec.executors import compat
from aws_exec.executors.workload import LaunchIds, Workload
from tests.executors.harness import task
from tests.executors.versions import needs_launch_ids


class TaskOf31(ExecuteTask):
    """As Airflow 3.1's: tokens are minted in `make`, by the generator itself; there is no `generate_token`."""

    generate_token: ClassVar[None] = None


class Generator:
    """Airflow 3.1's `JWTGenerator.generate` takes the claims, and headers."""

    def __init__(self):
        self.asked = []

    def generate(self, extras=None, headers=None):
        self.asked.append(extras)
        return jwt.encode(extras, "a key of at least thirty-two bytes", headers=headers)


def of_31():
    workload = task()
    return TaskOf31(**{name: getattr(workload, name) for name in type(workload).model_fields if name != "type"})


def test_a_workload_of_airflow_31_gets_its_token_from_the_generator_itself():
    workload, generator = of_31(), Generator()
    assert compat.mint_token(workload, generator).count(".") == 2
    assert generator.asked == [{"sub": str(workload.ti.id)}]


def test_a_workload_of_airflow_31_becomes_the_text_of_a_command():
    workload, generator = of_31(), Generator()
    text = Workload(workload.ti.key, [workload], "default", None).text(generator)
    sent = TaskOf31.model_validate_json(text)
    assert jwt.decode(sent.token, options={"verify_signature": False}) == {"sub": str(workload.ti.id)}
    assert workload.token == "", "the workload itself is not changed"


def test_everything_else_that_compat_reads_of_a_workload_is_there_in_31():
    workload = of_31()
    assert compat.is_task(workload)
    assert not compat.is_callback(workload)
    assert compat.key_of(workload) == task().key


@needs_launch_ids
def test_where_airflow_assigns_no_launch_id_a_uuid_in_the_row_is_a_stale_one():
    workload = task()
    assert LaunchIds(pre_assigned=True).assign(workload) == workload.ti.external_executor_id
    assert LaunchIds(pre_assigned=False).assign(workload) != workload.ti.external_executor_id


def test_this_airflow_assigns_one_if_its_own_executors_may_ask_for_it():
    assert compat.PRE_ASSIGNS is ("pre_assigns_external_executor_id" in vars(BaseExecutor))
