"""Jobs in the output: which ones match, their columns, and the writer that prints them as they arrive."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from aws_exec.durations import format_duration
from awsexec_cli.output import (
    Column,
    Format,
    Table,
    as_json,
    as_yaml,
    printer,
    terminal_width,
    write,
    write_lines,
)

if TYPE_CHECKING:
    from aws_exec.fleet import Filter, Fleet, FleetJob, FleetQuery, Problem, Size

    #: Returns the cost of a job so far, in dollars; None if it is not known.
    Cost = Callable[[FleetJob], float | None]

_STYLES = {
    "waiting": "yellow",
    "starting": "cyan",
    "running": "green",
    "stopping": "magenta",
    "succeeded": "dim",
    "failed": "bold red",
    "success": "dim",
    "up_for_retry": "bold red",
}
#: The heading of the column that is shown only if the state of a task is known: of most running jobs it is not.
_TASK_STATE = "TASK-STATE"
_SERVICES = {"ecs": "ECS", "batch": "Batch"}

#: The columns to leave out on a narrow terminal, in this order; the state, the age and the id stay.
_DISPENSABLE = ("STATUS", "DEPLOYMENT", "CLUSTER/QUEUE", "SIZE", "EXIT", "USD", "RUN", "TRY", "ON", "DAG")


def matching_jobs(fleet: Fleet, chosen: Filter, query: FleetQuery) -> Iterator[list[FleetJob] | Problem]:
    """Yield pages of the jobs that match a filter, none empty, and the problems of what could not be listed."""
    from aws_exec.fleet import Problem, list_fleet  # noqa: PLC0415 - the CLI starts fast

    for page in list_fleet(fleet.services.values(), query):
        if isinstance(page, Problem):
            yield page
        elif matching := [job for job in page if chosen.fits(job, time.time())]:
            yield matching


def with_known_end(fleet: Fleet, job: FleetJob) -> FleetJob:
    """Return an ended job with the state of its task, for `is_well`; report that it is unknown."""
    from aws_exec.fleet import with_task_state  # noqa: PLC0415 - the CLI starts fast

    if job.task_state.has_failed is not None:
        return job
    job, unknown = with_task_state(fleet.services[job.service], fleet.client, job)
    if job.task_state.has_failed is None and unknown:
        said = f"cannot tell how the task of {job.id} ended ({unknown}); using the container's outcome: {job.state}"
        printer.warn(said)
    return job


def count_jobs(number: int) -> str:
    """Return `1 job`, or `2 jobs`."""
    return f"{number} job{'' if number == 1 else 's'}"


def size(given: Size) -> str:
    """Return `0.25 vCPU 512 MiB`, with what is known."""
    from aws_exec.settings.file.units import size as amount  # noqa: PLC0415 - the CLI starts fast

    parts = [f"{given.vcpu:g} vCPU" if given.vcpu else "", amount(given.memory_mib) if given.memory_mib else ""]
    return " ".join(filter(None, [*parts, f"{given.gpu} GPU" if given.gpu else "", "Spot" if given.spot else ""]))


def _task_state(job: FleetJob) -> str:
    """Return the state of a job's task; the container's outcome if that is all that is known, `-` if nothing is."""
    return job.task_state.state or job.task_state.outcome or "-"


def job_table(
    jobs: Sequence[FleetJob],
    width: int | None,
    *,
    wide: bool = False,
    cost: Cost = lambda _: None,
    now: Callable[[], float] = time.time,
) -> Table:
    """Return the table of jobs whose first page these are; see `Table` for its width."""
    columns = _wide(cost, now) if wide else _narrow(now)
    if all(_task_state(job) == "-" for job in jobs):
        columns = tuple(column for column in columns if column.heading != _TASK_STATE)
    return Table(columns, jobs, width, _DISPENSABLE)


def _narrow(now: Callable[[], float]) -> tuple[Column, ...]:
    return (
        Column("DAG", lambda job: job.identity.dag_id or "-", 32, 8),
        Column("TASK", lambda job: job.task or "-", 40, 8),
        Column("RUN", lambda job: job.identity.run_id or "-", 48, 9, tail=True),
        Column("TRY", lambda job: job.identity.try_number or "-", 3, right=True),
        Column("ON", lambda job: _SERVICES[job.service], 5),
        Column("STATE", lambda job: str(job.state), 9, style=lambda job: _STYLES.get(str(job.state), "")),
        Column(_TASK_STATE, _task_state, 17, 10, style=lambda job: _STYLES.get(_task_state(job), "")),
        Column("AGE", lambda job: format_duration(job.age(now())), 6, right=True),
        Column("ID", lambda job: job.id[:8], 8),
    )


def _wide(cost: Cost, now: Callable[[], float]) -> tuple[Column, ...]:
    *before, age, id_ = _narrow(now)
    return (
        *before,
        Column("STATUS", lambda job: job.status, 14, 8),
        age,
        Column("SIZE", lambda job: size(job.size) or "-", 26, 20),
        Column("USD", lambda job: _dollars(cost(job)), 8, right=True),
        Column("CLUSTER/QUEUE", lambda job: job.job.location, 24, 8),
        Column("DEPLOYMENT", lambda job: job.identity.deployment or "-", 16, 6),
        Column("EXIT", lambda job: "" if job.exit_code is None else str(job.exit_code), 4, right=True),
        id_,
    )


def _dollars(cost: float | None) -> str:
    return "-" if cost is None else f"{cost:.4f}" if cost < 1 else f"{cost:.2f}"


class JobWriter:
    """Writes jobs to standard output page by page; `close` ends the document.

    Args:
        output: the format.
        cost: returns the cost of a job so far.
        now: returns seconds since the epoch.

    Attributes:
        count: of the jobs that were written.
    """

    def __init__(self, output: Format, cost: Cost = lambda _: None, now: Callable[[], float] = time.time) -> None:
        self._output = output
        self._cost = cost
        self._now = now
        self._table: Table | None = None
        self.count = 0

    def write(self, jobs: Sequence[FleetJob]) -> None:
        """Write one page at once."""
        if self._output in (Format.TABLE, Format.WIDE):
            self._write_rows(jobs)
            self.count += len(jobs)
            return
        texts = []
        for job in jobs:
            texts.append(self._text(job))
            self.count += 1
        write("".join(texts))

    def close(self) -> None:
        """End the document."""
        if self._output is Format.JSON:
            write("\n]\n" if self.count else "[]\n")
        elif self._output is Format.YAML and not self.count:
            write("[]\n")

    def plain(self, job: FleetJob) -> dict[str, Any]:
        """Return a job as the JSON object that docs/cli.md documents."""
        from aws_exec.fleet import plain  # noqa: PLC0415 - the CLI starts fast

        return plain(job, self._now(), self._cost(job))

    def _text(self, job: FleetJob) -> str:
        if self._output is Format.NAME:
            return f"{job.job.arn}\n"
        if self._output is Format.YAML:
            return as_yaml([self.plain(job)])
        return (",\n" if self.count else "[\n") + as_json(self.plain(job))

    def _write_rows(self, jobs: Sequence[FleetJob]) -> None:
        if self._table is None:
            wide = self._output is Format.WIDE
            self._table = job_table(jobs, terminal_width(), wide=wide, cost=self._cost, now=self._now)
            if self._table.left_out:
                printer.say(f"No room for {', '.join(self._table.left_out)}: see -o yaml.", style="dim")
            write_lines([[(self._table.header(), "bold")]])
        write_lines(self._table.styled(job) for job in jobs)
