"""The errors of the fleet, besides AWS's (`CloudError`)."""

from __future__ import annotations

from collections.abc import Sequence

from aws_exec.lifecycle.values import CallFailure


class FleetError(Exception):
    """The operation is not possible; the message is one line: what is wrong, and where.

    Attributes:
        details: further lines, if any.
        hint: what to do, in one line; empty if the message says it.
    """

    def __init__(self, message: str, details: Sequence[str] = (), hint: str = "") -> None:
        super().__init__(message)
        self.details = tuple(details)
        self.hint = hint


class MisusedError(FleetError):
    """The arguments are wrong or do not fit together."""


class UnknownJobError(FleetError):
    """The job does not exist, or AWS no longer knows it."""


class AmbiguousError(MisusedError):
    """Several jobs match."""


class NoLogError(FleetError):
    """A job has no log: not yet, no longer, or it never printed anything."""


def is_missing(failure: CallFailure) -> bool:
    """Return whether the cluster, the job queue or whatever else a read call names does not exist."""
    text = f"{failure.code} {failure.message}".lower()
    return any(words in text for words in ("clusternotfound", "resourcenotfound", "not found", "not exist"))
