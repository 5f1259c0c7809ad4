"""Answers that are not what they should be: made out of the honest ones."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

#: The members of answers that are lists of tasks or jobs.
_LISTS = ("tasks", "jobs", "taskArns", "jobSummaryList", "clusters", "failures", "errors")


def says(body: bytes) -> Callable[[bytes], bytes]:
    """This, whatever was asked."""
    return lambda _: body


def _changed(change: Callable[[dict[str, Any]], None]) -> Callable[[bytes], bytes]:
    def alter(body: bytes) -> bytes:
        document = json.loads(body)
        change(document)
        return json.dumps(document).encode()

    return alter


def _nonsense(document: dict[str, Any]) -> None:
    for name in document:
        document[name] = 7


def _hollow(document: dict[str, Any]) -> None:
    for name, value in document.items():
        document[name] = [{} for _ in value] if isinstance(value, list) else {}


def _doubled(document: dict[str, Any]) -> None:
    for name in _LISTS:
        if name in document:
            document[name] = document[name] * 2


def _reversed(document: dict[str, Any]) -> None:
    for name in _LISTS:
        if name in document:
            document[name] = document[name][::-1]


def _unknown(document: dict[str, Any]) -> None:
    if "failures" in document:
        document["failures"] = [{"arn": task["taskArn"], "reason": "MISSING"} for task in document["tasks"]]
        document["tasks"] = []
        return
    for name in _LISTS:
        if name in document:
            document[name] = []


#: Its members are of another type.
nonsense = _changed(_nonsense)
#: Its lists are of things that have nothing in them.
hollow = _changed(_hollow)
#: It says everything twice.
doubled = _changed(_doubled)
#: It says everything in the contrary order.
backwards = _changed(_reversed)
#: It knows of nothing that was asked for, or lists nothing.
unknown = _changed(_unknown)


def stale(kept: int = 2) -> Callable[[bytes], bytes]:
    """What was answered some calls before: as if answers had overtaken each other, and came twice."""
    before: list[bytes] = []

    def alter(body: bytes) -> bytes:
        before.append(body)
        return before[max(0, len(before) - 1 - kept)]

    return alter
