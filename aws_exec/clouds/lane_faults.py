"""What a fault or an exception makes of an effect: the event that completes it."""

from __future__ import annotations

import logging
import traceback
from dataclasses import replace

from aws_exec.clouds.cloud import Request
from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.values import Fault, Trouble

log = logging.getLogger(__name__)


def failed(effect: do.IoEffect, fault: Fault, request: Request | None = None) -> on.Completion:
    """The completion of an effect that a fault ended; `request` is what a Submit sent, or would have."""
    match effect:
        case do.Submit():
            place = request.place if request is not None else effect.place
            return on.Unaccepted(effect.ask, effect.launch_id, fault, request or effect.request, place)
        case do.StopJob():
            return on.StopAnswered(effect.ask, effect.launch_id, fault)
        case do.Observe():
            return on.ObserveFailed(effect.ask, fault)
        case do.Find():
            return on.FindFailed(effect.ask, effect.launch_ids, fault)
        case do.Confirm():
            return on.ConfirmFailed(effect.ask, tuple(launch_id for launch_id, _ in effect.launches), fault)


def fault_in(error: BaseException, operation: str, unknown: Trouble) -> Fault:
    """The fault an exception carries; one of kind `unknown` for an exception that nobody foresaw, which is logged.

    Its message is neither kept nor logged: it may quote the request, which holds a credential.
    """
    fault = getattr(error, "fault", None)
    if isinstance(fault, Fault):
        return fault
    where = "".join(traceback.format_tb(error.__traceback__))
    log.error("Unexpected %s in %s; this is a bug worth reporting:\n%s", type(error).__name__, operation, where)
    return Fault(unknown, operation, type(error).__name__)


def fault_before_sending(error: BaseException, operation: str) -> Fault:
    """The fault of an exception that came before a launch was sent: whatever went unanswered was not the launch."""
    fault = fault_in(error, operation, Trouble.REFUSED)
    return replace(fault, trouble=Trouble.UNREACHED) if fault.trouble is Trouble.NO_ANSWER else fault
