"""What the runs came to, in a file beside the documentation: the page is made of it, and of nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

#: Seen from the root of the repository.
FOLDER = Path("docs/benchmarks")
FILE = FOLDER / "results.json"


@dataclass
class Results:
    """Of all runs.

    Attributes:
        machine: see `bench.machine`; of the last invocation.
        runs: by name: its figures, or `{"failed": why}`; `took` is the seconds that the run took in all.
    """

    machine: dict[str, Any]
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def figure(self, run: str, name: str) -> Any:
        """One figure; None if the run was not made, or failed."""
        return self.runs.get(run, {}).get(name)

    def plateau(self, run: str, jobs: int) -> dict[str, Any]:
        """The figures of a watching run at so many jobs; empty if there are none."""
        plateaus = self.figure(run, "plateaus") or ()
        return next((each for each in plateaus if each["jobs"] == jobs), {})

    def save(self) -> None:
        """Write the file."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        FILE.write_text(json.dumps({"machine": self.machine, "runs": self.runs}, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls) -> Results:
        """Read the file; empty if there is none."""
        if not FILE.exists():
            return cls({})
        read = json.loads(FILE.read_text(encoding="utf-8"))
        return cls(read["machine"], read["runs"])
