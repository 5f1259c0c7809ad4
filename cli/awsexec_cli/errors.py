"""What went wrong at AWS or in the configuration, as one line and an exit code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from awsexec_cli.exit_codes import Exit
from awsexec_cli.output import printer

if TYPE_CHECKING:
    from aws_exec.fleet import Problem
    from aws_exec.lifecycle.values import CallFailure

#: What is wrong, and what to do, if AWS accepts no credentials.
NO_CREDENTIALS = "the AWS credentials are missing, expired or invalid: log in, or name a --profile"

#: Codes of a Region that only the user can correct; the message says all.
_REGION_CODES = ("NoRegionError", "UnknownRegion")
_MEANINGS = {
    "credentials": NO_CREDENTIALS,
    "denied": "these credentials may not do this: awsexec check-health --policy prints what is needed",
    "missing": "it does not exist there: check --cluster or --queue, --region and --profile",
    "throttled": "AWS throttles these calls: wait a moment and try again",
    "unreached": "AWS cannot be reached: check --region, --endpoint-url and the network",
    "no answer": "AWS did not answer: try again",
    "other": "AWS refused",
}
_EXITS = {"credentials": Exit.CREDENTIALS, "denied": Exit.CREDENTIALS, "missing": Exit.NOT_FOUND}


@contextmanager
def errors_reported(command: str) -> Iterator[None]:
    """Report in one line why a command failed, and exit with the code of `awsexec_cli.exit_codes`."""
    from aws_exec.fleet import CloudError, FleetError, MisusedError, UnknownJobError  # noqa: PLC0415 - starts fast

    try:
        yield
    except CloudError as error:
        printer.fail(command, describe(error.failure))
        raise typer.Exit(exit_code(error.failure)) from error
    except FleetError as error:
        printer.fail(command, str(error), error.details)
        misused = Exit.USAGE if isinstance(error, MisusedError) else Exit.FAILED
        raise typer.Exit(Exit.NOT_FOUND if isinstance(error, UnknownJobError) else misused) from error
    except KeyboardInterrupt as error:
        printer.fail(command, "interrupted")
        raise typer.Exit(Exit.INTERRUPTED) from error
    except TimeoutError as error:
        printer.fail(command, str(error))
        raise typer.Exit(Exit.TIMED_OUT) from error


def exit_code(failure: CallFailure) -> Exit:
    """Return the exit code for a call that failed."""
    return Exit.USAGE if failure.code in _REGION_CODES else _EXITS.get(_kind(failure), Exit.FAILED)


def describe(failure: CallFailure) -> str:
    """Return one line for a call that failed: what it means, and what AWS said."""
    return failure.message if failure.code in _REGION_CODES else f"{_MEANINGS[_kind(failure)]} ({failure})"


def describe_problem(problem: Problem) -> str:
    """Return one line for a cluster or job queue that could not be listed."""
    return f"{f'{problem.service} {problem.location}'.rstrip()}: {describe(problem.failure)}"


def report_problems(command: str, problems: Sequence[Problem], *, some_listed: bool) -> Exit:
    """Report what could not be listed, and return the exit code for it."""
    for problem in problems:
        printer.fail(command, describe_problem(problem))
    codes = {exit_code(problem.failure) for problem in problems}
    if not codes:
        return Exit.OK
    return Exit.PARTIAL if some_listed or len(codes) > 1 else codes.pop()


def retry_reporter(command: str) -> Callable[[CallFailure], None]:
    """Return a function that reports that a call failed and is made again."""
    return lambda failure: printer.fail(command, f"{describe(failure)}; trying again")


def _kind(failure: CallFailure) -> str:
    from aws_exec.fleet import is_denied  # noqa: PLC0415 - the CLI starts fast

    kind, text = failure.kind.value, f"{failure.code} {failure.message}".lower()
    if kind in ("credentials", "throttled", "unreached", "no answer"):
        return str(kind)
    if is_denied(failure):
        return "denied"
    missing = ("clusternotfound" in text, "resourcenotfound" in text, "not found" in text, "not exist" in text)
    return "missing" if any(missing) else "other"
