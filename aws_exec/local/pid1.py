"""The first process of every container of the embedded AWS: what PID 1 is to a real one.

Run as a script (`python -I -S pid1.py [GROUP ...] -- COMMAND ...`), one per container, importing only the standard
library. It

* joins the container's control groups, before anything of the container runs;
* runs the command in a session of its own, with an empty standard input;
* passes SIGTERM on to the command's main process alone, as ECS does;
* kills everything the command left behind as soon as the main process ends, as the kernel does with a PID namespace;
* kills everything at once when its own standard input closes. The starter holds the other end and never writes to it,
  so a starter that is gone, by `kill -9` too, leaves no container alive. (PR_SET_PDEATHSIG on this process would fire
  at the death of the *thread* that started it; a pipe belongs to the whole process.)
* exits as the main process did, with 128 + n for a death by signal n, as container runtimes report it.

Nothing here may run a thread: the child is made by a plain fork.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
from pathlib import Path

#: prctl(2) options, from linux/prctl.h.
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

#: What a shell answers for a command it cannot run.
_CANNOT_RUN = 127

_PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


def _prctl(option: int, value: int) -> None:
    """Set a process attribute; without effect where there is no prctl (then only the process group is contained)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _exec(command: list[str]) -> None:
    """Become the command, in the forked child; returns only if that is impossible."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number in (*_PASSED_ON, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is meant
    except OSError as error:
        os.write(2, f"exec: {command[0]!r}: {error.strerror}\n".encode())


def _children() -> list[int]:
    """The process ids whose parent is this process, orphans adopted as a subreaper included."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended while we looked
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            if int(parent) == os.getpid():
                found.append(int(entry.name))
    return found


def _end_all(main: int) -> int:
    """Kill and reap every descendant; returns the main process's wait status (0 if it was reaped before)."""
    status = 0
    while True:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(main, signal.SIGKILL)
        for pid in _children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            pid, reaped = os.waitpid(-1, 0)
        except ChildProcessError:
            return status
        if pid == main:
            status = reaped


def _main_ended(main: int) -> bool:
    """Reap what ended, except the main process, which stays a zombie so that its group id stays taken."""
    while True:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is None:
            return False
        if ended.si_pid == main:
            return True
        os.waitpid(ended.si_pid, 0)


def _watch(main: int, signals: int) -> None:
    """Return when the main process has ended or the starter is gone."""
    while True:
        ready, _, _ = select.select([0, signals], [], [])
        if 0 in ready and not os.read(0, 1):
            return
        if signals in ready:
            for number in os.read(signals, 1024):
                if number in _PASSED_ON:
                    os.kill(main, number)
            if _main_ended(main):
                return


def run(groups: list[str], command: list[str]) -> int:
    """Run a command to its end, as the module says; returns the exit code to leave with.

    Args:
        groups: directories of control groups.
        command: program and arguments.
    """
    for group in groups:
        (Path(group) / "cgroup.procs").write_text("0")
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    signals, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.set_wakeup_fd(wakeup)
    for number in (*_PASSED_ON, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    # A signal passed on before the child has its own dispositions must wait, not be lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, _PASSED_ON)
    main = os.fork()
    if main == 0:
        _exec(command)
        os._exit(_CANNOT_RUN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _PASSED_ON)
    _watch(main, signals)
    code = os.waitstatus_to_exitcode(_end_all(main))
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    separator = sys.argv.index("--")
    sys.exit(run(sys.argv[1:separator], sys.argv[separator + 1 :]))
