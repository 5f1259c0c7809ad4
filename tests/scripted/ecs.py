"""The operations of the scripted ECS, over its tasks: RunTask, DescribeTasks, ListTasks, StopTask, and of clusters."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from tests.scripted.api import ACCOUNT, REGION, Api, Launch, Operation, Refused, name_of
from tests.scripted.life import Plan
from tests.scripted.task import Task
from tests.scripted.tricks import error, no_cluster

#: ECS API Reference: ARNs per ListTasks page, ids per DescribeTasks.
PAGE = 100


class EcsApi(Api[Task]):
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
        super().__init__(plan, container=container)
        self._tokens: dict[tuple[str, str], tuple[bytes, str]] = {}
        self._clusters = clusters
        self._strategies = strategies or {}
        self._strict_listing = strict_listing

    def operations(self) -> Mapping[str, Operation]:
        """What it knows, by the name of the operation."""
        return {
            "RunTask": self._run_task,
            "DescribeTasks": self._describe_tasks,
            "ListTasks": self._list_tasks,
            "StopTask": self._stop_task,
            "DescribeClusters": self._describe_clusters,
            "ListClusters": self._list_clusters,
        }

    def add(self, request: Mapping[str, Any], plan: Plan, now: float) -> Task:
        """A task, as if RunTask had been called, but not in the ledger."""
        cluster = name_of(request.get("cluster", ""))
        arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/{cluster}/{uuid4().hex}"
        name = _container(request).get("name", self._container)
        return self._keep(Task(arn, request, plan, now, location=cluster, container=name))

    def check(self, arguments: Mapping[str, Any]) -> None:
        """Refuse what names a cluster that does not exist."""
        if self._clusters is not None and "clusters" not in arguments:
            cluster = name_of(arguments.get("cluster", ""))
            if cluster not in self._clusters:
                raise Refused(no_cluster())

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
        tags = {tag["key"]: tag["value"] for tag in arguments.get("tags", ())}
        self.launches.append(Launch(task.arn, token, task.location, now, arguments, _container(arguments), tags))
        return self._tasks_and_failures([task.described(now)])

    def _describe_tasks(self, arguments: dict[str, Any], _: bytes, now: float) -> str:
        names = arguments.get("tasks", [])
        if len(names) > PAGE:
            raise Refused(error("InvalidParameterException", "Tasks can not have more than 100 elements"))
        cluster = name_of(arguments.get("cluster", ""))
        told, failures = [], []
        for name in names:
            task = self.tasks.get(name)
            if task is None or task.location != cluster or task.unknown > 0:
                if task is not None and task.location == cluster:
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

        def found() -> list[str]:
            return [
                task.arn
                for task in self.all_tasks()
                if task.location == cluster
                and task.desired(now) == desired
                and owner in (None, task.request.get("startedBy", ""))
            ]

        arns, following = self.page(arguments.get("nextToken") or "", PAGE, found)
        return json.dumps({"taskArns": arns, **({"nextToken": following} if following else {})})

    def _stop_task(self, arguments: dict[str, Any], _: bytes, now: float) -> str:
        task = self.tasks.get(arguments.get("task", ""))
        if task is None or task.location != name_of(arguments.get("cluster", "")):
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

    def _list_clusters(self, _: dict[str, Any], __: bytes, _now: float) -> str:
        names = self._clusters or dict.fromkeys(task.location for task in self.all_tasks())
        return json.dumps({"clusterArns": [f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/{name}" for name in names]})

    @staticmethod
    def _tasks_and_failures(tasks: list[str], failures: Sequence[Mapping[str, str]] = ()) -> str:
        return f'{{"tasks":[{",".join(tasks)}],"failures":{json.dumps(failures)}}}'


def _container(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The override of the Airflow container: the first."""
    overrides: Sequence[Mapping[str, Any]] = request.get("overrides", {}).get("containerOverrides") or ({},)
    return overrides[0]
