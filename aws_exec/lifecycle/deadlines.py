"""Start deadlines, and what happens when one passes."""

from __future__ import annotations

from dataclasses import replace

from aws_exec.lifecycle.exits import report, why_it_waits
from aws_exec.lifecycle.launch import Launch, Starting, earliest
from aws_exec.lifecycle.policy import Policy
from aws_exec.lifecycle.stopping import stop_launch
from aws_exec.lifecycle.store import Transaction


def with_time_to_start(policy: Policy, launch: Launch, now: float) -> Launch:
    """Return a launch whose job was just accepted or adopted, with the time by which the job must have started.

    A launch that is only followed gets none: the owner of the container decides how long it may take.
    """
    start_by = None if launch.detached or launch.stopping is not None else policy.start_by(now)
    progress = Starting(launch.expected_origin, start_by, launch.waiting)
    return replace(launch.with_progress(progress), due=earliest(launch.launch_by, start_by))


def is_late(launch: Launch, now: float) -> bool:
    """Return whether it is too late for a launch to start."""
    return launch.deadline is not None and now >= launch.deadline


def too_late(transaction: Transaction, launch: Launch, now: float) -> None:
    """Report a launch that has not started in time, and stop it."""
    policy = transaction.policy
    if launch.launch_by is not None and now >= launch.launch_by:
        text = f"User code had not started within launch_timeout ({policy.launch_timeout:g} s)"
    else:
        text = f"Its job had not started {policy.start_timeout:g} s after it was accepted"
    stop, failure = why_it_waits(transaction, launch), launch.retries.last_failure
    report(transaction, launch, success=False, text=text, stop=stop, failure=failure)
    stop_launch(transaction, launch.detach(), text, now)
