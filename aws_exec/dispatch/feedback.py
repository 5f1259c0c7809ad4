"""What the lanes learn from a fault, whichever step of an effect met it: a slower pace, a closed gate, a log line.

A launch is composed, then sent; either may ask AWS. The same fault teaches the same wherever it came up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from aws_exec.dispatch.credentials import CredentialsGate
from aws_exec.dispatch.log import LaneLog
from aws_exec.dispatch.pacing import Pacer
from aws_exec.lifecycle.values import CallFailure, FailureKind
from aws_exec.metrics.catalogue import THROTTLES
from aws_exec.metrics.meter import Meter


@dataclass(frozen=True, slots=True)
class Begun:
    """When a step began: `age` of the credentials that it uses, `at` seconds of the dispatcher's clock."""

    age: int
    at: float


class Lessons:
    """Takes note of faults. Thread-safe.

    Args:
        gate: closes on bad credentials.
        bad_credentials: error codes that mean bad credentials, beside those that the adapter classifies so.
        clock: seconds, monotonic.
        log: says what was met.
        meter: is told of throttles.
    """

    def __init__(
        self,
        gate: CredentialsGate,
        bad_credentials: Collection[str],
        clock: Callable[[], float],
        log: LaneLog,
        meter: Meter,
    ) -> None:
        self._gate = gate
        self._bad_credentials = frozenset(bad_credentials)
        self._clock = clock
        self._log = log
        self._meter = meter

    def begin(self) -> Begun:
        """To be called before each step that may ask AWS."""
        return Begun(self._gate.age, self._clock())

    def learn(self, fault: CallFailure, begun: Begun, pacer: Pacer, *, launch: bool = False) -> CallFailure:
        """Learn from a fault of a step (of a launch); `pacer` is told if it went too fast.

        Returns:
            The fault, as it is to be told.
        """
        if fault.code in self._bad_credentials:
            fault = replace(fault, trouble=FailureKind.CREDENTIALS)
        if fault.trouble is FailureKind.THROTTLED:
            pacer.throttled(begun.at)
            self._meter.tell(THROTTLES, 1, fault.operation)
        elif fault.trouble is FailureKind.CREDENTIALS:
            self._gate.failed(begun.age, fault)
        self._log.fault(fault, launch=launch)
        return fault
