"""`python -m bench`: run everything, or what is named, and write docs/benchmarks.md. Progress goes to stderr.

A name is a measure (`burst`), the beginning of a run's name (`burst-ecs`), `commands`, or `page`: no run, only the page
anew. What is run alone replaces its own results; the others stay as they were.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import commands, home, machine, page
from bench.results import Results
from bench.spec import Run, all_runs


def main() -> int:
    """Run; 1 if a run failed."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="a measure; may be repeated")
    only: list[str] = parser.parse_args().only
    chosen = [run for run in all_runs() if not only or any(run.name.startswith(name) for name in only)]
    results = Results.load() if only else Results({})
    if only != ["page"]:
        results.machine = machine.describe()
        with tempfile.TemporaryDirectory(prefix="awsexec-bench-") as directory:
            _measure(chosen, results, Path(directory), with_commands=not only or "commands" in only)
    page.write(results)
    return int(any("failed" in figures for figures in results.runs.values()))


def _measure(runs: list[Run], results: Results, directory: Path, *, with_commands: bool) -> None:
    _say("preparing an Airflow home ...")
    empty = home.make_home(directory / "empty")
    if with_commands:
        results.runs["commands"] = commands.measure(home.environment(empty))
        _say(f"commands: {results.runs['commands']}")
        results.save()
    for number, run in enumerate(runs, 1):
        _say(f"[{number}/{len(runs)}] {run.name} ...")
        begin = time.monotonic()
        figures = _run(run, home.copy_of(empty, directory / run.name))
        results.runs[run.name] = {**figures, "took": round(time.monotonic() - begin, 1)}
        _say(f"    {results.runs[run.name]}")
        results.save()


def _run(run: Run, where: Path) -> dict[str, Any]:
    """One run in a process of its own."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "bench.worker"],
        env=home.environment(where) | home.options(run),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said, errors = worker.communicate(json.dumps(asdict(run)), timeout=run.limit)
    except subprocess.TimeoutExpired:
        return {"failed": f"not within {run.limit:g} s"}
    finally:
        # With it goes the scripted service, a child of its own; after a run that ended in order there is nobody left.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, signal.SIGKILL)
    if worker.returncode:
        _say(errors[-3000:])
        return {"failed": f"exit code {worker.returncode}"}
    figures: dict[str, Any] = json.loads(said.splitlines()[-1])
    return figures


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
