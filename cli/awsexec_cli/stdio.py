"""The standard streams, replaced once at the start so that writing to them never raises.

A closed stream (`>&-`) becomes /dev/null. Characters that an output's encoding lacks are escaped. If the reader of a
pipe exits (`| head`) or the disk is full, later output goes nowhere, and the exit code is the same as if it had been
read. A command that only prints stops early if `reader_is_gone`.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any


class _Output(io.FileIO):
    """A file whose `write` never raises.

    Attributes:
        failure: the first error of a write; None if there was none.
    """

    failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write; from the first failure on, discard, also what child processes write."""
        try:
            return super().write(data)
        except OSError as error:
            self.failure = error
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)
            return super().write(data)


def make_ready() -> None:
    """Replace streams that are missing or may raise; streams that are not the process's own (in tests) stay."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            setattr(sys, name, _nowhere(number, mode))
    sys.stdout, sys.stderr = _unfailing(sys.stdout), _unfailing(sys.stderr)


def reader_is_gone() -> bool:
    """Return whether standard output goes nowhere."""
    return _failure() is not None


def write_failure() -> str:
    """Return why data was lost; empty if none was, or if the reader closed the pipe."""
    error = _failure()
    return "" if error is None or isinstance(error, ConnectionError) else error.strerror or str(error)


def _failure() -> OSError | None:
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.failure if isinstance(raw, _Output) else None


def _nowhere(number: int, mode: str) -> Any:
    """Open /dev/null as this descriptor, so that the next file to be opened does not get its number."""
    opened = os.open(os.devnull, os.O_RDWR)  # the lowest free descriptor
    if opened == number:
        os.set_inheritable(opened, True)  # noqa: FBT003 - takes no keyword
    return open(opened, mode, encoding="utf-8", closefd=False)


def _unfailing(stream: Any) -> Any:
    if type(stream) is not io.TextIOWrapper or isinstance(getattr(stream.buffer, "raw", None), _Output):
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Output(stream.fileno(), "wb", closefd=False)),
        encoding=stream.encoding,
        # A file name that is not UTF-8 is read with `surrogateescape`, and is written the same way.
        errors=stream.errors if stream.errors != "strict" and is_utf8(stream) else "backslashreplace",
        newline="\n",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def is_utf8(stream: Any) -> bool:
    """Return whether a stream can encode every character."""
    return (stream.encoding or "utf-8").lower().replace("-", "").replace("_", "") == "utf8"
