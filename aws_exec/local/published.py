"""The running local AWS emulators of this user: what `awsexec local env` prints for a shell.

Each publishes the variables to export in a file of its own directory, which only its owner can read, and which is
removed with the emulator.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

#: The beginning of the names of the emulators' directories.
PREFIX = "awsexec-local-"
_FILE = "published.json"


def publish(directory: Path, environment: Mapping[str, str]) -> None:
    """Publish the variables of the emulator of this process, in its directory; replaces those of before."""
    draft = directory / f"{_FILE}.new"
    draft.write_text(json.dumps({"pid": os.getpid(), "environment": dict(environment)}), encoding="utf-8")
    draft.replace(directory / _FILE)


def published() -> list[dict[str, str]]:
    """Return the variables of each running emulator, the newest first."""
    found = [each for each in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{_FILE}") if _is_ours(each)]
    read = [_read(each) for each in sorted(found, key=lambda each: each.stat().st_mtime, reverse=True)]
    return [environment for environment in read if environment]


def _is_ours(path: Path) -> bool:
    """Return whether only this user can have written a file."""
    directory = path.parent.lstat()
    return directory.st_uid == os.getuid() and directory.st_mode & 0o077 == 0


def _read(path: Path) -> dict[str, str]:
    """Return the variables in a file; none if its emulator was killed or is just being closed."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        os.kill(document["pid"], 0)
    except OSError:
        return {}
    environment: dict[str, str] = document["environment"]
    return environment
