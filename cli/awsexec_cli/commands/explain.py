"""`awsexec explain`: explain why a job failed or does not start, and what to do."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from awsexec_cli.exit_codes import Exit
from awsexec_cli.jobs import report_newest
from awsexec_cli.log_rendering import excerpt_lines
from awsexec_cli.options import ClusterOption, FleetCommand, JobArgument, Options, QueueOption
from awsexec_cli.output import (
    Format,
    Line,
    labelled,
    plain_text,
    terminal_width,
    write,
    write_document,
    write_lines,
)

if TYPE_CHECKING:
    from aws_exec.fleet import Explanation, Fleet, FleetJob

app = typer.Typer(add_completion=False)

#: The width of the labels.
_LABELS = 13


@app.command(cls=FleetCommand)
def explain(context: typer.Context, job: JobArgument, cluster: ClusterOption = None, queue: QueueOption = None) -> None:
    """Explain why a job failed or does not start, and what to do.

    Exits with 1 if something needs to be done.

    Examples:
      awsexec explain 0d6a9c1e
      awsexec explain etl/load@manual__1 -o json
    """
    options: Options = context.obj
    with options.open(cluster, queue) as fleet:
        found, explanation = explanation_of(fleet, job)
    if options.format is Format.NAME:
        write(f"{explanation.diagnosis.rule if explanation.diagnosis else 'nothing-wrong'}\n")
    elif options.format in (Format.JSON, Format.YAML):
        write_document(_document(found, explanation), options.format)
    else:
        write_lines(explanation_lines(found, explanation))
    raise typer.Exit(Exit.OK if explanation.healthy else Exit.FAILED)


def explanation_of(fleet: Fleet, job: str) -> tuple[FleetJob, Explanation]:
    """Find a job that runs or has ended, and explain it."""
    from aws_exec.fleet import explain as explained  # noqa: PLC0415 - the CLI starts fast

    [found] = fleet.locate([job], ended=True, newest=report_newest)
    return found, explained(fleet.services[found.service], fleet.client, found, time.time())


def _document(job: FleetJob, explanation: Explanation) -> dict[str, Any]:
    from aws_exec.fleet.model import plain_task_state  # noqa: PLC0415 - the CLI starts fast

    found = None
    if explanation.diagnosis is not None:
        found = {**dataclasses.asdict(explanation.diagnosis), "blame": explanation.diagnosis.blame.value}
    return {
        "arn": job.job.arn,
        "address": job.address,
        "state": str(job.state),
        "headline": explanation.headline,
        "healthy": explanation.healthy,
        "exit_code": job.exit_code,
        **plain_task_state(explanation.task_state),
        "diagnosis": found,
        "facts": [dataclasses.asdict(fact) for fact in explanation.context],
        "log": list(explanation.lines),
    }


def explanation_lines(job: FleetJob, explanation: Explanation) -> Iterator[Line]:
    """Yield the lines that explain a job to a person."""
    yield [(job.address, "bold")]
    yield [(job.id, "dim")]
    is_unknown = not job.is_active and explanation.task_state.has_failed is None
    yield [(explanation.headline, "bold red" if not explanation.healthy else "yellow" if is_unknown else "green")]
    found = explanation.diagnosis
    if found is not None:
        facts = {
            "Cause": found.cause,
            "Responsible": "" if found.blame.value == "unknown" else found.blame.value,
            "Exit code": "" if job.exit_code is None else str(job.exit_code),
            "AWS said": " / ".join(found.said.splitlines()),
            "Sidecars": ", ".join(job.stop.sidecars) if job.stop else "",
            "Hint": found.remedy,
            "See": found.page,
        }
        for label, text in facts.items():
            if text:
                yield from labelled(label, text, _LABELS)
    for fact in explanation.context:
        yield [(f"  {'!' if fact.bad else '-'} {fact.about}: {fact.said}", "red" if fact.bad else "")]
    if explanation.lines:
        yield [("From its log:", "bold")]
        width = terminal_width()
        for line in excerpt_lines(explanation.lines, None if width is None else width - 2):
            yield [("  ", ""), *((plain_text(text), style) for text, style in line)]
    elif explanation.unread:
        yield [(f"Its log cannot be read: {explanation.unread}", "dim")]
