"""`python -m aws_exec.container`: what the container runs, instead of Airflow's `execute_workload`.

With the same words, or with `--workload URL REGION` for a workload in a store.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # `typing` takes 5 ms of the container's start
if TYPE_CHECKING:
    from aws_exec.container.parent import Parent


def main(words: list[str]) -> None:
    """Run the workload in a child, and leave with the exit code that says how it ended."""
    try:
        if sys.path[:1] == [""]:  # as `python -m` has it, which Airflow's command was
            sys.path[0] = os.getcwd()
        from aws_exec.container.parent import Parent

        parent = Parent()
        child = os.fork()
    except Exception as error:  # noqa: BLE001 - it steps aside
        step_aside(words, error)
        return
    if child:
        sys.exit(_watched(parent, child))
    try:
        parent.in_child()
        _restore_signals()
        # The parent does without these.
        from aws_exec.container import supervisor
        from aws_exec.container.facts import Facts

        facts = Facts(parent.writing)
    except Exception as error:  # noqa: BLE001 - likewise
        step_aside(words, error)
        return
    supervisor.run(words, facts, parent.signals)
    supervisor.leave()


def _watched(parent: Parent, child: int) -> int:
    """Return the exit code of the container: the outcome, or the child's own if watching fails."""
    try:
        return parent.watch(child)
    except Exception as error:  # noqa: BLE001 - the first process must outlive the task: the kernel ends all others with it
        _say_unknown(error)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return code if code >= 0 else 128 - code


def step_aside(words: list[str], error: Exception) -> None:
    """Run the workload as in an image without awsexec. What is broken may be any module of ours."""
    import runpy

    _restore_signals()
    _say_unknown(error)
    if words[:1] == ["--workload"]:
        from aws_exec.container.bootstrap import airflow_words

        words = airflow_words(words)
    module = "airflow.sdk.execution_time.execute_workload"
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _say_unknown(error: Exception) -> None:
    """Write one line to the container's log, if that is open."""
    text = f"awsexec: the task's outcome will not be known: {type(error).__name__}: {error}\n"
    try:
        os.write(2, text.encode())
    except OSError:
        return


def _restore_signals() -> None:
    """Undo what `Parent` did to signals."""
    import signal

    signal.set_wakeup_fd(-1)
    for number in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD})


if __name__ == "__main__":
    main(sys.argv[1:])
