"""Where a trace function may raise what a signal or an error would, for tests that interrupt code at each line."""

from __future__ import annotations

import linecache


def is_spared(frame):
    """Whether no exception can be from here: it is not the line's first step, in a `with` or a comprehension.

    The instruction that a trace function interrupts there is none that the interpreter unwinds: the lock of a `with`
    around an inlined comprehension stays locked (Python 3.12 and 3.13).
    """
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    is_comprehension = " for " in f" {line}" and not line.endswith(":")
    if not (is_comprehension or line.startswith("with ")):
        return False
    return frame.f_lasti != min(start for start, _, number in frame.f_code.co_lines() if number == frame.f_lineno)
