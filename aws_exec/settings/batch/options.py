"""The options of `AwsBatchExecutor`: section `[aws_batch_executor]`, those of the Amazon provider and ours."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator

from aws_exec.settings.common.coercion import json_object, positive_seconds, text_map
from aws_exec.settings.common.merge import SUBMIT_JOB
from aws_exec.settings.common.options import (
    NO_FILE_OPTIONS,
    AwsOptions,
    FileOptions,
    Positive,
    Stripped,
    attempts_option,
    kwargs_option,
    load,
    named_in,
    option,
)

#: AWS Batch user guide, "Service quotas": SubmitJob, per account; not adjustable.
LAUNCHES_PER_SECOND = 50.0
#: AWS documents no burst of SubmitJob beyond one second's calls.
SAVED_LAUNCHES = 50

#: The members of SubmitJob that are an option each, and that option.
OPTION_OF = {"jobName": "job_name", "jobQueue": "job_queue", "jobDefinition": "job_definition"}


class BatchOptions(AwsOptions):
    """The options of `[aws_batch_executor]`.

    Every option of the Amazon provider's section has its name, meaning and default here. A text that is not set is
    empty, or None if its absence has a meaning.
    """

    section: ClassVar[str] = "aws_batch_executor"

    job_queue: Stripped = option(
        "",
        "Name or ARN of the job queue that tasks are submitted to. An executor_config may name another (`jobQueue`).",
        example="airflow-batch-executor-job-queue",
        required=True,
    )
    job_queues: Annotated[dict[str, str], BeforeValidator(text_map)] = option(
        {},
        "A JSON object of Airflow queues and the job queue that the tasks of each are submitted to; the tasks of all "
        "other queues go to `job_queue`. An executor_config that names a `jobQueue` wins.",
        example='{"gpu": "gpu-job-queue"}',
    )
    job_definition: Stripped = option(
        "",
        "Name, `name:revision` or ARN of the job definition. Without a revision, the latest active one.",
        example="airflow-batch-executor-job-definition",
        required=True,
    )
    job_name: Stripped = option(
        "",
        "What the names of all jobs begin with; awsexec adds the launch, the DAG and the task, and finds jobs again by "
        "it. At most 64 letters, digits, hyphens and underscores; `awsexec` without it.",
        example="airflow-batch-executor-job",
    )
    container_name: Stripped = option(
        "",
        "Name of the container that runs the Airflow task, if the job definition has several (`ecsProperties`): "
        "command, environment and resources then go to that container, in `ecsPropertiesOverride`. Empty for a job "
        "definition with one container. An executor_config may name another one (`containerName`), or none (null).",
        example="airflow",
    )
    max_submit_job_attempts: int = attempts_option()
    max_runnable_seconds: Annotated[Positive | None, BeforeValidator(positive_seconds)] = option(
        None,
        "How long a job may take from being submitted to RUNNING, most of it in RUNNABLE, before its task fails with "
        "the reason that AWS Batch gives. Unlimited without it, or with 0; `[scheduler] task_queued_timeout` holds in "
        "any case.",
        example="1800",
        kind="float",
        unit="s",
    )
    submit_job_kwargs: Annotated[dict[str, Any], BeforeValidator(json_object)] = kwargs_option(
        "SubmitJob", '{"timeout": {"attemptDurationSeconds": 7200}, "tags": {"team": "risk"}}'
    )

    @classmethod
    def elsewhere(cls, given: Mapping[str, Any]) -> Container[str]:
        """The Amazon provider takes the queue and the definition from `submit_job_kwargs` too."""
        return named_in(given.get("submit_job_kwargs", "{}"), OPTION_OF, SUBMIT_JOB)

    saved_launches: ClassVar[int] = SAVED_LAUNCHES

    @property
    def max_attempts(self) -> int:
        """`max_submit_job_attempts`."""
        return self.max_submit_job_attempts

    @property
    def launches_per_second(self) -> float:
        """`launch_rate`, or the documented quota."""
        return self.launch_rate if self.launch_rate is not None else LAUNCHES_PER_SECOND


def load_batch_options(
    get: Callable[[str], str | None],
    *,
    team: str | None = None,
    require: bool = True,
    file_options: FileOptions = NO_FILE_OPTIONS,
) -> BatchOptions:
    """Read `[aws_batch_executor]`.

    Args:
        get: returns the raw text of an option (of that team), or None; empty text means absent.
        team: of the configuration that `get` reads, for messages.
        require: whether `job_queue` and `job_definition` must be there, as options or in `submit_job_kwargs`.
        file_options: of awsexec.yaml; Airflow's configuration wins.

    Raises:
        OptionsError: with every problem found.
    """
    return load(BatchOptions, get, team=team, require=require, file_options=file_options)
