"""`awsexec demo`: run a DAG with a real Airflow on the local AWS emulator."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from aws_exec.local.interrupts import ENDING
from awsexec_cli.commands.explain import explanation_lines, explanation_of
from awsexec_cli.exit_codes import Exit
from awsexec_cli.output import printer, styled

if TYPE_CHECKING:
    from rich.text import Text

app = typer.Typer(add_completion=False)


@app.command()
def demo(
    port: Annotated[int, typer.Option(help="Airflow's port on 127.0.0.1; 0 is any free port", min=0, max=65535)] = 0,
    max_containers: Annotated[int, typer.Option(help="Most containers that run at a time; others wait", min=1)] = 3,
    timeout: Annotated[float, typer.Option(help="Time limit in seconds", min=1)] = 300.0,
    keep: Annotated[bool, typer.Option("--keep", help="Keep Airflow running until Ctrl-C")] = False,
) -> None:
    """Run DAGs on ECS and Batch with a real Airflow on this machine; needs no AWS account.

    Starts the local AWS emulator and Airflow on 127.0.0.1, and runs a DAG
    on aws_exec.AwsEcsExecutor and aws_exec.AwsBatchExecutor, one container
    per task. Then kills the scheduler while tasks run, lets a task run out
    of memory and an image be missing, and explains what became of each.

    Exits with 0 only if everything went as planned. Leaves no process and
    no file behind, except the logs after a failure.

    Examples:
      awsexec demo
      awsexec demo --keep --port 8080   explore it in a browser
    """
    from aws_exec.local import LocalError  # noqa: PLC0415 - the CLI starts fast

    try:
        with _unwound_by_signals():
            from aws_exec.local.demo import runner  # noqa: PLC0415 - likewise; needs the extra

            options = runner.Options(port=port, max_containers=max_containers, timeout=timeout, keep=keep)
            if not runner.run(options, printer.out, explain):
                raise typer.Exit(Exit.FAILED)
    except LocalError as error:
        printer.fail(str(error), hint=error.hint, details=getattr(error, "last_words", ()))
        raise typer.Exit(_code(error)) from error
    except KeyboardInterrupt:
        printer.say("interrupted; nothing is left running")
        raise typer.Exit(Exit.INTERRUPTED) from None


def explain(environment: Mapping[str, str], arn: str) -> tuple[str, Sequence[Text]]:
    """Explain a job of the emulator.

    Args:
        environment: of AWS's clients.
        arn: the job's.

    Returns:
        The rule of its diagnosis, and the lines that `awsexec explain` prints.
    """
    from aws_exec.fleet import FleetOptions, open_fleet  # noqa: PLC0415 - the CLI starts fast

    options = FleetOptions(endpoint_url=environment["AWS_ENDPOINT_URL"])
    with _exported(environment), open_fleet(options, environment) as fleet:
        job, explanation = explanation_of(fleet, arn)
    rule = explanation.diagnosis.rule if explanation.diagnosis else ""
    return rule, [styled(line) for line in explanation_lines(job, explanation)]


@contextmanager
def _exported(environment: Mapping[str, str]) -> Iterator[None]:
    """Have the credentials of the emulator where boto3 looks for them first, and no profile."""
    before = dict(os.environ)
    os.environ.update(environment)
    os.environ.pop("AWS_PROFILE", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _code(error: Exception) -> Exit:
    from aws_exec.local import MissingExtraError, PortInUseError  # noqa: PLC0415 - the CLI starts fast
    from aws_exec.local.airflow.processes import TookTooLongError  # noqa: PLC0415 - likewise

    if isinstance(error, TookTooLongError):
        return Exit.TIMED_OUT
    return Exit.USAGE if isinstance(error, MissingExtraError | PortInUseError) else Exit.FAILED


@contextmanager
def _unwound_by_signals() -> Iterator[None]:
    """Let each signal that ends a program unwind it once, so that it cleans up."""
    previous = {number: signal.signal(number, _end) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _end(number: int, _frame: FrameType | None) -> None:
    """Unwind; ignore further signals during the cleanup, which takes a second or two."""
    for each in ENDING:
        signal.signal(each, signal.SIG_IGN)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
