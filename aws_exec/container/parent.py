"""The container's first process: starts Airflow's supervisor, waits for it, and exits with the task's outcome.

As PID 1 it reaps every process of the container; it may, because the supervisor, which waits for the task's process
itself, is another one. It passes SIGTERM and SIGINT on: to a supervisor that watches its task through a pipe, because
Airflow 3.3 logs in its signal handler, and would wait for ever for a lock that the interrupted line holds. So the
supervisor has a process group of its own: dumb-init, PID 1 of Airflow's images, sends signals to the whole group.

Standard library only, and few modules of it: it stays in memory for as long as the task runs.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

from aws_exec.container import facts
from aws_exec.container.cgroup import Cgroup, own_cgroup
from aws_exec.container.outcome import DONE_STATES, Outcome

_FORWARDED = (signal.SIGTERM, signal.SIGINT)
_HANDLED = (*_FORWARDED, signal.SIGCHLD)
#: Answers of the Execution API which say that the task is not this container's (Airflow, `execution_api/routes`).
_NOT_OURS = frozenset({404, 409, 410})


class Parent:
    """Watches over one child; made before the fork."""

    def __init__(self) -> None:
        self._started = time.time()
        self._cgroup: Cgroup = own_cgroup()
        self._oom_kills = self._cgroup.oom_kills() or 0
        self._reading, self.writing = os.pipe()
        self.signals, self._signalling = os.pipe()
        self._child = 0
        self._facts: dict[str, Any] = {}
        # Read one by one in `_wait`. Not `sigwait`: a `sitecustomize` may have started threads (tracers do), and
        # the kernel gives a signal to any of them. Blocked until the child has dispositions of its own.
        self._arrived, self._wakeup = os.pipe()
        os.set_blocking(self._wakeup, False)
        signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)
        for number in _HANDLED:
            signal.signal(number, _wake)

    def in_child(self) -> None:
        """Close the parent's ends of the pipes, and leave its process group."""
        for descriptor in (self._reading, self._signalling, self._arrived, self._wakeup):
            os.close(descriptor)
        os.setpgid(0, 0)

    def watch(self, child: int) -> int:
        """Wait for the child, write the usage record, and return the exit code of the container."""
        self._child = child
        os.close(self.writing)
        os.close(self.signals)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        status = self._wait()
        self._facts |= facts.read(self._reading)
        oom_kills = (self._cgroup.oom_kills() or 0) - self._oom_kills
        code = exit_code(os.waitstatus_to_exitcode(status), self._facts, oom_kills)
        self._record(code, after_newline=self._facts.get("state") is not None)
        return code

    def _wait(self) -> int:
        """Pass signals on and reap, until the child itself has ended; return its wait status."""
        while True:
            for number in set(os.read(self._arrived, 1024)).intersection(_FORWARDED):
                self._forward(number)
            ended = 1
            while ended:
                ended, status = os.waitpid(-1, os.WNOHANG)
                if ended == self._child:
                    return status

    def _forward(self, number: int) -> None:
        self._facts |= facts.read(self._reading)
        if self._facts.get("stage") == "started":
            self._signal(number)
        else:
            os.kill(self._child, number)
        # The container may be killed before the task has ended: then this is the last record. The supervisor may be in
        # the middle of a line.
        self._record(None, after_newline=False)

    def _signal(self, number: int) -> None:
        try:
            os.write(self._signalling, bytes([number]))
        except OSError as error:  # the child ends, or its pipe does
            log(f"signal {number} was not passed on: {error}")

    def _record(self, code: int | None, *, after_newline: bool) -> None:
        try:
            # Imported when the task is over: see the module.
            from aws_exec.container import usage

            self._facts |= facts.read(self._reading)
            line = usage.record(self._cgroup, self._started, self._facts, code)
            usage.write(line, after_newline=after_newline)
        except Exception as error:  # noqa: BLE001 - a record costs no task
            log(f"the usage record was not written: {type(error).__name__}: {error}")


def exit_code(child: int, known: dict[str, Any], oom_kills: int) -> int:
    """Return the exit code of the container.

    Args:
        child: the exit code of the supervisor's process; negative: the signal that ended it.
        known: the facts.
        oom_kills: processes of the container that the kernel killed for its memory limit.
    """
    outcome = _of_workload(child, known) if known.get("stage") else _before_workload(child, known)
    # The others have a cause of their own: the task may have survived a child that was killed hours before.
    if oom_kills > 0 and outcome in (None, Outcome.FAILED, Outcome.KILLED):
        return Outcome.OUT_OF_MEMORY
    if outcome is not None:
        return outcome
    return child if child >= 0 else 128 - child


def _before_workload(child: int, known: dict[str, Any]) -> Outcome | None:
    """Return the outcome of a container whose workload was not read: None, as the child ended, if nothing is known."""
    unread = known.get("unread")
    return Outcome(unread) if child > 0 and unread else None


def _of_workload(child: int, known: dict[str, Any]) -> Outcome | None:
    state, status = known.get("state"), known.get("http_status")
    if state is None:  # the supervisor did not live to see the task's end
        if status is not None and known["stage"] == "read":
            return Outcome.REFUSED if status in _NOT_OURS else Outcome.API_UNAVAILABLE
        return Outcome.KILLED if child < 0 and known["stage"] == "started" else None
    if state.lower() == "server_terminated" or status in _NOT_OURS:
        return Outcome.TERMINATED_BY_SERVER
    if state not in DONE_STATES:
        return _of_failure(known)
    return Outcome.RESULT_NOT_DELIVERED if known.get("undelivered") else Outcome.DONE


def _of_failure(known: dict[str, Any]) -> Outcome:
    if known.get("undelivered"):  # first: of all others, Airflow knows
        return Outcome.RESULT_NOT_DELIVERED
    if failure := known.get("failure"):
        return Outcome(failure)
    return Outcome.KILLED if known.get("task_exit_code", 0) < 0 else Outcome.FAILED


def _wake(_number: int, _frame: object) -> None:
    """Do nothing: the number is in the pipe of `set_wakeup_fd`."""


def log(text: str) -> None:
    """Write one line to the container's log."""
    try:
        os.write(sys.stderr.fileno(), f"awsexec: {text}\n".encode())
    except (OSError, ValueError, AttributeError):  # closed, or never open
        return
