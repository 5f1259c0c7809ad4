"""What a request has to say of its launch type where nobody configured one: asked of each cluster once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from aws_exec.clouds.errors import CloudError
from aws_exec.lifecycle.values import Trouble

#: Seconds for which a failed look-up is the answer: a launch backs off for about as long, and a hundred that wait must
#: not ask an API that hangs one after the other.
FAILURE_SECONDS = 10.0

#: What decides it, in both spellings.
_DECIDES = ("launchType", "launch_type", "capacityProviderStrategy", "capacity_provider_strategy")


def names_launch_type(document: object) -> bool:
    """Whether a RunTask-shaped document (an executor_config, `run_task_kwargs`) says where its container is to run."""
    return isinstance(document, Mapping) and any(document.get(name) for name in _DECIDES)


@dataclass(slots=True)
class _LookUp:
    """One question, asked by one thread; whoever needs the answer meanwhile waits for it."""

    answer: Future[str | None] = field(default_factory=Future)
    #: When it is void; None: never.
    until: float | None = None


class LaunchTypes:
    """The default launch type of each place. Thread-safe; no lock is held while AWS is asked.

    Args:
        look_up: asks AWS; may take seconds, and raise.
        clock: seconds, monotonic.
    """

    def __init__(self, look_up: Callable[[str], str | None], clock: Callable[[], float] = time.monotonic) -> None:
        self._look_up = look_up
        self._clock = clock
        self._lock = threading.Lock()
        self._look_ups: dict[str, _LookUp] = {}

    def of(self, place: str) -> str | None:
        """What a request to this place is to say; None: nothing.

        Raises:
            CloudError: it could not be found out, now or some seconds ago.
        """
        with self._lock:
            known = self._look_ups.get(place)
            mine = known is None or (known.until is not None and self._clock() >= known.until)
            one = self._look_ups[place] = _LookUp() if known is None or mine else known
        if mine:
            self._ask(place, one)
        return one.answer.result()

    def _ask(self, place: str, one: _LookUp) -> None:
        try:
            one.answer.set_result(self._look_up(place))
        except BaseException as error:  # noqa: BLE001 - it is raised to everybody who waits for the answer
            one.until = self._clock() + (0.0 if _is_waited_for(error) else FAILURE_SECONDS)
            one.answer.set_exception(error)


def _is_waited_for(error: Any) -> bool:
    """Bad credentials: the lanes pause until they are renewed, and must then not be told of the old ones."""
    return isinstance(error, CloudError) and error.fault.trouble is Trouble.CREDENTIALS
