"""Typed options, merging by meaning, and the requests made of them. Importing it imports neither Airflow nor boto3."""

from __future__ import annotations

from aws_exec.settings.batch.options import BatchOptions, load_batch_options
from aws_exec.settings.batch.payload import SubmitJobBuilder, SubmitJobPlan
from aws_exec.settings.common.merge import merge_run_task
from aws_exec.settings.common.option_info import OptionInfo, option_catalogue
from aws_exec.settings.common.options import AwsOptions, ExecutorOptions
from aws_exec.settings.common.problems import Finding, InvalidExecutorConfig, OptionsError, Problem, RequestTooLarge
from aws_exec.settings.ecs.options import EcsOptions, load_ecs_options
from aws_exec.settings.ecs.payload import RunTaskBuilder, RunTaskPlan, build_run_task, check_options

__all__ = [
    "AwsOptions",
    "BatchOptions",
    "EcsOptions",
    "ExecutorOptions",
    "Finding",
    "InvalidExecutorConfig",
    "OptionInfo",
    "OptionsError",
    "Problem",
    "RequestTooLarge",
    "RunTaskBuilder",
    "RunTaskPlan",
    "SubmitJobBuilder",
    "SubmitJobPlan",
    "build_run_task",
    "check_options",
    "load_batch_options",
    "load_ecs_options",
    "merge_run_task",
    "option_catalogue",
]
