"""The fleet on AWS Batch: jobs listed by queue and status, described, stopped, and where they log.

Shapes and meanings: AWS Batch API Reference (JobDetail, JobSummary), user guide ("Using the awslogs log driver": the
group is `/aws/batch/job` unless the job definition says otherwise).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from aws_exec.chunked import chunked
from aws_exec.clouds.batch.adapter import PAGE
from aws_exec.clouds.batch.job import ACTIVE, FINISHED, SERVICE, Detail, attempts_of, containers_of, observation
from aws_exec.clouds.batch.termination import Stopper
from aws_exec.clouds.calls import id_of, listed
from aws_exec.clouds.errors import CloudError
from aws_exec.fleet import attribution, batch_context
from aws_exec.fleet.batch_context import on_spot
from aws_exec.fleet.model import FleetJob, State, TimelineEntry, cleaned
from aws_exec.fleet.retries import Retries, RetryingCalls
from aws_exec.fleet.service import Clients, ContextLine, FleetQuery, LogLocation, stop_timeout_of
from aws_exec.fleet.task_state import of_exit
from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.job_name import DEFAULT_PREFIX
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job
from aws_exec.redaction import redact, redact_document
from aws_exec.settings.common.prices import Size

#: The log group of jobs whose definition names none.
LOG_GROUP = "/aws/batch/job"
_STATES = {
    "SUBMITTED": State.WAITING,
    "PENDING": State.WAITING,
    "RUNNABLE": State.WAITING,
    "STARTING": State.STARTING,
    "RUNNING": State.RUNNING,
    "SUCCEEDED": State.SUCCEEDED,
    "FAILED": State.FAILED,
}


class BatchFleet:
    """Batch, as `Service`.

    Args:
        clients: a boto3 client of a service.
        retries: rate and retries.
        queues: names or ARNs of job queues; none: every one of the account and Region.
        container_name: of the Airflow container among several, if the job itself does not show it.
    """

    name = SERVICE

    def __init__(
        self,
        clients: Clients,
        retries: Retries,
        queues: Sequence[str] = (),
        container_name: str = "",
    ) -> None:
        self._clients = clients
        self._calls = RetryingCalls(lambda: clients("batch"), retries)
        self._queues = tuple(dict.fromkeys(queues))
        self._container_name = container_name
        self._stopper = Stopper(self._calls)
        self._spot: dict[str, bool | None] = {}
        self._spot_lock = threading.Lock()

    @property
    def stop_batch(self) -> int:
        """50, or 1 if this botocore or the service does not know TerminateJobs."""
        return self._stopper.at_once

    @property
    def region(self) -> str:
        """The Region of the client."""
        return str(self._clients("batch").meta.region_name)

    def locations(self) -> Sequence[str]:
        """Return the job queues that are searched."""
        if not self._queues:
            self._queues = self.all_locations()
        return self._queues

    def all_locations(self) -> tuple[str, ...]:
        """Return the names of all job queues."""
        pages = self._calls.pages("DescribeJobQueues", "describe_job_queues", "jobQueues", "jobQueueName")
        return tuple(str(queue["jobQueueName"]) for page in pages for queue in page)

    def pages(self, location: str, query: FleetQuery) -> Iterator[list[str]]:
        """Yield IDs in the order of the statuses: a job that changes its status occurs twice, and is not missed."""
        for status in ACTIVE:
            for page in self._list(location, status):
                yield from chunked([str(each["jobId"]) for each in page], PAGE)
        if query.ended_since is not None:
            for status in FINISHED:
                for page in self._list(location, status):
                    recent = [each for each in page if each.get("stoppedAt", 0) >= query.ended_since * 1000]
                    yield from chunked([str(each["jobId"]) for each in recent], PAGE)

    def _list(self, location: str, status: str) -> Iterator[list[Detail]]:
        return self._calls.pages(
            "ListJobs", "list_jobs", "jobSummaryList", "jobId", jobQueue=location, jobStatus=status
        )

    def describe(self, location: str, ids: Sequence[str]) -> list[FleetJob]:  # noqa: ARG002 - known by its id alone
        """Return the Airflow jobs among these."""
        return [job for detail in self._details(ids) if (job := self._read(detail)) is not None]

    def _details(self, ids: Sequence[str]) -> list[Detail]:
        found: list[Detail] = []
        for part in chunked([id_of(each) for each in ids], PAGE):
            try:
                answer = self._calls.read("DescribeJobs", "describe_jobs", jobs=part)
            except CloudError as error:
                if error.failure.code == "ClientException" and error.failure.kind is FailureKind.INVALID:
                    continue  # an id that is none of Batch's
                raise
            found += listed(answer, "DescribeJobs", "jobs", "jobId")
        return found

    def document(self, job: FleetJob) -> dict[str, Any]:
        """Return the job as DescribeJobs returns it."""
        details = self._details([job.id])
        found: dict[str, Any] = redact_document(details[0]) if details else {}
        return found

    def log_location(self, job: FleetJob) -> LogLocation | None:
        """Return the log of a job, which repeats its definition's configuration; it has a stream once it runs."""
        details = self._details([job.id])
        if not details:
            return None
        if details[0].get("eksProperties"):
            return LogLocation("", "", job.region, "kubernetes")
        containers = _containers(details[0])
        ours = next((each for each in containers if each.get("name") == job.container), containers[0])
        log: Mapping[str, Any] = ours.get("logConfiguration") or {}
        driver = str(log.get("logDriver") or "awslogs")
        if driver != "awslogs":
            return LogLocation("", "", job.region, driver)
        options = log.get("options") or {}
        stream = str(ours.get("logStreamName") or _stream_of_attempts(details[0], job.container))
        group, region = options.get("awslogs-group", LOG_GROUP), options.get("awslogs-region") or job.region
        return LogLocation(group, stream, region)

    def stop_timeout(self, job: FleetJob) -> int:
        """Return `stopTimeout` of the job's container, which only jobs of several containers can set."""
        details = self._details([job.id])
        return stop_timeout_of(_containers(details[0]) if details else (), job.container)

    def context(self, job: FleetJob) -> list[ContextLine]:
        """Return the queue, the jobs before it, its compute environments."""
        return batch_context.context(self._calls, self._clients, job)

    def stop(self, jobs: Sequence[FleetJob], reason: str) -> Sequence[CallFailure | None]:
        """Make one call of TerminateJobs or TerminateJob."""
        return self._stopper.stop([job.job for job in jobs], reason)

    # -- reading a job ------------------------------------------------------------------------------------------------

    def _read(self, detail: Detail) -> FleetJob | None:
        """Return a job of the fleet; None if it is not Airflow's."""
        identity, container = self._identity_of(detail)
        if identity is None:
            return None
        job = Job(str(detail.get("jobArn") or detail["jobId"]), id_of(str(detail.get("jobQueue") or "")))
        seen = observation(
            detail, job, container_name=container, name_prefix=DEFAULT_PREFIX, token=identity.token or None
        )
        status = str(detail.get("status") or "")
        state = _STATES.get(status, State.WAITING)
        if state in (State.STARTING, State.RUNNING) and detail.get("isTerminated"):
            state = State.STOPPING  # the status stays as it is until the containers have exited
        created, started, stopped = (_seconds(detail.get(name)) for name in ("createdAt", "startedAt", "stoppedAt"))
        return FleetJob(
            service=SERVICE,
            job=job,
            identity=identity,
            state=state,
            status=status,
            definition=id_of(str(detail.get("jobDefinition") or "")),
            size=self._size(detail, job.location),
            timeline=_timeline(detail),
            created=created,
            started=started,
            stopped=stopped,
            stop=cleaned(seen.stop),
            waiting=redact(seen.waiting or _why_waiting(detail)) if state is State.WAITING else redact(seen.waiting),
            stopping=redact(str(detail.get("statusReason") or "")) if state is State.STOPPING else "",
            container=container,
            task_state=of_exit(seen.stop, is_stored=attribution.is_stored(_containers(detail))),
        )

    def _size(self, detail: Detail, queue: str) -> Size:
        """Return the size of a job; whether a queue is Spot is read once."""
        size = _size(detail)
        if not size.fargate:
            return size
        with self._spot_lock:  # the first page makes the call, the others wait for it
            if queue not in self._spot:
                self._spot[queue] = on_spot(self._calls, queue)
            return replace(size, spot=self._spot[queue])

    def _identity_of(self, detail: Detail) -> tuple[Identity | None, str]:
        containers = _containers(detail)
        for container in containers:
            found = attribution.in_container(container)
            if found is not None:
                return found, str(container.get("name") or "")
        named = self._container_name if any(each.get("name") == self._container_name for each in containers) else ""
        found = attribution.in_tags(detail.get("tags") or {}) or attribution.in_name(str(detail.get("jobName") or ""))
        return found, named


def _containers(detail: Detail) -> list[Detail]:
    """Return the containers of a job: one without a name, or those of its one task or pod."""
    return containers_of(detail) or [detail.get("container") or {}]


def _why_waiting(detail: Detail) -> str:
    """Return the reason that a container has before its first attempt; later it is that of the attempt before."""
    reasons = (str(each.get("reason") or "") for each in _containers(detail) if not attempts_of(detail))
    return next(filter(None, reasons), "")


def _stream_of_attempts(detail: Detail, container: str) -> str:
    for attempt in reversed(attempts_of(detail)):
        tasks = attempt.get("taskProperties") or ()
        several = [each for task in tasks for each in task.get("containers") or () if each.get("name") == container]
        for each in several or [attempt.get("container") or {}]:
            if each.get("logStreamName"):
                return str(each["logStreamName"])
    return ""


def _timeline(detail: Detail) -> tuple[TimelineEntry, ...]:
    attempts = attempts_of(detail)
    found = [("queued", detail.get("createdAt"))]
    for number, attempt in enumerate(attempts, 1):
        which = f"attempt {number} " if len(attempts) > 1 else ""
        found += [(f"{which}started", attempt.get("startedAt"))]
        if which:
            found += [(f"{which}stopped", attempt.get("stoppedAt"))]
    if not any(attempt.get("startedAt") for attempt in attempts):
        found.append(("started", detail.get("startedAt")))
    found.append(("stopped", detail.get("stoppedAt")))
    times = [TimelineEntry(at, what) for what, when in found if (at := _seconds(when)) is not None]
    return tuple(sorted(times, key=lambda entry: entry.at))


def _size(detail: Detail) -> Size:
    needs: dict[str, float] = {}
    for container in _containers(detail):
        for need in container.get("resourceRequirements") or ():
            needs[need["type"]] = needs.get(need["type"], 0) + float(need["value"])
    only: Detail = detail.get("container") or {}
    vcpu, memory = needs.get("VCPU", only.get("vcpus")), needs.get("MEMORY", only.get("memory"))
    storage: Mapping[str, Any] = only.get("ephemeralStorage") or {}
    return Size(
        vcpu=None if vcpu is None else float(vcpu),
        memory_mib=None if memory is None else int(memory),
        gpu=int(needs.get("GPU", 0)),
        storage_gib=storage.get("sizeInGiB", 0),
        fargate="FARGATE" in (detail.get("platformCapabilities") or ()),
    )


def _seconds(milliseconds: Any) -> float | None:
    """Return a time of Batch in seconds; 0 is none (the model has `startedAt` as required)."""
    return milliseconds / 1000 if milliseconds else None
