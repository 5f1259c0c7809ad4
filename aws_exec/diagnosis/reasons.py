"""Facts about a job that only AWS's reasons contain."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

#: ECS developer guide, "Amazon ECS stopped tasks error messages": what fails before a container's process exists. Batch
#: passes these on. Not those that leave it open (`DockerTimeoutError`, `CannotInspectContainerError`, `InternalError`).
_BEFORE_START: Final = re.compile(
    r"\s*(?:Cannot(?:Start|Create)Container|CannotPull|CannotCreateVolume|ResourceInitialization)\w*\b"
)

#: The ECS agent's reason for a container that waited in vain for another (`dependsOn`): the agent starts nothing, and
#: invents an exit code, 143 (amazon-ecs-agent, `handleTerminalDependencyError`).
_DEPENDENCY_FAILED: Final = re.compile(r"\s*CannotStartContainerError:\s*dependency graph:")

#: Batch ended the job, because of the queue's `jobStateTimeLimitActions` or the job's own timeout.
_TIME_LIMIT: Final = re.compile(r"JobStateTimeLimit|exceeded timeout")


def never_ran(exit_code: int | None, reason: str) -> bool:
    """Return whether a container that ended ran nothing at all, whatever ran beside it.

    Args:
        exit_code: its own; None if it has none.
        reason: its own; empty if it has none.
    """
    pattern = _BEFORE_START if exit_code is None else _DEPENDENCY_FAILED
    return pattern.match(reason) is not None


def is_time_limit(reason: str) -> bool:
    """Return whether Batch ended a job for a time limit: no user did."""
    return _TIME_LIMIT.search(reason) is not None


#: AWS cuts a longer reason: ECS API Reference, StopTask (255, an older limit that every endpoint takes); AWS Batch API
#: Reference, TerminateJob (1,024). Jobs of both services are stopped for one reason.
_REASON_LIMIT: Final = 255
#: A longer name of a user is cut, to leave room for the reason.
_NAME_LIMIT: Final = 64

_COMMAND: Final = "(awsexec terminate)"
_STOP_REQUEST: Final = re.compile(rf"(?:Stopped by (?P<only>.+)|(?P<who>[^:]+): (?P<why>.+)) {re.escape(_COMMAND)}")


class StopRequest(NamedTuple):
    """Who stopped a job with `awsexec terminate`, and why (empty: no reason was given)."""

    who: str
    why: str

    def __str__(self) -> str:
        """As in `Stopped by anna: "wrong source"`."""
        return f'{self.who}: "{self.why}"' if self.why else self.who


def stop_reason(who: str, why: str = "") -> str:
    """Return the reason that AWS records for a stop of ours: `anna: wrong source (awsexec terminate)`."""
    who, why = " ".join(who.split()).replace(":", "")[:_NAME_LIMIT], " ".join(why.split())
    if not why:
        return f"Stopped by {who} {_COMMAND}"
    room = _REASON_LIMIT - len(f"{who}:  {_COMMAND}")
    return f"{who}: {why if len(why) <= room else why[: room - 3] + '...'} {_COMMAND}"


def stop_request(reason: str) -> StopRequest | None:
    """Return who stopped a job, from the reason that AWS recorded; None if it was not `awsexec terminate`."""
    found = _STOP_REQUEST.fullmatch(reason)
    return None if found is None else StopRequest(found["only"] or found["who"], found["why"] or "")
