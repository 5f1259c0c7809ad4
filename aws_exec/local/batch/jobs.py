"""Batch jobs: SubmitJob, DescribeJobs, ListJobs, TerminateJob(s), CancelJob(s), over jobs that really run.

Everything else of Batch (compute environments, job queues, job definitions) is moto's; `batch_api` joins the two.
Nothing makes SubmitJob idempotent: every call makes a job, as in AWS.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from aws_exec.local.batch.describe import detail, milliseconds, summary
from aws_exec.local.batch.job import BatchJob
from aws_exec.local.batch.request import Place, attempt_request, check, job_request, refused, wrapped
from aws_exec.local.containers import ContainerHost
from aws_exec.local.ecs.request import Parameters
from aws_exec.local.ecs.task import EcsTask, LogOf, Pace
from aws_exec.local.errors import AwsError
from aws_exec.local.script import Script

#: DescribeJobs: "A list of up to 100 AWS Batch job IDs".
_MOST_IDS = 100
#: TerminateJobs, CancelJobs: "up to 50 jobs".
_MOST_STOPS = 50
#: "This parameter has as limit of 1024 characters" (TerminateJob `reason`).
_LONGEST_REASON = 1024
#: ListJobs `maxResults`: up to 1,000 by status, up to 100 with a filter.
_PAGE = 1000
_FILTERED_PAGE = 100
#: "AWS Batch retains finished jobs for at least 7 days" in substance (User Guide, "Job states").
_REMEMBERED = 7 * 24 * 3600.0


class BatchJobs:
    """All jobs of all queues of one account and Region. Thread-safe: each verb takes the loop's lock."""

    def __init__(
        self,
        host: ContainerHost,
        pace: Pace,
        log_of: LogOf,
        script: Script,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Begin with no jobs.

        Args:
            host: what the containers run on.
            pace: how long the start and stop of an attempt's task take.
            log_of: where output goes.
            script: the faults to come.
            clock: epoch seconds, for timeouts, lag, and what is forgotten after days. A timeout that has passed by it
                is acted on at the next call, if the machine's own clock does not get there first.
        """
        self._host = host
        self._pace = pace
        self._log_of = log_of
        self._script = script
        self._clock = clock
        self._changed = host.loop.changed
        #: Every job ever made, by id, in order; what AWS has forgotten stays for the ledger.
        self.jobs: dict[str, BatchJob] = {}

    def submit(self, request: Parameters, place: Place) -> dict[str, Any]:
        """SubmitJob.

        Raises:
            AwsError: the request is wrong.
        """
        check(request, place)
        made = job_request(request, place)

        def make_task(number: int, followed: Callable[[], None]) -> EcsTask:
            return EcsTask(
                request=attempt_request(made, number),
                host=self._host,
                pace=self._pace,
                log_of=self._log_of,
                failed_start=self._script.next_failed_start(made.containers),
                tags=[],
                on_status=followed,
            )

        with self._changed:
            job = BatchJob(
                request=made,
                loop=self._host.loop,
                make_task=make_task,
                clock=self._clock,
                dependencies=[self._dependency(one) for one in request.get("dependsOn", ())],
                held=self._script.next_hold(),
                hidden_until=self._clock() + self._script.lag,
                tags=dict(made.facts["tags"]),
            )
            self.jobs[made.id] = job
            job.begin()
        return {"jobArn": made.arn, "jobName": made.name, "jobId": made.id}

    def describe(self, request: Parameters) -> dict[str, Any]:
        """DescribeJobs; what is unknown is absent.

        Raises:
            AwsError: no ids, or more than 100.
        """
        asked = request.get("jobs", [])
        if not asked:
            raise refused("jobs cannot be empty.")
        if len(asked) > _MOST_IDS:
            raise refused("Maximum number of jobs supported is 100")  # pegasus-isi/pegasus #2086
        with self._changed:
            found = [self.known(name) for name in dict.fromkeys(map(_id_of, asked))]
            return {"jobs": [detail(job) for job in found if job is not None]}

    def list(self, request: Parameters, queue_arn: str) -> dict[str, Any]:
        """ListJobs, newest first; with a filter whatever the status, else one status, RUNNING unless given.

        Raises:
            AwsError: several filters or values, or a wrong page size or token.
        """
        matches = _filter(request)
        most = _FILTERED_PAGE if request.get("filters") else _PAGE
        size = request.get("maxResults", most)
        if not 1 <= size <= most:
            raise refused(f"maxResults must be between 1 and {most}.")
        with self._changed:
            rest = self._after(request.get("nextToken"))
            matching = [job for job in rest if job.request.queue_arn == queue_arn and matches(job)]
        page: dict[str, Any] = {"jobSummaryList": [summary(job) for job in matching[:size]]}
        if len(matching) > size:
            page["nextToken"] = matching[size - 1].request.id
        return page

    def _after(self, token: str | None) -> Iterable[BatchJob]:
        order = list(reversed(self.jobs.values()))
        if token is not None:
            if token not in self.jobs:
                raise refused("The specified nextToken is not valid.")
            order = order[order.index(self.jobs[token]) + 1 :]
        return [job for one in order if (job := self.known(one.request.id))]

    def terminate(self, request: Parameters) -> dict[str, Any]:
        """TerminateJob; a job that is over or unknown is no error.

        "Jobs that can't be found are treated as successfully processed" is said of TerminateJobs (API Reference), and
        holds for both here.

        Raises:
            AwsError: no id or reason, or too long a reason.
        """
        self._stop(request, lambda job, reason: job.terminate(reason))
        return {}

    def cancel(self, request: Parameters) -> dict[str, Any]:
        """CancelJob; succeeds "even if no job is canceled" (API Reference).

        Raises:
            AwsError: no id or reason, or too long a reason.
        """
        self._stop(request, lambda job, reason: job.cancel(reason))
        return {}

    def each(self, request: Parameters, operation: str) -> dict[str, Any]:
        """TerminateJobs and CancelJobs: up to 50 jobs, each with a result of its own.

        Args:
            request: as in the API.
            operation: `TerminateJob` or `CancelJob`; an error scripted for it goes to the next job's result.

        Raises:
            AwsError: no jobs or too many, no reason or too long a one.
        """
        asked = request.get("jobs", [])
        if not 1 <= len(asked) <= _MOST_STOPS:
            raise refused(f"jobs must have between 1 and {_MOST_STOPS} items.")
        _reason(request)
        one = self.terminate if operation == "TerminateJob" else self.cancel
        successful, errors = [], []
        for name in asked:
            try:
                self._script.raise_next(operation)
                one({"jobId": name, "reason": request["reason"]})
            except AwsError as error:
                errors.append({"job": name, "code": error.code, "message": error.message})
            else:
                successful.append(name)
        return {"successful": successful, "errors": errors}

    def known(self, name: str) -> BatchJob | None:
        """The job of an id, while AWS would tell of it.

        Returns:
            None if it never was, ended over a week ago, is forgotten, or is too new to be listed.
        """
        job = self.jobs.get(name)
        if job is None or job.forgotten:
            return None
        job.look_at_the_clock()
        now = self._clock()
        old = job.stopped_at is not None and now > job.stopped_at + _REMEMBERED
        return None if old or now < job.hidden_until else job

    def of_arn(self, arn: str) -> BatchJob | None:
        """The job that a tag operation is about."""
        return self.known(_id_of(arn)) if ":job/" in arn else None

    def release(self) -> None:
        """Let every job go on that is held in RUNNABLE."""
        for job in self.jobs.values():
            job.release()

    def catch_up(self) -> None:
        """Show every job that was too new to be listed."""
        for job in self.jobs.values():
            job.hidden_until = -math.inf

    def _stop(self, request: Parameters, verb: Callable[[BatchJob, str], None]) -> None:
        reason = _reason(request)
        if not request.get("jobId"):
            raise refused("'jobId' is a required field (cannot be an empty string)")  # moto's Batch
        with self._changed:
            # Not `known`: what is not listed yet can be stopped by who has its id.
            job = self.jobs.get(_id_of(request["jobId"]))
            if job is not None and not job.forgotten:
                verb(job, reason)

    def _dependency(self, asked: Parameters) -> BatchJob:
        job = self.jobs.get(_id_of(asked.get("jobId", "")))
        if job is None:
            raise refused(f"Job {asked.get('jobId')} of dependsOn not found.")
        return job


def _reason(request: Parameters) -> str:
    reason: str = request.get("reason", "")
    if not reason:
        raise refused("'reason' is a required field (cannot be an empty string)")  # moto's Batch
    if len(reason) > _LONGEST_REASON:
        raise refused(f"reason can have at most {_LONGEST_REASON} characters.")
    return reason


def _id_of(name: str) -> str:
    """A job's id, of an id or ARN."""
    return name.rpartition(":job/")[2]


def _filter(request: Parameters) -> Callable[[BatchJob], bool]:
    """What a ListJobs request lets through."""
    filters = request.get("filters") or []
    if not filters:
        status = request.get("jobStatus") or "RUNNING"
        return lambda job: job.status == status
    if len(filters) > 1:
        raise wrapped("Only one filter key-value pair can be specified.")  # boto/boto3 #3978
    name, values = filters[0].get("name"), filters[0].get("values", [])
    if len(values) != 1:
        raise wrapped("Filter cannot take more than one value.")  # aws/aws-cli #7982
    known = dict(_filters(values[0]))
    if name not in known:
        raise wrapped(f"Filter {name} is not supported.")
    if name.endswith("_CREATED_AT") and not values[0].isdigit():
        raise wrapped(f"{values[0]} is not a time in milliseconds.")
    return known[name]


def _filters(value: str) -> Iterator[tuple[str, Callable[[BatchJob], bool]]]:
    """The filters by name (API Reference, ListJobs `filters`)."""

    def defined(job: BatchJob) -> bool:
        arn = job.request.facts["jobDefinition"]
        return _like(value, job.request.definition_name) or _like(value, arn) or _like(value, arn.rpartition("/")[2])

    yield "JOB_NAME", lambda job: _like(value.lower(), job.request.name.lower())
    yield "JOB_DEFINITION", defined
    yield "BEFORE_CREATED_AT", lambda job: milliseconds(job.created_at) < int(value)
    yield "AFTER_CREATED_AT", lambda job: milliseconds(job.created_at) > int(value)


def _like(pattern: str, value: str) -> bool:
    """An exact match, or with an asterisk at the end one of how it begins."""
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern
