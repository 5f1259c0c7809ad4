"""How long a launch took is measured from its hand-over to its job, and to the first sight of its container started."""

from __future__ import annotations

import sys

import pytest

from aws_exec.executors.metrics import ExecutorMetrics
from aws_exec.lifecycle import Machine, Policy, effects, events
from aws_exec.lifecycle.values import Job, Observation, Status, Termination
from aws_exec.testing import FakeClock
from tests.executors.recorded import Recorder
from tests.executors.versions import initialize_stats

A, B = Job("arn:a"), Job("arn:b")


class Life:
    """A machine and its metering, on a clock that a test moves."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.machine = Machine(Policy(poll_interval=0, stall_after=1e9))
        self.metering = ExecutorMetrics("ecs", {}, self.clock)
        self.stats = Recorder().install()

    def feed(self, event):
        now = self.clock()
        new_effects = self.machine.handle(event, now)
        self.metering.record(event, new_effects, now)
        return new_effects

    def tick(self, kind):
        (effect,) = [effect for effect in self.feed(events.Tick()) if isinstance(effect, kind)]
        return effect.request_id

    def accept(self, job, launch_id="L", status=Status.STARTING):
        seen = Observation(job, status, started=status is Status.RUNNING)
        self.feed(events.Accepted(request_id=self.tick(effects.Submit), launch_id=launch_id, seen=seen))

    def see(self, job, status, **how):
        self.feed(events.Described(request_id=self.tick(effects.Describe), seen=(Observation(job, status, **how),)))

    def times(self):
        self.metering.flush({})
        return {name.rpartition(".")[2]: [each / 1000 for each in times] for name, times in self.stats.times.items()}


@pytest.fixture
def life():
    yield Life()
    initialize_stats(Recorder)


def test_the_three_spans_of_a_launch(life):
    life.feed(events.WorkloadQueued(launch_id="L", key="K", workload="work"))
    life.clock.advance(2)
    life.accept(A)
    life.clock.advance(30)
    life.see(A, Status.STARTING)
    life.clock.advance(5)
    life.see(A, Status.RUNNING, started=True)
    life.clock.advance(5)
    life.see(A, Status.RUNNING, started=True)
    assert life.times() == {"queued_to_accepted": [2], "accepted_to_running": [35], "queued_to_running": [37]}


def test_a_job_that_runs_when_it_is_accepted_waited_for_nothing(life):
    life.feed(events.WorkloadQueued(launch_id="L", key="K", workload="work"))
    life.clock.advance(1)
    life.accept(A, status=Status.RUNNING)
    assert life.times() == {"queued_to_accepted": [1], "accepted_to_running": [0], "queued_to_running": [1]}


def test_a_replacement_counts_from_the_hand_over_and_from_its_own_acceptance(life):
    life.feed(events.WorkloadQueued(launch_id="L", key="K", workload="work"))
    life.accept(A)
    life.see(A, Status.STOPPED, stop=Termination("ecs", reason="nobody knows"))
    life.clock.advance(100)
    life.accept(B)
    life.clock.advance(7)
    life.see(B, Status.RUNNING, started=True)
    assert life.times() == {"queued_to_accepted": [0], "accepted_to_running": [7], "queued_to_running": [107]}


def test_a_container_that_is_over_when_it_is_first_seen_has_started(life):
    life.feed(events.WorkloadQueued(launch_id="L", key="K", workload="work"))
    life.accept(A)
    life.clock.advance(3)
    life.see(A, Status.STOPPED, started=True, stop=Termination("ecs", exit_code=0, started=True))
    assert life.times()["accepted_to_running"] == [3]


def test_what_never_started_and_what_was_adopted_has_no_time_to_start(life):
    life.feed(events.WorkloadQueued(launch_id="L", key="K", workload="work"))
    life.accept(A)
    life.see(A, Status.STOPPED, stop=Termination("ecs", reason="CannotPullContainerError: not found"))
    life.feed(events.Adopted(launch_id="M", key="K2", job=B))
    life.see(B, Status.RUNNING, started=True)
    assert life.times() == {"queued_to_accepted": [0]}


def test_nothing_is_left_of_launches_that_are_over(life):
    for number in range(10):
        life.feed(events.WorkloadQueued(launch_id=f"L{number}", key="K", workload="work"))
        life.feed(events.Revoked(key="K"))
    life.feed(events.WorkloadQueued(launch_id="L", key="K", workload="work"))
    life.accept(A)
    life.see(A, Status.RUNNING, started=True)
    watch = life.metering._watch
    assert (watch._waiting, watch._by_arn) == ({}, {})


def test_nothing_is_left_of_a_launch_that_failed_before_it_started(life):
    life.feed(events.WorkloadQueued(launch_id="L", key="K", workload="work"))
    life.accept(A)
    life.see(A, Status.STOPPED, stop=Termination("ecs", reason="stopped by jane", user_initiated=True))
    watch = life.metering._watch
    assert (watch._waiting, watch._by_arn) == ({}, {})


def test_an_idle_heartbeat_makes_as_good_as_no_calls(life):
    for number in range(1000):
        life.feed(events.WorkloadQueued(launch_id=f"L{number}", key=f"K{number}", workload="work"))
    life.metering.flush({})
    count = 0

    def count_calls(*_):
        nonlocal count
        count += 1

    before = sys.getprofile()
    sys.setprofile(count_calls)
    try:
        life.metering.record(events.Tick(), [], life.clock())
        life.metering.heartbeat(life.clock(), dict)
    finally:
        sys.setprofile(before)
    assert count < 60
