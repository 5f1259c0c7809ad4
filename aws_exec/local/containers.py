"""Containers that are local processes: started, listened to, ended; bounded in number. Knows neither ECS nor Batch."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeAlias

from aws_exec.local.cgroups import NO_LIMITS, NOTHING_ENFORCED, ControlGroup, Enforcement, Limits
from aws_exec.local.loop import Loop, Work

_PID1 = Path(__file__).with_name("pid1.py")

#: CloudWatch takes 256 KiB an event (PutLogEvents, API Reference), less 26 bytes of its own.
_LONGEST_LINE = 256 * 1024 - 26

#: All that a container inherits of the machine: where programs are, whose home it is, how text is written.
_INHERITED = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")

#: How long output may outlive its container, seconds: only what `pid1` and the control group cannot kill writes it.
_LAST_WORDS = 1.0

#: Takes the time (epoch seconds) and one line without its newline.
OnLine: TypeAlias = Callable[[float, str], None]
OnExit: TypeAlias = Callable[[int], None]


class CannotStartContainerError(Exception):
    """The command cannot be run; the message is worded as ECS words a container's `reason`."""


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """What to run.

    Attributes:
        name: the container's name in its task or job.
        command: program and arguments; `python` and `python3` mean `python`.
        environment: all of it but the minimum that every container inherits (PATH, HOME, language, time zone).
        directory: where it runs.
        stop_timeout: seconds between SIGTERM and SIGKILL.
        python: path of the interpreter that the image has; the one that runs the emulator unless given.
        limits: what was asked for; which of them are in force decides the host.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path
    stop_timeout: float
    python: str = sys.executable
    limits: Limits = NO_LIMITS

    def full_environment(self) -> dict[str, str]:
        """The environment of the process; programs beside its interpreter (`airflow`) are found first."""
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        beside = str(Path(self.python).parent)
        inherited["PATH"] = os.pathsep.join([beside, inherited.get("PATH", os.defpath)])
        return {**inherited, **self.environment}

    def resolved(self) -> list[str]:
        """The command with its program as a path.

        Raises:
            CannotStartContainerError: there is no command, or no such program.
        """
        if not self.command:
            raise CannotStartContainerError("CannotStartContainerError: no command specified")
        program, *arguments = self.command
        if program in {"python", "python3"}:
            program = self.python
        found = shutil.which(program, path=self.full_environment()["PATH"])
        if found is None:
            raise CannotStartContainerError(
                "CannotStartContainerError: failed to create task: OCI runtime create failed: "
                f'exec: "{program}": executable file not found in $PATH: unknown',
            )
        return [found, *arguments]


class Container:
    """One running container. `terminate` asks, `kill` does not; both may come late or twice.

    Attributes:
        spec: what it runs.
        oom_killed: whether the kernel killed a process of it for memory; known when it has exited.
    """

    def __init__(
        self,
        spec: ContainerSpec,
        on_line: OnLine,
        on_exit: OnExit,
        enforcement: Enforcement = NOTHING_ENFORCED,
    ) -> None:
        """Start it.

        Args:
            spec: what to run.
            on_line: gets each line of its output (standard output and error together), on a thread of its own.
            on_exit: gets the exit code (128 + n for a death by signal n), after the last line, on another thread.
            enforcement: which of its limits are in force, and where.

        Raises:
            CannotStartContainerError: it cannot be run.
        """
        self.spec = spec
        self.oom_killed = False
        command = spec.resolved()
        try:
            self._group = enforcement.group(spec.limits)
            self._process = _process(spec, command, self._group)
        except OSError as error:
            raise CannotStartContainerError(f"CannotStartContainerError: {error}") from error
        self._gate = threading.Lock()
        self._reader = threading.Thread(target=self._read, args=(on_line,), daemon=True)
        self._waiter = threading.Thread(target=self._wait, args=(on_exit,), daemon=True)
        self._reader.start()
        self._waiter.start()

    @property
    def pid(self) -> int:
        """The process id of the container's first process (of `pid1`, the command's parent)."""
        return self._process.pid

    def terminate(self) -> None:
        """Send SIGTERM to the command's main process, as ECS does."""
        self._process.terminate()

    def kill(self) -> None:
        """Kill every process of the container, now."""
        with self._gate:
            if self._process.stdin is not None:
                self._process.stdin.close()

    def pause(self) -> None:
        """Stop the command in its tracks (SIGSTOP), as a host that stalls does; it can still be killed. Linux only."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused command go on."""
        self._signal(signal.SIGCONT)

    def join(self) -> None:
        """Wait until all of it is gone and everything was told."""
        self._waiter.join()

    def _signal(self, number: int) -> None:
        """Send a signal to every process of the container but `pid1`."""
        parents = [self.pid]
        for parent in parents:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended
                for child in map(int, Path(f"/proc/{parent}/task/{parent}/children").read_text().split()):
                    os.kill(child, number)
                    parents.append(child)

    def _read(self, on_line: OnLine) -> None:
        output: IO[bytes] | None = self._process.stdout
        if output is None:
            return
        with output:
            while line := output.readline(_LONGEST_LINE):
                on_line(time.time(), line.rstrip(b"\r\n").decode(errors="replace"))

    def _wait(self, on_exit: OnExit) -> None:
        code = self._process.wait()
        self.oom_killed = self._group.oom_kills() > 0
        self._group.remove()
        self._reader.join(_LAST_WORDS)
        self.kill()
        on_exit(128 - code if code < 0 else code)


def _process(spec: ContainerSpec, command: list[str], group: ControlGroup) -> subprocess.Popen[bytes]:
    """Start `pid1`, which joins the group before it starts the command; removes the group if that is impossible."""
    groups = [str(directory) for directory in group.directories]
    try:
        return subprocess.Popen(  # noqa: S603 - running commands is what this is for
            [sys.executable, "-I", "-S", str(_PID1), *groups, "--", *command],
            env=spec.full_environment(),
            cwd=spec.directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError:
        group.remove()
        raise


@dataclass
class ContainerHost:
    """The machine that containers run on: so many tasks or jobs at a time, the rest wait their turn, first come first.

    Attributes:
        loop: where turns are given and exits are told.
        max_containers: how many tasks or jobs run at a time; sidecars ride with theirs.
        enforcement: which of the limits of containers are in force.
        occupied: nothing more is admitted while it is.
    """

    loop: Loop
    max_containers: int
    enforcement: Enforcement = NOTHING_ENFORCED
    occupied: bool = False
    _waiting: deque[tuple[Hashable, Work]] = field(default_factory=deque)
    _admitted: set[Hashable] = field(default_factory=set)
    _running: set[Container] = field(default_factory=set)

    def admit(self, who: Hashable, go: Work) -> None:
        """Call `go` on the loop's thread when there is room for `who`; `leave` gives the room back."""
        self._waiting.append((who, go))
        self._fill()

    def leave(self, who: Hashable) -> None:
        """Give up the room, or the place in the queue; without effect if `who` has neither."""
        self._waiting = deque(entry for entry in self._waiting if entry[0] != who)
        self._admitted.discard(who)
        self._fill()

    @property
    def shortage(self) -> str:
        """Why nothing more is admitted; empty if there is room."""
        busy = self.max_containers if self.occupied else len(self._admitted)
        if busy < self.max_containers:
            return ""
        return f"{busy} of {self.max_containers} container slots are busy"

    def start(self, spec: ContainerSpec, on_line: OnLine, on_exit: OnExit) -> Container:
        """Start a container; `on_exit` comes on the loop's thread.

        Raises:
            CannotStartContainerError: it cannot be run.
        """

        def ended(code: int) -> None:
            def tell() -> None:
                self._running.discard(container)
                on_exit(code)

            self.loop.post(tell)

        container = Container(spec, on_line, ended, self.enforcement)
        self._running.add(container)
        return container

    def occupy(self) -> None:
        """Leave no room for those that wait, as if others had it all."""
        self.occupied = True

    def vacate(self) -> None:
        """Give it back."""
        self.occupied = False
        self._fill()

    def close(self) -> None:
        """Kill everything; returns when nothing runs any more. Nothing is admitted afterwards."""
        with self.loop.changed:
            self._waiting.clear()
            self.max_containers = 0
            running = list(self._running)
        for container in running:
            container.kill()
        for container in running:
            container.join()

    def _fill(self) -> None:
        while self._waiting and not self.occupied and len(self._admitted) < self.max_containers:
            who, go = self._waiting.popleft()
            self._admitted.add(who)
            self.loop.post(go)
