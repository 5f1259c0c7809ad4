"""A look at the fleet: what fits a command's filters, page by page, and what could not be looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from awsexec_cli.exit_codes import Exit
from awsexec_cli.options import exit_of, told
from awsexec_cli.output import printer
from awsexec_cli.shown import now

if TYPE_CHECKING:
    from aws_exec.fleet import Filter, Fleet, FleetJob, FleetQuery, Problem
    from aws_exec.lifecycle.values import CallFailure


def looked_at(fleet: Fleet, chosen: Filter, wanted: FleetQuery) -> Iterator[list[FleetJob] | Problem]:
    """Pages of jobs that fit, none empty, and what could not be looked at."""
    from aws_exec.fleet import Problem, list_fleet  # noqa: PLC0415 - the CLI starts fast

    for page in list_fleet(fleet.services.values(), wanted):
        if isinstance(page, Problem):
            yield page
        elif fitting := [job for job in page if chosen.fits(job, now())]:
            yield fitting


def asking_again(command: str) -> Callable[[CallFailure], None]:
    """Says that AWS is not there, and that it is asked again until it is."""
    return lambda fault: printer.fail(command, f"{told(fault)}; asking again")


def tell_problems(command: str, problems: list[Problem], *, shown: bool) -> Exit:
    """Say what could not be looked at; the exit code for it."""
    for problem in problems:
        where = f"{problem.service} {problem.location}".rstrip()
        printer.fail(command, f"{where}: {told(problem.fault)}")
    codes = {exit_of(problem.fault) for problem in problems}
    if not codes:
        return Exit.OK
    return Exit.PARTIAL if shown or len(codes) > 1 else codes.pop()
