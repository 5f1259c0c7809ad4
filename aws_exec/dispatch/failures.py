"""The completion events of failed effects."""

from __future__ import annotations

from dataclasses import replace

from aws_exec.clouds.cloud import Request
from aws_exec.dispatch.log import LaneLog
from aws_exec.lifecycle import effects as do
from aws_exec.lifecycle import events as on
from aws_exec.lifecycle.values import CallFailure, FailureKind


def failed(effect: do.IoEffect, failure: CallFailure, request: Request | None = None) -> on.Completion:
    """Return the completion of a failed effect; `request` is what a Submit sent, or would have."""
    match effect:
        case do.Submit():
            location = request.location if request is not None else effect.location
            return on.Unaccepted(
                request_id=effect.request_id,
                launch_id=effect.launch_id,
                failure=failure,
                request=request or effect.request,
                location=location,
            )
        case do.VerifyOwnership() | do.VerifyExit() | do.FindOwners() | do.CheckWanted() | do.ListFleet():
            return query_failed(effect, failure)
        case do.StopJob():
            return on.StopAnswered(request_id=effect.request_id, launch_id=effect.launch_id, failure=failure)
        case do.Describe() | do.ListRunning():
            return on.DescribeFailed(request_id=effect.request_id, failure=failure)
        case do.FindByLaunchId():
            return on.FindByLaunchIdFailed(request_id=effect.request_id, launch_ids=effect.launch_ids, failure=failure)


def query_failed(effect: do.RowEffect | do.ListFleet, failure: CallFailure) -> on.Completion:
    """Return the completion of a query that Airflow's database did not answer."""
    match effect:
        case do.VerifyOwnership():
            return on.VerifyOwnershipFailed(
                request_id=effect.request_id,
                launch_ids=tuple(launch_id for launch_id, _ in effect.launches),
                failure=failure,
            )
        case do.VerifyExit():
            return on.VerifyExitFailed(request_id=effect.request_id, launch_id=effect.launch_id, failure=failure)
        case do.CheckWanted():
            return on.WantedChecked(request_id=effect.request_id)
        case do.FindOwners() | do.ListFleet():
            return on.ListFleetFailed(request_id=effect.request_id, failure=failure)


def failure_in(error: BaseException, operation: str, unknown: FailureKind, log: LaneLog) -> CallFailure:
    """Return the failure in an exception; for an unexpected exception, which is logged, one of kind `unknown`.

    Its message is neither kept nor logged: it may quote the request, which holds a credential.
    """
    failure = getattr(error, "failure", None)
    if isinstance(failure, CallFailure):
        return failure
    log.unforeseen(error, operation)
    return CallFailure(unknown, operation, type(error).__name__)


def failure_of_lost(effect: do.IoEffect, error: BaseException, log: LaneLog, *, sent: bool) -> CallFailure:
    """Return the failure of an effect that an exception ended.

    Args:
        effect: the effect, which is not completed.
        error: the exception.
        log: logs an unexpected exception.
        sent: AWS may have received it: it is not known how far the adapter got. If not, an unanswered call was another
            one, and nothing of the effect was sent.
    """
    if sent:
        return failure_in(error, type(effect).__name__, FailureKind.NO_ANSWER, log)
    if isinstance(effect, do.Submit):
        failure = failure_in(error, "compose", FailureKind.REFUSED, log)
    else:
        failure = failure_in(error, type(effect).__name__, FailureKind.UNREACHED, log)
    return replace(failure, kind=FailureKind.UNREACHED) if failure.kind is FailureKind.NO_ANSWER else failure
