"""Finding awsexec.yaml: `--config`, `$AWSEXEC_CONFIG`, the current directory, `$AIRFLOW_HOME`, in this order.

A file that is named must exist; one in the directories need not.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aws_exec.settings.file.positions import Complaint, FileError, Position
from aws_exec.settings.file.reading import NO_FILE, AwsexecFile, read_file
from aws_exec.settings.file.yaml_text import MOST_BYTES

VARIABLE = "AWSEXEC_CONFIG"
NAME = "awsexec.yaml"


def airflow_home(environment: Mapping[str, str]) -> Path:
    """Return the directory of Airflow's own files."""
    return Path(environment.get("AIRFLOW_HOME") or "~/airflow").expanduser()


def find_file(environment: Mapping[str, str], named: str | Path | None = None) -> Path | None:
    """Return the path of the awsexec.yaml in use; None if there is none.

    Args:
        environment: of the process.
        named: by `--config`.
    """
    if named or environment.get(VARIABLE):
        return Path(named or environment[VARIABLE])
    return next((path for path in (Path(NAME), airflow_home(environment) / NAME) if path.is_file()), None)


def read_bytes(path: Path) -> tuple[bytes, list[Complaint]]:
    """Return a file's content, up to the size that is parsed; and why it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1), []
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message = f"cannot be read: {reason}"
        return b"", [Complaint("file-unreadable", Position(str(path), 0, 0), message, "Name an existing file")]


def load_file(environment: Mapping[str, str], named: str | Path | None = None) -> AwsexecFile:
    """Return the awsexec.yaml in use; an empty one if there is none.

    Raises:
        FileError: it cannot be used, with all mistakes except in values of options.
    """
    path = find_file(environment, named)
    if path is None:
        return NO_FILE
    content, complaints = read_bytes(path)
    if not complaints:
        file, complaints = read_file(content, str(path), environment)
    if complaints:
        raise FileError(tuple(complaints))
    return file


_cached: dict[tuple[str, int, int], AwsexecFile] = {}


def cached_file(environment: Mapping[str, str]) -> AwsexecFile:
    """Return `load_file`, read again only if it has changed: a DAG file may use many templates.

    Raises:
        FileError: as `load_file`.
    """
    path = find_file(environment)
    if path is None:
        return NO_FILE
    try:
        stat = path.stat()
    except OSError:
        return load_file(environment)  # which raises why
    key = (str(path.absolute()), stat.st_mtime_ns, stat.st_size)
    if key not in _cached:
        file = load_file(environment)
        _cached.clear()  # only the file in use; two threads at worst both read it
        _cached[key] = file
        return file
    return _cached.get(key) or load_file(environment)
