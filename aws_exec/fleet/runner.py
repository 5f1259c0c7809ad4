"""The result of a task in the log of Airflow's runner; AWS knows only the container's exit code.

The runner (`airflow.sdk.execution_time`, Airflow 3.1 to 3.4) prints one JSON object per line. It exits with 0 if the
task's own process was killed, and with 1 if the API server refused to start the task.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from signal import Signals
from typing import Any, Final

#: The API server's answer to a container whose task instance must not run (`invalid_state`, 409), in a traceback.
_REFUSED: Final = re.compile(r"invalid_state")
_PREVIOUS: Final = re.compile(r"previous_state\W{1,8}(\w+)")
#: States of a task instance that needs no container; `running` means that another container runs it.
_ENDED: Final = frozenset({"failed", "success", "skipped", "removed", "upstream_failed"})
_FINISHED: Final = ("Workload finished", "Task finished")


def refused_state(lines: Iterable[str]) -> str:
    """Return the task instance's state when the API server refused to run its container; empty if it did not."""
    text = "\n".join(lines)
    found = _PREVIOUS.search(text) if _REFUSED.search(text) else None
    return found[1] if found is not None and found[1] in _ENDED else ""


def killed_by(lines: Iterable[str]) -> str:
    """Return the signal that ended the task's own process, as `SIGKILL`; empty if none did, or unknown."""
    for line in reversed(list(lines)):
        code = _record(line).get("exit_code")
        if isinstance(code, int) and _record(line).get("event") in _FINISHED:
            return next((signal.name for signal in Signals if signal == -code), "")
    return ""


def _record(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
