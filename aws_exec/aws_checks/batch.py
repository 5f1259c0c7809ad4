"""The checks of a SubmitJob request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from aws_exec.aws_checks.calls import CONTAINER, CachedCalls, Outcome, Status, attributed, log_groups, roles
from aws_exec.redaction import redact

#: Where jobs without a logConfiguration write (AWS Batch user guide, "Using the awslogs log driver").
DEFAULT_LOG_GROUP = "/aws/batch/job"

_DEFINITION = ("jobDefinition",)


def check_submit_job(calls: CachedCalls, request: Mapping[str, Any], container: str) -> Iterator[Outcome]:
    """Check everything that one request needs.

    Args:
        calls: makes the calls.
        request: the arguments of SubmitJob.
        container: the name of the Airflow container; empty if it is the only one.

    Raises:
        CredentialsError: AWS accepts no credentials.
    """
    yield from attributed("live-job-queue", ("jobQueue",), _job_queue(calls, request))
    yield from attributed("live-job-definition", _DEFINITION, _definition(calls, request, container))


def queue_named(request: Mapping[str, Any]) -> str:
    """Return the name of a SubmitJob request's job queue for outcomes."""
    return f"job queue {request['jobQueue']}"


def queue_of(calls: CachedCalls, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the job queue of a SubmitJob request; None if it does not exist.

    Raises:
        CallFailed: with the outcome.
    """
    names = [request["jobQueue"]]
    found = calls.call("batch", "DescribeJobQueues", queue_named(request), jobQueues=names).get("jobQueues")
    return found[0] if found else None


def _job_queue(calls: CachedCalls, request: Mapping[str, Any]) -> Iterator[Outcome]:
    call, subject = "batch:DescribeJobQueues", queue_named(request)
    found = queue_of(calls, request)
    if found is None:
        yield Outcome(Status.FAIL, call, subject, "does not exist", "Name a job queue of this Region and account")
        return
    yield _enabled(call, subject, found)
    names = [each["computeEnvironment"] for each in found.get("computeEnvironmentOrder", ())]
    if not names:
        return
    call = "batch:DescribeComputeEnvironments"
    answer = calls.call("batch", "DescribeComputeEnvironments", f"of {subject}", computeEnvironments=names)
    for each in answer.get("computeEnvironments", ()):
        found_so = _enabled(call, f"compute environment {each['computeEnvironmentName']}", each)
        yield replace(found_so, rule="live-compute-environment")


def _enabled(call: str, subject: str, thing: Mapping[str, Any]) -> Outcome:
    state, status = thing.get("state"), thing.get("status", "VALID")
    if state == "ENABLED" and status == "VALID":
        return Outcome(Status.PASS, call, subject, "is ENABLED and VALID")
    reason = redact(str(thing.get("statusReason") or ""))
    message = f"is {state} and {status}{f': {reason}' if reason else ''}"
    return Outcome(Status.FAIL, call, subject, message, "Enable it, or fix the cause that its status names")


def definition_of(calls: CachedCalls, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the newest ACTIVE revision of a request's job definition; empty if none is ACTIVE; None if none exists.

    Raises:
        CallFailed: with the outcome.
    """
    name = str(request["jobDefinition"])
    exact = name.startswith("arn:") or ":" in name
    how: dict[str, Any] = {"jobDefinitions": [name]} if exact else {"jobDefinitionName": name, "status": "ACTIVE"}
    subject = f"job definition {name}"
    found = calls.call("batch", "DescribeJobDefinitions", subject, **how).get("jobDefinitions", [])
    active = [each for each in found if each.get("status", "ACTIVE") == "ACTIVE"]
    if not active:
        return {} if found else None
    newest: Mapping[str, Any] = max(active, key=lambda each: int(each.get("revision", 0)))
    return newest


def _definition(calls: CachedCalls, request: Mapping[str, Any], container: str) -> Iterator[Outcome]:
    call, subject = "batch:DescribeJobDefinitions", f"job definition {request['jobDefinition']}"
    definition = definition_of(calls, request)
    if not definition:
        message = "does not exist" if definition is None else "is INACTIVE"
        yield Outcome(Status.FAIL, call, subject, message, "Name an active revision")
        return
    yield Outcome(Status.PASS, call, subject, f"is ACTIVE, revision {definition.get('revision')}")
    tasks = (definition.get("ecsProperties") or {}).get("taskProperties") or ()
    several = {item.get("name"): item for task in tasks for item in task.get("containers", ())}
    if several and container not in several:
        message = f"has no container {container or '(none is named)'}; it has: {', '.join(map(str, several))}"
        yield Outcome(Status.FAIL, call, subject, message, "Set container_name", "live-container", CONTAINER)
        return
    if container and not several:
        message = f"has one container only, and container_name is {container}"
        yield Outcome(Status.FAIL, call, subject, message, "Unset container_name", "live-container", CONTAINER)
        return
    properties = several.get(container) or definition.get("containerProperties") or {}
    logs = properties.get("logConfiguration") or {}
    yield from attributed("live-log-group", _DEFINITION, log_groups(calls, logs, subject, DEFAULT_LOG_GROUP))
    yield from _roles(calls, definition, subject)


def _roles(calls: CachedCalls, definition: Mapping[str, Any], subject: str) -> Iterator[Outcome]:
    """Check that the roles of a job exist, and that a job on Fargate has an execution role.

    Only the definition names them: SubmitJob overrides none (AWS Batch API Reference, ContainerOverrides and
    TaskPropertiesOverride). On Fargate executionRoleArn is required (AWS Batch User Guide, "Job definitions on
    Fargate"; API Reference, ContainerProperties and EcsTaskProperties).
    """
    tasks = (definition.get("ecsProperties") or {}).get("taskProperties") or ()
    for holder in tasks or [definition.get("containerProperties") or {}]:
        if "FARGATE" in (definition.get("platformCapabilities") or ()) and not holder.get("executionRoleArn"):
            message = "is for Fargate, and has no execution role"
            hint = "Register it with an executionRoleArn: Fargate pulls the image and writes the log by it"
            call = "batch:DescribeJobDefinitions"
            yield Outcome(Status.FAIL, call, subject, message, hint, "live-role", _DEFINITION)
        named = (holder.get(name) for name in ("executionRoleArn", "jobRoleArn", "taskRoleArn"))
        yield from roles(calls, dict.fromkeys(named, _DEFINITION))
