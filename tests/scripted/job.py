"""One job of the scripted Batch: what DescribeJobs and ListJobs say of it at any time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.scripted.life import NEVER, Life

#: Which share of the time until the start a job is in each status; what has no start stays in RUNNABLE.
_RUNNABLE_FROM, _STARTING_FROM = 0.1, 0.7
#: Seconds in SUBMITTED of a job that is never to start by itself.
_SUBMITTED = 0.02

_OVER = "Essential container in task exited"


def overrides_of(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The containers that SubmitJob's arguments override: the only one, or several by name, Airflow's first."""
    tasks = request.get("ecsPropertiesOverride", {}).get("taskProperties") or ()
    containers = [container for task in tasks for container in task.get("containers", ())]
    return containers or [request.get("containerOverrides", {})]


class BatchJob(Life):
    """One job."""

    _fixed = ""
    #: Its line in ListJobs, and as of which moment.
    _listed: tuple[object, str] = (None, "")

    @property
    def id(self) -> str:
        """Its job id."""
        return self.arn.rpartition("/")[2]

    @property
    def name(self) -> str:
        """Its jobName."""
        return str(self.request.get("jobName", "job"))

    def status(self, now: float) -> str:
        """Its status."""
        if self.stopped <= now:
            well = self.exited <= now and self.plan.exit_code == 0 and not self.plan.fails
            return "SUCCEEDED" if well else "FAILED"
        if self.started <= now:
            return "RUNNING"
        age = now - self.accepted
        begin = min(self.started, self.stopped) - self.accepted
        if begin == NEVER:
            return "SUBMITTED" if age < _SUBMITTED else "RUNNABLE"
        if age < begin * _RUNNABLE_FROM:
            return "SUBMITTED"
        return "RUNNABLE" if age < begin * _STARTING_FROM else "STARTING"

    def moment(self, now: float) -> tuple[object, ...]:
        """As of every container, and the status: some of them pass with age."""
        return (*super().moment(now), self.status(now))

    def describe(self, now: float) -> str:
        """As DescribeJobs says it, JSON."""
        if not self._fixed:
            self._fixed = json.dumps(self._what_never_changes(), separators=(",", ":"))
        changing = json.dumps({**self._moments(now), **self._containers(now)}, separators=(",", ":"))
        return f"{self._fixed[:-1]},{changing[1:]}"

    def listed(self, now: float) -> str:
        """As ListJobs says it, JSON; made anew only if something has changed."""
        moment = self.moment(now)
        if self._listed[0] != moment:
            self._listed = (moment, json.dumps(self._summary(now), separators=(",", ":")))
        return self._listed[1]

    # -- parts --------------------------------------------------------------------------------------------------------

    def _summary(self, now: float) -> dict[str, Any]:
        return {
            "jobArn": self.arn,
            "jobId": self.id,
            "jobName": self.name,
            "jobDefinition": self._what_never_changes()["jobDefinition"],
            **self._moments(now),
            "container": self._ended(now) if not self._is_multiple() else {},
        }

    def _is_multiple(self) -> bool:
        return "ecsPropertiesOverride" in self.request or bool(self.plan.sidecars)

    def _has_started(self, now: float) -> bool:
        return self.started <= now

    def _moments(self, now: float) -> dict[str, Any]:
        told: dict[str, Any] = {"status": self.status(now), "createdAt": int(self.accepted * 1000)}
        if self._has_started(now):
            told["startedAt"] = int(self.started * 1000)
        if self.stopped <= now:
            told["stoppedAt"] = int(self.stopped * 1000)
        if reason := self._status_reason(now):
            told["statusReason"] = reason
        return told

    def _status_reason(self, now: float) -> str:
        if self.stopped <= now:
            return self.reason or self.plan.fails or self.plan.reason or _OVER
        return self.plan.waiting if self.status(now) == "RUNNABLE" else ""

    def _ended(self, now: float) -> dict[str, Any]:
        """What is known of the Airflow container's end."""
        told: dict[str, Any] = {}
        if self.exited <= now and self._has_started(now) and self.plan.exit_code is not None:
            told["exitCode"] = self.plan.exit_code
        if min(self.exited, self.stopped) <= now and self.plan.container_reason:
            told["reason"] = self.plan.container_reason
        return told

    def _containers(self, now: float) -> dict[str, Any]:
        """The containers, and the attempt if there has been one."""
        told: dict[str, Any] = {
            "isCancelled": self.asked_to_stop and not self._has_started(now),
            "isTerminated": self.asked_to_stop and self._has_started(now),
        }
        over = min(self.exited, self.stopped) <= now
        if self._is_multiple():
            containers = self._several(now)
            told |= {"container": {}, "ecsProperties": {"taskProperties": [{"containers": containers}]}}
            attempt: dict[str, Any] = {"container": {}, "taskProperties": [{"containers": containers}]}
        else:
            told["container"] = {**_FIXED, **overrides_of(self.request)[0], **self._ended(now)}
            attempt = {"container": self._ended(now)}
        if self._has_started(now):
            attempt["startedAt"] = int(self.started * 1000)
        if self.stopped <= now:
            attempt |= {"stoppedAt": int(self.stopped * 1000), "statusReason": self._status_reason(now)}
        told["attempts"] = [attempt] if over and not told["isCancelled"] else []
        return told

    def _several(self, now: float) -> list[dict[str, Any]]:
        overridden = {each.get("name", self.container): each for each in overrides_of(self.request)}
        sidecars = {name: {"exitCode": code} if self.exited <= now else {} for name, code in self.plan.sidecars.items()}
        ends = {self.container: self._ended(now), **sidecars}
        return [
            {**_FIXED, **overridden.get(name, {}), "name": name, "essential": name == self.container, **ends[name]}
            for name in ends
        ]

    def _what_never_changes(self) -> dict[str, Any]:
        region, account = self.arn.split(":")[3:5]
        batch = f"arn:aws:batch:{region}:{account}"
        definition = str(self.request.get("jobDefinition", "airflow:1"))
        return {
            "jobArn": self.arn,
            "jobId": self.id,
            "jobName": self.name,
            "jobQueue": f"{batch}:job-queue/{self.location}",
            "jobDefinition": definition if definition.startswith("arn:") else f"{batch}:job-definition/{definition}",
            "parameters": self.request.get("parameters", {}),
            "retryStrategy": {"attempts": 1, "evaluateOnExit": [], **self.request.get("retryStrategy", {})},
            "timeout": self.request.get("timeout", {}),
            "tags": self.request.get("tags", {}),
            "dependsOn": [],
            "platformCapabilities": ["FARGATE"],
            "eksAttempts": [],
            "propagateTags": False,
        }


#: What every answer says of a container and nobody decides on; it makes a described job about as large as AWS's.
_FIXED: Mapping[str, Any] = {
    "image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/airflow:3.3.2",
    "jobRoleArn": "arn:aws:iam::123456789012:role/airflow-job",
    "executionRoleArn": "arn:aws:iam::123456789012:role/airflow-execution",
    "volumes": [],
    "mountPoints": [],
    "ulimits": [],
    "networkInterfaces": [{"attachmentId": "0f1e2d3c-0000-4000-8000-000000000000", "privateIpv4Address": "10.0.0.1"}],
    "resourceRequirements": [{"value": "0.25", "type": "VCPU"}, {"value": "512", "type": "MEMORY"}],
    "logConfiguration": {"logDriver": "awslogs", "options": {}, "secretOptions": []},
    "secrets": [],
    "fargatePlatformConfiguration": {"platformVersion": "LATEST"},
}
