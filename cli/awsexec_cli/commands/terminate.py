"""`awsexec terminate`: stop jobs that are named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from awsexec_cli.arguments import (
    ClusterOption,
    DeploymentOption,
    DryRunOption,
    ForeignOption,
    JobsArgument,
    QueueOption,
    ReasonOption,
    YesOption,
)
from awsexec_cli.exit_codes import Exit
from awsexec_cli.options import Options, over_the_fleet
from awsexec_cli.output import printer
from awsexec_cli.termination import How, nothing_stopped, report, stop

if TYPE_CHECKING:
    from aws_exec.fleet import FleetJob

COMMAND = "awsexec terminate"

app = typer.Typer(add_completion=False)


@app.command()
@over_the_fleet("terminate")
def terminate(
    options: Options,
    jobs: JobsArgument,
    *,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    reason: ReasonOption = None,
    include_foreign: ForeignOption = False,
    deployment: DeploymentOption = None,
    cluster: ClusterOption = None,
    queue: QueueOption = None,
) -> None:
    """Stop jobs: shows what will be stopped, asks, stops it, says what is left.

    Airflow fails the task instance of a job that was stopped on purpose, with
    who did it and why. Only jobs of this deployment are stopped, unless
    --include-foreign. Exits with 3 if some could not be stopped.

    Examples:
      awsexec terminate 0d6a9c1e --reason "wrong parameters"
      awsexec terminate 'etl/load[3]@manual__1' --dry-run
      awsexec terminate 0d6a9c1e 6f70b2aa --yes
    """
    from aws_exec.fleet import check_ours  # noqa: PLC0415 - the CLI starts fast

    how = How(dry_run, yes, reason or "", include_foreign)
    with options.open(cluster, queue) as fleet:
        with nothing_stopped(COMMAND):
            found = fleet.locate(jobs, ended=True, beside=_tell_others)
        over = [job for job in found if not job.is_active]
        for job in over:
            printer.err.print(f"{job.id} is over already: {job.state}", highlight=False)
        left = [job for job in found if job.is_active]
        if not left:
            report(options, (), over)
            raise typer.Exit(Exit.OK)
        if not include_foreign:
            ours = {job.service: deployment or fleet.deployment_of(job.service) for job in left}
            check_ours(left, ours)
        raise typer.Exit(stop(COMMAND, options, fleet, left, how, over=over))


def _tell_others(job: FleetJob, others: Sequence[FleetJob]) -> None:
    """Say what else runs of a task instance: tries, or what is left of a deferral; the newest is meant."""
    ids = ", ".join(other.id for other in others)
    said = f"{job.address} runs in {len(others) + 1} containers: the newest is meant, {job.id}, and not {ids}"
    printer.err.print(f"{said}: name what else to stop by its id", highlight=False, markup=False, soft_wrap=True)
