"""`AwsBatchExecutor`: every workload is one AWS Batch job."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from aws_exec.clouds.batch.adapter import BatchCloud
from aws_exec.executors.base import ContainerExecutor
from aws_exec.executors.heartbeat import BUDGET
from aws_exec.executors.startup import Access, Builder
from aws_exec.lifecycle import Policy
from aws_exec.lifecycle.values import Job
from aws_exec.settings import BatchOptions, SubmitJobBuilder, load_batch_options
from aws_exec.settings.file import AwsexecFile

#: `arn:aws:batch:eu-central-1:123456789012:job/id`. A bare job id looks like a launch id: it is looked for as both.
_JOB_ARN = re.compile(r"arn:[\w-]+:batch:[\w-]+:\d+:job/[\w:-]+")


class AwsBatchExecutor(ContainerExecutor):
    """Runs each Airflow workload as one AWS Batch job.

    Configured by `[aws_batch_executor]`, with the option names of the Amazon provider's executor of the same name.
    """

    SERVICE = "batch"
    SECTION = "aws_batch_executor"
    OPTIONS = BatchOptions

    #: Jobs per DescribeJobs call; AWS takes 100.
    DESCRIBE_JOBS_BATCH_SIZE: ClassVar[int] = 99
    #: How many containers may die before they start; None: the option `max_submit_job_attempts`.
    MAX_SUBMIT_JOB_ATTEMPTS: ClassVar[int | None] = None

    # -- the documented methods ---------------------------------------------------------------------------------------

    def load_batch_connection(self, check_connection: bool = True) -> None:
        """Build the Batch client anew, then swap; calls under way finish with the old one.

        Args:
            check_connection: whether to run `check_health()` with it.

        Raises:
            CloudError: it cannot be built: no such connection, no region.
            AirflowException: the check failed.
        """
        self._load_connection(check_connection)

    def sync_running_jobs(self) -> None:
        """Take in what has become known of the running jobs; the first half of a heartbeat."""
        self._heartbeat.handle_completions(self._clock() + BUDGET)

    def attempt_submit_jobs(self) -> None:
        """Hand the launches that are due to the dispatcher; the second half of a heartbeat."""
        self._heartbeat.run_ticks(self._clock() + BUDGET)

    # -- hooks --------------------------------------------------------------------------------------------------------

    def read_options(
        self, get: Callable[[str], str | None], team: str | None, file: AwsexecFile
    ) -> tuple[BatchOptions, Builder]:
        """Read `[aws_batch_executor]` and the `batch` part of awsexec.yaml."""
        file_options, templates = file.options_of("batch", team), file.book("batch", team)
        options = load_batch_options(get, team=team, file_options=file_options)
        return options, SubmitJobBuilder(options, team=team, templates=templates, where=file_options.where)

    def build_adapter(self, options: BatchOptions, builder: SubmitJobBuilder, access: Access) -> BatchCloud:
        """Build the adapter of AWS Batch."""
        return BatchCloud(
            access.client,
            job_queue=builder.location(),
            name_prefix=builder.name_prefix,
            deployment=access.deployment,
            container_name=options.container_name,
            before_read=access.before_read,
            meter=access.meter,
        )

    def job_of(self, external_id: str, location: str) -> Job | None:
        """Return the job that this ARN names."""
        return Job(external_id, location) if _JOB_ARN.fullmatch(external_id) else None

    def policy(self, policy: Policy, options: BatchOptions) -> Policy:
        """Apply the class attributes that users may override, and `max_runnable_seconds`."""
        return replace(
            policy,
            max_attempts=self.MAX_SUBMIT_JOB_ATTEMPTS or policy.max_attempts,
            observe_batch=self.DESCRIBE_JOBS_BATCH_SIZE,
            start_timeout=options.max_runnable_seconds or None,
        )

    def slow_start(self, _builder: SubmitJobBuilder) -> str:
        """Say that a compute environment scales from zero."""
        return "AWS Batch may have to start an instance first"
