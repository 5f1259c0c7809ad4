"""Observations of Batch jobs, from DescribeJobs. Pure.

A job may have had several attempts (`retryStrategy`), each a container of its own. Airflow admits the first that
reaches its API server; a later one gets a 409, which hides why the first died. So the result of a job is that of the
first attempt whose Airflow container exited 0, else of the first that started, else of the last.

On Amazon EKS an attempt is a pod. It is read as an attempt of a job of several containers, whatever their number.

Shapes and meanings: AWS Batch API Reference, JobDetail and what it refers to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aws_exec.diagnosis.reasons import is_time_limit, never_ran
from aws_exec.lifecycle.identity import Identity, from_environment, origin_of
from aws_exec.lifecycle.job_name import token_in
from aws_exec.lifecycle.values import Job, Observation, Origin, Status, Termination, Token, launch_of

SERVICE = "batch"

#: A Batch job, or a container of it, as botocore hands it over.
Detail = Mapping[str, Any]

#: The statuses of a job that is not over, in the order in which it goes through them.
ACTIVE = ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING")
#: The others. What failed is looked for first: there is more to say about it.
FINISHED = ("FAILED", "SUCCEEDED")

#: Statuses in which `statusReason` says why a job does not start (user guide, "Jobs stuck in RUNNABLE status").
_WAITING = frozenset({"PENDING", "RUNNABLE"})

_NEVER_STARTED = "Task failed to start"


@dataclass(frozen=True, slots=True)
class _Run:
    """One attempt, as far as its Airflow container goes.

    Attributes:
        started: whether user code may have run.
        failed: whether it surely has not: the container could not be started, whatever runs beside it.
        exit_code: of the Airflow container; None if it has none.
        reason: why the attempt ended, as Batch says it.
        container_reason: why the container did.
        sidecars: other containers that did not end well.
    """

    started: bool
    failed: bool
    exit_code: int | None
    reason: str
    container_reason: str
    sidecars: tuple[str, ...]


def observation(
    detail: Detail,
    job: Job,
    *,
    container_name: str,
    name_prefix: str,
    token: Token | None = None,
) -> Observation:
    """One job as it was described.

    Args:
        detail: of the answer.
        job: what the core calls it.
        container_name: the Airflow container's in a multi-container definition; empty if it is to be guessed.
        name_prefix: of the names that we give.
        token: where it is known already; None: read from the job (None if somebody else submitted it).
    """
    name = _airflow_name(detail, container_name)
    runs = _runs(detail, name)
    said = str(detail.get("status") or "")
    # What an earlier attempt failed of says nothing of the one that runs now.
    failed = runs[-1].failed and not (said == "RUNNING" and attempts_of(detail))
    started = (said in ("RUNNING", "SUCCEEDED") and not failed) or any(run.started for run in runs)
    waiting = str(detail.get("statusReason") or "") if said in _WAITING else ""
    if failed and said == "RUNNING" and name is not None:  # the other containers run on without it
        waiting = runs[-1].container_reason
    return Observation(
        job,
        Status.STOPPED if said in FINISHED else Status.RUNNING if started else Status.STARTING,
        started=started,
        token=token or token_of_job(detail, name_prefix),
        origin=_origin(detail) if token is None else None,
        stop=_stop(detail, name, runs),
        waiting=waiting if said not in FINISHED and not started else "",
        single_container=bool(detail.get("container")) and not containers_of(detail),
    )


def _origin(detail: Detail) -> Origin | None:
    """What a job says of itself; `createdAt` is in milliseconds since the epoch."""
    created = detail.get("createdAt")
    return origin_of(identity_in(detail), created / 1000 if created else None)


def identity_in(detail: Detail) -> Identity | None:
    """Who the job belongs to, from its containers' environment; None if awsexec did not submit it."""
    for container in (detail.get("container") or {}, *containers_of(detail)):
        identity = _identity_of(container)
        if identity is not None:
            return identity
    return None


def token_of_job(detail: Detail, name_prefix: str) -> Token | None:
    """The launch token that a job carries, in its environment or in its name."""
    identity = identity_in(detail)
    return identity.token if identity is not None else token_in(str(detail.get("jobName") or ""), name_prefix)


def _identity_of(container: Detail) -> Identity | None:
    pairs = container.get("environment")
    return from_environment({pair["name"]: pair.get("value", "") for pair in pairs}) if pairs else None


def containers_of(detail: Detail) -> list[Detail]:
    """The containers of a multi-container definition, which has one task (API Reference), or of a pod.

    Empty for a definition of one nameless container.
    """
    properties: Detail = detail.get("ecsProperties") or {}
    tasks: Sequence[Detail] = properties.get("taskProperties") or ()
    pod: Detail = (detail.get("eksProperties") or {}).get("podProperties") or {}
    return [
        *(container for task in tasks for container in task.get("containers") or ()),
        *({**container, "environment": container.get("env") or ()} for container in pod.get("containers") or ()),
    ]


def attempts_of(detail: Detail) -> list[Detail]:
    """The attempts that have ended, oldest first; those on Amazon EKS (EksAttemptDetail) in the shape of the others."""
    pods: Sequence[Detail] = detail.get("eksAttempts") or ()
    return [
        *(detail.get("attempts") or ()),
        *({**pod, "taskProperties": [{"containers": _of_pod(pod)}]} for pod in pods),
    ]


def _of_pod(pod: Detail) -> list[Detail]:
    """Its containers. Kubernetes gives a reason for a good end too (`Completed`), which ECS does not: left out."""
    containers = (*(pod.get("initContainers") or ()), *(pod.get("containers") or ()))
    return [{name: each[name] for name in each if each[name] != "Completed"} for each in containers]


def _airflow_name(detail: Detail, configured: str) -> str | None:
    """The Airflow container's name: what carries our token, else what is configured, else the first essential one.

    None for a definition with one nameless container.
    """
    containers = containers_of(detail)
    if not containers:
        return None
    ours = (container for container in containers if _identity_of(container) is not None)
    named = (container for container in containers if configured and container.get("name") == configured)
    essential = (container for container in containers if container.get("essential", True))
    chosen = next(ours, None) or next(named, None) or next(essential, None) or containers[0]
    return str(chosen.get("name") or "")


def _runs(detail: Detail, name: str | None) -> list[_Run]:
    """What is known of each attempt; of the one under way, if none has ended."""
    runs = [_run(attempt, attempt.get("taskProperties") or (), name) for attempt in attempts_of(detail)]
    if not any(run.started for run in runs) and (not runs or detail.get("startedAt")):
        runs.append(_run(detail, [{"containers": containers_of(detail)}], name))
    return runs


def _run(detail: Detail, tasks: Iterable[Detail], name: str | None) -> _Run:
    """Read an attempt, or a job, which has the same members."""
    containers = [container for task in tasks for container in task.get("containers") or ()]
    airflow: Detail = detail.get("container") or {}
    if name is not None:
        airflow = next((container for container in containers if container.get("name") == name), {})
    reason = str(detail.get("statusReason") or "")
    container_reason = str(airflow.get("reason") or "")
    exit_code = airflow.get("exitCode")
    # A container that could not be started may have an exit code all the same (the runtime's): it ran nothing.
    ran = exit_code is not None and not (reason.startswith(_NEVER_STARTED) and container_reason)
    # The model calls `startedAt` required, also of a job that has not started: 0 is no time.
    failed = never_ran(exit_code, container_reason)
    started = (bool(detail.get("startedAt")) or ran) and not failed
    return _Run(
        started=started,
        failed=failed,
        exit_code=exit_code if started else None,
        reason=reason,
        container_reason=container_reason,
        sidecars=_sidecars(containers, airflow),
    )


def _sidecars(containers: Iterable[Detail], airflow: Detail) -> tuple[str, ...]:
    outcomes = (
        (other.get("name"), other.get("reason") or other.get("exitCode")) for other in containers if other != airflow
    )
    return tuple(f"{name}: {outcome}" for name, outcome in outcomes if outcome)


def _stop(detail: Detail, name: str | None, runs: Sequence[_Run]) -> Termination | None:
    """How the Airflow container ended; None while it has not, or while Batch may yet try again."""
    status, said = detail.get("status"), str(detail.get("statusReason") or "")
    succeeded = next((run for run in runs if run.exit_code == 0), None)
    decisive = succeeded or next((run for run in runs if run.started), runs[-1])
    if status not in FINISHED and succeeded is None and not _has_ended(detail, decisive):
        return None
    exit_code = decisive.exit_code
    if status == "SUCCEEDED" and exit_code is None and _is_judged_by_batch(detail, name):
        exit_code = 0
    last = decisive is runs[-1]
    return Termination(
        service=SERVICE,
        exit_code=exit_code,
        started=decisive.started or (status == "SUCCEEDED" and not decisive.failed),
        reason=(said or decisive.reason) if last else (decisive.reason or said),
        container_reason=decisive.container_reason,
        # A terminated job stays RUNNING for a while after its container has exited; one that exits 0 has SUCCEEDED.
        user_initiated=(status == "FAILED" or exit_code not in (0, None)) and _is_on_purpose(detail, said),
        sidecars=decisive.sidecars,
    )


def _has_ended(detail: Detail, run: _Run) -> bool:
    """Whether a job that is not over will have no further attempt, though its Airflow container has ended."""
    attempts = (detail.get("retryStrategy") or {}).get("attempts") or 1
    over = run.exit_code is not None or (run.failed and not attempts_of(detail))
    return detail.get("status") == "RUNNING" and over and attempts <= 1


def _is_judged_by_batch(detail: Detail, name: str | None) -> bool:
    """Whether SUCCEEDED means that the Airflow container exited 0, should its exit code not be shown.

    It does for the only container of a job, and for an essential one of several; what became of one that is not
    essential Batch does not say.
    """
    container = next((each for each in containers_of(detail) if each.get("name") == name), {})
    return name is None or bool(container.get("essential", True))


def _is_on_purpose(detail: Detail, reason: str) -> bool:
    """Somebody called CancelJob or TerminateJob."""
    return bool(detail.get("isCancelled") or detail.get("isTerminated")) and not is_time_limit(reason)


def renamed(seen: Observation, token: str) -> Observation:
    """A job found by the id in this token, under a token of that launch."""
    if launch_of(seen.token or "") == launch_of(token):
        return seen
    return replace(seen, token=token)
