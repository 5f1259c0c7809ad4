"""`python -m aws_exec.container`: what the container runs, instead of Airflow's `execute_workload`.

With the same words, or with `--workload URL REGION` for a workload in a store.
"""

from __future__ import annotations

import os
import sys


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
        sys.exit(parent.watch(child))
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


def step_aside(words: list[str], error: Exception) -> None:
    """Run the workload as in an image without awsexec."""
    import runpy

    from aws_exec.container.bootstrap import AIRFLOW_MODULE, airflow_words

    _restore_signals()
    text = f"awsexec: the task's outcome will not be known: {type(error).__name__}: {error}\n"
    os.write(sys.stderr.fileno(), text.encode())
    sys.argv = [AIRFLOW_MODULE, *airflow_words(words)]
    runpy.run_module(AIRFLOW_MODULE, run_name="__main__", alter_sys=True)


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
