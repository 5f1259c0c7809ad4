"""`make mutants`: the lifecycle is broken in every small way that mutmut knows; does a test fail each time?

Runs in `mutants/`, a copy of the tree; goes on where it was stopped. The result is written into docs/mutants.md.
Takes ten minutes or more; `make mutants SHARE=0.2` tries a fifth of them, the same each time.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import json
import os
import random
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from docs.parts import replaced, table
from tests.tree import ROOT

PAGE = ROOT / "docs" / "mutants.md"
#: Small, and all of it is tried first: mutmut makes every mutant before it runs the first.
FIRST = "aws_exec.lifecycle.policy.*"
#: Exit codes of pytest in mutmut's workers; what is not here was ended because it took too long.
KILLED, SURVIVED, UNTESTED = {1, 3}, {0}, {5, 33}


@dataclass(frozen=True)
class Mutant:
    """One mutant.

    Attributes:
        name: mutmut's.
        module: which file it breaks.
        outcome: killed, survived, no test, too slow; empty if it was not tried.
        difference: the lines that differ.
    """

    name: str
    module: str
    outcome: str
    difference: str


def outcome_of(code: int | None) -> str:
    """An exit code in words."""
    if code is None:
        return ""
    return "killed" if code in KILLED else "survived" if code in SURVIVED else "no test" if code in UNTESTED else "slow"


def mutants_in(folder: Path) -> list[Mutant]:
    """What mutmut made, and what became of it."""
    return [each for meta in sorted(folder.rglob("lifecycle/*.py.meta")) for each in _of_module(meta)]


def _of_module(meta: Path) -> list[Mutant]:
    text = meta.with_suffix("").read_text("utf-8")
    lines = [re.sub(r"\s+", " ", line) for line in text.splitlines()]
    functions = {
        node.name: lines[node.lineno - 1 : node.end_lineno]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
    }
    found = []
    for name, code in json.loads(meta.read_text())["exit_code_by_key"].items():
        function = name.rpartition(".")[2]
        original = re.sub(r"__mutmut_\d+$", "__mutmut_orig", function)
        compared = difflib.unified_diff(functions[original], functions[function], n=0, lineterm="")
        told = [
            each for each in compared if each[:1] in "+-" and each[:3] not in ("---", "+++") and "def x" not in each
        ]
        difference = "\n".join(told)
        found.append(Mutant(name, meta.name.removesuffix(".py.meta"), outcome_of(code), difference))
    return found


def counted(mutants: list[Mutant]) -> str:
    """By module: how many there are, and what became of them."""
    outcomes = ("killed", "slow", "no test", "survived")
    modules = sorted({each.module for each in mutants})
    rows = []
    for name, some in [*((f"`{m}`", [e for e in mutants if e.module == m]) for m in modules), ("all", mutants)]:
        count = Counter(each.outcome for each in some)
        figures = (len(some), len(some) - count[""], *(count[outcome] for outcome in outcomes))
        rows.append((name, *map(str, figures)))
    return table(("module", "mutants", "tried", *outcomes), rows)


def shown(mutants: list[Mutant]) -> str:
    """What is written into the page."""
    left = [each for each in mutants if each.outcome in ("survived", "no test")]
    survivors = "\n\n".join(f"{each.module}: {_function(each)}\n{each.difference}" for each in left)
    when = datetime.now(tz=UTC).date().isoformat()
    return f"{when}:\n\n{counted(mutants)}\n\nThe survivors:\n\n```diff\n{survivors}\n```"


def _function(mutant: Mutant) -> str:
    return re.sub(r"^x_?|ǁ|__mutmut_\d+$", " ", mutant.name.rpartition(".")[2]).strip().replace("  ", " ")


def run(*names: str) -> None:
    """Try these; those that were tried before, with the same code, are not tried again."""
    environment = {**os.environ, "HYPOTHESIS_PROFILE": "mutants"}
    mutmut = [str(Path(sys.executable).parent / "mutmut"), "run", *names]
    subprocess.run(mutmut, cwd=ROOT, env=environment, check=True)


def main() -> None:
    """Run, or only read, and write the page."""
    parser = argparse.ArgumentParser(description="Break the lifecycle in every small way; does a test fail?")
    parser.add_argument("--share", type=float, default=1.0, help="of the mutants, drawn with the seed")
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--read", type=Path, help="a folder with what mutmut left; nothing is run")
    asked = parser.parse_args()
    if asked.read is None:
        run(*([FIRST] if asked.share < 1 else []))
    folder = asked.read or ROOT / "mutants"
    if asked.read is None and asked.share < 1:
        names = sorted(each.name for each in mutants_in(folder))
        run(*random.Random(asked.seed).sample(names, round(asked.share * len(names))))
    found = mutants_in(folder)
    PAGE.write_text(replaced(PAGE.read_text("utf-8"), "mutants", shown(found)), "utf-8")
    sys.stdout.write(f"{counted(found)}\n")


if __name__ == "__main__":
    main()
