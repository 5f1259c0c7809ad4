"""A time limit for work that may hang: AWS may accept a connection, and never answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")


def within(seconds: float | None, work: Callable[[], Iterable[T]], late: Callable[[], str]) -> Iterator[T]:
    """Yield the results of some work within a time limit; work that hangs is abandoned, and ends with the process.

    Args:
        seconds: for all of it; None: no limit, in this thread.
        work: returns the results.
        late: returns the message of the TimeoutError.

    Raises:
        TimeoutError: it takes longer.
    """
    if seconds is None:
        yield from work()
        return
    ends = time.monotonic() + seconds
    results: SimpleQueue[tuple[T] | BaseException | None] = SimpleQueue()

    def run() -> None:
        try:
            for each in work():
                results.put((each,))
        except BaseException as error:  # noqa: BLE001 - raised in the waiting thread
            results.put(error)
        else:
            results.put(None)

    threading.Thread(target=run, name="awsexec-within", daemon=True).start()
    while True:
        try:
            result = results.get(timeout=max(0.0, ends - time.monotonic()))
        except Empty:
            raise TimeoutError(late()) from None
        if result is None:
            return
        if isinstance(result, BaseException):
            raise result
        yield result[0]
