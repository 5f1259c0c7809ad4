"""Facts that the supervisor's process reports to the container's first process, as JSON lines in a pipe.

Standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

#: Bytes that a pipe holds at least, so that nobody who writes to it ever waits (pipe(7): 65,536 on Linux).
_CAPACITY = 60_000


class Facts:
    """The writing end. The latest value of each member counts.

    Members:
        stage: `read` once the workload is read, `started` once the Execution API let the task start.
        state: how the supervisor ended it: a task's state, or `success` and `failed` of a callback.
        task_exit_code: of the task's process; negative: the signal that ended it.
        user_code: when the task's own code began, in seconds since the epoch.
        failure: the outcome that the log shows: TIMED_OUT or DAG_NOT_FOUND.
        undelivered: whether the Execution API did not take the result.
        http_status: of the answer that ended the supervisor; 0: there was no answer.
        unread: the outcome if this Airflow does not read the workload.
    """

    def __init__(self, pipe: int) -> None:
        os.set_blocking(pipe, False)
        self._pipe = pipe
        # A task must not be able to report facts.
        os.register_at_fork(after_in_child=self._close)

    def report(self, **members: Any) -> None:
        """Write facts; a pipe that is full or gone loses them, and nothing else."""
        with contextlib.suppress(OSError):
            os.write(self._pipe, (json.dumps(members) + "\n").encode())

    def _close(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._pipe)
        self._pipe = -1


def read(pipe: int) -> dict[str, Any]:
    """Return all facts written so far, without waiting for more."""
    os.set_blocking(pipe, False)
    data = b""
    while len(data) < 100 * _CAPACITY:
        try:
            part = os.read(pipe, _CAPACITY)
        except BlockingIOError:
            break
        if not part:
            break
        data += part
    facts: dict[str, Any] = {}
    for line in data.splitlines():
        try:
            facts.update(json.loads(line))
        except ValueError:
            continue
    return facts
