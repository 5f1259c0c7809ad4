"""Where our Batch jobs meet moto's Batch: its compute environments, job queues and definitions, our SubmitJob and on.

As with ECS (see `ecs_api`), nothing of moto is patched. Job definitions with `ecsProperties`, which moto does not have,
are added here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from moto.batch.models import BatchBackend as MotoBackend
from moto.batch.models import ComputeEnvironment, JobDefinition, JobQueue
from moto.batch.responses import BatchResponse as MotoResponse
from moto.core.common_types import TYPE_RESPONSE
from moto.core.utils import convert_to_flask_response, get_service_model
from moto.moto_server.werkzeug_app import BackendRequest

from aws_exec.local.batch.jobs import BatchJobs
from aws_exec.local.batch.request import Place, check_name, refused
from aws_exec.local.ecs.request import Parameters
from aws_exec.local.errors import AwsError
from aws_exec.local.service import Setting, on_the_wire


class MultiDefinition(JobDefinition):
    """A job definition of several containers."""

    def __init__(self, ecs_properties: Mapping[str, Any], **more: Any) -> None:
        self.ecs_properties = ecs_properties
        super().__init__(container_properties=None, node_properties=None, eks_properties=None, **more)

    def describe(self) -> dict[str, Any]:
        """As DescribeJobDefinitions answers it."""
        return {**super().describe(), "ecsProperties": self.ecs_properties}

    def _validate(self) -> None:
        tasks = self.ecs_properties.get("taskProperties", [])
        if len(tasks) != 1 or not tasks[0].get("containers"):
            # "This object is currently limited to one" task, of 1-10 containers (API Reference, EcsProperties).
            raise refused("ecsProperties.taskProperties must have one item, with containers.")
        for container in tasks[0]["containers"]:
            if not container.get("name") or not container.get("image"):
                raise refused("ecsProperties.taskProperties.containers must have name and image.")


class BatchBackend(MotoBackend):
    """The compute environments, queues and definitions, with the jobs that really run."""

    def __init__(self, region_name: str, account_id: str, running: BatchJobs) -> None:
        super().__init__(region_name, account_id)
        self.running = running

    def queue(self, name: str) -> JobQueue:
        """A job queue, by name or ARN.

        Raises:
            AwsError: there is none.
        """
        queue = self.get_job_queue(name)
        if queue is None:
            raise refused(f"JobQueue {name} not found.")  # base2genomics/batchit #13
        return queue

    def active_definition(self, name: str) -> JobDefinition:
        """A job definition by name (its latest active revision), `name:revision`, or ARN with or without revision.

        Raises:
            AwsError: there is none that is active.
        """
        short = name.rpartition(":job-definition/")[2]
        wanted, _, revision = short.partition(":")
        if revision and not revision.isdigit():
            raise refused(f"Provided name {name} is not supported pattern[a-zA-Z_0-9-]{{1,128}}")  # aws-sdk-js #4280
        active = [
            one
            for one in self.get_job_definitions(wanted)
            if one.status == "ACTIVE" and revision in {"", str(one.revision)}
        ]
        if not active and name.startswith("arn:"):
            raise refused(f"JobDefinition {name} not found.")  # azavea/raster-vision-aws #17
        if not active:
            # aws-samples/aws-genomics-workflows #84.
            raise refused(f"JobDefinition name {name} does not exist or is not in ACTIVE status")
        return max(active, key=lambda one: one.revision)

    def add_environment(self, name: str, resources: Mapping[str, Any]) -> None:
        """Add a managed compute environment, ENABLED and VALID, without the IAM role that moto's own way asks for."""
        made = ComputeEnvironment(  # type: ignore[abstract] # as moto makes its own; CloudFormation is never asked
            name, "MANAGED", "ENABLED", dict(resources), "", self.account_id, self.region_name
        )
        cluster = f"AWSBatch-{name}"
        made.set_ecs(f"arn:aws:ecs:{self.region_name}:{self.account_id}:cluster/{cluster}", cluster)
        self._compute_environments[made.arn] = made

    def register_multiple(self, name: str, properties: Mapping[str, Any], **more: Any) -> JobDefinition:
        """Register a new revision of a job definition of several containers."""
        before = self.get_job_definition_by_name(name)
        revision = before.revision if before else 0
        made = MultiDefinition(  # type: ignore[abstract] # as moto makes its own; CloudFormation is never asked
            properties, name=name, backend=self, revision=revision, **more
        )
        self._job_definitions[made.arn] = made
        return made

    def tag_resource(self, resource_arn: str, tags: dict[str, str]) -> None:
        """Tag a job of ours, or whatever moto knows."""
        job = self.running.of_arn(resource_arn)
        if job is None:
            super().tag_resource(resource_arn, tags)
        else:
            job.tags.update(tags)

    def list_tags_for_resource(self, resource_arn: str) -> dict[str, str]:
        """The tags of a job of ours, or of whatever moto knows."""
        job = self.running.of_arn(resource_arn)
        tags: dict[str, str] = super().list_tags_for_resource(resource_arn) if job is None else dict(job.tags)
        return tags

    def untag_resource(self, resource_arn: str, tag_keys: list[str]) -> None:
        """Take tags from a job of ours, or from whatever moto knows."""
        job = self.running.of_arn(resource_arn)
        if job is None:
            super().untag_resource(resource_arn, tag_keys)
        else:
            for key in tag_keys:
                job.tags.pop(key, None)


@dataclass
class BatchService:
    """All of Batch, over accounts and Regions.

    Attributes:
        new_jobs: makes the jobs of one account and Region.
        setting: what Batch shares with ECS.
        backends: what there is so far, by account and Region.
    """

    new_jobs: Callable[[], BatchJobs]
    setting: Setting
    backends: dict[tuple[str, str], BatchBackend] = field(default_factory=dict)

    def backend(self, account: str, region: str) -> BatchBackend:
        """The backend of an account and Region, made when first asked for."""
        key = (account, region)
        if key not in self.backends:
            self.backends.setdefault(key, BatchBackend(region, account, self.new_jobs()))
        return self.backends[key]

    def place(self, backend: BatchBackend, request: Parameters) -> Place:
        """Where a SubmitJob request is to run.

        Raises:
            AwsError: no such queue or definition, or they do not go together.
        """
        queue = backend.queue(request.get("jobQueue", ""))
        definition = backend.active_definition(request.get("jobDefinition", "")).describe()
        if queue.state != "ENABLED":
            raise refused(f"JobQueue {queue.name} is not ENABLED.")
        environment = queue.environments[0]
        fargate = str((environment.compute_resources or {}).get("type", "")).startswith("FARGATE")
        if fargate and "FARGATE" not in (definition["platformCapabilities"] or ()):
            # As SubmitJob answers it, in the notes of several public repositories.
            raise refused("Job Queue is attached to Compute Environment that can not run Jobs with capability EC2")
        return Place(
            queue_arn=queue.arn,
            queue_name=queue.name,
            environment_name=environment.name,
            cluster_arn=environment.ecs_arn,
            definition={name: value for name, value in definition.items() if value is not None},
            account=backend.account_id,
            region=backend.region_name,
            ground=self.setting.ground(backend.region_name),
        )

    def application(self) -> Flask:
        """The WSGI application that answers for Batch."""

        def view(request: Any, full_url: str, headers: Any) -> TYPE_RESPONSE:
            return BatchResponse(self).answer(request, full_url, headers)

        app = Flask("aws_exec.local")
        app.request_class = BackendRequest
        methods = ["GET", "POST", "DELETE"]
        app.add_url_rule("/v1/<path:rest>", "batch", convert_to_flask_response(view), methods=methods)
        return app


class BatchResponse(MotoResponse):
    """One request to Batch: ours where jobs are concerned, else moto's."""

    def __init__(self, service: BatchService) -> None:
        super().__init__()
        self._service = service

    @property
    def batch_backend(self) -> BatchBackend:
        """The backend that the request is for."""
        return self._service.backend(self.current_account, self.region)

    def answer(self, request: Any, full_url: str, headers: Any) -> TYPE_RESPONSE:
        """Answer it: status, headers, body."""
        answer: TYPE_RESPONSE = self._dispatch(request, full_url, headers)
        return answer

    def call_action(self) -> TYPE_RESPONSE:
        """Count it, and carry it out unless a scripted error comes first."""
        try:
            return self._service.setting.answer(self._operation(), super().call_action)
        except AwsError as error:
            return on_the_wire(error)

    def submitjob(self) -> str:
        """SubmitJob."""
        backend, request = self.batch_backend, self._parameters()
        check_name(request)
        return json.dumps(backend.running.submit(request, self._service.place(backend, request)))

    def describejobs(self) -> str:
        """DescribeJobs."""
        return json.dumps(self.batch_backend.running.describe(self._parameters()))

    def listjobs(self) -> str:
        """ListJobs."""
        request = self._parameters()
        if not request.get("jobQueue"):
            raise refused("The embedded AWS lists jobs by jobQueue only.")
        return json.dumps(self.batch_backend.running.list(request, self.batch_backend.queue(request["jobQueue"]).arn))

    def terminatejob(self) -> str:
        """TerminateJob."""
        return json.dumps(self.batch_backend.running.terminate(self._parameters()))

    def canceljob(self) -> str:
        """CancelJob."""
        return json.dumps(self.batch_backend.running.cancel(self._parameters()))

    def terminatejobs(self) -> str:
        """TerminateJobs."""
        return json.dumps(self.batch_backend.running.each(self._parameters(), "TerminateJob"))

    def canceljobs(self) -> str:
        """CancelJobs."""
        return json.dumps(self.batch_backend.running.each(self._parameters(), "CancelJob"))

    def registerjobdefinition(self) -> Any:
        """RegisterJobDefinition."""
        request = self._parameters()
        if "ecsProperties" not in request:
            return super().registerjobdefinition()
        if "containerProperties" in request:
            raise refused("Only one of containerProperties and ecsProperties can be specified.")
        made = self.batch_backend.register_multiple(
            request["jobDefinitionName"],
            request["ecsProperties"],
            parameters=request.get("parameters"),
            _type=request.get("type", "container"),
            tags=request.get("tags"),
            retry_strategy=request.get("retryStrategy"),
            timeout=request.get("timeout"),
            platform_capabilities=request.get("platformCapabilities"),
            propagate_tags=request.get("propagateTags"),
        )
        told = {"jobDefinitionArn": made.arn, "jobDefinitionName": made.name, "revision": made.revision}
        return json.dumps(told)

    def _parameters(self) -> Parameters:
        parameters: Parameters = json.loads(self.body or "{}")
        return parameters

    def _operation(self) -> str:
        """The operation's name in the API, which the path has in lower case."""
        action: str = self._get_action()
        if action == "tags":
            return {"GET": "ListTagsForResource", "POST": "TagResource"}.get(self.method, "UntagResource")
        return next((one for one in get_service_model("batch").operation_names if one.lower() == action), action)
