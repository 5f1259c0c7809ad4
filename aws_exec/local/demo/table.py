"""The demo's rows on a terminal, and as plain lines where there is none."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from aws_exec.local.demo.plan import SERVICES
from aws_exec.local.demo.watch import Row

_STATE_STYLES = {
    "success": "green",
    "running": "cyan",
    "queued": "dim",
    "scheduled": "dim",
    "failed": "bold red",
    "upstream_failed": "red",
    "up_for_retry": "yellow",
    "up_for_reschedule": "yellow",
    "deferred": "magenta",
}
_SHORT = {"ecs": "ECS", "batch": "Batch"}
_STATUS_STYLES = {"RUNNING": "cyan", "STOPPED": "dim", "SUCCEEDED": "dim", "FAILED": "bold red"}


def table(rows: Sequence[Row]) -> Table:
    """A line for each container: task, try, service, ID, its state and exit code, the state of its task; 80 columns."""
    made = Table(pad_edge=False, box=None, header_style="bold")
    for name in ("task", "try", "on", "id", "container", "exit", "task state"):
        made.add_column(name, justify="right" if name in {"try", "exit"} else "left", no_wrap=True)
    for row in rows:
        made.add_row(
            row.task,
            str(row.try_number or ""),
            _SHORT[row.launch.service] if row.launch else "-",
            row.job or "-",
            Text(_status(row), style=_STATUS_STYLES.get(_status(row), "")),
            _exit(row),
            Text(row.state or "-", style=_STATE_STYLES.get(row.state, "")),
        )
    return made


class Progress:
    """The same as lines: one whenever Airflow's state changes, and when a container starts and exits."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], str] = {}

    def lines(self, rows: Sequence[Row]) -> list[str]:
        """What has changed since the last call."""
        told = []
        for row in rows:
            line = _line(row)
            if (row.job or row.state) and self._told.get((row.task, row.job)) != line:
                self._told[row.task, row.job] = line
                told.append(line)
        return told


def _line(row: Row) -> str:
    words = [f"{row.task:<18}", f"try {row.try_number}" if row.try_number else "     ", f"{row.state or '-':<17}"]
    if row.launch is not None:
        exited = row.launch.exit_code is not None or row.launch.over
        how = f"exited with {_exit(row) or 'no exit code'}" if exited else _started(row)
        words.append(f"{kind(row)} {row.job} {how}")
    return "  ".join(words).rstrip()


def kind(row: Row) -> str:
    """`ECS task` or `Batch job`; a dash while it is neither."""
    return SERVICES[row.launch.service] if row.launch else "-"


def _started(row: Row) -> str:
    return "runs" if row.launch is not None and row.launch.started else "starts"


def _status(row: Row) -> str:
    return row.launch.status if row.launch else "-"


def _exit(row: Row) -> str:
    return "" if row.launch is None or row.launch.exit_code is None else str(row.launch.exit_code)
