"""One ECS task: its containers, its way from PROVISIONING to STOPPED, and how it says what happened.

The statuses and what each means: "Amazon ECS task lifecycle" (Amazon ECS Developer Guide). Reasons and stop codes:
"View Amazon ECS stopped task errors" (same guide) and the API Reference's `Task` and `Container`. An instance belongs
to its loop: every method is called under the loop's lock.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

from aws_exec.local.containers import CannotStartContainerError, Container, ContainerHost, ContainerSpec, OnLine
from aws_exec.local.loop import Timer, Work
from aws_exec.local.script import Launch

#: How the delay after the last container's exit is spent: deactivating and stopping a quarter each, then the rest.
_DEACTIVATING = 0.25
_STOPPING = 0.25
_DEPROVISIONING = 0.5

#: Short enough for a demo, long enough that a task that comes back meets its old container still stopping.
DEFAULT_START_DELAY = 0.2
DEFAULT_STOP_DELAY = 1.5

ESSENTIAL_EXITED = "Essential container in task exited"
#: The ECS agent gives this reason wherever Docker reports `OOMKilled`, which is so once the kernel has killed a process
#: of the container, its main process or not, whatever the container's exit code is: `MetadataFromContainer` of the
#: agent's dockerapi, `EventOOM` in Docker's daemon/monitor.go. Seen with exit code 0: aws/amazon-ecs-agent #2467.
OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a task takes where nothing is computed, seconds.

    Attributes:
        start_delay: from the room on the machine to the container's start (network, image pull).
        stop_delay: from the stop of the last container to STOPPED. Tens of seconds on Fargate.
    """

    start_delay: float
    stop_delay: float


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """What a task was made of; everything in AWS's own shapes, as DescribeTasks gives it back.

    Attributes:
        arn: the task's ARN.
        cluster_arn: its cluster's.
        token: the request's `clientToken`.
        started_by: empty if there was none.
        facts: the parts of the answer that never change (`taskDefinitionArn`, `launchType`, `overrides`, ...).
        definitions: the task definition's containers, by name, in order.
        specs: what to run, by container name.
    """

    arn: str
    cluster_arn: str
    token: str
    started_by: str
    family: str
    facts: Mapping[str, Any]
    definitions: Mapping[str, Mapping[str, Any]]
    specs: Mapping[str, ContainerSpec]


@dataclass
class ContainerRecord:
    """One container of a task: what is known of it, and the process while there is one."""

    name: str
    arn: str
    image: str
    essential: bool
    status: str = "PENDING"
    exit_code: int | None = None
    reason: str = ""
    runtime_id: str = ""
    ended_at: float | None = None
    process: Container | None = None

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return self.process is not None and self.ended_at is None


#: Makes the taker of a container's output lines.
LogOf: TypeAlias = Callable[["EcsTask", str], OnLine]


@dataclass(eq=False)
class EcsTask:
    """A task. `begin` it once; `stop` and `lose` it at any time.

    Attributes:
        request: what it was made of.
        tags: `{key, value}` as in the API; StopTask empties them.
        history: every status it had, with the time (epoch seconds).
        forgotten: AWS says MISSING of it, whatever it does.
        version: one more at each change of status (API Reference, `Task.version`).
        on_status: told of each status after the first: AWS Batch, whose jobs run as ECS tasks.
    """

    request: TaskRequest
    host: ContainerHost
    pace: Pace
    log_of: LogOf
    failed_start: str | None
    tags: list[dict[str, str]]
    status: str = "PROVISIONING"
    desired: str = "RUNNING"
    stop_code: str = ""
    stopped_reason: str = ""
    times: dict[str, float] = field(default_factory=dict)
    containers: list[ContainerRecord] = field(default_factory=list)
    history: list[tuple[str, float]] = field(default_factory=list)
    version: int = 1
    forgotten: bool = False
    on_status: Callable[[], None] | None = None
    _timer: Timer | None = None

    def __post_init__(self) -> None:
        prefix, _, task = self.request.arn.partition(":task/")
        for name, definition in self.request.definitions.items():
            arn = f"{prefix}:container/{task}/{uuid.uuid4()}"
            self.containers.append(
                ContainerRecord(name, arn, definition.get("image", ""), definition.get("essential", True)),
            )
        self.times["createdAt"] = time.time()
        self.history.append((self.status, self.times["createdAt"]))

    def begin(self) -> None:
        """Take a place in the queue for the machine."""
        self.host.admit(self, self._admitted)

    @property
    def current(self) -> EcsTask:
        """The task itself; see `Launched`."""
        return self

    @property
    def waiting(self) -> str:
        """Why it waits for room on the machine; empty if it does not."""
        return self.host.shortage if self.status == "PROVISIONING" and not self.ending else ""

    @property
    def ending(self) -> bool:
        """Whether it is on its way down, or there."""
        return self.desired == "STOPPED"

    @property
    def stopped(self) -> bool:
        """Whether it is STOPPED."""
        return self.status == "STOPPED"

    def stop(self, reason: str) -> None:
        """StopTask: end it, whatever it does; without effect once it is ending, except that its tags are gone.

        The tags: "When you call StopTask on a task, the tags of the task are deleted" (API Reference, StopTask).
        """
        self.tags.clear()
        if not self.ending:
            self._end("UserInitiated", reason or "Task stopped by user")

    def lose(self, stop_code: str = "", reason: str = "") -> None:
        """End it as when its host is lost: the processes are gone at once, and no exit code is ever known.

        Args:
            stop_code: `SpotInterruption`, ...; empty for TerminationNotice.
            reason: what `stoppedReason` says; empty for words about an EC2 instance.
        """
        if self.stopped:
            return
        self._begin_end(stop_code or "TerminationNotice", reason or "Host EC2 instance terminated.")
        for container in self.containers:
            if container.process is not None:
                container.process.kill()
            container.process, container.exit_code, container.status = None, None, "STOPPED"
        self._cancel()
        self._all_ended()
        self._stopped()

    def launch(self) -> Launch:
        """The task as a line of the ledger."""
        specs = self.request.specs
        tokened = (c for c in self.containers if "AWSEXEC_TOKEN" in specs[c.name].environment)
        record = next(tokened, self.containers[0])
        environment = specs[record.name].environment
        return Launch(
            service="ecs",
            arn=self.request.arn,
            token=self.request.token,
            started_by=self.request.started_by,
            container=record.name,
            identity={name: value for name, value in environment.items() if name.startswith("AWSEXEC_")},
            status=self.status,
            created_at=self.times["createdAt"],
            started=bool(record.runtime_id),
            ended_at=record.ended_at,
            exit_code=record.exit_code,
            stop_code=self.stop_code,
            stopped_reason=self.stopped_reason,
        )

    def _admitted(self) -> None:
        if self.ending:
            self.host.leave(self)
            return
        step = self.pace.start_delay / 3
        self.times["connectivityAt"] = time.time()
        self._pass("PENDING")
        self._after(step, lambda: self._pull(step))

    def _pull(self, step: float) -> None:
        self.times["pullStartedAt"] = time.time()
        self._pass("ACTIVATING")
        self._after(step, lambda: self._pulled(step))

    def _pulled(self, step: float) -> None:
        self.times["pullStoppedAt"] = time.time()
        if self.failed_start is not None:
            for container in self.containers:
                container.reason = self.failed_start
            self._end("TaskFailedToStart", self.failed_start)
        else:
            self._after(step, self._start)

    def _start(self) -> None:
        for container in self.containers:
            number = int(container.arn.rpartition("/")[2].replace("-", ""), 16) % 10**10
            # The log driver knows it before the process runs.
            container.runtime_id = f"{self.request.arn.rpartition('/')[2]}-{number:010d}"
            try:
                container.process = self.host.start(
                    self.request.specs[container.name],
                    self.log_of(self, container.name),
                    partial(self._exited, container),
                )
            except CannotStartContainerError as error:
                container.runtime_id, container.reason = "", str(error)
                self._end("TaskFailedToStart", "Task failed to start")
                return
            container.status = "RUNNING"
        self.times["startedAt"] = time.time()
        self._pass("RUNNING")

    def _exited(self, container: ContainerRecord, code: int) -> None:
        if container.process is None:
            return
        container.exit_code, container.status, container.ended_at = code, "STOPPED", time.time()
        if container.process.oom_killed:
            container.reason = OUT_OF_MEMORY
        if not self.ending and (container.essential or not any(c.running for c in self.containers)):
            self._end("EssentialContainerExited", ESSENTIAL_EXITED)
        elif self.ending:
            self._settle()

    def _begin_end(self, code: str, reason: str) -> None:
        self._cancel()
        self.desired, self.stop_code, self.stopped_reason = "STOPPED", code, reason
        self.times["stoppingAt"] = time.time()

    def _end(self, code: str, reason: str) -> None:
        self._begin_end(code, reason)
        ran = any(container.process for container in self.containers)
        for container in self.containers:
            if container.running:
                self._ask_to_end(container)
            else:
                container.status = "STOPPED"
        if ran:
            self._pass("DEACTIVATING")
            self._after(self.pace.stop_delay * _DEACTIVATING, self._stopping)
            self._settle()
        else:
            self._all_ended()
            self._deprovision()

    def _ask_to_end(self, container: ContainerRecord) -> None:
        process = container.process
        if process is not None:
            process.terminate()
            # Late or needless, it does no harm: killing a container that has ended is without effect.
            self.host.loop.later(process.spec.stop_timeout, process.kill)

    def _stopping(self) -> None:
        self._pass("STOPPING")
        self._after(self.pace.stop_delay * _STOPPING, self._settle)

    def _settle(self) -> None:
        if any(container.running for container in self.containers):
            return
        if "executionStoppedAt" not in self.times:
            self._all_ended()
        if self.status == "STOPPING" and self._timer is None:
            self._deprovision()

    def _all_ended(self) -> None:
        self.times["executionStoppedAt"] = time.time()
        self.host.leave(self)

    def _deprovision(self) -> None:
        self._pass("DEPROVISIONING")
        self._after(self.pace.stop_delay * _DEPROVISIONING, self._stopped)

    def _stopped(self) -> None:
        self.times["stoppedAt"] = time.time()
        self._pass("STOPPED")

    def _pass(self, status: str) -> None:
        self.status = status
        self.version += 1
        self.history.append((status, time.time()))
        if self.on_status is not None:
            self.on_status()
        self.host.loop.changed.notify_all()

    def _after(self, seconds: float, work: Work) -> None:
        def due() -> None:
            self._timer = None
            work()

        self._timer = self.host.loop.later(seconds, due)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
