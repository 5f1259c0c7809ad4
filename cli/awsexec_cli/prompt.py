"""The prompt: one question on a terminal."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from awsexec_cli.output import printer


def ask(question: str) -> str:
    """Return the answer: a line without its end, empty at the end of input.

    Ctrl-C always interrupts. `input()` misses it right before it reads: the signal's handler waits for the next
    bytecode, which waits for the line.

    Raises:
        KeyboardInterrupt: Ctrl-C.
    """
    with _woken_by_signals() as woken:
        printer.err.print(f"{question} ", end="", highlight=False, markup=False, soft_wrap=True)
        select.select([sys.stdin, woken], [], [])
    return sys.stdin.readline().strip()


@contextmanager
def _woken_by_signals() -> Iterator[int]:
    """Yield a descriptor that is readable once a signal has arrived, however early."""
    woken, waker = os.pipe()
    os.set_blocking(waker, False)
    before = signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    try:
        yield woken
    finally:
        signal.set_wakeup_fd(before)
        os.close(woken)
        os.close(waker)
