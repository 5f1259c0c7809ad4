"""`awsexec terminate`: stop the jobs that are named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from awsexec_cli.exit_codes import Exit
from awsexec_cli.options import (
    ActiveJobsArgument,
    ClusterOption,
    DeploymentOption,
    DryRunOption,
    FleetCommand,
    ForeignOption,
    Options,
    QueueOption,
    ReasonOption,
    WaitOption,
    YesOption,
)
from awsexec_cli.output import printer
from awsexec_cli.termination import StopCommand, StopOptions, nothing_stopped

if TYPE_CHECKING:
    from aws_exec.fleet import FleetJob

app = typer.Typer(add_completion=False)


@app.command(cls=FleetCommand)
def terminate(
    context: typer.Context,
    jobs: ActiveJobsArgument,
    *,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    reason: ReasonOption = None,
    wait: WaitOption = None,
    include_foreign: ForeignOption = False,
    deployment: DeploymentOption = None,
    cluster: ClusterOption = None,
    queue: QueueOption = None,
) -> None:
    """Stop jobs after a preview and a confirmation.

    Airflow fails the task instance of a stopped job, with the user and the
    reason. Only jobs of this deployment are stopped, unless you pass
    --include-foreign. A container has 30s to exit, unless its definition has
    a stopTimeout: on a terminal, and with --wait, the command waits for it.
    Exits with 3 if some jobs could not be stopped.

    Examples:
      awsexec terminate 0d6a9c1e --reason "wrong parameters"
      awsexec terminate 'etl/load[3]@manual__1' --dry-run
      awsexec terminate 0d6a9c1e 6f70b2aa --yes
    """
    from aws_exec.fleet import check_ours  # noqa: PLC0415 - the CLI starts fast

    options: Options = context.obj
    with options.open(cluster, queue) as fleet:
        with nothing_stopped():
            found = fleet.locate(jobs, ended=True, beside=_report_others)
        ended = [job for job in found if not job.is_active]
        for job in ended:
            printer.say(f"{job.id} has already ended: {job.state}")
        how = StopOptions(dry_run, yes, reason or "", include_foreign, wait)
        stop = StopCommand(options.format, options.may_prompt, how, ended)
        active = [job for job in found if job.is_active]
        if not active:
            stop.report([])
            raise typer.Exit(Exit.OK)
        if not include_foreign:
            shell = fleet.deployments_in_words({job.service for job in active}, deployment)
            shell = f"{'--deployment' if deployment else 'this shell'} is {shell}"
            check_ours(active, fleet.deployments_of(active, deployment), shell)
        raise typer.Exit(stop.run(fleet, active))


def _report_others(job: FleetJob, others: Sequence[FleetJob]) -> None:
    """Report further containers of the same task instance: earlier tries, or remains of a deferral."""
    ids = ", ".join(other.id for other in others)
    message = f"{job.address} runs in {len(others) + 1} containers; the newest is {job.id}, the others are {ids}"
    printer.say(f"{message}: name others to stop by their IDs")
