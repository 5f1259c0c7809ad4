"""Amazon ECS as a `Cloud`: one task per launch, `clientToken` for idempotence, `startedBy` for the fleet.

Quirks of the service: RunTask answers a refusal with 200 and `failures`; a token that was used with another request
causes a ConflictException that names the task it made; tagging may be denied; a task id belongs to the cluster in its
ARN; one malformed id fails a whole DescribeTasks call.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

from aws_exec.chunked import chunked
from aws_exec.clouds.calls import TRIES, Calls, code_of, id_of, listed, look_around, message_of
from aws_exec.clouds.cloud import Answer, Capabilities, Description, Request
from aws_exec.clouds.ecs.task import SERVICE, Task, identity_in, observation, token_in
from aws_exec.clouds.errors import CloudError, failure_of, failure_of_entry, is_denied
from aws_exec.lifecycle.orphans import FleetMember
from aws_exec.lifecycle.values import CallFailure, FailureKind, Job, LaunchId, Observation, Status, launch_of
from aws_exec.metrics.meter import Meter, NoMeter

log = logging.getLogger(__name__)

#: ECS API Reference, DescribeTasks and ListTasks: ids per call, ARNs per page.
PAGE = 100
#: ECS API Reference, StopTask: an older limit of `reason`, which every endpoint takes.
REASON_LIMIT = 255
#: A well-formed task id that no task has; the Amazon provider's health check asks for the same.
NO_TASK = "a" * 32


class EcsCloud:
    """ECS, for one deployment.

    Args:
        client: the boto3 client to use now; asked before each call, and expected to be quick.
        cluster: name or ARN: where jobs without a location are.
        container_name: which container of a task is Airflow's.
        started_by: of every task of this deployment (`aws_exec.lifecycle.identity.started_by`).
        before_read: called before each API call of a read; waits as long as the rate demands. False: do not call.
        meter: counts every API call.
    """

    capabilities = Capabilities(service=SERVICE, idempotent_submit=True, describe_batch=PAGE - 1)

    def __init__(
        self,
        client: Callable[[], Any],
        *,
        cluster: str,
        container_name: str,
        started_by: str,
        before_read: Callable[[], bool] = lambda: True,
        meter: Meter = NoMeter(),  # noqa: B008 -- it has no state
    ) -> None:
        self._calls = Calls(client, before_read, tagging="ecs:TagResource", meter=meter)
        self._cluster = cluster
        self._container_name = container_name
        self._started_by = started_by
        #: Whether ListTasks takes `desiredStatus` beside `startedBy`; the documentation says no, the service may.
        self._lists_stopped_by_owner = True

    # -- submit -------------------------------------------------------------------------------------------------------

    def submit(self, requests: Sequence[Request]) -> Sequence[Answer]:
        """Run one task per request; a reused token returns its task."""
        return [self._run_task(request) for request in requests]

    def _run_task(self, request: Request) -> Answer:
        try:
            answer = self._calls.launch("RunTask", "run_task", request.arguments, is_answer=_is_conflict)
        except Exception as error:  # noqa: BLE001 -- an answer for each request: one must not take the others with it
            if _is_conflict(error):
                return self._made_before(request, error)
            return failure_of(error, "RunTask")
        for task in answer.get("tasks") or ():
            if task.get("taskArn"):
                return self._see(task, Job(task["taskArn"], request.location), request.token)
        for failure in answer.get("failures") or ():
            return failure_of_entry(failure, "RunTask")
        # Neither a task nor a reason. Retry with the same token to find out.
        return CallFailure(FailureKind.NO_ANSWER, "RunTask", "EmptyAnswer", "neither a task nor a failure")

    def _made_before(self, request: Request, conflict: Exception) -> Answer:
        """The task that an earlier request with this token made (by a scheduler that is gone): it is ours."""
        ids = [str(each) for each in getattr(conflict, "response", {}).get("resourceIds") or ()]
        if not ids:
            return self._refused_before(request, conflict)
        try:
            tasks, _ = self._describe_page(request.location or self._cluster, ids)
        except CloudError as error:
            log.info("Cannot look at the task that %s made before: %s", request.token, error.failure)
            tasks = []
        for task in sorted(tasks, key=lambda task: token_in(task) != request.token):
            return self._see(task, Job(task["taskArn"], request.location), request.token)
        if ids[0].startswith("arn:"):
            return Observation(Job(ids[0], request.location), Status.STARTING, token=request.token)
        return CallFailure(FailureKind.NO_ANSWER, "RunTask", "ConflictException", f"task {ids[0]} has this token")

    def _refused_before(self, request: Request, conflict: Exception) -> Answer:
        """A conflict that names no task: the token stands for a refusal, and will never make one."""
        try:
            found = self.find([launch_of(request.token)], [request.location])
        except CloudError as error:
            return error.failure
        ours = next((seen for seen in found if seen.token == request.token), None)
        said = failure_of(conflict, "RunTask")
        return ours or CallFailure(
            FailureKind.NO_CAPACITY, said.operation, said.code, f"{said.message} (it made no task)"
        )

    # -- describe -----------------------------------------------------------------------------------------------------

    def describe(self, location: str, jobs: Sequence[Job]) -> Description:
        """Look at jobs; those that the answer says nothing of are in neither part, and are to be asked for again.

        All jobs of a cluster that does not exist (any more) are missing.
        """
        by_cluster: defaultdict[str, list[Job]] = defaultdict(list)
        for job in jobs:
            by_cluster[self._cluster_of(job, location)].append(job)
        seen: list[Observation] = []
        missing: list[Job] = []
        for cluster, members in by_cluster.items():
            look = partial(self._look_at, cluster, seen=seen, missing=missing)
            for chunk in chunked(members, PAGE):
                try:
                    missing += look_around(chunk, look, _is_malformed)
                except CloudError as error:
                    self._pass_over(cluster, error)
                    known = {*(each.job for each in seen), *missing}
                    missing += [job for job in chunk if job not in known]
        return Description(tuple(seen), tuple(missing))

    def _look_at(self, cluster: str, jobs: Sequence[Job], *, seen: list[Observation], missing: list[Job]) -> None:
        by_id = {id_of(job.arn): job for job in jobs}
        tasks, failures = self._describe_page(cluster, [job.arn for job in jobs])
        for task in tasks:
            job = by_id.get(id_of(task["taskArn"]))
            if job is not None:
                seen.append(self._see(task, job))
        others = []
        for entry in failures:
            job = by_id.get(id_of(entry.get("arn") or ""))
            if entry.get("reason") == "MISSING" and job is not None:
                missing.append(job)
            else:
                others.append(entry)
        if not others:
            return
        failure = failure_of_entry(others[0], "DescribeTasks", FailureKind.REFUSED)
        if not tasks and len(others) == len(failures):
            raise CloudError(failure)
        self._calls.warn_once("failures", "DescribeTasks did not tell of some tasks: %s", failure)

    def _describe_page(
        self, cluster: str, ids: Sequence[str], tries: int = 1
    ) -> tuple[list[Task], list[Mapping[str, Any]]]:
        if not ids:
            return [], []
        answer = self._calls.read("DescribeTasks", "describe_tasks", tries=tries, cluster=cluster, tasks=list(ids))
        failures = answer.get("failures") or []
        if failures and "tasks" not in answer:
            return [], failures
        return listed(answer, "DescribeTasks", "tasks", "taskArn"), failures

    def list_running(self, location: str, jobs: Sequence[Job]) -> Sequence[Job]:
        """The tasks that are not listed as this deployment's running ones: to stop, ECS first sets desiredStatus."""
        by_cluster: defaultdict[str, list[Job]] = defaultdict(list)
        for job in jobs:
            by_cluster[self._cluster_of(job, location)].append(job)
        unlisted: list[Job] = []
        for cluster, members in by_cluster.items():
            listed = partial(chain.from_iterable, self._list(cluster, "RUNNING"))
            try:
                unlisted += self._calls.unlisted(members, listed, "ListTasks")
            except CloudError as error:
                self._pass_over(cluster, error)
                unlisted += members
        return unlisted

    # -- find and list_fleet ------------------------------------------------------------------------------------------

    def find(self, token_bases: Sequence[LaunchId], locations: Sequence[str]) -> Sequence[Observation]:
        """The tasks of these launches: first among the running, the rest among the recently stopped.

        A cluster that does not exist (any more), or cannot, has none, and hides nothing of the others.

        Without the right to list nothing is found, which then does *not* mean that there is nothing: RunTask with the
        same token answers for launches, and what cannot be launched is left to Airflow's heartbeat.
        """
        wanted = set(token_bases)
        found: list[Observation] = []
        for location in dict.fromkeys(locations or ("",)):
            for desired in ("RUNNING", "STOPPED"):
                # A launch has at most one container at a time: one that runs is its newest.
                lost = wanted - {launch_of(seen.token or "") for seen in found}
                if lost:
                    found += [seen for _, seen in self._fleet(location, desired) if launch_of(seen.token or "") in lost]
        return found

    def list_fleet(self, locations: Sequence[str], ended_of: Sequence[LaunchId] = ()) -> Sequence[FleetMember]:
        """The running fleet of this deployment; nothing, with one warning, of what may not or cannot be listed."""
        locations = tuple(dict.fromkeys(locations or ("",)))
        fleet = [each for location in locations for each in self._members(location, "RUNNING")]
        lost = set(ended_of) - {each.identity.launch_id for each in fleet}
        ended = [each for location in locations for each in self._members(location, "STOPPED")] if lost else []
        return [*fleet, *(each for each in ended if each.identity.launch_id in lost)]

    def _members(self, location: str, desired: str) -> Iterator[FleetMember]:
        for task, seen in self._fleet(location, desired):
            identity = identity_in(task)
            if identity is not None:
                yield FleetMember(seen, identity)

    def _fleet(self, location: str, desired: str) -> list[tuple[Task, Observation]]:
        cluster = location or self._cluster
        fleet: dict[str, tuple[Task, Observation]] = {}
        begun = False
        try:
            for arns in self._list(cluster, desired):
                begun = True
                for task in self._describe_page(cluster, arns, TRIES)[0]:
                    if task.get("startedBy") == self._started_by:
                        fleet[task["taskArn"]] = task, self._see(task, Job(task["taskArn"], location))
        except CloudError as error:
            if error.failure.operation == "ListTasks" and is_denied(error.failure):
                self._calls.warn_once(
                    "list", "Listing tasks is denied, so running tasks are not found by it (%s)", error.failure
                )
            elif cluster != self._cluster and (
                is_denied(error.failure) or (error.failure.kind is FailureKind.INVALID and not begun)
            ):
                # A DAG author wrote it (an ARN of another region, ...), or a policy has only the configured one for
                # DescribeTasks: it must not blind us to the other clusters.
                self._calls.warn_once(f"cluster {cluster}", "Cluster %s cannot be listed (%s)", cluster, error.failure)
            else:
                self._pass_over(cluster, error)
        return list(fleet.values())

    def _pass_over(self, cluster: str, error: CloudError) -> None:
        """Warn of a cluster that does not exist (any more), once; raise any other error."""
        if error.failure.code != "ClusterNotFoundException":
            raise error
        topic = f"cluster {cluster}"
        self._calls.warn_once(topic, "There is nothing to be found in cluster %s (%s)", cluster, error.failure)

    def _list(self, cluster: str, desired: str) -> Iterator[list[str]]:
        """Pages of ARNs of this deployment's tasks; of everybody's, where the service does not filter by both."""
        # Without desiredStatus the service lists the running ones.
        by_owner: dict[str, str] = {"cluster": cluster, "startedBy": self._started_by}
        if desired == "RUNNING":
            yield from self._pages(by_owner)
            return
        if self._lists_stopped_by_owner:
            try:
                yield from self._pages({**by_owner, "desiredStatus": desired})
            except CloudError as error:
                if error.failure.code not in ("InvalidParameterException", "ClientException"):
                    raise
                if error.failure.kind is FailureKind.THROTTLED:
                    raise
                refusal = error.failure
            else:
                return
        for arns in self._pages({"cluster": cluster, "desiredStatus": desired}):
            if self._lists_stopped_by_owner:  # it was not the cluster that it did not take
                log.info("ListTasks takes no desiredStatus beside startedBy (%s); listing the cluster", refusal)
                self._lists_stopped_by_owner = False
            yield arns

    def _pages(self, arguments: Mapping[str, str]) -> Iterator[list[str]]:
        return self._calls.pages("ListTasks", "list_tasks", "taskArns", **arguments)

    # -- stop and check -----------------------------------------------------------------------------------------------

    def stop(self, jobs: Sequence[Job], reason: str) -> Sequence[CallFailure | None]:
        """Stop tasks; one that AWS does not know (any more) needs no stopping."""
        return [self._stop_task(self._cluster_of(job, job.location), job.arn, reason) for job in jobs]

    def _stop_task(self, cluster: str, task: str, reason: str) -> CallFailure | None:
        try:
            self._stop(cluster, task, reason[:REASON_LIMIT])
        except Exception as error:  # noqa: BLE001 -- an answer for each job: one must not spare the others
            return None if _is_not_found(error) else failure_of(error, "StopTask")
        return None

    def _stop(self, cluster: str, task: str, reason: str) -> None:
        arguments = {"cluster": cluster, "task": task, "reason": reason}
        self._calls.call("StopTask", "stop_task", arguments, is_answer=_is_not_found)

    def check(self) -> CallFailure | None:
        """Stop a task that cannot exist: not to find it takes everything a launch takes but the right to launch."""
        try:
            self._stop(self._cluster, NO_TASK, "awsexec health check")
        except Exception as error:  # noqa: BLE001 -- the failure is the answer
            return None if _is_not_found(error) else failure_of(error, "StopTask")
        return CallFailure(FailureKind.REFUSED, "StopTask", "NotChecked", f"stopped a task {NO_TASK} that cannot exist")

    def default_launch_type(self, location: str = "") -> str | None:
        """What a request without launch type and strategy is to say: None if the cluster has a strategy of its own.

        Where DescribeClusters is denied it is FARGATE, which is what `launch_type` defaults to.

        Raises:
            CloudError: the cluster does not exist, or the service did not say.
        """
        try:
            answer = self._calls.read("DescribeClusters", "describe_clusters", clusters=[location or self._cluster])
        except CloudError as error:
            if not is_denied(error.failure):
                raise
            self._calls.warn_once(
                "clusters", "Describing the cluster is denied; launching on FARGATE (%s)", error.failure
            )
            return "FARGATE"
        for cluster in answer.get("clusters") or ():
            return None if cluster.get("defaultCapacityProviderStrategy") else "FARGATE"
        message = f"there is no cluster {location or self._cluster}"
        raise CloudError(CallFailure(FailureKind.REFUSED, "DescribeClusters", "ClusterNotFoundException", message))

    # -- helpers ------------------------------------------------------------------------------------------------------

    def _see(self, task: Task, job: Job, token: str | None = None) -> Observation:
        return observation(task, job, self._container_name, token)

    def _cluster_of(self, job: Job, location: str) -> str:
        """The cluster in the ARN, which is where the task is; else where it was asked for (ARNs before 2018)."""
        parts = job.arn.split("/")
        has_cluster = len(parts) == 3 and job.arn.startswith("arn:")  # noqa: PLR2004 -- arn...:task/CLUSTER/ID
        return parts[1] if has_cluster else (location or self._cluster)


def _is_malformed(failure: CallFailure) -> bool:
    """One id among those asked for is none that this cluster can have."""
    return failure.code == "InvalidParameterException" and failure.kind is not FailureKind.THROTTLED


def _is_conflict(error: Exception) -> bool:
    """The token has been used before, with another request."""
    return code_of(error) == "ConflictException"


def _is_not_found(error: Exception) -> bool:
    """The referenced task was not found: the cluster and our rights were good enough to look for it."""
    return code_of(error) == "InvalidParameterException" and "not found" in message_of(error).lower()
