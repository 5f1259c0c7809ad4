"""The consequences of a failed call for the lanes: slower pace, closed credentials gate, log line.

A launch is composed, then sent; both may call AWS. A failure has the same consequences in either step.
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
    """When a step began: `generation` of the credentials that it uses, `at` seconds of the dispatcher's clock."""

    generation: int
    at: float


class Feedback:
    """Applies the consequences of failures. Thread-safe.

    Args:
        gate: closes on bad credentials.
        bad_credentials: error codes that mean bad credentials, beside those that the adapter classifies so.
        clock: seconds, monotonic.
        log: logs the failure.
        meter: counts throttles.
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
        """Return the start of a step that may call AWS; call this before the step."""
        return Begun(self._gate.generation, self._clock())

    def apply(self, failure: CallFailure, begun: Begun, pacer: Pacer, *, launch: bool = False) -> CallFailure:
        """Apply the consequences of a failure; `pacer` slows down if AWS throttled the call.

        Returns:
            The failure to report, with the kind that our list of credential errors gives it.
        """
        if failure.code in self._bad_credentials:
            failure = replace(failure, kind=FailureKind.CREDENTIALS)
        if failure.kind is FailureKind.THROTTLED:
            pacer.throttled(begun.at)
            self._meter.record(THROTTLES, 1, failure.operation)
        elif failure.kind is FailureKind.CREDENTIALS:
            self._gate.failed(begun.generation, failure)
        self._log.failure(failure, launch=launch)
        return failure
