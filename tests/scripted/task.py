"""One task of the scripted ECS: what DescribeTasks says of it at any time."""

from __future__ import annotations

import json
from typing import Any

from tests.scripted.life import Life

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


class Task(Life):
    """One task."""

    #: What DescribeTasks says of it every time, once it was asked.
    _fixed = ""

    def desired(self, now: float) -> str:
        """Its desiredStatus."""
        return "STOPPED" if self.asked_to_stop or min(self.exited, self.stopped) <= now else "RUNNING"

    def describe(self, now: float) -> str:
        """As DescribeTasks says it, JSON."""
        if not self._fixed:
            self._fixed = self._what_never_changes()
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
        if self.asked_to_stop:
            return "UserInitiated"
        usual = "TaskFailedToStart" if self.plan.fails else "EssentialContainerExited"
        return self.plan.code or usual

    def _stopped_reason(self) -> str:
        return self.reason or self.plan.fails or self.plan.reason or "Essential container in task exited"

    def _what_never_changes(self) -> str:
        region, account = self.arn.split(":")[3:5]
        definition = self.request.get("taskDefinition", "airflow:1")
        told = {
            "taskArn": self.arn,
            "clusterArn": f"arn:aws:ecs:{region}:{account}:cluster/{self.location}",
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
