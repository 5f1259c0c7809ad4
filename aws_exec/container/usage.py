"""The usage record: one line of JSON at the end of the container's log. Standard library only.

The members are documented in docs/container.md. The log is the store: `awsexec usage` reads the records back.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Mapping
from typing import Any

from aws_exec.container.cgroup import Cgroup
from aws_exec.container.outcome import Outcome, outcome_of

EVENT = "awsexec.usage"
#: Of the record: raised when a member changes its meaning; new members do not raise it.
VERSION = 1
#: Seconds for one question to the task metadata endpoint, which is on the same host.
_PATIENCE = 1.0
#: The identity, from the environment that the executor sets (`aws_exec.lifecycle.identity`).
_IDENTITY = ("deployment", "dag_id", "task_id", "run_id", "map_index", "try_number", "callback_id", "template")
_MIB = 1024 * 1024
#: vCPUs of the ECS agent's minimum for a container, 2 CPU units.
_LEAST_CPU = 2 / 1024
_NUMBERS = frozenset({"map_index", "try_number"})


def record(cgroup: Cgroup, started: float, known: Mapping[str, Any], exit_code: int | None) -> dict[str, Any]:
    """Return the usage record of this container; a member that is not known is None.

    Args:
        cgroup: of the container.
        started: when the container's first process began, in seconds since the epoch.
        known: the facts (`aws_exec.container.facts.Facts`); `user_code` and `state` are read.
        exit_code: of the container; None while it runs.
    """
    now = time.time()
    outcome = Outcome.DONE if exit_code == 0 else outcome_of(exit_code)
    task, container = _metadata()
    user, system, peak = _used(cgroup, is_final=exit_code is not None)
    # The container's `Limits.CPU` is in CPU units of 1,024 a vCPU, the task's in vCPUs (task metadata endpoint v4).
    # Where the container has no size of its own, the ECS agent shows 2 CPU units, its minimum, and 0 MiB.
    shares = _limit(container, "CPU", 1 / 1024)
    cpu = cgroup.cpu_limit() or _limit(task, "CPU") or (shares if shares and shares > _LEAST_CPU else None)
    memory = [cgroup.memory_limit(), _limit(container, "Memory", _MIB), _limit(task, "Memory", _MIB)]
    return {
        "event": EVENT,
        "version": VERSION,
        "timestamp": _iso(now),
        "final": exit_code is not None,
        **_identity(),
        "task_state": known.get("state"),
        "outcome": outcome.label if outcome is not None else None,
        "exit_code": exit_code,
        "started_at": _iso(started),
        "user_code_at": _iso(known["user_code"]) if "user_code" in known else None,
        "wall_seconds": round(now - started, 3),
        "source": cgroup.version or "getrusage",
        "cpu_user_seconds": user,
        "cpu_system_seconds": system,
        "cpu_limit": cpu,
        "throttled_seconds": cgroup.throttled_seconds(),
        "memory_peak_bytes": peak,
        "memory_limit_bytes": min((int(limit) for limit in memory if limit), default=None),
        "oom_kills": cgroup.oom_kills(),
        "pull_started_at": task.get("PullStartedAt"),
        "pull_stopped_at": task.get("PullStoppedAt"),
        "created_at": container.get("CreatedAt"),
        "container_started_at": container.get("StartedAt"),
        "arn": task.get("TaskARN"),
    }


def write(line: dict[str, Any], *, after_newline: bool) -> None:
    """Write a record to standard output, on a line of its own."""
    text = json.dumps(line, separators=(",", ":")) + "\n"
    os.write(sys.stdout.fileno(), (text if after_newline else "\n" + text).encode())


def _used(cgroup: Cgroup, *, is_final: bool) -> tuple[float | None, float | None, int | None]:
    """Return user and system CPU seconds, and the peak of memory in bytes.

    Without a cgroup of its own: of the processes that have ended, and the memory of the largest one; None before the
    task's have.
    """
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    of_children = (children.ru_utime, children.ru_stime) if is_final else (None, None)
    user, system = (None if each is None else round(each, 3) for each in cgroup.cpu_seconds() or of_children)
    peak = cgroup.memory_peak()
    return user, system, children.ru_maxrss * 1024 if peak is None and is_final else peak


def _identity() -> dict[str, Any]:
    found: dict[str, Any] = {"launch_id": os.environ.get("AWSEXEC_TOKEN", "").rpartition("-")[0] or None}
    for name in _IDENTITY:
        text = os.environ.get(f"AWSEXEC_{name.upper()}") or None
        is_number = name in _NUMBERS and text is not None and text.lstrip("-").isdecimal()
        found[name] = int(text) if is_number and text is not None else text
    return found


def _metadata() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the task metadata endpoint v4 says of the task, and of this container; empty where it is not."""
    endpoint = os.environ.get("ECS_CONTAINER_METADATA_URI_V4", "")
    return (_get(endpoint + "/task"), _get(endpoint)) if endpoint else ({}, {})


def _get(url: str) -> dict[str, Any]:
    # Imported here: the first process of the container is small until the task has ended.
    from urllib.request import ProxyHandler, build_opener

    try:
        # The endpoint is link-local: never by way of a proxy.
        with build_opener(ProxyHandler({})).open(url, timeout=_PATIENCE) as answer:
            document = json.load(answer)
    except Exception:  # noqa: BLE001 - an answer that is cut short, or is no HTTP, costs its members only
        return {}
    return document if isinstance(document, dict) else {}


def _limit(document: dict[str, Any], member: str, unit: float = 1) -> float | None:
    limits = document.get("Limits")
    value = limits.get(member) if isinstance(limits, dict) else None
    return value * unit if isinstance(value, int | float) and value > 0 else None


def _iso(seconds: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03d}Z"
