"""The SubmitJob request of one task: the shared request, its executor_config, its command and its identity.

What does not depend on the task is prepared once, by `SubmitJobBuilder`: defaults, options, `submit_job_kwargs`, in
this order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

from aws_exec.lifecycle.identity import Identity
from aws_exec.lifecycle.job_name import DEFAULT_PREFIX, job_name, prefix_of
from aws_exec.settings.batch.options import OPTION_OF, BatchOptions
from aws_exec.settings.batch.overlay import DIALECT, Layers, read_executor_config, read_submit_job_kwargs
from aws_exec.settings.common.attribution import Attribution
from aws_exec.settings.common.launch import (
    NO_TEMPLATES,
    BaseRequest,
    LaunchPlan,
    RequestBuilder,
    Templates,
    base_of,
    check_overrides,
    fill_container,
)
from aws_exec.settings.common.merge import SUBMIT_JOB as GRAMMAR
from aws_exec.settings.common.merge import Document, merge_documents
from aws_exec.settings.common.problems import Finding, InvalidExecutorConfig, RequestTooLarge
from aws_exec.settings.common.shape import SUBMIT_JOB, conform, shape_of
from aws_exec.settings.common.tags import joined, sanitised

#: Bytes of a SubmitJob request (AWS Batch user guide, "Service quotas": "Job size must be less than 30 KiB").
PAYLOAD_LIMIT = 30 * 1024

#: Batch must not retry by itself: Airflow's API server refuses the second container of a launch, and its refusal hides
#: why the first one died. A configured `retryStrategy` wins.
_NO_RETRY = {"attempts": 1}

#: Ends a job whose task has ended by itself, whatever else a configured strategy retries (docs/container.md).
END_ON_OUTCOME = {"onExitCode": "8*", "action": "EXIT"}
#: Rules of `evaluateOnExit` (AWS Batch API Reference, RetryStrategy).
MOST_RULES = 5

#: One SubmitJob, ready to be sent: its location is the job queue.
SubmitJobPlan: TypeAlias = LaunchPlan


class SubmitJobBuilder(RequestBuilder):
    """Builds the SubmitJob requests of one executor.

    Args:
        options: of the executor.
        team: of the options, for messages.
        templates: that tasks may name.
        where: `file:line:column` of the options from awsexec.yaml.

    Raises:
        OptionsError: as `RequestBuilder`.

    Attributes:
        name_prefix: of all jobs' names; used to find them.
    """

    LOCATION = "jobQueue"
    DIALECT = DIALECT

    def __init__(
        self,
        options: BatchOptions,
        *,
        team: str | None = None,
        templates: Templates = NO_TEMPLATES,
        where: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        attribution = Attribution(
            options, OPTION_OF, "submit_job_kwargs", "AWS Batch API Reference, SubmitJob", team, where
        )
        base = _base_request(options, attribution)
        self._container = options.container_name
        self._has_entry = options.container_entry
        self.queues = options.job_queues
        self.name_prefix = prefix_of(base.request["jobName"])
        super().__init__(base, attribution, templates)
        if self.name_prefix != base.request["jobName"]:
            self.warnings += (f"job_name: is not one that AWS Batch takes; jobs are called {self.name_prefix}-...",)

    def build(
        self,
        identity: Identity,
        command: Sequence[str],
        executor_config: object = None,
        queue: str | None = None,
        *,
        with_tags: bool = True,
    ) -> SubmitJobPlan:
        """See `RequestBuilder`."""
        request, container = self._merged(executor_config, queue)
        words = (request["jobName"],) if request["jobName"] != self._base["jobName"] else _words(identity)
        if self._has_entry:
            _end_on_outcome(request)
        request["jobName"] = job_name(self.name_prefix, identity.token, *words)
        airflow = request.pop("containerOverrides", {})
        fill_container(airflow, identity, command, self._templates.name(executor_config, queue))
        _put(request, airflow, container)
        tags = [{"key": key, "value": value} for key, value in request.pop("tags", {}).items()]
        if tags := joined(tags, sanitised(identity.tags()) if with_tags else []):
            request["tags"] = {tag["key"]: tag["value"] for tag in tags}
        _check_length(request, airflow, container)
        return SubmitJobPlan(str(request["jobQueue"]), request)

    def _located(self, named: str | None) -> str:
        """Return the job queue."""
        if named is None:
            raise InvalidExecutorConfig([Finding(self.LOCATION, "is required", rule="request-required")])
        return named

    def _merged(self, config: object, queue: str | None) -> tuple[Document, str]:
        """Return a copy of the shared request with template and executor_config merged; and the container."""
        own = self.queues.get(queue or "")
        base = {**self._base, "jobQueue": own} if own is not None else self._base
        layers = self._templates.layers(config, queue)
        if not layers:
            _refuse_misplaced(base, self._container)
            return merge_documents({}, base, GRAMMAR), self._container
        merged, container = base, self._container
        for layer in layers:
            overlay = read_executor_config(layer, container)
            merged, container = {"jobName": base["jobName"], **_laid_over(merged, overlay)}, overlay.container
        checked = conform(merged, shape_of(SUBMIT_JOB), operation=SUBMIT_JOB)
        if checked.findings:
            raise InvalidExecutorConfig(checked.findings)
        _refuse_misplaced(checked.value, container)
        return checked.value, container


def _base_request(options: BatchOptions, attribution: Attribution) -> BaseRequest:
    """Return the request that all tasks share; `jobName` is the prefix of their names.

    Raises:
        OptionsError: with every problem that shows without a task.
    """
    request: Document = {member: value for member, name in OPTION_OF.items() if (value := getattr(options, name))}
    return base_of(
        attribution,
        SUBMIT_JOB,
        request,
        read=partial(read_submit_job_kwargs, options.submit_job_kwargs, options.container_name),
        merge=lambda overlay: {
            "jobName": DEFAULT_PREFIX,
            **_laid_over({"retryStrategy": _NO_RETRY, **request}, overlay),
        },
    )


def _refuse_misplaced(request: Document, container: str) -> None:
    """Refuse overrides that are allowed only if a job has one container.

    Raises:
        InvalidExecutorConfig: it has such a member.
    """
    if container and "instanceType" in (request.get("containerOverrides") or {}):
        message = "cannot be set for one of several containers"
        raise InvalidExecutorConfig(
            [Finding("containerOverrides.instanceType", message, "Remove it", "request-unsupported")]
        )


def _laid_over(base: Document, overlay: Layers) -> Document:
    merged = base
    for layer in overlay.requests:
        merged = merge_documents(merged, layer, GRAMMAR)
    # Merged once more over nothing: this removes the remaining nulls in the base's lists, and empty maps.
    merged = merge_documents({}, merged, GRAMMAR)
    return {key: value for key, value in merged.items() if value != {}}


def _put(request: Document, airflow: Document, container: str) -> None:
    """Put the Airflow container's overrides where its job definition has the container, in place."""
    if not container:
        request["containerOverrides"] = airflow
        return
    properties = request.setdefault("ecsPropertiesOverride", {})
    tasks = properties.setdefault("taskProperties", [])
    task = tasks[0] if tasks else {}
    properties["taskProperties"] = [task]
    task["containers"] = [{"name": container, **airflow}, *task.get("containers", [])]


def _end_on_outcome(request: Document) -> None:
    """Put our rule before those of a strategy that retries, in place; one that is full stays as it is."""
    strategy = request.get("retryStrategy") or {}
    rules = strategy.get("evaluateOnExit") or []
    if strategy.get("attempts", 1) > 1 and len(rules) < MOST_RULES:
        request["retryStrategy"] = {**strategy, "evaluateOnExit": [END_ON_OUTCOME, *rules]}


def _words(identity: Identity) -> tuple[str, ...]:
    return (identity.dag_id, identity.task_id)


def _check_length(request: Document, airflow: Document, container: str) -> None:
    items = [{"name": container, **airflow}]
    if container:
        items = request["ecsPropertiesOverride"]["taskProperties"][0]["containers"]
    named = [(item["name"] or "containerOverrides", item) for item in items]
    check_overrides({"containerOverrides": items}, named)
    # As botocore writes it, in ASCII with spaces.
    length = len(json.dumps(request))
    if length >= PAYLOAD_LIMIT:
        message = f"is {length:,} bytes, and AWS Batch takes less than {PAYLOAD_LIMIT:,}"
        raise RequestTooLarge([Finding("", message, "Shorten parameters, tags and overrides", "override-budget")])
