"""What went wrong at AWS or in the configuration, as an error with its hint and an exit code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from awsexec_cli.exit_codes import Exit
from awsexec_cli.output import printer

if TYPE_CHECKING:
    from aws_exec.fleet import Problem
    from aws_exec.lifecycle.values import CallFailure

#: Codes of a Region that only the user can correct.
_REGION_CODES = ("NoRegionError", "UnknownRegion")
#: Codes whose message has what to do, after "; ".
_WITH_HINT = (*_REGION_CODES, "MfaRequired")
#: What is wrong, and what to do.
_MEANINGS = {
    "credentials": ("the AWS credentials are missing, expired or invalid", "log in, or choose another --profile"),
    "denied": ("access denied", "awsexec check-health --policy prints the permissions needed"),
    "missing": ("not found", "check --cluster, --queue, --region and --profile"),
    "throttled": ("AWS throttles these calls", "wait a minute and try again"),
    "unreached": ("AWS cannot be reached", "check --region, --endpoint-url and the network"),
    "no answer": ("AWS did not answer", "try again"),
    "other": ("AWS rejected the call", "awsexec check-health checks the configuration and the permissions"),
}
#: What is wrong, and what to do, if AWS accepts no credentials.
NO_CREDENTIALS, LOG_IN = _MEANINGS["credentials"]
_SERVICES = {"ecs": "ECS", "batch": "Batch"}
_LOCATIONS = {"ecs": "ECS cluster", "batch": "Batch job queue"}
#: Clusters or job queues that are named; of more, the others are counted.
_NAMED = 5
_EXITS = {"credentials": Exit.CREDENTIALS, "denied": Exit.CREDENTIALS, "missing": Exit.NOT_FOUND}


@contextmanager
def errors_reported() -> Iterator[None]:
    """Report why a command failed, and exit with the code of `awsexec_cli.exit_codes`."""
    from aws_exec import fleet  # noqa: PLC0415 - the CLI starts fast

    try:
        yield
    except fleet.UnlistedError as error:
        report_problem(error.problem)
        raise typer.Exit(exit_code(error.failure)) from error
    except fleet.CloudError as error:
        printer.fail(describe(error.failure), hint=hint_for(error.failure))
        raise typer.Exit(exit_code(error.failure)) from error
    except fleet.FleetError as error:
        printer.fail(str(error), hint=error.hint, details=error.details)
        misused = Exit.USAGE if isinstance(error, fleet.MisusedError) else Exit.FAILED
        raise typer.Exit(Exit.NOT_FOUND if isinstance(error, fleet.UnknownJobError) else misused) from error
    except KeyboardInterrupt as error:
        printer.say("interrupted")
        raise typer.Exit(Exit.INTERRUPTED) from error
    except TimeoutError as error:
        printer.fail(str(error), hint="raise --timeout; awsexec explain shows why a job waits")
        raise typer.Exit(Exit.TIMED_OUT) from error


def exit_code(failure: CallFailure) -> Exit:
    """Return the exit code for a call that failed."""
    return (
        Exit.USAGE
        if failure.code in _REGION_CODES or _is_endpoint(failure)
        else _EXITS.get(_kind(failure), Exit.FAILED)
    )


def describe(failure: CallFailure) -> str:
    """Return one line for a call that failed: what it means, and what AWS said."""
    if failure.code in _REGION_CODES:
        return failure.message.partition("; ")[0]
    if _is_endpoint(failure):
        return f"{failure.message[:1].lower()}{failure.message[1:]}: it needs http:// or https://"
    if failure.code == "MfaRequired":
        return f"the AWS profile needs an MFA code, which cannot be entered here ({failure.message.partition('; ')[0]})"
    return f"{_meaning(failure)} ({failure})"


def _is_endpoint(failure: CallFailure) -> bool:
    """Return whether the URL of --endpoint-url or AWS_ENDPOINT_URL is invalid."""
    return failure.code == "ValueError" and failure.message.startswith("Invalid endpoint")


def _meaning(failure: CallFailure) -> str:
    if failure.code == "ProfileNotFound":
        return "no such AWS profile"
    if failure.code == "NoCredentialsError":
        return "no AWS credentials found"
    if failure.code.startswith("Expired"):
        return "the AWS credentials have expired"
    return _MEANINGS[_kind(failure)][0]


def hint_for(failure: CallFailure) -> str:
    """Return what to do about a call that failed; empty if only AWS's own message says."""
    return failure.message.partition("; ")[2] if failure.code in _WITH_HINT else _MEANINGS[_kind(failure)][1]


def describe_problem(problem: Problem) -> str:
    """Return one line for a cluster or job queue that could not be listed."""
    where = f'{_LOCATIONS[problem.service]} "{problem.location}"' if problem.location else _SERVICES[problem.service]
    if _kind(problem.failure) == "missing" and problem.region:
        return f"{where} not found in {problem.region} ({problem.failure})"
    return f"{where}{' ' if _kind(problem.failure) == 'missing' else ': '}{describe(problem.failure)}"


def report_problem(problem: Problem) -> None:
    """Report a cluster or job queue that could not be listed, with those that exist if it does not."""
    hint = hint_for(problem.failure)
    if problem.existing:
        more = f" and {len(problem.existing) - _NAMED} more" if len(problem.existing) > _NAMED else ""
        hint = f"{_LOCATIONS[problem.service]}s there: {', '.join(problem.existing[:_NAMED])}{more}"
    printer.fail(describe_problem(problem), hint=hint)


def report_problems(problems: Sequence[Problem], *, some_listed: bool) -> Exit:
    """Report what could not be listed, and return the exit code for it."""
    for problem in problems:
        report_problem(problem)
    codes = {exit_code(problem.failure) for problem in problems}
    if not codes:
        return Exit.OK
    return Exit.PARTIAL if some_listed or len(codes) > 1 else codes.pop()


def report_retry(failure: CallFailure) -> None:
    """Report that a call failed and is made again."""
    printer.warn(f"{describe(failure)}; trying again")


def _kind(failure: CallFailure) -> str:
    from aws_exec.fleet import is_denied, is_missing  # noqa: PLC0415 - the CLI starts fast

    kind = failure.kind.value
    if kind in ("credentials", "throttled", "unreached", "no answer"):
        return str(kind)
    if is_denied(failure):
        return "denied"
    return "missing" if is_missing(failure) else "other"
