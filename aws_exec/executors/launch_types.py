"""The launch type that a cluster needs where none is configured; looked up once for each cluster."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aws_exec.clouds.errors import CloudError
from aws_exec.lifecycle.values import FailureKind
from aws_exec.recent import Recent

#: Seconds for which a failed look-up is the answer: a launch backs off for about as long, and a hundred that wait must
#: not call an API that hangs one after the other.
FAILURE_SECONDS = 10.0

#: Locations whose answer is kept: one that is used again after so many others is looked up again.
_LOCATIONS = 1000

#: What decides it, in both spellings.
_DECIDES = ("launchType", "launch_type", "capacityProviderStrategy", "capacity_provider_strategy")


def names_launch_type(document: object) -> bool:
    """Whether a RunTask-shaped document (an executor_config, `run_task_kwargs`) has a launch type or a strategy."""
    return isinstance(document, Mapping) and any(document.get(name) for name in _DECIDES)


@dataclass(slots=True)
class _LookUp:
    """The answer for one location. The thread that looks it up holds `lock`; the others wait for it.

    A thread that dies meanwhile releases the lock without an answer, and the next one looks it up.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    answer: str | None = None
    error: CloudError | None = None
    #: A thread that begins to wait then, or later, looks it up again; None: none does.
    until: float | None = float("-inf")


class LaunchTypes:
    """The default launch type of each location. Thread-safe; a look-up delays no thread that needs another location.

    Args:
        look_up: calls AWS; may take seconds, and raise.
        clock: seconds, monotonic.
    """

    def __init__(self, look_up: Callable[[str], str | None], clock: Callable[[], float] = time.monotonic) -> None:
        self._look_up = look_up
        self._clock = clock
        self._lock = threading.Lock()
        self._look_ups: Recent[str, _LookUp] = Recent(_LOCATIONS)

    def of(self, location: str) -> str | None:
        """Return the launch type that a request to this location needs; None: it needs none.

        Raises:
            CloudError: the look-up failed, now or some seconds ago.
        """
        begun = self._clock()
        with self._lock:
            one = self._look_ups[location] = self._look_ups.get(location) or _LookUp()  # it is the newest
        with one.lock:
            if one.until is not None and begun >= one.until:
                self._look_up_now(location, one)
            if one.error is not None:
                raise one.error
            return one.answer

    def _look_up_now(self, location: str, one: _LookUp) -> None:
        try:
            one.answer, one.error, one.until = self._look_up(location), None, None
        except CloudError as error:
            one.error, one.until = error, self._clock() + (0.0 if _is_waited_for(error) else FAILURE_SECONDS)


def _is_waited_for(error: CloudError) -> bool:
    """Bad credentials: the lanes pause until they are renewed; the failure of the old ones must not outlive that."""
    return error.failure.kind is FailureKind.CREDENTIALS
