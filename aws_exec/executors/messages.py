"""Texts for users: the `info` of an executor event, and the entries of a task's event log."""

from __future__ import annotations

from airflow.sdk.exceptions import AirflowException

from aws_exec.diagnosis import diagnose_call_failure, format_diagnosis, format_termination
from aws_exec.lifecycle import effects
from aws_exec.lifecycle.values import CallFailure
from aws_exec.redaction import redact

#: Orphans that are named, of each listing's.
_ORPHANS = 20

#: SIGTERM and SIGKILL, as exit codes: how ECS ends the containers that outlive an essential one.
STOPPED_BY_SIGNAL = (": 143", ": 137")


def refusal(text: str) -> AirflowException:
    """Return what `start` and `check_health` raise."""
    return AirflowException(text)


#: The `operation` of a failure that was found in a task's executor_config before anything was sent.
INVALID_CONFIG = "executor_config"

#: Why no client can be built: codes of `aws_exec.clouds.session`, whose messages name the option to set.
_NO_CLIENT = frozenset({"NoRegionError", "ConnectionRefused"})


def call_failure(failure: CallFailure) -> str:
    """Return a failed call in one line; what was found before the call is not attributed to AWS."""
    if failure.operation == INVALID_CONFIG:
        return f"The task cannot be launched as it is configured: {redact(failure.message)}"
    if failure.operation == "CreateClient" and failure.code in _NO_CLIENT:
        return f"No AWS client can be built, so nothing was asked of AWS: {redact(failure.message)}"
    return f"{failure.operation}: " + format_diagnosis(diagnose_call_failure(failure), separator=" | ")


def report(effect: effects.Report) -> str:
    """Return why a workload is over."""
    arn = effect.job.arn if effect.job is not None else ""
    if effect.success:
        sidecars = redact(", ".join(effect.stop.sidecars)) if effect.stop is not None else ""
        return f"Succeeded in {arn}" + (f"; other containers: {sidecars}" if sidecars else "")
    parts = [effect.text] if effect.text else []
    if effect.stop is not None:
        parts.append(format_termination(effect.stop, arn=arn))
    if effect.failure is not None:
        parts.append(call_failure(effect.failure))
    if effect.stop is None and arn:
        parts.append(f"Job: {arn}")
    return "\n".join(parts)


def failed_sidecars(effect: effects.Report) -> list[str]:
    """Return other containers that failed by themselves; those that outlive the Airflow container are stopped."""
    sidecars = effect.stop.sidecars if effect.stop is not None else ()
    return [each for each in sidecars if not each.endswith(STOPPED_BY_SIGNAL)]


def note(effect: effects.Note) -> str:
    """Return why a workload waits, or what happened to one of its containers."""
    parts = [effect.text]
    if effect.stop is not None:
        parts.append(format_termination(effect.stop, arn=effect.job.arn if effect.job is not None else ""))
    elif effect.job is not None:
        parts.append(f"Job: {effect.job.arn}")
    if effect.failure is not None:
        parts.append(call_failure(effect.failure))
    return "\n".join(parts)


def orphans(effect: effects.Orphans) -> str:
    """Return the containers without an owner, for the scheduler's log."""
    count = len(effect.found)
    what = "being stopped" if effect.stopped else "left running; reap_orphans = True would stop them"
    lines = [f"{count} containers of this deployment have no owner in Airflow, and are {what}:"]
    for orphan in effect.found[:_ORPHANS]:
        who = orphan.member.identity
        name = f"callback {who.callback_id}" if who.callback_id else f"{who.dag_id}.{who.task_id} of {who.run_id}"
        attempt = f"[{who.map_index}], try {who.try_number}" if who.try_number else ""
        lines.append(f"{orphan.member.seen.job.arn}: {name}{attempt}, for {orphan.unowned_for / 60:.0f} minutes")
    if count > _ORPHANS:
        lines.append(f"and {count - _ORPHANS} more")
    return redact("\n".join(lines))
