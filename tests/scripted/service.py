"""A scripted service: what goes wrong with it, what it has done, and its answers on the wire."""

from __future__ import annotations

import json
import math
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

from tests.scripted.api import Api, Launch, Refused
from tests.scripted.http import LOOPBACK, Answer, HttpServer, Later
from tests.scripted.life import FOR_EVER, Life, Plan
from tests.scripted.tricks import Mischief, Mishap, Quota, Trick

Planned = Plan | Callable[[Mapping[str, Any]], Plan]


class ScriptedAws:
    """One scripted service; a context manager. Thread-safe.

    Args:
        api: the service.
        plan: what becomes of every container; or a function of the launch's arguments.
        latency: seconds between a call and its answer.
        seed: of what goes wrong by chance.
        quotas: token buckets, e.g. `AWS_QUOTAS`; none: as fast as anybody calls.
        clock: seconds; the time of day.
        later: what delayed answers wait by, with the delay in seconds of the clock; None: the time of day.
    """

    #: The environment variable in which boto3 looks for its URL.
    VARIABLE: ClassVar[str]

    def __init__(
        self,
        api: Api[Any],
        plan: Planned,
        *,
        latency: float = 0.0,
        seed: int = 0,
        quotas: Collection[Quota] = (),
        clock: Callable[[], float] = time.time,
        later: Later | None = None,
    ) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._latency = latency
        self._mischief = Mischief(seed, quotas)
        self._errors: Counter[tuple[str, str]] = Counter()
        self._api = api
        self._hear: Callable[[str, bytes], object] = lambda *_: None
        self.set_plan(plan)
        self._http = HttpServer(self._serve, later)

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
        """Of it."""
        return self.get_url()

    def get_url(self) -> str:
        """Of it; a method, for `in_a_process`."""
        return f"http://{LOOPBACK}:{self._http.port}"

    def listen(self, hear: Callable[[str, bytes], object]) -> None:
        """Tell this, from now on, the name and the body of every call, whatever becomes of it."""
        self._hear = hear

    # -- the script ---------------------------------------------------------------------------------------------------

    def set_plan(self, plan: Planned) -> None:
        """What becomes of every container that is launched from now on."""
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

    # -- single tasks or jobs, by ARN ---------------------------------------------------------------------------------

    def start(self, arn: str) -> None:
        """The Airflow container starts."""
        with self._lock:
            self._task(arn).start(self.now())

    def exit(self, arn: str, code: int | None = 0) -> None:
        """The Airflow container exits; the rest stops as planned."""
        with self._lock:
            self._task(arn).exit(self.now(), code)

    def end(self, arn: str, *, fails: str = "", code: str = "") -> None:
        """All of it stops; with `fails`, the reason, without having started (`code`: ECS's stopCode)."""
        with self._lock:
            self._task(arn).end(self.now(), fails=fails, code=code)

    def forget(self, arn: str, times: float = math.inf) -> None:
        """A describe call does not know it, so often."""
        with self._lock:
            self._task(arn).unknown = times

    def stop(self, arn: str, reason: str) -> None:
        """Somebody else stops it, on purpose."""
        with self._lock:
            self._task(arn).ask_to_stop(self.now(), reason)

    def add(self, request: Mapping[str, Any] | None = None, plan: Plan = FOR_EVER) -> str:
        """What somebody else launched; its ARN."""
        with self._lock:
            task: Life = self._api.add(request or {}, plan, self.now())
            return task.arn

    def add_like_the_last(self, words: Sequence[Mapping[str, str]], plan: Plan = FOR_EVER) -> list[str]:
        """As many more as there are mappings, as if asked for like the last launch; their ARNs. Not in the ledger.

        Args:
            words: for each, what is to be replaced in that request, and by what.
            plan: of all of them.
        """
        with self._lock:
            like = json.dumps(self._api.launches[-1].request)
            arns = []
            for each in words:
                request = like
                for old, new in each.items():
                    request = request.replace(old, new)
                arns.append(self._api.add(json.loads(request), plan, self.now()).arn)
            return arns

    def end_at(self, moments: Mapping[str, float]) -> None:
        """Each of these stops at its moment of the scripted clock, which may be yet to come."""
        with self._lock:
            for arn, moment in moments.items():
                self._task(arn).end(moment)

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

    def exits(self) -> dict[str, int | None]:
        """By ARN, the exit codes of the Airflow containers that are over; None: it never ran, or none is known.

        A container is over a little before its task or job.
        """
        with self._lock:
            now = self.now()
            codes = {task.arn: (task.exit_code(now), task.is_over(now)) for task in self._api.all_tasks()}
            return {arn: code for arn, (code, over) in codes.items() if over or code is not None}

    def started(self) -> list[str]:
        """The ARNs of the containers that have run, or run."""
        with self._lock:
            now = self.now()
            return [task.arn for task in self._api.all_tasks() if task.started <= now]

    def running(self) -> list[str]:
        """The ARNs of what is not over."""
        with self._lock:
            now = self.now()
            return [task.arn for task in self._api.all_tasks() if not task.is_over(now)]

    def stops(self) -> list[tuple[str, str]]:
        """Every stop that met its task or job: ARN and reason."""
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

    def size_of(self, arn: str) -> int:
        """Bytes that a describe call says of it."""
        with self._lock:
            return len(self._task(arn).described(self.now()))

    def cpu_seconds(self) -> float:
        """CPU time of the process that answers: of its own, after `in_a_process`."""
        return time.process_time()

    def now(self) -> float:
        """The scripted clock: seconds since the epoch."""
        return self._clock()

    # -- inside -------------------------------------------------------------------------------------------------------

    def _task(self, arn: str) -> Life:
        task: Life = self._api.tasks[arn]
        return task

    def _serve(self, call: str, raw: bytes) -> Answer:
        arguments: dict[str, Any] = json.loads(raw or b"{}")
        operation = self._api.operation_of(call)
        self._hear(operation, raw)
        with self._lock:
            now = self.now()
            self._api.calls[operation] += 1
            trick = self._mischief.trick_for(operation, arguments, now)
            honest = None
            if trick is None or trick.is_honest:
                honest = self._honestly(operation, arguments, raw, now)
        if honest is not None and (trick is None or trick.body is None):
            return replace(self._tampered(honest, trick), delay=self._latency + (trick.delay if trick else 0.0))
        if trick is None:
            raise AssertionError("an honest answer was left out")
        return replace(self._played(trick), delay=self._latency + trick.delay)

    def _honestly(self, operation: str, arguments: dict[str, Any], raw: bytes, now: float) -> Answer:
        try:
            return Answer(self._api.answer(operation, arguments, raw, now).encode())
        except Refused as refused:
            self._errors[operation, str((refused.trick.body or {}).get("__type"))] += 1
            return self._played(refused.trick)

    @staticmethod
    def _tampered(honest: Answer, trick: Trick | None) -> Answer:
        """What a trick makes of an honest answer."""
        if trick is None:
            return honest
        body = trick.alter(honest.body) if trick.alter is not None else honest.body
        return replace(honest, body=body, status=honest.status if trick.status else 0, cut=trick.cut)

    def _played(self, trick: Trick) -> Answer:
        body = dict(trick.body or {})
        code = str(body.pop("__type", "")) if self._api.error_in_header else ""
        return Answer(json.dumps(body).encode(), trick.status, error=code)
