"""ECS tasks: RunTask, ListTasks, DescribeTasks, StopTask as AWS documents them, over tasks that really run.

Everything else of ECS (clusters, task definitions, services on paper) is moto's; `ecs_api` joins the two. Where moto is
not faithful and this is: `clientToken` and `ConflictException`, `failures`, ListTasks' filters and pages, MISSING.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aws_exec.local.containers import ContainerHost
from aws_exec.local.ecs.describe import describe
from aws_exec.local.ecs.request import Parameters, Place, check, invalid, task_request
from aws_exec.local.ecs.task import EcsTask, LogOf, Pace
from aws_exec.local.errors import AwsError
from aws_exec.local.script import Refusal, Script

#: DescribeTasks: "A list of up to 100 task IDs or full ARN entries"; ListTasks `maxResults`: 1 to 100.
_MOST_IDS = 100
#: "Recently stopped tasks might appear in the returned results" for "at least one hour" (ListTasks, DescribeTasks).
_REMEMBERED = 3600.0
#: A token lives as long as its tasks and an hour more, and at most a day ("Ensuring idempotency", Amazon ECS).
_TOKEN_AFTER_TASK = 3600.0
_TOKEN_AT_MOST = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class _Answered:
    """The request that a token stands for, and what became of it."""

    request: str
    at: float
    tasks: tuple[EcsTask, ...]
    failures: tuple[dict[str, Any], ...]

    def expired(self, now: float) -> bool:
        ends = [task.times.get("stoppedAt") for task in self.tasks]
        over = all(end is not None and now > end + _TOKEN_AFTER_TASK for end in ends)
        return now > self.at + _TOKEN_AT_MOST or (bool(ends) and over)


class EcsTasks:
    """All tasks of all clusters of one account and Region. Thread-safe: each verb takes the loop's lock."""

    def __init__(
        self,
        host: ContainerHost,
        pace: Pace,
        log_of: LogOf,
        script: Script,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Begin with no tasks.

        Args:
            host: what the containers run on.
            pace: how long a task's start and stop take.
            log_of: where output goes.
            script: the faults to come.
            clock: epoch seconds, for what is forgotten after hours.
        """
        self._host = host
        self._pace = pace
        self._log_of = log_of
        self._script = script
        self._clock = clock
        self._changed = host.loop.changed
        self._tokens: dict[tuple[str, str], _Answered] = {}
        #: Every task ever made, by ARN, in order; what AWS has forgotten stays for the ledger.
        self.tasks: dict[str, EcsTask] = {}

    def run(self, request: Parameters, place: Place) -> dict[str, Any]:
        """RunTask.

        Raises:
            AwsError: the request is wrong, or its token stands for another (`ConflictException`).
        """
        with self._changed:
            token = (place.cluster_arn, request.get("clientToken", ""))
            before = self._tokens.get(token)
            fingerprint = json.dumps(request, sort_keys=True, default=str)
            if token[1] and before is not None and not before.expired(self._clock()):
                return self._again(before, fingerprint)
            check(request, place)
            refusals = [self._script.next_refusal() for _ in range(request.get("count", 1))]
            tasks = tuple(self._new(request, place) for refusal in refusals if refusal is None)
            refused = [refusal for refusal in refusals if refusal is not None]
            failures = tuple(_failure(refusal, place) for refusal in refused)
            answered = _Answered(fingerprint, self._clock(), tasks, failures)
            if token[1] and (tasks or any(refusal.remembered for refusal in refused)):
                self._tokens[token] = answered
            return _answer(answered)

    def _again(self, before: _Answered, fingerprint: str) -> dict[str, Any]:
        if before.request != fingerprint:
            # `ConflictException` (API Reference): "The resourceIds are the existing task ARNs which are already
            # associated with the clientToken."
            raise AwsError(
                "ConflictException",
                "The provided client token is already in use with a different request.",
                tuple(task.request.arn for task in before.tasks),
            )
        return _answer(before)

    def _new(self, request: Parameters, place: Place) -> EcsTask:
        inherited = place.definition_tags if request.get("propagateTags") == "TASK_DEFINITION" else []
        tags = {tag["key"]: tag.get("value", "") for tag in (*inherited, *request.get("tags", ()))}
        made = task_request(request, place)
        task = EcsTask(
            request=made,
            host=self._host,
            pace=self._pace,
            log_of=self._log_of,
            failed_start=self._script.next_failed_start(made.definitions.values()),
            tags=[{"key": key, "value": value} for key, value in tags.items()],
        )
        self.tasks[task.request.arn] = task
        task.begin()
        return task

    def describe(self, request: Parameters, cluster_arn: str) -> dict[str, Any]:
        """DescribeTasks; what is unknown is in `failures` as MISSING, with the ARN it would have.

        Raises:
            AwsError: no ids, more than 100, or one of another cluster.
        """
        asked = request.get("tasks", [])
        if not asked:
            raise invalid("Tasks cannot be empty.")
        if len(asked) > _MOST_IDS:
            raise invalid("taskIds can have at most 100 items.")  # gchq/sleeper #555
        with self._changed:
            tags = "TAGS" in request.get("include", ())
            arns = list(dict.fromkeys(_arn_of(name, cluster_arn) for name in asked))
            found = {arn: self.known(arn) for arn in arns}
            return {
                "tasks": [describe(task, tags=tags) for task in found.values() if task],
                "failures": [{"arn": arn, "reason": "MISSING"} for arn, task in found.items() if task is None],
            }

    def list(self, request: Parameters, cluster_arn: str) -> dict[str, Any]:
        """ListTasks, oldest first; the filters hold together, `desiredStatus` is RUNNING unless given.

        Raises:
            AwsError: `startedBy` with another filter, or a wrong page size or token. `desiredStatus` is let through
                beside `startedBy`: what AWS does is disputed, and only these are known to be refused.
        """
        others = ("family", "launchType", "serviceName", "containerInstance")
        if request.get("startedBy") and any(request.get(other) for other in others):
            raise invalid("cannot specify startedBy with other arguments")  # aws/aws-sdk-go-v2 #1893
        size = request.get("maxResults", _MOST_IDS)
        if not 1 <= size <= _MOST_IDS:
            raise invalid("maxResults must be between 1 and 100.")
        with self._changed:
            order = list(self.tasks)
            after = request.get("nextToken")
            if after is not None and after not in self.tasks:
                raise invalid("Invalid token.")
            rest = order[order.index(after) + 1 :] if after else order
            matching = [arn for arn in rest if self._matches(arn, request, cluster_arn)]
        page: dict[str, Any] = {"taskArns": matching[:size]}
        if len(matching) > size:
            page["nextToken"] = matching[size - 1]
        return page

    def stop(self, request: Parameters, cluster_arn: str) -> dict[str, Any]:
        """StopTask.

        Raises:
            AwsError: there is no such task (the executors' health check counts on the message).
        """
        with self._changed:
            task = self.known(_arn_of(request["task"], cluster_arn))
            if task is None:
                raise invalid("The referenced task was not found.")
            task.stop(request.get("reason", ""))
            return {"task": describe(task, tags=True)}

    def known(self, arn: str) -> EcsTask | None:
        """The task, while AWS would know it; None if it never was, is stopped for over an hour, or is forgotten."""
        task = self.tasks.get(arn)
        if task is None or task.forgotten:
            return None
        stopped = task.times.get("stoppedAt")
        return None if stopped is not None and self._clock() > stopped + _REMEMBERED else task

    def counts(self, cluster_arn: str) -> tuple[int, int]:
        """How many tasks of a cluster are RUNNING, and how many are before that."""
        statuses = [t.status for t in self._of(cluster_arn) if not t.ending]
        running = statuses.count("RUNNING")
        return running, len(statuses) - running

    def _of(self, cluster_arn: str) -> Iterable[EcsTask]:
        return (task for task in self.tasks.values() if task.request.cluster_arn == cluster_arn)

    def _matches(self, arn: str, request: Parameters, cluster_arn: str) -> bool:
        task = self.known(arn)
        if task is None or request.get("serviceName") or request.get("containerInstance"):
            return False
        filters = (
            (cluster_arn, task.request.cluster_arn),
            (request.get("desiredStatus", "RUNNING"), task.desired),
            (request.get("family"), task.request.family),
            (request.get("startedBy"), task.request.started_by),
            (request.get("launchType"), task.request.facts["launchType"]),
        )
        return all(want in {None, "", have} for want, have in filters)


def _arn_of(name: str, cluster_arn: str) -> str:
    """A task id or ARN as the ARN it has in the cluster."""
    cluster = cluster_arn.rpartition("/")[2]
    prefix = cluster_arn.partition(":cluster/")[0]
    if not name.startswith("arn:"):
        return f"{prefix}:task/{cluster}/{name}"
    path = name.partition(":task/")[2]
    of, _, identifier = path.rpartition("/")
    if of and of != cluster:
        # aws/aws-toolkit-vscode #2915.
        raise invalid(f"Invalid identifier: Identifier is for cluster {of}. Your cluster is {cluster}")
    return f"{prefix}:task/{cluster}/{identifier}"


def _failure(refusal: Refusal, place: Place) -> dict[str, Any]:
    failure: dict[str, Any] = {"arn": place.cluster_arn, "reason": refusal.reason}
    if refusal.detail:
        failure["detail"] = refusal.detail
    return failure


def _answer(answered: _Answered) -> dict[str, Any]:
    return {
        "tasks": [describe(task, tags=True) for task in answered.tasks],
        "failures": [dict(failure) for failure in answered.failures],
    }
