"""`awsexec check-health`: check that the executors can work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aws_exec.durations import format_duration
from awsexec_cli.exit_codes import Exit
from awsexec_cli.options import FleetCommand, Options, YesOption, complete_templates, deprecated, seconds
from awsexec_cli.output import Format, Line, clean, printer, wrapped, write, write_document, write_lines
from awsexec_cli.probing import PROBE_SECONDS, Probes
from awsexec_cli.usage import Misuse

if TYPE_CHECKING:
    from aws_exec.aws_checks.calls import Outcome
    from aws_exec.fleet import Fleet
    from aws_exec.fleet.health import Branch

app = typer.Typer(add_completion=False)

_STYLES = {"PASS": "green", "WARN": "yellow", "FAIL": "bold red", "SKIP": "dim"}
_ROLES = "iam:PassRole: replace role/* with the two roles of the task definition; the configuration does not name them."

#: The time limit of the checks.
CHECK_SECONDS = 60.0
#: The width of a status.
_STATUS = 6


class Report(StrEnum):
    """The values of `--format`."""

    TEXT = "text"
    JSON = "json"


@app.command(cls=FleetCommand)
def check_health(
    context: typer.Context,
    *,
    report: Annotated[Report | None, typer.Option("--format", hidden=True)] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing; the exit code is the result (for probes)")
    ] = False,
    timeout: Annotated[
        str | None,
        typer.Option(metavar="DURATION", help="Time limit: 90s, 2m", show_default="60s; 10m for the probe"),
    ] = None,
    policy: Annotated[
        bool, typer.Option("--policy", help="Print the minimal IAM policy and exit; makes no AWS calls")
    ] = False,
    probe: Annotated[
        bool, typer.Option("--probe", help="Also launch a container for each executor, and show what it sees")
    ] = False,
    template: Annotated[
        str,
        typer.Option(help="Template of the probe's container", show_default=False, autocompletion=complete_templates),
    ] = "",
    yes: YesOption = False,
) -> None:
    """Check that the executors can work; report what is missing and how to fix it.

    For each configured executor, checks the credentials, identity, cluster or
    job queue, task or job definition, container, network, roles, logs,
    permissions, and quotas against parallelism. Changes nothing in AWS,
    unless --probe is given.

    With --probe, launches one container for each executor whose checks did
    not fail, as a task is launched, and reports what it sees from inside:
    versions, Execution API, token, clock, task role, remote log folder, DAG
    bundles, memory; how long its start took, and its cost. Shows what it
    launches, and asks first. Stops it in every case.

    Exits with 0 if no check failed (warnings are allowed), 1 if a check
    failed or AWS cannot be reached, 2 if no executor is configured or
    Airflow's option core.executor is wrong, 4 if the credentials fail, 5 if
    the template does not exist, 124 if the time limit passed. `-o name` lists
    the names of failed checks.

    Examples:
      awsexec check-health
      awsexec check-health --executor ecs -o json
      awsexec check-health --quiet --timeout 10s   as a container's health check
      awsexec check-health --policy > policy.json
      awsexec check-health --probe --template large
    """
    from aws_exec.fleet import health as library  # noqa: PLC0415 - the CLI starts fast

    options: Options = context.obj
    if report is not None:
        deprecated("--format", f"-o {report.replace('text', 'table')}")
    limit = None if timeout is None else seconds(timeout)
    probes = Probes(template, limit or PROBE_SECONDS, yes=yes, may_prompt=options.may_prompt) if probe else None
    if template and not probe:
        raise Misuse("--template has no effect without --probe", "add --probe")
    with options.open() as fleet:
        if policy:
            document = library.least_policy(fleet)
            write_document(document, options.format)
            if not (fleet.configured.clusters or fleet.configured.queues):
                printer.say("No executor is configured here: the policy is for every cluster and job queue.")
            _explain(document)
            return
        branches = _checked(fleet, template, CHECK_SECONDS if probes or limit is None else limit)
        if probes:
            branches = probes.run(fleet, branches)
    if not quiet:
        _write(options.format, report, branches)
    if library.no_credentials(branches):
        raise typer.Exit(Exit.CREDENTIALS)
    if probes and probes.timed_out:
        raise typer.Exit(Exit.TIMED_OUT)
    raise typer.Exit(Exit.FAILED if any(branch.failed for branch in branches) else Exit.OK)


def _explain(policy: dict[str, Any]) -> None:
    """Say what of the policy can be narrowed, and what the role of the tasks needs."""
    for statement in policy["Statement"]:
        if statement["Action"] == ["iam:PassRole"]:
            printer.say(_ROLES)
        if statement["Sid"] == "WorkloadStore":
            printer.say(f"The task role needs s3:GetObject and s3:DeleteObject on {', '.join(statement['Resource'])}.")


def _checked(fleet: Fleet, template: str, limit: float) -> list[Branch]:
    from aws_exec.fleet import health, within  # noqa: PLC0415 - the CLI starts fast

    late = f"AWS did not answer everything within {format_duration(limit)}"
    try:
        return list(within(limit, lambda: health.check_health(fleet, template), lambda: late))
    except LookupError as error:
        printer.fail(str(error.args[0]), hint=str(error.args[1]))
        raise typer.Exit(Exit.NOT_FOUND) from error


def _write(output: Format, report: Report | None, branches: list[Branch]) -> None:
    if report is Report.JSON or output in (Format.JSON, Format.YAML):
        document = [
            {"executor": branch.executor, "failed": branch.failed, "checks": [_plain(each) for each in branch.outcomes]}
            for branch in branches
        ]
        write_document(document, output)
        return
    if output is Format.NAME:
        write("".join(f"{each.subject}\n" for branch in branches for each in branch.outcomes if each.status == "FAIL"))
        return
    write_lines(line for branch in branches for line in _tree(branch))
    counts = Counter(str(each.status) for branch in branches for each in branch.outcomes)
    printer.say(f"{counts['FAIL']} failed, {counts['WARN']} warned, {counts['SKIP']} not checked")


def _plain(outcome: Outcome) -> dict[str, Any]:
    return {
        "status": str(outcome.status),
        "subject": clean(outcome.subject),
        "message": clean(outcome.message),
        "remedy": clean(outcome.hint) or None,
        "call": outcome.call or None,
    }


def _tree(branch: Branch) -> Iterator[Line]:
    yield [(branch.executor, "bold")]
    last = len(branch.outcomes) - 1
    for number, outcome in enumerate(branch.outcomes):
        stem, below = ("└─ ", "   ") if number == last else ("├─ ", "│  ")
        call = f"  [{outcome.call}]" if outcome.call else ""
        status, used = str(outcome.status), len(stem) + _STATUS
        first, *more = wrapped(clean(f"{outcome.subject}: {outcome.message}{call}"), used)
        yield [(stem, "dim"), (f"{status:<{_STATUS}}", _STYLES[status]), (first, "")]
        yield from ([(below, "dim"), (" " * _STATUS + line, "")] for line in more)
        for line in wrapped(clean(f"hint: {outcome.hint}"), used) if outcome.hint else ():
            yield [(below, "dim"), (" " * _STATUS + line, _STYLES[status])]
