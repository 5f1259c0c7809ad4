"""The rules for Batch jobs. Limits: AWS Batch API Reference, SubmitJob, RetryStrategy, JobTimeout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aws_exec.settings.batch.payload import END_ON_OUTCOME, MOST_RULES
from aws_exec.settings.common.prices import Size
from aws_exec.settings.file.positions import Complaint
from aws_exec.settings.rules.view import View

SHORTEST_TIMEOUT = 60
MOST_ATTEMPTS = 10
HIGHEST_PRIORITY = 9999


def timeout(view: View) -> Iterator[Complaint]:
    """A job may run for a minute at least."""
    limit = (view.request.get("timeout") or {}).get("attemptDurationSeconds")
    if view.service == "batch" and isinstance(limit, int) and limit < SHORTEST_TIMEOUT:
        path = ("timeout", "attemptDurationSeconds")
        message = f"the timeout of a Batch job is at least {SHORTEST_TIMEOUT} s, not {limit} s"
        yield view.complaint("batch-timeout", path, message, f"Write {SHORTEST_TIMEOUT} or more")


def retries(view: View) -> Iterator[Complaint]:
    """Check that Batch does not retry by itself, or only for certain reasons."""
    how = view.request.get("retryStrategy") or {}
    if view.service != "batch":
        return
    attempts = how.get("attempts")
    rules = [rule for rule in how.get("evaluateOnExit") or () if rule != END_ON_OUTCOME]
    if isinstance(attempts, int) and not 1 <= attempts <= MOST_ATTEMPTS:
        path = ("retryStrategy", "attempts")
        yield view.complaint("batch-retry-attempts", path, f"attempts are 1 to {MOST_ATTEMPTS}", "Write attempts: 1")
    elif len(rules) > MOST_RULES:
        path = ("retryStrategy", "evaluateOnExit")
        yield view.complaint("batch-retry-attempts", path, f"evaluateOnExit has at most {MOST_RULES} rules")
    elif isinstance(attempts, int) and attempts > 1 and len(rules) == MOST_RULES:
        path = ("retryStrategy", "evaluateOnExit")
        message = "five rules leave no room for awsexec's, which ends the job once its task has ended"
        hint = "Merge two rules"
        yield view.complaint("batch-retry-full", path, message, hint)
    elif isinstance(attempts, int) and attempts > 1 and not rules:
        message = "Airflow refuses the second container of a launch, which hides why the first one died"
        hint = "Write attempts: 1; the task's own retries are Airflow's"
        yield view.complaint("batch-retry-twice", ("retryStrategy", "attempts"), message, hint)
    elif rules and not _is_final(rules[-1]):
        hint = 'End with {onReason: "*", action: EXIT}'
        last = ("retryStrategy", "evaluateOnExit", str(len(rules) - 1))
        yield view.complaint("batch-retry-final", last, "what no rule matches is tried again", hint)


def _is_final(rule: dict[str, str]) -> bool:
    conditions = [rule[name] for name in ("onStatusReason", "onReason", "onExitCode") if name in rule]
    return rule.get("action", "").upper() == "EXIT" and conditions == ["*"]


def resources(view: View) -> Iterator[Complaint]:
    """Amounts of resources are numbers; priorities have bounds."""
    if view.service != "batch":
        return
    for path, item in view.containers():
        for need in item.get("resourceRequirements") or ():
            if not _amount(need):
                message = f"{need.get('type')} is a number above 0, not {str(need.get('value'))[:40]}"
                hint = "Memory is in MiB, without a unit" if need.get("type") == "MEMORY" else "Write a number"
                where = (*path, "resourceRequirements", str(need.get("type")))
                yield view.complaint("batch-resource", where, message, hint)
    priority = view.request.get("schedulingPriorityOverride")
    if isinstance(priority, int) and not 0 <= priority <= HIGHEST_PRIORITY:
        message = f"the priority is 0 to {HIGHEST_PRIORITY:,}"
        yield view.complaint("batch-priority", ("schedulingPriorityOverride",), message)


def job_size(request: Mapping[str, Any]) -> Size:
    """Return the resources in a SubmitJob request; those of the job definition are unknown.

    So are those of other containers. Only the job queue determines whether it runs on Fargate.
    """
    tasks = (request.get("ecsPropertiesOverride") or {}).get("taskProperties") or ()
    several = [item for task in tasks for item in task.get("containers") or ()]
    given: dict[str, float] = {}
    for item in several or [request.get("containerOverrides") or {}]:
        for need in item.get("resourceRequirements") or ():
            given[need.get("type", "")] = given.get(need.get("type", ""), 0) + (_amount(need) or 0)
    vcpu, memory = (None if several else given.get(kind) or None for kind in ("VCPU", "MEMORY"))
    return Size(vcpu, None if memory is None else int(memory), int(given.get("GPU", 0)), fargate=None, spot=None)


def _amount(need: Mapping[str, Any]) -> float | None:
    """Return the amount of a resource requirement; None if it is not a number."""
    value = str(need.get("value"))
    return float(value) if value.replace(".", "", 1).isdecimal() else None


CHECKS = (timeout, retries, resources)
