"""`awsexec check-health`: whether the executors could work, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from awsexec_cli.documents import show_document, write
from awsexec_cli.durations import span
from awsexec_cli.exit_codes import Exit
from awsexec_cli.options import Format, Options, over_the_fleet
from awsexec_cli.output import clean, printer
from awsexec_cli.shown import show_lines, wrapped

if TYPE_CHECKING:
    from aws_exec.aws_checks.calls import Outcome
    from aws_exec.fleet.health import Branch

COMMAND = "awsexec check-health"

app = typer.Typer(add_completion=False)

_STYLES = {"PASS": "green", "WARN": "yellow", "FAIL": "bold red", "SKIP": "dim"}


_ROLES = "iam:PassRole: put the two roles of the task definition in place of role/*; nothing here names them."

#: Columns of a status.
_STATUS = 6


class Told(StrEnum):
    """What `--format` takes."""

    TEXT = "text"
    JSON = "json"


@app.command()
@over_the_fleet("check-health")
def check_health(
    options: Options,
    *,
    told_as: Annotated[Told, typer.Option("--format", help="How to tell.")] = Told.TEXT,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing: the exit code does (a probe).")] = False,
    timeout: Annotated[str, typer.Option(metavar="SPAN", help="At most: 90s, 2m.")] = "60s",
    policy: Annotated[
        bool, typer.Option("--policy", help="Print the least IAM policy that it takes instead; asks nobody.")
    ] = False,
) -> None:
    """Check whether the executors could work, and say what is missing, and the remedy.

    For each executor that is configured: credentials, identity, cluster or
    queue, task or job definition, container, network, roles, logs, rights,
    quotas against parallelism. Changes nothing at AWS.
    Exits with 0 if nothing failed (a warning is no failure), 1 if something
    did or AWS cannot be reached, 2 if nothing is configured, 4 for
    credentials, 124 for --timeout.
    `-o name` shows what failed by name.

    Examples:
      awsexec check-health
      awsexec check-health --executor ecs --format json
      awsexec check-health --quiet --timeout 10s    a container's probe
      awsexec check-health --policy > policy.json
    """
    from aws_exec.fleet import health as library  # noqa: PLC0415 - likewise
    from aws_exec.fleet import within  # noqa: PLC0415 - the CLI starts fast

    limit = span(timeout)
    with options.open() as fleet:
        if policy:
            how = Format.YAML if options.format is Format.YAML else Format.JSON
            document = library.least_policy(fleet)
            show_document(document, how)
            if any(each["Action"] == ["iam:PassRole"] for each in document["Statement"]):
                printer.err.print(_ROLES, highlight=False, soft_wrap=True)
            return
        late = f"AWS did not answer everything within {timeout}"
        branches = list(within(limit, lambda: library.check_health(fleet), lambda: late))
    if not quiet:
        _show(options, told_as, branches)
    if library.no_credentials(branches):
        raise typer.Exit(Exit.CREDENTIALS)
    raise typer.Exit(Exit.FAILED if any(branch.failed for branch in branches) else Exit.OK)


def _show(options: Options, told_as: Told, branches: list[Branch]) -> None:
    if told_as is Told.JSON or options.format in (Format.JSON, Format.YAML):
        document = [
            {"executor": branch.executor, "failed": branch.failed, "checks": [_plain(each) for each in branch.outcomes]}
            for branch in branches
        ]
        show_document(document, Format.YAML if options.format is Format.YAML else Format.JSON)
        return
    if options.format is Format.NAME:
        write("".join(f"{each.subject}\n" for branch in branches for each in branch.outcomes if each.status == "FAIL"))
        return
    show_lines(line for branch in branches for line in _tree(branch))
    failed = sum(each.status == "FAIL" for branch in branches for each in branch.outcomes)
    warned = sum(each.status == "WARN" for branch in branches for each in branch.outcomes)
    printer.err.print(f"{failed} failed, {warned} warned", highlight=False)


def _plain(outcome: Outcome) -> dict[str, Any]:
    return {
        "status": str(outcome.status),
        "subject": clean(outcome.subject),
        "message": clean(outcome.message),
        "remedy": clean(outcome.hint) or None,
        "call": outcome.call or None,
    }


def _tree(branch: Branch) -> Iterator[list[tuple[str, str]]]:
    yield [(branch.executor, "bold")]
    last = len(branch.outcomes) - 1
    for number, outcome in enumerate(branch.outcomes):
        stem, below = ("└─ ", "   ") if number == last else ("├─ ", "│  ")
        call = f"  [{outcome.call}]" if outcome.call else ""
        status, used = str(outcome.status), len(stem) + _STATUS
        first, *more = wrapped(clean(f"{outcome.subject}: {outcome.message}{call}"), used)
        yield [(stem, "dim"), (f"{status:<{_STATUS}}", _STYLES[status]), (first, "")]
        yield from ([(below, "dim"), (" " * _STATUS + line, "")] for line in more)
        for line in wrapped(clean(f"to do: {outcome.hint}"), used) if outcome.hint else ():
            yield [(below, "dim"), (" " * _STATUS + line, _STYLES[status])]
