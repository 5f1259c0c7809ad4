"""Why a job failed or does not start, and what to do: the diagnosis, the job's context and its log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten

from aws_exec.clouds.errors import CloudError
from aws_exec.container.outcome import Outcome
from aws_exec.diagnosis import Diagnosis, diagnose, pages
from aws_exec.diagnosis.reasons import stop_request
from aws_exec.durations import format_duration
from aws_exec.fleet.log_excerpt import excerpt
from aws_exec.fleet.log_records import LoggedException
from aws_exec.fleet.model import FleetJob, State
from aws_exec.fleet.service import Clients, ContextLine, Service
from aws_exec.fleet.task_log import last_lines
from aws_exec.fleet.task_state import UNKNOWN, TaskState, last_error, of_log, refused_state, usage_of
from aws_exec.lifecycle.values import Termination
from aws_exec.settings.file.units import size

_MIB = 2**20
#: Characters of an exception in the headline: a message may be a whole SQL statement.
LONGEST_ERROR = 300
#: How a task ended that did not fail, by its state.
_DONE = {
    "success": "Task succeeded",
    "skipped": "Task was skipped",
    "deferred": "Task was deferred",
    "up_for_reschedule": "Task was rescheduled",
    "awaiting_input": "Task waits for input",
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of one job.

    Attributes:
        headline: its state in one sentence.
        diagnosis: what happened, and the remedy; None if none is needed.
        context: what may keep it from starting; of a container that was out of memory, how much it had.
        lines: of its log (`log_excerpt`): the error first; empty if they do not help or cannot be read.
        unread: why the log cannot be read; empty if it can.
        healthy: whether nobody has to act.
        task_state: how its task ended, by the exit code or the log.
    """

    headline: str
    diagnosis: Diagnosis | None = None
    context: Sequence[ContextLine] = ()
    lines: Sequence[str] = ()
    unread: str = ""
    healthy: bool = True
    task_state: TaskState = UNKNOWN


def explain(service: Service, clients: Clients, job: FleetJob, now: float) -> Explanation:
    """Explain one job.

    Raises:
        CloudError: an essential call failed.
    """
    # Its sidecars and its network can outlive the Airflow container by minutes.
    if job.stop is not None and (job.exit_code is not None or not job.is_active):
        return _ended(service, clients, job, job.stop, now)
    return _unfinished(service, job, now)


def _unfinished(service: Service, job: FleetJob, now: float) -> Explanation:
    if job.state in (State.WAITING, State.STARTING):
        return _not_started(service, job, now)
    if job.state is State.STOPPING:
        return Explanation(_stopping(service, job, now))
    headline = f"It is {job.state} ({job.status}), for {_ran(job, now)}: nothing is wrong that AWS knows of."
    return Explanation(headline)


def _ended(service: Service, clients: Clients, job: FleetJob, stop: Termination, now: float) -> Explanation:
    lines, unread = last_lines(service, clients, job)
    task, log = job.task_state.with_log(lines), excerpt(lines)
    if job.exit_code == 1 and (state := refused_state(lines)):
        headline = f"Airflow no longer wanted it: its task instance was {state} when it started."
        return Explanation(headline, None, (), log, task_state=task)
    if _exited_normally(job) and task.signal:
        return Explanation(_killed(task.signal), None, (), log, healthy=False, task_state=task)
    found = None if _exited_normally(job) else diagnose(stop)
    # The last error of a stopped task is how it was stopped: the headline names who did.
    task_ended = "" if task.has_failed and stop_request(stop.reason) else _task_ended(task, lines)
    headline = f"{task_ended}{_container_ended(job, stop, now)}"
    if task.has_failed is None and _exited_normally(job):
        unknown = "its log cannot be read" if unread else "its log does not show it"
        return Explanation(f"{headline} Whether the task succeeded is unknown: {unknown}.", unread=unread)
    if task.has_failed is False:
        return Explanation(headline, found, unread=unread, task_state=task)
    memory = _memory(job, lines) if found is not None and found.page == pages.MEMORY else ()
    return Explanation(headline, found, memory, log, unread, healthy=False, task_state=task)


def _memory(job: FleetJob, lines: Sequence[str]) -> tuple[ContextLine, ...]:
    """Return the memory that a container used and could use, by its usage record; without one, its job's size."""
    usage = usage_of(lines)
    peak, limit = usage.get("memory_peak_bytes"), usage.get("memory_limit_bytes")
    if isinstance(limit, int) and isinstance(peak, int):
        said = f"peak {size(round(peak / _MIB))} of {size(round(limit / _MIB))}"
    elif job.size.memory_mib:
        said = f"the job has {size(job.size.memory_mib)}"
    else:
        return ()
    return (ContextLine("memory", said, bad=True),)


def _task_ended(task: TaskState, lines: Sequence[str]) -> str:
    """Return the sentence about the task, with a space at its end; empty if its end is unknown."""
    if not task.has_failed:
        done = "Task succeeded, was skipped, was deferred or was rescheduled"
        return "" if task.has_failed is None else f"{_DONE.get(task.state, done)}. "
    error = last_error(lines)
    outcome = "" if task.outcome in ("", Outcome.FAILED.label) else f": {task.outcome.replace('-', ' ')}"
    what = f": {_in_one_line(error)}" if error else outcome
    retry = " Airflow retries it." if of_log(lines).state == "up_for_retry" else ""
    return f"Task failed{what}.{retry} "


def _in_one_line(error: LoggedException) -> str:
    """Return the type, the message and the line of the DAG file that raised an exception."""
    where = f" ({error.raised_in.location})" if error.raised_in else ""
    return f"{shorten(error.summary, LONGEST_ERROR, placeholder='…').rstrip('.')}{where}"


def _container_ended(job: FleetJob, stop: Termination, now: float) -> str:
    if request := stop_request(stop.reason):
        return f"Stopped by {request}. {f'It ran for {_ran(job, now)}.' if stop.started else 'It never started.'}"
    if not stop.started:
        return "It never started."
    failed = "failed" if stop.exit_code is None else f"exited with {stop.exit_code}"
    return f"The container {'exited normally' if _exited_normally(job) else failed} after {_ran(job, now)}."


def _exited_normally(job: FleetJob) -> bool:
    return job.exit_code == 0 or job.state is State.SUCCEEDED


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


def _killed(signal: str) -> str:
    likely = ", most likely because it was out of memory" if signal == "SIGKILL" else ""
    return (
        f"The process of the task was killed ({signal}){likely}. The container exited with 0 all the same; if the task "
        "had retries left, its result was never reported. Compare its memory use with its limit."
    )


def _ran(job: FleetJob, now: float) -> str:
    duration = job.duration(now)
    return format_duration(job.age(now) if duration is None else duration)
