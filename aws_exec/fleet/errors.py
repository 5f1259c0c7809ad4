"""What cannot be done as it was asked, beside what AWS refuses (`CloudError`)."""

from __future__ import annotations

from collections.abc import Sequence


class FleetError(Exception):
    """It cannot be done; the message says in one line why, and what to do.

    Attributes:
        details: more lines; none if the one says it all.
    """

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = tuple(details)


class MisusedError(FleetError):
    """It is asked for in a way that cannot be."""


class UnknownJobError(FleetError):
    """There is no such job, or none any more."""


class AmbiguousError(MisusedError):
    """Several jobs are called so."""


class NoLogError(FleetError):
    """A job has no log: not yet, not any more, or it never printed anything."""
