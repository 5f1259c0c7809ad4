"""The fleet on Amazon ECS: tasks listed by cluster, described, stopped, and where they log.

Shapes and meanings: ECS API Reference (Task, ContainerDefinition), developer guide ("Send Amazon ECS logs to
CloudWatch": the stream is `prefix/container/task id`; without a prefix, which only Fargate requires, it is the id that
docker gave the container).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aws_exec.chunked import chunked
from aws_exec.clouds.calls import id_of, listed
from aws_exec.clouds.ecs.adapter import PAGE, EcsCloud
from aws_exec.clouds.ecs.task import SERVICE, Task, airflow_container, observation
from aws_exec.clouds.errors import CloudError
from aws_exec.fleet import attribution, ecs_context
from aws_exec.fleet.model import ACTIVE, EXITED, PULL, PULLED, STOPPING, FleetJob, State, TimelineEntry, cleaned
from aws_exec.fleet.retries import Retries, RetryingCalls
from aws_exec.fleet.service import Clients, ContextLine, FleetQuery, LogLocation, stop_timeout_of
from aws_exec.fleet.task_state import of_exit
from aws_exec.lifecycle.identity import Identity, started_by
from aws_exec.lifecycle.values import CallFailure, Job, Termination
from aws_exec.redaction import redact, redact_document
from aws_exec.settings.common.prices import Size
from aws_exec.settings.file.units import UNITS_PER_VCPU

#: The steps of a task's lifecycle, by the member that has their time, in order.
_STEPS = {
    "createdAt": "queued",
    "connectivityAt": "network attached",
    "pullStartedAt": PULL,
    "pullStoppedAt": PULLED,
    "startedAt": "started",
    "stoppingAt": STOPPING,
    "executionStoppedAt": EXITED,
    "stoppedAt": "stopped",
}
#: lastStatus, developer guide, "Amazon ECS task lifecycle"; STOPPED is judged by the exit code.
_STATES = {
    "PROVISIONING": State.WAITING,
    "PENDING": State.STARTING,
    "ACTIVATING": State.STARTING,
    "RUNNING": State.RUNNING,
    "DEACTIVATING": State.STOPPING,
    "STOPPING": State.STOPPING,
    "DEPROVISIONING": State.STOPPING,
}


class EcsFleet:
    """ECS, as `Service`.

    Args:
        clients: a boto3 client of a service.
        retries: rate and retries.
        clusters: names or ARNs; none: every cluster of the account and Region.
        container_name: of the Airflow container, if a task does not show it.
    """

    name = SERVICE
    stop_batch = 1

    def __init__(
        self,
        clients: Clients,
        retries: Retries,
        clusters: Sequence[str] = (),
        container_name: str = "",
    ) -> None:
        self._clients = clients
        self._calls = RetryingCalls(lambda: clients("ecs"), retries)
        self._clusters = tuple(dict.fromkeys(clusters))
        self._container_name = container_name
        self._stopper = EcsCloud(lambda: clients("ecs"), cluster="", container_name=container_name, started_by="")

    @property
    def region(self) -> str:
        """The Region of the client."""
        return str(self._clients("ecs").meta.region_name)

    def locations(self) -> Sequence[str]:
        """Return the clusters that are searched."""
        if not self._clusters:
            self._clusters = self.all_locations()
        return self._clusters

    def all_locations(self) -> tuple[str, ...]:
        """Return the names of all clusters."""
        pages = self._calls.pages("ListClusters", "list_clusters", "clusterArns")
        return tuple(id_of(arn) for page in pages for arn in page)

    def pages(self, location: str, query: FleetQuery) -> Iterator[list[str]]:
        """Yield ARNs, 100 a page. Only running tasks can be listed by `startedBy`.

        A task that is stopping has the desired status STOPPED, whatever its last status (ECS API Reference, ListTasks).
        """
        ours = {"startedBy": started_by(query.deployment)} if query.deployment else {}
        yield from self._calls.pages("ListTasks", "list_tasks", "taskArns", cluster=location, **ours)
        if query.stopping or query.ended_since is not None:
            yield from self._calls.pages(
                "ListTasks", "list_tasks", "taskArns", cluster=location, desiredStatus="STOPPED"
            )

    def describe(self, location: str, ids: Sequence[str]) -> list[FleetJob]:
        """Return the Airflow tasks among these."""
        return [job for task in self._tasks(location, ids) if (job := self._read(task)) is not None]

    def _tasks(self, location: str, ids: Sequence[str]) -> list[Task]:
        found: list[Task] = []
        for part in chunked(ids, PAGE):
            try:
                answer = self._calls.read(
                    "DescribeTasks", "describe_tasks", cluster=location, tasks=part, include=["TAGS"]
                )
            except CloudError as error:
                if error.failure.code == "InvalidParameterException":  # an id that is none of ECS's
                    continue
                raise
            found += listed(answer, "DescribeTasks", "tasks", "taskArn") if "tasks" in answer else []
        return found

    def document(self, job: FleetJob) -> dict[str, Any]:
        """Return the task as DescribeTasks returns it."""
        tasks = self._tasks(job.job.location, [job.job.arn])
        found: dict[str, Any] = redact_document(tasks[0]) if tasks else {}
        return found

    def log_location(self, job: FleetJob) -> LogLocation | None:
        """Return the log of a task, by its definition, and by the task itself if `awslogs` has no stream prefix."""
        answer = self._calls.read("DescribeTaskDefinition", "describe_task_definition", taskDefinition=job.definition)
        containers: Sequence[Mapping[str, Any]] = answer.get("taskDefinition", {}).get("containerDefinitions") or ()
        ours = next((each for each in containers if each.get("name") == job.container), None)
        container = ours or (containers[0] if len(containers) == 1 else None)
        if container is None or not container.get("logConfiguration"):
            return None
        log = container["logConfiguration"]
        driver = str(log.get("logDriver") or "")
        if driver != "awslogs":
            return LogLocation("", "", job.region, driver)
        options = log.get("options") or {}
        prefix = options.get("awslogs-stream-prefix")
        stream = f"{prefix}/{container['name']}/{job.id}" if prefix else self._runtime_id(job, container["name"])
        return LogLocation(options.get("awslogs-group", ""), stream, options.get("awslogs-region") or job.region)

    def _runtime_id(self, job: FleetJob, container: str) -> str:
        """Return docker's ID of a container; empty before it has one, or once ECS no longer knows the task."""
        tasks = self._tasks(job.job.location, [job.job.arn])
        containers = (each for task in tasks for each in task.get("containers") or ())
        return next((str(each.get("runtimeId") or "") for each in containers if each.get("name") == container), "")

    def stop_timeout(self, job: FleetJob) -> int:
        """Return `stopTimeout` of the task definition, else ECS's default."""
        answer = self._calls.read("DescribeTaskDefinition", "describe_task_definition", taskDefinition=job.definition)
        return stop_timeout_of(answer.get("taskDefinition", {}).get("containerDefinitions") or (), job.container)

    def context(self, job: FleetJob) -> list[ContextLine]:
        """Return the cluster, its capacity, the account's quotas."""
        return ecs_context.context(self._calls, self._clients, job)

    def stop(self, jobs: Sequence[FleetJob], reason: str) -> Sequence[CallFailure | None]:
        """Call StopTask for each."""
        return self._stopper.stop([job.job for job in jobs], reason)

    # -- reading a task -----------------------------------------------------------------------------------------------

    def _read(self, task: Task) -> FleetJob | None:
        """Return a task as a job of the fleet; None if it is not Airflow's."""
        identity, container = self._identity_of(task)
        if identity is None:
            return None
        location = id_of(str(task.get("clusterArn") or ""))
        seen = observation(task, Job(str(task["taskArn"]), location), container or self._container_name, identity.token)
        times = [TimelineEntry(task[name].timestamp(), what) for name, what in _STEPS.items() if task.get(name)]
        at = {entry.what: entry.at for entry in times}
        status = str(task.get("lastStatus") or "")
        state = _STATES.get(status) or _ended(seen.stop)
        if state in ACTIVE and task.get("desiredStatus") == "STOPPED":
            # On EC2 `lastStatus` stays RUNNING until the containers have exited.
            state = State.STOPPING
        main = airflow_container(task, container or self._container_name) or {}
        return FleetJob(
            service=SERVICE,
            job=seen.job,
            identity=identity,
            state=state,
            status=status,
            definition=id_of(str(task.get("taskDefinitionArn") or "")),
            size=_size(task),
            timeline=tuple(sorted(times, key=lambda entry: entry.at)),
            created=at.get("queued"),
            started=at.get("started"),
            stopped=at.get("stopped"),
            stop=cleaned(seen.stop),
            waiting=redact(str(main.get("reason") or "")) if state is State.WAITING else "",
            stopping=redact(str(task.get("stoppedReason") or "")) if state is State.STOPPING else "",
            container=container or self._container_name,
            task_state=of_exit(seen.stop, is_stored=attribution.is_stored(_overrides(task))),
        )

    def _identity_of(self, task: Task) -> tuple[Identity | None, str]:
        for container in _overrides(task):
            found = attribution.in_container(container)
            if found is not None:
                return found, str(container.get("name") or "")
        return attribution.in_tags(attribution.environment_of(task.get("tags") or ())), ""


def _overrides(task: Task) -> Sequence[Mapping[str, Any]]:
    """Return the overrides of a task's containers."""
    overrides: Mapping[str, Any] = task.get("overrides") or {}
    return overrides.get("containerOverrides") or ()


def _ended(stop: Termination | None) -> State:
    return State.SUCCEEDED if stop is not None and stop.exit_code == 0 else State.FAILED


def _size(task: Task) -> Size:
    provider = str(task.get("capacityProviderName") or "")
    gpus = [
        int(need["value"])
        for container in _overrides(task)
        for need in container.get("resourceRequirements") or ()
        if need.get("type") == "GPU"
    ]
    cpu, memory = (_whole(task.get(name)) for name in ("cpu", "memory"))
    return Size(
        vcpu=None if cpu is None else cpu / UNITS_PER_VCPU,
        memory_mib=memory,
        gpu=sum(gpus),
        storage_gib=(task.get("ephemeralStorage") or {}).get("sizeInGiB", 0),
        fargate=task.get("launchType") == "FARGATE" or provider.startswith("FARGATE"),
        spot=provider == "FARGATE_SPOT",
    )


def _whole(text: object) -> int | None:
    """Return units or MiB of ECS as an integer; None if absent."""
    return int(text) if isinstance(text, str) and text.isdecimal() else None
