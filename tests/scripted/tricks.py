"""What the scripted services can do wrong, as values: errors, resets, lost and held answers, and quotas.

A trick either acts first (the answer is what goes wrong) or not at all. Which of the two decides whether a caller may
ask again: that is what the tests with it are about.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_exec.dispatch.token_bucket import Bucket

OK = 200


@dataclass(frozen=True, slots=True)
class Trick:
    """One way in which a call goes wrong.

    Attributes:
        status: of the HTTP answer; 0: there is no answer, the connection is reset.
        body: of the answer, to be JSON; None with a status of 200: what would have been answered.
        acts: what was asked for happens all the same.
        delay: seconds before the answer, or the reset, beyond the usual latency.
        alter: makes the answer's body out of what would have been answered.
        cut: the connection is closed in the middle of the answer.
    """

    status: int
    body: Mapping[str, Any] | None = None
    acts: bool = False
    delay: float = 0.0
    alter: Callable[[bytes], bytes] | None = None
    cut: bool = False

    @property
    def is_honest(self) -> bool:
        """Whether it needs what would have been answered."""
        return self.acts or (self.status == OK and self.body is None)


def error(code: str, message: str = "", *, status: int = 400, acts: bool = False, **members: Any) -> Trick:
    """An error as AWS's JSON protocol spells it; `members` of its own, if its shape has some."""
    return Trick(status, {"__type": code, "message": message, **members}, acts)


def server_error(*, acts: bool = False) -> Trick:
    """HTTP 500."""
    return error("ServerException", "Service Unavailable. Please try again later.", status=500, acts=acts)


def reset(*, acts: bool = False) -> Trick:
    """The connection is reset: before anything was done, or (`acts`) after: the answer is lost."""
    return Trick(0, acts=acts)


def held(seconds: float, *, acts: bool = True) -> Trick:
    """The answer comes late; later than the client's read timeout it never does. Nothing happens unless it `acts`."""
    return Trick(OK if acts else 0, acts=acts, delay=seconds)


def expired() -> Trick:
    """The credentials have expired."""
    return error("ExpiredTokenException", "The security token included in the request is expired")


def invalid() -> Trick:
    """There are no such credentials."""
    return error("UnrecognizedClientException", "The security token included in the request is invalid.")


def unsigned() -> Trick:
    """The request came without credentials."""
    return error("MissingAuthenticationTokenException", "Missing Authentication Token", status=403)


def altered(alter: Callable[[bytes], bytes]) -> Trick:
    """What was asked for happens, and the answer is not what it should be."""
    return Trick(OK, acts=True, alter=alter)


def cut_short() -> Trick:
    """What was asked for happens, and the connection is closed in the middle of the answer."""
    return Trick(OK, acts=True, cut=True)


def denied(operation: str, service: str = "ecs") -> Trick:
    """The caller may not do this."""
    action = f"{service}:{operation}"
    message = (
        f"User: arn:aws:iam::123456789012:user/airflow is not authorized to perform: {action} on resource: * "
        f"because no identity-based policy allows the {action} action"
    )
    return error("AccessDeniedException", message)


def no_queue(name: str = "fleet") -> Trick:
    """The job queue does not exist."""
    return error("ClientException", f"JobQueue {name} not found")


def no_cluster() -> Trick:
    """The cluster does not exist."""
    return error("ClusterNotFoundException", "Cluster not found.")


def refusal(reason: str = "RESOURCE:MEMORY", detail: str = "", arn: str = "") -> Trick:
    """RunTask's answer with `failures`; what is empty is left out."""
    said = {"arn": arn, "reason": reason, "detail": detail}
    return Trick(200, {"tasks": [], "failures": [{name: text for name, text in said.items() if text}]})


def empty(*, acts: bool = False) -> Trick:
    """RunTask's answer with neither tasks nor failures; SubmitJob's without a job."""
    return Trick(200, {"tasks": [], "failures": []}, acts)


#: Every way in which ECS and Batch have been seen to say "too fast" (FACTS: also in the message of a client error).
THROTTLES = (
    error("ThrottlingException", "Rate exceeded"),
    error("Throttling", "Rate exceeded"),
    error("RequestLimitExceeded", "Request limit exceeded.", status=503),
    error("TooManyRequestsException", "Too Many Requests", status=429),
    error("ClientException", "Too many concurrent attempts: Rate exceeded"),
    error("InvalidParameterException", "Throttling: the request rate is too high"),
    error("ProvisionedThroughputExceededException", "Rate exceeded for operation"),
)


@dataclass(frozen=True, slots=True)
class Quota:
    """A token bucket that AWS would have: calls beyond it are answered with ThrottlingException.

    Attributes:
        operations: which share it.
        rate: its refill, calls per second.
        burst: calls that may be saved up.
    """

    operations: Collection[str]
    rate: float
    burst: float


#: The documented ones (ECS API Reference, "Request throttling quotas"), for Fargate.
AWS_QUOTAS = (
    Quota(("RunTask", "StopTask"), 20, 100),
    Quota(("DescribeTasks", "ListTasks"), 20, 100),
)


@dataclass(slots=True)
class Mishap:
    """A trick and when it is played.

    Attributes:
        trick: what.
        operation: of which operation; empty: of every one.
        share: of the calls, between 0 and 1; drawn from the seed.
        times: how often at most; None: without end.
        only_with: only for calls with this argument; empty: for all.
    """

    trick: Trick
    operation: str = ""
    share: float = 1.0
    times: int | None = None
    only_with: str = ""

    def fits(self, operation: str, arguments: Mapping[str, Any], draw: random.Random) -> bool:
        """Whether it is played for this call."""
        if self.times == 0 or self.operation not in ("", operation):
            return False
        if self.only_with and not arguments.get(self.only_with):
            return False
        return self.share >= 1 or draw.random() < self.share


@dataclass(slots=True)
class Mischief:
    """Everything that is to go wrong. Not thread-safe by itself.

    Attributes:
        seed: of the draws: the same calls in the same order meet the same.
        quotas: token buckets.
        played: how often each trick was.
    """

    seed: int = 0
    quotas: Collection[Quota] = ()
    played: Counter[str] = field(default_factory=Counter)
    _mishaps: list[Mishap] = field(default_factory=list)
    _buckets: dict[int, Bucket] = field(default_factory=dict)
    _draw: random.Random = field(default_factory=random.Random)

    def __post_init__(self) -> None:
        self._draw = random.Random(self.seed)

    def add(self, mishap: Mishap) -> None:
        """From now on."""
        self._mishaps.append(mishap)

    def clear(self) -> None:
        """Nothing goes wrong any more; quotas stay."""
        self._mishaps.clear()

    def trick_for(self, operation: str, arguments: Mapping[str, Any], now: float) -> Trick | None:
        """What goes wrong with this call; None: nothing. The first mishap that fits is played."""
        if self._is_too_fast(operation, now):
            self.played["quota"] += 1
            return THROTTLES[0]
        for mishap in self._mishaps:
            if mishap.fits(operation, arguments, self._draw):
                if mishap.times is not None:
                    mishap.times -= 1
                self.played[operation] += 1
                return mishap.trick
        return None

    def _is_too_fast(self, operation: str, now: float) -> bool:
        for index, quota in enumerate(self.quotas):
            if operation not in quota.operations:
                continue
            bucket = self._buckets.get(index) or Bucket.full(quota.rate, quota.burst, now)
            too_fast = bucket.wait(now) > 0
            self._buckets[index] = bucket.refilled(now) if too_fast else bucket.take(now)
            return too_fast
        return False
