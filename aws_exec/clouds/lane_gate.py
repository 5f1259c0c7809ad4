"""What happens while the credentials do not work: every lane to AWS pauses, one thread mends, then all go on.

One bad set of credentials fails every call alike. So the first call that says so closes the gate; behind it queued
effects stay queued, and a thread of its own rebuilds the client until a harmless call gets past authentication.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from aws_exec.lifecycle.values import Fault, Trouble

log = logging.getLogger(__name__)

#: The first rebuild waits a moment, so that a rotation in progress ends; later ones must not hammer STS.
FIRST_RENEWAL_SECONDS = 5.0
LONGEST_RENEWAL_SECONDS = 60.0


class CredentialsGate:
    """Open while the credentials work. Thread-safe.

    Args:
        mend: rebuild the client and try it; None if the credentials work now, else what is wrong. Never raises.
        opened: called after the gate has opened again.
        first, longest: seconds before the first try, and at most between two.
    """

    def __init__(
        self,
        mend: Callable[[], Fault | None],
        opened: Callable[[], None],
        first: float = FIRST_RENEWAL_SECONDS,
        longest: float = LONGEST_RENEWAL_SECONDS,
    ) -> None:
        self._mend = mend
        self._opened = opened
        self._first = first
        self._longest = longest
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._paused = False
        self._age = 0

    def is_paused(self) -> bool:
        """Whether lanes must hold what they have."""
        return self._paused

    @property
    def age(self) -> int:
        """How often the client has been mended; a call remembers the age it was made at."""
        return self._age

    def failed(self, age: int, fault: Fault) -> None:
        """A call made at `age` met bad credentials: pause, unless they have been mended since."""
        with self._lock:
            if self._paused or age != self._age or self._closing.is_set():
                return
            self._paused = True
        try:
            threading.Thread(target=self._recover, args=(fault,), name="awsexec-credentials", daemon=True).start()
        except RuntimeError:
            # Out of threads: nobody could open the gate again. The next call that fails tries to close it.
            log.warning("AWS credentials do not work (%s), and no thread can be started to renew them", fault)
            self._paused = False

    def close(self) -> None:
        """Mend no more. Does not wait for a try under way."""
        self._closing.set()

    def _recover(self, fault: Fault) -> None:
        delay = self._first
        trouble: Fault | None = fault
        while trouble is not None:
            log.warning("AWS credentials do not work (%s); every launch waits; next try in %g s", trouble, delay)
            if self._closing.wait(delay):
                return
            trouble = self._mend()
            delay = min(self._longest, delay * 2)
        log.info("AWS credentials work again; launching goes on")
        with self._lock:
            self._age += 1
            self._paused = False
        self._opened()


def still_unauthenticated(fault: Fault | None) -> Fault | None:
    """The fault, if it means that the credentials do not work; a refusal of any other kind got past authentication."""
    return fault if fault is not None and fault.trouble is Trouble.CREDENTIALS else None
