"""The plots of the page, as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from bench.results import FOLDER, Results

COLOURS = {"amazon": "#b0413e", "awsexec": "#1f6f8b"}
LABELS = {"amazon": "Amazon provider", "awsexec": "awsexec"}

#: The same figures give the same bytes; text stays text.
_STYLE: Any = {"svg.hashsalt": "awsexec", "svg.fonttype": "none", "font.size": 10, "axes.grid": True, "grid.alpha": 0.3}


def draw(results: Results) -> Mapping[str, Path]:
    """Draw what there are results for; the files by their captions."""
    mpl.rcParams.update(_STYLE)
    watching = (
        ("CPU to watch running ECS tasks, seconds per minute", "cpu", "cpu_seconds_per_minute", "CPU seconds a minute"),
        ("Describe and list calls per minute", "calls", "read_calls_per_minute", "calls a minute"),
        ("A beat while nothing is queued, milliseconds (median)", "beats", "median_ms", "milliseconds"),
    )
    drawn = {"Longest time that the scheduler is blocked (logarithmic)": _blocked(results)}
    drawn |= {caption: _by_jobs(results, file, figure, label) for caption, file, figure, label in watching}
    return {caption: path for caption, path in drawn.items() if path is not None}


def _blocked(results: Results) -> Path | None:
    cases = {
        "200 queued, ECS": ("burst-ecs", "longest_ms"),
        "200 queued, Batch": ("burst-batch", "longest_ms"),
        "5,000 adopted": ("adoption-ecs", "blocked_ms"),
        "5,000 end at once": ("ending-ecs", "longest_ms"),
    }
    figure, axes = _axes("seconds")
    found = False
    for offset, who in ((-0.2, "amazon"), (0.2, "awsexec")):
        values = [results.figure(f"{run}-{who}", name) for run, name in cases.values()]
        known = [(at + offset, value / 1000) for at, value in enumerate(values) if value is not None]
        found = found or bool(known)
        bars = axes.bar([at for at, _ in known], [value for _, value in known], 0.38, color=COLOURS[who])
        axes.bar_label(bars, fmt="%.3g", fontsize=8)
        bars.set_label(LABELS[who])
    axes.set_yscale("log")
    axes.axhline(0.05, color="grey", linewidth=0.8, linestyle="--", label="50 ms")
    axes.set_xticks(range(len(cases)), list(cases))
    axes.legend()
    return _save(figure, "blocked") if found else None


def _by_jobs(results: Results, file: str, name: str, label: str) -> Path | None:
    if not any(results.figure(f"watching-ecs-{who}", "plateaus") for who in COLOURS):
        return None
    figure, axes = _axes(label)
    for who, colour in COLOURS.items():
        plateaus: list[dict[str, Any]] = results.figure(f"watching-ecs-{who}", "plateaus") or []
        if plateaus:
            axes.plot(
                [each["jobs"] for each in plateaus],
                [each[name] for each in plateaus],
                marker="o",
                color=colour,
                label=LABELS[who],
            )
    axes.set_xlabel("running jobs")
    axes.set_xscale("log")
    axes.set_xticks([1000, 2000, 5000, 10_000, 20_000], ["1,000", "2,000", "5,000", "10,000", "20,000"])
    axes.minorticks_off()
    if name == "median_ms":
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    axes.legend()
    return _save(figure, file)


def _axes(label: str) -> tuple[Figure, Any]:
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.set_ylabel(label)
    return figure, axes


def _save(figure: Figure, name: str) -> Path:
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.svg"
    figure.savefig(path, metadata={"Date": None})
    return path
