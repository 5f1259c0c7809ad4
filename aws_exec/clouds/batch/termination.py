"""Stopping Batch jobs: fifty in one call where the service knows TerminateJobs, else one by one.

Quirks of the service: TerminateJobs answers 200 even if some jobs could not be stopped; it was added in 2026, so
neither every botocore nor every endpoint has it; an empty reason is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache
from typing import Any

from botocore.exceptions import ClientError
from botocore.loaders import Loader

from aws_exec.chunked import chunked
from aws_exec.clouds.batch.job import Detail
from aws_exec.clouds.calls import Calls, id_of
from aws_exec.clouds.errors import failure_of
from aws_exec.lifecycle.values import CallFailure, Job

log = logging.getLogger(__name__)

#: AWS Batch API Reference, TerminateJobs: ids per call.
STOPS = 50
#: AWS Batch API Reference, TerminateJob: characters of `reason`.
REASON_LIMIT = 1024

#: What a service answers that does not have TerminateJobs (yet): its own words, and an API gateway's.
_UNKNOWN_CALL = frozenset({"UnknownOperationException", "MissingAuthenticationTokenException", "404", "HTTP 404"})


class Stopper:
    """Terminates jobs, which cancels those that have not started.

    Attributes:
        at_once: jobs that one call stops; 1 once the service has said that it does not know TerminateJobs: else each
            call that the rate allows would become as many as there are jobs.
    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self.at_once = STOPS if _knows_terminate_jobs() else 1

    def stop(self, jobs: Sequence[Job], reason: str) -> list[CallFailure | None]:
        """An answer for each job, in order; one that Batch does not know needs no stopping."""
        answers: list[CallFailure | None] = []
        for chunk in chunked(jobs, STOPS):
            many = self._terminate_jobs(chunk, reason) if len(chunk) > 1 and self.at_once > 1 else None
            answers += [self._terminate_job(job, reason) for job in chunk] if many is None else many
        return answers

    def _terminate_job(self, job: Job, reason: str) -> CallFailure | None:
        try:
            arguments = {"jobId": id_of(job.arn), "reason": _cut(reason)}
            self._calls.call("TerminateJob", "terminate_job", arguments, is_answer=_is_unknown_job)
        except Exception as error:  # noqa: BLE001 -- an answer for each job: one must not spare the others
            return None if _is_unknown_job(error) else failure_of(error, "TerminateJob")
        return None

    def _terminate_jobs(self, jobs: Sequence[Job], reason: str) -> list[CallFailure | None] | None:
        """Terminate up to 50 jobs in one call; None if the service does not know the call."""
        ids = [id_of(job.arn) for job in jobs]
        try:
            arguments = {"jobs": ids, "reason": _cut(reason)}
            answer = self._calls.call("TerminateJobs", "terminate_jobs", arguments, is_answer=_is_unknown_call)
        except Exception as error:  # noqa: BLE001 -- the failure is the answer
            failure = failure_of(error, "TerminateJobs")
            if _is_unknown_call(error):
                log.info("Jobs are stopped one by one: the service does not know TerminateJobs (%s)", failure)
                self.at_once = 1
                return None
            return [failure] * len(ids)
        failures = {entry.get("job"): _failure_of_error(entry) for entry in answer.get("errors") or ()}
        return [failures.get(each) for each in ids]


@cache
def _knows_terminate_jobs() -> bool:
    """Whether this botocore has the bulk call; it needs no other right than TerminateJob."""
    return "TerminateJobs" in Loader().load_service_model("batch", "service-2")["operations"]


def _failure_of_error(entry: Detail) -> CallFailure | None:
    """One of the `errors` of TerminateJobs."""
    said: Any = {"Error": {"Code": entry.get("code") or "", "Message": entry.get("message") or ""}}
    failure = failure_of(ClientError(said, "TerminateJobs"), "TerminateJobs")
    return None if is_not_found(failure) else failure


def is_not_found(failure: CallFailure) -> bool:
    """What was named is not there (any more); Batch has no code for that."""
    said = failure.message.lower()
    return failure.code == "ClientException" and ("not found" in said or "not exist" in said)


def _is_unknown_job(error: Exception) -> bool:
    """There is nothing to be terminated."""
    return is_not_found(failure_of(error, "TerminateJob"))


def _is_unknown_call(error: Exception) -> bool:
    """The service does not have TerminateJobs (yet)."""
    return failure_of(error, "TerminateJobs").code in _UNKNOWN_CALL


def _cut(reason: str) -> str:
    """A reason that Batch takes; it takes no empty one."""
    return reason[:REASON_LIMIT] or "awsexec"
