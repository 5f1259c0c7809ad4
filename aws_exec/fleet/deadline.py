"""A time for something that may hang: AWS may take a connection, and never answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float | None, work: Callable[[], Iterable[T]], late: Callable[[], str]) -> Iterator[T]:
    """What some work gives, as it comes, in a time; what hangs is left behind, and ends with the process.

    Args:
        seconds: for all of it; None: as long as it takes, in this thread.
        work: begins it.
        late: what there is to say where it takes longer.

    Raises:
        TimeoutError: it takes longer.
    """
    if seconds is None:
        yield from work()
        return
    ends = time.monotonic() + seconds
    came: SimpleQueue[tuple[T] | BaseException | None] = SimpleQueue()

    def run() -> None:
        try:
            for each in work():
                came.put((each,))
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            came.put(error)
        else:
            came.put(None)

    threading.Thread(target=run, name="awsexec-within", daemon=True).start()
    while True:
        try:
            result = came.get(timeout=max(0.0, ends - time.monotonic()))
        except Empty:
            raise TimeoutError(late()) from None
        if result is None:
            return
        if isinstance(result, BaseException):
            raise result
        yield result[0]
