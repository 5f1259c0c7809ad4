"""A scripted Amazon ECS and AWS Batch over HTTP on loopback: stateful, fast, and as unreliable as a test wants them.

    with ScriptedEcs(plan=Plan(start=0.1, run=1.0), latency=0.06) as ecs:
        ecs.goes_wrong(reset(acts=True), "RunTask", share=0.05)   # 5 % of the answers are lost
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECS", ecs.url)
        ...
        assert ecs.double_launches() == {}

Tasks and jobs start, run and stop by age, as their plan says, or by hand (`BY_HAND`, then `start`, `exit`, `end`).
What is answered has the shape and size of AWS's answers. Every container that was ever launched is in `launches()`.

They do not run anything: for containers that do, see `aws_exec.local`. With `in_a_process()` they take no CPU time
from the process whose heartbeats are measured.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.managers import BaseManager
from typing import Any, cast

from tests.scripted.api import Launch
from tests.scripted.batch import BatchApi
from tests.scripted.ecs import EcsApi
from tests.scripted.life import BY_HAND, FOR_EVER, Plan
from tests.scripted.service import Planned, ScriptedAws
from tests.scripted.tricks import (
    AWS_QUOTAS,
    THROTTLES,
    Quota,
    Trick,
    altered,
    cut_short,
    denied,
    empty,
    error,
    expired,
    held,
    invalid,
    no_cluster,
    no_queue,
    refusal,
    reset,
    server_error,
    unsigned,
)

__all__ = [
    "AWS_QUOTAS",
    "BY_HAND",
    "FOR_EVER",
    "THROTTLES",
    "Launch",
    "Plan",
    "Quota",
    "ScriptedAws",
    "ScriptedBatch",
    "ScriptedEcs",
    "Trick",
    "altered",
    "cut_short",
    "denied",
    "empty",
    "error",
    "expired",
    "held",
    "in_a_process",
    "invalid",
    "no_cluster",
    "no_queue",
    "refusal",
    "reset",
    "server_error",
    "unsigned",
]


class ScriptedEcs(ScriptedAws):
    """A scripted ECS.

    Args:
        plan: see `ScriptedAws`.
        clusters: those that exist; None: every one.
        strategies: default capacity provider strategies, by the cluster's name.
        strict_listing: ListTasks refuses `desiredStatus` beside `startedBy`.
        **how: see `ScriptedAws`.
    """

    VARIABLE = "AWS_ENDPOINT_URL_ECS"

    def __init__(
        self,
        plan: Planned = Plan(),  # noqa: B008 - a frozen value
        *,
        clusters: Sequence[str] | None = None,
        strategies: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        strict_listing: bool = False,
        **how: Any,
    ) -> None:
        api = EcsApi(_default, clusters=clusters, strategies=strategies, strict_listing=strict_listing)
        super().__init__(api, plan, **how)


class ScriptedBatch(ScriptedAws):
    """A scripted Batch.

    Args:
        plan: see `ScriptedAws`.
        queues: the names of the job queues that exist; None: every one.
        listing_lag: seconds until a job is in ListJobs.
        bulk: whether the service knows TerminateJobs.
        **how: see `ScriptedAws`.
    """

    VARIABLE = "AWS_ENDPOINT_URL_BATCH"

    def __init__(
        self,
        plan: Planned = Plan(),  # noqa: B008 - a frozen value
        *,
        queues: Sequence[str] | None = None,
        listing_lag: float = 0.0,
        bulk: bool = True,
        **how: Any,
    ) -> None:
        super().__init__(BatchApi(_default, queues=queues, listing_lag=listing_lag, bulk=bulk), plan, **how)


def _default(_: Mapping[str, Any]) -> Plan:
    return Plan()


class _Manager(BaseManager):
    """Carries calls into the child process."""


_Manager.register("ScriptedEcs", ScriptedEcs)
_Manager.register("ScriptedBatch", ScriptedBatch)


@contextmanager
def in_a_process(kind: type[ScriptedAws] = ScriptedEcs, **options: Any) -> Iterator[ScriptedAws]:
    """A scripted service in a process of its own; everything but its properties works from here.

    Args:
        kind: `ScriptedEcs` or `ScriptedBatch`.
        **options: as for it; what they hold must be picklable.
    """
    manager = _Manager(ctx=multiprocessing.get_context("spawn"))
    manager.start()
    try:
        service = cast("ScriptedAws", getattr(manager, kind.__name__)(**options))
        service.open()
        yield service
        service.close()
    finally:
        manager.shutdown()
