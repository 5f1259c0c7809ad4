"""The properties of the design, asserted of a world: after a step, of each Submit, of each container that one made."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle.values import launch_of, sequence_of
from tests.lifecycle.driver import check
from tests.lifecycle.model_cloud import Container

if TYPE_CHECKING:
    from tests.lifecycle.model_world import World


def check_submit(world: World, effect: do.Submit) -> None:
    launch = world.airflow.launches[effect.launch_id]
    assert not world.draining, f"{effect} after Draining"
    assert effect.launch_id not in world.in_flight, f"{effect} while another is in flight"
    assert effect.workload is not None, f"{effect} of nothing"
    if effect.request is None:
        by_row = effect.workload == f"row of {effect.launch_id}"
        assert by_row == (effect.read_at is not None), f"{effect} of a row, and nobody knows how old that is"
        assert by_row or str(effect.workload).startswith("work of"), f"{effect} of a row that was not read"
    assert not launch.fate, f"{effect} of a launch that is {launch.fate}"
    assert launch.deadline is None or world.now < launch.deadline, f"{effect} after its deadline"
    assert world.now >= world.not_before.get(effect.launch_id, 0.0), f"{effect} before its time"
    if launch.told is not None and world.cloud.get(launch.told).forgotten_until == inf:
        launch.token_base = launch_of(effect.token)  # adopted by the ARN of a job that AWS does not know any more
    assert launch_of(effect.token) == launch.token_base, f"{effect} has a token of another launch"


def check_made(world: World, made: Container, effect: do.Submit) -> None:
    launch = world.airflow.launches[effect.launch_id]
    assert not launch.stolen, f"{made} of a launch that another scheduler took"
    assert launch.ran_in is None, f"{made} for {launch}, which {launch.ran_in} has run"
    assert launch.deadline is None or world.now <= launch.deadline, f"{made} after the deadline of its launch"
    for other in world.cloud.containers:
        nobody_knows = launch_of(other.token) in world.airflow.orphans or other.forgotten_until == inf
        if other is made or nobody_knows:
            continue
        token_base = launch_of(other.token)
        if token_base == launch_of(made.token):
            assert other.token != made.token, f"a second container for {made.token}"
            assert not other.live, f"{made} beside {other}"
            user_initiated = other.ended is not None and other.ended.user_initiated
            assert not user_initiated, f"{made} replaces {other}, which someone stopped on purpose"
            assert not other.started, f"{made} replaces {other}, whose user code had started"
            assert sequence_of(other.token) < sequence_of(made.token), f"{made} after {other}"
        elif other.live and world.airflow.key_of_family(token_base) == launch.key and not world.airflow.terminated:
            tracked = world.machine.store.launches.get(world.machine.store.by_arn.get(other.job.arn, ""))
            assert tracked is not None, f"{made} beside {other}, which nobody tracks"
            assert tracked.container_exited or not tracked.stop_reason, f"{made} beside {other}, which is being stopped"
            assert tracked.started, f"{made} beside {other}, which may still start"


def check_step(world: World) -> None:
    """After every step."""
    store = world.machine.store
    check(store)
    for launch in world.airflow.launches.values():
        tracked = store.launches.get(launch.launch_id)
        if not launch.fate:
            assert tracked is not None, f"{launch} is lost: neither tracked nor reported nor released"
            assert not tracked.detached, f"{launch} will never be reported"
        elif launch.fate != "gone":
            assert tracked is None or tracked.detached, f"{launch} is {launch.fate}, and may be reported again"
    if not world.outstanding and not world.answers:
        _check_tracked(world)


def _check_tracked(world: World) -> None:
    launches = world.machine.store.launches.values()
    for container in world.cloud.containers:
        token_base = launch_of(container.token)
        if not container.live or token_base in world.airflow.orphans:
            continue
        known = any(r.job == container.job or (r.token_base == token_base and r.submit_in_doubt) for r in launches)
        assert known, f"{container} lives and nobody tracks it"


def check_left(world: World) -> None:
    """Of an executor that has ended in order."""
    assert not world.machine.unfinished(), "an executor that ends waits for ever"
    for tracked in world.machine.store.launches.values():
        if tracked.job is None or not tracked.stop_reason:
            continue
        container = world.cloud.get(tracked.job)
        assert container.stop_asked or not container.live, f"{container} was to be stopped, and its stop was not sent"
