"""Launches by the hundred thousand through a whole executor: its AWS is a few dictionaries, its clock a number.

The seam is botocore's client: what is above it is ours and runs as it is, dispatcher, threads and adapters included.
Every launch has a key, a location and an Airflow queue of its own, and many meet something on their way.
"""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from itertools import count
from typing import Any
from uuid import uuid4

from airflow.models.taskinstancekey import TaskInstanceKey
from botocore.exceptions import ClientError

from aws_exec import AwsBatchExecutor, AwsEcsExecutor
from aws_exec.clouds.batch.job import ACTIVE
from aws_exec.executors import compat
from aws_exec.executors.airflow_db import AirflowDatabase
from aws_exec.lifecycle.history import STEPS
from aws_exec.testing import FakeClock
from tests.executors.harness import with_part

#: Launches that are on their way at once, and the seconds that pass before the next come. Each hundred is listed
#: twice: while they run, and when they have long ended.
TOGETHER = 100
PAUSE = 900.0
#: Beats, 5 s apart, within which all of them are over: some wait for another container, or are refused first.
PATIENCE = 200
#: Seconds that a thread may take to answer, on a machine that is busy with other things.
ANSWER = 60.0

#: One launch in so many meets this.
REFUSED, REVOKED, NO_CONFIG = 7, 11, 13

#: Nothing waits for its turn: what is rated is not what this is about.
RATES = dict.fromkeys(("launch_rate", "launch_burst", "describe_rate"), "1000000")
OPTIONS = {"deployment": "growth", "check_health_on_startup": "False", "orphan_interval": "800", **RATES}


class Clock(FakeClock):
    """Passes a little whenever somebody looks: what waits for a rate need not wait for the test."""

    def __call__(self) -> float:
        """The time."""
        return self.advance(1e-4)


def error(code: str, message: str, operation: str) -> ClientError:
    """What botocore raises of an answer that is an error."""
    said: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": 400}}
    return ClientError(said, operation)


def is_unknown(location: str) -> bool:
    """Whether a listing says that there is no such location (any more): of every second one."""
    return location.endswith(("1", "3", "5", "7", "9"))


class Places:
    """What the clients of both services have in common: jobs that end when they are looked at, by location."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self.jobs: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)

    def add(self, location: str, job_id: str, job: dict[str, Any]) -> None:
        """A job is made."""
        self.jobs[location][job_id] = job

    def take(self, location: str, job_id: str) -> dict[str, Any] | None:
        """A job as it ends; AWS forgets it. None if there is none."""
        jobs = self.jobs.get(location, {})
        job = jobs.pop(job_id, None)
        if not jobs:
            self.jobs.pop(location, None)
        return job


class Ecs(Places):
    """As `boto3.client("ecs")`."""

    def describe_clusters(self, clusters: list[str]) -> Mapping[str, Any]:
        """Each has a strategy of its own."""
        strategy = [{"capacityProvider": "FARGATE"}]
        return {"clusters": [{"clusterName": clusters[0], "defaultCapacityProviderStrategy": strategy}]}

    def run_task(self, **request: Any) -> Mapping[str, Any]:
        """A task, or a refusal whose reason names something that no other names."""
        number, cluster = next(self._numbers), request["cluster"]
        if number % (2 * REFUSED) == 0:
            raise error(f"BrandNew{number}Exception", "no", "RunTask")
        if number % REFUSED == 0:
            return {"tasks": [], "failures": [{"arn": f"arn:{number}", "reason": f"RESOURCE:ENI-{number}"}]}
        arn = f"arn:aws:ecs:eu-central-1:123456789012:task/{cluster}/{number:032x}"
        containers = [{"name": "airflow", "lastStatus": "PENDING"}]
        task = {"taskArn": arn, "lastStatus": "PENDING", "containers": containers, **_echo(request)}
        self.add(cluster, arn, task)
        return {"tasks": [task], "failures": []}

    def describe_tasks(self, cluster: str, tasks: list[str]) -> Mapping[str, Any]:
        """All of them have ended well."""
        found = [(arn, self.take(cluster, arn)) for arn in tasks]
        ended = [{"name": "airflow", "lastStatus": "STOPPED", "exitCode": 0}]
        return {
            "tasks": [
                {**task, "lastStatus": "STOPPED", "stopCode": "EssentialContainerExited", "containers": ended}
                for _, task in found
                if task is not None
            ],
            "failures": [{"arn": arn, "reason": "MISSING"} for arn, task in found if task is None],
        }

    def list_tasks(self, cluster: str, **_: Any) -> Mapping[str, Any]:
        """Of some clusters it says that there is none."""
        if is_unknown(cluster):
            raise error("ClusterNotFoundException", f"Cluster {cluster} not found.", "ListTasks")
        return {"taskArns": list(self.jobs.get(cluster, ()))}

    def stop_task(self, cluster: str, task: str, reason: str) -> Mapping[str, Any]:
        """It is over when it is looked at, as all are."""
        return {"task": {"taskArn": task}}


class Batch(Places):
    """As `boto3.client("batch")`."""

    def __init__(self) -> None:
        super().__init__()
        self._queue_of: dict[str, str] = {}

    def submit_job(self, **request: Any) -> Mapping[str, Any]:
        """A job, or a refusal whose code nobody knows."""
        number, queue = next(self._numbers), request["jobQueue"]
        if number % REFUSED == 0:
            raise error(f"BrandNew{number}Exception", "no", "SubmitJob")
        job_id = str(uuid4())
        arn = f"arn:aws:batch:eu-central-1:123456789012:job/{job_id}"
        self._queue_of[job_id] = queue
        container = {"environment": request["containerOverrides"]["environment"]}
        job = {"jobId": job_id, "jobArn": arn, "jobName": request["jobName"], "jobQueue": queue, "container": container}
        self.add(queue, job_id, job)
        return {"jobId": job_id, "jobArn": arn, "jobName": request["jobName"]}

    def describe_jobs(self, jobs: list[str]) -> Mapping[str, Any]:
        """All of them have ended well."""
        found = (self.take(self._queue_of.pop(job_id, ""), job_id) for job_id in jobs)
        return {
            "jobs": [
                {**job, "status": "SUCCEEDED", "startedAt": 1, "container": {**job["container"], "exitCode": 0}}
                for job in found
                if job is not None
            ]
        }

    def list_jobs(self, jobQueue: str, jobStatus: str = "RUNNING", **_: Any) -> Mapping[str, Any]:  # noqa: N803 -- AWS's
        """Of some queues it says that there is none."""
        if is_unknown(jobQueue):
            raise error("ClientException", f"Job queue {jobQueue} does not exist", "ListJobs")
        jobs = self.jobs.get(jobQueue, {}).values() if jobStatus == ACTIVE[-1] else ()
        return {"jobSummaryList": [{"jobId": job["jobId"], "jobName": job["jobName"]} for job in jobs]}

    def terminate_job(self, **_: Any) -> Mapping[str, Any]:
        """It is over when it is looked at, as all are."""
        return {}

    terminate_jobs = terminate_job


def _echo(request: Mapping[str, Any]) -> dict[str, Any]:
    return {"overrides": request["overrides"], "startedBy": request["startedBy"]}


class OneScheduler(AirflowDatabase):
    """What a scheduler that is alone would read."""

    def verify_ownership(self, launches, read):
        assert not read, "nothing is adopted"
        return dict.fromkeys(launch_id for launch_id, _ in launches)

    def verify_exits(self, launches):
        return {launch_id: False for launch_id, _ in launches}

    def find_owners(self, identities):
        return [] if not identities else super().find_owners(identities)

    def unfinished_callbacks(self):
        return []


class GrowingEcs(with_part(AwsEcsExecutor, "_database", OneScheduler)):
    """On ECS."""

    def build_client(self, options):
        return Ecs()


class GrowingBatch(with_part(AwsBatchExecutor, "_database", OneScheduler)):
    """On AWS Batch."""

    def build_client(self, options):
        return Batch()


class Growth:
    """Launches through one executor, and what memory they leave behind.

    Args:
        started: the fixture.
        cls: one of the executors above.
        location: the member of an executor_config that names the location.
    """

    def __init__(self, started: Any, cls: type, location: str) -> None:
        self.clock = Clock()
        self.executor = started(cls, clock=self.clock, launch_type=None, **OPTIONS)
        self._location = location
        self._numbers = count(1)
        self._pause = threading.Event()
        # Ids of launches are remembered to recognise them: as many as it keeps, so that it is full from the beginning.
        for _ in range(20_000):
            self.executor._launch_ids.remember(str(uuid4()))

    def launch(self, total: int) -> int:
        """Launch so many, a hundred at once; how many blocks of memory the process has in use then."""
        for _ in range(total // TOGETHER):
            self._launch_together()
        # The history has a size of its own, and its steps share more or less: it is counted, and not weighed.
        history = self.executor.machine.store.history
        assert len(history) == STEPS
        history[:] = [None] * STEPS
        gc.collect()
        return sys.getallocatedblocks()

    def _launch_together(self) -> None:
        left, revoked = set(), set()
        for number in (next(self._numbers) for _ in range(TOGETHER)):
            key = TaskInstanceKey("etl", "load", f"run-{number}", 1, -1)
            config = {self._location: f"place-{number}"} if number % NO_CONFIG else None
            self.executor.running.add(key)
            self.executor.execute_async(key, ["airflow", "run"], f"queue-{number}", config)
            self.executor._startup.setup.location_of(None, f"queue-{number}")
            (left if number % REVOKED else revoked).add(key)
        self._heartbeat()
        for key in revoked:
            self.executor.revoke_task(ti=key)
        for _ in range(PATIENCE):
            self._heartbeat()
            told = self.executor.get_event_buffer().items()
            self.executor._task_event_logs.clear()
            left -= {key for key, (state, _) in told if compat.is_terminal(state)}
            if not left and not self.executor.machine.store.launches:
                break
            self.clock.advance(5.0)
        assert not left, list(self.executor.machine.store.launches.values())[:3]
        assert not self.executor.running
        self.clock.advance(PAUSE)

    def _heartbeat(self) -> None:
        """One heartbeat, and all that it asked for is answered."""
        self.executor.sync()
        dispatcher = self.executor._heartbeat.dispatcher
        end = time.monotonic() + ANSWER
        while dispatcher.outstanding:
            assert time.monotonic() < end, dispatcher.oldest()
            self._pause.wait(0.0003)
        self.executor.sync()
