"""What a terminal shows while a command works: a bar, or a line with a spinner; a pipe gets neither."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from awsexec_cli.output import printer


@contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Show a bar; yields the function that advances it."""
    from rich.progress import Progress  # noqa: PLC0415 - the CLI starts fast

    with Progress(console=printer.err, transient=True, disable=not printer.err.is_terminal) as bar:
        task: Any = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


@contextmanager
def progress_line(text: Callable[[], str]) -> Iterator[None]:
    """Show a line, whose text is computed anew several times per second."""
    if not printer.err.is_terminal:
        yield
        return
    from rich.live import Live  # noqa: PLC0415 - the CLI starts fast
    from rich.spinner import Spinner  # noqa: PLC0415 - likewise

    spinner = Spinner("line")

    def line() -> Spinner:
        spinner.update(text=text())
        return spinner

    # Not redirected: what is printed meanwhile must not go through the line when it is gone.
    plain: Any = {"redirect_stdout": False, "redirect_stderr": False}
    with Live(console=printer.err, get_renderable=line, refresh_per_second=8, transient=True, **plain):
        yield
