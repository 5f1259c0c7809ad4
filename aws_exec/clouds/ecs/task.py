"""Observations of ECS tasks, from DescribeTasks and RunTask. Pure.

Reads only the members that matter: 2,000 running tasks pass through here every few seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aws_exec.diagnosis.reasons import never_ran
from aws_exec.lifecycle.identity import Identity, from_environment, origin_of
from aws_exec.lifecycle.values import Job, Observation, Status, Termination, Token

SERVICE = "ecs"

#: An ECS task as botocore hands it over (ECS API Reference, Task).
Task = Mapping[str, Any]

_STOPPED = frozenset({"STOPPED", "DELETED"})


def observation(task: Task, job: Job, container_name: str, token: Token | None = None) -> Observation:
    """One task as it was answered.

    Args:
        task: of the answer.
        job: what the core calls it.
        container_name: the Airflow container's.
        token: where it is known already; None: read from the container overrides (None if the Amazon provider, or
            anybody else, launched it).
    """
    container = airflow_container(task, container_name)
    started = has_started(task, container)
    said = task.get("lastStatus")
    status = Status.STOPPED if said in _STOPPED else Status.RUNNING if started else Status.STARTING
    stop = None
    if said in _STOPPED or _is_over(container, started=started):
        # Sidecars and the network may run on, or are still being taken down.
        stop = _stop(task, container, container_name, started=started)
    # Nothing will come of a task whose others run on without it; one that ends says itself why.
    in_vain = said == "RUNNING" and not started
    origin = None
    if token is None:
        identity, created = identity_in(task), task.get("createdAt")
        token = identity.token if identity is not None else None
        origin = origin_of(identity, created.timestamp() if created is not None else None)
    return Observation(
        job,
        status,
        started=started,
        token=token,
        stop=stop,
        waiting=stop.container_reason if stop is not None and in_vain else "",
        single_container=len(task.get("containers") or ()) == 1,
        origin=origin,
    )


def airflow_container(task: Task, name: str) -> Mapping[str, Any] | None:
    """The container called `name`, or the only one there is; None if it is not clear which is Airflow's."""
    containers: Sequence[Mapping[str, Any]] = task.get("containers") or ()
    named = next((container for container in containers if container.get("name") == name), None)
    return named or (containers[0] if len(containers) == 1 else None)


def has_started(task: Task, container: Mapping[str, Any] | None) -> bool:
    """Whether user code may have run.

    A task gets `startedAt` when it turns RUNNING, and then all its containers ran. A container may run before that,
    while another one is waited for: its own status or exit code says so. A container that could not be started may
    have an exit code all the same (127, the runtime's): it ran nothing. One that is not essential may fail to start
    while the others run on: then `startedAt` is theirs.
    """
    if container is not None and _ran_nothing(container):
        return False
    if task.get("startedAt") is not None:
        return True
    if container is None or _could_not_start(task, container):
        return False
    return container.get("exitCode") is not None or container.get("lastStatus") == "RUNNING"


def token_in(task: Task) -> Token | None:
    """The launch token in the container overrides; None if awsexec did not launch it."""
    identity = identity_in(task)
    return identity.token if identity is not None else None


def identity_in(task: Task) -> Identity | None:
    """Who the task belongs to, from its container overrides; None if awsexec did not launch it."""
    overrides: Mapping[str, Any] = task.get("overrides") or {}
    for container in overrides.get("containerOverrides") or ():
        pairs = container.get("environment")
        if pairs:
            identity = from_environment({pair["name"]: pair.get("value", "") for pair in pairs})
            if identity is not None:
                return identity
    return None


def _is_over(container: Mapping[str, Any] | None, *, started: bool) -> bool:
    """Whether the Airflow container has ended, be it without an exit code."""
    if container is None:
        return False
    return container.get("lastStatus") in _STOPPED or (started and container.get("exitCode") is not None)


def _ran_nothing(container: Mapping[str, Any]) -> bool:
    ended = container.get("lastStatus") in _STOPPED
    return ended and never_ran(container.get("exitCode"), container.get("reason") or "")


def _could_not_start(task: Task, container: Mapping[str, Any]) -> bool:
    return task.get("stopCode") == "TaskFailedToStart" and bool(container.get("reason"))


def _stop(task: Task, container: Mapping[str, Any] | None, name: str, *, started: bool) -> Termination:
    reason = task.get("stoppedReason") or ""
    exit_code = None
    if container is not None and started:
        exit_code = container.get("exitCode")
    elif container is None and (names := [str(other.get("name")) for other in task.get("containers") or ()]):
        reason = f"none of its containers ({', '.join(names)}) is called {name!r} (container_name). {reason}".strip()
    code = task.get("stopCode") or ""
    return Termination(
        service=SERVICE,
        exit_code=exit_code,
        started=started,
        code=code,
        reason=reason,
        container_reason=(container.get("reason") or "") if container is not None else "",
        user_initiated=code == "UserInitiated",
        sidecars=_sidecars(task, container) if container is not None else (),
    )


def _sidecars(task: Task, container: Mapping[str, Any]) -> tuple[str, ...]:
    outcomes = []
    for other in task.get("containers") or ():
        if other is container:
            continue
        outcome = other.get("reason") or other.get("exitCode")
        if outcome:
            outcomes.append(f"{other.get('name')}: {outcome}")
    return tuple(outcomes)
