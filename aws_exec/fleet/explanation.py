"""Why a job failed or does not start, and what to do: the diagnosis, the job's context and its log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_exec.clouds.errors import CloudError
from aws_exec.diagnosis import Diagnosis, diagnose
from aws_exec.diagnosis.reasons import stop_request
from aws_exec.durations import format_duration
from aws_exec.fleet import logs
from aws_exec.fleet.errors import FleetError
from aws_exec.fleet.model import FleetJob, State
from aws_exec.fleet.runner import killed_by, refused_state
from aws_exec.fleet.service import Clients, ContextLine, Service
from aws_exec.lifecycle.values import Termination

#: Lines of the log in the explanation of a failure.
LAST_LINES = 20


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of one job.

    Attributes:
        headline: its state in one sentence.
        diagnosis: what happened, and the remedy; None if none is needed.
        context: what may keep it from starting.
        lines: the end of its log; empty if it does not help or cannot be read.
        unread: why the log cannot be read; empty if it can.
        healthy: whether nobody has to act.
    """

    headline: str
    diagnosis: Diagnosis | None = None
    context: Sequence[ContextLine] = ()
    lines: Sequence[str] = ()
    unread: str = ""
    healthy: bool = True


def explain(service: Service, clients: Clients, job: FleetJob, now: float) -> Explanation:
    """Explain one job.

    Raises:
        CloudError: an essential call failed.
    """
    if job.state is State.SUCCEEDED:
        lines, unread = _last_lines(service, clients, job)
        if signal := killed_by(lines):
            return Explanation(_killed(signal), None, (), lines, healthy=False)
        text = f"It ended well: {_container(job)} exited with 0 after {_ran(job, now)}."
        # Only the log says whether the process of the task was killed.
        return Explanation(
            f"{text} If the task failed, it failed inside Airflow: read Airflow's task log.", unread=unread
        )
    # Its sidecars and its network can outlive the Airflow container by minutes.
    if job.stop is not None and (job.state is State.FAILED or job.stop.exit_code):
        lines, unread = _last_lines(service, clients, job) if job.stop.started else ((), "")
        if job.stop.exit_code == 1 and (state := refused_state(lines)):
            return Explanation(
                f"Airflow no longer wanted it: its task instance was {state} when it started.", None, (), lines
            )
        return Explanation(_ended(job, job.stop, now), diagnose(job.stop), (), lines, unread, healthy=False)
    return _unfinished(service, job, now)


def _unfinished(service: Service, job: FleetJob, now: float) -> Explanation:
    if job.state in (State.WAITING, State.STARTING):
        return _not_started(service, job, now)
    if job.state is State.STOPPING:
        return Explanation(_stopping(service, job, now))
    headline = f"It is {job.state} ({job.status}), for {_ran(job, now)}: nothing is wrong that AWS knows of."
    return Explanation(headline)


def _ended(job: FleetJob, stop: Termination, now: float) -> str:
    if request := stop_request(stop.reason):
        return f"Stopped by {request}. {f'It ran for {_ran(job, now)}.' if stop.started else 'It never started.'}"
    return f"It failed after {_ran(job, now)}." if stop.started else "It never started."


def _stopping(service: Service, job: FleetJob, now: float) -> str:
    since = job.stopping_since
    text = "Stopping" if since is None else f"Stopping for {format_duration(max(0.0, now - since))}"
    if request := stop_request(job.stopping):
        text += f" (requested by {request})"
    elif job.stopping:
        text += f' ("{job.stopping}")'
    if job.stop is not None:
        return f"{text}; its container has exited."
    try:
        return f"{text}; the container has up to {format_duration(service.stop_timeout(job))}."
    except CloudError as error:
        return f"{text}; how long its container has cannot be read ({error.failure})."


def _not_started(service: Service, job: FleetJob, now: float) -> Explanation:
    context = service.context(job)
    headline = f"It has not started: {job.status} for {format_duration(job.age(now))}."
    if job.waiting:
        found = diagnose(Termination(job.service, reason=job.waiting))
        return Explanation(headline, found, context, healthy=False)
    bad = any(line.bad for line in context)
    advice = "" if bad else " AWS gives no reason; a container takes a minute to start, an instance several."
    return Explanation(headline + advice, None, context, healthy=not bad)


def _last_lines(service: Service, clients: Clients, job: FleetJob) -> tuple[Sequence[str], str]:
    try:
        location = logs.location_of(service, job)
        return [line.text for line in logs.read(clients, location, tail=LAST_LINES)], ""
    except FleetError as error:
        return (), str(error)
    except CloudError as error:
        return (), str(error.failure)


def _killed(signal: str) -> str:
    likely = ", most likely because it was out of memory" if signal == "SIGKILL" else ""
    return (
        f"The process of the task was killed ({signal}){likely}. The container exited with 0 all the same; if the task "
        "had retries left, its result was never reported. Compare its memory use with its limit."
    )


def _container(job: FleetJob) -> str:
    return f"container {job.container}" if job.container else "its container"


def _ran(job: FleetJob, now: float) -> str:
    return format_duration(max(0.0, (job.stopped or now) - (job.started or job.created or now)))
