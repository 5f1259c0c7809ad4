"""What can be read of an embedded AWS and waited for, from the process that it lives in; no clock, no polling."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from aws_exec.local.launched import Launched
from aws_exec.local.logs import LogWriter
from aws_exec.local.loop import DEFAULT_PATIENCE, Loop
from aws_exec.local.script import Launch

Found = TypeVar("Found")


class Watch:
    """The reading half of `EmbeddedAws`."""

    def __init__(self, loop: Loop, tasks: Callable[[], dict[str, Launched]], logs: LogWriter) -> None:
        """Read tasks and jobs (by ARN) and logs, under the loop's lock."""
        self._loop = loop
        self._tasks = tasks
        self._logs = logs

    def ledger(self) -> list[Launch]:
        """Everything that was ever launched, oldest first, what AWS has forgotten included."""
        with self._loop.changed:
            launches = [task.launch() for task in self._tasks().values()]
        return sorted(launches, key=lambda one: one.created_at)

    def history(self, arn: str) -> list[str]:
        """Every `lastStatus` a task, or `status` a job, had, in order.

        Raises:
            KeyError: there never was such a task or job.
        """
        with self._loop.changed:
            return [status for status, _ in self._tasks()[arn].history]

    def output(self, arn: str, container: str | None = None) -> list[str]:
        """What a container has printed so far, line by line, as CloudWatch has it.

        Args:
            arn: the task, or the job, whose latest attempt is read.
            container: its name; None for the first one.

        Raises:
            KeyError: there never was such a task or job.
        """
        with self._loop.changed:
            task = self._tasks()[arn].current
            return self._logs.lines(task, container or task.containers[0].name)

    def wait_until(self, predicate: Callable[[], Found | None], timeout: float = DEFAULT_PATIENCE) -> Found:
        """Wait until a predicate is true; it is asked at every change of any task or job.

        Args:
            predicate: about `ledger()` or `history()`; it must not call AWS, which could change nothing meanwhile.
            timeout: seconds.

        Returns:
            What the predicate returned.

        Raises:
            TimeoutError: it did not come true in time.
            RuntimeError: the embedded AWS failed inside.
        """
        return self._loop.wait_until(predicate, timeout)

    def wait_for_status(self, arn: str, status: str, timeout: float = DEFAULT_PATIENCE) -> Launch:
        """Wait until a task or job has, or had, a status; returns its line of the ledger.

        Raises:
            KeyError: there never was such a task or job.
            TimeoutError: it did not get there in time.
        """
        try:
            self.wait_until(lambda: status in self.history(arn), timeout)
        except TimeoutError as error:
            history = " > ".join(self.history(arn))
            raise TimeoutError(f"{arn} was not {status} within {timeout:g} seconds, but {history}") from error
        with self._loop.changed:
            return self._tasks()[arn].launch()

    def wait_for_exit(self, arn: str, timeout: float = DEFAULT_PATIENCE) -> Launch:
        """Wait until the container of a task, or of a job's latest attempt, has ended; returns its line of the ledger.

        Raises:
            KeyError: there never was such a task or job.
            TimeoutError: it did not end in time.
        """
        task = self._tasks()[arn]
        return self.wait_until(lambda: line if (line := task.launch()).ended_at else None, timeout)

    def wait_for_output(
        self,
        arn: str,
        text: str,
        container: str | None = None,
        timeout: float = DEFAULT_PATIENCE,
    ) -> str:
        """Wait until a container has printed a line with a text in it; returns the line.

        Raises:
            KeyError: there never was such a task or job.
            TimeoutError: it was not printed in time.
        """
        try:
            return self.wait_until(
                lambda: next((line for line in self.output(arn, container) if text in line), None),
                timeout,
            )
        except TimeoutError as error:
            printed = "\n".join(self.output(arn, container)) or "nothing"
            raise TimeoutError(f"{text!r} was not printed within {timeout:g} seconds, but:\n{printed}") from error
