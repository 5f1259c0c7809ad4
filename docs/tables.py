"""What is written from data of the code, here and in the README: `make docs`, or `python -m docs.tables`.

What is between a `begin` and its `end` comment of a page is replaced, the rest is left as it is. A test holds that the
pages are in step.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from aws_exec.diagnosis import call_failures, terminations
from aws_exec.diagnosis.model import Rule
from aws_exec.lifecycle.phases import PHASES, STANDINGS, Phase, Standing
from aws_exec.lifecycle.policy import Replacement
from aws_exec.lifecycle.values import FailureKind
from aws_exec.metrics.catalogue import METRICS, Metric
from aws_exec.settings.batch.options import BatchOptions
from aws_exec.settings.ecs.options import EcsOptions
from docs import options
from docs.command_line import reference
from docs.lifecycle import drawn
from docs.parts import replaced, table

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
CONFIGURATION = HERE / "configuration.md"

#: The rows of docs/benchmarks.md that the README shows.
FIGURES = ("longest heartbeat, 200", "launches per second", "launching against a quota")

#: How a rule's judgement is called in a table.
_NEW = {Replacement.YES: "yes", Replacement.FREE: "free", Replacement.NO: "no"}


def metrics() -> str:
    """Every metric of `aws_exec.metrics.catalogue`."""
    rows = [
        (f"`{metric.name}`", metric.kind.value, _by(metric), metric.meaning)
        for metric in sorted(METRICS, key=lambda metric: metric.name)
    ]
    return table(("name", "type", "by; tags", "meaning"), rows)


def diagnosis() -> str:
    """Every rule of `aws_exec.diagnosis`, by service and kind."""
    calls = {
        f"Calls to AWS that failed: {_kinds(kinds)}": tuple(rules)
        for kinds, rules in groupby(call_failures.RULES, key=lambda rule: rule.kinds)
    }
    if sum(map(len, calls.values())) != len(call_failures.RULES):
        raise ValueError("rules of the same kinds stand apart: their parts would share a title")
    return "\n\n".join(
        f"## {title}\n\n{_rules(rules)}" for title, rules in (*terminations.GROUPS.items(), *calls.items())
    )


def lifecycle() -> str:
    """Every transition of `aws_exec.lifecycle.phases`, numbered as in the picture of them."""
    rows = [
        (str(number), _names(each.before, "(begin)"), _names(each.after, "(end)"), each.why)
        for number, each in enumerate((*PHASES, *STANDINGS), start=1)
    ]
    return table(("", "from", "to", "when"), rows)


def _names(which: Sequence[Phase | Standing | None], outside: str) -> str:
    return ", ".join(each.name if each else outside for each in which)


def _by(metric: Metric) -> str:
    by = f"by `{metric.by}`" if metric.by else ""
    return "; ".join(filter(None, (by, ", ".join(f"`{tag}`" for tag in metric.tags))))


def _kinds(kinds: frozenset[FailureKind]) -> str:
    return " or ".join(sorted(kind.value for kind in kinds)) or "anything else"


def _rules(rules: Sequence[Rule]) -> str:
    rows = [
        (f"`{rule.id}`", rule.cause, rule.blame.value, _NEW[rule.replacement], f"{rule.remedy} [AWS]({rule.page})")
        for rule in rules
    ]
    return table(("id", "what happened", "whose it is", "new container", "what to do"), rows)


def figures() -> str:
    """The first measures of docs/benchmarks.md, and how far to trust them."""
    lines = (HERE / "benchmarks.md").read_text(encoding="utf-8").splitlines()
    notes = [line for line in lines if line.startswith(("Taken on", "**Provisional**"))]
    header = [line for line in lines if line.startswith(("| measure", "| ---"))][:2]
    rows = [line for line in lines if line.startswith(tuple(f"| {measure}" for measure in FIGURES))]
    return "\n".join([*header, *rows, "", *notes])


def usage() -> str:
    """What `awsexec --help` prints, 80 columns wide and without colours."""
    shown = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from awsexec_cli.app import main; sys.argv[0] = 'awsexec'; main()",
            "--help",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=HERE.parent,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "TERM": "dumb"},
    ).stdout
    lines = "\n".join(line.rstrip() for line in shown.strip("\n").splitlines()).strip("\n")
    return f"```console\n$ awsexec --help\n{lines}\n```"


#: What writes each part, and where it stands.
PARTS: Mapping[str, tuple[Path, Callable[[], str]]] = {
    "cli": (HERE / "cli.md", reference),
    "lifecycle": (HERE / "concepts.md", lifecycle),
    "metrics": (HERE / "metrics.md", metrics),
    "terms": (CONFIGURATION, options.terms),
    "rules": (CONFIGURATION, options.rules),
    "ecs-options": (CONFIGURATION, lambda: options.options(EcsOptions)),
    "batch-options": (CONFIGURATION, lambda: options.options(BatchOptions)),
    "diagnosis": (HERE / "diagnosis.md", diagnosis),
    "figures": (README, figures),
    "help": (README, usage),
}


def page(name: str) -> str:
    """The text of the page of a part, with that part written anew.

    Raises:
        ValueError: the page has no such part, or two.
    """
    path, write = PARTS[name]
    return replaced(path.read_text(encoding="utf-8"), name, write())


#: What is written whole.
FILES: Mapping[Path, Callable[[], str]] = {HERE / "lifecycle.svg": drawn}


if __name__ == "__main__":
    for picture, draw in FILES.items():
        picture.write_text(draw(), encoding="utf-8")
    for each, (file, _) in PARTS.items():
        file.write_text(page(each), encoding="utf-8")
