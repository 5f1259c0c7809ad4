"""What became of the demo: whether all went as it should, why not, and the result."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from aws_exec.container.outcome import Outcome
from aws_exec.local.airflow.records import Event
from aws_exec.local.demo.plan import EXPECTED, SERVICES, Expected
from aws_exec.local.demo.table import kind
from aws_exec.local.demo.watch import Row
from aws_exec.local.script import Launch

#: The kind of event that the executors write into a task's event log.
OUR_EVENT = "awsexec"

#: Lines of a task's log that are shown when it failed.
_LOG_LINES = 6


def problems(rows: Sequence[Row], expected: Mapping[str, Expected] = EXPECTED) -> list[str]:
    """Everything that is not as it should be, a sentence each; empty if all is well."""
    by_task: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_task[row.task].append(row)
    found = [f"{task} is not part of the plan" for task in by_task if task not in expected]
    for task, want in expected.items():
        found += _of_task(task, by_task.get(task, []), want)
    tokens = Counter(row.launch.token for row in rows if row.launch)
    return found + [f"the token {token} was launched {count} times" for token, count in tokens.items() if count > 1]


def _of_task(task: str, rows: Sequence[Row], want: Expected) -> Iterable[str]:
    launches = [row.launch for row in rows if row.launch]
    state = rows[-1].state if rows else ""
    if state != want.state:
        yield f"{task} ended {state or 'without a state'}"
    if len(launches) != want.launches:
        yield f"{task} took {_counted(len(launches), 'container')} instead of {want.launches}"
    if rows and rows[-1].try_number > want.tries:
        yield f"{task} burnt a try: it ended on try {rows[-1].try_number} instead of {want.tries}"
    for row in rows:
        if row.launch is not None:
            yield from _of_container(row, row.launch, want)


def _of_container(row: Row, launch: Launch, want: Expected) -> Iterable[str]:
    if launch.service != want.service:
        yield f"{row.task} ran as {SERVICES[launch.service]} {row.job}, not as {SERVICES[want.service]}"
    if launch.exit_code != (want.exit_code if row.try_number >= want.tries else Outcome.FAILED):
        why = ", ".join(word for word in (launch.stop_code, launch.stopped_reason) if word)
        code = f"the exit code {launch.exit_code}" if launch.exit_code is not None else "no exit code"
        yield f"{row.task}'s {SERVICES[launch.service]} {row.job} has {code}{why and f': {why}'}"


def came_back(rows: Sequence[Row], expected: Mapping[str, Expected] = EXPECTED) -> list[str]:
    """A sentence for each task that came back: why, and whether its old ECS task or Batch job was still ending."""
    told = []
    for row in rows:
        before = row.return_of
        if before is None:
            continue
        why = expected.get(row.task, Expected()).because or "was launched again"
        when = "after its first had ended" if before.over else f"while its first was still {before.status}"
        told.append(f"{row.task} {why}, and came back as {kind(row)} {row.job} {when}")
    return told


def still_stopping(rows: Sequence[Row]) -> str:
    """A sentence about the ECS tasks and Batch jobs that AWS is still stopping; empty if there are none."""
    names = list(dict.fromkeys(row.task for row in rows if row.launch is not None and not row.launch.over))
    return f"AWS is still stopping {listed(names)}; Airflow does not wait for that." if names else ""


def listed(names: Sequence[str]) -> str:
    """Names as a phrase: `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def overlapped(rows: Sequence[Row]) -> set[str]:
    """The tasks whose next container was launched while the ECS task or Batch job before was not over."""
    return {row.task for row in rows if row.return_of is not None and not row.return_of.over}


def result(report: Mapping[str, Any]) -> Table:
    """What the DAG found out."""
    table = Table(
        title="Dust in the air (PM2.5, µg/m³)", title_justify="left", title_style="bold", box=None, pad_edge=False
    )
    for name in ("station", "mean", "worst", "at"):
        table.add_column(name, justify="right" if name in {"mean", "worst"} else "left", no_wrap=True)
    for line in report["ranking"]:
        style = "yellow" if line["station"] in report["above"] else ""
        table.add_row(
            line["station"], str(line["mean"]), str(line["worst"]), line["worst_at"].replace("T", " "), style=style
        )
    return table


def result_in_words(report: Mapping[str, Any]) -> str:
    """The same in a sentence."""
    return (
        f"{report['readings']} readings ({report['missing']} without a value); {len(report['above'])} of "
        f"{len(report['ranking'])} stations are above the guideline of {report['guideline']:g}."
    )


def verdict(rows: Sequence[Row], seconds: float, started_in: float) -> str:
    """One line: how much ran, for how long."""
    counts = Counter(kind(row) for row in rows if row.launch)
    kinds = ", ".join(_counted(counts[name], name) for name in SERVICES.values())
    tasks = len({row.task for row in rows})
    return (
        f"{tasks} task instances in {_counted(counts.total(), 'container')} ({kinds}) took {seconds:.0f} s, "
        f"after {started_in:.0f} s to start AWS and Airflow."
    )


def explain(rows: Sequence[Row], events: Sequence[Event], logs: Path) -> list[str]:
    """Why tasks failed: what the executor wrote into their event logs, and the end of their own logs."""
    told = []
    for task in dict.fromkeys(row.task for row in rows if row.state in {"failed", "upstream_failed"}):
        last = [row for row in rows if row.task == task][-1]
        if last.state == "upstream_failed":
            continue
        told.append(f"{task} failed on try {last.try_number}:")
        identifier, _, index = task.removesuffix("]").partition("[")
        ours = [e for e in events if (e.task_id, str(e.map_index if e.map_index >= 0 else "")) == (identifier, index)]
        told += [f"  {line}" for event in ours if event.event == OUR_EVENT for line in _said(event).splitlines()]
        told += [f"  | {line}" for line in task_log(logs, identifier, index)]
    return told


def task_log(logs: Path, task_id: str, map_index: str = "", lines: int = _LOG_LINES) -> list[str]:
    """The last lines of a task's newest log, in words; empty if it has none."""
    found = sorted(
        path
        for path in logs.rglob(f"task_id={task_id}/**/attempt=*.log")
        if not map_index or f"map_index={map_index}" in path.parts
    )
    if not found:
        return []
    return [_worded(line) for line in found[-1].read_text(errors="replace").splitlines()[-lines:]]


def _worded(line: str) -> str:
    """A line of JSON, as Airflow logs, as its message with its error; anything else as it is."""
    try:
        logged = json.loads(line)
    except ValueError:
        return line
    if not isinstance(logged, dict):
        return line
    errors = [f"{e.get('exc_type')}: {e.get('exc_value')}" for e in logged.get("error_detail") or []]
    return " ".join([str(logged.get("event", line)), *errors])


def _said(event: Event) -> str:
    return event.extra.strip() or event.event


def _counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
