"""`awsexec local`: run the local AWS emulator in the foreground."""

from __future__ import annotations

import os
import shlex
import signal
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from awsexec_cli.exit_codes import Exit
from awsexec_cli.groups import Group, no_command
from awsexec_cli.options import deprecated
from awsexec_cli.output import printer
from awsexec_cli.usage import Misuse

if TYPE_CHECKING:
    from aws_exec.local import EmbeddedAws

app = typer.Typer(
    name="local",
    help="Run the local AWS emulator: ECS and Batch on this machine.",
    cls=Group,
    add_completion=False,
)


#: The deployment of an Airflow with these variables, and of the shells that stop its jobs.
_DEPLOYMENT = {f"AIRFLOW__AWS_{service}_EXECUTOR__DEPLOYMENT": "local" for service in ("ECS", "BATCH")}


class Limits(StrEnum):
    """Which limits of containers are enforced."""

    NONE = "none"
    MEMORY = "memory"
    ALL = "all"


@app.callback(invoke_without_command=True)
def local(context: typer.Context) -> None:
    """Run the local AWS emulator: ECS and Batch on this machine."""
    if context.invoked_subcommand is None:
        no_command(context)


@app.command()
def up(
    *,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 is any free port", min=0, max=65535)] = 0,
    max_containers: Annotated[int, typer.Option(help="Most tasks and jobs that run at a time; others wait", min=1)] = 8,
    limits: Annotated[
        Limits, typer.Option(help="Container limits that the kernel enforces; all caps the CPU too")
    ] = Limits.MEMORY,
    region: Annotated[str, typer.Option(help="Region of the cluster and the job queue that it creates")] = "us-east-1",
    env: Annotated[
        list[str] | None,
        typer.Option(
            "--env",
            "-e",
            metavar="NAME[=VALUE]",
            help="Environment variable of every container; without VALUE, this shell's (repeatable)",
        ),
    ] = None,
    start_delay: Annotated[float, typer.Option(help="Seconds that a task or job takes to start", min=0)] = 0.2,
    stop_delay: Annotated[float, typer.Option(help="Seconds from a container's exit to STOPPED", min=0)] = 1.5,
    stop_timeout: Annotated[float, typer.Option(help="Seconds from SIGTERM to SIGKILL", min=0)] = 30.0,
    log_directory: Annotated[
        Path | None,
        typer.Option(help="Directory for a file of each container's output", file_okay=False),
    ] = None,
    output: Annotated[Path | None, typer.Option(hidden=True, file_okay=False)] = None,
) -> None:
    """Run the local AWS emulator, ECS and Batch, in the foreground until Ctrl-C.

    Prints the environment variables to export for AWS clients and Airflow;
    everything else goes to standard error. Leaves no process behind.

    Examples:
      awsexec local up
      awsexec local up --port 5566 --env OMP_NUM_THREADS=2 --log-directory logs
      eval "$(awsexec local env)" && awsexec list   in another shell
    """
    environment = _pairs(env or [])
    if output is not None:
        deprecated("--output", f"--log-directory {output}")
        log_directory = log_directory or output
    if log_directory is not None:
        _make_directory(log_directory)
    _serve(
        port=port,
        region=region,
        container_environment=environment,
        max_containers=max_containers,
        limits=limits.value,
        start_delay=start_delay,
        stop_delay=stop_delay,
        stop_timeout=stop_timeout,
        output_directory=log_directory,
    )


@app.command()
def env() -> None:
    """Print the variables to export for a running local AWS emulator.

    Finds the emulator of `awsexec local up` or `awsexec demo --keep`; of
    several, the one that was started last. With them, every command of
    awsexec works on it, and so does an Airflow that uses the executors.

    Examples:
      eval "$(awsexec local env)"
      awsexec local env | source   in fish
    """
    from aws_exec.local.published import published  # noqa: PLC0415 - the CLI starts fast

    found = published()
    if not found:
        printer.fail("no local AWS emulator is running", hint="run awsexec local up, or awsexec demo --keep")
        raise typer.Exit(Exit.NOT_FOUND)
    if len(found) > 1:
        printer.say(f"{len(found)} emulators are running; this is the newest, {found[0]['AWS_ENDPOINT_URL']}")
    _print_exports(found[0])


def _print_exports(environment: Mapping[str, str]) -> None:
    for name, value in environment.items():
        typer.echo(f"export {name}={shlex.quote(value)}")


def _serve(**how: Any) -> None:
    """Run an `EmbeddedAws` with these arguments until a signal ends it."""
    from aws_exec.local import LocalError  # noqa: PLC0415 - the CLI starts fast

    ends = (signal.SIGTERM, signal.SIGHUP)  # SIGHUP: the terminal was closed
    previous = {number: signal.signal(number, _terminated) for number in ends}
    try:
        from aws_exec.local import EmbeddedAws  # noqa: PLC0415 - likewise; needs the extra

        with EmbeddedAws(**how) as aws:
            aws.exports |= _DEPLOYMENT
            aws.publish()
            _print_environment(aws)
            signal.pause()
    except LocalError as error:
        printer.fail(str(error), hint=error.hint)
        raise typer.Exit(Exit.USAGE) from error
    except KeyboardInterrupt:
        printer.say("Interrupted; all containers have been stopped.")
        raise typer.Exit(Exit.INTERRUPTED) from None
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _make_directory(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Misuse(f"cannot write to --log-directory {path}: {error.strerror}", "choose another directory") from error


def _print_environment(aws: EmbeddedAws) -> None:
    _print_exports(aws.environment())
    typer.echo(
        f"The local AWS emulator listens on {aws.endpoint_url}: cluster {aws.names.cluster}, task definition "
        f"{aws.names.task_definition}; job queue {aws.names.job_queue}, job definition {aws.names.job_definition}. "
        "Ctrl-C stops it and every container.",
        err=True,
    )
    if aws.limits_problem:
        typer.echo(f"Containers have no memory limits here: {aws.limits_problem}.", err=True)


def _pairs(given: list[str]) -> dict[str, str]:
    pairs = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not name or not (equals or name in os.environ):
            raise Misuse(
                f'invalid --env "{pair}": it is not set in this shell', "write NAME=VALUE, or export the variable"
            )
        pairs[name] = value if equals else os.environ[name]
    return pairs


def _terminated(_signum: int, _frame: FrameType | None) -> None:
    """Exit with 0, as a service does on SIGTERM, after the containers have stopped."""
    raise SystemExit(0)
