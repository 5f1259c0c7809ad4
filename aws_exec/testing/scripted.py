"""A scripted Amazon ECS over HTTP on loopback: stateful, fast, and as unreliable as a test wants it.

    with ScriptedEcs(plan=Plan(start=0.1, run=1.0), latency=0.06) as ecs:
        ecs.goes_wrong(reset(acts=True), "RunTask", share=0.05)   # 5 % of the answers are lost
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECS", ecs.url)
        ...
        assert ecs.double_launches() == {}

Tasks start, run and stop by age, as their plan says, or by hand (`BY_HAND`, then `start`, `exit`, `end`). What is
answered has the shape and size of AWS's answers. Every container that was ever launched is in `launches()`.

It does not run anything: for containers that do, see `aws_exec.local`. With `in_a_process()` it takes no CPU time from
the process whose beats are measured.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.managers import BaseManager
from typing import Any, Self, cast

from aws_exec.testing.scripted_api import EcsApi, Launch, Refused
from aws_exec.testing.scripted_http import LOOPBACK, Answer, HttpServer
from aws_exec.testing.scripted_task import BY_HAND, FOR_EVER, Plan, Task
from aws_exec.testing.scripted_tricks import (
    AWS_QUOTAS,
    THROTTLES,
    Mischief,
    Mishap,
    Quota,
    Trick,
    denied,
    empty,
    error,
    expired,
    held,
    no_cluster,
    refusal,
    reset,
    server_error,
)

__all__ = [
    "AWS_QUOTAS",
    "BY_HAND",
    "FOR_EVER",
    "THROTTLES",
    "Launch",
    "Plan",
    "Quota",
    "ScriptedEcs",
    "Trick",
    "denied",
    "empty",
    "error",
    "expired",
    "held",
    "in_a_process",
    "no_cluster",
    "refusal",
    "reset",
    "server_error",
]


class ScriptedEcs:
    """One scripted ECS; a context manager. Thread-safe.

    Args:
        plan: what becomes of every task; or a function of the RunTask arguments.
        latency: seconds between a call and its answer.
        seed: of what goes wrong by chance.
        quotas: token buckets, e.g. `AWS_QUOTAS`; none: as fast as anybody calls.
        clusters: those that exist; None: every one.
        strategies: default capacity provider strategies, by the cluster's name.
        strict_listing: ListTasks refuses `desiredStatus` beside `startedBy`.
    """

    def __init__(
        self,
        plan: Plan | Callable[[Mapping[str, Any]], Plan] = Plan(),  # noqa: B008 - a frozen value
        *,
        latency: float = 0.0,
        seed: int = 0,
        quotas: Collection[Quota] = (),
        clusters: Sequence[str] | None = None,
        strategies: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        strict_listing: bool = False,
    ) -> None:
        self._lock = threading.RLock()
        self._latency = latency
        self._mischief = Mischief(seed, quotas)
        self._errors: Counter[tuple[str, str]] = Counter()
        self._api = EcsApi(
            lambda _: plan if isinstance(plan, Plan) else Plan(),
            clusters=clusters,
            strategies=strategies,
            strict_listing=strict_listing,
        )
        self.set_plan(plan)
        self._http = HttpServer(self._serve)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def open(self) -> str:
        """Begin to answer; the URL."""
        self._http.start()
        return self.url

    def close(self) -> None:
        """Answer no more."""
        self._http.close()

    @property
    def url(self) -> str:
        """For `AWS_ENDPOINT_URL_ECS`."""
        return self.get_url()

    def get_url(self) -> str:
        """For `AWS_ENDPOINT_URL_ECS`; a method, for `in_a_process`."""
        return f"http://{LOOPBACK}:{self._http.port}"

    # -- the script ---------------------------------------------------------------------------------------------------

    def set_plan(self, plan: Plan | Callable[[Mapping[str, Any]], Plan]) -> None:
        """What becomes of every task that is launched from now on."""
        with self._lock:
            self._api.plan = plan if not isinstance(plan, Plan) else lambda _: plan

    def set_latency(self, seconds: float) -> None:
        """From now on."""
        self._latency = seconds

    def goes_wrong(
        self,
        trick: Trick,
        operation: str = "",
        *,
        share: float = 1.0,
        times: int | None = None,
        only_with: str = "",
    ) -> None:
        """Play a trick; of several that fit a call the one that was asked for first is played.

        Args:
            trick: what goes wrong.
            operation: of which operation; empty: of every one.
            share: of the calls, between 0 and 1.
            times: how often at most; None: until `goes_right()`.
            only_with: only for calls with this argument (`"tags"`).
        """
        with self._lock:
            self._mischief.add(Mishap(trick, operation, share, times, only_with))

    def goes_right(self) -> None:
        """No more tricks."""
        with self._lock:
            self._mischief.clear()

    def played(self) -> Counter[str]:
        """How many tricks were played, by operation; `"quota"`: throttles by quota."""
        with self._lock:
            return Counter(self._mischief.played)

    def down(self) -> None:
        """Every connection is refused."""
        self._http.down()

    def up(self) -> None:
        """The contrary."""
        self._http.up()

    # -- single tasks, by ARN -----------------------------------------------------------------------------------------

    def start(self, arn: str) -> None:
        """The Airflow container starts."""
        with self._lock:
            self._task(arn).start(self.now())

    def exit(self, arn: str, code: int | None = 0) -> None:
        """The Airflow container exits; its task stops as planned."""
        with self._lock:
            self._task(arn).exit(self.now(), code)

    def end(self, arn: str, *, fails: str = "", code: str = "") -> None:
        """The whole task stops; with `fails`, its stoppedReason, without having started (`code`: its stopCode)."""
        with self._lock:
            self._task(arn).end(self.now(), fails=fails, code=code)

    def forget(self, arn: str, times: float = math.inf) -> None:
        """DescribeTasks says MISSING of it, so often."""
        with self._lock:
            self._task(arn).unknown = times

    def add(self, request: Mapping[str, Any] | None = None, plan: Plan = FOR_EVER) -> str:
        """A task that somebody else launched; its ARN."""
        with self._lock:
            return self._api.add(request or {}, plan, self.now()).arn

    # -- the ledger ---------------------------------------------------------------------------------------------------

    def launches(self) -> list[Launch]:
        """Every container ever launched, in order."""
        with self._lock:
            return list(self._api.launches)

    def double_launches(self) -> dict[tuple[str, ...], list[str]]:
        """Task instances (dag, task, run, map index, try) or callbacks with more than one container, and their ARNs."""
        names = ("DAG_ID", "TASK_ID", "RUN_ID", "MAP_INDEX", "TRY_NUMBER", "CALLBACK_ID")
        found: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        for launch in self.launches():
            environment = launch.environment
            found[tuple(environment.get(f"AWSEXEC_{name}", "") for name in names)].append(launch.arn)
        return {who: arns for who, arns in found.items() if len(arns) > 1}

    def running(self) -> list[str]:
        """The ARNs of the tasks that are not STOPPED."""
        with self._lock:
            now = self.now()
            return [task.arn for task in self._api.tasks.values() if not task.is_over(now)]

    def stops(self) -> list[tuple[str, str]]:
        """Every StopTask that met its task: ARN and reason."""
        with self._lock:
            return list(self._api.stops)

    def calls(self) -> Counter[str]:
        """How often each operation was called, whatever became of it."""
        with self._lock:
            return Counter(self._api.calls)

    def errors(self) -> Counter[tuple[str, str]]:
        """How often each operation was answered with which error (`("RunTask", "ConflictException")`), tricks apart."""
        with self._lock:
            return Counter(self._errors)

    def now(self) -> float:
        """The scripted clock: seconds since the epoch."""
        return time.time()

    # -- inside -------------------------------------------------------------------------------------------------------

    def _task(self, arn: str) -> Task:
        return self._api.tasks[arn]

    def _serve(self, operation: str, raw: bytes) -> Answer:
        arguments: dict[str, Any] = json.loads(raw or b"{}")
        with self._lock:
            now = self.now()
            self._api.calls[operation] += 1
            trick = self._mischief.trick_for(operation, arguments, now)
            honest = None
            if trick is None or trick.acts or (trick.status == 200 and trick.body is None):  # noqa: PLR2004 - HTTP's OK
                honest = self._honestly(operation, arguments, raw, now)
        if honest is not None and (trick is None or trick.body is None):
            status = honest.status if trick is None or trick.status else 0
            return Answer(honest.body, status, self._latency + (trick.delay if trick else 0.0))
        if trick is None:
            raise AssertionError("an honest answer was left out")
        return Answer(json.dumps(trick.body).encode(), trick.status, self._latency + trick.delay)

    def _honestly(self, operation: str, arguments: dict[str, Any], raw: bytes, now: float) -> Answer:
        try:
            return Answer(self._api.answer(operation, arguments, raw, now).encode())
        except Refused as refused:
            self._errors[operation, str((refused.trick.body or {}).get("__type"))] += 1
            return Answer(json.dumps(refused.trick.body).encode(), refused.trick.status)


class _Manager(BaseManager):
    """Carries calls into the child process."""


_Manager.register("ScriptedEcs", ScriptedEcs)


@contextmanager
def in_a_process(**options: Any) -> Iterator[ScriptedEcs]:
    """A scripted ECS in a process of its own; everything but the properties of `ScriptedEcs` works from here.

    Args:
        **options: as for `ScriptedEcs`; what they hold must be picklable.
    """
    manager = _Manager(ctx=multiprocessing.get_context("spawn"))
    manager.start()
    try:
        ecs = cast("ScriptedEcs", manager.ScriptedEcs(**options))  # type: ignore[attr-defined]  # made by register
        ecs.open()
        yield ecs
        ecs.close()
    finally:
        manager.shutdown()
