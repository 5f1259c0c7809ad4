"""What the commands over the fleet share: options, and how what goes wrong is told, with its exit code.

The options are accepted before the command and after it; what is said after it wins.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from awsexec_cli.exit_codes import Exit
from awsexec_cli.output import printer

if TYPE_CHECKING:
    from aws_exec.fleet import Fleet


class Format(StrEnum):
    """What `-o` takes."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


class Executor(StrEnum):
    """What `--executor` takes."""

    ECS = "ecs"
    BATCH = "batch"
    ALL = "all"


_AWS = "AWS"

OutputOption = Annotated[Format | None, typer.Option("--output", "-o", help="How to show it.", show_default="table")]
ExecutorOption = Annotated[Executor | None, typer.Option("--executor", help="Which service.", show_default="all")]
RegionOption = Annotated[str | None, typer.Option(help="AWS Region.", rich_help_panel=_AWS)]
ProfileOption = Annotated[str | None, typer.Option(help="Profile of the AWS credentials.", rich_help_panel=_AWS)]
EndpointOption = Annotated[
    str | None, typer.Option("--endpoint-url", help="Of every AWS service.", rich_help_panel=_AWS)
]
ConfigOption = Annotated[Path | None, typer.Option(help="The awsexec.yaml.")]
TeamOption = Annotated[str | None, typer.Option(help="The Airflow team whose executors are meant.")]
NoInputOption = Annotated[bool, typer.Option("--no-input", help="Never ask; refuse instead.")]


@dataclass(frozen=True, slots=True)
class Options:
    """What every command over the fleet takes; None where nothing was said."""

    output: Format | None = None
    executor: Executor | None = None
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    config: Path | None = None
    no_input: bool = False
    team: str | None = None

    def over(self, other: Options) -> Options:
        """These, and what only the other says."""
        said = {each.name: getattr(self, each.name) for each in fields(self) if getattr(self, each.name)}
        return replace(other, **said)

    @property
    def format(self) -> Format:
        """How to show data."""
        return self.output or Format.TABLE

    @property
    def may_ask(self) -> bool:
        """Whether there is somebody to be asked."""
        return not self.no_input and sys.stdin.isatty() and sys.stderr.isatty()

    def open(self, clusters: list[str] | None = None, queues: list[str] | None = None) -> Fleet:
        """The fleet that is meant; raises FleetError."""
        from aws_exec.fleet import FleetOptions, open_fleet  # noqa: PLC0415 - the CLI starts fast

        asked = FleetOptions(
            executor=str(self.executor or Executor.ALL),
            region=self.region or "",
            profile=self.profile or "",
            endpoint_url=self.endpoint_url or "",
            config=self.config,
            team=self.team,
            clusters=clusters or (),
            queues=queues or (),
            may_prompt=self.may_ask,
        )
        return open_fleet(asked, os.environ)


@dataclass(slots=True)
class _Before:
    """What was said before the command."""

    options: Options = field(default_factory=Options)


before = _Before()


def remember(
    *,
    output: OutputOption = None,
    executor: ExecutorOption = None,
    region: RegionOption = None,
    profile: ProfileOption = None,
    endpoint_url: EndpointOption = None,
    config: ConfigOption = None,
    no_input: NoInputOption = False,
    team: TeamOption = None,
) -> Options:
    """The shared options as Typer reads them; the signature is what `over_the_fleet` adds to a command's own."""
    return Options(output, executor, region, profile, endpoint_url, config, no_input, team)


def over_the_fleet(name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a command of a function whose first argument is the shared `Options`: it takes them, and tells errors."""

    def decorated(function: Callable[..., None]) -> Callable[..., None]:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        shared = [
            each.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for each in inspect.signature(remember, eval_str=True).parameters.values()
        ]

        @functools.wraps(function)
        def command(*arguments: Any, **given: Any) -> None:
            said = remember(**{each.name: given.pop(each.name) for each in shared})
            with errors_told(f"awsexec {name}"):
                function(said.over(before.options), *arguments, **given)

        parameters = [*own, *shared]
        command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # where inspect looks
        command.__annotations__ = {each.name: each.annotation for each in parameters}
        return command

    return decorated


@contextmanager
def errors_told(command: str) -> Iterator[None]:
    """Tell in one line what AWS refused, or what cannot be done, and exit as `awsexec_cli.exit_codes` says."""
    from aws_exec.fleet import CloudError, FleetError, MisusedError, UnknownJobError  # noqa: PLC0415 - starts fast

    try:
        yield
    except CloudError as error:
        printer.fail(command, told(error.fault))
        raise typer.Exit(exit_of(error.fault)) from error
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


def exit_of(fault: Any) -> Exit:
    """The exit code for a call that failed."""
    kind = _kind(fault)
    codes = {"credentials": Exit.CREDENTIALS, "denied": Exit.CREDENTIALS, "missing": Exit.NOT_FOUND}
    return Exit.USAGE if fault.code in _OF_THE_REGION else codes.get(kind, Exit.FAILED)


def told(fault: Any) -> str:
    """A call that failed, in one line: what it means, what AWS said."""
    said = fault.message if fault.code in _OF_THE_REGION else f"{_MEANINGS[_kind(fault)]} ({fault})"
    return str(said)


#: What nobody but who asked can mend.
_OF_THE_REGION = ("NoRegionError", "UnknownRegion")
#: What is wrong, and what to do, where AWS takes no credentials.
NO_CREDENTIALS = "the AWS credentials are missing, expired or invalid: log in, or name a --profile"
_MEANINGS = {
    "credentials": NO_CREDENTIALS,
    "denied": "these credentials may not do this: awsexec check-health --policy prints what is needed",
    "missing": "it does not exist there: check --cluster or --queue, --region and --profile",
    "throttled": "AWS says that it is asked too often: wait a moment, and ask again",
    "unreached": "AWS cannot be reached: check --region, --endpoint-url and the network",
    "no answer": "AWS did not answer: ask again",
    "other": "AWS refused",
}


def _kind(fault: Any) -> str:
    from aws_exec.fleet import is_denied  # noqa: PLC0415 - the CLI starts fast

    trouble, said = fault.trouble.value, f"{fault.code} {fault.message}".lower()
    if trouble in ("credentials", "throttled", "unreached", "no answer"):
        return str(trouble)
    if is_denied(fault):
        return "denied"
    missing = ("clusternotfound" in said, "resourcenotfound" in said, "not found" in said, "not exist" in said)
    return "missing" if any(missing) else "other"
