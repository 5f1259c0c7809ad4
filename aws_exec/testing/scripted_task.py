"""One task of the scripted ECS: when it does what, and what DescribeTasks says of it at any time.

A task's life is four moments: accepted, started, exited, stopped. A plan sets them in advance; tests and StopTask move
them. What is answered follows from the moments and the time, so nothing has to happen in between.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

NEVER = math.inf

#: What every answer says and nobody decides on; it makes a described task as large as AWS's, about 2 KB with the
#: overrides echoed.
_ENI = {
    "id": "0f1e2d3c-0000-4000-8000-000000000000",
    "type": "ElasticNetworkInterface",
    "status": "ATTACHED",
    "details": [
        {"name": "subnetId", "value": "subnet-0a1b2c3d4e5f60718"},
        {"name": "networkInterfaceId", "value": "eni-0a1b2c3d4e5f60718"},
        {"name": "macAddress", "value": "0a:1b:2c:3d:4e:5f"},
        {"name": "privateDnsName", "value": "ip-10-0-0-1.eu-central-1.compute.internal"},
        {"name": "privateIPv4Address", "value": "10.0.0.1"},
    ],
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of a task by itself. Times are seconds; None: only when a test or StopTask says so.

    Attributes:
        start: from the acceptance until the Airflow container runs.
        run: from there until it exits.
        stop: from there until the whole task is STOPPED.
        exit_code: of the Airflow container; None: none is known (its host was lost).
        fails: the `stoppedReason` of a task that stops at `start` instead of starting; empty: it starts.
        code: its `stopCode`; empty: AWS's usual one.
        reason: its `stoppedReason` if it did start; empty: AWS's usual one.
        container_reason: the Airflow container's own `reason`; empty: none.
        sidecars: exit codes of other containers, by name; they end with the Airflow container.
        sigterm: from StopTask until it is STOPPED.
    """

    start: float | None = 0.0
    run: float | None = 0.0
    stop: float | None = 0.0
    exit_code: int | None = 0
    fails: str = ""
    code: str = ""
    reason: str = ""
    container_reason: str = ""
    sidecars: Mapping[str, int] = field(default_factory=dict)
    sigterm: float = 0.0


#: Nothing happens by itself.
BY_HAND = Plan(start=None, run=None, stop=None)
#: Starts at once and runs until it is told otherwise.
FOR_EVER = Plan(run=None)


def _later(moment: float, seconds: float | None) -> float:
    return NEVER if seconds is None else moment + seconds


class Task:
    """One task.

    Args:
        arn: of it.
        request: the RunTask arguments that made it.
        plan: what becomes of it.
        now: when it was accepted.
        cluster: the name of its cluster.
        container: the name of the Airflow container.
    """

    def __init__(
        self,
        arn: str,
        request: Mapping[str, Any],
        plan: Plan,
        now: float,
        *,
        cluster: str,
        container: str,
    ) -> None:
        self.arn = arn
        self.cluster = cluster
        self.request = request
        self.plan = plan
        self.container = container
        self.accepted = now
        self.started = _later(now, plan.start)
        self.exited = self.stopped = NEVER
        #: How often DescribeTasks is still to deny knowing it; infinite: for ever.
        self.unknown = 0.0
        self._asked_to_stop = False
        self._reason = ""
        self._schedule()
        self._fixed = self._what_never_changes()

    # -- its life -----------------------------------------------------------------------------------------------------

    def start(self, now: float) -> None:
        """The Airflow container starts now."""
        self.started = now
        self._schedule()

    def exit(self, now: float, code: int | None) -> None:
        """The Airflow container exits now; the rest of the task as planned."""
        self.started = min(self.started, now)
        self.plan = replace(self.plan, exit_code=code)
        self.exited = now
        self.stopped = _later(now, self.plan.stop)

    def end(self, now: float, *, fails: str = "", code: str = "") -> None:
        """The whole task stops now; with `fails`, without ever having started."""
        if fails:
            self.plan = replace(self.plan, fails=fails, code=code)
            self.started = NEVER
        else:
            self.exited = min(self.exited, now)
        self.stopped = now

    def ask_to_stop(self, now: float, reason: str) -> None:
        """StopTask."""
        if self._asked_to_stop or self.stopped <= now:
            return
        self._asked_to_stop = True
        self._reason = reason
        self.stopped = now + self.plan.sigterm
        if self.started > now:
            self.started = NEVER
        elif self.exited > now:
            self.plan = replace(self.plan, exit_code=143)
            self.exited = self.stopped

    def is_over(self, now: float) -> bool:
        """Whether it is STOPPED."""
        return self.stopped <= now

    def desired(self, now: float) -> str:
        """Its desiredStatus."""
        return "STOPPED" if self._asked_to_stop or min(self.exited, self.stopped) <= now else "RUNNING"

    def _schedule(self) -> None:
        if self.plan.fails:
            self.stopped, self.started = self.started, NEVER
        else:
            self.exited = _later(self.started, self.plan.run)
            self.stopped = _later(self.exited, self.plan.stop)

    # -- what is said of it -------------------------------------------------------------------------------------------

    def described(self, now: float) -> str:
        """As DescribeTasks says it, JSON."""
        changing = json.dumps(self._what_changes(now), separators=(",", ":"))
        return f"{self._fixed[:-1]},{changing[1:]}"

    def _status(self, now: float) -> str:
        if self.stopped <= now:
            return "STOPPED"
        if self.exited <= now:
            return "DEPROVISIONING"
        return "RUNNING" if self.started <= now else "PROVISIONING"

    def _what_changes(self, now: float) -> dict[str, Any]:
        told: dict[str, Any] = {
            "lastStatus": self._status(now),
            "desiredStatus": self.desired(now),
            "containers": self._containers(now),
        }
        if self.started <= now:
            told["startedAt"] = self.started
        if self.desired(now) == "STOPPED":
            told |= {"stopCode": self._stop_code(), "stoppedReason": self._stopped_reason()}
        if self.stopped <= now:
            told["stoppedAt"] = self.stopped
        return told

    def _containers(self, now: float) -> list[dict[str, Any]]:
        names = [self.container, *self.plan.sidecars]
        return [self._container(name, now) for name in names]

    def _container(self, name: str, now: float) -> dict[str, Any]:
        over = min(self.exited, self.stopped) <= now
        status = "STOPPED" if over else "RUNNING" if self.started <= now else "PENDING"
        told: dict[str, Any] = {
            "containerArn": f"{self.arn.replace(':task/', ':container/')}/{name}",
            "taskArn": self.arn,
            "name": name,
            "image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/airflow:3.3.2",
            "lastStatus": status,
            "networkInterfaces": [],
            "healthStatus": "UNKNOWN",
            "cpu": "256",
        }
        airflow = name == self.container
        if over and self.started <= now:
            code = self.plan.exit_code if airflow else self.plan.sidecars[name]
            if code is not None:
                told["exitCode"] = code
        if over and airflow and self.plan.container_reason:
            told["reason"] = self.plan.container_reason
        return told

    def _stop_code(self) -> str:
        if self._asked_to_stop:
            return "UserInitiated"
        usual = "TaskFailedToStart" if self.plan.fails else "EssentialContainerExited"
        return self.plan.code or usual

    def _stopped_reason(self) -> str:
        return self._reason or self.plan.fails or self.plan.reason or "Essential container in task exited"

    def _what_never_changes(self) -> str:
        region, account = self.arn.split(":")[3:5]
        definition = self.request.get("taskDefinition", "airflow:1")
        told = {
            "taskArn": self.arn,
            "clusterArn": f"arn:aws:ecs:{region}:{account}:cluster/{self.cluster}",
            "taskDefinitionArn": f"arn:aws:ecs:{region}:{account}:task-definition/{definition}",
            "overrides": self.request.get("overrides", {}),
            "startedBy": self.request.get("startedBy", ""),
            "launchType": self.request.get("launchType", "FARGATE"),
            "group": f"family:{definition}",
            "attachments": [_ENI],
            "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
            "availabilityZone": "eu-central-1a",
            "connectivity": "CONNECTED",
            "cpu": "256",
            "memory": "512",
            "createdAt": self.accepted,
            "enableExecuteCommand": False,
            "ephemeralStorage": {"sizeInGiB": 20},
            "platformVersion": "1.4.0",
            "platformFamily": "Linux",
            "tags": self.request.get("tags", []),
            "version": 3,
        }
        return json.dumps(told, separators=(",", ":"))
