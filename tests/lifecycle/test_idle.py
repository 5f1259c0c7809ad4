"""A heartbeat in which nothing happens costs next to nothing, whatever the number of jobs."""

from __future__ import annotations

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.values import Job
from tests.lifecycle.driver import Life, running, steps_of


def steps_of_a_tick(jobs: int) -> int:
    """Lines that an idle Tick runs through with so many watched jobs."""
    life = Life(poll_interval=1000.0)
    for number in range(jobs):
        launch_id, job = f"L{number}", Job(f"arn:{number}", "c")
        life.machine.handle(on.Adopted(launch_id=launch_id, key=f"K{number}", job=job), 0.0)
    effects = life.machine.handle(on.Tick(), 0.0)
    asked = [effect for effect in effects if isinstance(effect, do.Describe)]
    for observe in asked:
        seen = tuple(running(job, f"L{job.arn[4:]}-1") for job in observe.jobs)
        life.machine.handle(on.Described(request_id=observe.request_id, seen=seen), 0.0)
    assert sum(len(observe.jobs) for observe in asked) == jobs
    told: list[do.Effect] = []
    count = steps_of(lambda: told.extend(life.machine.handle(on.Tick(), 1.0)))
    assert told == []
    return count


def test_an_idle_heartbeat_takes_as_many_steps_for_ten_thousand_jobs_as_for_ten():
    assert steps_of_a_tick(10_000) == steps_of_a_tick(10) < 200


def test_a_heartbeat_looks_at_so_many_due_launches_and_no_more():
    life = Life(launches_per_tick=10)
    for number in range(5000):
        life.machine.handle(on.WorkloadQueued(launch_id=f"L{number}", key=f"K{number}", workload="work"), 0.0)
    assert len(life.machine.handle(on.Tick(), 0.0)) == 10
