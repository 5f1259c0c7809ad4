"""The workload's token: minted when the container is launched, for that task, and shown nowhere else."""

from __future__ import annotations

import logging
import time

import jwt
import pytest

from aws_exec.lifecycle.launch import Container
from tests.executors.harness import FastClock, Scheduler, task
from tests.executors.services import over_both
from tests.executors.versions import needs_tokens_of_workloads
from tests.scripted.services import BY_HAND, Plan, server_error

pytestmark = over_both


def claims(launch):
    return jwt.decode(launch.workload["token"], options={"verify_signature": False})


@needs_tokens_of_workloads
def test_the_token_is_for_this_task_instance_and_lives_as_long_as_airflow_lets_it_queue(scheduler, aws, monkeypatch):
    """Wrong 11: the token is minted at queueing; after 600 s in a queue it is dead."""
    monkeypatch.setenv("AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT", "1234")
    workload = task()
    assert workload.token == ""
    scheduler.until_over(scheduler.queue(workload))
    (launch,) = aws.launches()
    told = claims(launch)
    assert told["sub"] == str(workload.ti.id)
    assert told["scope"] == "workload"
    assert told["exp"] - told["iat"] == 1234
    assert workload.token == "", "the workload itself is not changed"


def test_the_token_is_minted_when_the_container_is_launched_and_anew_after_every_answered_refusal(
    started, aws, service
):
    """Wrong 11: every retry resends the token of the queueing."""
    scheduler = Scheduler(started(clock=FastClock(5)))
    aws.goes_wrong(service.refused, service.launch, times=2)
    queued_at = time.time()
    scheduler.until_over(scheduler.queue(task()))
    (launch,) = aws.launches()
    assert claims(launch)["iat"] >= int(queued_at + 1), "older than the backoff after the first refusal"


def test_a_token_that_the_scheduler_minted_is_not_what_the_container_gets(scheduler, aws):
    """Adopted and very old workloads have one that is dead, or none."""
    workload = task().model_copy(update={"token": "eyJhbGciOi.dead.token"})
    scheduler.until_over(scheduler.queue(workload))
    (launch,) = aws.launches()
    assert claims(launch)["sub"] == str(workload.ti.id)


@pytest.fixture
def everything_logged(caplog):
    """All logging there is, at its lowest level: ours, Airflow's and botocore's that runs on our behalf."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="aws_exec")
    return caplog


def test_neither_tokens_nor_keys_are_in_logs_events_or_task_logs(started, aws, service, everything_logged, capsys):
    """Whatever happens: refusals, an answer that echoes the command, an exception with the request in it."""
    logging.getLogger("botocore").setLevel(logging.INFO)  # its debug log of requests is its own
    scheduler = Scheduler(started(clock=FastClock(5), **{service.attempts: "1"}))
    aws.goes_wrong(server_error(acts=True), service.launch, times=1)
    aws.goes_wrong(service.denied(service.launch), service.launch, times=1)
    aws.goes_wrong(service.refused, service.launch, times=1)
    aws.set_plan(lambda request: Plan(start=0.05, fails=f"bad: {request}", code="TaskFailedToStart"))
    keys = [scheduler.queue(task(f"task-{number}")) for number in range(3)]
    keys.append(scheduler.queue(task("bad", executor_config={"memory": object})))
    keys.append(scheduler.queue(task("odd", executor_config={"overrides": 7, "containerOverrides": 7})))
    scheduler.until_over(*keys)
    scheduler.executor.debug_dump()
    scheduler.executor.terminate()
    out, err = capsys.readouterr()
    said = "\n".join(
        [
            everything_logged.text,
            out,
            err,
            repr(dict(scheduler.told)),
            repr(dict(scheduler.notes)),
            repr(scheduler.executor),
        ],
    )
    launches = aws.launches()
    assert len(launches) >= 3
    for launch in launches:
        token = launch.workload["token"]
        assert token not in said
        assert token.split(".")[1][:40] not in said
        assert token.rsplit(".", maxsplit=1)[-1][:40] not in said
    assert "eyJ" not in said
    assert "throw/away/secret" not in said


def test_a_launch_that_waits_keeps_no_token_in_memory(started, aws):
    """Only an unanswered request is kept, to be repeated byte for byte."""
    aws.set_plan(BY_HAND)
    scheduler = Scheduler(started())
    key = scheduler.queue(task())
    scheduler.until(lambda: scheduler.arn(key))
    (launch,) = scheduler.executor.machine.store.launches.values()
    assert isinstance(launch.state, Container), "it has no request any more"
    assert [workload.token for workload in launch.workload.command] == [""]
