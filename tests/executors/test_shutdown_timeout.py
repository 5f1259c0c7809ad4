"""`end()` takes the time that it was given, all in all, and no more of the machine than it needs."""

from __future__ import annotations

import time

from aws_exec import AwsEcsExecutor
from tests.executors.harness import Scheduler, task
from tests.scripted.services import FOR_EVER, held


class Counting(AwsEcsExecutor):
    """Counts its heartbeats."""

    heartbeats = 0

    def sync(self):
        self.heartbeats += 1
        super().sync()


def test_end_takes_no_longer_than_shutdown_timeout_with_calls_that_hang(started, aws):
    aws.set_plan(FOR_EVER)
    scheduler = Scheduler(started(shutdown_timeout="2"))
    scheduler.queue(task("runs"))
    scheduler.until(aws.running)
    aws.goes_wrong(held(5))
    scheduler.queue(task("hangs"))
    scheduler.until(lambda: aws.calls()["RunTask"] == 2)
    begin = time.monotonic()
    scheduler.executor.end()
    assert time.monotonic() - begin < 3.8, "not once for the jobs and once more for the calls"


def test_a_heartbeat_interval_of_zero_is_no_busy_loop(started, aws):
    aws.set_plan(FOR_EVER)
    scheduler = Scheduler(started(Counting, shutdown_timeout="0.5"))
    key = scheduler.queue(task())
    scheduler.until(lambda: scheduler.arn(key))
    before = scheduler.executor.heartbeats
    scheduler.executor.end(heartbeat_interval=0)
    assert scheduler.executor.heartbeats - before <= 11
