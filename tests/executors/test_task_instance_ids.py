"""Airflow 3.4 knows a try of a task instance by the id of its row: coordinates repeat in loops, and rows are kept."""

from __future__ import annotations

import subprocess
import sys
import warnings
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from aws_exec.executors import compat
from aws_exec.executors.airflow_db import last_changes, owners, still_ours
from aws_exec.lifecycle.identity import Identity
from tests.executors.harness import FastClock, Scheduler, task
from tests.executors.rows import ALIVE, DEAD, RUN, adopt
from tests.executors.services import over_both
from tests.executors.versions import of_34
from tests.scripted.services import FOR_EVER

#: Prints what Python warns of in our modules when the executors are imported for the first time.
IMPORTED = """
import warnings
import airflow.settings  # which has warnings logged
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    from aws_exec import AwsBatchExecutor, AwsEcsExecutor
for each in caught:
    if "/aws_exec/" in each.filename:
        print(each.message)
"""


def iterations(count):
    """Workloads of one task in a loop: all their coordinates are the same."""
    return [task("body", id=uuid4()) for _ in range(count)]


@of_34
@over_both
def test_the_iterations_of_a_loop_are_launched_and_reported_one_by_one(scheduler, aws):
    first, second = iterations(2)
    assert first.ti.key == second.ti.key
    scheduler.queue(first, second)
    scheduler.until_over(first.key, second.key)
    assert scheduler.outcomes(first.key) == scheduler.outcomes(second.key) == ["success"]
    said = {launch.environment["AWSEXEC_TASK_INSTANCE"] for launch in aws.launches()}
    assert said == {str(first.ti.id), str(second.ti.id)}


@of_34
def test_none_of_their_ends_is_dropped_by_airflow(started, aws):
    """It drops an event whose coordinates several task instances have (`_drain_events_with_task_ids`)."""
    executor = started()
    workloads = iterations(2)
    for workload in workloads:
        executor.queue_workload(workload, session=None)
    ended = {}
    scheduler = Scheduler(executor)
    scheduler.listen = lambda: ended.update(executor._drain_events_with_task_ids()[0])
    scheduler.until(lambda: {str(getattr(state, "value", state)) for state, _ in ended.values()} == {"success"})
    assert set(ended) == {compat.TaskInstanceUuid(workload.ti.id) for workload in workloads}


@of_34
def test_a_container_of_one_iteration_is_that_rows_and_no_others(rows):
    ids = [uuid4(), uuid4()]
    for ti_id, arn in zip(ids, ("arn:1", "arn:2"), strict=True):
        rows.add("body", id=ti_id, region_id=uuid4(), state="running", external_id=arn)
    asked = [Identity("test", "L1-1", "etl", "body", RUN, "-1", "1", task_instance=str(ti_id)) for ti_id in ids]
    assert [owner.names for owner in owners(asked, ALIVE)] == ["arn:1", "arn:2"]


@of_34
def test_a_container_that_an_older_airflow_launched_is_found_by_its_coordinates(rows):
    (ti_id,) = rows.add("load", state="running", external_id="arn:1")
    (owner,) = owners([Identity("test", "L1-1", "etl", "load", RUN, "-1", "1")], ALIVE)
    assert (owner.names, owner.task) == ("arn:1", compat.TaskInstanceUuid(ti_id))


@of_34
@pytest.mark.parametrize("current", [True, None], ids=["current", "archived"])
def test_what_airflow_archived_while_it_was_queued_is_nobodys(rows, current):
    """It stays QUEUED in the table, beside the row that replaced it."""
    launch_id = str(uuid4())
    rows.add("load", external_id=launch_id, queued_by_job_id=ALIVE, working_set=current)
    key = task("load", run_id=RUN).key
    who = Identity("test", f"{launch_id}-1", "etl", "load", RUN, "-1", "1", task_instance=compat.task_instance_id(key))
    assert still_ours([(launch_id, key)], ALIVE) == ({launch_id} if current else set())
    assert owners([who], ALIVE)[0].waits is bool(current)


@of_34
def test_a_task_whose_row_was_archived_has_moved_on_just_now(rows):
    """Its container has some seconds to end before it is called an orphan."""
    key = task("load", run_id=RUN).key
    rows.add("load", state="failed", working_set=None, updated_at=datetime(2026, 11, 22, tzinfo=UTC))
    who = Identity("test", "L1-1", "etl", "load", RUN, "-1", "1", task_instance=compat.task_instance_id(key))
    assert last_changes([who]) == [datetime(2026, 11, 22, tzinfo=UTC).timestamp()]


@over_both
def test_a_row_that_is_accepted_for_adoption_while_its_container_is_stopped_takes_no_slot(scheduler, aws, rows):
    """Airflow 3.4 puts each accepted row into `running`, and nothing would ever take this one out."""
    aws.set_plan(FOR_EVER)
    key = scheduler.queue(task("load", run_id=RUN))
    scheduler.until(lambda: scheduler.arn(key))
    (launch_id,) = scheduler.executor.machine.store.launches
    aws.down()  # so that it is still to be stopped
    scheduler.executor.change_state(key, compat.final_state(key, success=False), "no heartbeat")
    scheduler.listen()
    rows.add("load", state="running", queued_by_job_id=DEAD, external_id=launch_id)
    assert adopt(scheduler.executor).reset == []
    scheduler.heartbeat()
    assert scheduler.executor.running == set()


@over_both
def test_nothing_of_airflow_is_used_that_it_is_going_to_remove(started, aws, rows):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scheduler = Scheduler(started(clock=FastClock(20)))
        key = scheduler.queue(task())
        scheduler.until_over(key)
        rows.add("adopted", state="queued", external_id=str(uuid4()))
        adopt(scheduler.executor)
        scheduler.executor.revoke_task(ti=task("revoked").ti)
        scheduler.executor.send_message_to_task_logs(20, "text", ti=task("other").ti)
        scheduler.executor.debug_dump()
        scheduler.executor.terminate()
    ours = [each for each in caught if "/aws_exec/" in each.filename]
    assert [str(each.message) for each in ours if issubclass(each.category, DeprecationWarning)] == []


def test_nor_is_it_declared():
    done = subprocess.run([sys.executable, "-c", IMPORTED], check=True, capture_output=True, text=True)
    assert done.stdout == ""
