"""The identity of a job from its environment, tags, command line or name. Pure.

Jobs of the Amazon provider's executors carry no identity of ours: the workload in JSON on their command line names the
task instance (`airflow.sdk.execution_time.execute_workload --json-string`, provider 9.x).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aws_exec.container.bootstrap import STORED
from aws_exec.lifecycle.identity import Identity, from_environment, from_tags

_OPTION = "--json-string"
#: The token in the name of a Batch job and the rest, whatever the prefix (`aws_exec.lifecycle.job_name`).
_NAME = re.compile(r"-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}-\d+)(?:-([\w-]*))?$", re.IGNORECASE | re.ASCII)
#: `airflow tasks run DAG TASK RUN`: older executors.
_RUN = ["airflow", "tasks", "run"]


def environment_of(pairs: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return environment variables or tags, which ECS and Batch list, as a dictionary."""
    return {str(pair.get("name", pair.get("key", ""))): str(pair.get("value", "")) for pair in pairs}


def in_container(container: Mapping[str, Any]) -> Identity | None:
    """Return the identity in a container's environment or command line; None if it is not Airflow's."""
    pairs = container.get("environment")
    found = from_environment(environment_of(pairs)) if pairs else None
    return found or in_command(container.get("command") or ())


def in_tags(tags: Mapping[str, str]) -> Identity | None:
    """Return the identity in tags."""
    return from_tags(tags)


def in_command(command: Sequence[str]) -> Identity | None:
    """Return the identity in the workload of a command line, without token and deployment."""
    words = [str(word) for word in command]
    if _OPTION in words[:-1]:
        return _of_workload(words[words.index(_OPTION) + 1])
    if words[: len(_RUN)] == _RUN and len(words) >= len(_RUN) + 3:
        dag_id, task_id, run_id = words[len(_RUN) : len(_RUN) + 3]
        index = words[words.index("--map-index") + 1] if "--map-index" in words[:-1] else "-1"
        return Identity("", "", dag_id, task_id, run_id, index)
    return None


def is_stored(containers: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether the command of one of these containers fetches the workload from a store."""
    return any(STORED in (container.get("command") or ())[-3:-2] for container in containers)


def in_name(name: str) -> Identity | None:
    """Return the identity in the name of a Batch job: token, DAG and task; None if it is not one of our names."""
    found = _NAME.search(name)
    if found is None:
        return None
    dag_id, _, task_id = (found[2] or "").partition("-")
    return Identity("", found[1], dag_id, task_id)


def _of_workload(text: str) -> Identity | None:
    try:
        workload = json.loads(text)
    except ValueError:
        return None
    if not isinstance(workload, Mapping):
        return None
    ti, callback = workload.get("ti"), workload.get("callback")
    if isinstance(ti, Mapping):
        names = ("dag_id", "task_id", "run_id", "map_index", "try_number")
        named = {name: str(ti[name]) for name in names if ti.get(name) is not None}
        return Identity("", "", **{"map_index": "-1", **named})
    if isinstance(callback, Mapping):
        return Identity("", "", callback_id=str(callback.get("id", "")))
    return None
