"""`executor = aws_exec.AwsEcsExecutor,aws_exec.AwsBatchExecutor`: one process, one database, one key space."""

from __future__ import annotations

import logging
from uuid import uuid4

import pytest
from airflow.executors.executor_loader import ExecutorLoader, ExecutorName

from tests.executors.conftest import configure
from tests.executors.harness import Scheduler, again, task
from tests.executors.rows import RUN, Rows, adopt
from tests.executors.services import BATCH, ECS, without_checks
from tests.executors.versions import needs_launch_ids
from tests.scripted.services import FOR_EVER, Plan


class Pair:
    """Both services, and a scheduler that sends heartbeats to both executors."""

    def __init__(self, clouds, schedulers) -> None:
        self.ecs, self.batch = clouds
        self.on_ecs, self.on_batch = schedulers

    def until(self, condition):
        self.on_ecs.until(lambda: self.on_batch.heartbeat() or condition())

    def until_over(self, scheduler, *keys):
        self.until(lambda: all(scheduler.outcome(key) for key in keys))


@pytest.fixture
def pair(monkeypatch):
    with ECS.scripted() as ecs, BATCH.scripted() as batch:
        schedulers = []
        for service, cloud in ((ECS, ecs), (BATCH, batch)):
            configure(monkeypatch, service, cloud.url, deployment="test")
            name = ExecutorName(module_path=f"aws_exec.{service.executor.__name__}")
            kind, _ = ExecutorLoader.import_executor_cls(name)
            executor = without_checks(kind)(parallelism=1000)
            executor.job_id = 1
            executor._log = logging.getLogger("aws_exec.executor")
            executor.start()
            schedulers.append(Scheduler(executor))
        yield Pair((ecs, batch), schedulers)
        for scheduler in schedulers:
            scheduler.executor._heartbeat.dispatcher.close(0)


def test_each_runs_its_own_tasks(pair):
    there, here = [task(f"e-{n}") for n in range(10)], [task(f"b-{n}") for n in range(10)]
    pair.on_ecs.queue(*there)
    pair.on_batch.queue(*here)
    pair.until_over(pair.on_ecs, *(each.key for each in there))
    pair.until_over(pair.on_batch, *(each.key for each in here))
    for scheduler, cloud, mine, service in (
        (pair.on_ecs, pair.ecs, there, "ecs"),
        (pair.on_batch, pair.batch, here, "batch"),
    ):
        assert {launch.environment["AWSEXEC_TASK_ID"] for launch in cloud.launches()} == {w.ti.task_id for w in mine}
        assert set(scheduler.told) == {each.key for each in mine}
        assert all(f":{service}:" in scheduler.info(each.key) for each in mine)
        assert scheduler.executor.running == set()


def test_a_task_that_changes_its_executor_between_two_tries_brings_a_stale_id_that_confuses_nobody(pair):
    """`prepare_db_for_next_try` does not clear the column; a task routed by class name keeps what was in it."""
    first = task()
    pair.on_ecs.queue(first)
    pair.until_over(pair.on_ecs, first.key)
    stale = pair.ecs.launches()[0].arn
    second = again(first, try_number=2, external_executor_id=stale)
    pair.on_batch.queue(second)
    pair.until_over(pair.on_batch, second.key)
    third = again(first, try_number=3, external_executor_id=pair.batch.launches()[0].arn)
    pair.on_ecs.queue(third)
    pair.until_over(pair.on_ecs, third.key)
    assert len(pair.batch.launches()) == 1
    assert len(pair.ecs.launches()) == 2
    tokens = [launch.token for launch in (*pair.ecs.launches(), *pair.batch.launches())]
    assert len(set(tokens)) == 3
    assert not any("arn" in token for token in tokens)
    assert pair.on_ecs.outcomes(third.key) == ["success"]


@needs_launch_ids
def test_a_uuid_used_before_by_the_same_executor_is_not_taken_again(pair):
    first = task()
    pair.on_batch.queue(first)
    pair.until_over(pair.on_batch, first.key)
    stale = again(first, try_number=2, external_executor_id=first.ti.external_executor_id)
    pair.on_batch.queue(stale)
    pair.until_over(pair.on_batch, stale.key)
    before, after = pair.batch.launches()
    assert before.token.rpartition("-")[0] != after.token.rpartition("-")[0]


def test_the_end_of_one_is_none_of_the_others(pair):
    pair.ecs.set_plan(FOR_EVER)
    pair.batch.set_plan(Plan(run=0.2))
    lives, dies = pair.on_ecs.queue(task("lives")), pair.on_batch.queue(task("dies"))
    pair.until(lambda: pair.on_ecs.arn(lives) and pair.on_batch.arn(dies))
    pair.on_batch.executor.terminate()
    assert len(pair.ecs.running()) == 1
    assert pair.ecs.stops() == []
    assert lives in pair.on_ecs.executor.running


@pytest.mark.usefixtures("airflow_db")
def test_each_adopts_what_is_its_own_and_gives_the_other_arn_back(pair):
    """The scheduler hands each executor the rows of its own; a row that names the other service's job is not one."""
    rows = Rows()
    try:
        task_arn, job_arn = pair.ecs.add({"cluster": "fleet"}), pair.batch.add({"jobQueue": "fleet"})
        rows.add("on-ecs", state="running", external_id=task_arn)
        rows.add("on-batch", state="running", external_id=job_arn)
        assert adopt(pair.on_ecs.executor).reset == ["on-batch"]
        assert adopt(pair.on_batch.executor).reset == []
        assert pair.on_ecs.executor.running == {task("on-ecs", run_id=RUN).key}
        assert pair.on_batch.executor.running == {task("on-batch", run_id=RUN).key}
        rows.set_all(state="success")
        pair.ecs.exit(task_arn)
        pair.batch.exit(job_arn)
        pair.until_over(pair.on_ecs, task("on-ecs", run_id=RUN).key)
        pair.until_over(pair.on_batch, task("on-batch", run_id=RUN).key)
        assert pair.on_ecs.outcomes(task("on-ecs", run_id=RUN).key) == ["success"]
        assert pair.on_batch.outcomes(task("on-batch", run_id=RUN).key) == ["success"]
    finally:
        rows.clear()


@pytest.mark.usefixtures("airflow_db")
def test_a_queued_row_of_a_bare_uuid_is_launched_by_the_executor_that_it_is_given_to_only(pair):
    rows = Rows()
    try:
        rows.add("load", external_id=str(uuid4()))
        assert adopt(pair.on_batch.executor).reset == []
        pair.on_batch.executor.job_id = 1
        key = task("load", run_id=RUN).key
        pair.on_ecs.heartbeat()
        assert pair.ecs.launches() == []
        assert key in pair.on_batch.executor.running
        assert key not in pair.on_ecs.executor.running
    finally:
        rows.clear()
