"""The picture of `awsexec demo` in the README: `make picture`, or `python -m docs.picture`.

Runs the demo, which takes a minute or two, and writes its second act to docs/demo.svg, with its colours, and what it
prints from its first table on as text into the README, between `begin demo` and `end demo`. Both are of the same run.
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
from awsexec_cli.commands.demo import explain
from awsexec_cli.output import printer
from docs.parts import replaced

HERE = Path(__file__).parent
README = HERE.parent / "README.md"

#: Columns: the picture stays readable in a README, and few sentences wrap.
WIDTH = 100


class _Recorder(Console):
    """A terminal that nobody sees and nothing animates; it forgets what comes before the first table.

    Attributes:
        first_act: the text of the first act; what is recorded is the second.
    """

    def __init__(self) -> None:
        super().__init__(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, force_interactive=False)
        self.first_act = ""
        self._began = False

    def print(self, *objects: Any, **options: Any) -> None:
        if not self._began and any(isinstance(one, Table) for one in objects):
            self._began = True
            self.export_text(clear=True)
        if self._began and any(str(one).strip().startswith("Act 2") for one in objects):
            self.first_act = self.export_text(clear=True)
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
    printer.out = console  # its width is that of what `awsexec explain` prints
    if not run(Options(), console, explain):
        sys.stderr.write(console.export_text())
        return 1
    (HERE / "demo.svg").write_text(svg(console), encoding="utf-8")
    readme = in_readme(README.read_text(encoding="utf-8"), console.first_act + console.export_text(clear=False))
    README.write_text(readme, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
