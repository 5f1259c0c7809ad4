"""From the accepted job to its end: who reports what."""

import pytest

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.phases import Phase
from aws_exec.lifecycle.values import Job, Stop, Trouble
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

SIDECAR_DIED = Stop("ecs", exit_code=0, started=True, sidecars=("proxy: 143",))


@pytest.mark.parametrize(
    ("stop", "success"),
    [(EXITED_0, True), (EXITED_1, False), (HOST_LOST, False), (SIDECAR_DIED, True)],
    ids=["exit code 0", "exit code 1", "host lost", "a sidecar died"],
)
def test_the_end_of_a_started_container_is_reported_as_it_was(stop, success):
    life = Life()
    life.started()
    assert life.see(stopped(stop)) == [do.Report("K1", success=success, job=JOB, stop=stop)]
    assert life.book.records == {}
    assert life.tick(1000) == []


def test_a_container_whose_start_was_never_seen_is_judged_by_its_exit_code():
    life = Life()
    life.active()
    assert life.see(stopped(EXITED_1)) == [do.Report("K1", success=False, job=JOB, stop=EXITED_1)]


def test_a_lost_host_under_a_container_that_was_seen_running_fails_the_task_and_replaces_nothing():
    life = Life()
    life.started()
    lost = Stop("ecs", reason="Host EC2 terminated")
    assert life.see(stopped(lost)) == [do.Report("K1", success=False, job=JOB, stop=lost)]
    assert life.book.records == {}


def test_a_job_that_stopped_without_a_word_is_still_over():
    life = Life()
    life.started()
    assert life.see(stopped(None)) == [do.Report("K1", success=False, job=JOB, stop=Stop("ecs", started=True))]


def test_the_workload_is_kept_until_user_code_has_started():
    life = Life()
    life.active()
    assert life.record().workload == "work of L1"
    assert life.see(running()) == []
    assert (life.record().workload, life.record().started) == (None, True)


def test_the_airflow_container_decides_while_the_rest_still_runs():
    life = Life()
    life.started()
    assert life.see(over(EXITED_0)) == [do.Report("K1", success=True, job=JOB, stop=EXITED_0)]
    assert life.see(over(EXITED_0)) == []
    assert life.see(stopped(EXITED_1)) == []
    assert life.book.records == {}


def test_a_job_that_outlives_its_airflow_container_is_stopped_after_a_grace():
    life = Life(poll_interval=1e9)
    life.started()
    life.tick()
    life.see(over(EXITED_0))
    assert life.tick(119) == []
    assert life.tick(1) == [do.StopJob(4, "L1", JOB, "Its Airflow container ended")]
    assert life.record().phase is Phase.STOPPING


def test_a_container_that_has_ended_without_an_exit_code_waits_for_its_job_to_stop():
    life = Life()
    life.started()
    assert life.see(over(HOST_LOST)) == []
    assert life.see(stopped(HOST_LOST)) == [do.Report("K1", success=False, job=JOB, stop=HOST_LOST)]


def test_what_was_seen_earlier_and_arrives_later_changes_nothing():
    life = Life()
    life.started()
    before = life.record()
    assert life.see(starting()) == []
    assert life.record() is before


def test_a_job_that_ran_and_ended_before_its_submit_was_answered_is_reported_at_once():
    life = Life()
    ask = life.launching()
    assert life.tell(on.Accepted(ask, "L1", stopped(EXITED_0))) == [
        do.Launched("K1", JOB),
        do.Report("K1", success=True, job=JOB, stop=EXITED_0),
    ]


def test_each_place_is_asked_in_calls_of_bounded_size():
    life = Life(observe_batch=2)
    for number in range(3):
        life.tell(on.Adopted(f"L{number}", f"K{number}", Job(f"arn:{number}", "c1")))
    life.tell(on.Adopted("L9", "K9", Job("arn:9", "c2")))
    assert life.tick() == [
        do.Observe(1, "c1", (Job("arn:0", "c1"), Job("arn:1", "c1"))),
        do.Observe(2, "c1", (Job("arn:2", "c1"),)),
        do.Observe(3, "c2", (Job("arn:9", "c2"),)),
    ]


def test_the_next_sweep_begins_so_early_that_its_answers_are_in_when_the_interval_is_over():
    life = Life(observe_batch=1, poll_interval=8)
    life.tell(on.Adopted("L1", "K1", JOB))
    life.tell(on.Adopted("L2", "K2", JOB2))
    assert life.tick() == [do.Observe(1, "c1", (JOB,)), do.Observe(2, "c1", (JOB2,))]
    life.tell(on.Observed(1, (running(),)), after=1)
    life.tell(on.Observed(2, (running(JOB2),)), after=0.5)
    assert life.tick(4.9) == []
    assert [effect.ask for effect in life.tick(0.1)] == [3, 4]


def test_a_sweep_begins_a_quarter_of_the_interval_early_at_most():
    life = Life(poll_interval=8)
    life.tell(on.Adopted("L1", "K1", JOB))
    life.tick()
    life.tell(on.Observed(1, (running(),)), after=5)
    assert life.tick(0.9) == []
    assert [effect.ask for effect in life.tick(0.1)] == [2]


def test_a_sweep_that_took_longer_than_the_interval_is_followed_by_the_next_at_once():
    life = Life()
    life.tell(on.Adopted("L1", "K1", JOB))
    life.tick()
    life.tell(on.Observed(1, (running(),)), after=60)
    assert life.tick() == [do.Observe(2, "c1", (JOB,))]


def test_a_sweep_that_failed_is_made_again_after_the_interval():
    life = Life()
    life.tell(on.Adopted("L1", "K1", JOB))
    life.tick()
    assert life.tell(on.ObserveFailed(1, fault(Trouble.THROTTLED)), after=1) == []
    assert life.tick(2.9) == []
    assert life.tick(0.1) == [do.Observe(2, "c1", (JOB,))]


def test_where_nothing_runs_nothing_is_asked():
    life = Life()
    assert life.tick() == []
    assert life.tick(100) == []
