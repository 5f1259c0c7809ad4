"""The credentials gate: while the credentials do not work, the lanes to AWS pause and one thread renews them.

Bad credentials fail every call alike. So the first failure closes the gate: queued effects wait while a separate thread
rebuilds the client until a harmless call authenticates.

Rebuilding reads Airflow's database and may run a program; both can hang. A hung thread is abandoned and replaced.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from aws_exec.dispatch.log import emit
from aws_exec.lifecycle.values import CallFailure, FailureKind

log = logging.getLogger(__name__)

#: The first rebuild waits a moment, so that a rotation in progress ends; later ones must not hammer STS.
FIRST_RENEWAL_SECONDS = 5.0
LONGEST_RENEWAL_SECONDS = 60.0
#: Seconds after which a try is given up: a few calls to AWS, each with a timeout of 25 s, may be slow and still
#: succeed.
RENEWAL_SECONDS = 120.0
#: Threads that may hang at a time: each may hold a connection of Airflow's pool.
MAX_HUNG_RENEWALS = 2


class CredentialsGate:
    """Open while the credentials work. Thread-safe.

    Args:
        renew: rebuilds the client and tries it; None if the credentials work now, else the failure. Never raises.
        opened: called after the gate has opened again.
        first, longest: seconds before the first try, and at most between two.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        renew: Callable[[], CallFailure | None],
        opened: Callable[[], None],
        first: float = FIRST_RENEWAL_SECONDS,
        longest: float = LONGEST_RENEWAL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._renew = renew
        self._opened = opened
        self._first = first
        self._longest = longest
        self._clock = clock
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._paused = False
        #: Why it is paused; None once the client has been renewed.
        self._failure: CallFailure | None = None
        self._thread: threading.Thread | None = None
        #: When the thread began its current try; None between two.
        self._trying_since: float | None = None
        #: Threads that hung when they were abandoned, and may still.
        self._abandoned: list[threading.Thread] = []
        self._generation = 0

    def is_paused(self) -> bool:
        """Return whether lanes must pause."""
        return self._paused

    @property
    def generation(self) -> int:
        """How often the client has been renewed; a call remembers the generation that it was made with."""
        return self._generation

    def failed(self, generation: int, failure: CallFailure) -> None:
        """Pause, unless the credentials were renewed since: a call made with this generation met bad ones."""
        with self._lock:
            if not self._paused and generation == self._generation:
                self._failure = failure
                self._paused = True
        self.ensure_thread()

    def ensure_thread(self) -> None:
        """Start the thread that renews the credentials, if it is needed and does not run. Called once a second.

        A thread that hangs in a try is abandoned first; its result, if it ever ends, is ignored.
        """
        try:
            with self._lock:
                self._abandon()
                is_needed = self._paused and not self._closing.is_set()
                if is_needed and (self._thread is None or not self._thread.is_alive()):
                    self._trying_since = None
                    self._thread = threading.Thread(target=self._recover, name="awsexec-credentials", daemon=True)
                    self._thread.start()
        except RuntimeError:
            emit(log, logging.WARNING, "No thread can be started to renew the AWS credentials; trying again")

    def _abandon(self) -> None:
        """Give up a thread that hangs. To be called with the lock."""
        thread, since = self._thread, self._trying_since
        self._abandoned = [each for each in self._abandoned if each.is_alive()]
        if thread is None or since is None or self._clock() - since <= RENEWAL_SECONDS:
            return
        if len(self._abandoned) < MAX_HUNG_RENEWALS:
            self._abandoned.append(thread)
            self._thread = self._trying_since = None
            emit(log, logging.WARNING, "Renewing the AWS credentials hangs for %g s; trying again", RENEWAL_SECONDS)

    def close(self) -> None:
        """Renew no more. Does not wait for a try under way."""
        self._closing.set()

    def _recover(self) -> None:
        delay = self._first
        while (failure := self._failure) is not None:
            emit(
                log,
                logging.WARNING,
                "AWS credentials do not work (%s); every launch waits; next try in %g s",
                failure,
                delay,
            )
            if self._closing.wait(delay):
                return
            self._trying_since = self._clock()
            found = self._renew()
            with self._lock:
                if self._thread is not threading.current_thread():
                    return  # abandoned: another thread has replaced it
                self._trying_since = None
                self._failure = found
            delay = min(self._longest, delay * 2)
        emit(log, logging.INFO, "AWS credentials work again; launching continues")
        with self._lock:
            self._generation += 1
            self._paused = False
        self._opened()


def still_unauthenticated(failure: CallFailure | None) -> CallFailure | None:
    """Return the failure if it means that the credentials do not work; other refusals come after authentication."""
    return failure if failure is not None and failure.kind is FailureKind.CREDENTIALS else None
