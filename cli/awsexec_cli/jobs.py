"""Jobs in the output: which ones match, their columns, and the writer that prints them as they arrive."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from aws_exec.chunked import chunked
from aws_exec.durations import format_duration
from awsexec_cli.output import (
    TABLES,
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
from awsexec_cli.usage import Misuse, similar

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
#: The heading of the column that only `-o wide` always has: of most running jobs the state of the task is not known.
_TASK_STATE = "TASK-STATE"
SERVICES = {"ecs": "ECS", "batch": "Batch"}
#: Clusters or job queues that are named; of more, the others are counted.
_NAMED = 3
#: Rows that are laid out before the first of them is shown.
_PAGE = 100

#: The columns to leave out on a narrow terminal, in this order; the task, the state, the age and the id stay.
_DISPENSABLE = ("ON", "DURATION", "TRY", "RUN", "DAG")
#: The columns that only `-o wide` has.
_WIDE = frozenset({"STATUS", "SIZE", "USD", "CLUSTER/QUEUE", "DEPLOYMENT", "EXIT"})


@dataclass(frozen=True, slots=True)
class View:
    """What a table of jobs shows, as the options of `list` say.

    Attributes:
        columns: names of columns; empty: those of the format.
        headers: whether to write the headings.
        sort_by: the name of a column, `-` before it reverses the order; empty: the newest first.
    """

    columns: Sequence[str] = ()
    headers: bool = True
    sort_by: str = ""

    def check(self) -> None:
        """Raise Misuse if it names no column."""
        known = job_columns()
        named = [("--columns", name) for name in self.columns] + [("--sort-by", self._sorted_by)] * bool(self.sort_by)
        for option, name in named:
            if _column(known, name) is None:
                headings = [column.heading.lower() for column in known]
                raise Misuse(f'invalid {option} "{name}"', similar(name, headings) or f"columns: {', '.join(headings)}")

    @property
    def _sorted_by(self) -> str:
        return self.sort_by.removeprefix("-")

    def chosen(self, columns: Sequence[Column], *, wide: bool) -> list[Column]:
        """Return the columns to show."""
        if self.columns:
            return [column for name in self.columns if (column := _column(columns, name))]
        return [column for column in columns if wide or column.heading not in _WIDE]

    def in_order(self, jobs: Iterable[FleetJob], cost: Cost) -> list[FleetJob]:
        """Return the jobs as they are to be listed; those without a value come last."""
        newest = sorted(jobs, key=lambda job: job.created or 0.0, reverse=True)
        column = _column(job_columns(cost), self._sorted_by)
        if column is None:
            return newest
        keyed = [((column.key or column.cell)(job), job) for job in newest]
        known = [(key, job) for key, job in keyed if key is not None]
        known.sort(key=itemgetter(0), reverse=self.sort_by.startswith("-"))
        return [job for _, job in known] + [job for key, job in keyed if key is None]


def _column(columns: Sequence[Column], name: str) -> Column | None:
    return next((column for column in columns if column.is_called(name)), None)


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


def report_newest(job: FleetJob, others: Sequence[FleetJob]) -> None:
    """Report which job a reference without a run means."""
    runs = len({other.identity.run_id for other in others}) + 1
    printer.say(f"{job.identity.dag_id}/{job.task} has jobs in {runs} runs; using the newest: {job.address}")


def count_jobs(number: int) -> str:
    """Return `1 job`, or `2 jobs`."""
    return f"{number} job{'' if number == 1 else 's'}"


def searched(fleet: Fleet) -> str:
    """Return where a fleet was listed: `us-east-1 (cluster airflow; queues small, large)`."""
    regions: dict[str, list[str]] = {}
    for scope in fleet.scope():
        what = "cluster" if scope.service == "ecs" else "queue"
        more = f" and {len(scope.locations) - _NAMED} more" if len(scope.locations) > _NAMED else ""
        plural = "" if len(scope.locations) == 1 else "s"
        names = ", ".join(scope.locations[:_NAMED]) or "none"
        regions.setdefault(scope.region, []).append(f"{what}{plural} {names}{more}")
    return " and ".join(f"{region} ({'; '.join(parts)})" for region, parts in regions.items())


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
    view: View = View(),
    more: bool = False,
) -> Table:
    """Return the table of these jobs, and of `more` if some are still to come; see `Table` for its width."""
    columns = view.chosen(job_columns(cost, now), wide=wide)
    if not (wide or view.columns) and all(_task_state(job) == "-" for job in jobs):
        columns = [column for column in columns if column.heading != _TASK_STATE]
    return Table(columns, jobs, width, () if wide or view.columns else _DISPENSABLE, more=more)


def job_columns(cost: Cost = lambda _: None, now: Callable[[], float] = time.time) -> list[Column]:
    """Return all columns of a table of jobs, in the order of `-o wide`."""
    return [
        Column("DAG", lambda job: job.identity.dag_id or "-", least=8, reserved=12, rank=2),
        Column("TASK", lambda job: job.task or "-", least=16, reserved=20, rank=3, key=_task),
        Column("RUN", lambda job: job.identity.run_id or "-", least=9, reserved=13, tail=True),
        Column("TRY", lambda job: job.identity.try_number or "-", right=True, key=_try),
        Column("ON", lambda job: SERVICES[job.service], reserved=5),
        Column("STATE", lambda job: str(job.state), reserved=9, style=lambda job: _STYLES.get(str(job.state), "")),
        Column(_TASK_STATE, _task_state, least=12, reserved=12, style=lambda job: _STYLES.get(_task_state(job), "")),
        Column("STATUS", lambda job: job.status, least=8, reserved=14, rank=1),
        Column(
            "AGE",
            lambda job: _age(job, now()),
            reserved=6,
            right=True,
            key=lambda job: None if job.created is None else -job.created,
        ),
        Column("DURATION", lambda job: _duration(job, now()), right=True, key=lambda job: job.duration(now())),
        Column("SIZE", lambda job: size(job.size) or "-", reserved=26, key=_vcpus),
        Column("USD", lambda job: _dollars(cost(job)), reserved=8, right=True, key=cost),
        Column("CLUSTER/QUEUE", lambda job: job.job.location, least=13, reserved=14, rank=1),
        Column("DEPLOYMENT", lambda job: job.identity.deployment or "-", least=10, reserved=10, rank=1),
        Column(
            "EXIT",
            lambda job: "" if job.exit_code is None else str(job.exit_code),
            right=True,
            key=lambda job: job.exit_code,
        ),
        Column("ID", lambda job: job.id[:8], reserved=8),
    ]


def _age(job: FleetJob, now: float) -> str:
    """Return the time since its creation, whether it still runs or not."""
    return "-" if job.created is None else format_duration(max(0.0, now - job.created))


def _duration(job: FleetJob, now: float) -> str:
    duration = job.duration(now)
    return "-" if duration is None else format_duration(duration)


def _dollars(cost: float | None) -> str:
    return "-" if cost is None else f"{cost:.4f}" if cost < 1 else f"{cost:.2f}"


# What columns are sorted by, if not by their text.


def _task(job: FleetJob) -> tuple[str, int]:
    who = job.identity
    return who.task_id or job.task, int(who.map_index) if who.map_index.isdecimal() else -1


def _try(job: FleetJob) -> int | None:
    number = job.identity.try_number
    return int(number) if number.isdecimal() else None


def _vcpus(job: FleetJob) -> tuple[float, int]:
    return job.size.vcpu or 0.0, job.size.memory_mib or 0


class JobWriter:
    """Writes jobs to standard output page by page; `close` ends the document.

    Args:
        output: the format.
        cost: returns the cost of a job so far.
        now: returns seconds since the epoch.
        view: of a table.

    Attributes:
        count: of the jobs that were written.
        left_out: headings of the columns for which the terminal has no room.
    """

    def __init__(
        self,
        output: Format,
        cost: Cost = lambda _: None,
        now: Callable[[], float] = time.time,
        view: View = View(),
    ) -> None:
        self._output = output
        self._cost = cost
        self._now = now
        self._view = view
        self._table: Table | None = None
        self.count = 0
        self.left_out: Sequence[str] = ()

    def write(self, jobs: Sequence[FleetJob], *, more: bool = True) -> None:
        """Write one page at once.

        Args:
            jobs: of the page.
            more: whether pages may follow; the columns of a table then have room for what those may hold.
        """
        if self._output in TABLES:
            self._write_rows(jobs, more=more)
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

    def _write_rows(self, jobs: Sequence[FleetJob], *, more: bool) -> None:
        table = self._table
        if table is None:
            wide = self._output is Format.WIDE
            how: Any = {"wide": wide, "cost": self._cost, "now": self._now, "view": self._view, "more": more}
            table = self._table = job_table(jobs, terminal_width(), **how)
            self.left_out = table.left_out
            if self._view.headers:
                write_lines([[(table.header(), "bold")]])
        for page in chunked(jobs, _PAGE):
            write_lines(table.styled(job) for job in page)
