"""What the lanes say in the log: seldom, for a failure seldom comes alone.

Ten thousand launches that wait meet the same failure ten thousand times, and again at each retry. Each kind is
said once per interval, with the number of those that were left out. A line has the failure, which holds no credential,
and never the request.
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

#: Who looks at a log during an outage looks back a few minutes.
INTERVAL_SECONDS = 60.0

#: Kinds that are remembered. A code may be any text: of a `failures` entry it is the reason, which may name a resource.
_KINDS = 200

#: Said elsewhere (the gate says what is wrong with the credentials), or no failure: we did not send it.
_NOT_HERE = frozenset({FailureKind.CREDENTIALS, FailureKind.HELD})
#: Of a launch these are the task's own failure, and are told in its events.
_OF_ONE_TASK = frozenset({FailureKind.INVALID, FailureKind.NO_CAPACITY})

#: Classes by name, of SQLAlchemy and of the drivers beneath it (PEP 249): the connection failed, or the server gave up.
_DATABASE = frozenset({"OperationalError", "InterfaceError", "InternalError"})
#: Theirs for what has no better class (psycopg2: the server closed the connection); the classes derived from these may
#: be our mistakes: ProgrammingError, DataError, IntegrityError, NotSupportedError.
_DATABASE_ITSELF = frozenset({"DBAPIError", "DatabaseError"})
#: SQLAlchemy's own: the pool had no connection in time, or what it had was lost, here or by a query before this one.
#: With the module: Python's own TimeoutError says nothing of a database.
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
        #: By kind: when it was last said, and how often it was left out since.
        self._said: Recent[Hashable, tuple[float, int]] = Recent(_KINDS)
        #: Operation and code of failures made of exceptions, which were said as those.
        self._unforeseen: Recent[tuple[str, str], None] = Recent(_KINDS)

    def failure(self, failure: CallFailure, *, launch: bool = False) -> None:
        """Say that a call met a failure."""
        kind = (failure.operation, failure.code)
        if failure.kind in _NOT_HERE or (launch and failure.kind in _OF_ONE_TASK) or kind in self._unforeseen:
            return
        left_out = self._due(kind)
        if left_out is not None:
            emit(log, logging.WARNING, "AWS: %s (%s)%s", failure, failure.kind.value, _and_more(left_out))

    def unforeseen(self, error: BaseException, operation: str) -> None:
        """Say that an exception was raised that nobody foresaw, and where.

        Its message is not said: it may quote the request, which holds a credential.
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
        """How many of this kind were left out, if it is time to say it (again)."""
        now = self._clock()
        with self._lock:
            said_at, left_out = self._said.get(kind, (None, 0))
            if said_at is not None and now - said_at < self._interval:
                self._said[kind] = (said_at, left_out + 1)
                return None
            self._said[kind] = (now, 0)
            return left_out


def emit(to: logging.Logger, level: int, message: str, *said: object) -> None:
    """Log a line. A filter or a handler that raises costs the line, not the thread that wrote it.

    Its error goes to the standard error stream, as with what a handler of `logging` catches itself.
    """
    try:
        to.log(level, message, *said)
    except BaseException as error:  # noqa: BLE001 -- where logging does not work, there is nowhere to log that
        with suppress(Exception):  # closed, or there is none
            sys.stderr.write(f"awsexec: the logging configuration raised {type(error).__name__}: {message}\n")


def is_of_database(error: BaseException) -> bool:
    """Whether an exception means that a database did not answer. By name: nothing here needs SQLAlchemy."""
    if type(error).__name__ in _DATABASE_ITSELF:
        return True
    classes = type(error).__mro__
    return any(
        each.__name__ in _DATABASE or (each.__name__ in _POOL and each.__module__ == _SQLALCHEMY) for each in classes
    )


def _and_more(left_out: int) -> str:
    return f" (and {left_out} more since this was last said)" if left_out else ""
