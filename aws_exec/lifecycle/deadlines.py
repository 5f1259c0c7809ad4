"""By when a launch must have started, and what happens to one that is late."""

from __future__ import annotations

from dataclasses import replace

from aws_exec.lifecycle.exits import report
from aws_exec.lifecycle.policy import Policy
from aws_exec.lifecycle.stopping import stop_launch
from aws_exec.lifecycle.store import Launch, Transaction, earliest
from aws_exec.lifecycle.values import (
    Termination,
)


def with_time_to_start(policy: Policy, launch: Launch, now: float) -> Launch:
    """A record whose job has just been accepted, or adopted: from now on it has a time to start.

    Not if it is only followed: whoever owns the container says how long it may take.
    """
    start_by = None if launch.started or launch.detached or launch.stop_reason else policy.start_by(now)
    return replace(launch, start_by=start_by, due=earliest(launch.launch_by, start_by))


def is_late(launch: Launch, now: float) -> bool:
    """Whether it is too late for a launch to start."""
    return launch.deadline is not None and now >= launch.deadline


def too_late(transaction: Transaction, launch: Launch, now: float) -> None:
    """Report a launch that has not started in time, and stop it."""
    if launch.launch_by is not None and now >= launch.launch_by:
        text = f"User code had not started within launch_timeout ({transaction.policy.launch_timeout:g} s)"
    else:
        text = f"Its job had not started {transaction.policy.start_timeout:g} s after it was accepted"
    why = Termination(transaction.policy.service, reason=launch.waiting) if launch.waiting else None
    report(transaction, launch, success=False, text=text, stop=why, fault=launch.fault)
    stop_launch(transaction, replace(launch, detached=True), text, now)
