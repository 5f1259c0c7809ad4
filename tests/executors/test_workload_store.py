"""A workload in a store: its command has an address, S3 its bytes, and what is wrong with S3 fails no task."""

from __future__ import annotations

import json
import re

import jwt
import pytest
from airflow.sdk.exceptions import AirflowException

from aws_exec.container.store import split
from tests.executors.harness import FastClock, Scheduler, callback, task
from tests.executors.services import over_both
from tests.executors.versions import needs_callbacks
from tests.scripted.s3 import ScriptedS3
from tests.scripted.services import Plan
from tests.scripted.tricks import error, expired, reset, server_error

pytestmark = over_both

STORE = "s3://workloads/production"
#: 6,500 characters that every command of its task is beside.
BULKY = {"environment": [{"name": "BULK", "value": "x" * 6500}]}
DENIED = error("AccessDenied", "Access Denied", status=403)


@pytest.fixture
def s3(monkeypatch):
    with ScriptedS3() as s3:
        monkeypatch.setenv(s3.VARIABLE, s3.url)
        yield s3


@pytest.fixture
def stored(started, s3):
    """A scheduler whose executor has a store, and backoffs that are five times as short."""

    def stored(**options):
        return Scheduler(started(clock=FastClock(5), workload_store=STORE, **options))

    return stored


def address_of(launch):
    """The address in a command; fails the test if the command has anything else."""
    *_, option, address, region = launch.command
    assert (option, region) == ("--workload", "eu-central-1")
    return address


def launched(scheduler, *workloads):
    """Run them to their ends, well."""
    keys = [scheduler.queue(workload) for workload in workloads]
    scheduler.until_over(*keys)
    assert [scheduler.outcomes(key) for key in keys] == [["success"]] * len(keys)


def claims_in(content):
    return jwt.decode(json.loads(content)["token"], options={"verify_signature": False})


def test_the_command_has_an_address_and_the_store_the_workload(stored, aws, s3):
    workload = task()
    launched(stored(), workload)
    (launch,) = aws.launches()
    launch_id = launch.token.rpartition("-")[0]
    assert re.fullmatch(rf"{STORE}/{launch_id}/[0-9a-f]{{32}}", address_of(launch))
    assert claims_in(s3.objects[split(address_of(launch))[1]])["sub"] == str(workload.ti.id)
    assert "eyJ" not in json.dumps(launch.request)
    assert workload.token == "", "the workload itself is not changed"


def test_its_client_is_built_at_the_start(stored):
    assert stored().executor._startup.setup.store._clients._client is not None


@needs_callbacks
def test_a_callback_is_stored_too(stored, aws, s3):
    workload = callback()
    launched(stored(), workload)
    (launch,) = aws.launches()
    assert claims_in(s3.objects[split(address_of(launch))[1]])["sub"] == workload.callback.id


def test_a_command_line_is_not_stored(stored, aws, s3):
    scheduler = stored()
    workload = task()
    scheduler.executor.execute_async(workload.key, ["airflow", "tasks", "run"], None, None)
    scheduler.until(aws.launches)
    (launch,) = aws.launches()
    assert launch.command == ["airflow", "tasks", "run"]
    assert s3.keys == []


class TestTooLong:
    def test_what_fits_stays_in_the_command(self, stored, aws, s3):
        launched(stored(workload_store_when="too-long"), task())
        (launch,) = aws.launches()
        assert launch.workload["type"] == "ExecuteTask"
        assert s3.calls == {}

    def test_what_does_not_fit_is_stored(self, stored, aws, s3):
        launched(stored(workload_store_when="too-long"), task(executor_config=BULKY))
        (launch,) = aws.launches()
        assert split(address_of(launch))[1] in s3.objects

    def test_without_a_store_it_fails_and_the_reason_names_the_option(self, started, aws):
        scheduler = Scheduler(started())
        long = task(executor_config=BULKY)
        scheduler.until_over(scheduler.queue(long))
        assert scheduler.outcomes(long.key) == ["failed"]
        assert "AWS takes 8,192" in scheduler.info(long.key)


def test_what_is_too_long_with_an_address_fails_before_it_is_stored(stored, s3):
    scheduler = stored()
    bulkier = {"environment": [{"name": "BULK", "value": "x" * 8192}]}
    long = task(executor_config=bulkier)
    scheduler.until_over(scheduler.queue(long))
    assert scheduler.outcomes(long.key) == ["failed"]
    assert s3.calls == {}


def test_after_an_answered_refusal_the_new_workload_takes_the_place_of_the_old(stored, aws, s3, service):
    aws.goes_wrong(service.refused, service.launch, times=2)
    launched(stored(), task())
    (launch,) = aws.launches()
    assert s3.keys == [split(address_of(launch))[1]] * 3
    assert set(s3.objects) == {s3.keys[0]}


def test_a_lost_answer_is_asked_again_with_the_same_address_and_nothing_is_stored_anew(stored, aws, s3, service):
    aws.goes_wrong(reset(acts=False), service.launch, times=1)
    launched(stored(), task())
    assert aws.calls()[service.launch] == 2
    assert len(s3.keys) == 1


def test_a_container_that_never_started_is_replaced_under_the_same_address(stored, aws, s3, service):
    plans = iter([Plan(start=0.05, fails="ResourceInitializationError: timeout"), Plan()])
    aws.set_plan(lambda _: next(plans))
    launched(stored(), task())
    first, second = aws.launches()
    assert first.token != second.token
    assert address_of(first) == address_of(second)


@pytest.mark.parametrize(
    "trick",
    [server_error(), reset(), reset(acts=True), error("SlowDown", "Please reduce your request rate.", status=503)],
    ids=["server error", "unanswered", "answer lost", "throttled"],
)
def test_what_passes_is_waited_for_spends_no_attempt_and_is_never_sent_on(stored, aws, s3, service, trick):
    s3.goes_wrong(trick, "PutObject", times=3)
    launched(stored(**{service.attempts: "1"}), task())
    assert (s3.calls["PutObject"], aws.calls()[service.launch]) == (4, 1)


def test_an_s3_that_is_not_there_is_waited_for(started, aws, service, monkeypatch):
    monkeypatch.setenv(ScriptedS3.VARIABLE, "http://127.0.0.1:9")
    scheduler = Scheduler(started(clock=FastClock(5), workload_store=STORE))
    key = scheduler.queue(task())
    scheduler.rest(1)
    assert (scheduler.outcomes(key), aws.calls()[service.launch]) == ([], 0)
    assert key in scheduler.executor.running


def test_a_denial_names_the_right_that_is_missing_and_passes_once_it_is_given(stored, aws, s3, service):
    s3.goes_wrong(DENIED, "PutObject")
    scheduler = stored()
    key = scheduler.queue(task())
    scheduler.until(lambda: scheduler.notes_of(key))
    assert "Allow the scheduler's role s3:PutObject" in scheduler.notes_of(key)
    assert f"on {STORE}/*" in scheduler.notes_of(key)
    assert aws.calls()[service.launch] == 0
    s3.goes_right()
    scheduler.until_over(key)
    assert scheduler.outcomes(key) == ["success"]


def test_a_bucket_that_does_not_exist_is_named_and_waited_for(started, aws, s3):
    scheduler = Scheduler(started(clock=FastClock(5), workload_store="s3://nowhere/production"))
    key = scheduler.queue(task())
    scheduler.until(lambda: scheduler.notes_of(key))
    assert "The bucket of the workload store does not exist." in scheduler.notes_of(key)
    assert scheduler.outcomes(key) == []


def test_an_answer_that_would_fail_a_task_for_good_waits_where_it_is_of_s3(stored, s3):
    s3.goes_wrong(error("ValidationError", "what is this"), "PutObject", times=2)
    launched(stored(), task())


def test_credentials_that_have_expired_are_renewed_for_s3_too(stored, s3):
    s3.goes_wrong(expired(), "PutObject", times=2)
    launched(stored(), task())
    assert s3.calls["PutObject"] == 3


def test_a_connection_that_is_loaded_anew_is_for_the_store_too(stored, service):
    executor = stored().executor
    store = executor._startup.setup.store
    before = store._clients.get()
    getattr(executor, f"load_{service.name}_connection")(check_connection=False)
    assert store._clients.get() is not before


def test_a_wrong_executor_config_fails_its_task_before_anything_is_stored(stored, s3):
    scheduler = stored()
    wrong = task(executor_config={"memory": object})
    scheduler.until_over(scheduler.queue(wrong))
    assert scheduler.outcomes(wrong.key) == ["failed"]
    assert s3.calls == {}


def test_a_store_without_the_containers_entry_is_refused_at_the_start(configured, service):
    configured(workload_store=STORE, container_entry="no")
    with pytest.raises(AirflowException, match=r"workload_store .*container_entry is off"):
        service.executor().start()
