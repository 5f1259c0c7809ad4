"""The history of launches: every change in order, as text, within bounds, and without secrets."""

from __future__ import annotations

import gc
import tracemalloc

from aws_exec.lifecycle import Machine, Policy
from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.history import STEPS
from aws_exec.lifecycle.launch import Launch
from aws_exec.lifecycle.values import CallFailure, FailureKind
from tests.lifecycle.driver import EXITED_1, JOB, JOB2, NEVER_STARTED, Life, running, starting, stopped

NO_ROOM = CallFailure(FailureKind.NO_CAPACITY, "RunTask", "RESOURCE:MEMORY")


def story(life, key="K1"):
    """Its lines, without when each was."""
    return [line.partition("  L")[2] for line in life.machine.story(key, life.now).splitlines()]


def test_a_story_says_why_a_launch_waits_and_what_became_of_it():
    life = Life()
    request_id = life.launching()
    life.feed(on.Adopted(launch_id="L2", key="K2", job=JOB2))
    life.feed(on.Unaccepted(request_id=request_id, launch_id="L1", failure=NO_ROOM))
    submit = life.submit_of(life.tick(after=10))
    life.feed(on.Accepted(request_id=submit.request_id, launch_id="L1", seen=starting(token="L1-2")))
    life.see(running(token="L1-2"))
    life.see(stopped(EXITED_1, token="L1-2"))
    told = story(life)
    assert told == [
        "1  WorkloadQueued: -> waiting; next look after 0.0 s",
        "1  Tick: waiting -> launching with token L1-1",
        (
            "1  Unaccepted (RunTask: RESOURCE:MEMORY): launching -> waiting; Note: Waiting to be launched; "
            "next look after 3.3 s"
        ),
        "1  Tick: waiting -> launching with token L1-2",
        "1  Accepted: launching -> starting; Launched arn:job-1",
        "1  Described: starting -> running",
        "1  Described: running -> ended; VerifyExit",
        "1  ExitVerified: ended -> over; Report failed: exit code 1",
    ]


def test_a_story_ends_with_where_the_launch_stands():
    life = Life(start_timeout=300.0)
    life.active()
    assert life.machine.story("K1", 10.0).splitlines()[-2:] == [
        "    10.0 s ago  L1  Accepted: launching -> starting; Launched arn:job-1; next look after 300.0 s",
        "       now  L1  starting, waits 290.0 s; attempt 1, 1 containers",
    ]
    life.see(stopped(NEVER_STARTED))
    life.feed(on.Revoked(key="K1"))
    assert life.machine.story("K1", 10.0).splitlines()[-2:] == [
        (
            "    10.0 s ago  L1  Described: starting -> waiting; Note: Its container never started; launching another "
            "(attempt 2 of 3); next look after 3.3 s"
        ),
        "    10.0 s ago  L1  Revoked: waiting -> over; Note: Revoked by Airflow while waiting; Release",
    ]


def test_a_story_says_why_a_job_does_not_start_and_that_it_must_end():
    life = Life(orphan_interval=900.0)
    life.feed(on.Adopted(launch_id="L1", key="K1", job=JOB, workload="work"))
    life.take("L2", "K1")
    life.feed(on.Terminating())
    (stop,) = [line for line in story(life) if "StopJob" in line]
    assert stop == ("1  Terminating: starting, superseded -> stopping, detached; StopJob: The executor was terminated")
    assert story(life)[-2:] == [
        (
            "1  stopping, detached, waits until something happens; attempt 1, 1 containers; "
            "must end: The executor was terminated"
        ),
        "2  waiting, waits 0.0 s; attempt 1, 0 containers",
    ]


def test_nothing_is_known_of_a_key_that_never_was():
    assert Life().machine.story("K1", 0.0) == "Nothing is known of it"


def test_the_launches_that_wait_longest_are_those_that_came_first_and_have_not_started():
    life = Life()
    life.started()
    for number in range(2, 6):
        life.take(f"L{number}", f"K{number}")
    assert life.machine.longest_waiting(3) == ["K2", "K3", "K4"]


def test_a_history_keeps_neither_workloads_nor_requests():
    life = Life()
    life.take()
    life.feed(on.Unaccepted(request_id=life.submit_of(life.tick()).request_id, launch_id="L1", failure=NO_ROOM))
    held = [each for row in filter(None, life.store.history) for each in (*row, *row[1], *row[1][3])]
    assert not [each for each in held if isinstance(each, Launch | do.Submit | on.WorkloadQueued | on.Unaccepted)]
    assert "work of" not in repr(list(filter(None, life.store.history)))


def test_a_history_is_bounded_and_takes_a_few_megabytes():
    machine = Machine(Policy())

    def run(first, count):
        for number in range(first, first + count):
            machine.handle(on.WorkloadQueued(launch_id=f"L{number}", key=f"K{number}", workload="work"), 0.0)
            machine.handle(on.Revoked(key=f"K{number}"), 0.0)
            machine.store.outbox.clear()

    run(0, STEPS // 2)
    assert None not in machine.store.history
    run(STEPS // 2, 100)
    assert len(machine.store.history) == STEPS
    assert machine.story("K0", 0.0) == "Nothing is known of it"
    assert "Revoked" in machine.story(f"K{STEPS // 2}", 0.0)
    gc.collect()
    tracemalloc.start()
    try:
        run(STEPS, STEPS // 2)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held / STEPS < 700
