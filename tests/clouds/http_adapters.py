"""Adapters whose client talks to a scripted service, over HTTP."""

from __future__ import annotations

import boto3

from aws_exec.clouds.batch.adapter import BatchCloud
from aws_exec.clouds.ecs.adapter import EcsCloud
from aws_exec.clouds.session import client_config


def client(service, **options):
    """A boto3 client as the executors build theirs, with the credentials of nobody."""
    session = boto3.session.Session(aws_access_key_id="testing", aws_secret_access_key="testing")
    return session.client(service, config=client_config(), **options)


def _client(aws, service):
    built = client(service, region_name="eu-central-1", endpoint_url=aws.url)
    return lambda: built


def ecs_cloud(aws, **options) -> EcsCloud:
    """The ECS adapter of the cluster `fleet`."""
    given = {"cluster": "fleet", "container_name": "airflow", "started_by": "awsexec/test"} | options
    return EcsCloud(_client(aws, "ecs"), **given)


def batch_cloud(aws, **options) -> BatchCloud:
    """The Batch adapter of the job queue `fleet`."""
    given = {"job_queue": "fleet", "name_prefix": "airflow", "deployment": "test"} | options
    return BatchCloud(_client(aws, "batch"), **given)
