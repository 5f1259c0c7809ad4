"""The picture of `awsexec demo` in the README: `make picture`, or `python -m docs.picture`.

Runs the demo, which takes a minute or two, and writes what it prints from its table on to docs/demo.svg, with its
colours, and as text into the README, between `begin demo` and `end demo`. Both are of one and the same run.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path
from typing import Any

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.table import Table

from aws_exec.local.demo.runner import Options, run
from docs.parts import replaced

HERE = Path(__file__).parent
README = HERE.parent / "README.md"

#: Columns: the demo's longest line.
WIDTH = 120


class _Recorder(Console):
    """A terminal of no one, which forgets what it was told before the first table."""

    def __init__(self) -> None:
        super().__init__(record=True, width=WIDTH, file=io.StringIO(), force_terminal=False)
        self._began = False

    def print(self, *objects: Any, **options: Any) -> None:
        if not self._began and any(isinstance(one, Table) for one in objects):
            self._began = True
            self.export_text(clear=True)
        super().print(*objects, **options)


def svg(console: Console) -> str:
    """The picture, which fetches nothing: Rich's own names a web font."""
    without = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    return console.export_svg(title="awsexec demo", code_format=without, unique_id="demo", clear=False)


def in_readme(readme: str, text: str) -> str:
    """The README with the text in its place."""
    lines = "\n".join(line.rstrip() for line in text.strip("\n").splitlines())
    return replaced(readme, "demo", f"```text\n{lines}\n```")


def main() -> int:
    """Run the demo and write both; 1, and nothing written, if it did not go as it should."""
    console = _Recorder()
    if not run(Options(), console):
        sys.stderr.write(console.export_text())
        return 1
    (HERE / "demo.svg").write_text(svg(console), encoding="utf-8")
    readme = in_readme(README.read_text(encoding="utf-8"), console.export_text(clear=False))
    README.write_text(readme, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
