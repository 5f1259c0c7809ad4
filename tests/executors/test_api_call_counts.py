"""How many calls to AWS what costs, and how much one heartbeat takes on; counted, so that the machine may be busy."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from aws_exec.testing.fakes import FakeClock
from tests.executors.harness import Scheduler, task
from tests.executors.services import over_both
from tests.scripted.services import FOR_EVER

pytestmark = over_both

COUNT = 150

#: Pages of a listing of so many: 100 tasks a page, 1,000 jobs.
PAGES = {"ecs": 2, "batch": 1}


class SteppingClock(FakeClock):
    """Every look at it takes time, if it is told so."""

    step = 0.0

    def __call__(self):
        return self.advance(self.step)


@pytest.fixture
def clock():
    return SteppingClock()


@pytest.fixture
def scheduler(started, aws, clock):
    aws.set_plan(FOR_EVER)
    return Scheduler(started(clock=clock, poll_interval="5"))


def queued(scheduler):
    """Queue them all; a way to tell whether Airflow knows what each runs as."""
    workloads = [task(f"t{number}") for number in range(COUNT)]
    scheduler.queue(*workloads)
    return lambda: all(scheduler.arn(workload.key) for workload in workloads)


def launched(scheduler):
    """Launch them all; Airflow knows what each runs as."""
    scheduler.until(queued(scheduler))


def sweep(scheduler, clock):
    """The next sweep, to its end."""
    clock.advance(5)
    scheduler.heartbeat()
    assert scheduler.executor.machine.store.state.sweeping
    scheduler.until(lambda: not scheduler.executor.machine.store.state.sweeping)


def test_a_launch_is_one_call(scheduler, aws, service):
    launched(scheduler)
    assert aws.calls()[service.launch] == COUNT


@pytest.mark.parametrize("sidecars", [[], ["proxy"]], ids=["alone", "with a sidecar"])
def test_a_sweep_lists_what_runs_and_describes_a_share_of_what_may_have_ended_unseen(
    scheduler, aws, service, clock, sidecars
):
    aws.set_plan(replace(FOR_EVER, sidecars=dict.fromkeys(sidecars, 0)))
    launched(scheduler)
    scheduler.until(lambda: not scheduler.executor.machine.store.state.sweeping)
    sweep(scheduler, clock)  # this one sees that they run
    before = aws.calls()
    sweep(scheduler, clock)
    assert aws.calls() - before == +Counter({service.list: PAGES[service.name], service.describe: len(sidecars)})


def test_a_heartbeat_takes_in_what_it_has_time_for_and_leaves_the_rest_to_the_next(scheduler, clock):
    all_known = queued(scheduler)
    clock.step = 0.001
    scheduler.heartbeat()
    taken = len(scheduler.executor.machine.store.launches)
    assert 5 <= taken <= 20  # of 20 ms, at one look at the clock each or more
    clock.step = 0.0
    scheduler.heartbeat()
    assert len(scheduler.executor.machine.store.launches) == COUNT
    scheduler.until(all_known)
