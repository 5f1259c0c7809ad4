"""Jobs as a table: columns that fit the terminal, rows as they come."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_exec.durations import format_duration
from awsexec_cli.output import clean

if TYPE_CHECKING:
    from aws_exec.fleet import FleetJob

_STYLES = {
    "waiting": "yellow",
    "starting": "cyan",
    "running": "green",
    "stopping": "magenta",
    "succeeded": "dim",
    "failed": "bold red",
}
_SERVICES = {"ecs": "ECS", "batch": "Batch"}
_GAP = "  "
#: What a run's id can do without where there is no room: every run is in UTC, and few begin at a second.
_UTC = re.compile(r"(?::00)?(?:\.\d+)?\+00:00")


@dataclass(frozen=True, slots=True)
class Context:
    """What rows are made with.

    Attributes:
        now: gives seconds since the epoch; rows may be made for as long as somebody watches.
        cost: of a job so far; None: not known.
    """

    now: Callable[[], float]
    cost: Callable[[FleetJob], float | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        heading: of it.
        cell: of a job.
        width: at most; flexible ones give way, down to `least`, where the terminal is narrower.
        least: see `width`; 0: it never gives way.
        right: whether it is flush right.
        tail: whether what tells two apart is at the end: a run's time.
    """

    heading: str
    cell: Callable[[FleetJob, Context], str]
    width: int
    least: int = 0
    right: bool = False
    tail: bool = False


def _age(job: FleetJob, context: Context) -> str:
    return format_duration(job.age(context.now()))


def size(job: FleetJob) -> str:
    """`0.25 vCPU 512 MiB`, with what there is."""
    from aws_exec.settings.file.units import size as amount  # noqa: PLC0415 - the CLI starts fast

    given = job.size
    parts = [f"{given.vcpu:g} vCPU" if given.vcpu else "", amount(given.memory_mib) if given.memory_mib else ""]
    return " ".join(filter(None, [*parts, f"{given.gpu} GPU" if given.gpu else "", "Spot" if given.spot else ""]))


def _cost(job: FleetJob, context: Context) -> str:
    cost = context.cost(job)
    return "-" if cost is None else f"{cost:.4f}" if cost < 1 else f"{cost:.2f}"


def _exit(job: FleetJob, _: Context) -> str:
    return "" if job.exit_code is None else str(job.exit_code)


_DAG = Column("DAG", lambda job, _: job.identity.dag_id or "-", 32, 8)
_TASK = Column("TASK", lambda job, _: job.task or "-", 40, 8)
_RUN = Column("RUN", lambda job, _: job.identity.run_id or "-", 48, 9, tail=True)
_TRY = Column("TRY", lambda job, _: job.identity.try_number or "-", 3, right=True)
_ON = Column("ON", lambda job, _: _SERVICES[job.service], 5)
_STATE = Column("STATE", lambda job, _: str(job.state), 9)
_AGE = Column("AGE", _age, 6, right=True)
_ID = Column("ID", lambda job, _: job.id[:8], 8)

NARROW = (_DAG, _TASK, _RUN, _TRY, _ON, _STATE, _AGE, _ID)
WIDE = (
    _DAG,
    _TASK,
    _RUN,
    _TRY,
    _ON,
    _STATE,
    Column("STATUS", lambda job, _: job.status, 14, 8),
    _AGE,
    Column("SIZE", lambda job, _: size(job) or "-", 26, 20),
    Column("USD", _cost, 8, right=True),
    Column("CLUSTER/QUEUE", lambda job, _: job.job.location, 24, 8),
    Column("DEPLOYMENT", lambda job, _: job.identity.deployment or "-", 16, 6),
    Column("EXIT", _exit, 4, right=True),
    _ID,
)


#: What a narrow terminal can do without, in this order: how far each is, and its id, stay.
_DISPENSABLE = ("STATUS", "DEPLOYMENT", "CLUSTER/QUEUE", "SIZE", "EXIT", "USD", "RUN", "TRY", "ON", "DAG")


class Table:
    """Lays jobs out; the widths are those of the first page, so that rows can be shown as they come.

    Args:
        columns: of it.
        context: what rows are made with.
        first: jobs that say how wide the columns have to be.
        width: of the terminal; None: nothing is cut (a pipe).

    Attributes:
        left_out: headings of the columns for which there is no room.
    """

    def __init__(
        self, columns: Sequence[Column], context: Context, first: Sequence[FleetJob], width: int | None
    ) -> None:
        self.left_out = [] if width is None else _left_out(columns, width)
        columns = [column for column in columns if column.heading not in self.left_out]
        self._columns = columns
        self._context = context
        self._cuts = width is not None
        cells = [[column.cell(job, context) for job in first] for column in columns]
        natural = [_natural(column, made, cut=width is not None) for column, made in zip(columns, cells, strict=True)]
        self._widths = natural if width is None else _squeezed(natural, columns, width - len(_GAP) * (len(columns) - 1))

    def header(self) -> str:
        """The headings."""
        return self._line([column.heading for column in self._columns])

    def row(self, job: FleetJob) -> str:
        """One job."""
        return self._line([column.cell(job, self._context) for column in self._columns])

    def styled(self, job: FleetJob) -> list[tuple[str, str]]:
        """One job as texts, each with its style."""
        cells = [column.cell(job, self._context) for column in self._columns]
        parts: list[tuple[str, str]] = []
        for index, cell in enumerate(self._fitted(cells)):
            style = _STYLES.get(str(job.state), "") if self._columns[index].heading == "STATE" else ""
            parts.append((cell, style))
            parts.append((_GAP, ""))
        return parts[:-1]

    def _line(self, cells: Sequence[str]) -> str:
        return _GAP.join(self._fitted(cells)).rstrip()

    def _fitted(self, cells: Sequence[str]) -> list[str]:
        return [
            _fit(clean(cell), width, column, cuts=self._cuts)
            for cell, width, column in zip(cells, self._widths, self._columns, strict=True)
        ]


def _natural(column: Column, cells: Sequence[str], *, cut: bool) -> int:
    """As wide as what is known so far; what is not flexible has a width of its own, whatever comes later."""
    if not column.least:
        return column.width
    widest = max(len(column.heading), column.least + 4, *(len(cell) for cell in cells), 0)
    return min(widest, column.width) if cut else widest


def _fit(text: str, width: int, column: Column, *, cuts: bool) -> str:
    if cuts and len(text) > width:
        text = _shortened(text, width, tail=column.tail)
    return text.rjust(width) if column.right else text.ljust(width)


def _shortened(text: str, width: int, *, tail: bool) -> str:
    """A text in so many characters: what tells two apart is at either end, a task's group and its name."""
    text = _UTC.sub("", text) if tail else text
    if len(text) <= width:
        return text
    head = 1 if tail else (width - 1) // 3
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"


def _left_out(columns: Sequence[Column], width: int) -> list[str]:
    """Columns without which the rest fits, at its narrowest."""
    kept = list(columns)
    left_out: list[str] = []
    for heading in _DISPENSABLE:
        if sum(column.least or column.width for column in kept) + len(_GAP) * (len(kept) - 1) <= width:
            break
        found = [column for column in kept if column.heading == heading]
        kept = [column for column in kept if column not in found]
        left_out += [column.heading for column in found]
    return left_out


def _squeezed(natural: Sequence[int], columns: Sequence[Column], room: int) -> list[int]:
    """Widths that fit: the widest flexible column gives way first."""
    widths = list(natural)
    while sum(widths) > room:
        giving = [index for index, column in enumerate(columns) if column.least and widths[index] > column.least]
        if not giving:
            return widths
        widths[max(giving, key=lambda index: widths[index])] -= 1
    return widths
