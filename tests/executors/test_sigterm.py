"""SIGTERM is a `SystemExit` in whatever frame runs; it loses no task and launches none twice."""

from __future__ import annotations

import sys
import threading

import pytest

from aws_exec import AwsEcsExecutor
from tests.executors.harness import FastClock, Scheduler, task
from tests.executors.versions import queued_tasks
from tests.interruption import is_spared
from tests.scripted.services import FOR_EVER, Plan


class Terminate:
    """Raises SystemExit in the `at`-th line that the scheduler's thread executes in files of this path.

    Only the last heartbeat of several is of interest where `at` is more than there are: `lines` says how many there
    were.
    """

    def __init__(self, at, path) -> None:
        self._at = at
        self._path = path
        self.lines = 0

    def __enter__(self):
        sys.settrace(self._trace)
        return self

    def __exit__(self, *exc):
        sys.settrace(None)

    def _trace(self, frame, what, _):
        if self._path not in frame.f_code.co_filename:
            return None
        if what == "line" and not is_spared(frame):
            self.lines += 1
            if self.lines == self._at:
                sys.settrace(None)
                raise SystemExit(15)
        return self._trace


def await_completion(executor):
    """Without a heartbeat: so that the next one finds something to take in."""
    pause = threading.Event()
    while executor._heartbeat.dispatcher.peek() is None:
        pause.wait(0.001)


def interrupt(scheduler, at, path):
    """Interrupt one heartbeat that takes completions in, and workloads; whether it was, and the workloads."""
    before, new = [task(f"{at}-{number}") for number in range(2)], [task(f"{at}-new-{number}") for number in range(2)]
    scheduler.queue(*before)
    scheduler.heartbeat()
    await_completion(scheduler.executor)
    scheduler.queue(*new)
    try:
        with Terminate(at, path):
            scheduler.executor.heartbeat()
    except SystemExit:
        return True, [*before, *new]
    return False, [*before, *new]


def is_tracked(executor, key):
    """By the machine, or in what it has decided and nobody has carried out yet."""
    store = executor.machine.store
    unapplied = store._unapplied
    known = [*store.launches.values(), *store.outbox.values()]
    if unapplied:
        known += [*unapplied.effects.values(), *unapplied.launches.values()]
    return any(getattr(each, "key", None) == key for each in known)


def check(scheduler, workloads):
    """Every workload is in Airflow's queue, tracked, or reported; none stays in `running` for ever."""
    executor = scheduler.executor
    scheduler.listen()
    for key in (workload.key for workload in workloads):
        tracked = is_tracked(executor, key)
        assert tracked or key in queued_tasks(executor) or scheduler.outcomes(key), f"{key} is lost"
        assert tracked or key not in executor.running, f"{key} stays in running for ever"


@pytest.mark.parametrize(("path", "step"), [("/aws_exec/executors/", 1), ("/aws_exec/", 23)])
def test_a_sigterm_at_any_instant_of_a_heartbeat_loses_no_task(started, aws, path, step):
    """Somebody catches it, and the same executor goes on: every task ends, in one container."""
    aws.set_plan(Plan(run=0.005))
    scheduler = Scheduler(started(clock=FastClock(10)))
    scheduler.heartbeat()
    at, interrupted = 1, True
    while interrupted:
        interrupted, workloads = interrupt(scheduler, at, path)
        check(scheduler, workloads)
        scheduler.until_over(*(workload.key for workload in workloads))
        assert all(scheduler.outcomes(workload.key) == ["success"] for workload in workloads), at
        at += step
    assert aws.double_launches() == {}
    assert scheduler.executor.running == set()
    assert at > 100


def test_after_a_sigterm_the_end_launches_nothing_and_loses_nothing(started, aws):
    aws.set_plan(FOR_EVER)
    for at in range(1, 600, 97):
        scheduler = Scheduler(started(check_health_on_startup="False"))
        _, workloads = interrupt(scheduler, at, "/aws_exec/")
        scheduler.executor.end()
        # What had been sent before may still arrive: nobody waits for its answer.
        scheduler.until(lambda e=scheduler.executor: not e._heartbeat.dispatcher.outstanding)
        launched = len(aws.launches())
        scheduler.rest(0.05)
        assert len(aws.launches()) == launched
        assert aws.stops() == []
        check(scheduler, workloads)
    assert aws.double_launches() == {}


def test_a_second_sigterm_at_any_instant_of_the_end_is_obeyed_and_loses_nothing(started, aws):
    """Nothing in `end()` takes it for an error to go on from, however long it still might wait."""
    aws.set_plan(FOR_EVER)
    for at in range(1, 500, 53):
        scheduler = Scheduler(started(check_health_on_startup="False", shutdown_timeout="600"))
        workloads = [task(f"{at}-{number}") for number in range(2)]
        scheduler.queue(*workloads)
        scheduler.until(lambda those=workloads, its=scheduler: all(its.arn(workload.key) for workload in those))
        with pytest.raises(SystemExit), Terminate(at, "/aws_exec/"):
            scheduler.executor.end(heartbeat_interval=0)
        check(scheduler, workloads)
    assert aws.stops() == []
    assert aws.double_launches() == {}


def test_a_sigterm_at_any_instant_of_terminating_is_obeyed_and_terminating_again_spares_no_container(started, aws):
    """A stop that was asked for is asked for once more, or was answered; none is forgotten in between."""
    aws.set_plan(FOR_EVER)
    for at in range(1, 500, 167):
        scheduler = Scheduler(started(clock=FastClock(20), check_health_on_startup="False"))
        workloads = [task(f"{at}-{number}") for number in range(2)]
        scheduler.queue(*workloads)
        scheduler.until(lambda those=workloads, its=scheduler: all(its.arn(workload.key) for workload in those))
        with pytest.raises(SystemExit), Terminate(at, "/aws_exec/"):
            scheduler.executor.terminate()
        scheduler.executor.terminate()
        assert aws.running() == [], at
    assert aws.double_launches() == {}


def test_after_a_sigterm_at_any_instant_of_the_start_the_end_comes_at_once(configured):
    """Airflow ends what it has not quite started."""
    configured(check_health_on_startup="False", shutdown_timeout="600")
    at, interrupted = 1, True
    while interrupted:
        executor, interrupted = AwsEcsExecutor(parallelism=10), False
        try:
            with Terminate(at, "/aws_exec/"):
                executor.start()
        except SystemExit:
            interrupted = True
        executor.end()
        at += 97
    assert at > 400
