"""A container is replaced only if it never started, and only if a new one can help."""

from dataclasses import replace

import pytest

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.launch import Attempts, HandedOver, Launch
from aws_exec.lifecycle.policy import REPLACE, Replacement
from aws_exec.lifecycle.values import Termination
from tests.lifecycle.driver import HOST_LOST, JOB, NEVER_STARTED, Life, starting, stopped

ON_PURPOSE = Termination("ecs", code="UserInitiated", user_initiated=True)


def test_a_container_that_never_started_is_replaced_after_a_pause_under_the_next_token():
    life = Life()
    life.active()
    text = "Its container never started; launching another (attempt 2 of 3)"
    assert life.see(stopped(NEVER_STARTED)) == [do.Note(key="K1", text=text, stop=NEVER_STARTED)]
    pause = REPLACE.after(1, "L1-1")
    assert life.tick(pause - 0.01) == []
    assert life.tick(0.02) == [
        do.Submit(request_id=2, launch_id="L1", key="K1", token="L1-2", workload="work of L1", location="c1")
    ]


def test_attempts_are_used_up_by_containers_that_died_before_they_started():
    life = Life(max_attempts=2)
    life.active()
    life.see(stopped(NEVER_STARTED))
    request_id = life.submit_of(life.tick(60)).request_id
    life.feed(on.Accepted(request_id=request_id, launch_id="L1", seen=starting(token="L1-2")))
    text = "2 containers died before they started"
    assert life.see(stopped(NEVER_STARTED, token="L1-2")) == [
        do.Report(key="K1", success=False, job=JOB, stop=NEVER_STARTED, text=text, containers=2),
    ]
    assert life.store.launches == {}


def test_an_end_that_is_nobodys_fault_spends_no_attempt():
    life = Life(max_attempts=1, judge=lambda _: Replacement.FREE)
    life.active()
    for number in range(2, 6):
        text = "Its container never started; launching another (attempt 1 of 1)"
        token = f"L1-{number - 1}"
        told = [do.Note(key="K1", text=text, stop=NEVER_STARTED)] if number == 2 else []  # said once
        assert life.see(stopped(NEVER_STARTED, token=token)) == told
        submit = next(effect for effect in life.tick(60) if isinstance(effect, do.Submit))
        assert submit.token == f"L1-{number}"
        life.feed(on.Accepted(request_id=submit.request_id, launch_id="L1", seen=starting(token=submit.token)))


@pytest.mark.parametrize(
    ("stop", "judge"),
    [(NEVER_STARTED, Replacement.NO), (ON_PURPOSE, Replacement.YES)],
    ids=["the reason is permanent", "someone stopped it on purpose"],
)
def test_where_a_new_container_cannot_help_the_task_fails_at_once(stop, judge):
    life = Life(judge=lambda _: judge)
    life.active()
    assert life.see(stopped(stop)) == [do.Report(key="K1", success=False, job=JOB, stop=stop)]
    assert life.store.launches == {}


def test_a_container_that_started_is_never_replaced_whatever_the_judge_says():
    life = Life(judge=lambda _: Replacement.FREE)
    life.started()
    assert life.see(stopped(HOST_LOST)) == [do.Report(key="K1", success=False, job=JOB, stop=HOST_LOST)]
    assert life.tick(1000) == []


def test_a_late_word_of_a_replaced_container_changes_nothing():
    life = Life()
    life.active()
    life.see(stopped(NEVER_STARTED))
    before = life.launch()
    assert life.see(stopped(NEVER_STARTED)) == []
    assert life.see(starting()) == []
    assert life.launch() is before


def test_a_replacement_begins_afresh_but_for_what_the_launch_has_used_up():
    life = Life(start_timeout=100)
    life.active()
    life.see(replace(starting(), waiting="CAPACITY"))
    life.sweep(missing=[JOB])
    life.see(stopped(NEVER_STARTED))
    assert life.launch() == Launch(
        "L1",
        "K1",
        work=HandedOver("work of L1"),
        location="c1",
        token_sequence=2,
        attempts=Attempts(attempt=2, containers=1, failed_starts=1),
        due=life.now + REPLACE.after(1, "L1-1"),
    )


def test_containers_that_die_one_after_the_other_are_replaced_ever_later():
    life = Life(judge=lambda _: Replacement.FREE, poll_interval=1e9)
    life.active()
    pauses = []
    for number in range(1, 7):
        life.see(stopped(NEVER_STARTED, token=f"L1-{number}"))
        pauses.append(life.launch().due - life.now)
        submit = life.submit_of([each for each in life.tick(pauses[-1]) if isinstance(each, do.Submit)])
        life.feed(on.Accepted(request_id=submit.request_id, launch_id="L1", seen=starting(token=submit.token)))
    assert pauses == pytest.approx([REPLACE.after(number, f"L1-{number}") for number in range(1, 7)])
    assert pauses[-1] > REPLACE.ceiling / 2
