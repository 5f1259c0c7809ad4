"""Nothing raises into the scheduler: not garbage, not a bug of ours, and a SIGTERM at any instant loses nothing."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
from airflow.utils.state import TaskInstanceState

from aws_exec.executors import telling
from aws_exec.testing.scripted import BY_HAND, FOR_EVER, Plan
from tests.executors.harness import PATIENCE, FastClock, Scheduler, task


class Hostile:
    """Raises at whatever is done to it."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __str__(self):
        raise RuntimeError("str")

    __repr__ = __str__


GARBAGE = [None, 0, -1, "", "x", b"x", [], {}, (), object(), SimpleNamespace(), float("nan"), Hostile()]


@pytest.mark.parametrize("junk", GARBAGE, ids=lambda junk: type(junk).__name__)
def test_garbage_raises_nothing(started, junk, ecs):
    executor = started()
    executor._process_workloads([junk, junk])
    executor.revoke_task(ti=junk)
    executor.revoke_task(ti=SimpleNamespace(key=junk))
    executor.send_message_to_task_logs(20, "%s %d", junk, ti=junk)
    executor.send_message_to_task_logs(20, junk, ti=task().key)
    executor.send_message_to_task_logs(junk, "text", ti=SimpleNamespace(key=junk))
    assert list(executor.try_adopt_task_instances([junk])) == [junk]
    executor.sync()
    executor.sync_running_tasks()
    executor.attempt_task_runs()
    executor.heartbeat()
    scheduler = Scheduler(executor)
    scheduler.until_over(scheduler.queue(task()))


@pytest.mark.parametrize("junk", GARBAGE[1:-1], ids=lambda junk: type(junk).__name__)
def test_a_state_that_is_none_and_a_key_that_nobody_knows_raise_nothing(started, junk):
    executor = started()
    key = task().key
    executor.change_state(key, junk)
    executor.change_state(key, TaskInstanceState.FAILED, junk)
    executor.fail(key)
    executor.success(key)
    executor.running_state(key, junk)


BAD_CONFIGS = [
    {"command": ["rm"]},
    {"name": "other"},
    {"overrides": 7},
    {"overrides": {"containerOverrides": "x"}},
    {"overrides": {"containerOverrides": [{"environment": "FOO=1"}]}},
    {"no_such_thing": 1},
    {"taskDefinition": ["x"]},
    {"memory": object},
    {1: 2},
]


@pytest.mark.parametrize("config", BAD_CONFIGS, ids=str)
def test_a_bad_executor_config_fails_its_own_task_with_the_reason_and_no_other(scheduler, ecs, config):
    """Wrong 5: `executor_config={"command": ...}` raises out of the heartbeat: a DAG author can crash-loop it."""
    bad, good = task("bad", executor_config=config), task("good")
    scheduler.queue(bad, good)
    scheduler.until_over(good.key)
    if config in ({"command": ["rm"]}, {"name": "other"}):  # these have a meaning, or are ignored with none
        scheduler.until_over(bad.key)
        return
    scheduler.until_over(bad.key)
    assert scheduler.outcomes(bad.key) == ["failed"]
    assert "executor_config" in scheduler.info(bad.key)
    assert "executor_config" in scheduler.notes_of(bad.key)
    assert scheduler.outcomes(good.key) == ["success"]
    assert scheduler.executor.running == set()


def test_a_workload_that_nobody_can_run_fails_alone(scheduler, ecs, monkeypatch):
    bad, good = task("bad"), task("good")
    of = scheduler.executor._launch_ids.of

    def broken(workload):
        if workload.ti.task_id == "bad":
            raise ZeroDivisionError
        return of(workload)

    monkeypatch.setattr(scheduler.executor._launch_ids, "of", broken)
    scheduler.queue(bad, good)
    scheduler.until_over(bad.key, good.key)
    assert scheduler.outcomes(bad.key) == ["failed"]
    assert scheduler.outcomes(good.key) == ["success"]


def test_what_one_report_raises_holds_up_no_other(scheduler, ecs, monkeypatch):
    """A bug in the words must not keep a key in `running` for ever."""
    monkeypatch.setattr(telling, "tell_stop", lambda *_, **__: 1 / 0)
    ecs.set_plan(Plan(exit_code=1))
    keys = [scheduler.queue(task(f"task-{number}")) for number in range(3)]
    scheduler.until_over(*keys)
    assert scheduler.executor.running == set()


class Terminate:
    """Raises SystemExit in the `at`-th line that the scheduler's thread executes in our executor or the core."""

    def __init__(self, at) -> None:
        self.at = at
        self.lines = 0

    def __enter__(self):
        sys.settrace(self._trace)
        return self

    def __exit__(self, *exc):
        sys.settrace(None)

    def _trace(self, frame, what, _):
        if "/aws_exec/" not in frame.f_code.co_filename:
            return None
        if what == "line":
            self.lines += 1
            if self.lines == self.at:
                sys.settrace(None)
                raise SystemExit(15)
        return self._trace


def test_a_sigterm_at_any_instant_of_a_beat_loses_no_task(started, ecs):
    """`sys.exit` in whatever frame runs; then `end()`. What was taken in is tracked, told, or still in the queue."""
    at, step = 1, 37
    while True:
        ecs.set_plan(Plan(run=0.02) if at % 2 else BY_HAND)
        scheduler = Scheduler(started(clock=FastClock(5), check_health_on_startup="False", shutdown_timeout="10"))
        workloads = [task(f"at-{at}-{number}") for number in range(4)]
        scheduler.queue(*workloads[:2])
        scheduler.beat()
        scheduler.queue(*workloads[2:])
        try:
            with Terminate(at) as trace:
                for _ in range(3):
                    scheduler.executor.heartbeat()
        except SystemExit:
            interrupted = True
        else:
            interrupted = False
        check(scheduler, workloads)
        finish(scheduler, workloads, ecs)
        assert ecs.double_launches() == {}
        scheduler.executor._dispatcher.close(0)
        if not interrupted:
            assert trace.lines < at
            break
        at += step
    assert at > 500


def check(scheduler, workloads):
    """Every key is in exactly the places where it must be."""
    executor = scheduler.executor
    scheduler.listen()
    for workload in workloads:
        key = workload.key
        tracked = any(record.key == key for record in executor.machine.book.records.values())
        pending = key in executor.queued_tasks
        assert tracked or pending or scheduler.outcomes(key) or waiting(executor, key), key
        assert tracked or not executor.running & {key} or waiting(executor, key), f"{key} stays in running for ever"


def waiting(executor, key):
    """It is in what the machine has decided and the executor has not carried out yet."""
    book = executor.machine.book
    unapplied = book._unapplied
    effects = list(book.outbox.values()) + (list(unapplied.effects.values()) if unapplied else [])
    records = [record for record in unapplied.records.values() if record] if unapplied else []
    return any(getattr(each, "key", None) == key for each in [*effects, *records])


def finish(scheduler, workloads, ecs):
    """The same scheduler goes on (an exception that somebody caught), and every task ends."""
    while True:
        for arn in ecs.running():
            ecs.start(arn)
            ecs.exit(arn)
            ecs.end(arn)
        if all(scheduler.outcome(workload.key) for workload in workloads):
            break
        scheduler.until(lambda: any(ecs.running()) or all(scheduler.outcome(w.key) for w in workloads), PATIENCE)
    assert all(scheduler.outcomes(workload.key) == ["success"] for workload in workloads)
    assert scheduler.executor.running == set()


def test_after_a_sigterm_the_end_launches_nothing_and_loses_nothing(started, ecs):
    ecs.set_plan(FOR_EVER)
    for at in range(1, 1500, 211):
        scheduler = Scheduler(started(check_health_on_startup="False"))
        workloads = [task(f"end-{at}-{number}") for number in range(4)]
        scheduler.queue(*workloads)
        try:
            with Terminate(at):
                for _ in range(3):
                    scheduler.executor.heartbeat()
        except SystemExit:
            pass
        scheduler.executor.end()
        launched = len(ecs.launches())
        scheduler.rest(0.05)
        assert len(ecs.launches()) == launched
        assert ecs.stops() == []
        check(scheduler, workloads)
    assert ecs.double_launches() == {}
