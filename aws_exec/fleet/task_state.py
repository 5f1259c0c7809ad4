"""How the task in a container ended, apart from how the container did. Pure.

The sources, from the cheapest to the dearest:

* the container's exit code, where its image has awsexec (docs/container.md);
* the end of the container's log: awsexec's usage record, or what Airflow's supervisor logs last;
* Airflow's database (`aws_exec.fleet.airflow_side`).

What none of them says is unknown. An exit code of 0 or 1 alone says nothing: without awsexec in the image, a container
exits with 0 if its task failed, and with 1 if the API server did not let the task start.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from signal import Signals
from typing import Any, Final

from aws_exec.container.outcome import DONE_STATES, Outcome
from aws_exec.fleet.log_records import LoggedException, Record, parse_record
from aws_exec.lifecycle.values import Termination

#: Exit codes whose outcome is a failed task. Of the others of `aws_exec.container`, Airflow got no result from the
#: container, or refused it.
_FAILURES: Final = frozenset(
    {Outcome.FAILED, Outcome.OUT_OF_MEMORY, Outcome.KILLED, Outcome.TIMED_OUT, Outcome.DAG_NOT_FOUND}
)
#: States of a try that failed.
_FAILED_STATES: Final = frozenset({"failed", "up_for_retry"})

#: The API server's answer to a container whose task instance must not run (`invalid_state`, 409), in a traceback.
_REFUSED: Final = re.compile(r"invalid_state")
_PREVIOUS: Final = re.compile(r"previous_state\W{1,8}(\w+)")
#: Of an exception that ends Airflow's supervisor; Airflow 3.1 prints its traceback.
_LAST_LOGGER: Final = "unhandled_exception"
#: States of a task instance that needs no container; `running` means that another container runs it.
_ENDED: Final = frozenset({"failed", "success", "skipped", "removed", "upstream_failed"})


class Source(StrEnum):
    """Where a task's state is from."""

    EXIT_CODE = "exit code"
    USAGE_RECORD = "usage record"
    LOG = "log"  #: the last record of Airflow's supervisor
    AIRFLOW = "airflow"  #: Airflow's database


@dataclass(frozen=True, slots=True)
class TaskState:
    """How the task of one container ended.

    Attributes:
        state: Airflow's state of the try: `success`, `failed`, `up_for_retry`, `skipped`, `deferred`, ...; empty if it
            is unknown. From an exit code, `failed` also stands for `up_for_retry`.
        source: of the state; None if that is unknown.
        outcome: how awsexec ended the container: `out-of-memory` (`aws_exec.container.outcome`); empty if unknown.
            `done` without a state is any of `DONE_STATES`.
        signal: the signal that ended the task's process, by Airflow's supervisor: `SIGKILL`; empty if none did.
    """

    state: str = ""
    source: Source | None = None
    outcome: str = ""
    signal: str = ""

    @property
    def has_failed(self) -> bool | None:
        """Whether the try failed; None if that is unknown."""
        if self.state in _FAILED_STATES:
            return True
        return False if self.state in DONE_STATES or self.outcome == Outcome.DONE.label else None

    @property
    def may_be_in_log(self) -> bool:
        """Whether the log may say more; a container that ended otherwise has told all in its exit code."""
        return not self.state and self.outcome in ("", Outcome.DONE.label)

    def with_log(self, lines: Iterable[str]) -> TaskState:
        """Return it with what the end of the container's log adds."""
        if not self.may_be_in_log:
            return self
        found = of_log(lines)
        return replace(found, outcome=self.outcome or found.outcome)


#: Nothing is known.
UNKNOWN: Final = TaskState()


def of_exit(stop: Termination | None, *, is_stored: bool) -> TaskState:
    """Return what the end of a container says of its task.

    Args:
        stop: None if it has not ended.
        is_stored: whether the workload is in a store, so that exit code 0 means that the image has awsexec.
    """
    if stop is None:
        return UNKNOWN
    if stop.exit_code == 0:
        return TaskState(outcome=Outcome.DONE.label) if is_stored else UNKNOWN
    if stop.outcome is None:
        return UNKNOWN
    failed = TaskState("failed", Source.EXIT_CODE) if stop.outcome in _FAILURES else UNKNOWN
    return replace(failed, outcome=stop.outcome.label)


def of_log(lines: Iterable[str]) -> TaskState:
    """Return what the end of a container's log says of its task."""
    records = _records(lines)
    usage = next((each for each in records if each.is_usage), None)
    finish = next((each for each in records if each.is_finish), None)
    found = TaskState(outcome=_text(usage, "outcome"), signal=_signal(finish))
    for record, source in ((usage, Source.USAGE_RECORD), (finish, Source.LOG)):
        state = _text(record, "task_state" if source is Source.USAGE_RECORD else "final_state").lower()
        if state in _FAILED_STATES | DONE_STATES:
            return replace(found, state=state, source=source)
    return found


def usage_of(lines: Iterable[str]) -> Mapping[str, Any]:
    """Return the members of the usage record (docs/container.md); empty if there is none."""
    return next((each.members for each in _records(lines) if each.is_usage), {})


def last_error(lines: Iterable[str]) -> LoggedException | None:
    """Return the exception that was logged last as an error; None if there is none."""
    return next((each.exception for each in _records(lines) if each.exception and each.is_error), None)


def refused_state(lines: Iterable[str]) -> str:
    """Return the task instance's state when the API server refused to run its container; empty if it did not."""
    text = "\n".join(line for line in lines if _is_of_airflow(parse_record(line)))
    found = _PREVIOUS.search(text) if _REFUSED.search(text) else None
    return found[1] if found is not None and found[1] in _ENDED else ""


def _is_of_airflow(record: Record | None) -> bool:
    """Return whether a line can be Airflow's last one: what a task prints or logs is always a record of its own."""
    return record is None or record.logger == _LAST_LOGGER


def _records(lines: Iterable[str]) -> Sequence[Record]:
    """Return the records among lines, the last first."""
    return [record for line in reversed(list(lines)) if (record := parse_record(line)) is not None]


def _signal(finish: Record | None) -> str:
    code = finish.members.get("exit_code") if finish else None
    return next((signal.name for signal in Signals if isinstance(code, int) and signal == -code), "")


def _text(record: Record | None, member: str) -> str:
    found = record.members.get(member) if record else None
    return found if isinstance(found, str) else ""
