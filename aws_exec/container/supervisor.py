"""Airflow's supervisor in the container, wrapped so that it reports how the task ended, and when.

The wraps fit the supervisors of Airflow 3.1 to 3.4. A wrap that finds nothing to hook into does nothing.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import selectors
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator
from typing import Any, NoReturn

from aws_exec.container.bootstrap import airflow_words
from aws_exec.container.facts import Facts
from aws_exec.container.outcome import Outcome
from aws_exec.container.parent import log

#: Log lines of a task's process whose DAG or task is not there (Airflow's `task_runner.parse`, 3.1 to 3.4).
_NOT_FOUND = (b"Dag not found during start up", b"Task not found in Dag during start up")
_TIMEOUT = b"AirflowTaskTimeout"
#: The event of the exception that ended the task; an exception that the task caught has another.
_FAILED = "Task failed with exception"
#: Messages that Airflow's supervisor passes on at once as the task's result.
_RESULTS = frozenset({"SucceedTask", "RetryTask", "DeferTask", "RescheduleTask", "AwaitInputTask"})


def run(words: list[str], facts: Facts, signals: int) -> None:
    """Run a workload as Airflow's `execute_workload` does; raises and exits as that does."""
    words = airflow_words(words)
    gc.collect()  # a workload from a store leaves 13 MiB of cycles
    # While modules are imported the collector finds nothing to free, and takes a tenth of the time.
    gc.disable()
    try:
        airflow = _wrapped(facts, signals)
    finally:
        gc.enable()
    gc.freeze()  # it never looks at them again, in the task's process either
    sys.argv = [airflow.__file__ or "", *words]
    try:
        airflow.main()
    except SystemExit as end:
        # Airflow's module ends so if it cannot read the workload; the parent heeds this only until it is read.
        if end.code == 1 and _is_wrapped(airflow):
            facts.report(unread=Outcome.WORKLOAD_UNREADABLE)
        raise


def _is_wrapped(airflow: Any) -> bool:
    """Return whether the reading of the workload is reported."""
    return getattr(airflow.execute_workload, "__module__", "") == __name__


def _wrapped(facts: Facts, signals: int) -> Any:
    """Import Airflow's module, wrap what tells the outcome, and return the module."""
    from airflow.sdk.execution_time import execute_workload

    airflow: Any = execute_workload

    wrapped = None
    try:
        wrapped = airflow.execute_workload
        airflow.execute_workload = _reporting_start(wrapped, facts)
        _wrap_supervisor(facts, signals)
    except Exception as error:  # noqa: BLE001 - whatever fails here costs no task
        log(f"the task's outcome will not be known: {type(error).__name__}: {error}")
        if wrapped is not None:
            airflow.execute_workload = wrapped
    return airflow


def leave() -> NoReturn:
    """End this process as Python does, but without taking down all of Airflow's modules, which takes 0.3 s."""
    # Not `join` of each thread: those of a thread pool that is not shut down end only on this.
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - what Python does at its end
    atexit._run_exitfuncs()  # noqa: SLF001 - what Airflow's own child does (`supervisor._fork_main`)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _reporting_start(execute: Callable[..., None], facts: Facts) -> Callable[..., None]:
    """Wrap `execute_workload`: it is called once the workload is read."""

    def execute_workload(workload: Any, *args: Any, **named: Any) -> None:
        facts.report(stage="read")
        del sys.argv[1:]  # the workload, with its token: error trackers report the arguments of the task's process
        try:
            execute(workload, *args, **named)
        except BaseException as error:
            if (status := _status_of(error)) is not None:
                facts.report(http_status=status)
            raise

    return execute_workload


def _status_of(error: BaseException) -> int | None:
    """Return the HTTP status in an exception; 0 if there was no answer; None if it is not about HTTP."""
    seen: BaseException | None = error
    while seen is not None:
        response = getattr(seen, "response", None)
        status = getattr(response, "status_code", None)
        if isinstance(status, int) and _is_of_client(response):
            return status
        if _is_of_client(seen):
            return 0
        seen = seen.__cause__ or seen.__context__
    return None


def _is_of_client(thing: object) -> bool:
    """Return whether a class is of the HTTP library of Airflow's client: secrets backends have answers of others."""
    return type(thing).__module__.partition(".")[0] in ("httpx", "httpx2", "httpcore", "httpcore2")


def _wrap_supervisor(facts: Facts, signals: int) -> None:
    from airflow.sdk.execution_time import supervisor

    module: Any = supervisor
    activity = module.ActivitySubprocess
    activity.wait = _waiting(activity.wait, facts, signals)
    activity._handle_request = _watching_requests(activity._handle_request, facts)  # noqa: SLF001 - there is no public hook
    module.process_log_messages_from_subprocess = _watching_log(module.process_log_messages_from_subprocess, facts)
    # Airflow 3.1 and 3.2 run no callbacks in containers.
    with contextlib.suppress(ImportError):
        from airflow.sdk.execution_time import callback_supervisor

        callback: Any = callback_supervisor.CallbackSubprocess
        callback.wait = _waiting(callback.wait, facts, signals)


def _waiting(wait: Callable[[Any], int], facts: Facts, signals: int) -> Callable[[Any], int]:
    """Wrap `wait` of a supervised process: it lasts from the start to the end of the process."""

    def wait_and_report(process: Any) -> int:
        with contextlib.suppress(Exception):
            _wake_at_exit(process)
        with contextlib.suppress(Exception):
            _wake_at_signals(process, signals)
            facts.report(stage="started")
        undelivered = True
        try:
            with _forwarding(process):
                code = wait(process)
            undelivered = False
            return code
        finally:
            with contextlib.suppress(Exception):
                _report_end(process, facts, undelivered=undelivered)

    return wait_and_report


@contextlib.contextmanager
def _forwarding(process: Any) -> Generator[None, None, None]:
    """Pass SIGTERM on to the process, once, where this Airflow has no handler of its own.

    That is so for tasks of 3.1 and 3.2, and for callbacks: if their supervisor is PID 1, the kernel ignores the signal.
    3.4 has set a handler before, and lets the task run on. 3.3 replaces this handler by its own, which also passes the
    signal on.
    """
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return

    def pass_on(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_IGN)
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)

    before = signal.signal(signal.SIGTERM, pass_on)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _report_end(process: Any, facts: Facts, *, undelivered: bool) -> None:
    """Report how a process ended; `undelivered`: its supervisor failed to deliver the result."""
    code = process._exit_code  # noqa: SLF001 - there is no public member
    if code is None:
        return
    # A callback has no state but its exit code.
    state = getattr(process, "final_state", "success" if code == 0 else "failed")
    end: dict[str, Any] = {"state": str(getattr(state, "value", state)), "task_exit_code": int(code)}
    pending = getattr(process, "_pending_terminal_state_msg", None) is not None
    # The task's process exited with 0 without a result: Airflow counts that as success, and sends nothing.
    silent = end["state"] == "success" and getattr(process, "_terminal_state", "") is None
    if undelivered or pending or silent or end["state"] == "failed":
        end["undelivered"] = undelivered or pending or silent
    if _was_stopped_for_its_timeout(process):
        end["failure"] = Outcome.TIMED_OUT
    facts.report(**end)


def _was_stopped_for_its_timeout(process: Any) -> bool:
    """Return whether the supervisor ended a task that ignored its timeout, as Airflow 3.4 does."""
    if getattr(process, "_execution_timeout_seconds", None) is None:
        return False
    deadline = process._execution_timeout_enforce_at  # noqa: SLF001 - dropped once enforced; nothing is public
    return deadline is None and process._terminal_state is None  # noqa: SLF001 - likewise


class _Descriptor:
    """A file descriptor, as something that the supervisor's selector waits for, and that it closes."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor

    def close(self) -> None:
        os.close(self._descriptor)


def _wake_at_exit(process: Any) -> None:
    """Have the supervisor's selector return when the task's process ends.

    Airflow's loop looks for the exit after each event. In most containers the last one comes before it, and the loop
    sleeps for `[workers] min_heartbeat_interval`, 5 s, over a task that has ended.
    """
    selector: selectors.BaseSelector = process.selector
    # As Airflow registers its sockets: a handler that wants no more, and what to do then.
    exit_ = _Descriptor(os.pidfd_open(process.pid))
    selector.register(exit_, selectors.EVENT_READ, (lambda _: False, selector.unregister))


def _wake_at_signals(process: Any, signals: int) -> None:
    """Have signals that the parent passes on arrive between two events of the supervisor's loop (see `parent`)."""

    def receive(pipe: _Descriptor) -> bool:
        numbers = os.read(pipe.fileno(), 16)
        for number in numbers:
            signal.raise_signal(number)
        return bool(numbers)

    process.selector.register(_Descriptor(signals), selectors.EVENT_READ, (receive, process.selector.unregister))


def _watching_requests(handle: Callable[..., Any], facts: Facts) -> Callable[..., Any]:
    """Wrap `_handle_request`: rendered fields are sent right before the task's own code runs, the result at its end."""

    def handle_request(process: Any, msg: Any, *args: Any, **named: Any) -> Any:
        kind = type(msg).__name__
        if kind == "SetRenderedFields":
            facts.report(user_code=time.time())
        try:
            return handle(process, msg, *args, **named)
        except Exception as error:
            if kind in _RESULTS:
                # Airflow 3.1 does not send a result again.
                lost = not hasattr(process, "_pending_terminal_state_msg")
                facts.report(http_status=_status_of(error), **({"undelivered": True} if lost else {}))
            raise

    return handle_request


def _watching_log(read: Callable[..., Any], facts: Facts) -> Callable[..., Any]:
    """Wrap the generator that takes the log lines of the task's process, one JSON object each."""

    def process_log_messages(*args: Any, **named: Any) -> Generator[None, bytes | bytearray, None]:
        inner = read(*args, **named)
        next(inner)
        while True:
            line = yield
            with contextlib.suppress(Exception):
                _note_failure(bytes(line), facts)
            inner.send(line)

    return process_log_messages


def _note_failure(line: bytes, facts: Facts) -> None:
    if not (_TIMEOUT in line or any(text in line for text in _NOT_FOUND)):
        return
    import json

    entry = json.loads(line)
    event, raised = entry.get("event"), entry.get("exception") or entry.get("error_detail")
    if entry.get("logger") != "task":
        return
    if str(event).encode() in _NOT_FOUND:
        facts.report(failure=Outcome.DAG_NOT_FOUND)
    elif event == _FAILED and isinstance(raised, list) and raised and raised[0].get("exc_type") == _TIMEOUT.decode():
        facts.report(failure=Outcome.TIMED_OUT)
