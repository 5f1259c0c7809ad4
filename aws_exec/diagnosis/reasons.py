"""Which reasons of a container say that it was never started: ECS's words, which Batch passes on. Pure."""

from __future__ import annotations

import re
from typing import Final

#: ECS developer guide, "Amazon ECS stopped tasks error messages": what fails before a container's process is there. Not
#: those that leave it open (`DockerTimeoutError`, `CannotInspectContainerError`, `InternalError`).
_BEFORE_START: Final = re.compile(
    r"\s*(?:Cannot(?:Start|Create)Container|CannotPull|CannotCreateVolume|ResourceInitialization)\w*\b"
)

#: What the ECS agent says of a container that waited in vain for another (`dependsOn`): it starts nothing, and makes up
#: an exit code, 143 (amazon-ecs-agent, `handleTerminalDependencyError`).
_IN_VAIN: Final = re.compile(r"\s*CannotStartContainerError:\s*dependency graph:")


def never_ran(exit_code: int | None, reason: str) -> bool:
    """Whether a container that ended so ran nothing at all, whatever ran beside it.

    Args:
        exit_code: its own; None if it has none.
        reason: its own; empty if it has none.
    """
    before = _BEFORE_START if exit_code is None else _IN_VAIN
    return before.match(reason) is not None
