"""The life of one scripted container: four moments, which a plan sets in advance; tests and stop calls move them.

Accepted, started, exited, stopped. What a service says of it at any time follows from the moments and the time, so
nothing has to happen in between; how it is said is the service's (`Task`, `BatchJob`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

NEVER = math.inf


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of a container by itself. Times are seconds; None: only when a test or a stop call says so.

    Attributes:
        start: from the acceptance until the Airflow container runs.
        run: from there until it exits.
        stop: from there until the whole task or job is over.
        exit_code: of the Airflow container; None: none is known (its host was lost).
        fails: the reason of one that ends at `start` instead of starting (ECS `stoppedReason`, Batch `statusReason`);
            empty: it starts.
        code: its ECS `stopCode`; empty: AWS's usual one.
        reason: the reason if it did start; empty: AWS's usual one.
        container_reason: the Airflow container's own `reason`; empty: none.
        sidecars: exit codes of other containers, by name; they end with the Airflow container.
        sigterm: from the call that stops it until it is over.
        waiting: Batch's `statusReason` while it has not started.
    """

    start: float | None = 0.0
    run: float | None = 0.0
    stop: float | None = 0.0
    exit_code: int | None = 0
    fails: str = ""
    code: str = ""
    reason: str = ""
    container_reason: str = ""
    sidecars: Mapping[str, int] = field(default_factory=dict)
    sigterm: float = 0.0
    waiting: str = ""


#: Nothing happens by itself.
BY_HAND = Plan(start=None, run=None, stop=None)
#: Starts at once and runs until it is told otherwise.
FOR_EVER = Plan(run=None)


def _later(moment: float, seconds: float | None) -> float:
    return NEVER if seconds is None else moment + seconds


class Life:
    """One container, and what else belongs to its task or job.

    Args:
        arn: of the task or job.
        request: the arguments that made it.
        plan: what becomes of it.
        now: when it was accepted.
        location: the name of its cluster or job queue.
        container: the name of the Airflow container.
    """

    def __init__(
        self,
        arn: str,
        request: Mapping[str, Any],
        plan: Plan,
        now: float,
        *,
        location: str,
        container: str,
    ) -> None:
        self.arn = arn
        self.location = location
        self.request = request
        self.plan = plan
        self.container = container
        self.accepted = now
        self.started = _later(now, plan.start)
        self.exited = self.stopped = NEVER
        #: How often a describe call is still to deny knowing it; infinite: for ever.
        self.unknown = 0.0
        #: Whether somebody called StopTask or TerminateJob, and what they said.
        self.asked_to_stop = False
        self.reason = ""
        #: What was said of it last, and as of which moment.
        self._told: tuple[object, str] = (None, "")
        self._schedule()

    # -- its life -----------------------------------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """The Airflow container starts now."""
        self.started = now
        self._schedule()

    def exit(self, now: float, code: int | None) -> None:
        """The Airflow container exits now; the rest as planned."""
        self.started = min(self.started, now)
        self.plan = replace(self.plan, exit_code=code)
        self.exited = now
        self.stopped = _later(now, self.plan.stop)

    def end(self, now: float, *, fails: str = "", code: str = "") -> None:
        """All of it stops now; with `fails`, without ever having started."""
        if fails:
            self.plan = replace(self.plan, fails=fails, code=code)
            self.started = NEVER
        else:
            self.exited = min(self.exited, now)
        self.stopped = now

    def ask_to_stop(self, now: float, reason: str) -> None:
        """Somebody calls StopTask or TerminateJob."""
        if self.asked_to_stop or self.stopped <= now:
            return
        self.asked_to_stop = True
        self.reason = reason
        self.stopped = now + self.plan.sigterm
        if self.started > now:
            self.started = NEVER
        elif self.exited > now:
            self.plan = replace(self.plan, exit_code=143)
            self.exited = self.stopped

    def is_over(self, now: float) -> bool:
        """Whether all of it has stopped."""
        return self.stopped <= now

    def exit_code(self, now: float) -> int | None:
        """Of the Airflow container; None: it has not exited, never ran, or none is known."""
        return self.plan.exit_code if self.started <= self.exited <= now else None

    def _schedule(self) -> None:
        if self.plan.fails:
            self.stopped, self.started = self.started, NEVER
        else:
            self.exited = _later(self.started, self.plan.run)
            self.stopped = _later(self.exited, self.plan.stop)

    def described(self, now: float) -> str:
        """As a describe call says it, JSON; made anew only if something has changed: a benchmark asks very often."""
        moment = self.moment(now)
        if self._told[0] != moment:
            self._told = (moment, self.describe(now))
        return self._told[1]

    def moment(self, now: float) -> tuple[object, ...]:
        """All that what is said of it depends on: its moments, which of them have passed, and the stop call."""
        moments = (self.started, self.exited, self.stopped)
        return (*moments, *(each <= now for each in moments), self.asked_to_stop, id(self.plan))

    def describe(self, now: float) -> str:
        """As a describe call says it, JSON."""
        raise NotImplementedError
