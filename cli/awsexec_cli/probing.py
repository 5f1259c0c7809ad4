"""Probes for `check-health`: show what will be launched, ask, launch it, and report what happens."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from aws_exec.durations import format_duration
from awsexec_cli.exit_codes import Exit
from awsexec_cli.jobs import size
from awsexec_cli.output import clean, printer
from awsexec_cli.prompt import ask

if TYPE_CHECKING:
    from aws_exec.fleet import Fleet
    from aws_exec.fleet.health import Branch
    from aws_exec.fleet.probe import PlannedProbe

#: The time limit of a probe: as long as Airflow lets a task wait for its container (`[scheduler] task_queued_timeout`).
PROBE_SECONDS = 600.0


class Probes:
    """The probes of one command.

    Args:
        template: of the containers; empty: none.
        limit: seconds.
        yes: do not ask for confirmation.
        may_prompt: whether a person can confirm.

    Attributes:
        timed_out: whether the limit has passed.
    """

    def __init__(self, template: str, limit: float, *, yes: bool, may_prompt: bool) -> None:
        self._template = template
        self._limit = limit
        self._yes = yes
        self._may_prompt = may_prompt
        self.timed_out = False

    def run(self, fleet: Fleet, branches: Sequence[Branch]) -> list[Branch]:
        """Launch a container for each executor whose checks did not fail, and add what it sees to its branch.

        Raises:
            typer.Exit: the user refused, or cannot be asked.
        """
        from aws_exec.fleet.probe import Probing, merged, planned_probes  # noqa: PLC0415 - the CLI starts fast

        wanted = planned_probes(fleet, branches, self._template)
        if wanted and not self._confirmed(fleet, wanted):
            printer.say("Nothing was launched.")
            raise typer.Exit(Exit.FAILED)
        probing = Probing(fleet, self._limit, lambda text: printer.say(clean(text)))
        with _terminated_as_by_ctrl_c():
            probed = probing.run(wanted)
        self.timed_out = probing.timed_out
        return merged(branches, probed)

    def _confirmed(self, fleet: Fleet, wanted: Sequence[PlannedProbe]) -> bool:
        count = "1 container" if len(wanted) == 1 else f"{len(wanted)} containers"
        printer.say(f"Will launch {count} for at most {format_duration(self._limit)}; cost: {fleet.prices}")
        for each in wanted:
            price = "no price" if each.hourly is None else f"${each.hourly:.4f} an hour"
            what = f"{size(each.size) or 'size unknown'}, {each.definition} in {each.location}, {each.region}"
            printer.say(clean(f"  {each.executor}: {what}: {price}"))
        if not self._yes and not self._may_prompt:
            printer.fail("cannot confirm the launch of containers without a terminal", hint="pass --yes")
            raise typer.Exit(Exit.USAGE)
        return self._yes or ask(f"Launch {count}? [y/N]:").lower() in ("y", "yes")


@contextmanager
def _terminated_as_by_ctrl_c() -> Iterator[None]:
    """Make SIGTERM raise KeyboardInterrupt, so that what was launched is stopped."""

    def interrupt(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
