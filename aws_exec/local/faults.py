"""What goes wrong in an embedded AWS, on request."""

from __future__ import annotations

from collections.abc import Callable

from aws_exec.local.errors import AwsError
from aws_exec.local.launched import Launched
from aws_exec.local.loop import Loop
from aws_exec.local.script import Refusal, Script


class Faults:
    """The verbs that break things; the control URLs carry the same."""

    def __init__(self, loop: Loop, tasks: Callable[[], dict[str, Launched]], script: Script) -> None:
        """Break these tasks and jobs, and fill this script, under the loop's lock."""
        self._loop = loop
        self._tasks = tasks
        self._script = script

    def refuse_next(self, reason: str, *, times: int = 1, detail: str = "", remembered: bool = False) -> None:
        """Answer the next RunTasks with `failures`; see `Refusal`."""
        with self._loop.changed:
            self._script.refusals += [Refusal(reason, detail, remembered)] * times

    def fail_next_start(self, reason: str, *, times: int = 1) -> None:
        """End the next tasks STOPPED, `TaskFailedToStart`, for a reason, without starting them."""
        with self._loop.changed:
            self._script.failed_starts += [reason] * times

    def raise_next(
        self,
        operation: str,
        code: str,
        message: str = "",
        *,
        status: int = 400,
        times: int = 1,
    ) -> None:
        """Answer the next calls of an ECS operation with an error, before anything is done."""
        error = AwsError(code, message, status=status)
        with self._loop.changed:
            self._script.errors.setdefault(operation, []).extend([error] * times)

    def forget(self, task: str) -> None:
        """Know nothing of a task or job any more, though it goes on running.

        Raises:
            KeyError: there never was such a task or job.
        """
        with self._loop.changed:
            self._tasks()[task].forgotten = True

    def lose(self, task: str, *, stop_code: str = "", reason: str = "") -> None:
        """End a task, or an attempt of a job, as when its host is gone: at once, without an exit code.

        Raises:
            KeyError: there never was such a task or job.
        """
        with self._loop.changed:
            self._tasks()[task].lose(stop_code, reason)
