"""One line of a container's log as a record. Pure; never raises.

Airflow's supervisor (`airflow.sdk.execution_time`, Airflow 3.1 to 3.4) writes JSON Lines with structlog: what it logs,
what the task logs, and what the task prints (loggers `task.stdout` and `task.stderr`). awsexec's container entry adds a
usage record (docs/container.md). Everything else, such as a traceback that Python prints, is plain text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from aws_exec.container.bootstrap import PROBE_EVENT
from aws_exec.container.usage import EVENT as USAGE_EVENT
from aws_exec.redaction import writable

#: Loggers of what the task prints; the second one has the level `error`, whatever is printed.
STDOUT, STDERR = "task.stdout", "task.stderr"

#: Files of Python and of installed packages; and frames without a file.
_LIBRARY: Final = re.compile(r"/(?:site|dist)-packages/|/lib(?:64)?/python3\.\d+/|^<|^$")
_AIRFLOW: Final = re.compile(r"/(?:site|dist)-packages/airflow/")

#: What Airflow and awsexec log at each start of a container, by logger and the beginning of the event.
_STARTUP: Final = (
    ("airflow.sdk.execution_time.execute_workload", "Executing workload"),
    ("airflow.sdk.api.client", "Using Public CAs"),
    ("airflow.sdk.api.client", "Using public CAs"),
    ("airflow.sdk.execution_time.execute_workload", "Connecting to server"),
    ("supervisor", "Secrets backends loaded"),
    ("airflow.dag_processing.", "DAG bundles loaded"),
    ("airflow.dag_processing.", "Filling up the DagBag"),
    ("airflow.models.dagbag.", "Filling up the DagBag"),
    ("task", "Worker startup parse complete"),
    ("py.warnings", "This process (pid="),  # "... is multi-threaded, use of fork() may lead to deadlocks in the child."
)
#: Airflow 3.1.0 logs this as plain text.
_STARTUP_TEXT: Final = re.compile(r"setup plugin alembic\.")
#: The first in Airflow 3.3, the second in 3.1 and 3.2.
_FINISHED: Final = ("Workload finished", "Task finished")
_UNICODE_ESCAPE: Final = "\\u"
#: Levels of JSON; a line with more is plain text: whatever walks through a record may recurse.
_DEEPEST: Final = 60


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a traceback.

    Attributes:
        file: its path in the container; empty in a frame that stands for others.
        line: -1 in a frame that stands for others.
        function: its name; structlog keeps 50 frames, and writes `Skipped frames: N` for the others.
    """

    file: str
    line: int
    function: str

    @property
    def is_airflow(self) -> bool:
        """Whether the file is one of Airflow or its providers."""
        return _AIRFLOW.search(self.file) is not None

    @property
    def is_library(self) -> bool:
        """Whether the file is one of Python or of an installed package, Airflow included."""
        return _LIBRARY.search(self.file) is not None

    @property
    def location(self) -> str:
        """The name of the file and the line, as `etl.py:21`."""
        return f"{self.file.rpartition('/')[2]}:{self.line}"


@dataclass(frozen=True, slots=True)
class LoggedException:
    """An exception in a record.

    Attributes:
        type: its class, without the module.
        message: its text; may have several lines.
        notes: of `add_note`.
        frames: the innermost last.
        is_cause: whether it is the `__cause__` of the one before it in `Record.exceptions`, not its `__context__`.
        exceptions: the members of an exception group, each with its own causes.
    """

    type: str
    message: str
    notes: tuple[str, ...] = ()
    frames: tuple[Frame, ...] = ()
    is_cause: bool = False
    exceptions: tuple[tuple[LoggedException, ...], ...] = ()

    @property
    def raised_in(self) -> Frame | None:
        """The innermost frame of the user's code (a DAG bundle); None if all are Airflow's or other packages'."""
        return next((frame for frame in reversed(self.frames) if not frame.is_library), None)

    @property
    def summary(self) -> str:
        """`TYPE: MESSAGE`, in one line."""
        message = " ".join(self.message.split())
        return f"{self.type}: {message}" if message else self.type


@dataclass(frozen=True, slots=True)
class Record:
    """A line that is a record.

    Attributes:
        at: seconds since the epoch; None if the line does not say.
        level: in lower case: `debug`, `info`, `warning`, `error`, `critical`; empty in records of awsexec.
        event: the message; may have several lines.
        logger: empty in records of awsexec.
        exceptions: the exception that was logged, then its causes; empty if none was logged.
        members: all others, as they are in the JSON.
    """

    at: float | None
    level: str
    event: str
    logger: str = ""
    exceptions: tuple[LoggedException, ...] = ()
    members: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exception(self) -> LoggedException | None:
        """The exception that was logged, without its causes."""
        return self.exceptions[0] if self.exceptions else None

    @property
    def is_usage(self) -> bool:
        """Whether this is the usage record (docs/container.md), which no task can log."""
        return self.event == USAGE_EVENT and not (self.level or self.logger)

    @property
    def is_probe(self) -> bool:
        """Whether this is the record of `check-health --probe`."""
        return self.event == PROBE_EVENT and not (self.level or self.logger)

    @property
    def is_finish(self) -> bool:
        """Whether the task has ended: members `exit_code` (of its process, negative: a signal) and `final_state`.

        A task may log under any name, and since Airflow 3.3 its records have `ti_id`.
        """
        return self.logger == "supervisor" and self.event in _FINISHED and "ti_id" not in self.members

    @property
    def is_error(self) -> bool:
        """Whether somebody called it an error: what is printed to stderr may be anything."""
        return self.level in ("error", "critical") and self.logger != STDERR

    @property
    def is_printed(self) -> bool:
        """Whether the task printed it instead of logging it."""
        return self.logger in (STDOUT, STDERR)

    @property
    def is_startup(self) -> bool:
        """Whether every container logs this when it starts, so that it carries no information."""
        return not self.exceptions and any(
            self.logger.startswith(logger) and self.event.startswith(event) for logger, event in _STARTUP
        )


def parse_record(line: str) -> Record | None:
    """Return the record that a line is; None if it is plain text."""
    if not line.startswith("{"):
        return None
    try:
        document = json.loads(line, parse_constant=str, parse_float=_float)
        if line.count("[") + line.count("{") > _DEEPEST and _is_deep(document, _DEEPEST):
            return None
        if _UNICODE_ESCAPE in line:
            document = _writable(document)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not isinstance(document.get("event"), str):
        return None
    # The supervisor renames `exception` of what the task logs to `error_detail`.
    logged = document.pop("error_detail", None) or document.pop("exception", None)
    exceptions = _exceptions(logged)
    if logged and not exceptions:
        document["exception"] = logged
    return Record(
        at=_seconds(document.pop("timestamp", None)),
        level=_text(document.pop("level", None)).lower(),
        event=document.pop("event"),
        logger=_text(document.pop("logger", None)),
        exceptions=exceptions,
        members=document,
    )


def is_startup_text(line: str) -> bool:
    """Return whether every container prints this line of plain text when it starts: as `Record.is_startup`."""
    return not line.strip() or _STARTUP_TEXT.search(line) is not None


def _exceptions(found: object) -> tuple[LoggedException, ...]:
    """Return what structlog's `ExceptionDictTransformer` wrote; empty if this is something else."""
    if not isinstance(found, list):
        return ()
    return tuple(_exception(each) for each in found if isinstance(each, dict) and "exc_type" in each)


def _exception(found: Mapping[str, Any]) -> LoggedException:
    frames = [*_list(found.get("frames"))]
    if isinstance(syntax := found.get("syntax_error"), dict):  # where the file is wrong, as Python shows it
        frames.append({"name": "<module>", **syntax})
    return LoggedException(
        type=_text(found.get("exc_type")),
        message=_text(found.get("exc_value")),
        notes=tuple(map(_text, _list(found.get("exc_notes")))),
        frames=tuple(_frame(each) for each in frames if isinstance(each, dict)),
        is_cause=found.get("is_cause") is True,
        exceptions=tuple(_exceptions(each) for each in _list(found.get("exceptions"))),
    )


def _frame(found: Mapping[str, Any]) -> Frame:
    line = found.get("lineno")
    return Frame(_text(found.get("filename")), line if isinstance(line, int) else -1, _text(found.get("name")))


def _seconds(timestamp: object) -> float | None:
    try:
        found = datetime.fromisoformat(timestamp) if isinstance(timestamp, str) else None
        seconds = None if found is None else (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        # Refuse a time whose year in UTC is 0 or 10000.
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _float(text: str) -> float | str:
    """Return the number; one that JSON cannot write, such as `1e999`, stays a text."""
    found = float(text)
    return found if math.isfinite(found) else text


def _is_deep(value: Any, levels: int) -> bool:
    """Return whether a JSON value has more levels than these."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(_is_deep(each, levels - 1) for each in inner)


def _text(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else str(value)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _writable(value: Any) -> Any:
    """Return a JSON value whose texts can be encoded: JSON may contain half a surrogate pair."""
    if isinstance(value, str):
        return writable(value)
    if isinstance(value, dict):
        return {writable(key): _writable(each) for key, each in value.items()}
    return [_writable(each) for each in value] if isinstance(value, list) else value
