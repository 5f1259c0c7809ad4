"""Rate-limited logging: each kind of failure at most once a minute, with a count of those left out.

Ten thousand waiting launches have the same failure ten thousand times, and again at each retry. A line contains the
failure, which has no credential, and never the request.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable, Hashable
from contextlib import suppress

from aws_exec.lifecycle.values import CallFailure, FailureKind
from aws_exec.recent import Recent

log = logging.getLogger(__name__)

#: During an outage an operator reads the last few minutes of the log.
INTERVAL_SECONDS = 60.0

#: Kinds that are remembered. A code may be any text: the reason of a `failures` entry may name a resource.
_KINDS = 200

#: Logged elsewhere (the credentials gate logs its failures), or no failure: we did not send it.
_NOT_HERE = frozenset({FailureKind.CREDENTIALS, FailureKind.HELD})
#: For a launch these are the task's own failures, and are in its event log.
_OF_ONE_TASK = frozenset({FailureKind.INVALID, FailureKind.NO_CAPACITY})

#: Classes by name, of SQLAlchemy and of the drivers beneath it (PEP 249): the connection failed, or the server gave up.
_DATABASE = frozenset({"OperationalError", "InterfaceError", "InternalError"})
#: Their base classes, raised where no better class fits (psycopg2: the server closed the connection); derived classes
#: may be our bugs: ProgrammingError, DataError, IntegrityError, NotSupportedError.
_DATABASE_ITSELF = frozenset({"DBAPIError", "DatabaseError"})
#: SQLAlchemy's own: the pool had no connection in time, or its connection was lost, here or by an earlier query.
#: Compared with their module: Python's own TimeoutError does not mean a database.
_POOL = frozenset({"TimeoutError", "DisconnectionError", "PendingRollbackError", "ResourceClosedError"})
_SQLALCHEMY = "sqlalchemy.exc"


class LaneLog:
    """Thread-safe.

    Args:
        clock: seconds, monotonic.
        interval: seconds between two lines of one kind.
    """

    def __init__(self, clock: Callable[[], float], interval: float = INTERVAL_SECONDS) -> None:
        self._clock = clock
        self._interval = interval
        self._lock = threading.Lock()
        #: By kind: when it was last logged, and how often it was left out since.
        self._said: Recent[Hashable, tuple[float, int]] = Recent(_KINDS)
        #: Operation and code of failures made of exceptions, which were logged as exceptions.
        self._unforeseen: Recent[tuple[str, str], None] = Recent(_KINDS)

    def failure(self, failure: CallFailure, *, launch: bool = False) -> None:
        """Log a failed call."""
        kind = (failure.operation, failure.code)
        if failure.kind in _NOT_HERE or (launch and failure.kind in _OF_ONE_TASK) or kind in self._unforeseen:
            return
        left_out = self._due(kind)
        if left_out is not None:
            emit(log, logging.WARNING, "AWS: %s (%s)%s", failure, failure.kind.value, _and_more(left_out))

    def unforeseen(self, error: BaseException, operation: str) -> None:
        """Log an unexpected exception, with its stack.

        Without its message, which may quote the request, which has a credential.
        """
        name = type(error).__name__
        with self._lock:
            self._unforeseen[operation, name] = None
        frames = traceback.extract_tb(error.__traceback__)
        location = (frames[-1].filename, frames[-1].lineno) if frames else None
        database = is_of_database(error)
        left_out = self._due((operation, name) if database else (name, location))
        if left_out is None:
            return
        if database:
            emit(
                log,
                logging.WARNING,
                "Airflow's database did not answer %s (%s)%s",
                operation,
                name,
                _and_more(left_out),
            )
            return
        where = "".join(traceback.format_list(frames))
        message = "Unexpected %s in %s; this is a bug worth reporting%s:\n%s"
        emit(log, logging.ERROR, message, name, operation, _and_more(left_out), where)

    def _due(self, kind: Hashable) -> int | None:
        """Return how many of this kind were left out, if it is time to log it (again); else None."""
        now = self._clock()
        with self._lock:
            said_at, left_out = self._said.get(kind, (None, 0))
            if said_at is not None and now - said_at < self._interval:
                self._said[kind] = (said_at, left_out + 1)
                return None
            self._said[kind] = (now, 0)
            return left_out


def emit(to: logging.Logger, level: int, message: str, *said: object) -> None:
    """Log a line. If a filter or handler raises, the line is lost, and the calling thread continues.

    Its error goes to the standard error stream, as with what a handler of `logging` catches itself.
    """
    try:
        to.log(level, message, *said)
    except BaseException as error:  # noqa: BLE001 -- where logging does not work, there is nowhere to log that
        with suppress(Exception):  # closed, or there is none
            sys.stderr.write(f"awsexec: the logging configuration raised {type(error).__name__}: {message}\n")


def is_of_database(error: BaseException) -> bool:
    """Return whether an exception means that a database did not answer. By name: nothing here needs SQLAlchemy."""
    if type(error).__name__ in _DATABASE_ITSELF:
        return True
    classes = type(error).__mro__
    return any(
        each.__name__ in _DATABASE or (each.__name__ in _POOL and each.__module__ == _SQLALCHEMY) for each in classes
    )


def _and_more(left_out: int) -> str:
    return f" (and {left_out} more since this was last said)" if left_out else ""
