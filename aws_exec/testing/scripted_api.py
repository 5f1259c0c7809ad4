"""The operations of the scripted ECS, over its tasks: RunTask, DescribeTasks, ListTasks, StopTask, DescribeClusters.

Single-threaded: whoever calls holds the lock of `ScriptedEcs`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from aws_exec.testing.scripted_task import Plan, Task
from aws_exec.testing.scripted_tricks import Trick, error, no_cluster

REGION = "eu-central-1"
ACCOUNT = "123456789012"

#: ECS API Reference: ARNs per ListTasks page, ids per DescribeTasks.
PAGE = 100


class Refused(Exception):  # noqa: N818 - an answer, not a bug
    """An operation answers with an error."""

    def __init__(self, trick: Trick) -> None:
        super().__init__(str(trick.body))
        self.trick = trick


@dataclass(frozen=True, slots=True)
class Launch:
    """One line of the ledger: a container that was launched.

    Attributes:
        arn: of its task.
        token: the `clientToken` it was asked for with; empty: none was given.
        cluster: where.
        at: when (the scripted clock).
        request: the RunTask arguments, as they were sent.
    """

    arn: str
    token: str
    cluster: str
    at: float
    request: Mapping[str, Any]

    @property
    def container(self) -> Mapping[str, Any]:
        """The override of the Airflow container; empty if there is none."""
        overrides: Sequence[Mapping[str, Any]] = self.request.get("overrides", {}).get("containerOverrides") or ({},)
        return overrides[0]

    @property
    def environment(self) -> dict[str, str]:
        """Its environment variables."""
        return {pair["name"]: pair["value"] for pair in self.container.get("environment", ())}

    @property
    def command(self) -> Sequence[str]:
        """Its command."""
        command: Sequence[str] = self.container.get("command", ())
        return command

    @property
    def workload(self) -> dict[str, Any]:
        """The Airflow workload that it runs: the last word of its command, parsed."""
        parsed: dict[str, Any] = json.loads(self.command[-1])
        return parsed

    @property
    def tags(self) -> dict[str, str]:
        """Its tags."""
        return {tag["key"]: tag["value"] for tag in self.request.get("tags", ())}


def name_of(cluster: str) -> str:
    """The name in a cluster's ARN."""
    return cluster.rpartition("/")[2] or "default"


class EcsApi:
    """The service's state, and what it answers.

    Args:
        plan: what becomes of a task, from its request.
        clusters: the names of those that exist; None: every one.
        strategies: default capacity provider strategies, by the cluster's name.
        strict_listing: refuse `desiredStatus` beside `startedBy`, as the documentation has it.
        container: the Airflow container's name where the request names none.
    """

    def __init__(
        self,
        plan: Callable[[Mapping[str, Any]], Plan],
        *,
        clusters: Sequence[str] | None = None,
        strategies: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        strict_listing: bool = False,
        container: str = "airflow",
    ) -> None:
        self.plan = plan
        self.tasks: dict[str, Task] = {}
        self.launches: list[Launch] = []
        self.stops: list[tuple[str, str]] = []
        self.calls: Counter[str] = Counter()
        self._tokens: dict[tuple[str, str], tuple[bytes, str]] = {}
        self._clusters = clusters
        self._strategies = strategies or {}
        self._strict_listing = strict_listing
        self._container = container
        self._operations: dict[str, Callable[[dict[str, Any], bytes, float], str]] = {
            "RunTask": self._run_task,
            "DescribeTasks": self._describe_tasks,
            "ListTasks": self._list_tasks,
            "StopTask": self._stop_task,
            "DescribeClusters": self._describe_clusters,
        }

    def answer(self, operation: str, arguments: dict[str, Any], raw: bytes, now: float) -> str:
        """Carry an operation out; its answer as JSON.

        Raises:
            Refused: it answers with an error.
        """
        if operation not in self._operations:
            raise Refused(error("UnknownOperationException", operation))
        self._check_cluster(arguments)
        return self._operations[operation](arguments, raw, now)

    def add(self, request: Mapping[str, Any], plan: Plan, now: float) -> Task:
        """A task, as if RunTask had been called, but not in the ledger."""
        cluster = name_of(request.get("cluster", ""))
        arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/{cluster}/{uuid4().hex}"
        containers: Sequence[Mapping[str, str]] = request.get("overrides", {}).get("containerOverrides") or ({},)
        name = containers[0].get("name", self._container)
        task = Task(arn, request, plan, now, cluster=cluster, container=name)
        self.tasks[arn] = task
        return task

    def task(self, name: str) -> Task | None:
        """By ARN or id."""
        found = self.tasks.get(name)
        return found or next((task for arn, task in self.tasks.items() if arn.endswith(f"/{name}")), None)

    def _check_cluster(self, arguments: Mapping[str, Any]) -> None:
        if self._clusters is not None and "clusters" not in arguments:
            cluster = name_of(arguments.get("cluster", ""))
            if cluster not in self._clusters:
                trick = no_cluster()
                raise Refused(trick)

    def _run_task(self, arguments: dict[str, Any], raw: bytes, now: float) -> str:
        token = arguments.get("clientToken", "")
        where = (name_of(arguments.get("cluster", "")), token)
        if token and where in self._tokens:
            before, arn = self._tokens[where]
            if before != raw:
                message = "The client token was used with other parameters"
                raise Refused(error("ConflictException", message, resourceIds=[arn]))
            return self._tasks_and_failures([self.tasks[arn].described(now)])
        task = self.add(arguments, self.plan(arguments), now)
        if token:
            self._tokens[where] = (raw, task.arn)
        self.launches.append(Launch(task.arn, token, task.cluster, now, arguments))
        return self._tasks_and_failures([task.described(now)])

    def _describe_tasks(self, arguments: dict[str, Any], _: bytes, now: float) -> str:
        names = arguments.get("tasks", [])
        if len(names) > PAGE:
            raise Refused(error("InvalidParameterException", "Tasks can not have more than 100 elements"))
        cluster = name_of(arguments.get("cluster", ""))
        told, failures = [], []
        for name in names:
            task = self.task(name)
            if task is None or task.cluster != cluster or task.unknown > 0:
                if task is not None and task.cluster == cluster:
                    task.unknown -= 1
                failures.append({"arn": name, "reason": "MISSING"})
            else:
                told.append(task.described(now))
        return self._tasks_and_failures(told, failures)

    def _list_tasks(self, arguments: dict[str, Any], _: bytes, now: float) -> str:
        if self._strict_listing and "startedBy" in arguments and "desiredStatus" in arguments:
            raise Refused(error("InvalidParameterException", "startedBy must be the only filter"))
        cluster = name_of(arguments.get("cluster", ""))
        desired = arguments.get("desiredStatus", "RUNNING")
        owner = arguments.get("startedBy")
        arns = [
            task.arn
            for task in self.tasks.values()
            if task.cluster == cluster
            and task.desired(now) == desired
            and owner in (None, task.request.get("startedBy", ""))
        ]
        start = int(arguments.get("nextToken") or 0)
        page: dict[str, Any] = {"taskArns": arns[start : start + PAGE]}
        if start + PAGE < len(arns):
            page["nextToken"] = str(start + PAGE)
        return json.dumps(page)

    def _stop_task(self, arguments: dict[str, Any], _: bytes, now: float) -> str:
        task = self.task(arguments.get("task", ""))
        if task is None or task.cluster != name_of(arguments.get("cluster", "")):
            raise Refused(error("InvalidParameterException", "The referenced task was not found."))
        self.stops.append((task.arn, arguments.get("reason", "")))
        task.ask_to_stop(now, arguments.get("reason", ""))
        return f'{{"task":{task.described(now)}}}'

    def _describe_clusters(self, arguments: dict[str, Any], _: bytes, _now: float) -> str:
        told, failures = [], []
        for cluster in arguments.get("clusters") or ["default"]:
            name = name_of(cluster)
            arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{name}"
            if self._clusters is not None and name not in self._clusters:
                failures.append({"arn": arn, "reason": "MISSING"})
                continue
            told.append(
                {
                    "clusterArn": arn,
                    "clusterName": name,
                    "status": "ACTIVE",
                    "defaultCapacityProviderStrategy": list(self._strategies.get(name, ())),
                },
            )
        return json.dumps({"clusters": told, "failures": failures})

    @staticmethod
    def _tasks_and_failures(tasks: list[str], failures: Sequence[Mapping[str, str]] = ()) -> str:
        return f'{{"tasks":[{",".join(tasks)}],"failures":{json.dumps(failures)}}}'
