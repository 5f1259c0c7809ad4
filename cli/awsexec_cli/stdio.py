"""The standard streams, made ready once, before anything is read or written.

One that is closed (`>&-`) is /dev/null. What the encoding of an output has no letter for is escaped. Whoever reads may
go (`| head`), a disk may be full: nothing is raised for it, what is written goes nowhere, and the command exits with
what it finds out, as if it had been read. What would go on for the reader's sake alone asks `nobody_reads`.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any


class _Output(io.FileIO):
    """A file that may be written to, whatever becomes of it.

    Attributes:
        failure: why nothing arrives any more; None: all has arrived.
    """

    failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write, or from the first failure on throw away; that is of the number, and so of children too."""
        try:
            return super().write(data)
        except OSError as error:
            self.failure = error
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)
            return super().write(data)


def make_ready() -> None:
    """Replace what is missing or would raise; what is none of the process's own streams (a test's) is left alone."""
    for number, (name, mode) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            setattr(sys, name, _nowhere(number, mode))
    sys.stdout, sys.stderr = _patient(sys.stdout), _patient(sys.stderr)


def nobody_reads() -> bool:
    """Whether what is written to standard output goes nowhere."""
    return _failure() is not None


def lost() -> str:
    """Why data was lost, in words; empty if it was not, or if who read it has had enough."""
    error = _failure()
    return "" if error is None or isinstance(error, ConnectionError) else error.strerror or str(error)


def speaks_utf8() -> bool:
    """Whether standard output has a letter for everything."""
    return _is_utf8(sys.stdout)


def _failure() -> OSError | None:
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.failure if isinstance(raw, _Output) else None


def _nowhere(number: int, mode: str) -> Any:
    """A stream to nowhere; of that number, or the next file that is opened would be written to in its place."""
    opened = os.open(os.devnull, os.O_RDWR)  # the lowest that is free
    if opened == number:
        os.set_inheritable(opened, True)  # noqa: FBT003 - takes no keyword
    return open(opened, mode, encoding="utf-8", closefd=False)


def _patient(stream: Any) -> Any:
    if type(stream) is not io.TextIOWrapper or isinstance(getattr(stream.buffer, "raw", None), _Output):
        return stream
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Output(stream.fileno(), "wb", closefd=False)),
        encoding=stream.encoding,
        # A file's name that is no UTF-8 comes in by `surrogateescape`, and may go out so.
        errors=stream.errors if stream.errors != "strict" and _is_utf8(stream) else "backslashreplace",
        newline="\n",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _is_utf8(stream: Any) -> bool:
    return (stream.encoding or "utf-8").lower().replace("-", "").replace("_", "") == "utf8"
