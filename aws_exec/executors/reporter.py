"""Reports to Airflow: executor events, the `running` set, and the entries of tasks' event logs.

`messages` has the texts.
"""

from __future__ import annotations

import logging
from typing import Any

from airflow.executors.base_executor import BaseExecutor

from aws_exec.container.outcome import Outcome
from aws_exec.executors import compat, messages
from aws_exec.lifecycle import effects
from aws_exec.lifecycle.values import Job, Key
from aws_exec.recent import Recent
from aws_exec.redaction import redact, writable

#: Entries in a task's event log per launch: a launch that waits for hours logs why, not that it still waits.
ENTRIES = 20
#: Keys whose entries are counted: more than wait in any fleet.
_COUNTED = 20_000


class Reporter:
    """Writes into one executor's event buffer and event logs. All of it runs on the scheduler's thread.

    Attributes:
        waiting: terminal events, (text, success) by key, that wait until Airflow has read the task's job.
    """

    def __init__(self, executor: BaseExecutor) -> None:
        self.waiting: dict[Key, tuple[str, bool]] = {}
        self._executor = executor
        #: Entries in each task's event log.
        self._entries: Recent[Key, int] = Recent(_COUNTED)

    def running(self, key: Any, job: Job) -> None:
        """Report RUNNING with the job's ARN, which the scheduler stores as `external_executor_id`."""
        self._executor.running.add(key)  # a callback of a dead scheduler is not in it yet
        self._executor.running_state(key, job.arn)

    def report(self, report: effects.Report) -> None:
        """Report that a workload is over, with the reason."""
        key = report.key
        text = self._reason_of(report)
        self.end(key, text, success=report.success)
        # A task that failed by itself has reported that to Airflow, with its log.
        is_known = report.success or (report.stop is not None and report.stop.outcome is Outcome.FAILED)
        level = logging.DEBUG if is_known else logging.WARNING
        self._executor.log.log(level, "%s: %s", compat.named(self._executor, key), text)
        if not is_known or messages.failed_sidecars(report):
            self._entries.pop(key, None)  # the last entry is never left out
            self.message(key, text)
        self._entries.pop(key, None)

    def end(self, key: Any, text: str, *, success: bool) -> None:
        """Put a terminal event into the buffer.

        The buffer holds one event per key. If Airflow has not yet read the task's job, the terminal event waits for the
        next heartbeat: otherwise the row would keep the launch id, and users could not find the job.
        """
        text = writable(text)
        buffered = self._executor.event_buffer.get(key)
        if buffered is not None and not compat.is_terminal(buffered[0]):
            self.waiting[key] = (text, success)
        else:
            self._put_end(key, text, success=success)

    def report_waiting(self) -> None:
        """Put waiting terminal events into the buffer, if Airflow has read the job."""
        for key, (text, success) in list(self.waiting.items()):
            if key not in self._executor.event_buffer:
                self._put_end(key, text, success=success)
                self.waiting.pop(key, None)

    def drop_waiting(self, key: Key) -> None:
        """Drop a waiting terminal event: Airflow has declared the task terminal itself."""
        self.waiting.pop(key, None)

    def note(self, note: effects.Note) -> None:
        """Write into the task's event log why a workload waits, or what happened to one of its containers."""
        self.message(note.key, messages.note(note))

    def message(self, key: Any, text: str) -> None:
        """Append to a task's event log, redacted; no more than `ENTRIES` for one launch."""
        if not compat.is_task_key(key):
            return
        count = self._entries[key] = self._entries.get(key, 0) + 1
        if count <= ENTRIES:
            last = " (further entries are left out)" if count == ENTRIES else ""
            self._executor.log_task_event(event="awsexec", extra=redact(text) + last, ti_key=key)

    def release(self, key: Any) -> None:
        """Free a key without a report."""
        self._executor.running.discard(key)
        self._entries.pop(key, None)
        self.forget(key)

    def forget(self, key: Any) -> None:
        """Drop unread events of an earlier launch: its job and its end must not be taken for the next launch's."""
        self.waiting.pop(key, None)
        buffered = self._executor.event_buffer.get(key)
        if buffered is not None and not compat.is_terminal(buffered[0]):
            self._executor.event_buffer.pop(key, None)

    def orphans(self, orphans: effects.Orphans) -> None:
        """Log the containers that nobody owns."""
        if orphans.found:
            self._executor.log.warning("%s", messages.orphans(orphans))

    def _put_end(self, key: Any, text: str, *, success: bool) -> None:
        # Not our own `change_state`, with which Airflow declares tasks terminal.
        BaseExecutor.change_state(self._executor, key, compat.final_state(key, success=success), text)

    def _reason_of(self, report: effects.Report) -> str:
        """Return the text of a report; a bug in `messages` must not keep the key in `running` for ever."""
        try:
            return messages.report(report)
        except Exception:
            name = compat.named(self._executor, report.key)
            self._executor.log.exception("The end of %s could not be put into words", name)
            return f"{report.text} (the scheduler's log says why there is no more)"
