"""What a fault or an exception makes of an effect: the event that completes it."""

from __future__ import annotations

from dataclasses import replace

from aws_exec.clouds.cloud import Request
from aws_exec.dispatch.log import LaneLog
from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.values import CallFailure, FailureKind


def failed(effect: do.IoEffect, fault: CallFailure, request: Request | None = None) -> on.Completion:
    """The completion of an effect that a fault ended; `request` is what a Submit sent, or would have."""
    match effect:
        case do.Submit():
            location = request.location if request is not None else effect.location
            return on.Unaccepted(
                request_id=effect.request_id,
                launch_id=effect.launch_id,
                fault=fault,
                request=request or effect.request,
                location=location,
            )
        case do.VerifyOwnership() | do.VerifyExit() | do.FindOwners() | do.CheckWanted() | do.ListFleet():
            return unasked(effect, fault)
        case do.StopJob():
            return on.StopAnswered(request_id=effect.request_id, launch_id=effect.launch_id, fault=fault)
        case do.Describe() | do.ListRunning():
            return on.DescribeFailed(request_id=effect.request_id, fault=fault)
        case do.FindByLaunchId():
            return on.FindByLaunchIdFailed(request_id=effect.request_id, launch_ids=effect.launch_ids, fault=fault)


def unasked(effect: do.RowEffect | do.ListFleet, fault: CallFailure) -> on.Completion:
    """Return the completion of a query that Airflow's database did not answer."""
    match effect:
        case do.VerifyOwnership():
            return on.VerifyOwnershipFailed(
                request_id=effect.request_id,
                launch_ids=tuple(launch_id for launch_id, _ in effect.launches),
                fault=fault,
            )
        case do.VerifyExit():
            return on.VerifyExitFailed(request_id=effect.request_id, launch_id=effect.launch_id, fault=fault)
        case do.CheckWanted():
            return on.WantedChecked(request_id=effect.request_id)
        case do.FindOwners() | do.ListFleet():
            return on.ListFleetFailed(request_id=effect.request_id, fault=fault)


def fault_in(error: BaseException, operation: str, unknown: FailureKind, log: LaneLog) -> CallFailure:
    """The fault an exception carries; one of kind `unknown` for an exception that nobody foresaw, which is logged.

    Its message is neither kept nor logged: it may quote the request, which holds a credential.
    """
    fault = getattr(error, "fault", None)
    if isinstance(fault, CallFailure):
        return fault
    log.unforeseen(error, operation)
    return CallFailure(unknown, operation, type(error).__name__)


def fault_of_lost(effect: do.IoEffect, error: BaseException, log: LaneLog, *, sent: bool) -> CallFailure:
    """The fault of an effect that an exception ended.

    Args:
        effect: that was not completed.
        error: what ended it.
        log: logs an unforeseen exception.
        sent: AWS may have it: nobody knows how far an adapter got that broke. If not, whatever went unanswered was
            something else, and nothing of the effect was sent.
    """
    if sent:
        return fault_in(error, type(effect).__name__, FailureKind.NO_ANSWER, log)
    if isinstance(effect, do.Submit):
        fault = fault_in(error, "compose", FailureKind.REFUSED, log)
    else:
        fault = fault_in(error, type(effect).__name__, FailureKind.UNREACHED, log)
    return replace(fault, trouble=FailureKind.UNREACHED) if fault.trouble is FailureKind.NO_ANSWER else fault
