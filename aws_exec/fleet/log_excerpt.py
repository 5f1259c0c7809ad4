"""The lines of a log that show why a task failed. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aws_exec.fleet.log_records import Record, is_startup_text, parse_record

#: The lines of an excerpt.
LONGEST: Final = 10
_MARKERS: Final = ("::group::", "::endgroup::")


def excerpt(lines: Sequence[str]) -> list[str]:
    """Return the error, then the last of the other lines; what every container logs is left out.

    The error is the last exception that was logged, else the last error. Without one, as in the log of a container that
    failed before Airflow started, these are the last lines.
    """
    telling = [(line, record) for line in lines if not _is_noise(line, record := parse_record(line))]
    errors = [line for line, record in telling if record is not None and record.is_error and record.exceptions]
    errors = errors or [line for line, record in telling if record is not None and record.is_error]
    others = [line for line, _ in telling]
    if not errors:
        return others[-LONGEST:]
    del others[len(others) - 1 - others[::-1].index(errors[-1])]
    return [errors[-1], *others[1 - LONGEST :]]


def _is_noise(line: str, record: Record | None) -> bool:
    if record is None:
        return is_startup_text(line)
    says_nothing = not record.event.strip() and not record.exceptions
    return (
        says_nothing
        or record.is_startup
        or record.is_usage
        or record.is_probe
        or record.is_finish
        or record.event.startswith(_MARKERS)
    )
