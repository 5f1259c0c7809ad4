"""`awsexec describe`: show everything that is known about a job."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from aws_exec.durations import format_duration
from awsexec_cli.jobs import report_newest, size
from awsexec_cli.options import ClusterOption, FleetCommand, JobsArgument, Options, QueueOption
from awsexec_cli.output import Format, Line, labelled, printer, write, write_document, write_lines

if TYPE_CHECKING:
    from aws_exec.fleet import Fleet, FleetJob, LogLocation

app = typer.Typer(add_completion=False)

#: The width of the labels.
_LABELS = 13


@app.command(cls=FleetCommand)
def describe(
    context: typer.Context, jobs: JobsArgument, cluster: ClusterOption = None, queue: QueueOption = None
) -> None:
    """Show everything known about a job: owner, state, timeline, log.

    `-o json` and `-o yaml` add the service's own description (`aws`), without
    secrets.

    Examples:
      awsexec describe 0d6a9c1e
      awsexec describe 'etl/load[3]@scheduled__2026-11-22T00:00:00+00:00'
      awsexec describe 0d6a9c1e -o yaml
    """
    options: Options = context.obj
    with options.open(cluster, queue) as fleet:
        found = fleet.locate(jobs, ended=True, newest=report_newest)
        if options.format is Format.NAME:
            write("".join(f"{job.job.arn}\n" for job in found))
        elif options.format in (Format.JSON, Format.YAML):
            documents = [_document(fleet, *_with_task_state(fleet, job)) for job in found]
            write_document(documents[0] if len(documents) == 1 else documents, options.format)
        else:
            for number, job in enumerate(found):
                write("\n" if number else "")
                write_lines(_lines(fleet, *_with_task_state(fleet, job)))


def _with_task_state(fleet: Fleet, job: FleetJob) -> tuple[FleetJob, str]:
    from aws_exec.fleet import with_task_state  # noqa: PLC0415 - the CLI starts fast

    return with_task_state(fleet.services[job.service], fleet.client, job)


def _document(fleet: Fleet, job: FleetJob, unknown: str) -> dict[str, Any]:
    from aws_exec.fleet import plain  # noqa: PLC0415 - the CLI starts fast
    from aws_exec.fleet.model import iso  # noqa: PLC0415 - likewise

    if unknown:
        printer.warn(f"cannot tell how the task of {job.id} ended ({unknown})")
    location = _log_location(fleet, job)
    log = None
    if location is not None:
        log = {
            "driver": location.driver,
            "group": location.group,
            "stream": location.stream,
            "region": location.region,
        }
    timeline = [{"at": iso(moment.at), "what": moment.what} for moment in job.timeline]
    described = _plain_times(fleet.services[job.service].document(job))
    return {**plain(job, time.time(), fleet.cost(job)), "timeline": timeline, "log": log, "aws": described}


def _plain_times(document: Any) -> Any:
    """Return a document with its times as text: JSON has none."""
    if isinstance(document, dict):
        return {key: _plain_times(value) for key, value in document.items()}
    if isinstance(document, list):
        return [_plain_times(value) for value in document]
    return document.isoformat(timespec="seconds") if hasattr(document, "isoformat") else document


def _lines(fleet: Fleet, job: FleetJob, unknown: str) -> Iterator[Line]:
    who, stop, task = job.identity, job.stop, job.task_state
    location, cost = _log_location(fleet, job), fleet.cost(job)
    facts = {
        "Job": job.address,
        "ARN": job.job.arn,
        "State": f"{job.state} ({job.status}), {_since(job, time.time())}",
        "Task state": f"{task.state} (from the {task.source})" if task.state else unknown and f"unknown: {unknown}",
        "Try": who.try_number,
        "Deployment": who.deployment or "- (the Amazon provider's executor, or unknown)",
        "Launch": who.token,
        "Cluster" if job.service == "ecs" else "Job queue": job.job.location,
        "Definition": job.definition,
        "Container": job.container,
        "Size": size(job.size),
        "Cost so far": "" if cost is None else f"{cost:.4f} USD ({fleet.prices})",
        "Exit code": ""
        if job.exit_code is None
        else f"{job.exit_code} {task.outcome and f'({task.outcome})'}".rstrip(),
        "Stop code": stop.code if stop else "",
        "Reason": stop.reason if stop else job.waiting,
        "Its reason": stop.container_reason if stop else "",
        "Sidecars": ", ".join(stop.sidecars) if stop else "",
        "Log": _log(location) if location else "",
    }
    for label, text in facts.items():
        if text:
            yield from labelled(label, text, _LABELS)
    yield [("Timeline:", "bold")]
    yield from _timeline(job)


def _since(job: FleetJob, now: float) -> str:
    age = format_duration(job.age(now))
    if job.stopped is None:
        return f"{age} since it was queued"
    return f"{age} after it was queued, {format_duration(max(0.0, now - job.stopped))} ago"


def _log(location: LogLocation) -> str:
    if location.driver != "awslogs":
        return f"{location.driver} (not in CloudWatch Logs)"
    return f"{location.group} {location.stream or '(not begun)'}"


def _timeline(job: FleetJob) -> Iterator[Line]:
    from aws_exec.fleet.model import iso  # noqa: PLC0415 - likewise

    before: float | None = None
    for moment in job.timeline:
        after = "" if before is None else f"+{format_duration(moment.at - before)}"
        yield [(f"  {iso(moment.at)}  {after:>8}  {moment.what}", "")]
        before = moment.at
    if job.is_active and before is not None:
        yield [(f"  {'now':<25}  {'+' + format_duration(time.time() - before):>8}  {job.state}", "dim")]


def _log_location(fleet: Fleet, job: FleetJob) -> LogLocation | None:
    """Return where the job logs; None if AWS does not say, for example for want of a permission."""
    from aws_exec.fleet import CloudError  # noqa: PLC0415 - the CLI starts fast

    try:
        return fleet.services[job.service].log_location(job)
    except CloudError:
        return None
