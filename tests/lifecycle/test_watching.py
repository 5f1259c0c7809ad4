"""From the accepted job to its end: who reports what."""

import pytest

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.values import FailureKind, Job, Termination
from tests.lifecycle.driver import (
    EXITED_0,
    EXITED_1,
    HOST_LOST,
    JOB,
    JOB2,
    Life,
    fault,
    over,
    running,
    starting,
    stopped,
)

SIDECAR_DIED = Termination("ecs", exit_code=0, started=True, sidecars=("proxy: 143",))


@pytest.mark.parametrize(
    ("stop", "success"),
    [(EXITED_0, True), (EXITED_1, False), (HOST_LOST, False), (SIDECAR_DIED, True)],
    ids=["exit code 0", "exit code 1", "host lost", "a sidecar died"],
)
def test_the_end_of_a_started_container_is_reported_as_it_was(stop, success):
    life = Life()
    life.started()
    assert life.see(stopped(stop)) == [do.Report(key="K1", success=success, job=JOB, stop=stop)]
    assert life.store.launches == {}
    assert life.tick(1000) == []


def test_a_container_whose_start_was_never_seen_is_judged_by_its_exit_code():
    life = Life()
    life.active()
    assert life.see(stopped(EXITED_1)) == [do.Report(key="K1", success=False, job=JOB, stop=EXITED_1)]


def test_a_lost_host_under_a_container_that_was_seen_running_fails_the_task_and_replaces_nothing():
    life = Life()
    life.started()
    lost = Termination("ecs", reason="Host EC2 terminated")
    assert life.see(stopped(lost)) == [do.Report(key="K1", success=False, job=JOB, stop=lost)]
    assert life.store.launches == {}


def test_a_job_that_stopped_without_a_word_is_still_over():
    life = Life()
    life.started()
    assert life.see(stopped(None)) == [
        do.Report(key="K1", success=False, job=JOB, stop=Termination("ecs", started=True))
    ]


def test_the_workload_is_kept_until_user_code_has_started():
    life = Life()
    life.active()
    assert life.launch().workload == "work of L1"
    assert life.see(running()) == []
    assert (life.launch().workload, life.launch().started) == (None, True)


def test_the_airflow_container_decides_while_the_rest_still_runs():
    life = Life()
    life.started()
    assert life.see(over(EXITED_0)) == [do.Report(key="K1", success=True, job=JOB, stop=EXITED_0)]
    assert life.see(over(EXITED_0)) == []
    assert life.see(stopped(EXITED_1)) == []
    assert life.store.launches == {}


def test_a_job_that_outlives_its_airflow_container_is_stopped_after_a_grace():
    life = Life(poll_interval=1e9)
    life.started()
    life.tick()
    life.see(over(EXITED_0))
    assert life.tick(119) == []
    assert life.tick(1) == [do.StopJob(request_id=4, launch_id="L1", job=JOB, reason="Its Airflow container ended")]
    assert life.launch().phase is Phase.STOPPING


def test_a_container_that_has_ended_without_an_exit_code_waits_for_its_job_to_stop():
    life = Life()
    life.started()
    assert life.see(over(HOST_LOST)) == []
    assert life.see(stopped(HOST_LOST)) == [do.Report(key="K1", success=False, job=JOB, stop=HOST_LOST)]


def test_what_was_seen_earlier_and_arrives_later_changes_nothing():
    life = Life()
    life.started()
    before = life.launch()
    assert life.see(starting()) == []
    assert life.launch() is before


def test_a_job_that_ran_and_ended_before_its_submit_was_answered_is_reported_at_once():
    life = Life()
    request_id = life.launching()
    assert life.feed(on.Accepted(request_id=request_id, launch_id="L1", seen=stopped(EXITED_0))) == [
        do.Launched(key="K1", job=JOB),
        do.Report(key="K1", success=True, job=JOB, stop=EXITED_0),
    ]


def test_each_place_is_asked_in_calls_of_bounded_size():
    life = Life(observe_batch=2)
    for number in range(3):
        life.feed(on.Adopted(launch_id=f"L{number}", key=f"K{number}", job=Job(f"arn:{number}", "c1")))
    life.feed(on.Adopted(launch_id="L9", key="K9", job=Job("arn:9", "c2")))
    assert life.tick() == [
        do.Describe(request_id=1, location="c1", jobs=(Job("arn:0", "c1"), Job("arn:1", "c1"))),
        do.Describe(request_id=2, location="c1", jobs=(Job("arn:2", "c1"),)),
        do.Describe(request_id=3, location="c2", jobs=(Job("arn:9", "c2"),)),
    ]


def test_the_next_sweep_begins_so_early_that_its_answers_are_in_when_the_interval_is_over():
    life = Life(observe_batch=1, poll_interval=8)
    life.feed(on.Adopted(launch_id="L1", key="K1", job=JOB))
    life.feed(on.Adopted(launch_id="L2", key="K2", job=JOB2))
    assert life.tick() == [
        do.Describe(request_id=1, location="c1", jobs=(JOB,)),
        do.Describe(request_id=2, location="c1", jobs=(JOB2,)),
    ]
    life.feed(on.Described(request_id=1, seen=(running(),)), after=1)
    life.feed(on.Described(request_id=2, seen=(running(JOB2),)), after=0.5)
    assert life.tick(4.9) == []
    assert [effect.request_id for effect in life.tick(0.1)] == [3, 4]


def test_a_sweep_begins_a_quarter_of_the_interval_early_at_most():
    life = Life(poll_interval=8)
    life.feed(on.Adopted(launch_id="L1", key="K1", job=JOB))
    life.tick()
    life.feed(on.Described(request_id=1, seen=(running(),)), after=5)
    assert life.tick(0.9) == []
    assert [effect.request_id for effect in life.tick(0.1)] == [2]


def test_a_sweep_that_took_longer_than_the_interval_is_followed_by_the_next_at_once():
    life = Life()
    life.feed(on.Adopted(launch_id="L1", key="K1", job=JOB))
    life.tick()
    life.feed(on.Described(request_id=1, seen=(running(),)), after=60)
    assert life.tick() == [do.Describe(request_id=2, location="c1", jobs=(JOB,))]


def test_a_sweep_that_failed_is_made_again_after_the_interval():
    life = Life()
    life.feed(on.Adopted(launch_id="L1", key="K1", job=JOB))
    life.tick()
    assert life.feed(on.DescribeFailed(request_id=1, failure=fault(FailureKind.THROTTLED)), after=1) == []
    assert life.tick(2.9) == []
    assert life.tick(0.1) == [do.Describe(request_id=2, location="c1", jobs=(JOB,))]


def test_where_nothing_runs_nothing_is_asked():
    life = Life()
    assert life.tick() == []
    assert life.tick(100) == []
