"""Where our ECS tasks meet moto's ECS: its clusters, task definitions and wire format, our RunTask and what follows.

moto offers no registration for another implementation of a service, but its dispatcher takes the function that builds a
service's application: that is the one place where we step in, and nothing of moto is patched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import ActionResult
from moto.core.utils import convert_to_flask_response
from moto.ecs.exceptions import ECSException, TaskDefinitionNotFoundException
from moto.ecs.models import Cluster, ClusterFailure, EC2ContainerServiceBackend, TaskDefinition
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.moto_server.werkzeug_app import BackendRequest

from aws_exec.local.ecs.request import Parameters, Place
from aws_exec.local.ecs.tasks import EcsTasks
from aws_exec.local.errors import AwsError
from aws_exec.local.service import Document, Setting


class EcsBackend(EC2ContainerServiceBackend):
    """The clusters and task definitions, with the tasks that really run."""

    def __init__(self, region_name: str, account_id: str, running: EcsTasks) -> None:
        super().__init__(region_name, account_id)
        self.running = running

    def cluster(self, name: str) -> Cluster:
        """An active cluster, by name or ARN.

        Raises:
            ECSException: `ClusterNotFoundException`; a deleted cluster is not found either.
        """
        cluster = self._get_cluster(name)
        if cluster.status != "ACTIVE":
            raise ECSException("ClusterNotFoundException", "Cluster not found.")
        return cluster

    def active_definition(self, name: str) -> TaskDefinition:
        """A task definition by family, `family:revision` or ARN.

        Raises:
            ECSException: `ClientException`, with the messages RunTask answers for an unknown or inactive one.
        """
        try:
            definition = self.describe_task_definition(name)
        except (TaskDefinitionNotFoundException, ValueError) as error:
            raise ECSException("ClientException", "TaskDefinition not found.") from error
        if definition.status != "ACTIVE":
            raise ECSException("ClientException", "TaskDefinition is inactive.")
        return definition

    def describe_clusters(self, cluster_names: list[str]) -> tuple[list[Cluster], list[ClusterFailure]]:
        """Answer as moto does, with the true counts of tasks."""
        clusters, failures = super().describe_clusters(cluster_names)
        for cluster in clusters:
            cluster.running_tasks_count, cluster.pending_tasks_count = self.running.counts(cluster.arn)
        return clusters, failures

    def _get_resource(self, resource_arn: str, parsed_arn: dict[str, str]) -> Any:
        """What a tag operation is about: a task of ours, or whatever moto knows."""
        if parsed_arn["service"] == "task":
            task = self.running.known(resource_arn)
            if task is None:
                raise ECSException("InvalidParameterException", "The specified task was not found.")
            return task
        return super()._get_resource(resource_arn, parsed_arn)


@dataclass
class EcsService:
    """All of ECS, over accounts and Regions.

    Attributes:
        new_tasks: makes the tasks of one account and Region.
        setting: what ECS shares with Batch.
        backends: what there is so far, by account and Region.
    """

    new_tasks: Callable[[], EcsTasks]
    setting: Setting
    backends: dict[tuple[str, str], EcsBackend] = field(default_factory=dict)

    def backend(self, account: str, region: str) -> EcsBackend:
        """The backend of an account and Region, made when first asked for."""
        key = (account, region)
        if key not in self.backends:
            self.backends.setdefault(key, EcsBackend(region, account, self.new_tasks()))
        return self.backends[key]

    def place(self, backend: EcsBackend, request: Parameters) -> Place:
        """Where a RunTask request is to run.

        Raises:
            ECSException: no such cluster or task definition.
        """
        cluster = backend.cluster(request.get("cluster", "default"))
        definition = backend.active_definition(request["taskDefinition"])
        return Place(
            cluster_arn=cluster.arn,
            default_strategy=cluster.default_capacity_provider_strategy or [],
            has_instances=bool(backend.container_instances.get(cluster.name)),
            definition={
                "taskDefinitionArn": definition.arn,
                "family": definition.family,
                "containerDefinitions": definition.container_definitions,
                "compatibilities": definition.compatibilities,
                "networkMode": definition.network_mode,
                "cpu": definition.cpu,
                "memory": definition.memory,
            },
            definition_tags=definition.tags,
            account=backend.account_id,
            region=backend.region_name,
            ground=self.setting.ground(backend.region_name),
        )

    def application(self) -> Flask:
        """The WSGI application that answers for ECS."""

        def view(request: Any, full_url: str, headers: Any) -> TYPE_RESPONSE:
            return EcsResponse(self).answer(request, full_url, headers)

        app = Flask("aws_exec.local")
        app.request_class = BackendRequest
        app.add_url_rule("/", "ecs", convert_to_flask_response(view), methods=["POST"])
        return app


class EcsResponse(EC2ContainerServiceResponse):
    """One request to ECS: ours where tasks are concerned, else moto's."""

    def __init__(self, service: EcsService) -> None:
        super().__init__()
        self._service = service

    @property
    def ecs_backend(self) -> EcsBackend:
        """The backend that the request is for."""
        return self._service.backend(self.current_account, self.region)

    def answer(self, request: Any, full_url: str, headers: Any) -> TYPE_RESPONSE:
        """Answer it: status, headers, body."""
        return self._dispatch(request, full_url, headers)

    def call_action(self) -> TYPE_RESPONSE:
        """Count it, and carry it out unless a scripted error comes first."""
        return self._service.setting.answer(self._get_action(), super().call_action)

    def run_task(self) -> ActionResult:
        """RunTask."""
        backend = self.ecs_backend
        place = self._service.place(backend, self._parameters())
        return self._told(lambda: backend.running.run(self._parameters(), place))

    def describe_tasks(self) -> ActionResult:
        """DescribeTasks."""
        return self._told(lambda: self.ecs_backend.running.describe(self._parameters(), self._cluster_arn()))

    def list_tasks(self) -> ActionResult:
        """ListTasks."""
        return self._told(lambda: self.ecs_backend.running.list(self._parameters(), self._cluster_arn()))

    def stop_task(self) -> ActionResult:
        """StopTask."""
        return self._told(lambda: self.ecs_backend.running.stop(self._parameters(), self._cluster_arn()))

    def start_task(self) -> ActionResult:
        """StartTask: not here; moto's would be a task that never runs."""
        raise ECSException("ClientException", "The embedded AWS has no StartTask; use RunTask.")

    def _parameters(self) -> Parameters:
        parameters: Parameters = self._get_params()
        return parameters

    def _cluster_arn(self) -> str:
        arn: str = self.ecs_backend.cluster(self._parameters().get("cluster", "default")).arn
        return arn

    @staticmethod
    def _told(verb: Callable[[], dict[str, Any]]) -> ActionResult:
        try:
            return Document(verb())
        except AwsError as error:
            raise _wire(error) from error


def _wire(error: AwsError) -> ECSException:
    """The error as moto puts it on the wire."""
    told = ECSException(error.code, error.message)
    if error.resource_ids:
        told.resourceIds = list(error.resource_ids)  # type: ignore[attr-defined] # a member that moto does not have
    return told
