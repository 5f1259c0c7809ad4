"""`awsexec explain`: why a job failed, or does not start, and what to do."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import typer

from awsexec_cli.arguments import ClusterOption, JobArgument, QueueOption
from awsexec_cli.documents import show_document, write
from awsexec_cli.exit_codes import Exit
from awsexec_cli.options import Format, Options, over_the_fleet
from awsexec_cli.shown import labelled, now, show_lines

if TYPE_CHECKING:
    from aws_exec.fleet import Explanation, FleetJob

app = typer.Typer(add_completion=False)

#: Columns of the labels.
_LABELS = 11


@app.command()
@over_the_fleet("explain")
def explain(options: Options, job: JobArgument, cluster: ClusterOption = None, queue: QueueOption = None) -> None:
    """Explain why a job failed, or does not start, and what to do about it.

    Exits with 1 if there is something to be done.

    Examples:
      awsexec explain 0d6a9c1e
      awsexec explain etl/load@manual__1 -o json
    """
    from aws_exec.fleet import explain as explained  # noqa: PLC0415 - the CLI starts fast

    with options.open(cluster, queue) as fleet:
        [found] = fleet.locate([job], ended=True)
        said = explained(fleet.services[found.service], fleet.client, found, now())
    if options.format is Format.NAME:
        write(f"{said.diagnosis.rule if said.diagnosis else 'nothing-wrong'}\n")
    elif options.format in (Format.JSON, Format.YAML):
        show_document(_document(found, said), options.format)
    else:
        show_lines(_lines(found, said))
    raise typer.Exit(Exit.OK if said.healthy else Exit.FAILED)


def _document(job: FleetJob, said: Explanation) -> dict[str, Any]:
    found = None
    if said.diagnosis is not None:
        found = {**dataclasses.asdict(said.diagnosis), "blame": said.diagnosis.blame.value}
    return {
        "arn": job.job.arn,
        "address": job.address,
        "state": str(job.state),
        "headline": said.headline,
        "healthy": said.healthy,
        "exit_code": job.exit_code,
        "diagnosis": found,
        "facts": [dataclasses.asdict(fact) for fact in said.context],
        "log": list(said.lines),
    }


def _lines(job: FleetJob, said: Explanation) -> Iterator[list[tuple[str, str]]]:
    yield [(job.address, "bold")]
    yield [(job.id, "dim")]
    yield [(said.headline, "green" if said.healthy else "bold red")]
    found = said.diagnosis
    if found is not None:
        blame = "" if found.blame.value == "unknown" else f" ({found.blame.value})"
        exited = "" if job.exit_code is None else str(job.exit_code)
        facts = {"What": found.cause + blame, "Exit code": exited, "AWS said": " / ".join(found.said.splitlines())}
        sidecars = ", ".join(job.stop.sidecars) if job.stop else ""
        for label, text in {**facts, "Others": sidecars, "To do": found.remedy, "See": found.page}.items():
            if text:
                yield from labelled(label, text, _LABELS)
    for fact in said.context:
        yield [(f"  {'!' if fact.bad else '-'} {fact.about}: {fact.said}", "red" if fact.bad else "")]
    if said.lines:
        yield [("The end of its log:", "bold")]
        yield from ([(f"  {line.expandtabs()}", "dim")] for line in said.lines)
    elif said.unread:
        yield [(f"Its log cannot be read: {said.unread}", "dim")]
