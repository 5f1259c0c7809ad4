"""docs/benchmarks.md, made of the results."""

from __future__ import annotations

from pathlib import Path

from bench import plots
from bench.machine import BUSY
from bench.results import FILE, Results
from bench.table import rows
from docs.parts import table

PAGE = Path("docs/benchmarks.md")

_HEAD = """\
# Benchmarks

`make bench` writes this page: it runs the executors of the Amazon provider and ours in turn, against the same scripted
AWS, and takes about a quarter of an hour on two quiet cores. `make bench ONLY=burst` runs one measure, and replaces its
figures only. The figures are in [`{results}`]({results}); the code is in `bench/`.
"""

_HOW = """\
## How it is measured

- Each run is one measure of one executor in a process of its own, with Airflow's real `BaseExecutor`, real
  `TaskInstance` rows in SQLite and boto3. What is called of an executor is what the scheduler calls:
  `queue_workload`, `heartbeat`, `get_event_buffer`, `try_adopt_task_instances`.
- The scripted AWS (`tests.scripted.services`) is a third process, on loopback, and answers 60 ms after the call.
  {api}
- Beats follow each other as in Airflow's loop: 20 ms after one that brought something, or while tasks are being
  launched; a second after an idle one (`[scheduler] scheduler_idle_sleep_time`).
- Both executors have their default options, but for the names of cluster, queue and definitions, and no launch rate
  where the measure says that there is no quota.
- Garbage of importing Airflow is frozen (`gc.freeze`) before the first measured beat, for both.
- A fleet that runs already is adopted: copies of a request that the same executor has really sent, and one row each.
- "CPU" is of the whole process that holds the executor, all threads; the fleet's own process is not counted.
"""


def write(results: Results) -> None:
    """Write the page and its plots."""
    drawn = plots.draw(results)
    lines = [_HEAD.format(results=FILE.relative_to(PAGE.parent)), _machine(results), _table(results)]
    if drawn:
        lines.append("## Plots\n")
        lines += [f"![{caption}]({path.relative_to(PAGE.parent)})\n\n{caption}.\n" for caption, path in drawn.items()]
    lines.append(_HOW.format(api=_api(results)))
    PAGE.write_text("\n".join(lines), encoding="utf-8")


def _machine(results: Results) -> str:
    machine = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    told = (
        f"Taken on {machine['date']}, on {machine['cores']} cores ({machine['system']}), "
        f"Python {machine['python']}, {versions}.\n"
    )
    busy = machine["busy_before"]
    if busy is None or busy >= BUSY:
        share = "an unknown share" if busy is None else f"{busy:.0%}"
        told += f"\n**Provisional**: {share} of the cores was in use by something else when the benchmark began.\n"
    failed = {name: figures["failed"] for name, figures in results.runs.items() if "failed" in figures}
    return told + "".join(f"\nThe run `{name}` failed: {why}.\n" for name, why in failed.items())


def _table(results: Results) -> str:
    measured = list(rows(results))
    cells = ((row.measure, row.theirs, row.ours, row.wanted, row.verdict) for row in measured)
    lines = ["## Results\n", table(("measure", "Amazon provider", "awsexec", "wanted", "met?"), cells)]
    unmet = [row for row in measured if row.reason]
    if unmet:
        lines += ["", "What is not met, and why:", "", *(f"- {row.measure}: {row.reason}" for row in unmet)]
    return "\n".join(lines) + "\n"


def _api(results: Results) -> str:
    """How heavy the service itself is."""
    said = []
    for who, title in (("amazon", "theirs"), ("awsexec", "ours")):
        size = results.figure(f"burst-ecs-{who}", "bytes_per_described_task")
        plateau = results.plateau(f"watching-ecs-{who}", 2000)
        if size is None or not plateau:
            continue
        api, own = plateau["api_cpu_seconds_per_minute"], plateau["cpu_seconds_per_minute"]
        said.append(
            f"{title}: a described task is {size:,} bytes; watching 2,000 costs it {api:g} s of CPU a minute "
            f"(the executor {own:g} s)"
        )
    return f"What it says, and what that costs it: {'; '.join(said)}." if said else ""
