"""One component of Airflow: a process, its log file, and how it ended."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from aws_exec.local.containers import Container, ContainerSpec

#: Lines of a log that are kept to explain an early end.
_LAST_LINES = 200

#: Lines of it that are shown, and characters of each.
_SHOWN = 8
_WIDEST = 300

#: What a container runtime, and a shell, says of a process that SIGKILL ended.
_KILLED = 128 + signal.SIGKILL


class Component:
    """A process of Airflow, contained as containers are: nothing of it outlives us."""

    def __init__(
        self,
        name: str,
        command: tuple[str, ...],
        environment: Mapping[str, str],
        directory: Path,
        log: Path,
    ) -> None:
        """Start it.

        Args:
            name: for messages.
            command: program and arguments.
            environment: besides the minimum that a container inherits.
            directory: where it runs.
            log: the file that its output is appended to.
        """
        self.name = name
        #: None while it runs.
        self.exit_code: int | None = None
        self._log = log
        self._asked_to_end = False
        self._last: deque[str] = deque(maxlen=_LAST_LINES)
        self._file = log.open("a", encoding="utf-8", buffering=1)
        spec = ContainerSpec(name, command, environment, directory, stop_timeout=0)
        self._process = Container(spec, self._line, self._ended)

    @property
    def died(self) -> bool:
        """Whether it ended although nobody asked it to."""
        return self.exit_code is not None and not self._asked_to_end

    def terminate(self) -> None:
        """Ask it to end."""
        self._asked_to_end = True
        self._process.terminate()

    def kill(self) -> None:
        """Kill all of it, now."""
        self._asked_to_end = True
        self._process.kill()

    def pause(self) -> None:
        """Stop all of it in its tracks."""
        self._process.pause()

    def resume(self) -> None:
        """Let it go on."""
        self._process.resume()

    def join(self) -> None:
        """Wait until all of it is gone."""
        self._process.join()

    def obituary(self) -> str:
        """What ended and how, in a line, and where its log is."""
        how = f"was killed (exit code {self.exit_code})" if self.killed else f"ended with exit code {self.exit_code}"
        return f"Airflow's {self.name} {how}; its log is {self._log}"

    def last_words(self) -> tuple[str, ...]:
        """The end of its log; empty if it was killed, and so could not say why."""
        lines = [line[:_WIDEST] for line in self._last if line.strip()]
        return () if self.killed else tuple(lines[-_SHOWN:])

    @property
    def killed(self) -> bool:
        """Whether SIGKILL ended it."""
        return self.exit_code == _KILLED

    def _line(self, _at: float, line: str) -> None:
        self._last.append(line)
        self._file.write(f"{line}\n")

    def _ended(self, code: int) -> None:
        self._file.close()
        self.exit_code = code
