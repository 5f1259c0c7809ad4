"""What the machine does for a job does not depend on how many there are: steps and bytes, counted, not timed.

`make bench` takes the times (docs/benchmarks.md); these counts notice a loss without a quiet machine.
"""

from __future__ import annotations

import gc
import tracemalloc
from uuid import UUID

import pytest

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.values import Job
from tests.lifecycle.driver import EXITED_0, Life, running, starting, steps_of, stopped

FEW, MANY = 500, 4000


def life_with(count):
    """A life whose jobs have all been seen running; a sweep is due 5 s later."""
    life = Life()
    for number in range(count):
        life.machine.handle(on.Adopted(launch_id=f"L{number}", key=f"K{number}", job=Job(f"arn:{number}", "c")), 0.0)
    see_all(life, life.machine.handle(on.Tick(), 0.0))
    life.store.outbox.clear()
    return life


def see_all(life, effects):
    for observe in effects:
        seen = tuple(running(job, f"L{job.arn[4:]}-1") for job in observe.jobs)
        life.machine.handle(on.Described(request_id=observe.request_id, seen=seen), 0.0)


def handling(life, event, now):
    """Steps that handling an event takes, and the effects."""
    told = []
    return steps_of(lambda: told.extend(life.machine.handle(event, now))), told


@pytest.fixture(params=[FEW, MANY])
def count(request):
    return request.param


def test_a_sweep_asks_once_for_all_that_run_and_describes_its_share(count):
    effects = life_with(count).machine.handle(on.Tick(), 5.0)
    (watch,) = [effect for effect in effects if isinstance(effect, do.ListRunning)]
    observed = [effect for effect in effects if isinstance(effect, do.Describe)]
    share = -(-count // 12)  # a twelfth: once in look_interval, 60 s, at a poll_interval of 5 s
    assert sum(len(observe.jobs) for observe in observed) == share
    assert len(observed) == -(-share // 99)
    assert len(watch.jobs) == count - share


def test_a_sweep_takes_a_few_steps_for_each_job(count):
    steps, _ = handling(life_with(count), on.Tick(), 5.0)
    assert steps < 8 * count


def test_a_listing_that_still_has_everybody_costs_next_to_nothing(count):
    life = life_with(count)
    (watch,) = [effect for effect in life.machine.handle(on.Tick(), 5.0) if isinstance(effect, do.ListRunning)]
    steps, told = handling(
        life, on.RunningListed(request_id=watch.request_id, location=watch.location, unlisted=()), 5.1
    )
    assert told == []
    assert steps < 200


def test_an_end_takes_as_many_steps_among_thousands_as_among_hundreds():
    def steps_of_99_ends(count):
        life = life_with(count)
        seen = tuple(
            stopped(EXITED_0, Job(f"arn:{number}", "c"), f"L{number}-1") for number in range(count - 99, count)
        )
        steps, verifies_exit = handling(life, on.Described(request_id=None, seen=seen), 6.0)
        assert [type(effect) for effect in verifies_exit] == [do.VerifyExit] * 99
        for settle in verifies_exit:
            more, told = handling(
                life, on.ExitVerified(request_id=settle.request_id, launch_id=settle.launch_id, awaited=True), 6.1
            )
            assert [type(effect) for effect in told] == [do.Report]
            steps += more
        return steps

    # The heap of due times is tidied now and then: a few steps more or less.
    assert abs(steps_of_99_ends(MANY) - steps_of_99_ends(FEW)) < 99
    assert steps_of_99_ends(FEW) < 99 * 1300


def test_a_launch_takes_as_many_steps_beside_thousands_of_jobs_as_beside_hundreds():
    def steps_of_a_launch(count):
        life = life_with(count)
        taken, _ = handling(life, on.WorkloadQueued(launch_id="new", key="key", workload="work"), 1.0)
        begun, told = handling(life, on.Tick(), 1.0)
        request_id = life.submit_of(told).request_id
        known, _ = handling(
            life, on.Accepted(request_id=request_id, launch_id="new", seen=starting(Job("arn:new", "c"), "new-1")), 1.1
        )
        return taken + begun + known

    assert steps_of_a_launch(MANY) == steps_of_a_launch(FEW) < 2500


def test_a_running_job_takes_less_than_a_kilobyte_and_a_half_beside_its_key_and_arn():
    ids = [str(UUID(int=number)) for number in range(2 * FEW)]
    jobs = [Job(f"arn:{launch_id}", "c") for launch_id in ids]
    life = Life()

    def run(few):
        for number in few:
            life.machine.handle(on.Adopted(launch_id=ids[number], key=ids[number], job=jobs[number]), 0.0)
        see_all(life, life.machine.handle(on.Tick(), life.store.state.next_sweep))
        life.store.outbox.clear()
        gc.collect()

    run(range(FEW))
    tracemalloc.start()
    try:
        run(range(FEW, 2 * FEW))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held / FEW < 1536
