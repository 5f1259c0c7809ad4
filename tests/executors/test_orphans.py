"""Containers that nobody owns, over both services and with real rows: told, and stopped where that is asked for."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from airflow.jobs.job import Job
from airflow.utils.session import create_session
from sqlalchemy import insert, update

from aws_exec.executors import compat
from aws_exec.executors.airflow_db import owners
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.orphans import Owner
from tests.executors.harness import FastClock, Scheduler, callback, killed, task
from tests.executors.rows import ALIVE, DEAD, RUN
from tests.executors.services import over_both
from tests.executors.versions import Callback, needs_callbacks
from tests.scripted.services import BY_HAND, FOR_EVER

#: A second is more than an hour's quarter: two listings are 15 minutes apart within it.
HASTE = 1800


@pytest.fixture
def dead(started, aws):
    """A scheduler that launches these workloads, and is killed: their ARNs."""

    def dead(*workloads, plan=FOR_EVER, deployment="test"):
        aws.set_plan(plan)
        scheduler = Scheduler(started(deployment=deployment, orphan_interval="0"))
        scheduler.executor.job_id = DEAD
        return killed(scheduler, *workloads)

    return dead


@pytest.fixture
def successor(started):
    """The scheduler that is left, in a hurry."""

    def successor(**options):
        clock = FastClock(HASTE)
        options = {"orphan_interval": "900", "poll_interval": "100", **options}
        scheduler = Scheduler(started(clock=clock, deployment="test", **options))
        scheduler.executor.job_id = ALIVE
        return scheduler

    return successor


@over_both
def test_an_orphan_is_told_and_left_alone(successor, aws, rows, dead, caplog):
    (arn,) = dead(task("cleared", run_id=RUN))
    rows.add("cleared", state="success", try_number=1)
    scheduler = successor()
    scheduler.until(lambda: arn in caplog.text)
    assert "etl.cleared of " + RUN in caplog.text
    assert "reap_orphans" in caplog.text
    assert aws.stops() == []


@over_both
def test_a_place_that_only_a_template_names_is_looked_into_by_who_has_not_used_it(  # noqa: PLR0917 - fixtures
    successor, aws, service, rows, dead, tmp_path, monkeypatch, caplog
):
    (arn,) = dead(task("cleared", run_id=RUN, executor_config=service.elsewhere))
    rows.add("cleared", state="success", try_number=1)
    file = tmp_path / "awsexec.yaml"
    template = {"executor": service.name, service.name: dict(service.elsewhere)}
    file.write_text(json.dumps({"version": 1, "templates": {"far": template}}))
    monkeypatch.setenv("AWSEXEC_CONFIG", str(file))
    scheduler = successor()
    scheduler.until(lambda: arn in caplog.text)


@over_both
def test_orphans_are_stopped_where_that_is_asked_for_and_what_is_somebodys_is_not(successor, aws, rows, dead):
    names = ("gone", "settled", "retried", "theirs", "lost-event")
    workloads = [task(name, run_id=RUN) for name in names]
    arns = dict(zip(names, dead(*workloads), strict=True))
    (foreign,) = dead(task("foreign", run_id=RUN), deployment="another")
    rows.add("settled", state="failed", external_id=arns["settled"])
    rows.add("retried", state="running", external_id=str(uuid4()), try_number=2)
    rows.add("theirs", state="running", external_id=arns["theirs"])
    launched_as = getattr(workloads[4].ti, "external_executor_id", None)  # Airflow 3.1 gives none
    rows.add("lost-event", state="running", external_id=launched_as)
    scheduler = successor(reap_orphans="True")
    mine = scheduler.queue(task("mine", run_id=RUN))
    orphans = {arns["gone"], arns["settled"], arns["retried"]}
    scheduler.until(lambda: {arn for arn, _ in aws.stops()} >= orphans)
    scheduler.rest(1)
    assert {arn for arn, _ in aws.stops()} == orphans
    assert all("Nobody owns it" in reason for _, reason in aws.stops())
    assert {arns["theirs"], arns["lost-event"], foreign, scheduler.arn(mine)} <= set(aws.running())


@over_both
def test_without_the_right_to_list_nothing_is_stopped_and_one_line_says_why(  # noqa: PLR0917 - fixtures
    successor, aws, service, rows, dead, caplog
):
    dead(task("gone", run_id=RUN))
    aws.goes_wrong(service.denied(service.list), service.list)
    scheduler = successor(reap_orphans="True")
    scheduler.until(lambda: aws.calls()[service.list] >= 3)
    assert aws.stops() == []
    assert caplog.text.count("is denied") == 1


@over_both
@needs_callbacks
@pytest.mark.parametrize(("exit_code", "state"), [(0, "success"), (1, "failed")])
def test_a_callback_of_a_dead_scheduler_is_followed_and_reported(successor, aws, rows, dead, exit_code, state):  # noqa: PLR0917 - fixtures
    workload = callback()
    (arn,) = dead(workload, plan=BY_HAND)
    aws.start(arn)
    live_callback(workload.callback.id)
    scheduler = successor()
    scheduler.until(lambda: workload.key in scheduler.executor.running)
    aws.exit(arn, exit_code)
    aws.end(arn)
    scheduler.until_over(workload.key)
    assert scheduler.outcomes(workload.key) == [state]
    assert scheduler.executor.running == set()


@over_both
@needs_callbacks
@pytest.mark.parametrize(("exit_code", "state"), [(0, "success"), (1, "failed")])
def test_a_callback_of_a_dead_scheduler_that_ended_unseen_is_reported(successor, aws, rows, dead, exit_code, state):  # noqa: PLR0917 - fixtures
    workload = callback()
    (arn,) = dead(workload, plan=BY_HAND)
    aws.exit(arn, exit_code)
    aws.end(arn)
    live_callback(workload.callback.id)
    scheduler = successor()
    scheduler.until_over(workload.key)
    assert scheduler.outcomes(workload.key) == [state]
    assert scheduler.executor.running == set()
    assert len(aws.launches()) == 1


# -- the rows ---------------------------------------------------------------------------------------------------------


def live_callback(callback_id, state="queued"):
    with create_session() as session:
        session.execute(
            insert(Callback.__table__).values(
                id=UUID(callback_id), type="executor", fetch_method="import_path", data={}, state=state,
                priority_weight=1, created_at=datetime.now(tz=UTC),
            )
        )  # fmt: skip


def heartbeats(job_id, seconds_ago):
    with create_session() as session:
        at = datetime.now(tz=UTC) - timedelta(seconds=seconds_ago)
        session.execute(update(Job).where(Job.id == job_id).values(latest_heartbeat=at))


def identity(name="load", number="1", **more):
    return Identity("test", "L1-1", "etl", name, RUN, "-1", number, **more)


@pytest.mark.parametrize("state", ["queued", "running", "restarting"])
def test_a_row_that_has_a_container_waits_and_says_which(rows, state):
    rows.add("load", state=state, external_id="arn:1")
    key = task("load", run_id=RUN).key
    assert owners([identity()], ALIVE) == [Owner(waits=True, names="arn:1", task=key, runs=state == "running")]


@pytest.mark.parametrize(
    "state", ["scheduled", "deferred", "up_for_reschedule", "up_for_retry", "success", "failed", "removed", None]
)
def test_a_row_in_any_other_state_does_not(rows, state):
    rows.add("load", state=state, external_id="arn:1")
    assert owners([identity()], ALIVE) == [Owner()]


def test_nor_does_the_row_of_another_try_or_one_that_is_gone(rows):
    rows.add("load", state="running", external_id="arn:1", try_number=2)
    asked = [identity(), identity("gone"), identity(number="2")]
    found = Owner(waits=True, names="arn:1", task=task("load", run_id=RUN, number=2).key, runs=True)
    assert owners(asked, ALIVE) == [Owner(), Owner(), found]


CALLBACK = "0198a9f4-0000-7000-8000-000000000001"


@needs_callbacks
@pytest.mark.parametrize("scheduler", [str(DEAD), "4711"], ids=["failed", "long gone"])
@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_live_callback_whose_scheduler_is_dead_is_ours_to_follow(rows, scheduler, state):
    live_callback(CALLBACK, state)
    asked = Identity("test", f"{CALLBACK}-1", callback_id=CALLBACK, scheduler=scheduler)
    assert owners([asked], ALIVE) == [Owner(waits=True, key=compat.callback_key(CALLBACK))]


@needs_callbacks
@pytest.mark.parametrize(("scheduler", "seconds"), [(str(ALIVE), None), ("9", 1), ("", None)])
def test_one_whose_scheduler_lives_or_is_not_known_is_not(rows, scheduler, seconds):
    with create_session() as session:
        session.execute(insert(Job.__table__).values(id=9, state="running"))
    heartbeats(9, seconds or 0)
    live_callback(CALLBACK)
    asked = Identity("test", f"{CALLBACK}-1", callback_id=CALLBACK, scheduler=scheduler)
    assert owners([asked], ALIVE) == [Owner(waits=True)]


@needs_callbacks
def test_a_scheduler_that_has_not_beaten_for_long_is_dead(rows):
    with create_session() as session:
        session.execute(insert(Job.__table__).values(id=9, state="running"))
    heartbeats(9, 3600)
    live_callback(CALLBACK)
    asked = Identity("test", f"{CALLBACK}-1", callback_id=CALLBACK, scheduler="9")
    assert owners([asked], ALIVE) == [Owner(waits=True, key=compat.callback_key(CALLBACK))]


@needs_callbacks
@pytest.mark.parametrize("callback_id", [CALLBACK, "no-uuid"])
def test_a_callback_that_is_over_or_gone_waits_for_nothing(rows, callback_id):
    live_callback(CALLBACK, "success")
    asked = Identity("test", f"{callback_id}-1", callback_id=callback_id, scheduler=str(DEAD))
    assert owners([asked], ALIVE) == [Owner()]
