"""Signals that unwind a program, and what they must not come in between of."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

#: The ordinary ways to end a program.
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold signals back whose handlers may raise, until the end of the block; the first that came is heard then.

    Python runs handlers in the main thread only; in any other there is nothing to hold back. To block the signals would
    not do: processes that start in the block would inherit that, and other threads would take the signals in.

    A signal may come while the handlers are being exchanged, too, and raise. A handler of ours passes on what comes
    outside the block, so that one that such an exception leaves in place does as the one that it stands for.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    holding = False
    before = {int(number): signal.getsignal(number) for number in ENDING}
    held = {number: handler for number, handler in before.items() if callable(handler)}

    def hear(number: int, frame: FrameType | None) -> None:
        if holding:
            came.append(number)
        else:
            held[number](number, frame)

    try:
        for number in held:
            signal.signal(number, hear)
        holding = True
        yield
    finally:
        holding = False
        for number, handler in held.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
