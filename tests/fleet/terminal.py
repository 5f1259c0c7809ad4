"""A terminal with `awsexec` or a shell in it, as a person has one: what is typed, what is shown, Ctrl-C."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import Self

from tests.fleet.shell import environment
from tests.tree import ROOT

#: The terminal becomes the one whose Ctrl-C interrupts this process.
_PROGRAM = """
import fcntl, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from awsexec_cli.app import main
main()
"""
#: Runs a line of the shell in the same way.
SHELL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp("bash", ["bash", "-c", sys.argv[1]])
"""
_PATIENCE = 60.0
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")

CTRL_C = "\x03"


class Terminal:
    """Runs one command; a context manager.

    Args:
        arguments: of the command.
        columns: width of the terminal.
        program: Python code that runs the command.
        folder: the current one.
        given: environment variables.
    """

    def __init__(
        self, *arguments: str, columns: int = 120, program: str = _PROGRAM, folder: Path = ROOT, **given: str
    ) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            cwd=folder,
            env=environment(TERM="xterm-256color", **given),
        )
        os.close(slave)
        self.raw = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._master)

    @property
    def text(self) -> str:
        """All that was shown so far, without colours and movements."""
        return _CONTROL.sub("", self.raw)

    def shows(self, text: str, *, after: int = 0) -> int:
        """Wait until a text is shown; how much had been by then, for the next `after`."""
        while text not in self.text[after:]:
            if not self._read():
                raise AssertionError(f"ended without {text!r}:\n{self.text}")
        return len(self.text)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def ends(self) -> int:
        """Wait for the end of the command; its exit code."""
        while self._read():
            pass
        return self._process.wait(_PATIENCE)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._master], [], [], _PATIENCE)
        if not ready:
            raise AssertionError(f"nothing more was shown after:\n{self.text}")
        try:
            found = os.read(self._master, 65536)
        except OSError:  # Linux: the last one who had it open is gone
            return False
        self.raw += found.decode(errors="replace")
        return bool(found)
