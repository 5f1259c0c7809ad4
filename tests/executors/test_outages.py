"""200 tasks against a service that misbehaves: all end as they should, each launched once, nothing is raised."""

from __future__ import annotations

import pytest

from tests.executors.harness import FastClock, Scheduler, task
from tests.executors.services import UNHEARD_OF, environment_of, over_batch, over_both
from tests.scripted.services import THROTTLES, Plan, ScriptedBatch, empty, expired, held, refusal, reset, server_error

TASKS = 200


def run(scheduler, aws, tasks=TASKS, *, meanwhile=lambda: None):
    """Run them, every tenth failing; all outcomes are checked."""
    failing = {f"task-{number}" for number in range(0, tasks, 10)}

    def plan(request):
        name = environment_of(request)["AWSEXEC_TASK_ID"]
        return Plan(start=0.05, run=0.1, stop=0.05, exit_code=int(name in failing))

    aws.set_plan(plan)
    workloads = [task(f"task-{number}") for number in range(tasks)]
    scheduler.queue(*workloads)
    scheduler.heartbeat()
    meanwhile()
    scheduler.until_over(*(workload.key for workload in workloads), deadline=60)
    for workload in workloads:
        expected = "failed" if workload.ti.task_id in failing else "success"
        assert scheduler.outcomes(workload.key) == [expected], scheduler.told[workload.key]
    assert scheduler.executor.running == set()
    assert aws.double_launches() == {}
    launches = aws.launches()
    assert len(launches) == tasks
    assert len({launch.token for launch in launches}) == tasks


@pytest.fixture
def hasty(started):
    """A scheduler whose backoffs are five times as short."""
    return Scheduler(started(clock=FastClock(5)))


@pytest.fixture
def hastier(started):
    """A scheduler for whom also the grace of listings is short: two and a half seconds of twenty."""
    return Scheduler(started(clock=FastClock(8)))


@pytest.mark.parametrize("seed", [1, 2])
def test_lost_answers_resets_and_server_errors_at_five_percent_each(hasty, aws, seed, caplog):
    """Wrong 12: lost answers double-launch; 2: an error while describing stops everything."""
    aws._mischief = type(aws._mischief)(seed)
    for trick in (server_error(), server_error(acts=True), reset(), reset(acts=True)):
        aws.goes_wrong(trick, share=0.05)
    run(hasty, aws)
    assert sum(aws.played().values()) > 20
    # Asked again byte for byte: another request with the token would be a conflict.
    assert aws.errors()["RunTask", "ConflictException"] == 0
    assert "Traceback" not in caplog.text


class TestWhereNoTokenKeepsARepeatedRequestFromBeingASecondJob:
    pytestmark = over_batch

    @pytest.fixture
    def aws(self):
        with ScriptedBatch(listing_lag=0.2, seed=1) as aws:
            yield aws

    def test_five_percent_each_of_lost_answers_resets_and_server_errors_submit_nothing_twice(
        self, hastier, aws, caplog
    ):
        """Wrong 12: lost answers double-launch: at 5 % lost responses, 9 of 200 Batch jobs."""
        for trick in (server_error(), server_error(acts=True), reset(), reset(acts=True)):
            aws.goes_wrong(trick, share=0.05)
        run(hastier, aws)
        assert sum(aws.played().values()) > 20
        assert aws.calls()["ListJobs"] > 0
        assert "Traceback" not in caplog.text

    def test_an_answer_that_never_comes_is_looked_for_before_it_is_asked_again(self, started, aws):
        scheduler = Scheduler(started(clock=FastClock(20), read_timeout=0.3))
        aws.goes_wrong(held(5, acts=True), "SubmitJob", times=3)
        aws.goes_wrong(held(5, acts=False), "SubmitJob", times=3)
        run(scheduler, aws, tasks=10)
        assert aws.calls()["SubmitJob"] == 13

    def test_an_answer_without_a_job_is_looked_for_too(self, hastier, aws):
        """Wrong 17: odd answers lose the task."""
        aws.goes_wrong(empty(), "SubmitJob", times=2)
        aws.goes_wrong(empty(acts=True), "SubmitJob", times=2)
        run(hastier, aws, tasks=10)


@over_both
@pytest.mark.parametrize("trick", THROTTLES, ids=lambda trick: trick.body["__type"] + str(trick.status))
def test_throttles_in_every_spelling_cost_no_attempt(hasty, aws, service, trick):
    """Wrong 14: throttles spend the three attempts."""
    aws.goes_wrong(trick, service.launch, times=8)
    run(hasty, aws, tasks=4)
    assert aws.calls()[service.launch] == 12


@over_both
def test_credentials_that_are_expired_for_a_while(hasty, aws, service):
    aws.goes_wrong(expired())
    run(hasty, aws, meanwhile=lambda: (hasty.rest(0.5), aws.goes_right()))
    assert aws.calls()[service.launch] < TASKS + 60, "the lanes did not pause"


@over_both
def test_no_credentials_for_a_while(started, aws, monkeypatch):
    """Wrong 1: missing credentials end the scheduler."""
    key, secret = "AKIATHROWAWAY0000000", "throw/away/secret/access/key/0000000000"
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    scheduler = Scheduler(started())

    def they_come():
        scheduler.rest(0.5)
        assert aws.calls() == {}
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)

    run(scheduler, aws, meanwhile=they_come)


@over_both
def test_a_service_that_cannot_be_reached_for_a_while(hasty, aws):
    aws.down()
    run(hasty, aws, tasks=50, meanwhile=lambda: (hasty.rest(0.5), aws.up()))


def test_no_capacity_for_a_while_costs_no_attempt_and_is_said_once(started, aws):
    """Wrong 14: no capacity is final after 21 s and not said before."""
    scheduler = Scheduler(started(clock=FastClock(50)))
    aws.goes_wrong(refusal("RESOURCE:MEMORY"), "RunTask", times=16)
    run(scheduler, aws, tasks=4)
    notes = [entry for entries in scheduler.notes.values() for entry in entries if "RESOURCE:MEMORY" in entry]
    assert len(notes) == 4


def test_odd_answers_to_run_task_lose_nothing(hasty, aws):
    """Wrong 17: empty tasks and failures, or a failure without a reason, lose the task."""
    aws.goes_wrong(empty(), "RunTask", times=2)
    aws.goes_wrong(empty(acts=True), "RunTask", times=2)
    aws.goes_wrong(refusal(reason=""), "RunTask", times=2)
    aws.goes_wrong(refusal(reason="", detail="something"), "RunTask", times=2)
    run(hasty, aws, tasks=10)


@over_both
def test_an_error_nobody_knows_while_describing_delays_what_is_seen_and_nothing_else(hasty, aws, service):
    """Wrong 2: any other ClientError while describing is swallowed, and nothing is submitted in that heartbeat."""
    aws.goes_wrong(UNHEARD_OF, service.describe, times=10)
    run(hasty, aws, tasks=20)


def test_an_answer_that_never_comes_is_asked_for_again_with_the_same_token(started, aws):
    scheduler = Scheduler(started(clock=FastClock(3), read_timeout=0.3))
    aws.goes_wrong(held(5, acts=True), "RunTask", times=3)
    aws.goes_wrong(held(5, acts=False), "RunTask", times=3)
    run(scheduler, aws, tasks=10)
