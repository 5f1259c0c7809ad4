"""Adoption, with real rows: what a dead scheduler left goes on, costs no try and no second container."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import text

from tests.executors.harness import FastClock, Scheduler, killed, task
from tests.executors.rows import ALIVE, RUN, adopt
from tests.executors.services import BATCH, ECS, over_both
from tests.executors.versions import needs_launch_ids, unwrapped
from tests.scripted.services import BY_HAND, FOR_EVER, Plan, server_error

pytestmark = over_both


@pytest.fixture
def scheduler(started):
    """The successor; its graces are thirty times as short."""
    scheduler = Scheduler(started(clock=FastClock(30), deployment="test"))
    scheduler.executor.job_id = ALIVE
    return scheduler


@pytest.fixture
def dead(started, aws):
    """A scheduler that launches with this plan, and is killed: its ARNs by task."""

    def dead(plan, *workloads):
        aws.set_plan(plan)
        arns = killed(Scheduler(started(deployment="test")), *workloads)
        return {workload.ti.task_id: arn for workload, arn in zip(workloads, arns, strict=True)}

    return dead


#: What the Amazon provider's executors ask for. Its Batch executor saves the bare job id, a UUID.
THEIRS = {
    "ecs": {"cluster": "fleet", "overrides": {"containerOverrides": [{"name": "airflow"}]}},
    "batch": {"jobQueue": "fleet", "jobName": "airflow", "containerOverrides": {"command": ["python"]}},
}


def key_of(name):
    return task(name, run_id=RUN).key


def test_a_queued_task_that_was_never_launched_is_launched_with_a_fresh_token(scheduler, aws, rows):
    """Wrong 4: adopted tasks are relaunched with an empty token, and are missing from `running`."""
    launch_id = str(uuid4())
    (ti_id,) = rows.add("load", external_id=launch_id)
    assert adopt(scheduler.executor).reset == []
    assert scheduler.executor.running == {key_of("load")}
    scheduler.until_over(key_of("load"))
    (launch,) = aws.launches()
    assert launch.token == f"{launch_id}-1"
    assert launch.workload["ti"]["id"] == str(ti_id)
    assert launch.workload["token"].startswith("eyJ")
    assert scheduler.outcomes(key_of("load")) == ["success"]
    assert rows.try_of("load") == 1


def test_the_log_names_no_reason_why_the_other_scheduler_left_its_tasks(scheduler, rows, caplog):
    """It may have stopped in order, died, or stalled."""
    rows.add("load", external_id=str(uuid4()))
    with caplog.at_level("INFO", scheduler.executor.log.name):
        adopt(scheduler.executor)
    assert [each for each in caplog.messages if "dopted" in each] == ["Adopted 1 task instances from another scheduler"]


@needs_launch_ids
@pytest.mark.parametrize("listing", ["allowed", "denied"])
def test_a_queued_task_whose_arn_was_not_saved_yet_is_found_and_not_launched_again(  # noqa: PLR0917 - fixtures
    scheduler, aws, service, rows, dead, listing
):
    """Wrong 13: SIGKILL the scheduler after 6 of 20 launches: 27 containers for 20 tasks."""
    workload = task("load", run_id=RUN)
    arns = dead(BY_HAND, workload)
    rows.add("load", external_id=workload.ti.external_executor_id)
    if listing == "denied":
        if service is BATCH:
            pytest.skip("without a token and without the right to list there is nothing to find it by")
        aws.goes_wrong(service.denied(service.list), service.list)
    assert adopt(scheduler.executor).reset == []
    scheduler.until(lambda: scheduler.arn(workload.key))
    assert scheduler.arn(workload.key) == arns["load"]
    aws.start(arns["load"])
    aws.exit(arns["load"])
    aws.end(arns["load"])
    scheduler.until_over(workload.key)
    assert scheduler.outcomes(workload.key) == ["success"]
    assert len(aws.launches()) == 1


@pytest.mark.parametrize("exit_code", [0, 1])
@pytest.mark.parametrize("saved", ["arn", pytest.param("launch id", marks=needs_launch_ids)])
def test_a_running_task_is_followed_to_its_end(scheduler, aws, rows, dead, saved, exit_code):  # noqa: PLR0917 - fixtures
    workload = task("load", run_id=RUN)
    arns = dead(FOR_EVER, workload)
    external_id = arns["load"] if saved == "arn" else workload.ti.external_executor_id
    rows.add("load", state="running", external_id=external_id)
    assert adopt(scheduler.executor).reset == []
    scheduler.rest(0.3)
    assert scheduler.outcomes(workload.key) == []
    rows.set("load", state="failed" if exit_code else "success")
    aws.exit(arns["load"], exit_code)
    scheduler.until_over(workload.key)
    assert scheduler.outcomes(workload.key) == ["failed" if exit_code else "success"]
    assert len(aws.launches()) == 1


@pytest.mark.parametrize("saved", ["arn", pytest.param("launch id", marks=needs_launch_ids)])
def test_one_that_finished_while_nobody_looked_is_reported(scheduler, aws, rows, dead, saved):
    workload = task("load", run_id=RUN)
    arns = dead(FOR_EVER, workload)
    aws.exit(arns["load"])
    aws.end(arns["load"])
    external_id = arns["load"] if saved == "arn" else workload.ti.external_executor_id
    rows.add("load", state="running", external_id=external_id)
    assert adopt(scheduler.executor).reset == []
    rows.set("load", state="success")
    scheduler.until_over(workload.key)
    assert scheduler.outcomes(workload.key) == ["success"]
    assert len(aws.launches()) == 1


@pytest.mark.parametrize("state", ["queued", "running", "restarting"])
def test_a_job_of_the_amazon_providers_executor_is_adopted_after_the_switch(scheduler, aws, service, rows, state):
    arn = aws.add(THEIRS[service.name], FOR_EVER)
    rows.add("load", state=state, external_id=arn if service is ECS else arn.rpartition("/")[2])
    assert adopt(scheduler.executor).reset == []
    scheduler.rest(0.3)
    rows.set("load", state="success")
    aws.exit(arn)
    scheduler.until_over(key_of("load"))
    assert scheduler.outcomes(key_of("load")) == ["success"]
    assert aws.launches() == []


@pytest.mark.parametrize("state", ["running", "restarting"])
def test_only_a_queued_task_may_be_launched_by_adoption(scheduler, aws, rows, state):
    """A running task's container that is nowhere to be seen is left to its heartbeat, never replaced."""
    rows.add("load", state=state, external_id=str(uuid4()))
    assert adopt(scheduler.executor).reset == []
    assert scheduler.executor.running == {key_of("load")}
    scheduler.until(lambda: not scheduler.executor.running)
    assert scheduler.outcomes(key_of("load")) == []
    assert "its heartbeat decides" in scheduler.notes_of(key_of("load"))
    assert aws.launches() == []


@pytest.mark.parametrize("state", ["queued", "running"])
@pytest.mark.parametrize(
    "external_id", [None, "", "celery-17", "0123456789abcdef0123456789abcdef", "arn:aws:sqs:eu:1:x"]
)
def test_what_cannot_be_identified_is_given_back(scheduler, rows, state, external_id):
    rows.add("odd", state=state, external_id=external_id)
    rows.add("good", external_id=str(uuid4()))
    assert adopt(scheduler.executor).reset == ["odd"]
    assert scheduler.executor.running == {key_of("good")}


def test_a_row_that_somebody_else_has_by_now_is_not_launched(scheduler, aws, rows):
    rows.add("cleared", "theirs", external_id=lambda _: str(uuid4()))
    adopt(scheduler.executor)
    rows.set("cleared", state=None)
    rows.set("theirs", queued_by_job_id=99)
    scheduler.until(lambda: not scheduler.executor.machine.store.launches)
    assert aws.launches() == []
    assert scheduler.executor.running == set()
    assert not any(scheduler.outcomes(key) for key in (key_of("cleared"), key_of("theirs")))


def test_adoption_asks_aws_nothing_itself_and_a_failing_aws_does_not_fail_it(scheduler, aws, rows):
    """Wrong 4: an AWS error during adoption escapes into the scheduler."""
    before = aws.calls()
    aws.goes_wrong(server_error())
    rows.add(*(f"task-{number}" for number in range(20)), external_id=lambda _: str(uuid4()))
    assert adopt(scheduler.executor).reset == []
    assert aws.calls() == before
    scheduler.rest(0.5)
    aws.goes_right()
    keys = [key_of(f"task-{number}") for number in range(20)]
    scheduler.until_over(*keys)
    assert all(scheduler.outcomes(key) == ["success"] for key in keys)
    assert len(aws.launches()) == 20


def test_an_adopted_task_starts_with_its_first_attempt(scheduler, aws, rows):
    """Wrong 4: adopted tasks count `try_number` as attempts."""
    rows.add("load", external_id=str(uuid4()), try_number=3)
    aws.set_plan(Plan(fails="Timeout waiting for network interface provisioning to complete."))
    adopt(scheduler.executor)
    key = task("load", run_id=RUN, number=3).key
    scheduler.until_over(key, deadline=60)
    assert len(aws.launches()) == 3


def test_a_bad_executor_config_in_a_row_spoils_no_other_adoption(scheduler, aws, rows):
    rows.add("bad", external_id=str(uuid4()), executor_config={"overrides": 7, "containerOverrides": 7})
    rows.add("good", external_id=str(uuid4()))
    assert adopt(scheduler.executor).reset == []
    scheduler.until_over(key_of("bad"), key_of("good"))
    assert scheduler.outcomes(key_of("bad")) == ["failed"]
    assert scheduler.outcomes(key_of("good")) == ["success"]
    assert "verrides" in scheduler.info(key_of("bad"))


def test_an_executor_config_that_cannot_be_unpickled_costs_nobody_a_try(scheduler, aws, rows):
    """A class that is gone, a pod of another library: one such row must not make Airflow reset all the others."""
    rows.add("bad", "good", external_id=lambda _: str(uuid4()))
    with create_session() as session:
        session.execute(text("UPDATE task_instance SET executor_config = :junk WHERE task_id = 'bad'"), {"junk": b"?"})
    assert adopt(scheduler.executor).reset == []
    scheduler.until_over(key_of("good"))
    assert scheduler.outcomes(key_of("good")) == ["success"]


def test_a_row_that_cannot_be_understood_costs_the_others_nothing(started, service, rows):
    class Stumbling(service.executor):
        def job_of(self, external_id, location):
            return 1 / 0 if location == "elsewhere" else super().job_of(external_id, location)

    rows.add("bad", executor_config=service.elsewhere, external_id=str(uuid4()))
    good = [f"good-{number}" for number in range(20)]  # it is hardly the last of them
    rows.add(*good, external_id=lambda _: str(uuid4()))
    executor = started(Stumbling)
    assert adopt(executor).reset == ["bad"]
    assert executor.running == {key_of(name) for name in good}


def test_a_broken_session_gives_everything_back_instead_of_raising(scheduler, rows):
    detached = TaskInstance.__new__(TaskInstance)
    for broken in ([detached], [object()], [None], []):
        assert unwrapped(scheduler.executor.try_adopt_task_instances)(broken) == broken


def test_the_rows_are_read_with_one_statement_per_five_hundred_and_no_lazy_attribute(scheduler, rows):
    rows.add(*(f"task-{number}" for number in range(1200)), external_id=lambda _: str(uuid4()))
    adoption = adopt(scheduler.executor)
    assert len(adoption.statements) == 3
    assert len(scheduler.executor.running) == 1200


@pytest.mark.usefixtures("no_old_garbage")
def test_five_thousand_rows_are_adopted_with_ten_statements(scheduler, aws, rows):
    aws.down()  # what happens afterwards is not measured
    rows.add(*(f"task-{number}" for number in range(5000)), external_id=lambda _: str(uuid4()))
    adoption = adopt(scheduler.executor)
    print(  # noqa: T201 - measured
        f"\n5,000 rows adopted in {adoption.seconds * 1000:.0f} ms, {adoption.cpu_seconds * 1000:.0f} ms of CPU, "
        f"with {len(adoption.statements)} statements"
    )
    assert len(scheduler.executor.running) == 5000
    assert len(adoption.statements) == 10  # the time is printed: this machine may be busy with other things


@pytest.mark.parametrize("kept", ["arn", "job id"])
def test_without_the_right_to_list_jobs_are_adopted_by_what_names_them(scheduler, aws, service, rows, kept):
    """The drop-in contract: without list rights adoption degrades to what was saved."""
    if service is ECS and kept == "job id":
        pytest.skip("ECS tasks are saved by ARN")
    aws.goes_wrong(service.denied(service.list), service.list)
    arn = aws.add(THEIRS[service.name], FOR_EVER)
    rows.add("load", state="running", external_id=arn if kept == "arn" else arn.rpartition("/")[2])
    assert adopt(scheduler.executor).reset == []
    scheduler.rest(0.2)
    rows.set("load", state="success")
    aws.exit(arn)
    scheduler.until_over(key_of("load"))
    assert scheduler.outcomes(key_of("load")) == ["success"]


@pytest.mark.parametrize("exit_code", [0, 1])
def test_a_later_try_whose_row_names_the_container_of_the_earlier_one_is_launched(
    scheduler, aws, rows, dead, exit_code
):
    """Airflow 3.1 gives no launch an id, and 3.3 not each where several executors are configured; none clears it."""
    arns = dead(FOR_EVER, task("load", run_id=RUN))
    aws.exit(arns["load"], exit_code)
    aws.end(arns["load"])
    rows.add("load", external_id=arns["load"], try_number=2)
    aws.set_plan(Plan())
    assert adopt(scheduler.executor).reset == []
    second = task("load", run_id=RUN, number=2).key
    scheduler.until_over(second)
    assert scheduler.outcomes(second) == ["success"]
    assert len(aws.launches()) == 2
    assert rows.try_of("load") == 2


def test_a_row_that_was_queued_again_long_after_its_container_was_made_is_launched(scheduler, aws, rows, dead):
    """A sensor in reschedule mode: the same try, another container."""
    arns = dead(FOR_EVER, task("load", run_id=RUN))
    aws.exit(arns["load"])
    aws.end(arns["load"])
    rows.add("load", external_id=arns["load"], queued_dttm=datetime.now(UTC) + timedelta(minutes=5))
    aws.set_plan(Plan())
    assert adopt(scheduler.executor).reset == []
    scheduler.until_over(key_of("load"))
    assert scheduler.outcomes(key_of("load")) == ["success"]
    assert len(aws.launches()) == 2


def test_a_running_task_is_not_failed_for_the_end_of_its_earlier_try(scheduler, aws, rows, dead):
    arns = dead(FOR_EVER, task("load", run_id=RUN))
    aws.exit(arns["load"], 1)
    aws.end(arns["load"])
    rows.add("load", state="running", external_id=arns["load"], try_number=2)
    assert adopt(scheduler.executor).reset == []
    second = task("load", run_id=RUN, number=2).key
    scheduler.until(lambda: second not in scheduler.executor.running)
    assert scheduler.outcomes(second) == []
    assert len(aws.launches()) == 1
