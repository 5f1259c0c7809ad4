"""Nothing raises into the scheduler: not garbage, not a bug of ours."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from airflow.utils.state import TaskInstanceState

from aws_exec import AwsEcsExecutor
from aws_exec.clouds.ecs.adapter import EcsCloud
from aws_exec.lifecycle.phases import Phase
from tests.executors.harness import Scheduler, again, task
from tests.executors.services import ECS, over_both
from tests.executors.versions import unwrapped
from tests.scripted.services import Plan


class Hostile:
    """Raises at whatever is done to it."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __str__(self):
        raise RuntimeError("str")

    __repr__ = __str__


GARBAGE = [None, 0, -1, "", "x", b"x", [], {}, (), object(), SimpleNamespace(), float("nan"), Hostile()]


@pytest.mark.parametrize("junk", GARBAGE, ids=lambda junk: type(junk).__name__)
def test_garbage_raises_nothing(started, junk, aws):
    executor = started()
    executor._process_workloads([junk, junk])
    executor.revoke_task(ti=junk)
    executor.revoke_task(ti=SimpleNamespace(key=junk))
    executor.send_message_to_task_logs(20, "%s %d", junk, ti=junk)
    executor.send_message_to_task_logs(20, junk, ti=task().key)
    executor.send_message_to_task_logs(junk, "text", ti=SimpleNamespace(key=junk))
    assert list(unwrapped(executor.try_adopt_task_instances)([junk])) == [junk]
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


BAD_CONFIGS = {
    "command": ({"command": ["rm"]},) * 2,
    "another name": ({"name": "other"}, {"jobQueue": ["other"]}),
    "type of the overrides": ({"overrides": 7}, {"containerOverrides": 7}),
    "type of a container": ({"overrides": {"containerOverrides": "x"}}, {"ecsPropertiesOverride": "x"}),
    "environment": (
        {"overrides": {"containerOverrides": [{"environment": "FOO=1"}]}},
        {"containerOverrides": {"environment": "FOO=1"}},
    ),
    "unknown": ({"no_such_thing": 1},) * 2,
    "definition": ({"taskDefinition": ["x"]}, {"jobDefinition": ["x"]}),
    "object": ({"memory": object},) * 2,
    "key": ({1: 2},) * 2,
    "array": ({"count": 7}, {"arrayProperties": {"size": 7}}),
}


@over_both
@pytest.mark.parametrize("config", BAD_CONFIGS.values(), ids=BAD_CONFIGS)
def test_a_bad_executor_config_fails_its_own_task_with_the_reason_and_no_other(scheduler, service, config):
    """Wrong 5: `executor_config={"command": ...}` raises out of the heartbeat: a DAG author can crash-loop it."""
    config = config[0 if service is ECS else 1]
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


class NeitherTrueNorFalse:
    def __bool__(self):
        raise ZeroDivisionError


def test_a_workload_that_nobody_can_run_fails_alone(scheduler, aws):
    bad, good = again(task("bad"), executor_config=NeitherTrueNorFalse()), task("good")
    scheduler.queue(bad, good)
    scheduler.until_over(bad.key, good.key)
    assert scheduler.outcomes(bad.key) == ["failed"]
    assert scheduler.outcomes(good.key) == ["success"]


class SaysNoWords(EcsCloud):
    """An adapter with a bug: no reason of what it sees is a text."""

    def _see(self, task, job, token=None):
        seen = super()._see(task, job, token)
        return replace(seen, stop=seen.stop and replace(seen.stop, reason=Hostile()))


class WithSuchAnAdapter(AwsEcsExecutor):
    def build_adapter(self, options, builder, access):
        adapter = super().build_adapter(options, builder, access)
        adapter.__class__ = SaysNoWords
        return adapter


def test_what_one_report_raises_holds_up_no_other(started, aws):
    """A bug in the words must not keep a key in `running` for ever."""
    scheduler = Scheduler(started(WithSuchAnAdapter))
    aws.set_plan(Plan(exit_code=1))
    keys = [scheduler.queue(task(f"task-{number}")) for number in range(3)]
    scheduler.until_over(*keys)
    assert scheduler.executor.running == set()
    assert [scheduler.outcomes(key) for key in keys] == [["failed"]] * 3
    assert all(scheduler.info(key).endswith("(the scheduler's log says why there is no more)") for key in keys)


def test_a_change_of_a_phase_that_nobody_foresaw_is_logged_once(scheduler, caplog):
    store = scheduler.executor.machine.store
    store.unexpected.add(("a key", Phase.WAITING, Phase.STOPPING))
    scheduler.rest(0.1)
    assert caplog.text.count("went from Phase.WAITING to Phase.STOPPING, which nobody foresaw") == 1
    assert "a key:\nNothing is known of it" in caplog.text
    assert store.unexpected == set()
