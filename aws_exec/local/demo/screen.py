"""What the demo prints: a spinner with seconds and a live table while it waits on a terminal, lines elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from aws_exec.local.demo.table import Progress, table
from aws_exec.local.demo.watch import Row

#: Shows rows as they are now.
Show: TypeAlias = Callable[[Sequence[Row]], None]


@dataclass
class _Waiting:
    """A table of rows, if there are any, above a spinner, what is awaited, and the seconds so far."""

    what: str
    began: float = field(default_factory=time.monotonic)
    rows: Sequence[Row] = ()
    spinner: Spinner = field(default_factory=lambda: Spinner("line", style="cyan"))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if self.rows:
            yield table(self.rows)
        self.spinner.update(text=f"{self.what} ({time.monotonic() - self.began:.0f} s)")
        yield self.spinner


class Screen:
    """Prints for the demo. Words wrap at a terminal's width; elsewhere a line is a line, however long."""

    def __init__(self, console: Console) -> None:
        """Print on a console."""
        self._console = console
        self._progress = Progress()

    def say(self, text: str | Text = "", style: str = "") -> None:
        """Print a sentence."""
        self._console.print(
            text, style=style, highlight=False, markup=False, emoji=False, soft_wrap=not self._console.is_terminal
        )

    def show(self, what: RenderableType) -> None:
        """Print a table."""
        self._console.print(what)

    def table(self, rows: Sequence[Row]) -> None:
        """Print rows as a table of their own."""
        self.say()
        self.show(table(rows))
        self.say()

    @contextlib.contextmanager
    def waiting(self, what: str) -> Iterator[Show]:
        """Say what is awaited while it is; yield what shows the rows of a table meanwhile.

        On an interactive terminal all of it vanishes in the end, but for a line with the seconds that it took.
        """
        if not self._console.is_interactive:
            self.say(f"{what} ...", style="dim")
            yield self._changes
            return
        waiting = _Waiting(what)

        def show(rows: Sequence[Row]) -> None:
            waiting.rows = rows

        with Live(waiting, console=self._console, refresh_per_second=8, transient=True):
            yield show
        self.say(f"{what}: {time.monotonic() - waiting.began:.0f} s", style="dim")

    def _changes(self, rows: Sequence[Row]) -> None:
        if not self._console.is_terminal:
            for line in self._progress.lines(rows):
                self.say(line)
