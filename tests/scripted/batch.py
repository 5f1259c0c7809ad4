"""The operations of the scripted Batch, over its jobs: SubmitJob, DescribeJobs, ListJobs, TerminateJob, TerminateJobs.

SubmitJob knows no token: the same request twice makes two jobs. The first attempt is the only one.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from tests.scripted.api import ACCOUNT, REGION, Api, Launch, Operation, Refused, environment_of, name_of
from tests.scripted.job import BatchJob, overrides_of
from tests.scripted.life import Plan
from tests.scripted.tricks import error, no_queue

#: AWS Batch API Reference: ids per DescribeJobs; jobs per ListJobs page, without filters and with; ids per
#: TerminateJobs.
DESCRIBED, LISTED, FILTERED, STOPPED = 100, 1000, 100, 50


class BatchApi(Api[BatchJob]):
    """The service's state, and what it answers.

    Args:
        plan: what becomes of a job, from its request.
        queues: the names of those that exist; None: every one.
        listing_lag: seconds until a job is in ListJobs.
        bulk: whether it knows TerminateJobs.
        container: the Airflow container's name where the request names none.
    """

    error_in_header = True

    def __init__(
        self,
        plan: Callable[[Mapping[str, Any]], Plan],
        *,
        queues: Sequence[str] | None = None,
        listing_lag: float = 0.0,
        bulk: bool = True,
        container: str = "airflow",
    ) -> None:
        super().__init__(plan, container=container)
        self._queues = queues
        self._listing_lag = listing_lag
        self._operations: dict[str, Operation] = {
            "SubmitJob": self._submit_job,
            "DescribeJobs": self._describe_jobs,
            "ListJobs": self._list_jobs,
            "TerminateJob": self._terminate_job,
        }
        if bulk:
            self._operations["TerminateJobs"] = self._terminate_jobs
        self._by_path = {f"/v1/{name.lower()}": name for name in (*self._operations, "TerminateJobs")}

    def operations(self) -> Mapping[str, Operation]:
        """What it knows, by the name of the operation."""
        return self._operations

    def operation_of(self, call: str) -> str:
        """The operation that a call on the wire means, from its path."""
        return self._by_path.get(call, call)

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Refuse what names a job queue that does not exist."""
        queue = name_of(arguments.get("jobQueue", ""))
        if self._queues is not None and "jobQueue" in arguments and queue not in self._queues:
            raise Refused(no_queue(queue))

    def add(self, request: Mapping[str, Any], plan: Plan, now: float) -> BatchJob:
        """A job, as if SubmitJob had been called, but not in the ledger."""
        arn = f"arn:aws:batch:{REGION}:{ACCOUNT}:job/{uuid4()}"
        name = overrides_of(request)[0].get("name", self._container)
        return self._keep(
            BatchJob(arn, request, plan, now, location=name_of(request.get("jobQueue", "")), container=name)
        )

    def _submit_job(self, arguments: dict[str, Any], _: bytes, now: float) -> str:
        job = self.add(arguments, self.plan(arguments), now)
        container = overrides_of(arguments)[0]
        token = environment_of(container).get("AWSEXEC_TOKEN", "")
        self.launches.append(Launch(job.arn, token, job.location, now, arguments, container, arguments.get("tags", {})))
        return json.dumps({"jobArn": job.arn, "jobId": job.id, "jobName": job.name})

    def _describe_jobs(self, arguments: dict[str, Any], _: bytes, now: float) -> str:
        ids = arguments.get("jobs", [])
        if not 0 < len(ids) <= DESCRIBED:
            raise Refused(error("ClientException", f"jobs must have between 1 and {DESCRIBED} elements"))
        told = []
        for each in ids:
            job = self.tasks.get(each)
            if job is not None and job.unknown <= 0:
                told.append(job.described(now))
            elif job is not None:
                job.unknown -= 1
        return f'{{"jobs":[{",".join(told)}]}}'

    def _list_jobs(self, arguments: dict[str, Any], _: bytes, now: float) -> str:
        filters = arguments.get("filters") or ()
        if len(filters) > 1:
            raise Refused(error("ClientException", "Only one filter is supported"))
        fits = _has_name(filters[0]) if filters else _has_status(arguments.get("jobStatus", "RUNNING"), now)
        queue, size = name_of(arguments.get("jobQueue", "")), FILTERED if filters else LISTED

        def found() -> list[str]:
            return [
                job.listed(now)
                for job in self.all_tasks()
                if job.location == queue and job.accepted + self._listing_lag <= now and fits(job)
            ]

        jobs, following = self.page(arguments.get("nextToken") or "", size, found)
        token = f',"nextToken":"{following}"' if following else ""
        return f'{{"jobSummaryList":[{",".join(jobs)}]{token}}}'

    def _terminate_job(self, arguments: dict[str, Any], _: bytes, now: float) -> str:
        if not self._terminate(arguments.get("jobId", ""), arguments.get("reason", ""), now):
            raise Refused(error("ClientException", f"Job {arguments.get('jobId')} not found"))
        return "{}"

    def _terminate_jobs(self, arguments: dict[str, Any], _: bytes, now: float) -> str:
        ids = arguments.get("jobs", [])
        if not 0 < len(ids) <= STOPPED:
            raise Refused(error("ClientException", f"jobs must have between 1 and {STOPPED} elements"))
        errors = [
            {"job": each, "code": "ClientException", "message": f"Job {each} not found"}
            for each in ids
            if not self._terminate(each, arguments.get("reason", ""), now)
        ]
        return json.dumps({"errors": errors})

    def _terminate(self, job_id: str, reason: str, now: float) -> bool:
        """Whether there is such a job."""
        job = self.tasks.get(job_id)
        if job is None:
            return False
        self.stops.append((job.arn, reason))
        job.ask_to_stop(now, reason)
        return True


def _has_status(status: str, now: float) -> Callable[[BatchJob], bool]:
    return lambda job: job.status(now) == status


def _has_name(wanted: Mapping[str, Any]) -> Callable[[BatchJob], bool]:
    """The filter JOB_NAME: case-insensitive, with `*` at the end for what begins so."""
    if wanted.get("name") != "JOB_NAME":
        raise Refused(error("ClientException", f"Filter {wanted.get('name')} is not scripted"))
    value = str(wanted["values"][0]).lower()
    if value.endswith("*"):
        return lambda job: job.name.lower().startswith(value[:-1])
    return lambda job: job.name.lower() == value
