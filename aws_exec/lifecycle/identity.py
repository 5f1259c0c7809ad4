"""The identity of a container: written into it at launch, read back from AWS without the database.

The same facts go into the container's environment (`AWSEXEC_*`) and into tags (`awsexec:*`); `startedBy` carries the
deployment, so that one ListTasks finds the whole running fleet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields

from aws_exec.lifecycle.values import LaunchId, Origin, Token, launch_of

#: ECS `startedBy` takes up to 128 of these (ECS API Reference, RunTask).
STARTED_BY_LIMIT = 128
_NOT_STARTED_BY = re.compile(r"[^A-Za-z0-9\-/_]+")

_ENVIRONMENT = "AWSEXEC_"
_TAG = "awsexec:"


@dataclass(frozen=True, slots=True)
class Identity:
    """What a container runs, and for whom.

    The container's variables: AWSEXEC_DEPLOYMENT, AWSEXEC_TOKEN, AWSEXEC_DAG_ID, AWSEXEC_TASK_ID, AWSEXEC_RUN_ID,
    AWSEXEC_MAP_INDEX, AWSEXEC_TRY_NUMBER, AWSEXEC_CALLBACK_ID, AWSEXEC_SCHEDULER, AWSEXEC_TASK_INSTANCE.

    Attributes:
        deployment: the Airflow that launched it (`[aws_ecs_executor] deployment`).
        token: `<launch id>-<n>`.
        dag_id, task_id, run_id, map_index, try_number: the task instance; empty text for a callback.
        callback_id: the callback; empty for a task instance.
        scheduler: Airflow's id of the scheduler job that launched it; empty if that has none.
        task_instance: the id of the task instance's row; empty before Airflow 3.4, where the rest is unique.
    """

    deployment: str
    token: Token
    dag_id: str = ""
    task_id: str = ""
    run_id: str = ""
    map_index: str = ""
    try_number: str = ""
    callback_id: str = ""
    scheduler: str = ""
    task_instance: str = ""

    @property
    def launch_id(self) -> LaunchId:
        """The launch that the token was made from."""
        return launch_of(self.token)

    def environment(self) -> dict[str, str]:
        """As the container's environment variables, without the empty ones."""
        return {f"{_ENVIRONMENT}{name.upper()}": value for name, value in self._filled()}

    def tags(self) -> dict[str, str]:
        """As resource tags, without the empty ones; not yet sanitised for a service."""
        return {f"{_TAG}{name.replace('_', '-')}": value for name, value in self._filled()}

    def _filled(self) -> list[tuple[str, str]]:
        return [(f.name, value) for f in fields(self) if (value := getattr(self, f.name))]


def from_environment(environment: Mapping[str, str]) -> Identity | None:
    """Read an identity back; None if the container was not launched by awsexec."""
    token = environment.get(f"{_ENVIRONMENT}TOKEN")
    if not token:
        return None
    found = {f.name: environment.get(f"{_ENVIRONMENT}{f.name.upper()}", "") for f in fields(Identity)}
    return Identity(**found)


def origin_of(identity: Identity | None, since: float | None) -> Origin | None:
    """Return the origin of a container with this identity that AWS accepted then; None if neither is known."""
    try_number = identity.try_number if identity is not None else ""
    return Origin(try_number, since) if try_number or since is not None else None


def from_tags(tags: Mapping[str, str]) -> Identity | None:
    """Read an identity back from tags, in which a service may have replaced characters; None if it is in none."""
    if not tags.get(f"{_TAG}token"):
        return None
    return Identity(**{f.name: tags.get(f"{_TAG}{f.name.replace('_', '-')}", "") for f in fields(Identity)})


def started_by(deployment: str) -> str:
    """The ECS `startedBy` of every container of a deployment."""
    return _NOT_STARTED_BY.sub("-", f"awsexec/{deployment}")[:STARTED_BY_LIMIT]
