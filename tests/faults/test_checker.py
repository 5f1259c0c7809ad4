"""The checker of the fault matrix finds what a broken executor or adapter does."""

from __future__ import annotations

import pytest

from aws_exec import AwsBatchExecutor, AwsEcsExecutor
from aws_exec.executors.heartbeat import Heartbeat
from aws_exec.executors.reporter import Reporter
from tests.executors.harness import with_part
from tests.executors.services import BATCH, ECS
from tests.faults.scenarios import plan_by_name
from tests.faults.world import World
from tests.scripted.services import Plan, reset


class Wrapped:
    """An adapter with something wrong about it."""

    def __init__(self, cloud) -> None:
        self._cloud = cloud

    def __getattr__(self, name):
        return getattr(self._cloud, name)


class Blind(Wrapped):
    """Finds nothing, and says that there is nothing."""

    def find(self, token_bases, locations):
        return []


class Lazy(Wrapped):
    """Says that it has stopped what it has not, and that what runs is over."""

    def stop(self, jobs, reason):
        return [None for _ in jobs]


class SubmitsTwice(AwsBatchExecutor):
    def build_adapter(self, options, builder, access):
        return Blind(super().build_adapter(options, builder, access))


class ForgetsToStop(AwsEcsExecutor):
    def build_adapter(self, options, builder, access):
        return Lazy(super().build_adapter(options, builder, access))

    def revoke_task(self, *, ti):
        super().revoke_task(ti=ti)
        store = self.machine.store
        for launch_id in store.by_key.pop(ti.key, ()):
            store.watched.pop(launch_id, None)
            store.by_arn.pop(store.launches.pop(launch_id).job.arn)


class DropsAnEnd(Reporter):
    def end(self, key, text, *, success):
        if key.task_id != "ends-1":
            super().end(key, text, success=success)


class ReportsTwice(Reporter):
    """An old answer is taken for another end."""

    _reported = ()

    def report_waiting(self):
        super().report_waiting()
        if self._reported and self._reported[0] not in self._executor.event_buffer:
            super().end(self._reported[0], "again", success=True)
            self._reported = ()

    def end(self, key, text, *, success):
        super().end(key, text, success=success)
        if success:
            self._reported = (key,)


class ReportsTheContrary(Reporter):
    def end(self, key, text, *, success):
        super().end(key, text, success=not success)


class Stumbles(Heartbeat):
    def handle_completions(self, deadline):
        super().handle_completions(deadline)
        if self._executor.running:
            raise ZeroDivisionError


def run(world: World) -> list[str]:
    """Three tasks, the answers to whose launches are lost; what is wrong in the end."""
    world.aws.set_plan(plan_by_name)
    world.aws.goes_wrong(reset(acts=True), world.service.launch, times=3)
    world.queue("ends-1", "ends-2", "fails")
    world.pass_time(200)
    return world.violations()


@pytest.mark.parametrize("service", [ECS, BATCH], ids=str)
def test_a_sound_executor_does_nothing_wrong(service):
    with World(service) as world:
        assert run(world) == []


@pytest.mark.parametrize(
    ("part", "broken", "wrong"),
    [
        ("_reporter", DropsAnEnd, "reports: ends-1 was reported [], not ['success']"),
        ("_reporter", ReportsTwice, "was reported ['success', 'success'], not ['success']"),
        ("_reporter", ReportsTheContrary, "reports: fails was reported ['success'], not ['failed']"),
        ("_heartbeat", Stumbles, "raised: aws_exec.executor: A heartbeat of Stumbles failed"),
    ],
)
def test_it_sees_what_is_reported_wrongly(part, broken, wrong):
    with World(ECS, with_part(AwsEcsExecutor, part, broken)) as world:
        assert wrong in "\n".join(run(world))


def test_it_sees_a_second_container_at_once():
    with World(BATCH, SubmitsTwice) as world, pytest.raises(AssertionError, match="twice: 2 containers have the token"):
        run(world)


def test_it_sees_a_container_that_nobody_follows_at_once():
    with World(ECS, ForgetsToStop) as world:
        world.aws.set_plan(plan_by_name)
        (story,) = world.queue("stays")
        world.pass_time(20)
        world.revoke(story)
        with pytest.raises(AssertionError, match="untracked"):
            world.step()


def test_it_sees_what_has_not_ended():
    with World(ECS) as world:
        world.aws.set_plan(Plan(run=None))
        world.queue("stays")
        world.pass_time(20)
        world.until(lambda: not world.evidence().pending)  # a look at it may be on its way
        kinds = {text.partition(":")[0] for text in world.violations()}
    assert kinds == {"alive", "record", "running", "reports"}


def test_it_sees_a_reason_that_was_not_said_and_a_note_that_was_said_too_often():
    with World(ECS) as world:
        world.aws.set_plan(plan_by_name)
        world.aws.goes_wrong(ECS.no_place, "RunTask", times=1)
        (story,) = world.queue("fails", reason="the moon", said="the moon")
        world.until_over()
        kinds = [text.partition(":")[0] for text in world.violations()]
        assert kinds == ["reason", "said"]
        story.reason, story.said = "Exit code: 1", "Cluster not found"
        assert world.violations() == []
