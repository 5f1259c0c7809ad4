"""Facts about a job that only AWS's reasons contain."""

from __future__ import annotations

import re
from typing import Final

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
